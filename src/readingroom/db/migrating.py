"""Move a database from one version of its schema to another, with its data, by Alembic.

Rule 1: opening a room never migrates. A database of another version is refused with what to do (`check_version`).
Rule 2: one database moves in one transaction: it is of the old version or of the new one, never between.
Rule 3: a database made before there were versions (the first release) is recognized by its tables, and only by all of
them.
Migrations and the tables of `tables.py` say the same; `differences` is how a test finds out when they do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, insert, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from readingroom.core.errors import DatabaseFault, UsageError
from readingroom.db.schema import ROOM

MIGRATIONS = Path(__file__).parent / "migrations"
FIRST: Final = "0001"
VERSION: Final = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


@dataclass(frozen=True)
class Step:
    """What an upgrade of one database would do; `versions` are the revisions passed on the way, in order."""

    database: str
    present: str
    wanted: str
    versions: tuple[str, ...]


def revisions(schema: MetaData) -> tuple[str, ...]:
    """Every revision of a schema, oldest first."""
    found = sorted(path.stem[1:5] for path in _folder(schema).glob("r[0-9][0-9][0-9][0-9]_*.py"))
    return tuple(found)


def newest(schema: MetaData) -> str:
    """The revision that this version of the software works with."""
    return revisions(schema)[-1]


def version_of(engine: Engine, schema: MetaData) -> str:
    """The revision of a database; "" where no table of the schema is there yet."""
    with engine.connect() as connection:
        return _version(connection, set(inspect(connection).get_table_names()), schema)


def stamp(connection: Connection, schema: MetaData, revision: str = "") -> None:
    """Write down that the tables are of this revision (the newest by default)."""
    VERSION.create(connection)
    connection.execute(insert(VERSION).values(version_num=revision or newest(schema)))


def check_version(name: str, engine: Engine, schema: MetaData) -> None:
    """DatabaseFault, with what to do, unless the database is of this software's version and whole."""
    with engine.connect() as connection:  # one connection, one look: every command opens every database
        tables = set(inspect(connection).get_table_names())
        present, wanted = _version(connection, tables, schema), newest(schema)
    if present and present != wanted:
        if present in revisions(schema):
            advice = "make a backup, then run `readingroom upgrade`"
        else:
            advice = "it was made by newer software: run that, or restore the backup of before its upgrade"
        raise DatabaseFault(f"database {name} is of another version ({present}, this software has {wanted}): {advice}")
    missing = sorted(set(schema.tables) - tables)
    if missing:
        raise DatabaseFault(f"database {name}: no table {', '.join(missing)}; it is of another version or not whole")


def plan(name: str, engine: Engine, schema: MetaData, *, target: str = "") -> Step:
    """What `move` would do; UsageError if there is no such revision, DatabaseFault if the tables are of nobody."""
    known = revisions(schema)
    wanted = target or known[-1]
    if wanted not in known:
        raise UsageError(f"no revision {wanted}; there are {', '.join(known)}")
    present = version_of(engine, schema)
    if present not in known:
        raise DatabaseFault(f'database {name}: revision "{present}" is unknown; it was made by newer software')
    if VERSION.name not in inspect(engine).get_table_names():
        _check_first(name, engine, schema)
    low, high = sorted((known.index(present), known.index(wanted)))
    passed = known[low + 1 : high + 1]
    return Step(name, present, wanted, passed if wanted >= present else tuple(reversed(passed)))


def move(connection: Connection, schema: MetaData, step: Step) -> None:
    """Bring a database to `step.wanted`, up or down, in the caller's transaction."""
    from alembic import command

    if step.present == FIRST and not inspect(connection).has_table(VERSION.name):  # rule 3
        stamp(connection, schema, FIRST)
    run = command.upgrade if step.wanted >= step.present else command.downgrade
    try:
        run(_configuration(connection, schema), step.wanted)
    except SQLAlchemyError as error:
        raise DatabaseFault(f"database {step.database}: the migration failed: {type(error).__name__}") from None


def differences(connection: Connection, schema: MetaData) -> Sequence[Any]:
    """What the database has otherwise than the tables of `tables.py`: nothing, or a migration is missing."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    return list(compare_metadata(MigrationContext.configure(connection), schema))


def _version(connection: Connection, tables: set[str], schema: MetaData) -> str:
    if VERSION.name in tables:
        return str(connection.execute(select(VERSION.c.version_num)).scalar() or "")
    return FIRST if tables & set(schema.tables) else ""


def _configuration(connection: Connection, schema: MetaData) -> Any:
    from alembic.config import Config

    found = Config()
    found.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    found.set_main_option("path_separator", "newline")
    found.set_main_option("version_locations", str(_folder(schema)).replace("%", "%%"))
    found.attributes |= {"connection": connection, "schema": schema}
    return found


def _check_first(name: str, engine: Engine, schema: MetaData) -> None:
    """Rule 3: tables without a version are those of the first release, or somebody else's."""
    from readingroom.db.migrations.place.r0001_first import TABLES as OF_PLACE
    from readingroom.db.migrations.room.r0001_first import TABLES as OF_ROOM

    expected = OF_ROOM if schema is ROOM else OF_PLACE
    missing = sorted(set(expected) - set(inspect(engine).get_table_names()))
    if missing:
        raise DatabaseFault(f"database {name} is of no known version: no table {', '.join(missing)}")


def _folder(schema: MetaData) -> Path:
    return MIGRATIONS / ("room" if schema is ROOM else "place")
