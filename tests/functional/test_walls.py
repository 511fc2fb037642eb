"""Walls between tenants and places: what is in which place, and that nothing of one is in another (P17, P24, P25).

Three customers in one room: harbor (US), linden (EU, Delta tables) and sonder (EU, exported as nobody else does). Rows,
objects, keys, logs and raw bytes of every place are searched for names, identifiers, pseudonyms, ids and labels.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from readingroom.bootstrap import open_house
from readingroom.copies.reader import read_rows
from readingroom.copies.records import get_copy, list_copies, list_items, list_parts
from readingroom.core.category import Category
from readingroom.core.errors import KeyFault, ReadingroomError, UsageError
from readingroom.core.ids import PlaceName
from readingroom.db.engines import EVERY_TENANT
from readingroom.db.schema import PLACE, ROOM
from readingroom.house import House
from readingroom.keys.roles import Role

US, EU, SCHEMA = PlaceName("us"), PlaceName("eu"), PlaceName("schema-us")
HOME = {"harbor": US, "linden": EU, "sonder": EU}
_PSEUDONYM = re.compile(r"\b(?:[a-z]+_|[A-Z]+_)[0-9a-f]{8,}\b")


@pytest.fixture(scope="module")
def room(walled_template: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The room with three tenants, after a reviewer labelled mails of each and the log was written."""
    cli = walled_template.copy_to(tmp_path_factory.mktemp("walls") / "room")
    for person, tenant in (("ada", "harbor"), ("ben", "linden"), ("emil", "sonder")):
        cli.grant(person, tenant=tenant)
    for person in ("ada", "ben", "ben"):
        item = cli.ask("review", "next", "--as", person)["item"]
        cli.do("review", "label", item, "ham", "--as", person)
    cli.do("audit", "verify")
    return cli


@contextmanager
def _process(room: Any, role: Role, *places: PlaceName) -> Iterator[House]:
    house = open_house(room.root, role, places=places or None)
    try:
        yield house
    finally:
        for database in (house.db, *(place.db for place in house.places.values())):
            database.close()


