"""The unit of work and the tables keep their contract on SQLite and on a real PostgreSQL 15."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, inspect, select, text, update

from readingroom.audit.tables import PLACE_EVENTS, PLACE_SALTS
from readingroom.audit.unit import Event, unit_of_work
from readingroom.bootstrap import import_tables
from readingroom.copies.tables import COPIES
from readingroom.core.clock import FixedClock
from readingroom.core.errors import DatabaseFault, EventMissing
from readingroom.core.ids import CopyId, TenantName
from readingroom.db.engines import EVERY_TENANT, Database
from readingroom.db.migrating import VERSION
from readingroom.db.schema import PLACE, ROOM
from readingroom.engagement.tables import TENANTS

import_tables()
ACME = TenantName("acme")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/db.sqlite"
        return
    yield request.getfixturevalue("postgres_url")


@pytest.fixture
def place(url: str) -> Iterator[Database]:
    database = Database("us", Database.create("probe", url, PLACE).engine, PLACE)
    yield database
    _drop(database)


def test_every_table_of_both_schemas_can_be_made_and_loaded(url: str) -> None:
    for schema in (PLACE, ROOM):
        made = Database.create("probe", url, schema)
        assert set(inspect(made.engine).get_table_names()) == {*schema.tables, VERSION.name}
        Database.load("probe", url, schema).close()
        _drop(made)


def test_create_never_overwrites_and_load_never_creates(place: Database, url: str, tmp_path: Path) -> None:
    with pytest.raises(DatabaseFault, match="never overwrites"):
        Database.create("us", url, PLACE)
    with pytest.raises(DatabaseFault):
        Database.load("us", f"sqlite:///{tmp_path}/absent.sqlite", PLACE)
    with pytest.raises(DatabaseFault, match="another version"):
        Database.load("us", url, ROOM)


def test_a_change_and_its_event_are_committed_together(place: Database, clock: FixedClock) -> None:
    with unit_of_work(place, ACME, clock) as unit:
        unit.connection.execute(insert(COPIES).values(**_copy("copy-1", clock)))
        event = unit.append(Event("copy.started", "copy", tenant=ACME, copy=CopyId("copy-1"), facts={"rows": 3}))
    with place.read(ACME) as connection:
        assert connection.execute(select(COPIES.c.id)).scalars().all() == ["copy-1"]
        row = connection.execute(select(PLACE_EVENTS)).one()
    leaf = json.loads(row.leaf)
    assert (leaf["id"], leaf["name"], leaf["facts"]) == (event, "copy.started", {"rows": 3})
    assert row.log_index is None


def test_a_change_without_its_event_is_not_committed(place: Database, clock: FixedClock) -> None:
    with pytest.raises(EventMissing, match="copies"), unit_of_work(place, ACME, clock) as unit:
        unit.connection.execute(insert(COPIES).values(**_copy("copy-1", clock)))
    with pytest.raises(EventMissing), unit_of_work(place, ACME, clock) as unit:
        unit.connection.execute(text("UPDATE copies SET tenant = 'other'"))
    with place.read(EVERY_TENANT) as connection:
        assert connection.execute(select(COPIES)).all() == []
        assert connection.execute(select(PLACE_EVENTS)).all() == []


def test_an_error_inside_leaves_nothing(place: Database, clock: FixedClock) -> None:
    with pytest.raises(ZeroDivisionError), unit_of_work(place, ACME, clock) as unit:
        unit.connection.execute(insert(COPIES).values(**_copy("copy-1", clock)))
        unit.append(Event("copy.started", "copy", tenant=ACME))
        _ = 1 / 0
    with place.read(EVERY_TENANT) as connection:
        assert connection.execute(select(COPIES)).all() == []
        assert connection.execute(select(PLACE_EVENTS)).all() == []


def test_a_database_error_never_shows_a_parameter(place: Database, clock: FixedClock) -> None:
    marker = "Marker Personname"
    with pytest.raises(DatabaseFault) as caught, unit_of_work(place, ACME, clock) as unit:
        unit.connection.execute(
            update(COPIES).values(no_such_column=marker)
            if False
            else text("INSERT INTO copies (id, tenant) VALUES (:v, NULL)"),
            {"v": marker},
        )
    assert marker not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_sealed_values_are_commitments_whose_salts_can_be_forgotten(place: Database, clock: FixedClock) -> None:
    with unit_of_work(place, ACME, clock) as unit:
        unit.append(Event("item.viewed", "actor-1", tenant=ACME, copy=CopyId("copy-1"), sealed={"item": "item-77"}))
    with place.read(ACME) as connection:
        leaf = connection.execute(select(PLACE_EVENTS.c.leaf)).scalar_one()
        assert connection.execute(select(PLACE_SALTS.c.value)).scalar_one() == "item-77"
    assert b"item-77" not in leaf
    with unit_of_work(place, ACME, clock) as unit:
        assert unit.forget_salts(CopyId("copy-1")) == 1
        unit.append(Event("copy.purged", "worker", tenant=ACME, copy=CopyId("copy-1")))
    with place.read(ACME) as connection:
        assert connection.execute(select(PLACE_SALTS)).all() == []


def test_check_then_act_by_two_at_once_happens_once(place: Database, clock: FixedClock) -> None:
    won: list[str] = []

    def attempt(name: str) -> None:
        with unit_of_work(place, ACME, clock) as unit:
            if unit.connection.execute(select(COPIES.c.id)).first() is None:
                unit.connection.execute(insert(COPIES).values(**_copy(name, clock)))
                unit.append(Event("copy.started", "copy", tenant=ACME))
                won.append(name)

    threads = [threading.Thread(target=attempt, args=(f"copy-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_the_rooms_database_has_its_own_events(url: str, clock: FixedClock) -> None:
    room = Database.create("room", url, ROOM)
    try:
        with pytest.raises(EventMissing), unit_of_work(room, EVERY_TENANT, clock) as unit:
            unit.connection.execute(delete(TENANTS))
    finally:
        _drop(room)


def _drop(database: Database) -> None:
    database.schema.drop_all(database.engine)
    VERSION.drop(database.engine)
    database.close()


def _copy(identity: str, clock: FixedClock) -> dict[str, object]:
    """A row of `copies` with every column that has no default filled in."""
    row: dict[str, object] = {"id": identity, "tenant": ACME}
    samples = {
        "Instant": clock.now(),
        "String": "x",
        "Integer": 1,
        "BigInteger": 1,
        "Boolean": False,
        "Text": "{}",
        "JSON": {},
        "Float": 0.0,
    }
    for column in COPIES.columns:
        if column.name not in row and not column.nullable and column.default is None and column.server_default is None:
            row[column.name] = samples[type(column.type).__name__]
    return row
