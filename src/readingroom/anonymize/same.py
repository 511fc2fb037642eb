# ruff: noqa: FBT001, PLR0917 - kernels: numba takes arrays by position
"""Which findings say the same: told by a hash of their letters, without a copy of any.

Rule 1: two findings are one if two polynomials over their letters agree, modulo 2**61 - 1, at points that are secrets
of this process: whatever the texts, by chance once in 2**100 (Carter and Wegman, 1979); nobody can write two that do.
Rule 2: what is told apart is the letters and a salt (kind, person, …); case counts where it is asked for.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from readingroom.anonymize.folding import UPPER
from readingroom.anonymize.kernels import I64, U64, kernel, mix, signed, small_kernel
from readingroom.anonymize.tokens import Records
from readingroom.anonymize.views import Letters

_PRIME = (1 << 61) - 1
_M61, _M32, _M29 = np.uint64(_PRIME), np.uint64((1 << 32) - 1), np.uint64((1 << 29) - 1)
_POINTS = np.array([2 + secrets.randbelow(_PRIME - 2), 2 + secrets.randbelow(_PRIME - 2)], np.uint64)
CHUNK = 7  # letters in a number below the prime
_A, _Z = ord("a"), ord("z")


class Same(NamedTuple):
    """Of findings: the first of each kind of text, and for each finding the number of its text."""

    first: I64
    which: I64


@small_kernel
def _reduced(h: np.uint64) -> np.uint64:
    return (h & _M61) + (h >> np.uint64(61))


@small_kernel
def _next(h: np.uint64, point: np.uint64, value: np.uint64) -> np.uint64:
    """H * point + value, modulo 2**61 - 1 (2**64 is 8 there); below 2**61 + 8."""
    a, b, c, d = h & _M32, h >> np.uint64(32), point & _M32, point >> np.uint64(32)
    middle = a * d + b * c
    low = _reduced(a * c) + ((middle & _M29) << np.uint64(32))
    high = ((b * d) << np.uint64(3)) + (middle >> np.uint64(29))
    return _reduced(_reduced(low + high) + value)


@kernel
def _hash(letters: Letters, spans: Records, salts: U64, cased: bool, points: U64, out: U64) -> None:
    p, q = points
    for i in range(len(spans)):
        start, end = spans[i].start, spans[i].end
        size = np.uint64(end - start) << np.uint64(32)
        a = b = salts[i] & _M32
        a, b = _next(a, p, (salts[i] >> np.uint64(32)) + size), _next(b, q, (salts[i] >> np.uint64(32)) + size)
        for k in range(start, end, CHUNK):
            chunk = np.uint64(0)
            for at in range(k, min(k + CHUNK, end)):
                byte = letters.folded[at]
                if cased and letters.flags[at] & UPPER and _A <= byte <= _Z:
                    byte -= 32
                chunk = (chunk << np.uint64(8)) | np.uint64(byte)
            a, b = _next(a, p, chunk), _next(b, q, chunk)
        out[i, 0] = mix(a)
        out[i, 1] = b


def hash_texts(letters: Letters, spans: Records, salts: U64, *, cased: bool = False) -> U64:
    """128 bits for the letters of each span with its salt; the first number is never 0."""
    out = np.empty((len(spans), 2), np.uint64)
    _hash(letters, spans, salts, cased, _POINTS, out)
    return out


@kernel
def _number(hashes: U64, slots: I64, first: I64, which: I64) -> int:
    """Number equal hashes alike; how many there are. `slots`: a table of numbers + 1, of a power of two, empty."""
    mask = np.uint64(len(slots) - 1)
    count = 0
    for i in range(len(hashes)):
        slot = (hashes[i, 0] >> np.uint64(1)) & mask
        while True:
            at = slots[slot] - 1
            if at < 0:
                slots[slot] = count + 1
                first[count] = i
                which[i] = count
                count += 1
                break
            if hashes[first[at], 0] == hashes[i, 0] and hashes[first[at], 1] == hashes[i, 1]:
                which[i] = at
                break
            slot = (slot + np.uint64(1)) & mask
    return signed(count)


def tell_apart(hashes: U64) -> Same:
    """Equal hashes numbered alike, in order of appearance."""
    size = 16
    while size < 2 * len(hashes):
        size *= 2
    first, which = np.empty(len(hashes), np.int64), np.empty(len(hashes), np.int64)
    count = _number(hashes, np.zeros(size, np.int64), first, which)
    return Same(first[:count], which)


def texts_of(letters: Letters, spans: Records, *, cased: bool = False) -> pa.LargeBinaryArray:
    """The letters of each span as one array: folded, or with their case."""
    lengths = (spans["end"] - spans["start"]).astype(np.int64)
    offsets = np.zeros(len(spans) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    index = np.repeat(spans["start"] - offsets[:-1], lengths) + np.arange(offsets[-1])
    data = letters.folded[index]
    if cased:
        capital = (letters.flags[index] & UPPER != 0) & (data >= _A) & (data <= _Z)
        data = np.where(capital, data - np.uint8(32), data)
    data = np.ascontiguousarray(data)
    return pa.Array.from_buffers(pa.large_binary(), len(spans), [None, pa.py_buffer(offsets), pa.py_buffer(data)])
