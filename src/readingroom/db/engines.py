"""Open databases: SQLite (WAL, every commit on disk) or PostgreSQL, one handle per place and one for the room.

Create and load are two operations; load never creates. Statements never show their parameters in errors or logs
(`hide_parameters`), for parameters are what people wrote.

Reads: `with database.read(tenant) as connection`. `tenant` has no default (house style 18): name the tenant whose rows
may be seen, or EVERY_TENANT for the house's own duties. Writes go through `audit.unit` alone.

Rule: a database has one writer at a time, whatever it is (rule 5: check and act see the same state). SQLite locks
itself at BEGIN; on PostgreSQL a write begins with an advisory lock, and everything after it sees what is committed.
So there is nothing to retry and nothing that two units could deadlock on (docs/adr/0013).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from sqlalchemy import Connection, MetaData, create_engine, event, func, inspect, select
from sqlalchemy import true as sa_true
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, QueuePool
from typing_extensions import override

from readingroom.core.errors import DatabaseFault
from readingroom.core.ids import TenantName
from readingroom.db.migrating import check_version, stamp
from readingroom.db.policies import SCOPE_SETTING, TENANT_SETTING, Scope
from readingroom.db.schema import PLACE, ROOM

BUSY_SECONDS = 60
BUSY_PAUSE_SECONDS = 0.02
_CONNECT_SECONDS = 10
_WRITER = 0x7265_6164  # the advisory lock of whoever writes; PostgreSQL keeps it per database
_SERVER = {  # a server's own defaults may be weaker than what is promised here
    "search_path": "public",
    "synchronous_commit": "on",
    "row_security": "on",
    "lock_timeout": f"{BUSY_SECONDS}s",
}
_NEVER_DELETED = frozenset({"events"})  # public leaves, appended only: there is nothing in them to be gone


class _EveryTenant(str):
    """Not a tenant: it is equal to itself alone, so that no name that somebody types can stand for every tenant."""

    __slots__ = ()

    @override
    def __eq__(self, other: object) -> bool:
        return self is other

    @override
    def __ne__(self, other: object) -> bool:
        return self is not other

    __hash__ = str.__hash__


EVERY_TENANT: Final = TenantName(_EveryTenant("*"))


class _EndingPool(QueuePool):
    """A pool that, once disposed of, closes what comes back late: a connection in use then is nobody's afterwards."""

    _ended = False

    @override
    def dispose(self) -> None:
        """Close what is idle now, and from now on whatever is given back."""
        self._ended = True
        super().dispose()

    @override
    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        super()._do_return_conn(record)
        if self._ended:
            super().dispose()


