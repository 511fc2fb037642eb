"""The ground that rooms of tests stand on: SQLite, or a PostgreSQL server that is started once in a session.

READINGROOM_TEST_DATABASE=postgresql puts every room that a test makes on the server: `init` finds it by
READINGROOM_DATABASE, `make_databases` and `copy_room` look there themselves. A room's databases are copied from others
by the server (CREATE DATABASE … TEMPLATE), with their logins.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.types.json import set_json_loads
from sqlalchemy import JSON, Connection, CursorResult, Engine, NullPool, create_engine, inspect, make_url

from readingroom.bootstrap import DATABASE_VARIABLE, import_tables
from readingroom.core.ids import PlaceName
from readingroom.core.settings import RoomSettings, load
from readingroom.db.addresses import create_database, on_server
from readingroom.db.engines import Database

SWITCH = "READINGROOM_TEST_DATABASE"
_ADDRESS = re.compile(r'^database = "postgresql\+psycopg://(\w+)@[^/]+/(\w+)"', re.MULTILINE)
_HBA = "host all room 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\nlocal all room trust\n"
_BYTES = re.compile(rb"\\x((?:[0-9a-f]{2})+)")  # how a row's text shows a column of bytes
_FAST = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "max_connections": "300"}


def wanted() -> bool:
    """Whether rooms shall stand on PostgreSQL."""
    return os.environ.get(SWITCH, "") == "postgresql"


def postgres_bin() -> Path | None:
    """Where PostgreSQL's programs are."""
    for folder in (Path("/usr/lib/postgresql/15/bin"), *map(Path, os.environ.get("PATH", "").split(":"))):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


@contextmanager
def server(folder: Path, *, durable: bool = False) -> Iterator[str]:
    """A PostgreSQL on a free loopback port; its superuser `room` needs no password, everybody else does.

    It lies in memory and waits for no disk, unless it shall be `durable`, as servers are where time is measured.
    """
    memory = Path("/dev/shm")  # noqa: S108 - the postgres user must reach it
    home = (memory if memory.is_dir() and not durable else Path("/tmp")) / f"readingroom-pg-{os.getpid()}"  # noqa: S108 - likewise
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o755)
    if os.geteuid() == 0:
        shutil.chown(home, "postgres", "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = home / "data"
    first = [str(folder / "initdb"), "-D", str(data), "-U", "room", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(_as_owner(first), check=True, capture_output=True, cwd=home)
    (data / "pg_hba.conf").write_text(_HBA)
    settings = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": str(home)}
    settings |= {} if durable else _FAST
    options = " ".join(f"-c {key}={value}" for key, value in settings.items())
    control = [str(folder / "pg_ctl"), "-D", str(data), "-w", "-l", str(home / "log")]
    subprocess.run(_as_owner([*control, "-o", options, "start"]), check=True, capture_output=True, cwd=home)
    try:
        yield f"postgresql+psycopg://room@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run(_as_owner([*control, "-m", "immediate", "stop"]), check=False, capture_output=True, cwd=home)
        shutil.rmtree(home, ignore_errors=True)


def server_url(url: str, name: str = "") -> str:
    """The URL for `init --database`, with the stem of a room's databases."""
    return url.replace("+psycopg", "").rpartition("/")[0] + f"/{name}"


def make_databases(settings: RoomSettings) -> RoomSettings:
    """Every database of a room, empty, without the rest of `init`; the settings with their addresses."""
    import_tables()
    for home in (settings.root / "room", *(settings.root / "places" / place for place in settings.places)):
        home.mkdir(parents=True, exist_ok=True)
    url = os.environ.get(DATABASE_VARIABLE, "")
    with on_server(settings, url and server_url(url, f"t{secrets.token_hex(6)}"), settings.root) as placed:
        for place in (None, *placed.places):
            create_database(placed, place)
    return placed


def copy_room(source: Path, target: Path) -> Path:
    """Copy a room's folder, and its databases where they are on a server."""
    shutil.copytree(source, target)
    path = target / "room.toml"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    for stem, database in _ADDRESS.findall(text):
        fresh = f"c{secrets.token_hex(6)}"
        _copy_database(database, fresh, keeper=f"{stem}_keeper")
        text = text.replace(f'/{database}"', f'/{fresh}"')
        for passfile in target.rglob("*.pgpass"):
            lines = passfile.read_text(encoding="utf-8")
            passfile.write_text(lines.replace(f"*:*:{database}:", f"*:*:{fresh}:"), encoding="utf-8")
    if text:
        path.write_text(text, encoding="utf-8")
    return target


def drop_databases(root: Path) -> None:
    """Remove the databases of a room that `copy_room` made, where they are on a server; the logins are its source's."""
    with _server() as admin:
        for database in _databases(root):
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))


