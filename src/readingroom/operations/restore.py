"""Restore a room from a backup, without bringing back what was ended since.

Rule 1: a restored copy opens only with keys that are still in the room's keyring: what a purge destroyed stays shut,
        whichever bytes come back (P15). Keys are never restored; a room whose roles or keyrings are gone is refused.
Rule 2: the room's own log, where it is left, wins over the backup's and must begin with it; the databases are brought
        up to it (replay) before anybody can open them.
Rule 3: where the log itself comes from the backup, nothing here can tell whether it is the newest: a checkpoint that
        was kept outside must be shown, or `unwitnessed` said aloud (and the event says so for ever). A log that does
        not begin with a checkpoint shown is refused.
Rule 4: before the room opens, recovery and every purge that is due are done.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import insert, select, update

from readingroom.audit.logs import every_log
from readingroom.audit.sequencer import sequence_all
from readingroom.audit.tiles import CHECKPOINT, replace_file
from readingroom.audit.unit import Event, unit_of_work
from readingroom.audit.verify import verify_all
from readingroom.bootstrap import import_tables, only_one, open_house
from readingroom.copies.purge import purge_all, purge_due
from readingroom.copies.records import copies_in
from readingroom.copies.recover import recover
from readingroom.copies.states import CopyState
from readingroom.copies.tables import COPIES, WITHHELD
from readingroom.core.clock import SimulatedClock, SystemClock
from readingroom.core.errors import DatabaseFault, KeyFault, LogFault, Refusal, UsageError
from readingroom.core.ids import PlaceName
from readingroom.core.settings import RoomSettings, load
from readingroom.db.engines import EVERY_TENANT, Database
from readingroom.db.schema import PLACE, ROOM
from readingroom.engagement.mirror import refresh
from readingroom.engagement.optin import statuses
from readingroom.engagement.states import EngagementState
from readingroom.house import House, Place
from readingroom.keys.keyring import Keyring
from readingroom.keys.roles import Role, RoleKeys
from readingroom.operations.backup import copy_folder
from readingroom.operations.replay import Replayed, replay
from readingroom.operations.running import holders
from readingroom.operations.vault import Sealer, check_files, read_manifest
from readingroom.operations.witness import check_checkpoints
from readingroom.stores.local import LocalStore

_STAGED: Final = ".restoring"
MARKER: Final = "restoring.json"  # the logs that a restore brought; gone when it came to its end
KEYLESS: Final = "its keys are gone and the log does not say why"


@dataclass(frozen=True)
class Wish:
    """What is asked of a restore."""

    checkpoints: Sequence[str] = ()  # signed checkpoints that were kept outside
    unwitnessed: bool = False
    replace: bool = False  # put the backup's databases over databases that are there


@dataclass(frozen=True)
class Restored:
    """What a restore did, and what people must see to."""

    backup: str
    at: str
    replayed: Replayed
    keyless: tuple[str, ...]  # copies that the log calls sealed and whose keys are gone
    purged: int
    logs: tuple[str, ...]  # logs that came from the backup

    def public(self) -> dict[str, Any]:
        """As the command line shows it."""
        return {
            "backup": self.backup,
            "of": self.at,
            "entries_behind": self.replayed.entries,
            "copies_ended_since": self.replayed.copies_ended,
            "copies_lost": self.replayed.copies_lost,
            "copies_without_keys": list(self.keyless),
            "tenants_suspended": sorted(self.replayed.held),
            "to_be_done_again": dict(sorted(self.replayed.again.items())),
            "purged": self.purged,
            "logs_from_the_backup": list(self.logs),
        }


def restore(root: Path, source: Path, wish: Wish) -> Restored:
    """Put the backup at `source` into the room at `root`, whose roles and keyrings are in place; stop it first.

    Where the backup was made without databases, the server's own tools have restored them before this.
    """
    import_tables()
    keys = _keys(root)
    manifest = read_manifest(source, keys.public(Role.WORKER))
    settings = _prepare(root, source, manifest=manifest, wish=wish)
    brought = _logs(settings, source)
    _objects(settings, source)
    try:
        _unseal(root, source, manifest=manifest, keys=keys)
        house = _staged_house(settings, keys) if manifest["databases"] else open_house(root, Role.WORKER)
        try:
            origins = _witness(house, wish, source=source, brought=brought)
            replayed, keyless = _bring_up(house, manifest, wish)
        finally:
            _close(house)
        for name in manifest["databases"]:
            database = _database(root, name)
            _drop(database)
            _staged(root, name).rename(database)
    finally:
        for name in manifest["databases"]:
            _drop(_staged(root, name))  # in the clear, where anything failed
    (root / "room" / MARKER).unlink()
    purged = _finish(root)
    return Restored(manifest["id"], manifest["at"], replayed, keyless, purged, origins)


def _prepare(root: Path, source: Path, *, manifest: Mapping[str, Any], wish: Wish) -> RoomSettings:
    """The room's settings, once everything that can be checked before a change has been checked."""
    busy = holders(root)
    if busy:
        raise Refusal(f"the room is open in process {', '.join(map(str, busy))}: stop pages and worker first")
    check_files(source, manifest)
    (root / "room").mkdir(mode=0o700, exist_ok=True)
    if not (root / "room.toml").exists():
        _bring(source / "room.toml", root / "room.toml")
        with suppress(FileNotFoundError):
            _bring(source / "clock.json", root / "clock.json")
    settings = load(root)
    if manifest["room"] != settings.room_id:
        raise UsageError("the backup is of another room")
    _check_free(settings, manifest, wish)
    return settings


