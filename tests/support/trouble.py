"""An object store that fails as stores do: answers that are lost, calls that come too late, half of a list, no space.

It is an ObjectStore in front of a real one and comes into a house by the house's own door: a Place has the store that
it is given. `Trouble` says what goes wrong and at which call; before and after it the store works.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from readingroom.core.errors import StoreFault
from readingroom.house import House
from readingroom.stores.store import ObjectStore


class Trouble(StrEnum):
    """What goes wrong."""

    PUT_LOST = "put lost"  # the request never arrived
    PUT_LATE = "put late"  # the object is there, and the answer was lost
    DELETE_LOST = "delete lost"
    DELETE_LATE = "delete late"
    GET_LOST = "get lost"
    LIST_LOST = "list lost"
    LIST_BREAKS = "list breaks"  # in the middle
    LIST_PART = "list in part"  # and says nothing of it
    ALL_LOST = "all lost"  # from that call on, whatever the call


@dataclass
class FailingStore:
    """The store `real`; `trouble` strikes at the `at`-th call of its kind and at the `times - 1` calls after it."""

    real: ObjectStore
    trouble: Trouble
    at: int = 1
    times: int = 1
    calls: int = 0
    struck: int = 0

    def put(self, path: str, data: bytes) -> None:
        lost = self._strikes(Trouble.PUT_LOST, Trouble.PUT_LATE)
        if lost is not Trouble.PUT_LOST and lost is not Trouble.ALL_LOST:
            self.real.put(path, data)
        self._answer(lost)

    def get(self, path: str) -> bytes:
        self._answer(self._strikes(Trouble.GET_LOST))
        return self.real.get(path)

    def delete(self, path: str) -> None:
        lost = self._strikes(Trouble.DELETE_LOST, Trouble.DELETE_LATE)
        if lost is not Trouble.DELETE_LOST and lost is not Trouble.ALL_LOST:
            self.real.delete(path)
        self._answer(lost)

    def list(self, prefix: str) -> Iterator[str]:
        lost = self._strikes(Trouble.LIST_LOST, Trouble.LIST_BREAKS, Trouble.LIST_PART)
        if lost in {Trouble.LIST_LOST, Trouble.ALL_LOST}:
            self._answer(lost)
        found = sorted(self.real.list(prefix))
        yield from found[: len(found) // 2] if lost else found
        if lost is Trouble.LIST_BREAKS:
            self._answer(lost)

    def size(self, path: str) -> int:
        self._answer(self._strikes(Trouble.GET_LOST))
        return self.real.size(path)

    def sweep(self) -> int:
        return self.real.sweep()

    def _strikes(self, *kinds: Trouble) -> Trouble | None:
        if self.trouble not in {*kinds, Trouble.ALL_LOST}:
            return None
        self.calls += 1
        if self.calls < self.at or (self.calls >= self.at + self.times and self.trouble is not Trouble.ALL_LOST):
            return None
        self.struck += 1
        return self.trouble

    def _answer(self, lost: Trouble | None) -> None:
        if lost is not None:
            raise StoreFault("the store did not answer in time")


def with_stores(house: House, failing: dict[str, FailingStore]) -> House:
    """The house with other stores in some of its places."""
    places = {n: replace(p, store=failing[n]) if n in failing else p for n, p in house.places.items()}
    return replace(house, places=places)
