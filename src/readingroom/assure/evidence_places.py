"""Evidence of places: geo, tenants apart, schemas in a place of their own (P17-P19, P24, P25)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Table, select

from readingroom.assure.evidence_copies import over_age, unlisted
from readingroom.assure.finding import Finding, count, not_yet, weigh
from readingroom.assure.holdings import copies_of
from readingroom.assure.keyholding import strays, unopenable
from readingroom.assure.lives import unlike_log
from readingroom.assure.register import place_rows, room_leaves
from readingroom.copies.records import Copy, list_copies
from readingroom.copies.states import CopyState
from readingroom.copies.tables import COPIES, ITEMS, OBJECTS, PARTS, ObjectState
from readingroom.core.category import Category
from readingroom.core.errors import Refusal
from readingroom.core.ids import PlaceName
from readingroom.db.engines import EVERY_TENANT
from readingroom.db.schema import PLACE
from readingroom.engagement.tenants import list_tenants
from readingroom.house import House, Place
from readingroom.stores.places import place_for

_FREE: Final = frozenset({ObjectState.DELETED.value})


def geo(house: House) -> Finding:
    """P17: every copy, object and row about a tenant stands in the place of its geo."""
    copies = list_copies(house)
    if not copies:
        return not_yet("there is no copy")
    homes = {str(tenant.name): tenant for tenant in list_tenants(house)}
    wrong = [
        "a tenant's place is not the one of its geo"
        for leaf in room_leaves(house, "tenant.added")
        if leaf.tenant in homes and homes[leaf.tenant].place != leaf.facts["place"]
    ]
    for copy in copies:
        home = homes.get(copy.tenant)
        if home is None or place_for(house.settings, copy.category, home.geo) != copy.place:
            wrong.append("a copy is outside its geo")
    own = {str(name): home.place for name, home in homes.items()}
    for place in house.places.values():
        if place.name != house.settings.schema_place:
            wrong += ["rows of a tenant are outside its geo" for name in _tenants(place) if own.get(name) != place.name]
        wrong += _strangers(place, {copy.id for copy in copies if copy.place == place.name})
    held = len(house.settings.places) - len(house.places)
    lacks = f"{count(held, 'place')} that this process does not hold" if held else ""
    shown = f"{count(len(copies), 'copy')} in {count(len(house.places), 'place')}, every object and row in its geo"
    return weigh(wrong, shown=shown, lacks=lacks)


def _tenants(place: Place) -> set[str]:
    """Every tenant that any table of the place names."""
    found: set[str] = set()
    with place.db.read(EVERY_TENANT) as connection:
        for table in PLACE.sorted_tables:
            if "tenant" in table.c:
                found |= set(connection.execute(select(table.c.tenant).distinct()).scalars())
    return found - {""}


def paths(place: Place) -> list[str]:
    """Every object of the place's store; none where this process may only write to it."""
    try:
        return list(place.store.list(""))
    except Refusal:
        return []


def _strangers(place: Place, copies: set[str]) -> Iterator[str]:
    for path in paths(place):
        steps = path.split("/")
        if len(steps) != 5 or steps[3] not in copies:
            yield "an object belongs to no copy of its place"


def apart(house: House) -> Finding:
    """P18: every object stands in its own tenant's folder and is registered; every live copy has keys of its own."""
    copies = {copy.id: copy for copy in list_copies(house)}
    if not copies:
        return not_yet("there is no copy")
    wrong: list[str] = []
    objects = 0
    for place in house.places.values():
        known = {row["path"]: row for name, row in place_rows(house, OBJECTS) if name == place.name}
        for path in paths(place):
            objects += 1
            row = known.get(path)
            if row is None or row["state"] in _FREE:
                wrong.append("an object is not registered")
            elif not _in_folder(path, copies.get(row["copy"])):
                wrong.append("an object stands in a folder that is not its copy's")
        wrong += [
            "rows name another tenant than their copy" for table in (PARTS, OBJECTS, ITEMS) if _mixed(place, table)
        ]
    live = [copy for copy in copies.values() if copy.state is CopyState.SEALED]
    wrong += unopenable(house)
    wrong += ["a live copy has no keys" for c in live if not house.place(c.place).keyring.copy_exists(c.id)]
    tenants = len({copy.tenant for copy in copies.values()})
    return weigh(wrong, shown=f"{count(objects, 'object')} of {count(tenants, 'tenant')}, each in its tenant's folder")


