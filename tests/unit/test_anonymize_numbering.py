"""People are numbered in the order in which they come, however many they are."""

from __future__ import annotations

import hashlib

from readingroom.anonymize.numbering import FEW, Numbering


def digest(number: int) -> bytes:
    return hashlib.blake2b(number.to_bytes(8, "little"), digest_size=8).digest()


def test_each_has_its_number_after_every_growth() -> None:
    numbering = Numbering()
    many = 9 * FEW
    assert [numbering.number(digest(n), n) for n in range(many)] == list(range(many))
    assert [numbering.number(digest(n), many) for n in range(many)] == list(range(many))
    assert numbering.number(digest(many), many) == many
