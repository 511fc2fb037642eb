# ruff: noqa: PLR0917 - kernels: numba takes arrays by position
"""Numbers for people in the order in which they come: twelve bytes for each slot, where a dict takes two hundred.

Rule 1: only 64 bits of a keyed digest are kept of anybody; of ten million people two agree in them once in 10**5 times.
"""

from __future__ import annotations

import numpy as np

from readingroom.anonymize.kernels import I32, I64, U64, Table, empty_table, kernel, mix, place

FEW = 1 << 10


@kernel
def _number(table: Table, digests: U64, fresh: int, out: I32) -> int:
    count = fresh
    for i in range(len(digests)):
        slot = place(table.keys, mix(digests[i]))
        if table.values[slot] == 0:
            count += 1
            table.values[slot] = count
        out[i] = table.values[slot] - 1
    return count - fresh


@kernel
def _move(old: Table, new: Table) -> None:
    for slot in range(len(old.keys)):
        if old.keys[slot]:
            new.values[place(new.keys, old.keys[slot])] = old.values[slot]


class Numbering:
    """Gives each digest its number; new ones get the numbers from one that is offered."""

    def __init__(self) -> None:
        self._table = empty_table(FEW)
        self._count = 0

    def numbers(self, digests: U64, fresh: int) -> tuple[I32, I64]:
        """The number of each digest, and where in `digests` the new ones are, numbered from `fresh` in their order."""
        if 2 * (self._count + len(digests)) > len(self._table.keys):
            more = empty_table(2 * self._count + len(digests))
            _move(self._table, more)
            self._table = more
        out = np.empty(len(digests), np.int32)
        new = _number(self._table, digests, fresh, out)
        self._count += new
        first = np.unique(out, return_index=True)[1][-new:] if new else np.zeros(0, np.int64)
        return out, first
