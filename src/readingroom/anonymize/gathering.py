"""Spellings gathered before they are sorted: in sixteen parts by their hash, in pages that go back when a part is done.

Rule 1: what is held at any time is what is still unsorted and what is sorted, and the scratch of one sixteenth.
Rule 2: pages are asked of the system itself, not of the heap: the heap keeps the holes that sorted parts leave.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from readingroom.anonymize.beginnings import U32
from readingroom.anonymize.kernels import I32, U16, U64

PARTS = 16
ROOM = 1 << 16  # spellings a page
FRESH = 1 << 20  # spots that are gathered before they are joined with those that were there
_SPELLING = np.dtype([("hash", "u8"), ("owner", "i4"), ("kind", "u2")])


class Sorted(NamedTuple):
    """Distinct spellings in order: the hash, the kinds, how many people have each; and all the people, in order."""

    hashes: U64
    kinds: U16
    counts: I32
    people: I32


class Gathering:
    """Takes spellings in any order, and gives them back sorted, once."""

    def __init__(self) -> None:
        self._pages: list[list[npt.NDArray[Any]]] = [[] for _ in range(PARTS)]
        self._free = [0] * PARTS  # of the last page of each part
        self.count = 0

    def add(self, hashes: U64, kinds: U16, owners: I32) -> None:
        """Take in some spellings, each with its kind and its owner."""
        part_of = (hashes >> np.uint64(60)).astype(np.uint8)
        rows = np.empty(len(hashes), _SPELLING)
        rows["hash"], rows["kind"], rows["owner"] = hashes, kinds, owners
        rows = rows[np.argsort(part_of, kind="stable")]
        ends = np.cumsum(np.bincount(part_of, minlength=PARTS))
        for part, some in enumerate(np.split(rows, ends[:-1])):
            self._put(part, some)
        self.count += len(hashes)

    def _put(self, part: int, rows: npt.NDArray[Any]) -> None:
        while len(rows):
            if not self._free[part]:
                page = mmap.mmap(-1, ROOM * _SPELLING.itemsize)
                self._pages[part].append(np.frombuffer(page, _SPELLING))
                self._free[part] = ROOM
            at = ROOM - self._free[part]
            some = rows[: self._free[part]]
            self._pages[part][-1][at : at + len(some)] = some
            self._free[part] -= len(some)
            rows = rows[len(some) :]

    def take(self, part: int) -> Sorted:
        """The spellings of one part, sorted; they are no longer held."""
        pages, free = self._pages[part], self._free[part]
        self._pages[part], self._free[part] = [], 0
        if not pages:
            return _sorted(np.empty(0, _SPELLING))
        pages[-1] = pages[-1][: ROOM - free]
        return _sorted(np.concatenate(pages))


def _sorted(rows: npt.NDArray[Any]) -> Sorted:
    hashes, owners = np.ascontiguousarray(rows["hash"]), np.ascontiguousarray(rows["owner"])
    order = np.lexsort((owners, hashes))
    hashes, kinds, owners = hashes[order], rows["kind"][order], owners[order]
    new = np.ones(len(hashes), bool)
    new[1:] = hashes[1:] != hashes[:-1]
    entry = np.cumsum(new) - 1
    joined = np.zeros(int(new.sum()), np.uint16)
    np.bitwise_or.at(joined, entry, kinds)
    fresh = np.ones(len(hashes), bool)
    fresh[1:] = new[1:] | (owners[1:] != owners[:-1])
    counts = np.bincount(entry[fresh], minlength=len(joined)).astype(np.int32)
    return Sorted(hashes[new], joined, counts, owners[fresh])


class Spots:
    """Where beginnings set their bits: joined now and then, for most people begin as others do."""

    def __init__(self) -> None:
        self._joined = np.zeros(0, np.uint32)
        self._fresh: list[U32] = []
        self._waiting = 0

    def add(self, spots: U32) -> None:
        """Take in some."""
        self._fresh.append(spots)
        self._waiting += len(spots)
        if self._waiting > max(FRESH, len(self._joined) // 2):
            self._join()

    def _join(self) -> None:
        self._joined = np.unique(np.concatenate([self._joined, *self._fresh]))
        self._fresh, self._waiting = [], 0

    def take(self) -> Sequence[U32]:
        """All of them, each once; they are no longer held."""
        self._join()
        joined, self._joined = self._joined, np.zeros(0, np.uint32)
        return [joined]
