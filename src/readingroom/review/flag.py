"""The privacy flag: "still personal data" withholds an item and its twins at the next read, for every purpose.

Rule 1: withheld first, judged afterwards: the privacy officer decides within 24 hours.
Rule 2: a confirmed flag stays withheld (the part is rewritten under a new key); a dismissed one gives the items back.
Rule 3: whoever raised a flag does not decide about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from readingroom.access.people import PersonRole, check_present, check_role, get_person
from readingroom.access.tables import VIEWS
from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.copies.records import get_item, place_of
from readingroom.copies.tables import ITEMS, Reason
from readingroom.copies.withheld import release_item, withhold_item
from readingroom.core.clock import format_instant
from readingroom.core.errors import Refusal, UnknownName
from readingroom.core.ids import CopyId, ItemId, PersonId, TenantName, new_id
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House, Place
from readingroom.review.flag_states import DECIDE_WITHIN, TELL_WITHIN, FlagState, FlagStep, next_state
from readingroom.review.tables import FLAGGED_ITEMS, FLAGS, LEASES
from readingroom.review.task_states import TaskStep
from readingroom.review.tasks import move_tasks, settle_task


@dataclass(frozen=True)
class Flag:
    """One privacy flag."""

    id: str
    tenant: TenantName
    copy: CopyId
    item: ItemId
    actor: str
    state: FlagState
    twins: int
    raised_at: datetime
    due_at: datetime
    decided_by: str | None
    decided_at: datetime | None

    def public(self) -> dict[str, Any]:
        """The flag as lists show it."""
        return {
            "id": self.id,
            "tenant": self.tenant,
            "copy": self.copy,
            "item": self.item,
            "actor": self.actor,
            "state": self.state.value,
            "twins": self.twins,
            "raised_at": format_instant(self.raised_at),
            "due_at": format_instant(self.due_at),
            "decided_at": None if self.decided_at is None else format_instant(self.decided_at),
        }


def raise_flag(house: House, person: PersonId, item: ItemId) -> Flag:
    """Withhold an item and its twins at once; Refusal if the item was not handed out to this person."""
    reviewer = get_person(house, person)
    check_present(reviewer)
    found = get_item(house, item)
    with unit_of_work(place_of(house, found.copy).db, found.tenant, house.clock) as unit:
        seen = select(VIEWS.c.id).where(VIEWS.c.item == item, VIEWS.c.actor == reviewer.actor)
        if unit.connection.execute(seen).first() is None and PersonRole.PRIVACY_OFFICER not in reviewer.roles:
            raise Refusal("only an item that was handed out to you can be flagged by you")
        return raise_in(unit, item, actor=reviewer.actor)


def raise_in(unit: Unit, item: ItemId, *, actor: str) -> Flag:
    """Raise a flag inside the caller's unit; an item that is flagged already keeps its first flag."""
    here = unit.connection.execute(select(ITEMS).where(ITEMS.c.id == item)).one_or_none()
    if here is None:
        raise UnknownName("no such item in this place")
    known = _open_flag(unit, item)
    if known is not None:
        unit.append(Event("flag.repeated", actor=actor, tenant=known.tenant, copy=known.copy, facts={"flag": known.id}))
        return known
    identity = new_id("flag")
    items = withhold_item(unit, item, reason=Reason.FLAGGED, request=identity)
    row = {"id": identity, "tenant": here.tenant, "copy": here.copy, "item": item, "actor": actor}
    row |= {"state": FlagState.OPEN.value, "twins": len(items) - 1}
    unit.connection.execute(insert(FLAGS).values(**row, raised_at=unit.at, due_at=unit.at + DECIDE_WITHIN))
    flagged = [{"flag": identity, "item": one, "tenant": here.tenant} for one in items]
    unit.connection.execute(insert(FLAGGED_ITEMS), flagged)
    move_tasks(unit, items, TaskStep.WITHHOLD)
    unit.connection.execute(delete(LEASES).where(LEASES.c.item.in_(items)))
    facts = {"flag": identity, "items": len(items), "due_at": format_instant(unit.at + DECIDE_WITHIN)}
    event = Event("flag.raised", actor=actor, tenant=here.tenant, copy=here.copy, facts=facts, sealed={"item": item})
    unit.append(event)
    return _read(unit, identity)


