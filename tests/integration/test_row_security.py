"""Somebody who holds a place's database login tries to cross from one tenant to another, through every table.

The room is made by `init --database` on a real PostgreSQL; rows of two tenants are put there by the server's superuser,
whom no policy binds, and looked for through the logins that the processes have.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, Table, delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from ground import behind, server_url
from readingroom.audit.unit import Event, unit_of_work
from readingroom.bootstrap import import_tables, init, open_house
from readingroom.core.clock import FixedClock
from readingroom.core.errors import DatabaseFault
from readingroom.core.ids import PlaceName, TenantName
from readingroom.db.engines import EVERY_TENANT, Database, scope
from readingroom.db.policies import LOGINS
from readingroom.db.schema import PLACE, ROOM, Instant
from readingroom.house import House
from readingroom.keys.roles import Role

pytestmark = pytest.mark.postgres
MINE, OTHER = TenantName("acme"), TenantName("bolt")
US, EU = PlaceName("us"), PlaceName("eu")
NAMES = [
    "x'; drop table copies; --",
    "acme' OR '1'='1",
    "acme\\",
    '"acme"',
    "*",
    "every",
    "one",
    "house",
    "%",
    "_cme",
    "ACME",
    "acme ",
    "acme\u200b",
    "\uff41cme",  # full width a
    "ａｃｍｅ",  # noqa: RUF001 - the attack
    "аcme",  # noqa: RUF001 - a Cyrillic a
    "$tenant$acme$tenant$",
    "current_setting('readingroom.tenant')",
]
AT = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def root(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("secured") / "room"
    init(root, simulation=True, database=server_url(postgres_url, f"rls_{secrets.token_hex(4)}"))
    house = open_house(root, Role.WORKER)
    for database in (house.db, house.place(US).db):
        with behind(database).begin() as connection:
            connection.execute(text("SET session_replication_role = replica"))  # rows without their parents
            web = str(database.engine.url.username).replace("_worker", "_web")
            for table in tenant_tables(database):
                if table.name != "events":  # so that the policies stand alone in the way
                    connection.execute(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table.name} TO {web}"))
                for tenant in (MINE, OTHER):
                    connection.execute(insert(table).values(**row_of(table, tenant)))
    close(house)
    return root


@pytest.fixture(scope="module")
def house(root: Path) -> Iterator[House]:
    opened = open_house(root, Role.WEB)
    yield opened
    close(opened)


def close(house: House) -> None:
    for database in (house.db, *(place.db for place in house.places.values())):
        database.close()


def tenant_tables(database: Database) -> list[Table]:
    return [table for table in database.schema.sorted_tables if "tenant" in table.columns]


def row_of(table: Table, tenant: str) -> dict[str, Any]:
    """A row with every column that needs a value; keys differ between tenants."""
    row: dict[str, Any] = {}
    for column in table.columns:
        if column.autoincrement is True:
            continue
        kind = "datetime" if isinstance(column.type, Instant) else column.type.python_type.__name__
        samples: dict[str, Any] = {"str": f"{tenant[:1]}{secrets.token_hex(3)}", "int": secrets.randbelow(10**6)}
        samples |= {"datetime": AT, "bytes": secrets.token_bytes(8), "bool": False, "float": 0.0, "dict": {}}
        row[column.name] = samples.get(kind, {})
        if kind == "str" and column.type.length:  # type: ignore[attr-defined]
            row[column.name] = row[column.name][: column.type.length]  # type: ignore[attr-defined]
    return row | {"tenant": tenant}


import_tables()
BASES = [("room", ROOM), ("us", PLACE)]
TABLES = [(base, table.name) for base, schema in BASES for table in schema.sorted_tables if "tenant" in table.columns]


def of(house: House, base: str) -> Database:
    return house.db if base == "room" else house.place(PlaceName(base)).db


def in_scope(database: Database, tenant: TenantName) -> Any:
    """A transaction that may write, without the unit of work's rules."""
    connection = database.engine.connect()
    scope(connection, tenant)
    return connection


