"""Back a room up while it runs: databases, logs, sealed parts, settings. Never a key.

    backup.json                     signed list, written last
    sealed/room.db, sealed/PLACE.db databases of one moment each, which only the worker's key opens
    logs/room/log, logs/PLACE/TENANT as they lie; public
    objects/PLACE/…                 ciphertext, under keys that stay in the keyring
    models/…, room.toml, clock.json

Rule 1: no keyring and no role key is in it: a backup alone opens nothing, and a key that a purge destroys after the
        backup is destroyed for the backup too (rule 4 of the house, P15).
Rule 2: databases come first and logs after them: a log may be newer than its database, never older, and `restore`
        brings the database up to its log.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from readingroom import __version__
from readingroom.audit.logs import every_log
from readingroom.audit.tiles import LOCK
from readingroom.core.clock import format_instant
from readingroom.core.errors import DatabaseFault, StoreFault, UsageError
from readingroom.core.ids import new_id
from readingroom.db.engines import Database
from readingroom.house import House
from readingroom.keys.roles import Role
from readingroom.operations.vault import FORMAT, Sealer, digest, files_below, write_manifest
from readingroom.stores.durable import UNFINISHED, locked, shred

_LOOSE: Final = ("room.toml", "clock.json")  # the second is a simulation room's


def back_up(house: House, target: Path, *, databases: bool = True) -> dict[str, Any]:
    """Write a backup to the new folder `target`; its signed list. Role worker; the room may run meanwhile.

    UsageError for databases on a server, which its own tools back up before this is done without them (rule 2), and
    for a folder with anything in it.
    """
    if house.role is not Role.WORKER:
        raise UsageError("the role worker makes backups")
    # the room's comes last: what it says of engagements is the truth, and must not be older than a place's mirror
    known = {name: place.db for name, place in sorted(house.places.items())} | {"room": house.db}
    chosen = known if databases else {}
    if any(db.engine.dialect.name != "sqlite" for db in chosen.values()):
        raise UsageError("databases on a server are backed up with pg_dump; then say --without-databases here")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target}: there is something already; a backup never overwrites")
    sealer = Sealer.fresh(new_id("backup"))
    at = house.clock.now()
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.chmod(0o700)
        for name, database in chosen.items():
            _seal_database(house, database, sealer, target=target / "sealed" / f"{name}.db")
        _copy_rest(house, target)
        files = {path.relative_to(target).as_posix(): digest(path) for path in files_below(target)}
    except OSError as error:
        raise StoreFault(f"the backup cannot be written: {type(error).__name__}") from None
    manifest = {
        "format": FORMAT,
        "id": sealer.backup,
        "room": house.settings.room_id,
        "at": format_instant(at),
        "version": __version__,
        "key": sealer.box(house.keys),
        "databases": sorted(chosen),
        "files": files,
    }
    write_manifest(target, manifest, house.keys)
    return manifest


def _seal_database(house: House, database: Database, sealer: Sealer, *, target: Path) -> None:
    """A snapshot of one moment by SQLite itself, beside the database it is of; only its sealed form leaves the room."""
    snapshot = house.settings.root / "room" / f"{target.name}.{sealer.backup}{UNFINISHED}"
    try:
        snapshot.touch(mode=0o600, exist_ok=False)
        with database.closed_on_error():
            raw = database.engine.raw_connection()
        try:
            source = raw.driver_connection
            if not isinstance(source, sqlite3.Connection):
                raise DatabaseFault(f"database {database.name}: it is not SQLite")
            with closing(sqlite3.connect(snapshot)) as copy:
                source.backup(copy)
        except sqlite3.Error as error:
            raise DatabaseFault(f"database {database.name}: {type(error).__name__}") from None
        finally:
            raw.close()
        sealer.seal(snapshot, target, name=target.name)
    finally:
        shred(snapshot)


def _copy_rest(house: House, target: Path) -> None:
    root = house.settings.root
    for name in _LOOSE:
        if (root / name).is_file():
            shutil.copyfile(root / name, target / name)
            (target / name).chmod(0o600)
    copy_folder(root / "models", target / "models")
    for name in house.places:
        copy_folder(root / "places" / name / "objects", target / "objects" / name)
    for log in every_log(house):
        if log.directory.is_dir():
            with locked(log.directory / LOCK):  # a checkpoint and the tiles that belong to it
                copy_folder(log.directory, target / "logs" / (log.place or "room") / log.directory.name)


def copy_folder(source: Path, target: Path) -> int:
    """Copy the files below `source` that are not in progress, leaving out what disappears meanwhile; how many."""
    count = 0
    for path in files_below(source):
        name = path.relative_to(source)
        if any(part.startswith(".") for part in name.parts) or path.name.endswith(UNFINISHED) or "#" in path.name:
            continue
        copy = target / name
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            shutil.copyfile(path, copy)
        except FileNotFoundError:  # purged, or a partial tile that a full one replaced
            continue
        copy.chmod(0o600)
        count += 1
    return count
