"""What the first passes leave for the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from readingroom.anonymize.pieces import Rewriter
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.risk import Suppression
from readingroom.anonymize.schema_names import PersonWords
from readingroom.anonymize.shared import SharedCells


@dataclass(frozen=True)
class Prepared:
    """Everything that the engine knows about the tenant, as keyed hashes, and the keys of the copy window."""

    texts: Rewriter
    pseudonyms: Pseudonyms
    tag_key: bytes
    counting_key: bytes
    shared: SharedCells
    suppressions: Mapping[str, Suppression]
    people: PersonWords