def _rows(house: House, place: PlaceName | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every row of a place's database, or of the room's."""
    metadata, database = (ROOM, house.db) if place is None else (PLACE, house.place(place).db)
    with database.read(EVERY_TENANT) as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)):
                yield table.name, dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row's columns


def _bytes(room: Any, folder: str) -> dict[str, bytes]:
    return {name: data for name, data in room.files().items() if name.startswith(folder)}


def _found(files: Mapping[str, bytes], needles: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, one) for name, data in files.items() for one in needles if one.encode() in data or one in name]


def _ids(room: Any, tenant: str, categories: Sequence[Category]) -> list[str]:
    """Everything by which a tenant's copies of these categories can be told: ids of copies, parts' objects, items."""
    with _process(room, Role.WEB) as house:
        found = []
        for copy in list_copies(house):
            if copy.tenant == tenant and copy.category in categories:
                found += [copy.id, *(str(item.id) for item in list_items(house, copy))]
        return found


def _pseudonyms(room: Any, tenant: str) -> list[str]:
    """Pseudonyms that stand in the tenant's copies."""
    with _process(room, Role.WEB) as house:
        found: set[str] = set()
        for copy in list_copies(house):
            if copy.tenant == tenant and copy.category is not Category.SCHEMA:
                for part in list_parts(house, copy):
                    table = read_rows(house, get_copy(house, copy.id), part.name)
                    found |= set(_PSEUDONYM.findall(json.dumps(table.to_pydict(), default=str)))
        return sorted(found)


def test_every_copy_is_in_its_place_and_nowhere_else(room: Any) -> None:
    with _process(room, Role.WORKER) as house:
        copies = list_copies(house)
        assert {(one.tenant, one.category) for one in copies} == {(t, c) for t in HOME for c in Category}
        for copy in copies:
            assert copy.place == (SCHEMA if copy.category is Category.SCHEMA else HOME[copy.tenant])
        for place in (US, EU, SCHEMA):
            mine = {one.id for one in copies if one.place == place}
            assert set(house.place(place).keyring.list_copies()) == mine
            objects = [one.path if hasattr(one, "path") else str(one) for one in house.place(place).store.list("")]
            assert objects
            for path in objects:
                assert any(one in path for one in mine), path


def test_no_row_of_a_place_is_about_a_tenant_of_another(room: Any) -> None:
    with _process(room, Role.WORKER) as house:
        for place in (US, EU):
            others = [name for name, home in HOME.items() if home != place]
            tenants = {row["tenant"] for _, row in _rows(house, place) if row.get("tenant")}
            assert tenants <= {name for name, home in HOME.items() if home == place} | {EVERY_TENANT}
            for table, row in _rows(house, place):
                said = [name for name in others if name in json.dumps(row, default=str)]
                assert not said, (place, table, sorted(row))
        assert {row["tenant"] for table, row in _rows(house, EU) if table == "labels"} == {"linden"}
        assert {row["tenant"] for table, row in _rows(house, US) if table == "labels"} == {"harbor"}


def test_schemas_are_in_the_schema_place_and_nothing_else_is(room: Any) -> None:
    with _process(room, Role.WORKER) as house:
        categories = {
            place: {row["category"] for table, row in _rows(house, place) if table == "copies"}
            for place in (US, EU, SCHEMA)
        }
    assert categories == {US: {"marketing", "query"}, EU: {"marketing", "query"}, SCHEMA: {"schema"}}
    with _process(room, Role.WEB) as house:
        for copy in list_copies(house):
            stores = {part.table_name for part in list_parts(house, copy)}
            assert ("entity-definitions" in stores) == (copy.category is Category.SCHEMA)
            assert len(stores) == 1 or copy.category is not Category.SCHEMA


def test_the_names_of_both_reach_the_schema_place_and_no_person_does(room: Any) -> None:
    with _process(room, Role.WEB) as house:
        for copy in list_copies(house):
            if copy.category is Category.SCHEMA:
                (part,) = list_parts(house, copy)
                rows = read_rows(house, copy, part.name).to_pylist()
                names = {str(row["TableLogicalName"]) for row in rows}
                assert {"contact", "new_region", "cr1a_weatherstation"} <= names, copy.tenant
                assert not [name for name in names if name.endswith(("_orders", "notes"))], copy.tenant


@pytest.mark.parametrize(("place", "strangers"), [(US, ("linden", "sonder")), (EU, ("harbor",))])
def test_no_byte_of_a_place_is_of_another(room: Any, place: PlaceName, strangers: tuple[str, ...]) -> None:
    files = _bytes(room, f"places/{place}/")
    assert len(files) > 10
    for tenant in strangers:
        needles = [tenant, *_ids(room, tenant, list(Category)), *_pseudonyms(room, tenant)]
        assert len(needles) > 200
        assert _found(files, needles) == []
        here = _bytes(room, f"places/{HOME[tenant]}/")
        assert _found(here, _ids(room, tenant, [Category.MARKETING])[:3]), "the search must be able to find"


def test_the_schema_place_holds_names_of_tables_only(room: Any) -> None:
    files = _bytes(room, f"places/{SCHEMA}/")
    for tenant in HOME:
        ids = _ids(room, tenant, [Category.MARKETING, Category.QUERY])
        assert _found(files, [*ids, *_pseudonyms(room, tenant)]) == []


def test_the_rooms_own_database_holds_nothing_that_is_derived_from_a_tenant(room: Any) -> None:
    files = _bytes(room, "room/")
    for tenant in HOME:
        items = [one for one in _ids(room, tenant, list(Category)) if not one.startswith("copy-")]
        assert _found(files, [*items, *_pseudonyms(room, tenant)]) == []


@pytest.mark.parametrize("tenant", list(HOME))
def test_no_identifier_of_anybody_rests_anywhere(room: Any, tenant: str) -> None:
    assert room.holding(room.raw(tenant)) == {}


def test_the_logs_of_a_place_are_of_its_tenants(room: Any) -> None:
    for place in (US, EU):
        logs = {path.name for path in (room.root / "places" / place / "logs").iterdir()}
        assert logs == {name for name, home in HOME.items() if home == place}
    assert "linden" not in "".join(_bytes(room, f"places/{US}/logs"))


@pytest.mark.parametrize("role", list(Role))
def test_a_european_process_opens_nothing_american(room: Any, role: Role) -> None:
    with _process(room, Role.WORKER) as house:
        harbor = next(one for one in list_copies(house) if one.tenant == "harbor" and one.place == US)
    with _process(room, role, EU, SCHEMA) as house:
        assert set(house.places) == {EU, SCHEMA}
        with pytest.raises(UsageError):
            house.place(US)
        assert harbor.id not in {one.id for one in list_copies(house)}
        for act in (lambda: get_copy(house, harbor.id), lambda: house.place(EU).keyring.tag_key(harbor.tenant)):
            with pytest.raises(ReadingroomError):
                act()


def test_a_european_process_with_american_bytes_cannot_read_them(room: Any, tmp_path: Path) -> None:
    """Even handed an American part, the European keyring has no key for it."""
    with _process(room, Role.WEB) as american:
        harbor = next(one for one in list_copies(american) if one.tenant == "harbor" and one.place == US)
        part = list_parts(american, harbor)[0]
    with _process(room, Role.WEB, EU, SCHEMA) as house, pytest.raises((KeyFault, UsageError)):
        read_rows(house, harbor, part.name)
    assert not list(tmp_path.iterdir())
