"""Which row of an append-only table is the current one, remembered as keyed hashes only.

Rule 1 (README of the data, A2): of an Id the highest versionnumber wins, then the latest SinkModifiedOn, then the row
that stands first; a winner with IsDelete means that the record is gone.
Rule 2: memory grows with distinct ids, not with rows: about 60 bytes an id, plus a buffer of PENDING rows.
Rule 3: the same version with other content is noted, if that version wins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PENDING = 1 << 14

# id hash (high, low), version, sink time, file, row, content hash, deleted, row of the first conflict and its file
_ENTRY = np.dtype(
    [
        ("high", "u8"),
        ("low", "u8"),
        ("version", "i8"),
        ("sink", "i8"),
        ("content", "u8"),
        ("file", "i4"),
        ("row", "i4"),
        ("clash_file", "i4"),
        ("clash_row", "i4"),
        ("deleted", "?"),
    ]
)
Entries = NDArray[np.void]


@dataclass(frozen=True)
class Winners:
    """The end of a scan: winning rows by file, the deleted apart, and conflicts of rule 3 as (file, row)."""

    entries: Entries

    @property
    def current(self) -> int:
        """Records that exist."""
        return int((~self.entries["deleted"]).sum())

    @property
    def deleted(self) -> int:
        """Records whose last version says that they are gone."""
        return int(self.entries["deleted"].sum())

    def rows(self, file: int, *, deleted: bool = False) -> NDArray[np.int64]:
        """Winning rows of a file (counted from 1), in order."""
        chosen = (self.entries["file"] == file) & (self.entries["deleted"] == deleted)
        return np.sort(self.entries["row"][chosen]).astype(np.int64)

    def clashes(self) -> list[tuple[int, int, int]]:
        """(file, first row, count) of winners whose version stands there with other content too."""
        chosen = self.entries[self.entries["clash_row"] > 0]
        found = []
        for file in np.unique(chosen["clash_file"]):
            rows = chosen["clash_row"][chosen["clash_file"] == file]
            found.append((int(file), int(rows.min()), len(rows)))
        return found


def entries(count: int) -> Entries:
    """Room for `count` rows."""
    return np.zeros(count, dtype=_ENTRY)


class CurrentRows:
    """Takes in rows in any number; keeps one entry an id."""

    def __init__(self) -> None:
        self._kept = entries(0)
        self._pending: list[Entries] = []
        self._waiting = 0

    def add(self, fresh: Entries) -> None:
        """Take in rows."""
        self._pending.append(fresh)
        self._waiting += len(fresh)
        if self._waiting > max(PENDING, len(self._kept)):
            self._settle()

    def winners(self) -> Winners:
        """Who won."""
        self._settle()
        return Winners(self._kept)

    def _settle(self) -> None:
        self._kept = settle(np.concatenate([self._kept, *self._pending]))
        self._pending, self._waiting = [], 0


def settle(rows: Entries) -> Entries:
    """One entry an id, by rule 1, with the conflicts of rule 3 noted on it."""
    if not len(rows):
        return rows
    # lexsort: the last key counts most; version and sink time descending
    order = np.lexsort((rows["row"], rows["file"], ~rows["sink"], ~rows["version"], rows["low"], rows["high"]))
    rows = rows[order]
    first = np.ones(len(rows), dtype=np.bool_)
    first[1:] = (rows["high"][1:] != rows["high"][:-1]) | (rows["low"][1:] != rows["low"][:-1])
    kept = rows[first]
    _note_clashes(rows, np.cumsum(first) - 1, kept)
    return kept


def _note_clashes(rows: Entries, group: NDArray[np.int64], kept: Entries) -> None:
    """Note on each winner the first row, in file order, that shares its version with other content."""
    winner = kept[group]
    same = rows["version"] == winner["version"]
    differs = same & (rows["content"] != winner["content"])
    # of the two that differ, the one that stands later is told; a clash found earlier is carried on
    at_file = np.where(_later(rows, winner), rows["file"], winner["file"])
    at_row = np.where(_later(rows, winner), rows["row"], winner["row"])
    known = same & (rows["clash_row"] > 0)
    places = [(group[differs], at_file[differs], at_row[differs])]
    places.append((group[known], rows["clash_file"][known], rows["clash_row"][known]))
    which, files, numbers = (np.concatenate(part) for part in zip(*places, strict=True))
    order = np.lexsort((numbers, files, which))
    which, index = np.unique(which[order], return_index=True)
    kept["clash_file"][which] = files[order][index]
    kept["clash_row"][which] = numbers[order][index]


def _later(rows: Entries, winner: Entries) -> NDArray[np.bool_]:
    later = (rows["file"] > winner["file"]) | ((rows["file"] == winner["file"]) & (rows["row"] > winner["row"]))
    return np.asarray(later)
