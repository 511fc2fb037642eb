"""Look a room over: keys, places, clock, duties, objects, disk, log, worker. Finds and advises; repairs nothing.

Rule 1: a check that cannot be made is a finding, and the others are made all the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from readingroom.audit.logs import events_of
from readingroom.bootstrap import open_house
from readingroom.copies.records import copies_in
from readingroom.copies.states import CopyState
from readingroom.copies.tables import OBJECTS, ObjectState
from readingroom.core.errors import ReadingroomError, Refusal
from readingroom.core.settings import RoomSettings, load
from readingroom.db.engines import EVERY_TENANT, Database
from readingroom.house import House, Place
from readingroom.keys.roles import Role, RoleKeys
from readingroom.operations.findings import (
    GRACE,
    Finding,
    check_beat,
    check_clock,
    check_disk,
    check_overdue,
    fault,
    warning,
)
from readingroom.operations.heartbeat import last_beat
from readingroom.operations.overdue import all_deadlines
from readingroom.operations.witness import check_checkpoints

_OTHERS: Final = 0o077
_ALIVE: Final = (CopyState.STAGING, CopyState.SEALED)


def examine(root: Path, checkpoints: tuple[str, ...] = ()) -> list[Finding]:
    """Everything that is not as it should be in the room at `root`, faults first."""
    try:
        settings = load(root.absolute())
    except ReadingroomError as error:
        return [fault(str(error), "room.toml", "put the settings right; nothing starts without them")]
    found = [*_files(settings), *_roles(settings)]
    whole = True
    for name in settings.places:
        try:
            _close(open_house(root, Role.WORKER, places=[name]))
        except ReadingroomError as error:
            whole = False
            found.append(fault(str(error), f"place {name}", "see docs/runbooks/ for what is missing; then look again"))
    if whole:
        house = open_house(root, Role.WORKER)
        try:
            found += _opened(house, checkpoints)
        finally:
            _close(house)
    return sorted(found, key=lambda one: one.weight.value)


def _opened(house: House, checkpoints: tuple[str, ...]) -> Iterator[Finding]:
    now = house.clock.now()
    yield from check_overdue(now, all_deadlines(house))
    last = last_beat(house.settings.root)
    yield from check_beat(now, last.at if last else None)
    for duty in last.failed if last else ():
        yield fault("a duty failed in the worker's last round", duty, "run `readingroom worker --once` and read why")
    for database in (house.db, *(place.db for place in house.places.values())):
        yield from _register(house, database)
    for place in house.places.values():
        yield from _keys(place)
        yield from _objects(place)
    for note in checkpoints:
        try:
            check_checkpoints(house, [note])
        except ReadingroomError as error:
            yield fault(str(error), "the log", "see docs/runbooks/log-forged.md")


def _files(settings: RoomSettings) -> Iterator[Finding]:
    root = settings.root
    usage = shutil.disk_usage(root)
    yield from check_disk(usage.free, usage.total, where=str(root))
    if root.stat().st_mode & _OTHERS:
        yield warning("the room's folder is open to others", str(root), "chmod 0700 it")
    closed = [root / "roles", *(root / "places" / name / "keyring" for name in settings.places)]
    for folder in closed:
        for path in (folder, *folder.rglob("*")):
            with suppress(FileNotFoundError):
                if path.name != "public.json" and path.stat().st_mode & _OTHERS:
                    where = path.relative_to(root).as_posix()
                    yield fault(
                        "a key file or its folder is open to others", where, "chmod go-rwx it, and ask who read"
                    )
    for path in (
        *(root / "room").glob("*.db.*.new"),
        *(root / "room").glob("restoring.json"),
        *root.rglob("db.sqlite.restoring*"),
    ):
        where = path.relative_to(root).as_posix()
        yield fault("left behind by a backup or restore that did not end", where, "repeat that command; shred it")
    secret = settings.identity_provider.get("client_secret_file", "")
    if secret and Path(secret).is_file() and Path(secret).stat().st_mode & _OTHERS:
        yield fault("the identity provider's secret is open to others", secret, "chmod 0600 it, and change the secret")


def _roles(settings: RoomSettings) -> Iterator[Finding]:
    for role in Role:
        try:
            RoleKeys.load(settings.root / "roles", role)
        except ReadingroomError as error:
            yield fault(str(error), f"roles/{role}.json", "see docs/runbooks/keyring-lost.md")


def _register(house: House, database: Database) -> Iterator[Finding]:
    events, now = events_of(database), house.clock.now()
    with database.read(EVERY_TENANT) as connection:
        newest = connection.scalar(select(func.max(events.c.at)))
        pending, oldest = connection.execute(
            select(func.count(), func.min(events.c.at)).where(events.c.log_index.is_(None))
        ).one()
    where = f"database {database.name}"
    yield from check_clock(now, newest, where=where)
    if pending and now - oldest > GRACE:
        do = "run `readingroom worker --once`, then `readingroom audit verify`"
        yield fault(f"{pending} events wait to be written to the log", where, do)


def _keys(place: Place) -> Iterator[Finding]:
    inventory = place.keyring.inventory()
    with place.db.read(EVERY_TENANT) as connection:
        alive = {copy.id: copy for state in _ALIVE for copy in copies_in(connection, state=state)}
    where = f"places/{place.name}/keyring"
    for name in inventory.damaged:
        yield fault("a key file is damaged", f"{where}/{name}", "its copy is lost: purge it and make another")
    for name in inventory.unknown:
        yield fault(
            "a file that no keyring makes", f"{where}/{name}", "it may be a copy of keys: find out whose, shred it"
        )
    have = {copy for copy, _epoch in inventory.copies}
    for copy in sorted(have - set(alive)):
        do = "run `readingroom worker --once`: it destroys them"
        yield fault("keys that lead nowhere: their copy is not alive", f"{where}: {copy}", do)
    lost = (
        c for c in alive.values() if c.state is CopyState.SEALED and c.purge_started_at is None and c.id not in have
    )
    for found in lost:
        yield fault("a sealed copy has no keys", found.id, "it is lost: see docs/runbooks/keyring-lost.md")


def _objects(place: Place) -> Iterator[Finding]:
    try:
        listed = set(place.store.list(""))
    except Refusal:
        return  # a place that may only be written to (P25)
    with place.db.read(EVERY_TENANT) as connection:
        rows = connection.execute(select(OBJECTS.c.path, OBJECTS.c.state)).all()
    known = {row.path for row in rows if row.state != ObjectState.DELETED.value}
    for path in sorted(listed - known):
        do = "run `readingroom worker --once`: it deletes them"
        yield fault("an object that nobody knows", f"places/{place.name}/objects/{path}", do)
    for path in sorted({row.path for row in rows if row.state == ObjectState.LIVE.value} - listed):
        do = "restore the objects, or purge the copy and make another"
        yield fault("a part is missing", f"places/{place.name}/objects/{path}", do)


def _close(house: House) -> None:
    for database in (house.db, *(place.db for place in house.places.values())):
        database.close()
