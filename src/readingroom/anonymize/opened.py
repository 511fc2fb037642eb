"""The text engine opened: finders from outside join in, and surrogates may stand where placeholders would.

Rule 1: it is the same pipeline (texts.TextEngine); nothing is found less than there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa
from typing_extensions import override

from readingroom.anonymize.finders import Finder
from readingroom.anonymize.hits import Named
from readingroom.anonymize.known import Known
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.rare import Vocabulary
from readingroom.anonymize.splice import Placeholders
from readingroom.anonymize.texts import Painted, TextEngine
from readingroom.anonymize.tokens import Records
from readingroom.anonymize.views import Letters


class Stand(Protocol):
    """Says what stands in the place of findings."""

    def shown(self, painted: Painted, named: Named) -> Placeholders:
        """A text for each finding."""
        ...


@dataclass(frozen=True)
class Extras:
    """What is added to the engine: finders, and what stands in for findings (None: placeholders)."""

    finders: Sequence[Finder] = ()
    stand: Stand | None = None


class OpenTextEngine(TextEngine):
    """A text engine with finders and stand-ins from outside."""

    def __init__(  # noqa: PLR0917 - what it is made of, as in TextEngine
        self, known: Known, vocabulary: Vocabulary, pseudonyms: Pseudonyms, tag_key: bytes, profile: str, extras: Extras
    ) -> None:
        super().__init__(known, vocabulary, pseudonyms, tag_key, profile)
        self._extras = extras

    @override
    def _added(self, block: pa.LargeStringArray, letters: Letters) -> list[Records]:
        return [finder.find(block, letters) for finder in self._extras.finders]

    @override
    def _shown(self, painted: Painted, named: Named) -> Placeholders:
        stand = self._extras.stand
        return named.placeholders if stand is None else stand.shown(painted, named)