def _unseal(root: Path, source: Path, *, manifest: Mapping[str, Any], keys: RoleKeys) -> None:
    """The databases, beside where they belong."""
    sealer = Sealer.opened(manifest["id"], manifest["key"], keys)
    for name in manifest["databases"]:
        _drop(_staged(root, name))
        sealer.unseal(source / "sealed" / f"{name}.db", _staged(root, name), name=f"{name}.db")


def _bring_up(house: House, manifest: Mapping[str, Any], wish: Wish) -> tuple[Replayed, tuple[str, ...]]:
    """Bring the databases up to their logs; what the logs told, and the copies whose keys are gone."""
    if manifest["databases"]:
        _keep_withheld(house.settings, house)
    replayed = replay(house)
    keyless = _without_keys(house)
    _tell(house, manifest, replayed, wish=wish)
    refresh(house)
    if manifest["databases"]:
        for database in (house.db, *(place.db for place in house.places.values())):
            database.checkpoint()  # what is renamed is one file
    return replayed, keyless


def _keys(root: Path) -> RoleKeys:
    try:
        return RoleKeys.load(root / "roles", Role.WORKER)
    except KeyFault:
        raise Refusal(
            "the room's role keys are not here: a backup holds no key; put roles/ and places/*/keyring/ back first"
        ) from None


def _check_free(settings: RoomSettings, manifest: Mapping[str, Any], wish: Wish) -> None:
    """Refusal to overwrite what is there, and to restore where keys are missing."""
    for name in manifest["databases"]:
        if name != "room" and not (settings.root / "places" / name / "keyring" / "keyring.json").is_file():
            raise Refusal(f"place {name} has no keyring: a backup holds no key; put places/{name}/keyring/ back first")
        if _database(settings.root, name).exists() and not wish.replace:
            raise Refusal(f"database {name} is there; say --replace to put the backup's in its place")


def _logs(settings: RoomSettings, source: Path) -> dict[Path, bool]:
    """Bring the logs that are gone; each log of the backup, by its folder in the room, and whether it was brought.

    What is brought is written down first and taken away again by the next attempt, unless this one comes to its end:
    a log that nobody vouched for must not pass for the room's own afterwards (rule 3).
    """
    marker = settings.root / "room" / MARKER
    if marker.exists():
        for name in json.loads(marker.read_text(encoding="utf-8")):
            shutil.rmtree(settings.root / name, ignore_errors=True)
    planned = [_home(settings, source, path.parent) for path in (source / "logs").rglob(CHECKPOINT)]
    fresh = [folder.relative_to(settings.root).as_posix() for folder in planned if not (folder / CHECKPOINT).exists()]
    replace_file(settings.root / "room", MARKER, json.dumps(fresh).encode())
    found = {}
    for folder in sorted(path.parent for path in (source / "logs").rglob(CHECKPOINT)):
        target = _home(settings, source, folder)
        found[target] = not (target / CHECKPOINT).exists()
        if found[target]:
            if (target / "tile").exists():
                raise LogFault(f"{target}: the log has tiles and no checkpoint; move the folder away first")
            copy_folder(folder, target)
    return found


def _home(settings: RoomSettings, source: Path, folder: Path) -> Path:
    """Where a log of the backup lies in the room."""
    place, name = folder.relative_to(source / "logs").parts
    return (settings.root / "room" if place == "room" else settings.root / "places" / place / "logs") / name


def _objects(settings: RoomSettings, source: Path) -> None:
    for name in settings.places:
        home = settings.root / "places" / name
        home.joinpath("logs").mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (home / "objects" / ".staging").is_dir():
            LocalStore.create(home / "objects")
        _missing(source / "objects" / name, home / "objects")
    _missing(source / "models", settings.root / "models")


def _missing(source: Path, target: Path) -> None:
    """Bring the files that are not there; one that is there stays (it is the same, or newer)."""
    for path in sorted(source.rglob("*")):
        if path.is_file() and not (target / path.relative_to(source)).exists():
            copy = target / path.relative_to(source)
            copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _bring(path, copy)


def _bring(source: Path, target: Path) -> None:
    data = source.read_bytes()
    target.touch(mode=0o600)
    target.write_bytes(data)