class Cleaner:
    """Drops the databases of a test's own rooms after it: each room takes 30 MB, and a whole run makes over a thousand.

    A database goes only if it was made after `mark` was called and a room.toml under the test's own folder names it:
    rooms that several tests share, and folders copied from them, stay.
    """

    def __init__(self) -> None:
        self._admin = _server()
        self._last = 0

    def mark(self) -> None:
        """Whatever is there now is somebody else's."""
        self._last = int((self._ask("SELECT max(oid) FROM pg_database") or [0])[0])

    def clean(self, folder: Path) -> None:
        """Drop what rooms under `folder` got since."""
        rooms = [path for pattern in ("", "*/", "*/*/") for path in folder.glob(f"{pattern}room.toml")]
        if rooms:
            named = {name for path in rooms for _, name in _ADDRESS.findall(path.read_text("utf-8", "replace"))}
            for name in named & set(self._ask("SELECT datname FROM pg_database WHERE oid > %s", self._last)):
                self._admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def close(self) -> None:
        """End the connection."""
        self._admin.close()

    def _ask(self, query: LiteralString, *values: object) -> list[Any]:
        return [row[0] for row in self._admin.execute(query, values).fetchall()]


@contextmanager
def unreachable(root: Path, place: PlaceName | None) -> Iterator[None]:
    """A database on the server that is not there for a moment."""
    settings = load(root)
    name = make_url(settings.places[place].database if place else settings.database).database or ""
    there, hidden = sql.Identifier(name), sql.Identifier(f"{name}_away")
    with _server() as admin:
        _end_connections(admin, name)
        admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(there, hidden))
        try:
            yield
        finally:
            admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(hidden, there))


def spoil_database(root: Path, place: PlaceName | None, statement: str) -> None:
    """Drop a database of the room from the server, or its tables, and run the statement in what is left."""
    settings = load(root)
    name = make_url(settings.places[place].database if place else settings.database).database or ""
    if statement == "DROP DATABASE":
        with _server() as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        return
    with beside(root, place).begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
        connection.exec_driver_sql("GRANT USAGE ON SCHEMA public TO PUBLIC")
        connection.exec_driver_sql(statement)


def behind(database: Database) -> Engine:
    """The same database behind the product's back: as somebody who owns the disk or the server."""
    url = database.engine.url
    if url.get_backend_name() == "sqlite":
        return create_engine(url)
    return create_engine(url.set(username="room", query={}), poolclass=NullPool)


def beside(root: Path, place: PlaceName | None) -> Engine:
    """The room's database or a place's, behind the product's back, with nothing that guards it."""
    settings = load(root)
    kept = settings.places[place].database if place else settings.database
    if kept:
        return create_engine(make_url(kept).set(username="room"), poolclass=NullPool)
    home = root / "places" / place if place else root / "room"
    return create_engine(f"sqlite:///{home}/db.sqlite", poolclass=NullPool)


@contextmanager
def tampering(root: Path, place: PlaceName | None) -> Iterator[Connection]:
    """A transaction beside the product, in which rows need no parents."""
    with beside(root, place).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET session_replication_role = replica")
            set_json_loads(lambda data: bytes(data).decode(), connection.connection.driver_connection)  # as on SQLite
        yield connection


def tamper(connection: Connection, statement: str, *values: object) -> CursorResult[Any]:
    """Run a statement written for SQLite, with ? for values."""
    if connection.dialect.name == "postgresql":
        statement = statement.replace("%", "%%").replace("?", "%s")
        statement = re.sub(r"CAST\((\w+) AS TEXT\)", r"convert_from(\1, 'UTF8')", statement)
        statement = re.sub(r"CAST\((replace\(.*\)) AS BLOB\)", r"convert_to(\1, 'UTF8')", statement)
    return connection.exec_driver_sql(statement, values)


def rewrite(connection: Connection, table: str, column: str, old: str, new: str) -> int:
    """Replace a text in a column of texts or documents; in how many rows."""
    kind = next(found["type"] for found in inspect(connection).get_columns(table) if found["name"] == column)
    document = connection.dialect.name == "postgresql" and isinstance(kind, JSON)
    seen, made = (f"{column}::text", "::json") if document else (column, "")
    statement = f"UPDATE {table} SET {column} = replace({seen}, ?, ?){made} WHERE {seen} LIKE ?"
    return tamper(connection, statement, old, new, f"%{old}%").rowcount


def everything(root: Path, place: PlaceName | None) -> bytes:
    """All that a database holds: the file's bytes, or every row of every table."""
    engine = beside(root, place)
    if engine.dialect.name == "sqlite":
        return b"".join(path.read_bytes() for path in Path(engine.url.database or "").parent.glob("db.sqlite*"))
    with engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        rows = [connection.exec_driver_sql(f'SELECT t::text FROM "{name}" t').scalars().all() for name in tables]
    data = "\n".join(line for found in rows for line in found).encode()
    return b"\n".join((data, *(bytes.fromhex(one.decode()) for one in _BYTES.findall(data))))


def _copy_database(old: str, new: str, *, keeper: str) -> None:
    with _server() as admin:
        _end_connections(admin, old)
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}")
        admin.execute(statement.format(sql.Identifier(new), sql.Identifier(old), sql.Identifier(keeper)))


def _databases(root: Path) -> list[str]:
    settings = load(root)
    kept = (settings.database, *(place.database for place in settings.places.values()))
    return [make_url(one).database or "" for one in kept if one]


def _server() -> psycopg.Connection:
    return psycopg.connect(os.environ[DATABASE_VARIABLE], dbname="postgres", autocommit=True)


def _end_connections(admin: psycopg.Connection, database: str) -> None:
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
        [database],
    )


def _as_owner(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root; the machine's `postgres` user runs it then."""
    lower = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
    return lower if os.geteuid() == 0 else command
