# ruff: noqa: PLR0917 - kernels: numba takes arrays by position and compiles no sets
"""Words by distinct authors: what at least k of them use is the tenant's own vocabulary.

Rule 1: counts are of distinct authors, exact up to k; an unknown author (0) counts for nothing.
Rule 2: only keyed hashes of words and authors are held, and only of words that are not public.
Rule 3: a host name counts as a word of its own, so that whole hosts are shown or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.kernels import (
    BASE,
    U64,
    Table,
    empty_table,
    find,
    kernel,
    look_up,
    mix,
    place,
    secret_of,
    small_kernel,
)
from readingroom.anonymize.lexicon import FOREIGN, MARKUP_WORD, WORD, lexicon
from readingroom.anonymize.patterns import HOST, candidates
from readingroom.anonymize.reading import blocks, read
from readingroom.anonymize.tokens import Records, tokenize
from readingroom.anonymize.views import BLOB, Letters


class Counts(NamedTuple):
    """Per word: its key, how many distinct authors are known, and who they are."""

    keys: U64
    seen: npt.NDArray[np.uint8]
    authors: U64


@dataclass(frozen=True)
class Vocabulary:
    """The tenant's own words: a table of those that k distinct authors use."""

    table: Table
    words: int = 0

    def nbytes(self) -> int:
        """What it holds."""
        return int(self.table.keys.nbytes + self.table.values.nbytes)


def public_only() -> Vocabulary:
    """A vocabulary without words of the tenant's own."""
    return Vocabulary(empty_table(1), 0)


class AuthorWords:
    """Counts, per word, distinct authors up to k."""

    def __init__(self, k: int, key: bytes = b"") -> None:
        self.k = k
        self._secret = secret_of(key, b"author words")
        self._used = 0
        self._counts = self._room(1 << 12)

    def _room(self, size: int) -> Counts:
        return Counts(np.zeros(size, np.uint64), np.zeros(size, np.uint8), np.zeros((size, self.k), np.uint64))

    def add(self, author_hashes: npt.NDArray[np.uint64], cells: pa.LargeStringArray, markup: str) -> None:
        """Count the words of `cells` for their authors (0: author unknown, not counted)."""
        for start, block in blocks(pc.fill_null(cells, "")):
            letters, offsets, _ = read(block, markup)
            hashes, at = _words(letters)
            rows = np.searchsorted(offsets, letters.start[at], side="right") - 1
            authors = author_hashes[start + rows]
            rare = (look_up(lexicon(), hashes) & (WORD | FOREIGN | MARKUP_WORD) == 0) & (authors != 0)
            self._count(hashes[rare], authors[rare])

    def _count(self, hashes: U64, authors: U64) -> None:
        if 2 * (self._used + len(hashes)) > len(self._counts.keys):
            self._grow(len(hashes))
        self._used += _count_words(hashes, authors, self._counts, self._secret)

    def _grow(self, more: int) -> None:
        size = len(self._counts.keys)
        while size < 4 * (self._used + more):
            size *= 2
        old, self._counts = self._counts, self._room(size)
        _move(old, self._counts)

    def report(self) -> dict[str, int]:
        """How many words it counts, and what it holds for them (room to grow included)."""
        return {"words": self._used, "bytes": sum(array.nbytes for array in self._counts)}

    def build(self) -> Vocabulary:
        """The words with at least k distinct authors; the counter is empty afterwards."""
        enough = np.flatnonzero(self._counts.seen >= self.k)
        table = empty_table(len(enough), self._secret)
        _admit(self._counts.keys[enough], table)
        self._counts, self._used = self._room(16), 0
        return Vocabulary(table, len(enough))


def _words(letters: Letters) -> tuple[U64, npt.NDArray[np.int64]]:
    """The hashes of all words, of their parts and of hosts, with the letter where each begins."""
    tokens = tokenize(letters)
    parts, words = tokens.parts, tokens.words
    several = words["last"] - words["first"] > 1
    hosts = candidates(letters, parts)
    hosts = hosts[hosts["what"] == HOST]
    host_hashes = np.empty(len(hosts), np.uint64)
    hash_spans(letters, hosts, host_hashes)
    first = words["first"]
    whole = words["flags"] & BLOB == 0
    inside = np.repeat(several, words["last"] - first)
    hashes = np.concatenate([words["hash"][whole], parts["hash"][inside], host_hashes])
    at = np.concatenate([parts["start"][first[whole]], parts["start"][inside], hosts["start"]])
    return hashes, at.astype(np.int64)


@kernel
def hash_spans(letters: Letters, spans: Records, out: U64) -> None:
    """The polynomial hash of the folded letters of each span."""
    for i in range(len(spans)):
        h = np.uint64(0)
        for k in range(spans[i].start, spans[i].end):
            h = h * BASE + np.uint64(letters.folded[k]) + np.uint64(1)
        out[i] = h


@small_kernel
def _add_author(counts: Counts, slot: int, author: np.uint64) -> None:
    seen = counts.seen[slot]
    if seen >= counts.authors.shape[1]:
        return
    for k in range(seen):
        if counts.authors[slot, k] == author:
            return
    counts.authors[slot, seen] = author
    counts.seen[slot] = seen + 1


@kernel
def _count_words(hashes: U64, authors: U64, counts: Counts, secret: np.uint64) -> int:
    fresh = 0
    for i in range(len(hashes)):
        key = mix(hashes[i] ^ secret)
        if find(counts.keys, key) < 0:
            fresh += 1
        _add_author(counts, place(counts.keys, key), authors[i])
    return fresh


@kernel
def _move(old: Counts, new: Counts) -> None:
    for i in range(len(old.keys)):
        if old.keys[i] != 0:
            slot = place(new.keys, old.keys[i])
            new.seen[slot] = old.seen[i]
            for k in range(old.authors.shape[1]):
                new.authors[slot, k] = old.authors[i, k]


@kernel
def _admit(keys: U64, table: Table) -> None:
    for i in range(len(keys)):
        table.values[place(table.keys, keys[i])] = 1
