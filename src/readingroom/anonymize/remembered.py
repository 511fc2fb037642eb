# ruff: noqa: PLR0917 - kernels: numba takes arrays by position
"""What checks have said of texts, remembered over blocks: mails repeat their numbers and signatures.

Rule 1: no text is kept, only a hash with secrets of this process (same.py), and what was found (places and kinds).
Rule 2: bounded: a memory that is full is emptied.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import numpy as np

from readingroom.anonymize.kernels import I32, I64, U64, kernel, signed
from readingroom.anonymize.same import hash_texts, tell_apart, texts_of
from readingroom.anonymize.spans import FINDING
from readingroom.anonymize.tokens import Records
from readingroom.anonymize.views import Letters

Row = tuple[int, int, int]  # start and end in the text, kind
MOST = 1 << 16


@kernel
def _recall(keys: U64, numbers: I64, hashes: U64, out: I64) -> int:
    """The number of each hash, -1 where it is new; how many are new."""
    mask = np.uint64(len(keys) - 1)
    fresh = 0
    for i in range(len(hashes)):
        slot = (hashes[i, 0] >> np.uint64(1)) & mask
        out[i] = -1
        while keys[slot, 0] != 0:
            if keys[slot, 0] == hashes[i, 0] and keys[slot, 1] == hashes[i, 1]:
                out[i] = numbers[slot]
                break
            slot = (slot + np.uint64(1)) & mask
        fresh += 1 if out[i] < 0 else 0
    return signed(fresh)


@kernel
def _keep(keys: U64, numbers: I64, hashes: U64, first: int) -> None:
    """Number hashes, which are new, from `first` on."""
    mask = np.uint64(len(keys) - 1)
    for i in range(len(hashes)):
        slot = (hashes[i, 0] >> np.uint64(1)) & mask
        while keys[slot, 0] != 0:
            slot = (slot + np.uint64(1)) & mask
        keys[slot, 0], keys[slot, 1] = hashes[i, 0], hashes[i, 1]
        numbers[slot] = first + i


class Remembered:
    """A check of a text and its salt that is asked once for each, as long as its answer is remembered."""

    def __init__(self, ask: Callable[[int, bytes], Iterable[Row]], most: int = MOST, *, cased: bool = False) -> None:
        self._ask = ask
        self._most = most
        self._cased = cased
        self._lock = threading.Lock()
        self._forget(most)

    def _forget(self, room: int) -> None:
        size = 16
        while size < 2 * room:
            size *= 2
        self._keys, self._numbers = np.zeros((size, 2), np.uint64), np.empty(size, np.int64)
        self._borders: I64 = np.zeros(1, np.int64)
        self._rows: I32 = np.zeros((0, 3), np.int32)

    def __call__(self, letters: Letters, spans: Records, salts: I64) -> Records:
        """What the check says of each of `spans`, as findings, in their order."""
        if not len(spans):
            return np.empty(0, FINDING)
        hashes = hash_texts(letters, spans, salts.astype(np.uint64), cased=self._cased)
        with self._lock:
            numbers = self._numbered(letters, spans, salts, hashes)
            counts = (self._borders[numbers + 1] - self._borders[numbers]).astype(np.int64)
            index = np.repeat(self._borders[numbers] - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
            rows = self._rows[index]
        start = np.repeat(spans["start"], counts)
        made = np.empty(len(rows), FINDING)
        made["start"], made["end"] = start + rows[:, 0], start + rows[:, 1]
        made["kind"], made["entry"] = rows[:, 2], -1
        return made

    def __len__(self) -> int:
        return len(self._borders) - 1

    def _numbered(self, letters: Letters, spans: Records, salts: I64, hashes: U64) -> I64:
        """The number of each text's answer; what is new is asked."""
        numbers = np.empty(len(spans), np.int64)
        if not _recall(self._keys, self._numbers, hashes, numbers):
            return numbers
        if len(self) + len(spans) > self._most:
            self._forget(max(self._most, len(spans)))
            numbers[:] = -1
        fresh = np.flatnonzero(numbers < 0)
        same = tell_apart(hashes[fresh])
        first = fresh[same.first]
        texts = texts_of(letters, spans[first], cased=self._cased).to_pylist()
        answers = [list(self._ask(salt, text)) for salt, text in zip(salts[first].tolist(), texts, strict=True)]
        _keep(self._keys, self._numbers, hashes[first], len(self))
        numbers[fresh] = len(self) + same.which
        borders = self._borders[-1] + np.cumsum([len(rows) for rows in answers])
        self._borders = np.concatenate([self._borders, borders])
        added = np.array([row for rows in answers for row in rows], np.int32).reshape(-1, 3)
        self._rows = np.concatenate([self._rows, added])
        return numbers