def _staged_house(settings: RoomSettings, keys: RoleKeys) -> House:
    places = {}
    for name in settings.places:
        home = settings.root / "places" / name
        places[PlaceName(name)] = Place(
            name=name,
            db=Database.load(name, f"sqlite:///{home}/db.sqlite{_STAGED}", PLACE),
            store=LocalStore.load(home / "objects"),
            keyring=Keyring.load(home / "keyring", name, keys),
            logs=home / "logs",
        )
    clock = SimulatedClock(settings.root / "clock.json") if settings.simulation else SystemClock()
    room = Database.load("room", f"sqlite:///{settings.root}/room/db.sqlite{_STAGED}", ROOM)
    return House(settings, Role.WORKER, keys, clock, room, settings.root / "room" / "log", places)


def _witness(house: House, wish: Wish, *, source: Path, brought: Mapping[Path, bool]) -> tuple[str, ...]:
    """The origins of logs that the backup brought.

    LogFault unless each log begins with the checkpoints shown and, where it was left in place, with the backup's;
    Refusal where nothing vouches for a log that was brought (rule 3).
    """
    seen = check_checkpoints(house, wish.checkpoints)
    logs = {log.directory: log for log in every_log(house)}
    for folder in (folder for folder, fresh in brought.items() if not fresh):
        home = "room" if logs[folder].place is None else str(logs[folder].place)
        check_checkpoints(house, [(source / "logs" / home / folder.name / CHECKPOINT).read_text(encoding="utf-8")])
    origins = tuple(logs[folder].origin for folder, fresh in brought.items() if fresh)
    unseen = sorted(set(origins) - set(seen))
    if unseen and not wish.unwitnessed:
        raise Refusal(
            "these logs come from the backup, and nothing here can tell whether they are the newest; show a checkpoint "
            "of each that was kept outside (--checkpoint FILE), or say --unwitnessed",
            reasons=tuple(unseen),
        )
    return origins


def _keep_withheld(settings: RoomSettings, house: House) -> None:
    """Add what a database that is about to be replaced withholds: an erasure since the backup stays one."""
    for name, place in house.places.items():
        live = settings.root / "places" / name / "db.sqlite"
        if not live.is_file():
            continue
        try:
            database = Database.load(name, f"sqlite:///{live}", PLACE)
            with database.read(EVERY_TENANT) as connection:
                rows = connection.execute(select(WITHHELD)).mappings().all()
            database.close()
        except DatabaseFault:  # it is being replaced because it does not read; the log tells what was erased (replay)
            continue
        with unit_of_work(place.db, EVERY_TENANT, house.clock) as unit:
            known = set(unit.connection.scalars(select(WITHHELD.c.id)))
            fresh = [dict(row) for row in rows if row["id"] not in known]
            if fresh:
                unit.connection.execute(insert(WITHHELD), fresh)
                unit.append(Event("restore.withheld_kept", house.role.value, facts={"entries": len(fresh)}))


def _without_keys(house: House) -> tuple[str, ...]:
    """End the sealed copies whose keys are gone although the log does not say so: a sign that the log was cut."""
    found = []
    for place in house.places.values():
        with place.db.read(EVERY_TENANT) as connection:
            copies = copies_in(connection, state=CopyState.SEALED)
        for copy in copies:
            if copy.purge_started_at is None and not place.keyring.copy_exists(copy.id):
                with unit_of_work(place.db, copy.tenant, house.clock) as unit:
                    values = {"purge_started_at": unit.at, "reason": KEYLESS}
                    unit.connection.execute(update(COPIES).where(COPIES.c.id == copy.id).values(**values))
                    unit.append(Event("restore.copy_ended", house.role.value, tenant=copy.tenant, copy=copy.id))
                found.append(copy.id)
    return tuple(found)


def _tell(house: House, manifest: Mapping[str, Any], replayed: Replayed, *, wish: Wish) -> None:
    facts = {"backup": manifest["id"], "of": manifest["at"], "entries": replayed.entries}
    facts |= {"witnessed": bool(wish.checkpoints), "replaced": wish.replace}
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        unit.append(Event("room.restored", house.role.value, facts=facts))


def _finish(root: Path) -> int:
    """What must be done before the room opens: recovery, purges, the log (rule 4)."""
    house = open_house(root, Role.WORKER)
    try:
        with only_one(house, "worker"):
            purged = len(recover(house).purged)
            ended = [one.tenant for one in statuses(house) if one.state is EngagementState.ENDED]
            purged += sum(len(purge_all(house, tenant, why="engagement ended")) for tenant in ended)
            purged += len(purge_due(house))
            sequence_all(house)
        broken = [one.origin for one in verify_all(house) if one.problem]
        if broken:
            raise LogFault(f"restored, but does not verify: {', '.join(broken)}")
    finally:
        _close(house)
    return purged


def _database(root: Path, name: str) -> Path:
    return (root / "room" if name == "room" else root / "places" / name) / "db.sqlite"


def _drop(database: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def _staged(root: Path, name: str) -> Path:
    return _database(root, name).with_name(f"db.sqlite{_STAGED}")


def _close(house: House) -> None:
    for database in (house.db, *(place.db for place in house.places.values())):
        database.close()
