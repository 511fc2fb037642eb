"""SipHash over columns of bytes: what a scan remembers of ids and rows is keyed hashes, never the values.

Rule 1: the key is drawn at random for each SourceSet, lives in memory only, and dies with it; a dump of the state
tells nothing about an id. SipHash-2-4 with 128 bits of output for ids, SipHash-1-3 with 64 bits for row contents
(it only answers "the same content again?"). Aumasson and Bernstein 2012; the test has their published vectors.
"""

from __future__ import annotations

import secrets

import numpy as np
from numpy.typing import NDArray

from readingroom.sources.kernel import Bytes, Ints, kernel

Words = NDArray[np.uint64]

_U = np.uint64
_ONE, _EIGHT = _U(1), _U(8)
_FF, _EE, _DD = _U(0xFF), _U(0xEE), _U(0xDD)
_C0, _C1 = _U(0x736F6D6570736575), _U(0x646F72616E646F6D)
_C2, _C3 = _U(0x6C7967656E657261), _U(0x7465646279746573)
_R13, _R32, _R16, _R21, _R17, _R64 = _U(13), _U(32), _U(16), _U(21), _U(17), _U(64)


def new_key() -> Words:
    """A fresh key of 128 random bits."""
    return np.frombuffer(secrets.token_bytes(16), dtype=np.uint64).copy()


@kernel
def _rounds(v: Words, count: int) -> None:
    v0, v1, v2, v3 = v[0], v[1], v[2], v[3]
    for _ in range(count):
        v0 += v1
        v1 = ((v1 << _R13) | (v1 >> (_R64 - _R13))) ^ v0
        v0 = (v0 << _R32) | (v0 >> _R32)
        v2 += v3
        v3 = ((v3 << _R16) | (v3 >> (_R64 - _R16))) ^ v2
        v0 += v3
        v3 = ((v3 << _R21) | (v3 >> (_R64 - _R21))) ^ v0
        v2 += v1
        v1 = ((v1 << _R17) | (v1 >> (_R64 - _R17))) ^ v2
        v2 = (v2 << _R32) | (v2 >> _R32)
    v[0], v[1], v[2], v[3] = v0, v1, v2, v3


@kernel
def _absorb(buf: Bytes, span: tuple[int, int], key: Words, rounds: int, v: Words) -> None:  # noqa: PLR0917 - kernels are called by position
    """Start `v` from the key and take in the bytes of `span`, with the length in the last word."""
    start, end = span
    v[0], v[1], v[2], v[3] = key[0] ^ _C0, key[1] ^ _C1, key[0] ^ _C2, key[1] ^ _C3
    if rounds == 2:
        v[1] ^= _EE
    length = end - start
    at = start
    for _ in range(length // 8):
        word = _U(0)
        for shift in range(8):
            word |= _U(buf[at + shift]) << _U(8 * shift)
        v[3] ^= word
        _rounds(v, rounds)
        v[0] ^= word
        at += 8
    word = _U(length & 0xFF) << _U(56)
    for shift in range(end - at):
        word |= _U(buf[at + shift]) << _U(8 * shift)
    v[3] ^= word
    _rounds(v, rounds)
    v[0] ^= word


@kernel
def hash_ids(ids: Bytes, key: Words, out: Words) -> None:
    """SipHash-2-4-128 of each row of `ids` (n x 16 bytes) into `out` (n x 2)."""
    v = np.empty(4, dtype=np.uint64)
    width = ids.shape[1]
    for row in range(ids.shape[0]):
        _absorb(ids[row], (0, width), key, 2, v)
        v[2] ^= _EE
        _rounds(v, 4)
        out[row, 0] = v[0] ^ v[1] ^ v[2] ^ v[3]
        v[1] ^= _DD
        _rounds(v, 4)
        out[row, 1] = v[0] ^ v[1] ^ v[2] ^ v[3]


@kernel
def hash_spans(buf: Bytes, starts: Ints, ends: Ints, key: Words, out: Words) -> None:  # noqa: PLR0917 - kernels are called by position
    """SipHash-1-3 of each [start, end) of `buf` into `out`; commas at the end (nulls) do not count."""
    v = np.empty(4, dtype=np.uint64)
    for row in range(starts.shape[0]):
        end = ends[row]
        while end > starts[row] and buf[end - 1] == 44:
            end -= 1
        _absorb(buf, (starts[row], end), key, 1, v)
        v[2] ^= _FF
        _rounds(v, 3)
        out[row] = v[0] ^ v[1] ^ v[2] ^ v[3]
