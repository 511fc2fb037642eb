"""Reads how everything stands, afresh for every request: the databases on one side, frozen standings on the other.

Rule 1: nothing is remembered between two requests, so that a revocation bites at the next one.
Rule 2: what is missing stays missing; the rule denies it (house rule 2).
Rule 3: the room is read inside the place's transaction, after it has the write lock: what the decision rests on is not
older than the lock.
Rule 4: a clock that is behind what the register says has happened decides nothing: what had expired would live again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Table, func, select

from readingroom.access.facts import Fact, FactKind, facts_in
from readingroom.access.grant_states import GrantState
from readingroom.access.grants import Grant, held, recent_grants
from readingroom.access.objections import objected_in
from readingroom.access.people import Person, read_person
from readingroom.access.rules import BUDGET_WINDOW, people_with_access
from readingroom.access.standing import (
    Action,
    Ask,
    CopyStanding,
    GrantStanding,
    Numbers,
    PersonStanding,
    TenantStanding,
    Vouched,
    WorkstationStanding,
)
from readingroom.access.subprocessors import listed_since, lists_in
from readingroom.access.tables import VIEWS, WORKSTATIONS
from readingroom.audit.tables import PLACE_EVENTS, ROOM_EVENTS
from readingroom.copies.records import Copy
from readingroom.copies.tables import ITEMS, WITHHELD
from readingroom.core.category import Category
from readingroom.core.errors import AccessDenied
from readingroom.core.ids import ItemId, PersonId, TenantName, WorkstationId
from readingroom.engagement.mirror import mirror_state
from readingroom.engagement.optin import Engagement, read_status
from readingroom.engagement.states import can_view
from readingroom.house import House

CLOCK_SLACK: Final = timedelta(minutes=1)  # a time service may put a clock right by seconds
_LATEST: Final = 256  # events that are looked back at; what is denied for the clock's sake adds none


@dataclass(frozen=True)
class Visit:
    """Who asks, from where, what for. Without a person it is a process of the house, by its role."""

    purpose: str
    action: Action
    person: PersonId | None = None
    workstation: WorkstationId | None = None
    request: str = ""  # of a data subject's request: its id


@dataclass(frozen=True)
class Dossier:
    """All that a decision about one visit to one tenant can need; the copy comes last (`ask_about`)."""

    visit: Visit
    now: datetime
    process: str
    person: PersonStanding | None
    workstation: WorkstationStanding | None
    tenant: TenantStanding
    grants: tuple[GrantStanding, ...]  # of this person, for this tenant and purpose; the best first
    numbers: Numbers

    def ask_about(self, copy: CopyStanding, *, views: int) -> Ask:
        """The question whether this visit may have `copy` (and its item), with `views` so far in the budget."""
        return Ask(
            action=self.visit.action,
            purpose=self.visit.purpose,
            now=self.now,
            process=self.process,
            person=self.person,
            grant=next((grant for grant in self.grants if grant.category is copy.category), None),
            workstation=self.workstation,
            tenant=self.tenant,
            copy=copy,
            numbers=replace(self.numbers, views=views),
        )


def read_dossier(house: House, visit: Visit, tenant: TenantName, *, place: Connection, now: datetime) -> Dossier:
    """How everything about `visit` stands at `now`: from the room, and from the open transaction of the place.

    AccessDenied, without an event, where the clock went back.
    """
    _check_clock(place, PLACE_EVENTS, now)
    limits = house.settings.limits
    with house.db.read(tenant) as room:
        _check_clock(room, ROOM_EVENTS, now)
        engagement = read_status(room, tenant)
        standing = _tenant(engagement, place, now=now)
        numbers = Numbers(0, limits.person_cap, 0, limits.view_budget, timedelta(days=limits.subprocessor_notice_days))
        if visit.person is None:
            return Dossier(visit, now, house.role.value, None, None, standing, (), numbers)
        person = read_person(room, visit.person)
        recent = recent_grants(room, tenant, now=now)
        ours = [one for one in recent if engagement.began_at is not None and one.requested_at >= engagement.began_at]
        people = len(people_with_access(held(recent), now))
        return Dossier(
            visit=visit,
            now=now,
            process=house.role.value,
            person=_person(room, person, vendor=house.settings.vendor, barred=objected_in(room, tenant)),
            workstation=_workstation(room, visit.workstation),
            tenant=standing,
            grants=_grants(room, ours, visit),  # a grant of an engagement that ended does not live on in the next (P02)
            numbers=replace(numbers, people=people),
        )


def copy_standing(copy: Copy, item: ItemId | None = None, *, withheld: str = "") -> CopyStanding:
    """The copy, and the item of it that is asked for."""
    return CopyStanding(
        id=copy.id,
        tenant=copy.tenant,
        category=copy.category,
        state=copy.state.value if copy.purge_started_at is None else "purging",
        expires=copy.expires_at,
        item=item,
        withheld=withheld,
    )


def withheld_reasons(connection: Connection, items: Sequence[ItemId]) -> dict[ItemId, str]:
    """Why each item may not be shown, or ""; as `copies.withheld.withheld_reason` has it, for many at once."""
    rows = connection.execute(select(ITEMS.c.id, ITEMS.c.withheld).where(ITEMS.c.id.in_(items))).all()
    listed = select(WITHHELD.c.item, WITHHELD.c.reason).where(
        WITHHELD.c.item.in_(items), WITHHELD.c.lifted_at.is_(None)
    )
    reasons = {ItemId(row.item): str(row.reason) for row in connection.execute(listed)}
    known = {ItemId(row.id): str(row.withheld) for row in rows}
    return {item: known.get(item, "unknown") or reasons.get(item, "") for item in items}


def count_views(connection: Connection, tenant: TenantName, *, actor: str, now: datetime) -> int:
    """How many different items somebody has looked at in the budget's window (P22)."""
    recent = (VIEWS.c.tenant == tenant) & (VIEWS.c.actor == actor) & (VIEWS.c.at > now - BUDGET_WINDOW)
    statement = select(func.count(VIEWS.c.item.distinct())).where(recent, VIEWS.c.action == Action.VIEW.value)
    return int(connection.execute(statement).scalar() or 0)


