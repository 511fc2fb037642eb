"""Prepare a PostgreSQL server for a room: a database for the room and for each place, each with its own logins.

Rule 1: databases of two places share no login (P17): who may enter `…_us` may not connect to `…_eu`.
Rule 2: nothing that is there is touched: a database or login of the name is an error, and a failure half-way takes back
what was made.
Rule 3: a password stands in one file that its process role alone reads (libpq's passfile), never in a URL, a setting,
a command line or a server's log: the server is given the SCRAM verifier, which is computed here.

The logins of a database NAME: NAME_owner (owns the tables, logs in for migrations), NAME_keeper (owns the database and
no table: vacuums), and NAME_copy, NAME_web, NAME_subjects, NAME_worker (own nothing).
The text order is C, so that what is sorted here is sorted as on SQLite and in Python.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from readingroom.core.errors import BadSetting, DatabaseFault, UsageError
from readingroom.db.policies import LOGINS
from readingroom.stores.durable import create_file

OWNER: Final = "owner"
KEEPER: Final = "keeper"
VACUUMING: Final = frozenset({"copy", "subjects", "worker"})  # the roles that delete rows for good
PORT: Final = 5432
OLDEST: Final = 150_000  # PostgreSQL 15: nobody may create in the schema `public` by default
_STEM = re.compile(r"[a-z][a-z0-9_]{0,39}")
_KEPT = ("host", "sslmode", "sslrootcert", "channel_binding")  # what a stored URL takes over from the operator's
_CREATE_ROLE = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {}")
_REASONS = (
    ("password authentication failed", "the server refuses the password: put it into a passfile (PGPASSFILE)"),
    ("no password supplied", "the server wants a password: put it into a passfile (PGPASSFILE)"),
    ("no pg_hba.conf entry", "the server's pg_hba.conf lets nobody in from here"),
    ("does not exist", "there is no such database or login on the server"),
    ("permission denied for database", "this login may not enter this database"),
    ("refused", "nobody listens there"),
    ("could not translate host name", "there is no such host"),
    ("resolve host", "there is no such host"),
    ("timeout", "no answer in time"),
)


def parse(url: str, *, what: str) -> URL:
    """A PostgreSQL URL without a password; BadSetting says what is wrong with it, and never repeats it."""
    try:
        found = make_url(url)
    except ArgumentError:
        raise BadSetting(f"{what}: not a database URL; write postgresql://LOGIN@HOST:PORT/NAME") from None
    if found.get_backend_name() != "postgresql":
        raise BadSetting(f"{what}: only PostgreSQL (postgresql://…) and the embedded SQLite are supported")
    if found.password is not None or "password" in found.query:
        raise BadSetting(f"{what}: a password in a URL is read by others; put it into a passfile (PGPASSFILE)")
    return found.set(drivername="postgresql+psycopg")


def named(server: URL, database: str) -> URL:
    """What room.toml keeps: the database's address and the stem of its logins, and no secret."""
    kept = {key: value for key, value in server.query.items() if key in _KEPT}
    return server.set(username=database, database=database, query=kept)


def login(kept: URL, role: str, passfile: Path | None) -> URL:
    """The URL by which a role logs in to the database that room.toml keeps."""
    found = kept.set(username=f"{kept.username}_{role}")
    extra = {"application_name": f"readingroom-{role}"}
    if passfile is not None and passfile.is_file():
        extra["passfile"] = str(passfile)
    return found.update_query_dict(extra)


def stem_of(url: URL, room_id: str) -> str:
    """How this room's databases are called: the URL's database, or the room's id."""
    stem = url.database or "r_" + re.sub(r"[^a-z0-9]", "", room_id.lower())[-20:]
    if not _STEM.fullmatch(stem):
        raise UsageError("the database's name must be of small letters, digits and _, 40 at most, a letter first")
    return stem


@contextmanager
def prepared(server: URL, folders: Mapping[str, Path]) -> Iterator[None]:
    """Empty databases with their logins and passfiles, for the block to fill; taken back when it fails.

    `folders` says where the passfiles of each database go.
    """
    databases = tuple(folders)
    with _connected(server, "postgres") as admin:
        _check_server(admin)
        _check_absent(admin, databases)
        try:
            for database, folder in folders.items():
                _write_passfiles(folder, list(_make(admin, database)))
                with _connected(server, database) as inside:
                    _enter(inside, database)
            yield
        except BaseException:
            _take_back(admin, databases)
            raise


def removed(server: URL, databases: Mapping[str, URL]) -> None:
    """Take databases and their logins from the server; `databases` says by which address each is kept.

    DatabaseFault if one of them is kept on another server: what is of its name here may be somebody else's.
    """
    for database, kept in databases.items():
        if (kept.host, kept.port or PORT) != (server.host, server.port or PORT):
            raise DatabaseFault(f"database {database} is on another server than the URL; nothing was removed")
    with _connected(server, "postgres") as admin:
        _take_back(admin, tuple(databases))


