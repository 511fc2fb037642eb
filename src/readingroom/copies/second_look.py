"""The second look: other code than the engine, judging every cell that the engine lets out (P14).

Rule 1: it shares no finder with the engine: own reading of columns, own normal form, own decoders, own patterns.
Rule 2: it knows identifiers as keyed hashes in memory only; a finding names table, column, kind and count.
Rule 3: it fails closed: whatever goes wrong in it is a Fault, which ends the copy; it never answers "nothing" for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import ahocorasick_rs
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.copies import look_patterns as patterns
from readingroom.copies.look_hashes import Bytes, Ints
from readingroom.copies.look_identifiers import Known, folded
from readingroom.copies.look_suspicions import Suspicions
from readingroom.copies.look_text import Block, blocks, normal, piece_ends, views
from readingroom.copies.look_words import Words, camel_words, find_words, known_sequences, spelled_words
from readingroom.copies.looks import LookFinding, LookResult
from readingroom.core.errors import Fault

SUSPICION: Final = "suspicion"
# what stands for something is no word and parts the words around it; cells of nothing else are not looked at
_PSEUDONYM: Final = r"\[[A-Z][A-Z_]*(?:_[0-9a-f]{8})?\]|\b[a-z]+_[0-9a-f]{12}\b"
_READABLE: Final = r"[0-9A-Za-z]|[^\x00-\x7f]"
_BLANKS: Final = re.compile(r"[^\S\0]+")

Hit = tuple[str, int]  # kind, cell


class SecondLook:
    """A second look at one copy: `learn` the tenant's raw identity tables, then `check` what the engine made."""

    def __init__(self, *, canaries: Sequence[str] = (), regions: tuple[str, ...] = ("US",)) -> None:
        self._known = Known()
        self._suspicions = Suspicions(self._known)
        self._regions = regions
        planted = sorted({_BLANKS.sub(" ", folded(canary)).strip() for canary in canaries} - {""})
        self._canaries = ahocorasick_rs.AhoCorasick(planted) if planted else None

    @property
    def nbytes(self) -> int:
        """What the identifiers occupy in memory."""
        return self._known.nbytes

    def learn(self, table: str, batch: pa.RecordBatch) -> None:
        """Take the raw identifiers of a batch, in memory only; Fault if it cannot be read."""
        with _Closed(table, "learning"):
            self._known.learn(table, batch)

    def check(self, table: str, batch: pa.RecordBatch) -> LookResult:
        """What must not be shown in a batch of output, and which rows may name somebody unknown."""
        with _Closed(table, "looking"):
            hard: list[LookFinding] = []
            rows: list[Ints] = []
            for name in batch.schema.names:
                column = _texts(batch.column(name))
                if column is not None:
                    found, suspicious = self._check_column(column)
                    hard += [LookFinding(table, name, kind, count) for kind, count in sorted(found.items())]
                    rows.append(suspicious)
            return LookResult(tuple(hard), np.unique(np.concatenate([np.zeros(0, np.int64), *rows])))

    def _check_column(self, column: pa.DictionaryArray) -> tuple[dict[str, int], Ints]:
        shown = pc.replace_substring_regex(column.dictionary, _PSEUDONYM, "[]")
        cells = np.flatnonzero(pc.match_substring_regex(shown, _READABLE).to_numpy(zero_copy_only=False))
        values = shown.take(pa.array(cells)).to_pylist()
        hits: dict[str, set[int]] = {}
        for block in blocks(values, cells):
            for view in views(block):
                for kind, cell in self._look(view):
                    hits.setdefault(kind, set()).add(cell)
        if not hits:
            return {}, np.zeros(0, np.int64)
        indices = pc.fill_null(column.indices, -1).to_numpy()
        rows = {kind: np.flatnonzero(np.isin(indices, sorted(found))) for kind, found in hits.items()}
        suspicious = rows.pop(SUSPICION, np.zeros(0, np.int64))
        return {kind: len(found) for kind, found in rows.items()}, suspicious

    def _look(self, view: Block) -> Iterator[Hit]:
        """The kinds found in one view of a block, each with its cell."""
        data = normal(view)
        scan = _Scan(view, data, np.frombuffer(data, np.uint8))
        yield from self._look_at_words(scan)
        yield from self._look_at_addresses(scan)
        yield from self._look_at_numbers(scan)
        if self._canaries is not None:
            text = _BLANKS.sub(" ", data.decode("utf-8", "replace").lower())
            ends = np.cumsum([len(piece) + 1 for piece in text.split("\0")])
            for _, start, _ in self._canaries.find_matches_as_indexes(text, overlapping=False):
                yield "canary", int(view.cells[np.searchsorted(ends, start, side="right")])

    def _look_at_words(self, scan: _Scan) -> Iterator[Hit]:
        known = self._known
        words = find_words(scan.data, known.hasher)
        yield from scan.hits("name", self._names(words))
        joined = known.joined.has(words.hashes)
        camel = camel_words(words)
        yield from scan.hits("name", [int(words.starts[word]) for word, _ in camel if joined[word]])
        apart = [*((text, int(words.starts[word])) for word, text in camel), *spelled_words(words)]
        if apart:
            cells = scan.cells([at for _, at in apart])
            for inner in blocks([text for text, _ in apart], cells):
                inner_scan = _Scan(inner, normal(inner), np.zeros(0, np.uint8))
                found = find_words(inner_scan.data, known.hasher)
                yield from inner_scan.hits("name", self._names(found))
        yield from scan.hits(SUSPICION, words.starts[self._suspicions.find(words)])
        yield from scan.hits(SUSPICION, words.starts[joined])

    def _names(self, words: Words) -> Ints:
        known = self._known
        found = known_sequences(words, known.hasher, parts=known.parts, plain=known.plain, turned=known.turned)
        starts: Ints = words.starts[found]
        return starts

    def _look_at_addresses(self, scan: _Scan) -> Iterator[Hit]:
        known, hasher = self._known, self._known.hasher
        for _, at in patterns.emails(scan.data, scan.raw):
            yield from scan.hits("email", [at])
        low = scan.data.lower()
        spoken = list(patterns.spoken_emails(low))
        if spoken:
            known_ones = known.emails.has(hasher.texts([address for address, _ in spoken]))
            yield from scan.hits("email", [spoken[number][1] for number in np.flatnonzero(known_ones)])
        guids = list(patterns.guids(scan.data, scan.raw))
        if guids:
            hashes = hasher.texts([guid for guid, _ in guids])
            for kind, chosen in (("id", known.records), ("email digest", known.digests)):
                yield from scan.hits(kind, [guids[at][1] for at in np.flatnonzero(chosen.has(hashes))])
        yield from scan.hits("iban", list(patterns.ibans(scan.data, scan.raw)))
        yield from scan.hits("ssn", list(patterns.ssns(low)))

    def _look_at_numbers(self, scan: _Scan) -> Iterator[Hit]:
        known, hasher = self._known, self._known.hasher
        found = list(patterns.clusters(scan.data, scan.raw))
        if not found:
            return
        yield from scan.hits("card", [one.start for one in found if patterns.is_card(one)])
        yield from scan.hits("phone", [one.start for one in found if patterns.is_phone(one, self._regions)])
        runs = [(run, one.start) for one in found for run in patterns.runs_of(one)]
        hashes = hasher.texts([run for run, _ in runs])
        for kind, chosen in (("phone", known.phones), ("number", known.numbers)):
            yield from scan.hits(kind, [runs[at][1] for at in np.flatnonzero(chosen.has(hashes))])


