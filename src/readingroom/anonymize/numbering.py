"""Numbers for people in the order in which they come: twelve bytes for each slot, where a dict takes two hundred.

Rule 1: only 64 bits of a keyed digest are kept of anybody; of ten million people two agree in them once in 10**5 times.
"""

from __future__ import annotations

import numpy as np

from readingroom.anonymize.kernels import Table, empty_table, kernel, mix, place, signed

FEW = 1 << 10


@kernel
def _number(table: Table, digest: int, fresh: int) -> int:
    slot = place(table.keys, mix(np.uint64(digest)))
    if table.values[slot] == 0:
        table.values[slot] = fresh + 1
    return signed(table.values[slot]) - 1


@kernel
def _move(old: Table, new: Table) -> None:
    for slot in range(len(old.keys)):
        if old.keys[slot]:
            new.values[place(new.keys, old.keys[slot])] = old.values[slot]


class Numbering:
    """Gives each digest its number; a new one gets the number that it is offered."""

    def __init__(self) -> None:
        self._table = empty_table(FEW)
        self._count = 0

    def number(self, digest: bytes, fresh: int) -> int:
        """The number of `digest` (8 bytes), which is `fresh` if it is new."""
        if 2 * (self._count + 1) > len(self._table.keys):
            more = empty_table(2 * self._count)
            _move(self._table, more)
            self._table = more
        number = _number(self._table, int.from_bytes(digest, "little") & _SIGNED, fresh)
        self._count += number == fresh
        return number


_SIGNED = (1 << 63) - 1  # so that every digest is of one type
