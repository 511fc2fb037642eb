"""Codes and places that many people share: a text cell that is kept is shown only if at least k subjects have it.

Rule 1: state is keyed hashes of cells and, for each, of at most k subjects.
Rule 2: a cell that was never counted is not shared (empty means no).
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from readingroom.anonymize.as_text import as_text

RARE = "[RARE]"
Hashes = npt.NDArray[np.uint64]


def hashes(key: bytes, cells: pa.Array) -> Hashes:
    """A keyed 64-bit hash for each cell; 0 for null and for the empty text. Unique cells are hashed once."""
    encoded = as_text(cells).dictionary_encode()
    unique = np.zeros(len(encoded.dictionary) + 1, np.uint64)
    for index, value in enumerate(encoded.dictionary.to_pylist()):
        unique[index] = hash_one(key, value)
    indices = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    found: Hashes = unique[indices]
    return found


def hash_one(key: bytes, value: str) -> int:
    """The keyed hash of one cell, without regard to case and outer blanks; 0 for nothing."""
    text = value.strip().casefold()
    if not text:
        return 0
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key[:64], digest_size=8, person=b"shared")
    return int.from_bytes(digest.digest(), "little") or 1


class SharedCells:
    """Counts, for each cell of each column, distinct subjects up to k."""

    def __init__(self, key: bytes, k: int) -> None:
        self._key, self._k = key, k
        self._few: dict[str, dict[int, set[int]]] = {}
        self._enough: dict[str, set[int]] = {}

    def add(self, column: str, cells: pa.Array, *, subjects: Hashes) -> None:
        """Count the subjects (0: unknown, not counted) of the cells of `column` (`table.column`, or `place`)."""
        values = hashes(self._key, cells)
        pairs = np.unique(np.stack([values, subjects], axis=1)[(values != 0) & (subjects != 0)], axis=0)
        if not len(pairs):
            return
        enough = self._enough.setdefault(column, set())
        few = self._few.setdefault(column, {})
        starts = np.flatnonzero(np.r_[True, pairs[1:, 0] != pairs[:-1, 0]])
        for start, end in zip(starts, np.r_[starts[1:], len(pairs)], strict=True):
            value = int(pairs[start, 0])
            if value in enough:
                continue
            seen = few.setdefault(value, set())
            seen.update(int(subject) for subject in pairs[start : min(end, start + self._k), 1])
            if len(seen) >= self._k:
                enough.add(value)
                del few[value]

    def mask(self, column: str, cells: pa.Array) -> npt.NDArray[np.bool_]:
        """True where at least k subjects have that cell."""
        enough = np.array(sorted(self._enough.get(column, ())), np.uint64)
        return np.isin(hashes(self._key, cells), enough)

    def has(self, column: str, value: str) -> bool:
        """Whether at least k subjects have `value` in `column`."""
        return hash_one(self._key, value) in self._enough.get(column, ())

    @property
    def size(self) -> int:
        """Distinct cells that are counted."""
        return sum(map(len, self._few.values())) + sum(map(len, self._enough.values()))
