"""Compact sets of secrets: words, names, addresses and numbers as keyed 64-bit hashes, made and looked up by arrays.

Rule 1: a set holds eight bytes an entry under a key that this object alone has; nothing in it can be read back.
Rule 2: a false "known" has a chance of entries x questions / 2**64; a false "unknown" has none.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_WORD_BITS: Final = 64
_PENDING: Final = 1 << 20
_FEWEST_BITS: Final = 20
_MOST_BITS: Final = 27


class Hasher:
    """Hashes of stretches of bytes: equal bytes, equal hash, wherever they stand. The key lives in this object."""

    def __init__(self) -> None:
        base = int.from_bytes(secrets.token_bytes(8), "little") | 5
        self._base = np.uint64(base - base % 8 + 5)
        self._inverse = np.uint64(pow(int(self._base), -1, 1 << _WORD_BITS))
        self.factor = np.uint64(int.from_bytes(secrets.token_bytes(8), "little") | 1)
        self._powers = self._inverses = np.ones(1, np.uint64)

    def spans(self, data: Bytes, starts: Ints, ends: Ints) -> Hashes:
        """One hash for each `data[start:end]`."""
        if not len(starts):
            return np.zeros(0, np.uint64)
        powers, inverses = self._grown(len(data))
        sums = np.zeros(len(data) + 1, np.uint64)
        np.cumsum((data.astype(np.uint64) + np.uint64(1)) * powers, out=sums[1:])
        return mix((sums[ends] - sums[starts]) * inverses[starts])

    def texts(self, values: Sequence[str]) -> Hashes:
        """One hash for each text; the same as `spans` gives for its UTF-8 bytes."""
        raw = [value.encode("utf-8", "replace") for value in values]
        lengths = np.fromiter((len(one) for one in raw), np.int64, len(raw))
        ends = np.cumsum(lengths)
        return self.spans(np.frombuffer(b"".join(raw), np.uint8), ends - lengths, ends)

    def chain(self, *words: Hashes) -> Hashes:
        """One hash for each sequence of words, given column by column."""
        found = words[0]
        for word in words[1:]:
            found = found * self.factor + word
        return mix(found)

    def _grown(self, size: int) -> tuple[Hashes, Hashes]:
        if len(self._powers) < size:
            self._powers, self._inverses = (_table(base, size + size // 4) for base in (self._base, self._inverse))
        return self._powers[:size], self._inverses


class HashSet:
    """A set of hashes that grows by arrays and answers for arrays."""

    def __init__(self) -> None:
        self._sorted = np.zeros(0, np.uint64)
        self._new: list[Hashes] = []
        self._waiting = 0
        self._bits = np.zeros(1, np.bool_)
        self._shift = np.uint64(_WORD_BITS - 1)

    def add(self, hashes: Hashes) -> None:
        """Take hashes in."""
        if not len(hashes):
            return
        self._new.append(hashes)
        self._waiting += len(hashes)
        if self._waiting > _PENDING:
            self._settle()

    def __len__(self) -> int:
        self._settle()
        return len(self._sorted)

    @property
    def nbytes(self) -> int:
        """What the set occupies."""
        self._settle()
        return self._sorted.nbytes + self._bits.nbytes

    def has(self, hashes: Hashes) -> Mask:
        """Which of `hashes` are in the set."""
        self._settle()
        if not len(self._sorted) or not len(hashes):
            return np.zeros(len(hashes), np.bool_)
        known: Mask = self._bits[hashes >> self._shift]
        asked = np.flatnonzero(known)
        at = np.searchsorted(self._sorted, hashes[asked])
        known[asked] = self._sorted[np.minimum(at, len(self._sorted) - 1)] == hashes[asked]
        return known

    def _settle(self) -> None:
        if not self._new:
            return
        self._sorted = np.unique(np.concatenate([self._sorted, *self._new]))
        self._new, self._waiting = [], 0
        size = min(max((8 * len(self._sorted)).bit_length(), _FEWEST_BITS), _MOST_BITS)
        self._shift = np.uint64(_WORD_BITS - size)
        self._bits = np.zeros(1 << size, np.bool_)
        self._bits[self._sorted >> self._shift] = True


def mix(hashes: Hashes) -> Hashes:
    """Spread every bit over the whole word (the finalizer of splitmix64)."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))


def _table(base: np.uint64, size: int) -> Hashes:
    steps = np.full(size, base, np.uint64)
    steps[0] = 1
    return np.multiply.accumulate(steps)