def logins_of(database: str) -> Mapping[str, str]:
    """Each process role's login to a database."""
    return {role: f"{database}_{role}" for role in LOGINS}


@contextmanager
def _connected(server: URL, database: str) -> Iterator[psycopg.Connection]:
    where = f"the server at {server.host or 'the local socket'}:{server.port or PORT}"
    address = server.set(drivername="postgresql", database=database).render_as_string(hide_password=False)
    try:
        connection = psycopg.connect(address, autocommit=True, connect_timeout=10)
    except psycopg.Error as error:
        text = str(error)
        reason = next((advice for words, advice in _REASONS if words in text), "it cannot be reached")
        raise DatabaseFault(f"{where}: {reason}") from None
    with connection:
        try:
            yield connection
        except psycopg.errors.InsufficientPrivilege:
            raise UsageError(f"{where}: the login lacks a right; init needs CREATEDB and CREATEROLE") from None
        except psycopg.Error as error:
            raise DatabaseFault(f"{where}: {type(error).__name__}") from None


def _check_server(admin: psycopg.Connection) -> None:
    if admin.info.server_version < OLDEST:
        version = admin.info.server_version // 10_000
        raise DatabaseFault(f"the server is PostgreSQL {version}; this software needs {OLDEST // 10_000} or later")
    query = "SELECT rolsuper OR (rolcreatedb AND rolcreaterole) FROM pg_roles WHERE rolname = current_user"
    if (admin.execute(query).fetchone() or (False,))[0] is not True:
        raise UsageError("the login may not make databases and logins: init needs CREATEDB and CREATEROLE")


def _check_absent(admin: psycopg.Connection, databases: Sequence[str]) -> None:
    """Rule 2."""
    wanted = [f"{database}_{role}" for database in databases for role in (OWNER, KEEPER, *LOGINS)]
    found = admin.execute("SELECT datname FROM pg_database WHERE datname = ANY(%s)", [list(databases)]).fetchall()
    found += admin.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [wanted]).fetchall()
    if found:
        names = ", ".join(sorted(name for (name,) in found)[:3])
        raise DatabaseFault(f"on the server there is already: {names}; init never overwrites. Choose another name")


def _make(admin: psycopg.Connection, database: str) -> Iterator[tuple[str, str]]:
    """Make one database and its logins; (role, line of its passfile)."""
    name = sql.Identifier(database)
    roles = {role: sql.Identifier(f"{database}_{role}") for role in (OWNER, KEEPER, *LOGINS)}
    for role, identifier in roles.items():
        password = secrets.token_urlsafe(24)
        user = f"{database}_{role}"
        verifier = admin.pgconn.encrypt_password(password.encode(), user.encode(), b"scram-sha-256").decode()
        admin.execute(_CREATE_ROLE.format(identifier, sql.Literal(verifier)))
        yield role, f"*:*:{database}:{user}:{password}"
    if not _is_superuser(admin):  # to give something to a role, one must be of it
        for role in (OWNER, KEEPER):
            admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(roles[role]))
    admin.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'").format(
            name, roles[KEEPER]
        )
    )
    admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    entering = sql.SQL(", ").join(roles[role] for role in (OWNER, *LOGINS))
    admin.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, entering))
    admin.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(name, roles[OWNER]))  # to be given the schema
    if _is_superuser(admin):  # the text of a row that breaks a constraint stays out of the server's log
        admin.execute(sql.SQL("ALTER DATABASE {} SET log_error_verbosity = 'terse'").format(name))
        admin.execute(sql.SQL("ALTER DATABASE {} SET log_parameter_max_length = 0").format(name))


def _enter(inside: psycopg.Connection, database: str) -> None:
    """Give the schema to the owner: the keeper owns the database and nothing in it."""
    owner = sql.Identifier(f"{database}_{OWNER}")
    others = sql.SQL(", ").join(sql.Identifier(f"{database}_{role}") for role in (KEEPER, *LOGINS))
    inside.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(owner))
    inside.execute(sql.SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC"))
    inside.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(others))


def _is_superuser(connection: psycopg.Connection) -> bool:
    return connection.info.parameter_status("is_superuser") == "on"


def _write_passfiles(folder: Path, lines: Sequence[tuple[str, str]]) -> None:
    """Rule 3: one file a role; the roles that delete for good may log in as keeper too."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for reader in (OWNER, *LOGINS):
        own = [line for role, line in lines if role == reader or (role == KEEPER and reader in VACUUMING)]
        create_file(folder / f"{reader}.pgpass", "".join(f"{line}\n" for line in own).encode())


def _take_back(admin: psycopg.Connection, databases: Sequence[str]) -> None:
    for database in databases:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))
        for role in (OWNER, KEEPER, *LOGINS):
            admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(f"{database}_{role}")))
