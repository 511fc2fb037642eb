"""The text engine: a column of text in; the column without anybody in it, where each placeholder stands, and counts.

The way of a block: read (views, html, decode) → open what is opaque (blobs) → tokens → find known identifiers
(matching), forms (patterns), words (names, rare), identifiers in words (worded), who is likely a person
(tagger) → paint (spans) → splice.

Rule 1: what fails, fails the column with an error that names nothing but the stage (rule 2 of the house).
Rule 2: the same cells, keys and known people give the same bytes.
Rule 3: what a finder finds is masked (P14); finders only add, none can take a finding back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.blobs import open_blobs
from readingroom.anonymize.forms import find_forms
from readingroom.anonymize.hits import SPANS, Hits, Identify, Named
from readingroom.anonymize.kernels import I32, I64, U8
from readingroom.anonymize.known import Known, KnownBuilder
from readingroom.anonymize.lexicon import lexicon
from readingroom.anonymize.linked import Near
from readingroom.anonymize.matching import match_known
from readingroom.anonymize.names import Evidence, Rules, judge, marks_of
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.rare import AuthorWords, Vocabulary
from readingroom.anonymize.reading import blocks, buffers, read
from readingroom.anonymize.sorting import of_matches, of_worded, of_words
from readingroom.anonymize.spans import KINDS, SECRET, findings, in_order, paint, seen_of
from readingroom.anonymize.splice import Placeholders, splice
from readingroom.anonymize.tag_features import see
from readingroom.anonymize.tag_words import find_tagged
from readingroom.anonymize.tagger import PERSON, Sight, probabilities, tagger
from readingroom.anonymize.textual import Column, text_cells
from readingroom.anonymize.tokens import Records, tokenize
from readingroom.anonymize.views import Letters
from readingroom.anonymize.worded import find_worded
from readingroom.core.errors import Fault, Refusal, UsageError

PROFILES = ("strict", "balanced")
MARKUPS = ("plain", "html", "url", "json-string")

__all__ = ["SPANS", "Painted", "Rewritten", "TextEngine"]


@dataclass(frozen=True)
class Rewritten:
    """Rewritten cells, where the placeholders stand (byte offsets in the output), and counts by kind."""

    cells: pa.LargeStringArray
    spans: pa.Table
    counts: dict[str, int] = field(default_factory=dict)


class Painted(NamedTuple):
    """A block's bytes and rows, its findings, the finding on each byte (below 0: none), and who stands for whom."""

    source: U8
    offsets: I64
    hits: Hits
    labels: I32
    owner: I32


