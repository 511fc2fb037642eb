"""Each process role tries, through its own login, what only the others do: every table, every verb."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import MetaData, Table, inspect, select
from sqlalchemy.exc import DBAPIError

from ground import server_url
from readingroom.bootstrap import import_tables, init, open_house
from readingroom.core.ids import PlaceName
from readingroom.db.engines import EVERY_TENANT, Database, scope
from readingroom.db.policies import LOGINS, PLACE_GRANTS, ROOM_GRANTS, UPDATABLE, allowed
from readingroom.db.schema import PLACE, ROOM
from readingroom.house import House
from readingroom.keys.roles import Role

pytestmark = pytest.mark.postgres
import_tables()
STATEMENTS = {
    "SELECT": "SELECT * FROM {table}",
    "INSERT": "INSERT INTO {table} DEFAULT VALUES",
    "UPDATE": "UPDATE {table} SET {column} = DEFAULT",
    "DELETE": "DELETE FROM {table}",
    "TRUNCATE": "TRUNCATE {table}",
    "TRIGGER": "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
}


@pytest.fixture(scope="module", params=LOGINS)
def house(request: pytest.FixtureRequest, granted: Path) -> Iterator[House]:
    opened = open_house(granted, Role(request.param))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def granted(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("granted") / "room"
    init(root, simulation=True, database=server_url(postgres_url, f"grants_{secrets.token_hex(4)}"))
    return root


def refused(database: Database, table: Table, verb: str) -> bool:
    """Whether the server refuses the statement to this login, whatever else would be wrong with it."""
    column = next(column.name for column in table.columns if column.name != "log_index")
    statement = STATEMENTS[verb].format(table=f'"{table.name}"', column=f'"{column}"')
    with database.engine.connect() as connection:
        scope(connection, EVERY_TENANT)
        try:
            connection.exec_driver_sql(statement)
        except DBAPIError as error:
            return isinstance(error.orig, InsufficientPrivilege)
        finally:
            connection.rollback()
    return False


@pytest.mark.parametrize("schema", [ROOM, PLACE], ids=["room", "place"])
def test_a_login_may_do_what_its_line_says_and_nothing_else(house: House, schema: MetaData) -> None:
    database = house.db if schema is ROOM else house.place(PlaceName("us")).db
    wrong = {
        (table.name, verb)
        for table in schema.sorted_tables
        for verb in STATEMENTS
        if refused(database, table, verb) is (verb in allowed(schema, table.name, house.role))
    }
    assert wrong == set()


@pytest.mark.parametrize(("schema", "lines"), [(ROOM, ROOM_GRANTS), (PLACE, PLACE_GRANTS)], ids=["room", "place"])
def test_every_table_has_a_line_and_somebody_who_writes_it(schema: MetaData, lines: dict[str, dict[str, str]]) -> None:
    assert set(schema.tables) <= set(lines)
    for table, line in lines.items():
        assert set(line) <= set(LOGINS), table
        assert any("I" in letters for letters in line.values()), table
        assert all("R" in letters for letters in line.values() if set(letters) & set("UD")), table


def test_what_must_never_be_anybodys(house: House) -> None:
    """The promises that hang on grants, said apart from the table that makes them."""
    role, us = house.role, house.place(PlaceName("us")).db
    for database in (house.db, us):
        events = database.schema.tables["events"]
        assert refused(database, events, "DELETE")
        assert refused(database, events, "UPDATE")
        with database.engine.connect() as connection:
            assert "events" in inspect(connection).get_table_names()
    if role is Role.WEB:  # reviewers' process: no copy, no certificate, no key of a person's tag
        assert all(refused(us, PLACE.tables[name], "INSERT") for name in ("copies", "parts", "items", "certificates"))
        for table in (PLACE.tables["erasure_triggers"], PLACE.tables["known_values"]):  # whose they are, and no more
            assert refused(us, table, "SELECT")
            with us.read(EVERY_TENANT) as connection:
                assert connection.scalars(select(table.c.tenant).distinct()).all() == []
    else:  # nobody but people at the pages consents, grants or labels
        assert refused(us, PLACE.tables["labels"], "INSERT")
        for name in ("engagements", "grants", "facts", "people", "notices", "sessions", "sign_in_links"):
            assert refused(house.db, ROOM.tables[name], "INSERT"), name
    if role is not Role.WORKER:
        assert refused(us, PLACE.tables["certificates"], "INSERT")
        assert ("events", role) not in UPDATABLE
    if role in {Role.COPY, Role.SUBJECTS}:
        for name in ("sessions", "sign_in_links", "contacts", "identities", "feedback"):
            assert refused(house.db, ROOM.tables[name], "SELECT"), name
