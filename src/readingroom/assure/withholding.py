"""What must not be shown, as the log tells it, against the lists that the gate and the queues work by (P14, P16, P34).

Rule 1: an item of a live copy is there as long as the copy, withheld or not; none is ever deleted by itself.
Rule 2: what the second look, a flag or a request withheld stays withheld; a dismissed flag alone gives items back.
Rows and leaves of a place are read in one transaction, so that what happens meanwhile contradicts nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, select

from readingroom.assure.lives import REWRITTEN, STEPS, Life, lives
from readingroom.assure.register import Leaf, leaves_in
from readingroom.copies.records import Copy, copies_in
from readingroom.copies.states import CopyState
from readingroom.copies.tables import ITEMS, WITHHELD, Reason
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House, Place
from readingroom.review.flag_states import FlagState
from readingroom.review.tables import FLAGS, TASKS

_ACCEPTED: Final = "subject.erasure_accepted"
_FLAGS: Final = {
    "flag.raised": FlagState.OPEN,
    "flag.confirmed": FlagState.CONFIRMED,
    "flag.dismissed": FlagState.DISMISSED,
    "flag.removed": FlagState.REMOVED,
}


def shown_again(house: House) -> Iterator[str]:
    """Where items of live copies are gone, or are to be shown that the log says are withheld (P14)."""
    for place in house.places.values():
        with place.db.read(EVERY_TENANT) as connection:
            copies = [c for c in copies_in(connection, state=CopyState.SEALED) if c.purge_started_at is None]
            told = lives(leaves_in(connection, place.db, place.name, (*STEPS, REWRITTEN)))
            flags = _Flags.read(connection, place)
            counts = _counts(connection)
        for copy in copies:
            yield from _items(copy, told.get(str(copy.id), Life()), counts.get(str(copy.id), {}), flags=flags)
        yield from flags.contradictions()


def _counts(connection: Connection) -> dict[str, dict[str, int]]:
    """How many items each copy has, by the reason that withholds them ("" is none)."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    statement = select(ITEMS.c.copy, ITEMS.c.withheld, func.count()).group_by(ITEMS.c.copy, ITEMS.c.withheld)
    for copy, reason, number in connection.execute(statement):
        found[copy][reason] = number
    return found


def _items(copy: Copy, life: Life, counts: Mapping[str, int], *, flags: _Flags) -> Iterator[str]:
    if life.sealed is None:
        return  # `lives` says what is wrong with it
    sealed = life.sealed.facts
    withheld = sum(number for reason, number in counts.items() if reason)
    if sum(counts.values()) != sealed["items"]:
        yield "the items of a live copy are not those that were sealed"
    if counts.get(Reason.SUSPICION.value, 0) != sealed["withheld_items"]:
        yield "items that the second look withheld are not withheld"
    if withheld != copy.withheld_items:
        yield "a copy's count of withheld items is not the one of its items"
    if withheld < life.items_gone - flags.given_back:
        yield "items that were erased are not withheld"


@dataclass(frozen=True)
class _Flags:
    """The flags of a place: their leaves, their rows, and the entries on the withheld list that name them."""

    told: Mapping[str, tuple[int, FlagState]]  # flag → its items and its state, as the log says
    rows: Mapping[str, str]  # flag → its state, as the table says
    entries: Mapping[str, list[Any]]  # flag → item, lifted_at, and what withholds the item itself (None: no such item)

    @classmethod
    def read(cls, connection: Connection, place: Place) -> _Flags:
        told: dict[str, tuple[int, FlagState]] = {}
        for leaf in leaves_in(connection, place.db, place.name, tuple(_FLAGS)):
            told[leaf.facts["flag"]] = (leaf.facts["items"], _FLAGS[leaf.name])
        pair = WITHHELD.outerjoin(ITEMS, ITEMS.c.id == WITHHELD.c.item)
        listed = select(WITHHELD.c.request, WITHHELD.c.item, WITHHELD.c.lifted_at, ITEMS.c.withheld).select_from(pair)
        entries: dict[str, list[Any]] = defaultdict(list)
        for row in connection.execute(listed.where(WITHHELD.c.item.is_not(None))):
            entries[row.request].append(row)
        rows = {row.id: row.state for row in connection.execute(select(FLAGS.c.id, FLAGS.c.state))}
        return cls(told, rows, entries)

    @property
    def given_back(self) -> int:
        """How many items dismissed flags may have given back."""
        return sum(items for items, state in self.told.values() if state is FlagState.DISMISSED)

    def contradictions(self) -> Iterator[str]:
        """Where a flag is lost, was decided by nobody, or no longer withholds its items."""
        dismissed = [flag for flag, (_, state) in self.told.items() if state is FlagState.DISMISSED]
        released = {row.item for flag in dismissed for row in self.entries.get(flag, [])}
        for flag, (items, state) in self.told.items():
            if self.rows.get(flag) != state.value:
                yield "a flag's state is not the one in the log"
            mine = self.entries.get(flag, [])
            if len({row.item for row in mine}) != items:
                yield "items that a flag withheld are not on the list"
            if state is not FlagState.DISMISSED:
                for row in (row for row in mine if row.item not in released):
                    if row.lifted_at is not None or row.withheld == "":
                        yield "an item is shown that a flag withholds"


def forgotten(house: House) -> Iterator[str]:
    """Where tags of people who were erased are no longer on the withheld list, and a later copy would hold them."""
    for place in house.places.values():
        with place.db.read(EVERY_TENANT) as connection:
            accepted = leaves_in(connection, place.db, place.name, [_ACCEPTED])
            listed = select(WITHHELD.c.tenant, WITHHELD.c.request, func.count(WITHHELD.c.tag.distinct()))
            standing = WITHHELD.c.lifted_at.is_(None) & (WITHHELD.c.reason == Reason.ERASED.value)
            chosen = listed.where(standing).group_by(WITHHELD.c.tenant, WITHHELD.c.request)
            tags = {(tenant, request): number for tenant, request, number in connection.execute(chosen)}
        yield from untold(accepted, tags)


def untold(accepted: Collection[Leaf], tags: Mapping[tuple[str, str], int]) -> Iterator[str]:
    """Where a request has fewer tags on the list than it named, and earlier requests cannot account for the rest.

    Pure. A tag that an earlier request of the tenant put on the list stands there under that request's id.
    """
    named: dict[tuple[str, str], int] = {}
    for leaf in accepted:  # in order; a request that was taken up again names the same tags again
        key = (leaf.tenant, leaf.facts["request"])
        named[key] = max(named.get(key, 0), leaf.facts["identifiers"])
    before: Counter[str] = Counter()
    for (tenant, request), number in named.items():
        there = tags.get((tenant, request), 0)
        if not number - before[tenant] <= there <= number:
            yield "tags of an erased person are not on the withheld list"
        before[tenant] += there
    if set(tags) - set(named):
        yield "the withheld list names a request that the log does not"


def unqueued(house: House) -> Iterator[str]:
    """Where a copy's tasks are not as many as the queue was filled with (P30)."""
    for place in house.places.values():
        with place.db.read(EVERY_TENANT) as connection:
            filled: Counter[str] = Counter()
            for leaf in leaves_in(connection, place.db, place.name, ["queue.filled"]):
                filled[leaf.copy] += leaf.facts["tasks"]
            tasks = select(TASKS.c.copy, func.count()).group_by(TASKS.c.copy)
            there = {str(row[0]): int(row[1]) for row in connection.execute(tasks)}
        if there != {copy: number for copy, number in filled.items() if number}:
            yield "the tasks of a copy are not those that its queue was filled with"