class Database:
    """A database of one schema. Safe to share between threads; one connection serves one thread at a time."""

    def __init__(self, name: str, engine: Engine, schema: MetaData, *, keeper: str = "") -> None:
        self.name = name
        self.engine = engine
        self.schema = schema
        self._keeper = keeper

    @classmethod
    def load(cls, name: str, url: str, schema: MetaData, *, keeper: str = "") -> Database:
        """Open an existing database; DatabaseFault if it is missing, of another version, or lacks a table.

        `keeper` is the URL by which deleted rows are vacuumed away on PostgreSQL ("" is `url` itself).
        """
        if make_url(url).get_backend_name() == "sqlite" and not Path(make_url(url).database or "").is_file():
            raise DatabaseFault(f"database {name}: the file is not there")
        database = cls(name, open_engine(url), schema, keeper=keeper)
        with database.closed_on_error():
            check_version(name, database.engine, schema)
        return database

    @classmethod
    def create(cls, name: str, url: str, schema: MetaData) -> Database:
        """Make the tables in an empty database; DatabaseFault if there are tables already."""
        database = cls(name, open_engine(url), schema)
        with database.closed_on_error(), database.engine.begin() as connection:
            if inspect(connection).get_table_names():
                raise DatabaseFault(f"database {name}: there are tables already; init never overwrites")
            schema.create_all(connection)
            if schema in {ROOM, PLACE}:
                stamp(connection, schema)
        return database

    @contextmanager
    def closed_on_error(self) -> Iterator[None]:
        """Give every connection back when the block fails; a foreign error becomes ours, without its text."""
        try:
            yield
        except SQLAlchemyError as error:
            self.close()
            raise DatabaseFault(f"database {self.name}: {type(error).__name__}") from None
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self, tenant: TenantName) -> Iterator[Connection]:
        """A read-only view of one moment, of one tenant's rows (or EVERY_TENANT)."""
        try:
            with self.engine.connect() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                scope(connection, tenant)
                yield connection
                connection.rollback()
        except SQLAlchemyError as error:
            raise DatabaseFault(f"database {self.name}: {type(error).__name__}") from None

    def checkpoint(self) -> None:
        """Leave nothing deleted in the database's own files: a purge calls it, since old pages outlive a delete.

        SQLite: the write-ahead log is emptied. PostgreSQL: the tables are written anew (VACUUM FULL), because a plain
        VACUUM leaves the bytes of dead rows in its pages; the server's own write-ahead log is the operator's to
        recycle (docs/threat-model.md).
        """
        with self.closed_on_error():
            if self.engine.dialect.name == "sqlite":
                self._empty_log()
            else:
                self._write_anew()

    def _empty_log(self) -> None:
        deadline = monotonic() + BUSY_SECONDS
        with self.engine.connect() as connection:
            # SQLite answers "busy" at once, whatever busy_timeout says, while another checkpoint runs
            while connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar():
                if monotonic() > deadline:
                    raise DatabaseFault(f"database {self.name}: a reader holds the write-ahead log; try again")
                sleep(BUSY_PAUSE_SECONDS)

    def _write_anew(self) -> None:
        keeper = create_engine(self._keeper or self.engine.url, hide_parameters=True, poolclass=NullPool)
        quote = keeper.dialect.identifier_preparer.quote
        tables = ", ".join(quote(name) for name in sorted(set(self.schema.tables) - _NEVER_DELETED))
        with keeper.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql(f"SET lock_timeout = '{BUSY_SECONDS}s'")
            connection.execute(select(func.pg_advisory_lock(_WRITER)))  # one at a time, and no unit in between
            connection.exec_driver_sql(f"VACUUM (FULL) {tables}")

    def close(self) -> None:
        """Close every connection; one that a thread still uses is closed when that thread gives it back."""
        self.engine.dispose()


def scope(connection: Connection, tenant: TenantName) -> None:
    """Tell the database whose rows this transaction may touch (PostgreSQL row-level security; P18).

    Whether it is every tenant is a setting of its own, which no name of a tenant reaches.
    """
    if connection.dialect.name == "postgresql":
        name, kind = ("", Scope.EVERY) if tenant is EVERY_TENANT else (tenant, Scope.ONE if tenant else Scope.HOUSE)
        settings = ((TENANT_SETTING, name), (SCOPE_SETTING, kind.value))
        connection.execute(select(*(func.set_config(key, value, sa_true()) for key, value in settings)))


def open_engine(url: str) -> Engine:
    """An engine with the settings that every connection of this house has."""
    if make_url(url).get_backend_name() != "sqlite":
        options = " ".join(f"-c {key}={value}" for key, value in _SERVER.items())
        connect = {"connect_timeout": _CONNECT_SECONDS, "options": options}
        # asked before each use: a server that was started anew costs nobody an error
        engine = create_engine(
            url, hide_parameters=True, poolclass=_EndingPool, pool_pre_ping=True, connect_args=connect
        )
        event.listen(engine, "begin", _begin_postgres)
        return engine
    engine = create_engine(url, hide_parameters=True, poolclass=_EndingPool)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # SQLAlchemy's BEGIN below, not the driver's
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",  # a deleted row leaves no bytes behind (P15)
        f"busy_timeout={BUSY_SECONDS * 1000}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # a write takes its lock at once, so that check and act see the same state (rule 5)
    options = connection.get_execution_options()
    if options.get("readingroom_migrating", False):
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")  # a table made anew is for a moment not there
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("readingroom_write", False) else "BEGIN")


def _begin_postgres(connection: Connection) -> None:
    if connection.get_execution_options().get("readingroom_write", False):
        connection.execute(select(func.pg_advisory_xact_lock(_WRITER)))