def _mixed(place: Place, table: Table) -> bool:
    """Whether a row of the table names a copy that is not there, or is another tenant's."""
    pair = table.outerjoin(COPIES, (table.c.copy == COPIES.c.id) & (table.c.tenant == COPIES.c.tenant))
    stray = select(table.c.copy).select_from(pair).where(COPIES.c.id.is_(None)).limit(1)
    with place.db.read(EVERY_TENANT) as connection:
        return connection.execute(stray).first() is not None


def _in_folder(path: str, copy: Copy | None) -> bool:
    return copy is not None and path.startswith(f"{copy.tenant}/{copy.category.value}/{copy.day}/{copy.id}/")


def not_shared(house: House) -> Finding:
    """P19: nothing in the product exports; that nothing else does is not seen from inside."""
    copies = list_copies(house)
    if not copies:
        return not_yet("there is no copy")
    lacks = "a log of what leaves the machine; no command or page exports, and every read is in the register"
    wrong = strays(house, tuple(house.places))
    return weigh(wrong, shown=f"{count(len(copies), 'copy')}, readable through the gate alone", lacks=lacks)


def schema_life(house: House) -> Finding:
    """P24: schema copies are in the schema place, live at most 12 months, and are certified when purged."""
    copies = copies_of(house, Category.SCHEMA)
    wrong = [*over_age(house, copies), *unlisted(house, schemas=True), *unlike_log(house, Category.SCHEMA)]
    if not copies and not wrong:
        return not_yet("there is no schema copy")
    wrong += ["a schema is kept elsewhere" for copy in copies if copy.place != house.settings.schema_place]
    live = [copy for copy in copies if copy.state is CopyState.SEALED]
    shown = f"{count(len(live), 'live schema copy')} in {house.settings.schema_place}"
    until = max((copy.expires_at for copy in live), default=None)
    return weigh(wrong, shown=f"{shown}, the last until {until:%Y-%m-%d}" if until else f"{shown}; the others purged")


def schema_place(house: House) -> Finding:
    """P25: the schema place holds schema copies and nothing else."""
    name = house.settings.schema_place
    if name not in house.places:
        return not_yet("this process does not hold the schema place")
    copies = {str(copy.id): copy for copy in list_copies(house)}
    here = [copy for copy in copies.values() if copy.place == name]
    if not here:
        return not_yet("there is no schema copy")
    wrong = ["a copy in the schema place is no schema" for copy in here if copy.category is not Category.SCHEMA]
    wrong += [*_not_schemas(house, name), *strays(house, [name])]
    try:
        listed = list(house.place(name).store.list(""))
    except Refusal:
        return weigh(wrong, shown="registered copies are schemas", lacks="a listing: this process may only write there")
    for path in listed:
        steps = path.split("/")
        copy = copies.get(steps[3]) if len(steps) == 5 else None
        if copy is None or copy.category is not Category.SCHEMA or steps[1] != Category.SCHEMA.value:
            wrong.append("an object in the schema place is no schema")
    return weigh(wrong, shown=f"{count(len(listed), 'object')} listed, all of {count(len(here), 'schema copy')}")


def _not_schemas(house: House, name: PlaceName) -> Iterator[str]:
    kinds = select(ITEMS.c.kind).distinct()
    with house.place(name).db.read(EVERY_TENANT) as connection:
        for kind in connection.execute(kinds).scalars():
            if kind != "schema":
                yield "items in the schema place are no schema"
