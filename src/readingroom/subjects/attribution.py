"""Which people stand in which mail, as opaque numbers: what a privacy budget per person needs, and no more (P31).

The role `subjects` reads the tag index; what leaves here is item → numbers, which name nobody and mean nothing outside
this call. The person behind a tag is looked up in the link table; a tag that several people share counts for each of
them, and a tag of nobody in the link table is a person of its own.
Only the columns that a model reads count: who owns or sent a mail record is not in what it learns from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import select

from readingroom.audit.unit import Event, unit_of_work
from readingroom.copies.opening import open_part
from readingroom.copies.records import Copy, list_parts
from readingroom.copies.tables import ITEMS, PartKind
from readingroom.core.errors import KeyFault
from readingroom.core.ids import ItemId
from readingroom.house import House
from readingroom.keys.roles import Role


def people_by_item(
    house: House, copy: Copy, *, kind: str, columns: Collection[str], purpose: str
) -> dict[ItemId, tuple[int, ...]]:
    """For every item of `kind` in the copy, the people who stand in `columns`, as opaque numbers; maybe none."""
    if house.role is not Role.SUBJECTS:
        raise KeyFault(f"role {house.role} reads no tags")
    owners = _owners(house, copy)
    numbers: dict[bytes, int] = {}
    found: dict[ItemId, tuple[int, ...]] = {}
    places = _items(house, copy, kind)
    for part, rows in _tag_rows(house, copy, columns):
        for row, tags in sorted(rows.items()):
            item = places.get((part, row))
            if item is not None:
                people = {person for tag in tags for person in owners.get(tag, (tag,))}
                # in the order of the tags, so that the same copy gives the same numbers to training and gate
                found[item] = tuple(sorted(numbers.setdefault(person, len(numbers)) for person in sorted(people)))
    with unit_of_work(house.place(copy.place).db, copy.tenant, house.clock) as unit:
        facts = {"purpose": purpose, "items": len(found), "people": len(numbers)}
        unit.append(Event("tags.counted", actor=house.role, tenant=copy.tenant, copy=copy.id, facts=facts))
    return {item: found.get(item, ()) for item in places.values()}


def _items(house: House, copy: Copy, kind: str) -> dict[tuple[str, int], ItemId]:
    statement = select(ITEMS.c.id, ITEMS.c.part, ITEMS.c.row).where(ITEMS.c.copy == copy.id, ITEMS.c.kind == kind)
    with house.place(copy.place).db.read(copy.tenant) as connection:
        return {(row.part, row.row): ItemId(row.id) for row in connection.execute(statement)}


def _tag_rows(house: House, copy: Copy, columns: Collection[str]) -> Iterator[tuple[str, dict[int, set[bytes]]]]:
    data = {part.position: part.name for part in list_parts(house, copy)}
    wanted = pa.array(sorted(columns), pa.string())
    for index in list_parts(house, copy, kind=PartKind.TAGS):
        table = open_part(house, copy, index)
        mine = table.filter(pc.is_in(table["column"].cast(pa.string()), value_set=wanted))
        rows: dict[int, set[bytes]] = defaultdict(set)
        for row, tag in zip(mine["row"].to_pylist(), mine["tag"].to_pylist(), strict=True):
            rows[row].add(tag)
        yield data[index.position], rows


def _owners(house: House, copy: Copy) -> dict[bytes, tuple[bytes, ...]]:
    owners: dict[bytes, set[bytes]] = defaultdict(set)
    for part in list_parts(house, copy, kind=PartKind.LINKS):
        table: Any = open_part(house, copy, part)
        for person, tag in zip(table["person"].to_pylist(), table["tag"].to_pylist(), strict=True):
            owners[tag].add(person)
    return {tag: tuple(sorted(people)) for tag, people in owners.items()}