def _check_clock(connection: Connection, events: Table, now: datetime) -> None:
    """Refuse while the clock is behind the register (rule 4)."""
    latest = select(events.c.at).order_by(events.c.number.desc()).limit(_LATEST).subquery()
    newest = connection.scalar(select(func.max(latest.c.at)))
    if newest is not None and newest > now + CLOCK_SLACK:
        reason = "the clock is behind what the register says has happened"
        raise AccessDenied(f"access denied: {reason}", reasons=(reason,))


def _tenant(engagement: Engagement, place: Connection, *, now: datetime) -> TenantStanding:
    mirror = mirror_state(
        place, engagement.tenant
    )  # both must say so: a crash between the two must not leave a door open
    here = mirror is not None and can_view(mirror.state, mirror.ends_at, now)
    return TenantStanding(
        name=engagement.tenant,
        in_force=here and can_view(engagement.state, engagement.ends_at, now),
        purposes=frozenset(engagement.purposes),
    )


def _person(room: Connection, person: Person, *, vendor: str, barred: frozenset[str]) -> PersonStanding:
    own = person.employer == vendor
    known = own or person.employer in barred  # a customer's objection acts as if the employer stood on no list (P27)
    return PersonStanding(
        id=person.id,
        actor=person.actor,
        employer=person.employer,
        country=person.country,
        present=person.left_at is None,
        roles=frozenset(role.value for role in person.roles),
        vendor=own,
        listed_since=None if known else listed_since(lists_in(room), person.employer),
        facts=_facts(facts_in(room, person.id)),
    )


def _facts(facts: tuple[Fact, ...]) -> tuple[tuple[FactKind, Vouched], ...]:
    """Of each kind the confirmed fact that lasts longest, else an unconfirmed one, so that the rule can say so."""
    best: dict[FactKind, Fact] = {}
    for fact in facts:
        known = best.get(fact.kind)
        if fact.withdrawn_at is None and (known is None or _rank(fact) > _rank(known)):
            best[fact.kind] = fact
    return tuple((kind, Vouched(f.until, f.asserted_by, f.confirmed_by)) for kind, f in sorted(best.items()))


def _rank(fact: Fact) -> tuple[bool, datetime]:
    return fact.confirmed_by is not None, fact.until


def _workstation(room: Connection, workstation: WorkstationId | None) -> WorkstationStanding | None:
    if not workstation:
        return None
    row = room.execute(select(WORKSTATIONS).where(WORKSTATIONS.c.id == workstation)).one_or_none()
    if row is None:
        return None
    return WorkstationStanding(
        id=workstation, owner=PersonId(row.person), compliant=row.compliant, retired=row.retired_at is not None
    )


def _grants(room: Connection, recent: Sequence[Grant], visit: Visit) -> tuple[GrantStanding, ...]:
    mine = [grant for grant in recent if grant.person == visit.person and grant.purpose == visit.purpose]
    mine.sort(key=lambda grant: (grant.state is GrantState.APPROVED, grant.ends_at or grant.requested_at), reverse=True)
    best: dict[Category, Grant] = {}
    for grant in mine:
        best.setdefault(grant.category, grant)
    return tuple(_grant(room, grant) for grant in best.values())


def _grant(room: Connection, grant: Grant) -> GrantStanding:
    if grant.decided_by is None or grant.starts_at is None or grant.ends_at is None:
        raise ValueError("a grant that began was decided")  # recent_grants selects no other
    return GrantStanding(
        id=grant.id,
        person=grant.person,
        tenant=grant.tenant,
        category=grant.category,
        purpose=grant.purpose,
        state=grant.state.value,
        approver=grant.decided_by,
        approver_actor=read_person(room, grant.decided_by).actor,
        why=grant.why,
        starts=grant.starts_at,
        ends=grant.ends_at,
        list_version=grant.list_version or 0,
    )
