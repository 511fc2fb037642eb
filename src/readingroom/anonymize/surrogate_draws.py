"""Draws that a key decides: the same key, use and value give the same draw, and nobody without the key can tell it.

Rule 1: keyed BLAKE2b of the use and the value (RFC 7693: a MAC by itself); nothing here is random.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """A stream of numbers for one value."""

    def __init__(self, key: bytes, use: str, value: str) -> None:
        self._state = hashlib.blake2b(f"{use}\0{value}".encode("utf-8", "replace"), key=key[:64], digest_size=64)
        self._pool = int.from_bytes(self._state.digest(), "little")
        self._left = 512

    def below(self, most: int) -> int:
        """A number from 0 to `most` - 1."""
        if self._left < 64 + most.bit_length():
            self._state.update(b"next")
            self._pool, self._left = int.from_bytes(self._state.digest(), "little"), 512
        self._pool, found = divmod(self._pool, most << 32)  # 32 bits more than needed: no number is favoured
        self._left -= 32 + most.bit_length()
        return found % most

    def one(self, choices: Sequence[T]) -> T:
        """One of several."""
        return choices[self.below(len(choices))]

    def shape(self, text: str) -> str:
        """Other letters and digits in the place of these; everything else stays."""
        made = []
        for at, sign in enumerate(text):
            if sign.isdigit():
                first = at == 0 or not text[at - 1].isalnum()
                made.append(str(1 + self.below(9)) if first and sign != "0" else str(self.below(10)))
            elif sign.isalpha():
                letter = chr(97 + self.below(26))
                made.append(letter.upper() if sign.isupper() else letter)
            else:
                made.append(sign)
        return "".join(made)

    def hexes(self, text: str) -> str:
        """Other hexadecimal digits in the place of these."""
        digits = "".join(f"{self.below(16):x}" if sign.isalnum() else sign for sign in text.lower())
        return digits.upper() if text.upper() == text else digits
