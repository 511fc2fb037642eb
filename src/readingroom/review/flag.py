"""The privacy flag: "still personal data" withholds an item and its twins at the next read, for every purpose.

Rule 1: withheld first, judged afterwards: the privacy officer decides within 24 hours.
Rule 2: what a confirmed flag withholds is rewritten out of its parts by the role `subjects` (`subjects.flagged`); a
dismissed one gives the items back, the twins too.
Rule 3: whoever raised a flag does not decide about it, and who does may look at it first, through the gate; the event
says whether they did.
Rule 4: what the officer names as personal is sealed to the role `subjects` at once; this process cannot open it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, delete, insert, select, update

from readingroom.access.judging import Judged, judge_item
from readingroom.access.people import PersonRole, check_present, check_role, get_person
from readingroom.access.tables import VIEWS
from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.copies.records import get_item, place_of
from readingroom.copies.tables import ITEMS, Reason
from readingroom.copies.withheld import release_item, withhold_item
from readingroom.core.clock import format_instant
from readingroom.core.errors import Refusal, UnknownName, UsageError, WrongState
from readingroom.core.ids import CopyId, ItemId, PersonId, TenantName, WorkstationId, new_id
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House, Place
from readingroom.keys.roles import Role
from readingroom.review.flag_states import DECIDE_WITHIN, TELL_WITHIN, FlagState, FlagStep, next_state
from readingroom.review.tables import FLAGGED_ITEMS, FLAGS, LEASES
from readingroom.review.task_states import TaskStep
from readingroom.review.tasks import move_tasks, settle_task

VALUES_LIMIT: Final = 2000  # characters in which the officer names what is personal


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
    tell_by: datetime | None
    removed_at: datetime | None

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
            **{name: None if at is None else format_instant(at) for name, at in self._instants().items()},
        }

    def _instants(self) -> dict[str, datetime | None]:
        return {"decided_at": self.decided_at, "tell_by": self.tell_by, "removed_at": self.removed_at}


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


def look_at_flag(house: House, flag: str, *, by: PersonId, workstation: WorkstationId | None) -> Judged:
    """The flagged item for the officer who is to decide, through the gate; AccessDenied with the reasons."""
    _, known = _find(house, flag)
    officer = get_person(house, by)
    if known.state is not FlagState.OPEN:
        raise WrongState(f"this flag is {known.state}")
    if known.actor == officer.actor:
        raise Refusal("whoever raised a flag does not decide about it")
    return judge_item(house, by, workstation=workstation, item=known.item)


def decide_flag(house: House, flag: str, *, by: PersonId, confirm: bool, values: str = "") -> Flag:
    """Confirm a flag (its items stay withheld, the customer is told within 72 h) or dismiss it (they come back).

    `values` says what is personal in it, one identifier a line: later copies know it (role `subjects`).
    """
    officer = get_person(house, by)
    check_role(officer, PersonRole.PRIVACY_OFFICER)
    place, known = _find(house, flag)
    if known.actor == officer.actor:
        raise Refusal("whoever raised a flag does not decide about it")
    step = FlagStep.CONFIRM if confirm else FlagStep.DISMISS
    with unit_of_work(place.db, known.tenant, house.clock) as unit:
        state = next_state(_read(unit, flag).state, step)
        changes: dict[str, Any] = {"state": state.value, "decided_by": officer.actor, "decided_at": unit.at}
        if state is FlagState.CONFIRMED:
            changes |= {"tell_by": unit.at + TELL_WITHIN, "box": _sealed(house, known, values)}
        still = (FLAGS.c.id == flag) & (FLAGS.c.state == FlagState.OPEN.value)
        if unit.connection.execute(update(FLAGS).where(still).values(**changes)).rowcount != 1:
            raise Refusal("somebody else decided about this flag in the meantime")
        looked = (VIEWS.c.item == known.item) & (VIEWS.c.actor == officer.actor)
        seen = unit.connection.execute(select(VIEWS.c.id).where(looked)).first() is not None
        facts: dict[str, Any] = {"flag": flag, "items": known.twins + 1, "looked": seen}
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
    """By when the privacy officer must have decided, and by when the customer is told of what was confirmed."""
    found = [(flag.due_at, f"flag {flag.id} is to be decided") for flag in list_flags(house, state=FlagState.OPEN)]
    told = list_flags(house, state=FlagState.CONFIRMED)
    found += [(flag.tell_by, f"the customer is to be told of flag {flag.id}") for flag in told if flag.tell_by]
    return sorted(found)


def box_context(flag: str, tenant: TenantName) -> dict[str, str]:
    """What the sealed values of a flag are bound to."""
    return {"what": "flagged values", "tenant": tenant, "id": flag}


def _sealed(house: House, flag: Flag, values: str) -> str:
    if len(values) > VALUES_LIMIT:
        raise UsageError(f"what is personal is named in at most {VALUES_LIMIT} characters")
    if not values.strip():
        return ""
    return json.dumps(house.keys.wrap_to(Role.SUBJECTS, values.encode(), box_context(flag.id, flag.tenant)))


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
    values = {name: value for name, value in row._asdict().items() if name != "box"}
    return Flag(**{**values, "state": FlagState(values["state"])})