class TextEngine:
    """Rewrites columns of text so that nobody can be read in them."""

    def __init__(  # noqa: PLR0917 - what it is made of, in the order in which it is made
        self, known: Known, vocabulary: Vocabulary, pseudonyms: Pseudonyms, tag_key: bytes, profile: str = "strict"
    ) -> None:
        if profile not in PROFILES:
            raise UsageError("a profile is strict or balanced")
        self.profile = profile
        self._known = known
        self._vocabulary = vocabulary
        self._rules = Rules(lexicon(), vocabulary.table, known.table, known.entries, profile == "strict")
        self._identify = Identify(known, pseudonyms, tag_key)

    def rewrite(self, cells: Column, *, markup: str, linked: pa.ListArray | None = None) -> Rewritten:
        """Rewrite `cells`, a column of texts of any type; `linked` holds the tags of the records linked to each row."""
        if markup not in MARKUPS:
            raise UsageError(f"markup is one of {', '.join(MARKUPS)}")
        cells = text_cells(cells)
        filled = pc.fill_null(cells, "") if cells.null_count else cells
        outputs: list[pa.LargeStringArray] = []
        tables: list[pa.Table] = []
        totals = np.zeros(len(KINDS), np.int64)
        for start, block in blocks(filled):
            near = None if linked is None else linked.slice(start, len(block))
            try:
                output, spans, shown = self._block(block, markup, near)
            except Refusal:  # a finder's, which names it and no content
                raise
            except Exception:  # noqa: BLE001 - whatever it is, its text may hold a cell's content
                raise Fault(f"the text engine failed on a block of {len(block)} cells ({markup})") from None
            outputs.append(output)
            tables.append(spans.set_column(0, "row", pc.add(spans["row"], pa.scalar(start, pa.int32()))))
            totals += shown
        if not outputs:
            return Rewritten(cells, SPANS.empty_table())
        output = pa.concat_arrays(outputs) if len(outputs) > 1 else outputs[0]
        if cells.null_count:
            output = pc.if_else(pc.is_valid(cells), output, pa.scalar(None, pa.large_string()))
        return Rewritten(output, pa.concat_tables(tables).combine_chunks(), _by_name(totals))

    def look(
        self, block: pa.LargeStringArray, markup: str, linked: pa.ListArray | None = None, *, quasi: bool = False
    ) -> Painted:
        """What stands in a block of filled cells, painted on its bytes: what `rewrite` masks and `detecting` tells.

        With `quasi`, also places, organizations and dates that nobody of the tenant is known by.
        """
        letters, offsets, cuts = read(block, markup)
        letters, opaque = open_blobs(letters)
        tokens = tokenize(letters)
        matches = match_known(letters, tokens, self._known)
        near = self._identify.near(linked, matches, letters=letters, offsets=offsets)
        source = buffers(block)[0]
        sight = Sight(letters, source, tokens, marks_of(tokens, self._rules))
        added = self._added(block, letters)
        found = in_order([*added, *self._find(sight, near, quasi=quasi), of_matches(matches), self._opaque(opaque)])
        labels, owner = paint(letters, found, cuts, len(source), solid=markup != "html")
        hits = Hits(letters, found, seen_of(letters, found, labels, owner), near)
        return Painted(source, offsets, hits, labels, owner)

    def _block(
        self, block: pa.LargeStringArray, markup: str, linked: pa.ListArray | None
    ) -> tuple[pa.Array, pa.Table, I64]:
        painted = self.look(block, markup, linked)
        named = self._identify.name(painted.hits)
        output, written = splice(painted.source, painted.offsets, painted.labels, self._shown(painted, named))
        return output, named.spans(written, painted.owner), named.counts(written, painted.owner)

    def _added(self, block: pa.LargeStringArray, letters: Letters) -> list[Records]:  # noqa: ARG002 - for opened.py
        """What finders from outside this package find in a block; none here."""
        return []

    def _shown(self, painted: Painted, named: Named) -> Placeholders:  # noqa: ARG002 - for opened.py
        """What stands in the place of each finding."""
        return named.placeholders

    def _find(self, sight: Sight, near: Near, *, quasi: bool) -> list[Records]:
        """What the words and forms of the view give away."""
        letters, source, tokens, marks = sight
        strict = self._rules.strict
        seen = see(letters, source, tokens, marks, quiet=False)
        chance = probabilities(seen, tagger())
        return [
            find_tagged(sight, seen, chance, strict=strict, quasi=quasi),
            of_words(judge(letters, tokens, Evidence(marks, chance[:, PERSON]), self._rules, near)),
            of_worded(find_worded(letters, tokens, marks, self._rules)),
            find_forms(letters, tokens, self._vocabulary, strict=strict),
        ]

    def _opaque(self, opaque: Records) -> Records:
        """Opaque tokens are not shown in strict, whatever they hold."""
        opaque = opaque if self._rules.strict else opaque[:0]
        return findings(opaque, np.full(len(opaque), SECRET), np.full(len(opaque), -1))


def warm_up() -> None:
    """Compile every kernel that is not in the cache yet (some seconds once per installation)."""
    cells = pa.array(["<p>Ada 1</p>"], pa.large_string())
    words = AuthorWords(5)
    words.add(np.ones(1, np.uint64), cells, "html")
    engine = TextEngine(KnownBuilder(b"", b"").build(), words.build(), Pseudonyms(b""), b"")
    for markup in MARKUPS:
        engine.rewrite(cells, markup=markup)


def _by_name(totals: I64) -> dict[str, int]:
    """Counts by the names of kinds; several kinds share one."""
    counts: dict[str, int] = {}
    for name, count in zip(KINDS, totals.tolist(), strict=True):
        if count:
            counts[name] = counts.get(name, 0) + count
    return counts
