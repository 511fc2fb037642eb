"""The mirror: the state of a tenant's engagement, kept in the database of every place that may hold its copies.

The room's database is the truth. A transaction that seals a copy cannot read another database within itself, so each
place keeps a row that it can (P02): `check_mirror_may_copy` inside the sealing transaction.

Rule 1: the mirror is written after the room's commit, under the place's write lock, from what the room says at that
        moment: two changes that cross cannot leave an older state behind.
Rule 2: a wider notice that waits for consent stands in the mirror too, so that the sealing transaction sees it (P01).
Rule 3: a mirror that a crash left behind is put right by `refresh` (the worker's duty). Until then whoever reads or
        copies also asks the room.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from readingroom.audit.unit import Event, unit_of_work
from readingroom.core.clock import format_instant
from readingroom.core.ids import PlaceName, TenantName
from readingroom.db.engines import EVERY_TENANT
from readingroom.engagement.pending import pending_notice
from readingroom.engagement.states import EVENTS, EngagementState, Step, check_may_copy
from readingroom.engagement.tables import ENGAGEMENTS, MIRROR, TENANTS
from readingroom.house import House, Place


@dataclass(frozen=True)
class Mirrored:
    """What a place knows of an engagement."""

    state: EngagementState
    step: Step
    since: datetime
    ends_at: datetime | None
    notice: int
    pending: int | None = None  # a wider notice that the customer has not accepted yet
    began_at: datetime | None = None  # the opt-in of this engagement


def mirror_state(connection: Connection, tenant: TenantName) -> Mirrored | None:
    """What this place's database says of `tenant`'s engagement, read in the caller's transaction; None: never begun."""
    row = connection.execute(select(MIRROR).where(MIRROR.c.tenant == tenant)).mappings().first()
    return None if row is None else _mirrored(row)


def check_mirror_may_copy(connection: Connection, tenant: TenantName, *, now: datetime) -> None:
    """WrongState unless the place's mirror says that a copy may be made at `now` (P02); for the sealing transaction."""
    found = mirror_state(connection, tenant)
    if found is None:
        check_may_copy(None, None, now)
    else:
        check_may_copy(found.state, found.ends_at, now, pending=found.pending)


def write_mirror(house: House, tenant: TenantName, *, actor: str) -> bool:
    """Bring every place's mirror of `tenant` in line with the room; whether any had to change. Idempotent."""
    changed = [_write(house, place, tenant, actor=actor) for place in _places(house, tenant)]
    return any(changed)


def refresh(house: House) -> list[TenantName]:
    """Put right every mirror that a crash left behind; the tenants that needed it. The worker's duty (rule 3)."""
    with house.db.read(EVERY_TENANT) as connection:
        tenants = connection.execute(select(ENGAGEMENTS.c.tenant)).scalars().all()
    return [TenantName(name) for name in tenants if write_mirror(house, TenantName(name), actor=house.role.value)]


def _places(house: House, tenant: TenantName) -> Iterator[Place]:
    with house.db.read(tenant) as connection:
        own = connection.execute(select(TENANTS.c.place).where(TENANTS.c.tenant == tenant)).scalar_one()
    for name in (PlaceName(own), house.settings.schema_place):
        if name in house.places:  # a process that does not hold one leaves it to a process that does
            yield house.place(name)


def _write(house: House, place: Place, tenant: TenantName, *, actor: str) -> bool:
    with unit_of_work(place.db, tenant, house.clock) as unit:
        known = mirror_state(unit.connection, tenant)
        with house.db.read(tenant) as room:  # inside the place's write lock (rule 1)
            row = room.execute(select(ENGAGEMENTS).where(ENGAGEMENTS.c.tenant == tenant)).mappings().first()
            if row is None:
                return False
            true = _mirrored(row)
            true = replace(true, pending=pending_notice(room, true.state, true.notice))
        if known == true:
            return False
        values: dict[str, Any] = {"state": true.state.value, "step": true.step.value, "since": true.since}
        values |= {"ends_at": true.ends_at, "notice": true.notice, "pending": true.pending, "began_at": true.began_at}
        if known is None:
            unit.connection.execute(insert(MIRROR).values(tenant=tenant, **values))
        else:
            unit.connection.execute(update(MIRROR).where(MIRROR.c.tenant == tenant).values(**values))
        facts = {
            "state": true.state.value,
            "since": format_instant(true.since),
            "ends_at": format_instant(true.ends_at) if true.ends_at else None,
            "notice": true.notice,
        }
        facts |= {"pending": true.pending} if true.pending is not None else {}
        unit.append(Event(_event(known, true), actor=actor, tenant=tenant, facts=facts))
    return True


def _event(known: Mirrored | None, true: Mirrored) -> str:
    """What to call the change: the step that was taken, or what else has become known."""
    if known is None or replace(known, pending=true.pending, began_at=true.began_at) != true:
        return EVENTS[true.step]
    return "engagement.mirrored" if known.pending == true.pending else "engagement.notice_pending"


def _mirrored(row: RowMapping) -> Mirrored:
    return Mirrored(
        EngagementState(row["state"]),
        Step(row["step"]),
        row["since"],
        row["ends_at"],
        row["notice"],
        row.get("pending"),  # the room's own row has none: it is found from the notices
        row["began_at"],
    )