def seen(connection: Connection, table: Table) -> set[str]:
    return set(connection.execute(select(table.c.tenant)).scalars())


def test_every_table_with_a_tenant_is_secured_and_no_login_is_above_it(house: House) -> None:
    for database in (house.db, *(place.db for place in house.places.values())):
        with behind(database).connect() as connection:
            secured = connection.execute(
                text(
                    "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = 'r' "
                    "AND nspname = 'public' AND relrowsecurity AND relforcerowsecurity"
                )
            ).scalars()
            assert set(secured) == {table.name for table in tenant_tables(database)}
            roles = connection.execute(
                text(
                    "SELECT rolname FROM pg_roles WHERE rolname LIKE 'rls%' AND (rolsuper OR rolbypassrls "
                    "OR rolcreaterole OR rolcreatedb OR rolreplication)"
                )
            ).scalars()
            assert list(roles) == []
            owners = set(
                connection.execute(text("SELECT tableowner FROM pg_tables WHERE schemaname='public'")).scalars()
            )
            assert len(owners) == 1
            assert owners.pop().endswith("_owner")


@pytest.mark.parametrize(("base", "name"), TABLES)
def test_no_table_gives_or_takes_a_row_of_another(house: House, base: str, name: str) -> None:
    database = of(house, base)
    table = database.schema.tables[name]
    with in_scope(database, MINE) as connection:
        assert seen(connection, table) == {MINE}
        assert connection.execute(select(func.count()).select_from(table).where(table.c.tenant == OTHER)).scalar() == 0
    for statement in (
        update(table).where(table.c.tenant == OTHER).values(tenant=MINE),
        delete(table).where(table.c.tenant == OTHER),
    ):
        with in_scope(database, MINE) as connection:
            if name == "events":  # this login may not even try
                with pytest.raises(DBAPIError, match="permission denied"):
                    connection.execute(statement)
            else:
                assert connection.execute(statement).rowcount == 0
    for statement in (
        insert(table).inline().values(**row_of(table, OTHER)),
        update(table).values(tenant=OTHER),
    ):
        with in_scope(database, MINE) as connection, pytest.raises(DBAPIError, match=r"row-level security|permission"):
            connection.execute(statement)
    with behind(database).connect() as connection:
        assert seen(connection, table) >= {MINE, OTHER}


@pytest.mark.parametrize(("base", "name"), TABLES)
def test_without_a_scope_there_are_no_rows(house: House, base: str, name: str) -> None:
    database = of(house, base)
    table = database.schema.tables[name]
    with database.engine.connect() as connection:
        assert seen(connection, table) == set()
        with pytest.raises(DBAPIError, match="row-level security"):
            connection.execute(insert(table).inline().values(**row_of(table, MINE)))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_name_whatever_it_says(house: House, name: str) -> None:
    for database in (house.db, house.place(US).db):
        with database.read(TenantName(name)) as connection:
            assert [table.name for table in tenant_tables(database) if seen(connection, table)] == []
        with database.read(EVERY_TENANT) as connection:
            assert seen(connection, tenant_tables(database)[0]) >= {MINE, OTHER}


def test_a_name_with_a_zero_byte_is_refused(house: House) -> None:
    with pytest.raises(DatabaseFault), house.db.read(TenantName("acme\0")):
        pass


def test_a_star_that_somebody_types_is_not_every_tenant(house: House) -> None:
    assert TenantName("*") != EVERY_TENANT
    assert EVERY_TENANT == EVERY_TENANT  # noqa: PLR0124 - itself alone
    copies = PLACE.tables["copies"]
    with house.place(US).db.read(TenantName("*")) as connection:
        assert seen(connection, copies) == set()


