"""Open databases: SQLite (WAL, every commit on disk) or PostgreSQL, one handle per place and one for the room.

Create and load are two operations; load never creates. Statements never show their parameters in errors or logs
(`hide_parameters`), for parameters are what people wrote.

Reads: `with database.read(tenant) as connection`. `tenant` has no default (house style 18): name the tenant whose rows
may be seen, or EVERY_TENANT for the house's own duties. Writes go through `audit.unit` alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from sqlalchemy import Connection, MetaData, create_engine, event, inspect, text
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from readingroom.core.errors import DatabaseFault
from readingroom.core.ids import TenantName

EVERY_TENANT: Final = TenantName("*")
BUSY_SECONDS = 60
BUSY_PAUSE_SECONDS = 0.02


class Database:
    """A database of one schema. Safe to share between threads; one connection serves one thread at a time."""

    def __init__(self, name: str, engine: Engine, schema: MetaData) -> None:
        self.name = name
        self.engine = engine
        self.schema = schema

    @classmethod
    def load(cls, name: str, url: str, schema: MetaData) -> Database:
        """Open an existing database; DatabaseFault if it is missing or lacks a table."""
        if make_url(url).get_backend_name() == "sqlite" and not Path(make_url(url).database or "").is_file():
            raise DatabaseFault(f"database {name}: the file is not there")
        database = cls(name, _engine(url), schema)
        with database.closed_on_error():
            missing = sorted(set(schema.tables) - set(inspect(database.engine).get_table_names()))
            if missing:
                raise DatabaseFault(f"database {name}: no table {', '.join(missing)}; it is of another version")
        return database

    @classmethod
    def create(cls, name: str, url: str, schema: MetaData) -> Database:
        """Make the tables in an empty database; DatabaseFault if there are tables already."""
        database = cls(name, _engine(url), schema)
        with database.closed_on_error():
            if inspect(database.engine).get_table_names():
                raise DatabaseFault(f"database {name}: there are tables already; init never overwrites")
            schema.create_all(database.engine)
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
                scope(connection, tenant)
                yield connection
                connection.rollback()
        except SQLAlchemyError as error:
            raise DatabaseFault(f"database {self.name}: {type(error).__name__}") from None

    def checkpoint(self) -> None:
        """Leave nothing deleted in the write-ahead log (SQLite); a purge calls it, since old pages outlive a delete."""
        if self.engine.dialect.name != "sqlite":
            return
        deadline = monotonic() + BUSY_SECONDS
        with self.engine.connect() as connection:
            # SQLite answers "busy" at once, whatever busy_timeout says, while another checkpoint runs
            while connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar():
                if monotonic() > deadline:
                    raise DatabaseFault(f"database {self.name}: a reader holds the write-ahead log; try again")
                sleep(BUSY_PAUSE_SECONDS)

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


def scope(connection: Connection, tenant: TenantName) -> None:
    """Tell the database whose rows this transaction may touch (PostgreSQL row-level security; P18)."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT set_config('readingroom.tenant', :tenant, true)"), {"tenant": tenant})


def _engine(url: str) -> Engine:
    engine = create_engine(url, hide_parameters=True, pool_pre_ping=False)
    if engine.dialect.name == "sqlite":
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
    writing = connection.get_execution_options().get("readingroom_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
