"""Which logs there are: one for the room, one for each tenant in each place (P17, P18), and where each lies.

Events of a place that concern no tenant (name "") go to a log of the place itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import Table, select

from readingroom.audit.checkpoint import verifier_key
from readingroom.audit.tables import PLACE_EVENTS, ROOM_EVENTS
from readingroom.audit.tiles import CHECKPOINT, read_bytes
from readingroom.core.clock import Clock
from readingroom.core.errors import LogFault
from readingroom.core.ids import PlaceName, TenantName
from readingroom.db.engines import EVERY_TENANT, Database
from readingroom.db.schema import ROOM
from readingroom.keys.roles import Role, RoleKeys

_PLACE_ITSELF = "_place"  # no tenant can be called so


class LogPlace(Protocol):
    """What a log needs of a place (house.Place has it)."""

    @property
    def db(self) -> Database:
        """The place's database."""
        ...

    @property
    def logs(self) -> Path:
        """The folder of its logs."""
        ...


class LogHouse(Protocol):
    """What the logs need of a process (house.House has it; this floor lies below)."""

    @property
    def db(self) -> Database:
        """The room's database."""
        ...

    @property
    def logs(self) -> Path:
        """The folder of the room's own log."""
        ...

    @property
    def places(self) -> Mapping[PlaceName, LogPlace]:
        """The places that this process holds."""
        ...

    @property
    def keys(self) -> RoleKeys:
        """The keys of this process."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock."""
        ...

    def log_origin(self, place: PlaceName | None, tenant: TenantName, /) -> str:
        """The origin line of a log."""
        ...


@dataclass(frozen=True)
class Log:
    """One log: whose events, in which folder, under which origin."""

    place: PlaceName | None  # None: the room's own
    tenant: TenantName  # EVERY_TENANT in the room's own
    db: Database
    directory: Path
    origin: str


def room_log(house: LogHouse) -> Log:
    """The room's own log: every event of the room's database."""
    return Log(None, EVERY_TENANT, house.db, house.logs, house.log_origin(None, EVERY_TENANT))


def tenant_log(house: LogHouse, place: PlaceName, *, tenant: TenantName) -> Log:
    """The log of one tenant in one place."""
    where = house.places[place]
    if not tenant:
        origin = f"{house.log_origin(None, EVERY_TENANT)}/{place}"
        return Log(place, tenant, where.db, where.logs / _PLACE_ITSELF, origin)
    return Log(place, tenant, where.db, where.logs / tenant, house.log_origin(place, tenant))


def every_log(house: LogHouse) -> Iterator[Log]:
    """The room's log, then those of each place held: every tenant with an event or with a folder there."""
    yield room_log(house)
    for name, place in sorted(house.places.items()):
        table = events_of(place.db)
        with place.db.read(EVERY_TENANT) as connection:
            tenants = set(connection.execute(select(table.c.tenant).distinct()).scalars())
        folders = {folder.name for folder in place.logs.glob("*") if folder.is_dir()}
        tenants |= {"" if folder == _PLACE_ITSELF else folder for folder in folders}
        for tenant in sorted(tenants):
            yield tenant_log(house, name, tenant=TenantName(tenant))


def events_of(db: Database) -> Table:
    """The event table of a database."""
    return ROOM_EVENTS if db.schema is ROOM else PLACE_EVENTS


def log_head(house: LogHouse, place: PlaceName, tenant: TenantName) -> tuple[str, str, str | None]:
    """(origin, verifier key, latest signed checkpoint or None) of a tenant's log; any role may ask."""
    log = tenant_log(house, place, tenant=tenant)
    note = read_bytes(log.directory, CHECKPOINT)
    try:
        text = note.decode("utf-8") if note is not None else None
    except UnicodeDecodeError:
        raise LogFault("the checkpoint is not a signed note") from None
    return log.origin, verifier_key(log.origin, house.keys.public(Role.WORKER)), text
