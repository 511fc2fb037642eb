"""Rare words by distinct authors (first version: interface only)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa


@dataclass(frozen=True)
class Vocabulary:
    """The words that may be shown."""

    words: int = 0


class AuthorWords:
    """Counts, per word, distinct authors up to k."""

    def __init__(self, k: int, key: bytes = b"") -> None:
        self.k = k

    def add(self, author_hashes: npt.NDArray[np.uint64], cells: pa.LargeStringArray, markup: str) -> None:
        """Count the words of `cells` for their authors (0: author unknown, not counted)."""

    def build(self) -> Vocabulary:
        """The words with at least k distinct authors, and the public ones."""
        return Vocabulary()