def decide_flag(house: House, flag: str, *, by: PersonId, confirm: bool) -> Flag:
    """Confirm a flag (its items stay withheld, the customer is told within 72 h) or dismiss it (they come back)."""
    officer = get_person(house, by)
    check_role(officer, PersonRole.PRIVACY_OFFICER)
    place, known = _find(house, flag)
    if known.actor == officer.actor:
        raise Refusal("whoever raised a flag does not decide about it")
    step = FlagStep.CONFIRM if confirm else FlagStep.DISMISS
    with unit_of_work(place.db, known.tenant, house.clock) as unit:
        state = next_state(_read(unit, flag).state, step)
        values = {"state": state.value, "decided_by": officer.actor, "decided_at": unit.at}
        still = (FLAGS.c.id == flag) & (FLAGS.c.state == FlagState.OPEN.value)
        if unit.connection.execute(update(FLAGS).where(still).values(**values)).rowcount != 1:
            raise Refusal("somebody else decided about this flag in the meantime")
        facts = {"flag": flag, "items": known.twins + 1}
        if state is FlagState.DISMISSED:
            _give_back(unit, flag)
        else:
            facts["tell_customer_by"] = format_instant(unit.at + TELL_WITHIN)
        name = f"flag.{state.value}"
        unit.append(Event(name, actor=officer.actor, tenant=known.tenant, copy=known.copy, facts=facts))
        return _read(unit, flag)


def list_flags(house: House, tenant: TenantName = EVERY_TENANT, *, state: FlagState | None = None) -> tuple[Flag, ...]:
    """The flags of one tenant or of all, the one that is due first first."""
    statement = select(FLAGS)
    if tenant != EVERY_TENANT:
        statement = statement.where(FLAGS.c.tenant == tenant)
    if state is not None:
        statement = statement.where(FLAGS.c.state == state.value)
    found: list[Flag] = []
    for place in house.places.values():
        with place.db.read(tenant) as connection:
            found += [_flag(row) for row in connection.execute(statement)]
    return tuple(sorted(found, key=lambda flag: (flag.due_at, flag.id)))


def deadlines(house: House) -> list[tuple[datetime, str]]:
    """The instants by which the privacy officer must have decided, earliest first."""
    return [(flag.due_at, f"flag {flag.id} is to be decided") for flag in list_flags(house, state=FlagState.OPEN)]


def _give_back(unit: Unit, flag: str) -> None:
    items = unit.connection.execute(select(FLAGGED_ITEMS.c.item).where(FLAGGED_ITEMS.c.flag == flag)).scalars().all()
    for item in items:
        release_item(unit, ItemId(item))
    left = select(ITEMS.c.id).where(ITEMS.c.id.in_(items), ITEMS.c.withheld == "")
    free = [ItemId(item) for item in unit.connection.execute(left).scalars()]
    for item in move_tasks(unit, free, TaskStep.RELEASE):
        settle_task(unit, item)


def _open_flag(unit: Unit, item: ItemId) -> Flag | None:
    mine = select(FLAGS).join(FLAGGED_ITEMS, FLAGGED_ITEMS.c.flag == FLAGS.c.id).where(FLAGGED_ITEMS.c.item == item)
    row = unit.connection.execute(mine.where(FLAGS.c.state != FlagState.DISMISSED.value).limit(1)).one_or_none()
    return None if row is None else _flag(row)


def _read(unit: Unit, flag: str) -> Flag:
    return _flag(unit.connection.execute(select(FLAGS).where(FLAGS.c.id == flag)).one())


def _find(house: House, flag: str) -> tuple[Place, Flag]:
    for place in house.places.values():
        with place.db.read(EVERY_TENANT) as connection:
            row = connection.execute(select(FLAGS).where(FLAGS.c.id == flag)).one_or_none()
        if row is not None:
            return place, _flag(row)
    raise UnknownName("no such flag in the places of this process")


def _flag(row: Row[Any]) -> Flag:
    values = row._asdict()
    return Flag(**{**values, "state": FlagState(values["state"])})
