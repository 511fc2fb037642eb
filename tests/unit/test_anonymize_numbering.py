"""People are numbered in the order in which they come, however many they are."""

from __future__ import annotations

import hashlib

import numpy as np

from readingroom.anonymize.numbering import FEW, Numbering


def digests(numbers: list[int]) -> np.ndarray:
    some = (hashlib.blake2b(number.to_bytes(8, "little"), digest_size=8).digest() for number in numbers)
    return np.frombuffer(b"".join(some), np.uint64)


def test_each_has_its_number_after_every_growth() -> None:
    numbering = Numbering()
    many = 9 * FEW
    for start in range(0, many, FEW // 2):
        numbers, fresh = numbering.numbers(digests(list(range(start, start + FEW // 2))), start)
        assert numbers.tolist() == list(range(start, start + FEW // 2))
        assert fresh.tolist() == list(range(FEW // 2))
    numbers, fresh = numbering.numbers(digests(list(range(many))), many)
    assert numbers.tolist() == list(range(many))
    assert not len(fresh)


def test_of_digests_that_come_together_some_are_new() -> None:
    numbering = Numbering()
    numbering.numbers(digests([7, 8]), 0)
    numbers, fresh = numbering.numbers(digests([9, 7, 9, 10, 8]), 2)
    assert numbers.tolist() == [2, 0, 2, 3, 1]
    assert fresh.tolist() == [0, 3]
