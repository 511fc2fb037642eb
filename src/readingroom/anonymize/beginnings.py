# ruff: noqa: PLR0917 - kernels: numba takes arrays by position and compiles no sets
"""How known spellings begin: a bitmap that says of most words at once that no spelling begins with them.

A spelling sets a bit for its first 3, 5 and 8 letters, and one for all of it: the table of spellings, which is larger
than any cache, is asked only where that one is set.

Rule 1: it never says no of a beginning that is there; of others it rarely says yes.
Rule 2: bits are set by keyed hashes; no spelling can be read back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from readingroom.anonymize.kernels import BASE, I64, U8, U64, kernel, small_kernel

U32 = npt.NDArray[np.uint32]
SHORT, MIDDLE, LONG = 3, 5, 8  # letters of a beginning
BITS_EACH = 6
WHOLE = np.uint64(0xA0761D6478BD642F)  # joined to the hash of a whole spelling: `tone` is no beginning of four letters
_SPREAD = np.uint64(0xD6E8FEB86659FD93)


class Beginnings(NamedTuple):
    """The bits, and what is joined to a hash before it is spread."""

    bits: U8
    secret: np.uint64


@small_kernel
def _spot(h: np.uint64, secret: np.uint64) -> np.uint64:
    return ((h ^ secret) * _SPREAD) >> np.uint64(32)


@small_kernel
def may_begin(known: Beginnings, h: np.uint64) -> bool:
    """Whether a spelling may begin with the letters of a polynomial hash, or with WHOLE joined to it, be these."""
    spot = _spot(h, known.secret) & np.uint64(8 * len(known.bits) - 1)
    return bool((known.bits[spot >> np.uint64(3)] >> (spot & np.uint64(7))) & 1)


@kernel
def _write_spots(data: U8, offsets: I64, secret: np.uint64, out: U32) -> int:
    count = 0
    for i in range(len(offsets) - 1):
        h = np.uint64(0)
        for k in range(min(offsets[i + 1] - offsets[i], LONG)):
            h = h * BASE + np.uint64(data[offsets[i] + k]) + np.uint64(1)
            if k + 1 == SHORT or k + 1 == MIDDLE or k + 1 == LONG:
                out[count] = _spot(h, secret)
                count += 1
    return count


def spots_of(data: U8, offsets: I64, secret: np.uint64) -> U32:
    """Where the beginnings of some spellings set their bits, each once."""
    out = np.empty(3 * len(offsets), np.uint32)
    return np.unique(out[: _write_spots(data, offsets, secret, out)])


@kernel
def _set(bits: U8, spots: U32) -> None:
    for spot in spots:
        at = np.uint64(spot) & np.uint64(8 * len(bits) - 1)
        bits[at >> np.uint64(3)] |= np.uint8(1) << np.uint8(at & np.uint64(7))


@kernel
def _set_whole(known: Beginnings, hashes: U64) -> None:
    for h in hashes:
        at = _spot(h ^ WHOLE, known.secret) & np.uint64(8 * len(known.bits) - 1)
        known.bits[at >> np.uint64(3)] |= np.uint8(1) << np.uint8(at & np.uint64(7))


def add_whole(known: Beginnings, hashes: U64) -> None:
    """Set the bit of each whole spelling, by its polynomial hash."""
    _set_whole(known, hashes)


def beginnings(spots: Sequence[U32], secret: np.uint64, *, spellings: int) -> Beginnings:
    """The bitmap of all spots, with room for so many whole spellings (`add_whole`)."""
    size = 1 << 12
    while size < BITS_EACH * (sum(map(len, spots)) + spellings) and size < 1 << 32:
        size *= 2
    bits = np.zeros(size // 8, np.uint8)
    for some in spots:
        _set(bits, some)
    return Beginnings(bits, secret)
