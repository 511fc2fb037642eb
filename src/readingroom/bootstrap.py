"""The only place that knows which store, keyring, database and identity provider are configured.

`init` makes a room whole or not at all (it is built beside its place and renamed); `open_house` loads one in a role and
never creates. A process gets the private keys of its own role and of no other, also on one machine.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from readingroom.audit.sequencer import create_log
from readingroom.audit.unit import Event, unit_of_work
from readingroom.core.clock import Clock, SimulatedClock, SystemClock
from readingroom.core.errors import BadSetting, Fault, UsageError
from readingroom.core.ids import PlaceName, RoomId, new_id
from readingroom.core.settings import Limits, PlaceSettings, RoomSettings, load, render
from readingroom.db.addresses import (
    create_database,
    load_database,
    move_database,
    on_server,
    plan_database,
    remove_databases,
)
from readingroom.db.engines import EVERY_TENANT
from readingroom.db.migrating import Step
from readingroom.house import House, Place
from readingroom.keys.keyring import Keyring
from readingroom.keys.roles import Role, RoleKeys
from readingroom.stores.local import LocalStore
from readingroom.stores.store import ObjectStore, WriteOnlyStore

GEOS = {"US": PlaceName("us"), "EU": PlaceName("eu")}
SCHEMAS = ("room", "place")
DATABASE_VARIABLE = "READINGROOM_DATABASE"
SCHEMA_PLACE = PlaceName("schema-us")  # P24, P25: in the United States, a place of its own


def import_tables() -> None:
    """Fill ROOM and PLACE with every room's tables; a schema is whole only after this."""
    import readingroom.access.tables
    import readingroom.audit.tables
    import readingroom.copies.tables
    import readingroom.engagement.tables
    import readingroom.models.tables
    import readingroom.review.tables
    import readingroom.subjects.tables  # noqa: F401 - imported for the tables they define


def init(
    root: Path, *, simulation: bool, vendor: str = "the vendor", name: str = "", database: str = ""
) -> RoomSettings:
    """Make a new room at `root`; never overwrites, and leaves nothing behind when it fails.

    `database` is a PostgreSQL server (`postgresql://LOGIN@HOST:PORT/NAME`, READINGROOM_DATABASE by default) for the
    room's databases; "" is SQLite in the room's folder.
    """
    import_tables()
    server = database or os.environ.get(DATABASE_VARIABLE, "")
    root = root.absolute()
    if root.exists() and any(root.iterdir()):
        raise UsageError(f"{root}: there is something already; init never overwrites. Choose a new folder")
    root.parent.mkdir(parents=True, exist_ok=True)
    building = root.parent / f".{root.name}.{new_id('new')}"
    building.mkdir(mode=0o700)
    try:
        first = _first_settings(root, simulation=simulation, vendor=vendor, name=name)
        with on_server(first, server, building) as placed:
            settings = _build(building, placed)
            if root.exists():
                root.rmdir()
            building.rename(root)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return replace(settings, root=root)


def remove_simulation(root: Path, database: str = "") -> None:
    """Remove a simulation room, folder and databases; UsageError for a room of real people.

    `database` is the server, as for `init`.
    """
    settings = load(root.absolute())
    if not settings.simulation:
        raise UsageError(f"{root}: it is no simulation room; a real room ends by purge, not by removal")
    remove_databases(settings, database or os.environ.get(DATABASE_VARIABLE, ""))
    shutil.rmtree(root)


def open_house(root: Path, role: Role, *, places: Collection[PlaceName] | None = None) -> House:
    """Load the room at `root` as one process of `role`, holding `places` (all by default; fewer is safer).

    Raises BadSetting or a Fault when anything is missing or broken: nothing is repaired or created on the way.
    """
    import_tables()
    settings = load(root.absolute())
    keys = RoleKeys.load(settings.root / "roles", role)
    wanted = settings.places if places is None else {name: settings.places[name] for name in places}
    with ExitStack() as opened:  # what was opened is given back when the next fails
        db = load_database(settings, None, role)
        opened.callback(db.close)
        places_held = {}
        for name in wanted:
            places_held[name] = _open_place(settings, name, keys)
            opened.callback(places_held[name].db.close)
        clock, logs = _clock(settings), settings.root / "room" / "log"
        opened.pop_all()
    return House(settings=settings, role=role, keys=keys, clock=clock, db=db, logs=logs, places=places_held)


def plan_upgrade(root: Path, targets: Mapping[str, str]) -> tuple[Step, ...]:
    """What `upgrade` would do, database by database; nothing is changed.

    `targets` may give an older revision for "room" or "place" (SCHEMAS); a schema that it does not name goes to the
    newest, or stays if the other one goes back.
    """
    import_tables()
    settings = load(root.absolute())
    return tuple(_planned(settings, place, targets) for place in (None, *sorted(settings.places)))


