"""Every revision moves a database up and down with its data, and the newest is what tables.py says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData, insert, inspect, select, text

from readingroom.audit.tables import PLACE_EVENTS, ROOM_EVENTS
from readingroom.bootstrap import import_tables
from readingroom.core.clock import FixedClock
from readingroom.core.errors import DatabaseFault, UsageError
from readingroom.db.engines import Database, open_engine
from readingroom.db.migrating import (
    FIRST,
    VERSION,
    Step,
    check_version,
    differences,
    move,
    newest,
    plan,
    revisions,
    version_of,
)
from readingroom.db.migrations.place import r0001_first as place_first
from readingroom.db.migrations.room import r0001_first as room_first
from readingroom.db.schema import PLACE, ROOM

import_tables()
FIRSTS = {id(ROOM): room_first, id(PLACE): place_first}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database."""
    url = f"sqlite:///{tmp_path}/db.sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    engine = open_engine(url).execution_options(readingroom_write=True, readingroom_migrating=True)
    yield engine
    if request.param != "sqlite":
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()


@pytest.fixture(params=[ROOM, PLACE], ids=["room", "place"])
def schema(request: pytest.FixtureRequest) -> MetaData:
    found: MetaData = request.param
    return found


def go(engine: Engine, schema: MetaData, target: str = "") -> Step:
    step = plan("probe", engine, schema, target=target)
    with engine.begin() as connection:
        move(connection, schema, step)
    return step


def first_release(engine: Engine, schema: MetaData, clock: FixedClock) -> None:
    """The tables of the first release, which knew no versions, with a row."""
    with engine.begin() as connection:
        FIRSTS[id(schema)].FIRST.create_all(connection)
        events = ROOM_EVENTS if schema is ROOM else PLACE_EVENTS
        row = {"id": "ev-1", "tenant": "acme", "at": clock.now(), "name": "room.opened", "copy": "", "leaf": b"{}"}
        connection.execute(insert(events).values(**row))


def test_the_migrations_lead_to_the_tables(engine: Engine, schema: MetaData) -> None:
    """A change of a tables.py without its migration fails here: see db/migrations/README.md."""
    with engine.begin() as connection:
        move(connection, schema, Step("probe", "", newest(schema), revisions(schema)))
        assert differences(connection, schema) == []
    check_version("probe", engine, schema)


def test_what_init_makes_is_what_migrations_make(engine: Engine, schema: MetaData) -> None:
    with closing(Database.create("probe", engine.url.render_as_string(hide_password=False), schema)) as made:
        assert version_of(made.engine, schema) == newest(schema)
        with made.engine.connect() as connection:
            assert differences(connection, schema) == []


def test_a_forgotten_migration_is_seen(engine: Engine, schema: MetaData) -> None:
    with engine.begin() as connection:
        move(connection, schema, Step("probe", "", newest(schema), revisions(schema)))
        connection.execute(text("ALTER TABLE events ADD COLUMN forgotten INTEGER"))
        assert len(differences(connection, schema)) == 1


def test_the_first_release_is_recognized_and_goes_up_and_down_with_its_data(
    engine: Engine, schema: MetaData, clock: FixedClock
) -> None:
    first_release(engine, schema, clock)
    assert version_of(engine, schema) == FIRST
    if newest(schema) != FIRST:
        with pytest.raises(DatabaseFault, match="readingroom upgrade"):
            check_version("probe", engine, schema)
    assert go(engine, schema).versions == revisions(schema)[1:]
    check_version("probe", engine, schema)
    events = ROOM_EVENTS if schema is ROOM else PLACE_EVENTS
    for revision in (*reversed(revisions(schema)), newest(schema)):
        go(engine, schema, revision)
        assert version_of(engine, schema) == revision
        with engine.connect() as connection:
            assert connection.execute(select(events.c.id)).scalars().all() == ["ev-1"]
        if revision == FIRST:
            tables = set(inspect(engine).get_table_names()) - {VERSION.name}
            assert tables == set(FIRSTS[id(schema)].TABLES)
    with engine.connect() as connection:
        assert differences(connection, schema) == []


def test_tables_of_somebody_else_are_not_taken_for_the_first_release(engine: Engine, schema: MetaData) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE events (number INTEGER)"))
    with pytest.raises(DatabaseFault, match="no known version"):
        plan("probe", engine, schema)


def test_newer_software_is_told_apart_from_older(engine: Engine, schema: MetaData) -> None:
    with engine.begin() as connection:
        move(connection, schema, Step("probe", "", newest(schema), revisions(schema)))
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseFault, match="newer software"):
        check_version("probe", engine, schema)
    with pytest.raises(DatabaseFault, match="newer software"):
        plan("probe", engine, schema)
    with pytest.raises(UsageError, match="no revision"):
        plan("probe", engine, schema, target="0000")


def test_a_migration_that_fails_leaves_the_old_version(engine: Engine, schema: MetaData, clock: FixedClock) -> None:
    first_release(engine, schema, clock)
    if newest(schema) == FIRST:
        pytest.skip("there is one revision only")
    step = plan("probe", engine, schema)
    added = sorted(set(schema.tables) - set(FIRSTS[id(schema)].TABLES))
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE {added[-1]} (in_the_way INTEGER)"))
    with pytest.raises(DatabaseFault, match="migration failed"), engine.begin() as connection:
        move(connection, schema, step)
    assert version_of(engine, schema) == FIRST
    assert set(inspect(engine).get_table_names()) == {*FIRSTS[id(schema)].TABLES, added[-1]}
