"""What a check has said of a text, remembered over blocks: mails repeat their numbers and signatures.

Rule 1: no text is kept, only a digest with a key of this process, and what was found (places and kinds).
Rule 2: bounded: a memory that is full is emptied.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")
MOST = 1 << 16
_KEY = secrets.token_bytes(32)


class Remembered(Generic[Answer]):
    """A function of bytes that is asked once for each, as long as its answer is remembered."""

    def __init__(self, ask: Callable[[bytes], Answer], most: int = MOST) -> None:
        self._ask = ask
        self._most = most
        self._answers: dict[bytes, Answer] = {}

    def __call__(self, text: bytes) -> Answer:
        """The answer, remembered or asked for."""
        digest = hashlib.blake2b(text, key=_KEY, digest_size=16).digest()
        answer = self._answers.get(digest)
        if answer is None:
            answer = self._ask(text)
            if len(self._answers) >= self._most:
                self._answers.clear()
            self._answers[digest] = answer
        return answer

    def __len__(self) -> int:
        return len(self._answers)
