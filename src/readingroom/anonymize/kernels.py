"""Compiled loops: the one decorator for numba, hashing of bytes, and an open-addressing table.

Rule 1: a kernel works on arrays alone: no objects, no strings, no errors, no allocation that grows with the input.
Rule 2: every loop moves forward; no kernel looks at a byte more than a constant number of times.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit

F = TypeVar("F", bound=Callable[..., object])
U64 = npt.NDArray[np.uint64]
U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
U16 = npt.NDArray[np.uint16]


def kernel(function: F) -> F:
    """Compile `function`; it allocates nothing, so no references are counted (that alone is worth twenty times)."""
    compiled: Any = njit(cache=True, nogil=True, error_model="numpy", _nrt=False)  # type: ignore[call-overload]  # _nrt
    return cast("F", compiled(function))


def small_kernel(function: F) -> F:
    """Compile `function` into its callers: for the few lines that run once per byte."""
    compiled: Any = njit(cache=True, nogil=True, error_model="numpy", _nrt=False, forceinline=True)  # type: ignore[call-overload]  # _nrt
    return cast("F", compiled(function))


@small_kernel
def signed(number: Any) -> int:
    """A number of any width as a signed one: numba would make a float of a signed and an unsigned number."""
    return np.int64(number)  # type: ignore[return-value]  # numba's integers are Python's here


class Table(NamedTuple):
    """Keys hashed to 64 bits (never 0) and a value each; size is a power of two, at most half full (dense: 3/4)."""

    keys: U64
    values: I32
    secret: np.uint64  # joined to a hash before it is mixed: without it, keys say nothing


NO_SECRET = np.uint64(0)
MILLIONS = 1 << 20
BASE = np.uint64(0x9E3779B97F4A7C15)  # of all polynomial hashes


def empty_table(count: int, secret: np.uint64 = NO_SECRET, *, dense: bool = False) -> Table:
    """An empty table with room for `count` keys; a `dense` one of millions spares memory for some time."""
    least = 4 * count // 3 if dense and count > MILLIONS else 2 * count
    size = 16
    while size < least + 2:
        size *= 2
    return Table(np.zeros(size, np.uint64), np.zeros(size, np.int32), secret)


def secret_of(key: bytes, use: bytes) -> np.uint64:
    """A 64-bit secret for one table, from a key."""
    digest = hashlib.blake2b(use, key=key[:64], digest_size=8, person=b"table secret").digest()
    return np.uint64(int.from_bytes(digest, "little"))


@small_kernel
def mix(h: np.uint64) -> np.uint64:
    """Spread the bits of a polynomial hash (splitmix64); never 0."""
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    h ^= h >> np.uint64(31)
    return h | np.uint64(1)


@small_kernel
def find(keys: U64, h: np.uint64) -> int:
    """The slot of `h`, or -1."""
    mask = np.uint64(len(keys) - 1)
    slot = (h >> np.uint64(1)) & mask
    while keys[slot] != 0:
        if keys[slot] == h:
            return signed(slot)
        slot = (slot + np.uint64(1)) & mask
    return -1


@small_kernel
def place(keys: U64, h: np.uint64) -> int:
    """The slot of `h`, taken now if it was not there."""
    mask = np.uint64(len(keys) - 1)
    slot = (h >> np.uint64(1)) & mask
    while keys[slot] != 0 and keys[slot] != h:
        slot = (slot + np.uint64(1)) & mask
    keys[slot] = h
    return signed(slot)


@kernel
def fill(table: Table, hashes: U64, values: I32) -> None:
    """Insert polynomial hashes; of equal keys the bits of their values are joined."""
    for i in range(len(hashes)):
        slot = place(table.keys, mix(hashes[i] ^ table.secret))
        table.values[slot] |= values[i]


@kernel
def clear(table: Table, hashes: U64, keep: int) -> None:
    """Of each key that is there, keep only the bits of `keep`."""
    for i in range(len(hashes)):
        slot = find(table.keys, mix(hashes[i] ^ table.secret))
        if slot >= 0:
            table.values[slot] &= keep


@small_kernel
def value_of(table: Table, h: np.uint64) -> int:
    """The value of a polynomial hash, 0 where absent."""
    slot = find(table.keys, mix(h ^ table.secret))
    return signed(table.values[slot]) if slot >= 0 else 0


@kernel
def _look_up(table: Table, hashes: U64, out: I32) -> None:
    for i in range(len(hashes)):
        out[i] = value_of(table, hashes[i])


def look_up(table: Table, hashes: U64) -> I32:
    """The value of each polynomial hash, 0 where absent."""
    out = np.zeros(len(hashes), np.int32)
    _look_up(table, hashes, out)
    return out


@small_kernel
def poly(data: U8, start: int, end: int) -> np.uint64:
    """Hash data[start:end] as a polynomial; that of ab is that of a times BASE**len(b), plus b's."""
    h = np.uint64(0)
    for i in range(start, end):
        h = h * BASE + np.uint64(data[i]) + np.uint64(1)
    return h


@kernel
def _hash_strings(data: U8, offsets: I64, out: U64) -> None:
    for i in range(len(out)):
        out[i] = poly(data, offsets[i], offsets[i + 1])


def hash_strings(data: U8, offsets: I64) -> U64:
    """The polynomial hash of each string of an Arrow buffer."""
    out = np.empty(len(offsets) - 1, np.uint64)
    _hash_strings(data, offsets, out)
    return out


def powers(count: int) -> U64:
    """BASE**0 … BASE**(count - 1), modulo 2**64."""
    out = np.full(count, BASE, np.uint64)
    out[0] = 1
    return np.multiply.accumulate(out)


def pack(strings: list[str]) -> tuple[U8, I64]:
    """Strings as one buffer with offsets, as the kernels read them."""
    parts = [text.encode("utf-8", "replace") for text in strings]
    offsets = np.zeros(len(parts) + 1, np.int64)
    np.cumsum([len(part) for part in parts], out=offsets[1:])
    return np.frombuffer(b"".join(parts) or b"\0", np.uint8), offsets


def hash_words(words: list[str]) -> U64:
    """The polynomial hash of each word."""
    return hash_strings(*pack(words))