def test_a_connection_from_the_pool_remembers_nobody(house: House) -> None:
    """Also after a rollback, an error and a commit: the settings are the transaction's."""
    database = house.place(US).db
    copies = PLACE.tables["copies"]
    for tenant in (MINE, EVERY_TENANT, OTHER):
        for ending in ("commit", "rollback", "error"):
            with database.engine.connect() as connection:
                scope(connection, tenant)
                assert seen(connection, copies)
                if ending == "error":
                    with pytest.raises(DBAPIError):
                        connection.execute(text("SELECT 1/0"))
                    connection.rollback()
                else:
                    getattr(connection, ending)()
                assert seen(connection, copies) == set()  # the same connection, the next transaction
            with database.engine.connect() as connection:
                assert seen(connection, copies) == set()


def test_a_read_cannot_write(house: House) -> None:
    with pytest.raises(DatabaseFault, match="InternalError"), house.place(US).db.read(MINE) as connection:
        connection.execute(delete(PLACE.tables["withheld"]))


def test_a_prepared_statement_serves_each_tenant_its_own(house: House) -> None:
    """psycopg prepares after five executions; the plan must follow the setting and not the first tenant."""
    copies = PLACE.tables["copies"]
    with house.place(US).db.engine.connect() as connection:
        for turn in range(30):
            tenant = (MINE, OTHER)[turn % 2]
            scope(connection, tenant)
            assert seen(connection, copies) == {tenant}
            connection.commit()
        prepared = connection.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar()
        assert prepared


@pytest.mark.parametrize(
    "query",
    [
        "SELECT tenant FROM copies",
        "WITH c AS (SELECT * FROM copies) SELECT tenant FROM c",
        "WITH RECURSIVE c(tenant) AS (SELECT tenant FROM copies UNION SELECT tenant FROM c) SELECT tenant FROM c",
        "SELECT (SELECT max(tenant) FROM copies)",
        "SELECT tenant FROM copies UNION ALL SELECT tenant FROM items UNION ALL SELECT tenant FROM events",
        "SELECT e.tenant FROM items i RIGHT JOIN events e ON true",
        "SELECT t.tenant FROM (SELECT tenant FROM copies FOR UPDATE) t",
        "SELECT query_to_xml('SELECT tenant FROM copies', true, false, '')::text",
        "SELECT table_to_xml('copies', true, false, '')::text",
        "SELECT tenant FROM copies WHERE tenant = 'bolt' OR true",
        "SELECT tenant FROM ONLY copies TABLESAMPLE SYSTEM (100)",
    ],
)
def test_no_way_of_asking_shows_another(house: House, query: str) -> None:
    with in_scope(house.place(US).db, MINE) as connection:
        found = str(connection.execute(text(query)).all())
    assert MINE in found
    assert OTHER not in found


def test_copy_in_and_out_stay_within(house: House) -> None:
    with in_scope(house.place(US).db, MINE) as connection, connection.connection.cursor() as cursor:
        with cursor.copy("COPY copies TO STDOUT") as out:
            found = b"".join(bytes(block) for block in out)
        assert b"\tacme\t" in found
        assert b"\tbolt\t" not in found
        with pytest.raises(psycopg.Error), cursor.copy("COPY withheld (id, tenant, reason) FROM STDIN") as into:
            into.write("w1\tbolt\terased\n")


