"""Which database is whose: the room's own and each place's, in the room's folder or on a PostgreSQL server.

What room.toml keeps of a server is an address without a secret: `postgresql+psycopg://STEM@HOST:PORT/NAME`. A process
logs in as `STEM_ROLE` with the password of `logins/ROLE.pgpass` in the room's or the place's folder: who has the files
of one role in one place comes in there, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection, MetaData

from readingroom.core.errors import DatabaseFault, UsageError
from readingroom.core.ids import PlaceName
from readingroom.core.settings import RoomSettings
from readingroom.db import cluster
from readingroom.db.engines import EVERY_TENANT, Database, open_engine, scope
from readingroom.db.migrating import Step, move, plan
from readingroom.db.policies import secure
from readingroom.db.schema import PLACE, ROOM


@contextmanager
def on_server(settings: RoomSettings, url: str, root: Path) -> Iterator[RoomSettings]:
    """The settings with databases on the server `url` ("" changes nothing), which go again if the block fails."""
    if not url:
        yield settings
        return
    server = cluster.parse(url, what="--database")
    stem = cluster.stem_of(server, settings.room_id)
    names = {place: f"{stem}_{place.replace('-', '_')}" for place in settings.places}
    kept = {place: cluster.named(server, name).render_as_string() for place, name in names.items()}
    places = {place: replace(found, database=kept[place]) for place, found in settings.places.items()}
    room = f"{stem}_room"
    folders = {room: _logins(root, None)} | {name: _logins(root, place) for place, name in names.items()}
    with cluster.prepared(server, folders):
        yield replace(settings, database=cluster.named(server, room).render_as_string(), places=places)


def remove_databases(settings: RoomSettings, url: str) -> None:
    """Take a room's databases, with their logins, from the server `url`; a file goes with its folder."""
    addresses = [_kept(settings, place) for place in (None, *settings.places)]
    kept = [cluster.parse(address, what="room.toml: a database") for address in addresses if address]
    if kept and not url:
        raise UsageError("the room's databases are on a server: give --database, or remove them there by hand")
    if kept:
        cluster.removed(cluster.parse(url, what="--database"), {str(one.database): one for one in kept})


def create_database(settings: RoomSettings, place: PlaceName | None) -> None:
    """Make the tables of the room's database (None) or a place's, with every policy and grant."""
    name, schema = _which(place)
    database = Database.create(name, _url(settings, place, cluster.OWNER), schema)
    with database.closed_on_error(), database.engine.begin() as connection:
        _secure(connection, settings, place)
    database.close()


def load_database(settings: RoomSettings, place: PlaceName | None, role: str) -> Database:
    """Open the room's database (None) or a place's as a process of `role`."""
    name, schema = _which(place)
    keeper = _url(settings, place, cluster.KEEPER, passfile_of=role) if _kept(settings, place) else ""
    return Database.load(name, _url(settings, place, role), schema, keeper=keeper)


def plan_database(settings: RoomSettings, place: PlaceName | None, target: str) -> Step:
    """What moving a database to a revision ("" is the newest) would do."""
    name, schema = _which(place)
    database = Database(name, open_engine(_url(settings, place, cluster.OWNER)), schema)
    with database.closed_on_error():
        step = plan(name, database.engine, schema, target=target)
    database.close()
    return step


def move_database(settings: RoomSettings, place: PlaceName | None, step: Step) -> None:
    """Move a database up or down, whole or not at all, and make policies and grants anew."""
    name, schema = _which(place)
    database = Database(name, open_engine(_url(settings, place, cluster.OWNER)), schema)
    engine = database.engine.execution_options(readingroom_write=True, readingroom_migrating=True)
    with database.closed_on_error(), engine.connect() as connection, connection.begin():
        scope(connection, EVERY_TENANT)
        move(connection, schema, step)
        if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise DatabaseFault(f"database {name}: after the migration a row names another that is not there")
        _secure(connection, settings, place)
    database.close()


def _secure(connection: Connection, settings: RoomSettings, place: PlaceName | None) -> None:
    if connection.dialect.name == "postgresql":
        stem = cluster.parse(_kept(settings, place), what="the database").username or ""
        secure(connection, _which(place)[1], cluster.logins_of(stem))


def _which(place: PlaceName | None) -> tuple[str, MetaData]:
    return ("room", ROOM) if place is None else (place, PLACE)


def _kept(settings: RoomSettings, place: PlaceName | None) -> str:
    return settings.database if place is None else settings.places[place].database


def _url(settings: RoomSettings, place: PlaceName | None, login: str, *, passfile_of: str = "") -> str:
    """The address by which `login` comes in, with the passfile of `passfile_of` (its own by default)."""
    kept = _kept(settings, place)
    if not kept:
        return f"sqlite:///{_home(settings.root, place)}/db.sqlite"
    address = cluster.parse(kept, what=f"room.toml: the database of {_which(place)[0]}")
    passfile = _logins(settings.root, place) / f"{passfile_of or login}.pgpass"
    return cluster.login(address, login, passfile).render_as_string(hide_password=False)


def _home(root: Path, place: PlaceName | None) -> Path:
    return root / "room" if place is None else root / "places" / place


def _logins(root: Path, place: PlaceName | None) -> Path:
    """The folder of the passfiles of one database."""
    return _home(root, place) / "logins"
