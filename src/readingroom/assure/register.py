"""What the register says, read leaf by leaf: the public part of every event, whatever the columns beside it claim."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select

from readingroom.access.tables import VIEWS
from readingroom.audit.logs import events_of
from readingroom.audit.tables import PLACE_SALTS, ROOM_SALTS
from readingroom.core.clock import parse_instant
from readingroom.core.ids import PlaceName
from readingroom.db.engines import EVERY_TENANT, Database
from readingroom.db.schema import ROOM
from readingroom.house import House

VIEWED = ("item.viewed", "part.opened")


@dataclass(frozen=True)
class Leaf:
    """One event, as its leaf in the log says it."""

    id: str
    name: str
    at: datetime
    actor: str
    tenant: str
    copy: str
    facts: Mapping[str, Any]
    place: PlaceName | None  # None: the room's own log
    commitments: Mapping[str, str] = field(default_factory=dict)  # to what is not public (`opens`)


@dataclass(frozen=True)
class Seen:
    """One row of VIEWS: what was handed out to whom, from where, what for."""

    tenant: str
    copy: str
    item: str
    actor: str
    workstation: str
    grant: str
    purpose: str
    action: str
    at: datetime
    event: str
    place: PlaceName


def room_leaves(house: House, *names: str) -> list[Leaf]:
    """The events of these names in the room's own log, in order."""
    return _leaves(house.db, None, names)


def place_leaves(house: House, *names: str) -> list[Leaf]:
    """The events of these names in the logs of every place that this process holds, place by place, in order."""
    return [leaf for place in house.places.values() for leaf in _leaves(place.db, place.name, names)]


def views(house: House) -> list[Seen]:
    """Every view and every opened part, of every place that this process holds, in order of time."""
    found = [
        Seen(**{name: row[name] for name in Seen.__dataclass_fields__ if name != "place"}, place=place.name)
        for place in house.places.values()
        for row in rows_of(place.db, VIEWS)
    ]
    return sorted(found, key=lambda one: one.at)


def rows_of(db: Database, table: Table) -> list[dict[str, Any]]:
    """Every row of a table, of every tenant."""
    with db.read(EVERY_TENANT) as connection:
        return [dict(row) for row in connection.execute(select(table)).mappings()]


def place_rows(house: House, table: Table) -> list[tuple[PlaceName, dict[str, Any]]]:
    """Every row of a table in every place that this process holds, with the place."""
    return [(place.name, row) for place in house.places.values() for row in rows_of(place.db, table)]


def leaves_in(  # noqa: PLR0917 - where to look, and for what
    connection: Connection, db: Database, place: PlaceName | None, names: Collection[str]
) -> list[Leaf]:
    """The events of these names as this transaction sees them, in order."""
    table = events_of(db)
    wanted = select(table.c.leaf).where(table.c.name.in_(names)).order_by(table.c.number)
    return [_leaf(json.loads(raw), place) for raw in connection.execute(wanted).scalars()]


def opens(connection: Connection, db: Database, leaf: Leaf, *, name: str, value: str) -> bool:
    """Whether the leaf's commitment `name` is to `value`; no if its salt is not there."""
    table = ROOM_SALTS if db.schema is ROOM else PLACE_SALTS
    chosen = select(table.c.salt).where(table.c.event == leaf.id, table.c.field == name)
    salt = connection.scalar(chosen)
    return salt is not None and hashlib.sha256(salt + value.encode()).hexdigest() == leaf.commitments.get(name)


def _leaves(db: Database, place: PlaceName | None, names: Collection[str]) -> list[Leaf]:
    with db.read(EVERY_TENANT) as connection:
        return leaves_in(connection, db, place, names)


def _leaf(leaf: Mapping[str, Any], place: PlaceName | None) -> Leaf:
    return Leaf(
        id=leaf["id"],
        name=leaf["name"],
        at=parse_instant(leaf["at"]),
        actor=leaf["actor"],
        tenant=leaf["tenant"],
        copy=leaf.get("copy", ""),
        facts=leaf["facts"],
        place=place,
        commitments=leaf.get("commitments", {}),
    )