@dataclass
class _Scan:
    """One view of a block as bytes, and the way back from a position to a cell."""

    view: Block
    data: bytes
    raw: Bytes
    _ends: Ints | None = field(default=None)

    def cells(self, positions: Sequence[int] | Ints) -> Ints:
        """The cell of each position."""
        if self._ends is None:
            self._ends = piece_ends(np.frombuffer(self.data, np.uint8))
        cells: Ints = self.view.cells[np.searchsorted(self._ends, np.asarray(positions, np.int64))]
        return cells

    def hits(self, kind: str, positions: Sequence[int] | Ints) -> Iterator[Hit]:
        """A hit for each position."""
        if len(positions):
            for cell in np.unique(self.cells(positions)).tolist():
                yield kind, cell


class _Closed:
    """Turns every foreign error into a Fault without its text, which may quote a cell (rule 3)."""

    def __init__(self, table: str, doing: str) -> None:
        self._said = f"the second look failed, {doing} at table {table}"

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, Exception):
            raise Fault(f"{self._said}: {type(error).__name__}") from None


def _texts(column: pa.Array) -> pa.DictionaryArray | None:
    """A column of texts, dictionary-encoded; None for numbers, booleans and instants, which nobody is called by."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        return None
    return column.cast(pa.large_string()).dictionary_encode()
