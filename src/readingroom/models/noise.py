"""Gaussian noise on a lattice, from a secure generator.

Rule 1: what is added is a whole number, round(N(0, σ²)), to a sum of whole numbers: adding and rounding commute, so the
result is a rounding of the exact Gaussian mechanism and its accounting holds. Noise added to floats would show in
the low bits what it was added to (Mironov 2012); a whole number has no such bits.
Rule 2: bits come from ChaCha20 under a key of the operating system. A seed exists for tests and simulations only.
What remains: 53-bit uniforms cut the tails at 8.5 standard deviations, at most d·T·2⁻⁵² in δ, far below 1e-6.
"""

from __future__ import annotations

import hashlib
import os
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

_CHUNK: Final = 1 << 20


class Noise(Protocol):
    """Gives independent whole numbers, each a rounded N(0, sigma²)."""

    def draw(self, sigma: float, count: int) -> npt.NDArray[np.int64]:
        """`count` draws at `sigma`, in lattice units."""
        ...


class LatticeNoise:
    """Noise from ChaCha20: keyed by the operating system, or by a seed in tests and simulation rooms."""

    def __init__(self, seed: int | None = None) -> None:
        key = os.urandom(32) if seed is None else hashlib.sha256(f"readingroom noise {seed}".encode()).digest()
        self.secure = seed is None
        self._stream = Cipher(ChaCha20(key, bytes(16)), mode=None).encryptor()

    def draw(self, sigma: float, count: int) -> npt.NDArray[np.int64]:
        """`count` draws at `sigma`, in lattice units (Box-Muller over 53-bit uniforms)."""
        out = np.empty(count, dtype=np.int64)
        for first in range(0, count, _CHUNK):
            size = min(_CHUNK, count - first)
            half = (size + 1) // 2
            # in (0, 1]: the logarithm is finite
            radius = np.sqrt(-2.0 * np.log((self.words(half) >> np.uint64(11)) * 2.0**-53 + 2.0**-53))
            angle = (self.words(half) >> np.uint64(11)) * (2.0**-52 * np.pi)
            pair = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:size]
            out[first : first + size] = np.rint(pair * sigma)
        return out

    def words(self, count: int) -> npt.NDArray[np.uint64]:
        """`count` uniform 64-bit words."""
        return np.frombuffer(self._stream.update(bytes(8 * count)), dtype="<u8")


class UnsafeNoNoise:
    """No noise at all: the gate's positive control, a model without privacy that must be caught. Never released."""

    def draw(self, sigma: float, count: int) -> npt.NDArray[np.int64]:
        """Zeros."""
        del sigma
        return np.zeros(count, dtype=np.int64)


class UnsafeFraction:
    """Noise ten times too small: the gate's positive control. Never released."""

    def __init__(self, noise: Noise, divisor: float = 10.0) -> None:
        self._noise = noise
        self._divisor = divisor

    def draw(self, sigma: float, count: int) -> npt.NDArray[np.int64]:
        """Draws at a fraction of `sigma`."""
        return self._noise.draw(sigma / self._divisor, count)
