"""The text engine (first version: interface only; it masks every cell whole)."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.known import Known
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.rare import Vocabulary

SPANS = pa.schema(
    [
        ("row", pa.int32()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("kind", pa.string()),
        ("tag", pa.binary(16)),
        ("role", pa.string()),
    ]
)


@dataclass(frozen=True)
class Rewritten:
    """Rewritten cells, where the placeholders stand (byte offsets in the output), and counts by kind."""

    cells: pa.LargeStringArray
    spans: pa.Table
    counts: dict[str, int] = field(default_factory=dict)


class TextEngine:
    """Rewrites columns of text so that nobody can be read in them."""

    def __init__(
        self, known: Known, vocabulary: Vocabulary, pseudonyms: Pseudonyms, tag_key: bytes, profile: str
    ) -> None:
        self.profile = profile

    def rewrite(self, cells: pa.LargeStringArray, *, markup: str, linked: pa.ListArray | None = None) -> Rewritten:
        """Rewrite `cells`; `linked` holds the tags of the records that each row is linked to."""
        masked = pc.if_else(
            pc.is_null(cells), pa.scalar(None, pa.large_string()), pa.scalar("[TEXT]", pa.large_string())
        )
        return Rewritten(masked, SPANS.empty_table())