def test_what_a_login_may_not_do_at_all(house: House) -> None:
    """The register is append-only, tables are the owner's, and numbers of events tell nothing of others."""
    for statement in (
        "DELETE FROM events",
        "UPDATE events SET leaf = '\\x00'",
        "UPDATE events SET log_index = 1",  # the worker's
        "TRUNCATE copies",
        "ALTER TABLE copies DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant_rows ON copies",
        "ALTER TABLE copies OWNER TO CURRENT_USER",
        "CREATE TABLE mine (a int)",
        "CREATE TEMPORARY TABLE mine (a int)",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE VIEW v AS SELECT * FROM copies",
        "SELECT last_value FROM events_number_seq",
        "SELECT setval('events_number_seq', 1)",
        "UPDATE alembic_version SET version_num = '9'",
        "SET ROLE room",
        "SET SESSION AUTHORIZATION room",
        "ALTER ROLE CURRENT_USER BYPASSRLS",
        "CREATE ROLE another",
        "COPY copies TO PROGRAM 'cat'",
        "COPY copies TO '/tmp/out'",
        "SELECT pg_read_file('PG_VERSION')",
        "LOCK TABLE events IN ACCESS EXCLUSIVE MODE",
    ):
        with in_scope(house.place(US).db, MINE) as connection, pytest.raises(DBAPIError) as caught:
            connection.execute(text(statement))
        told = str(caught.value.orig)
        assert any(words in told for words in ("permission denied", "must be owner", "must be superuser")), told


def test_row_security_cannot_be_switched_off(house: House) -> None:
    """`row_security = off` makes a query fail; it shows nothing."""
    with in_scope(house.place(US).db, MINE) as connection:
        connection.execute(text("SET row_security = off"))
        with pytest.raises(DBAPIError, match="row-level security"):
            connection.execute(text("SELECT * FROM copies"))


def test_statistics_of_other_tenants_rows_are_not_for_a_login(house: House) -> None:
    with behind(house.place(US).db).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    with in_scope(house.place(US).db, MINE) as connection:
        found = connection.execute(text("SELECT most_common_vals::text FROM pg_stats WHERE schemaname='public'")).all()
        assert OTHER not in str(found)


def test_a_login_of_one_place_does_not_enter_another(root: Path, house: House) -> None:
    here, there = house.place(US).db.engine.url, house.place(EU).db.engine.url
    for role in LOGINS:
        user = (here.username or "").removesuffix("web") + role
        passfile = str(root / "places" / US / "logins" / f"{role}.pgpass")
        own = {"host": here.host, "port": here.port, "user": user, "passfile": passfile}
        psycopg.connect(**own, dbname=here.database).close()
        password = next(
            line.rsplit(":", 1)[1] for line in Path(passfile).read_text().splitlines() if f":{user}:" in line
        )
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(**own, dbname=there.database, password=password)


def test_a_login_without_its_password_does_not_come_in(house: House) -> None:
    url = house.place(US).db.engine.url
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host=url.host, port=url.port, user=url.username, dbname=url.database, passfile="/dev/null")


def test_the_keeper_vacuums_and_reads_nothing(root: Path) -> None:
    house = open_house(root, Role.WORKER)
    url = house.place(US).db.engine.url
    keeper = (url.username or "").removesuffix("worker") + "keeper"
    passfile = str(root / "places" / US / "logins" / "worker.pgpass")
    with psycopg.connect(
        host=url.host, port=url.port, user=keeper, dbname=url.database, passfile=passfile, autocommit=True
    ) as connection:
        for statement in ("SELECT * FROM copies", "DELETE FROM copies", "DROP TABLE copies", "CREATE TABLE x (a int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(sql.SQL(statement))  # type: ignore[arg-type]
    house.place(US).db.checkpoint()
    close(house)
    web = open_house(root, Role.WEB)
    with pytest.raises(DatabaseFault):  # the web process deletes nothing for good
        web.place(US).db.checkpoint()
    close(web)


def test_an_event_of_the_house_may_be_appended_in_a_tenants_scope_and_not_read(house: House, clock: FixedClock) -> None:
    events = PLACE.tables["events"]
    with unit_of_work(house.place(US).db, MINE, clock) as unit:
        unit.append(Event("place.checked", actor="web"))
    with house.place(US).db.read(MINE) as connection:
        assert seen(connection, events) == {MINE}
    with house.place(US).db.read(TenantName("")) as connection:
        assert seen(connection, events) == {""}
