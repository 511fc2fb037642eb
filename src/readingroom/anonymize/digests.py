# ruff: noqa: PLR0917 - kernels: numba takes arrays by position
"""Keyed BLAKE2b over many short messages at once: what `hashlib.blake2b` says of each, without a call for each.

Rule 1: the answer is hashlib's, byte for byte (RFC 7693; a property test holds them against each other).
Rule 2: no branch and no address depends on a key or on a message, but for the message's length.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from readingroom.anonymize.kernels import I64, U8, U64, kernel, small_kernel

BLOCK = 128
_IV = np.array(
    [
        0x6A09E667F3BCC908,
        0xBB67AE8584CAA73B,
        0x3C6EF372FE94F82B,
        0xA54FF53A5F1D36F1,
        0x510E527FADE682D1,
        0x9B05688C2B3E6C1F,
        0x1F83D9ABFB41BD6B,
        0x5BE0CD19137E2179,
    ],
    np.uint64,
)
Sixteen = tuple[np.uint64, ...]


class Messages(NamedTuple):
    """Messages in one buffer: data[start[i]:end[i]]."""

    data: U8
    start: I64
    end: I64


class Keyed(NamedTuple):
    """BLAKE2b under a key, after its first block: the chain value, and how many bytes went in."""

    chain: U64
    taken: int


@small_kernel
def _turn(x: np.uint64, by: int) -> np.uint64:
    return (x >> np.uint64(by)) | (x << np.uint64(64 - by))


@small_kernel
def _mixed(
    v: tuple[np.uint64, np.uint64, np.uint64, np.uint64], x: np.uint64, y: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """RFC 7693, 3.1."""
    a, b, c, d = v
    a = a + b + x
    d = _turn(d ^ a, 32)
    c += d
    b = _turn(b ^ c, 24)
    a = a + b + y
    d = _turn(d ^ a, 16)
    c += d
    b = _turn(b ^ c, 63)
    return a, b, c, d


@small_kernel
def _round(v: Sixteen, m: U64, s: tuple[int, ...]) -> Sixteen:
    """Columns, then diagonals, with the words of the message in the order `s`, which is known when this is compiled."""
    v0, v4, v8, v12 = _mixed((v[0], v[4], v[8], v[12]), m[s[0]], m[s[1]])
    v1, v5, v9, v13 = _mixed((v[1], v[5], v[9], v[13]), m[s[2]], m[s[3]])
    v2, v6, v10, v14 = _mixed((v[2], v[6], v[10], v[14]), m[s[4]], m[s[5]])
    v3, v7, v11, v15 = _mixed((v[3], v[7], v[11], v[15]), m[s[6]], m[s[7]])
    v0, v5, v10, v15 = _mixed((v0, v5, v10, v15), m[s[8]], m[s[9]])
    v1, v6, v11, v12 = _mixed((v1, v6, v11, v12), m[s[10]], m[s[11]])
    v2, v7, v8, v13 = _mixed((v2, v7, v8, v13), m[s[12]], m[s[13]])
    v3, v4, v9, v14 = _mixed((v3, v4, v9, v14), m[s[14]], m[s[15]])
    return v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15


@kernel
def _compress(h: U64, m: U64, taken: int, last: bool) -> None:  # noqa: FBT001 - kernels take no keywords
    """One block into the chain value (RFC 7693, 3.2); `taken`: bytes so far, this block's included."""
    v12, v14 = _IV[4] ^ np.uint64(taken), ~_IV[6] if last else _IV[6]
    v: Sixteen = (
        h[0],
        h[1],
        h[2],
        h[3],
        h[4],
        h[5],
        h[6],
        h[7],
        _IV[0],
        _IV[1],
        _IV[2],
        _IV[3],
        v12,
        _IV[5],
        v14,
        _IV[7],
    )
    v = _round(v, m, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
    v = _round(v, m, (14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3))
    v = _round(v, m, (11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4))
    v = _round(v, m, (7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8))
    v = _round(v, m, (9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13))
    v = _round(v, m, (2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9))
    v = _round(v, m, (12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11))
    v = _round(v, m, (13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10))
    v = _round(v, m, (6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5))
    v = _round(v, m, (10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0))
    v = _round(v, m, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
    v = _round(v, m, (14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3))
    for k in range(8):
        h[k] ^= v[k] ^ v[k + 8]


@kernel
def _digest(messages: Messages, which: I64, keyed: Keyed, room: tuple[U8, U64, U64], out: U64) -> None:
    bytes_, words, h = room
    for i in range(len(which)):
        at, end = messages.start[which[i]], messages.end[which[i]]
        taken = keyed.taken
        for k in range(8):
            h[k] = keyed.chain[k]
        last = False
        while not last:
            size = min(end - at, BLOCK)
            for k in range(size):
                bytes_[k] = messages.data[at + k]
            for k in range(size, BLOCK):
                bytes_[k] = 0
            at += size
            taken += size
            last = at == end
            _compress(h, words, taken, last)
        out[i, 0], out[i, 1] = h[0], h[1]


def keyed(key: bytes, person: bytes) -> Keyed:
    """The state of hashlib.blake2b(key=key[:64], digest_size=16, person=person) before any message."""
    key = key[:64]
    parameters = bytes([16, len(key), 1, 1]).ljust(48, b"\0") + person.ljust(16, b"\0")
    chain = _IV ^ np.frombuffer(parameters, "<u8")
    if not key:
        return Keyed(chain, 0)
    _compress(chain, np.frombuffer(key.ljust(BLOCK, b"\0"), "<u8"), BLOCK, last=False)
    return Keyed(chain, BLOCK)


def digests(state: Keyed, messages: Messages, which: I64) -> npt.NDArray[np.uint64]:
    """The 16 bytes of each of the messages `which` (none of them empty), as rows of two little-endian numbers."""
    out = np.empty((len(which), 2), np.uint64)
    data = np.zeros(BLOCK, np.uint8)
    _digest(messages, which, state, (data, data.view(np.uint64), np.empty(8, np.uint64)), out)
    return out


def hex_digits(found: npt.NDArray[np.uint64]) -> I64:
    """The first eight hex digits of each digest as a number."""
    first: I64 = found[:, 0].astype(np.uint32).byteswap().astype(np.int64)
    return first
