# ruff: noqa: PLR0917 - kernels: numba takes arrays by position
"""The people of a row: linked to its record, or named in full in it. They tell whom a lone name means.

Rule 1: a name that many people have is somebody's here only if one of them is linked to the row.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from readingroom.anonymize.kernels import I32, I64, kernel
from readingroom.anonymize.known import Entries


class Near(NamedTuple):
    """The people linked to a row, or named in full in it: people[first[row]:first[row + 1]]; rows by source offset."""

    offsets: I64
    first: I64
    people: I64


@kernel
def row_of(offsets: I64, at: int) -> int:
    """The row in which byte `at` stands."""
    low, high = 0, len(offsets) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if offsets[middle] <= at:
            low = middle
        else:
            high = middle
    return low


@kernel
def has(people: I32, low: int, high: int, person: int) -> bool:
    """Whether a person is among the sorted people[low:high]."""
    while low < high:
        middle = (low + high) // 2
        if people[middle] < person:
            low = middle + 1
        elif people[middle] > person:
            high = middle
        else:
            return True
    return False


@kernel
def _nearest(rows: I64, entries: I32, known: Entries, near: Near, out: I32) -> None:
    for i in range(len(rows)):
        out[i] = -1
        if entries[i] < 0:
            continue
        low, high = known.first[entries[i]], known.first[entries[i] + 1]
        for k in range(near.first[rows[i]], near.first[rows[i] + 1]):
            if has(known.people, low, high, near.people[k]):
                out[i] = near.people[k]
                break


def nearest(rows: I64, entries: I32, known: Entries, near: Near) -> I32:
    """For a spelling in a row: the first of the people near the row who have it, or -1."""
    out = np.empty(len(rows), np.int32)
    _nearest(rows, entries, known, near, out)
    return out