def upgrade(root: Path, targets: Mapping[str, str]) -> tuple[Step, ...]:
    """Bring every database of the room to this software's version (or down, to `targets`); the steps taken.

    Each database moves in a transaction of its own: run again after a failure, it goes on where it stopped. The other
    processes of the room must be stopped; one that still runs holds a lock and the upgrade waits for it, then fails.
    """
    steps = plan_upgrade(root, targets)
    settings = load(root.absolute())
    if targets and any(step.versions for step in steps):
        _record_move(root, "room.downgraded", steps)  # afterwards this software cannot write there
    for place, step in zip((None, *sorted(settings.places)), steps, strict=True):
        if step.versions or not targets:
            move_database(settings, place, step)
    if not targets and any(step.versions for step in steps):
        _record_move(root, "room.upgraded", steps)
    return steps


@contextmanager
def only_one(house: House, duty: str) -> Iterator[None]:
    """Hold the room's lock for `duty`, so that two workers at once take turns (a dead holder's lock is free)."""
    path = house.settings.root / "room" / f"{duty}.lock"
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _first_settings(root: Path, *, simulation: bool, vendor: str, name: str) -> RoomSettings:
    places = (*GEOS.values(), SCHEMA_PLACE)
    return RoomSettings(
        root=root,
        room_id=RoomId(new_id("room")),
        name=name or root.name,
        vendor=vendor,
        simulation=simulation,
        database="",
        geos=GEOS,
        schema_place=SCHEMA_PLACE,
        places={place: PlaceSettings(name=place) for place in places},
        # seeded reviewers do months of work in a minute; people in a real room have the stricter default
        limits=Limits(view_budget=50_000) if simulation else Limits(),
        identity_provider={},
    )


def _build(root: Path, settings: RoomSettings) -> RoomSettings:
    settings = replace(settings, root=root)
    (root / "room.toml").write_text(render(settings), encoding="utf-8")
    load(root)  # what init wrote must be what load accepts
    if settings.simulation:
        SimulatedClock.create(root / "clock.json", timedelta(0))
    (root / "room").mkdir(exist_ok=True)
    (root / "models").mkdir()
    RoleKeys.create_all(root / "roles")
    keys = RoleKeys.load(root / "roles", Role.WORKER)
    for place in settings.places:
        home = root / "places" / place
        (home / "logs").mkdir(parents=True, exist_ok=True)
        LocalStore.create(home / "objects")
        Keyring.create(home / "keyring", place)
        create_database(settings, place)
    create_database(settings, None)
    with closing(open_house(root, Role.WORKER)) as house:
        create_log(house.logs, house.log_origin(None, EVERY_TENANT), keys)
        with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
            facts = {"simulation": settings.simulation, "places": sorted(settings.places)}
            unit.append(Event("room.opened", actor=Role.WORKER, facts=facts))
    return settings


def _planned(settings: RoomSettings, place: PlaceName | None, targets: Mapping[str, str]) -> Step:
    schema = SCHEMAS[1 if place else 0]
    step = plan_database(settings, place, targets.get(schema, ""))
    if targets and schema not in targets:
        return Step(step.database, step.present, step.present, ())
    if targets and step.wanted > step.present:
        raise UsageError(f"{schema}:{step.wanted} is newer than what is there; leave out --down to go up")
    return step


def _record_move(root: Path, name: str, steps: tuple[Step, ...]) -> None:
    with closing(open_house(root, Role.WORKER)) as house, unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        facts = {step.database: f"{step.present} to {step.wanted}" for step in steps if step.versions}
        unit.append(Event(name, actor=Role.WORKER, facts=facts))


def _clock(settings: RoomSettings) -> Clock:
    if not settings.simulation:
        return SystemClock()
    return SimulatedClock(settings.root / "clock.json")


def _open_place(settings: RoomSettings, name: PlaceName, keys: RoleKeys) -> Place:
    home = settings.root / "places" / name
    store: ObjectStore = _open_store(settings, name)
    if settings.places[name].write_only:
        store = WriteOnlyStore(store)  # P25
    return Place(
        name=name,
        keyring=Keyring.load(home / "keyring", name, keys),
        store=store,
        db=load_database(settings, name, keys.role),
        logs=home / "logs",
    )


def _open_store(settings: RoomSettings, name: PlaceName) -> ObjectStore:
    url = settings.places[name].store
    if url:
        raise BadSetting(f"[places.{name}] store: only the local folder (empty) is supported by this version")
    return LocalStore.load(settings.root / "places" / name / "objects")


def simulated_clock(house: House) -> SimulatedClock:
    """The clock of a simulation room, which can be moved."""
    if not isinstance(house.clock, SimulatedClock):
        raise Fault("this room's clock is the wall clock")
    return house.clock
