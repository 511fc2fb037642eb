"""Grants: one person, one tenant, one category, one purpose, some hours, approved by somebody else (P20, P22, P23).

Rule 1: eligible is not active: a grant begins when another person approves it, and lasts hours, not days.
Rule 2: a request that nobody answers within 12 hours is over (an approver's silence is a no).
Rule 3: a revocation bites at the next read, and ends the person's sessions in the same transaction.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from readingroom.access.grant_states import ANSWER_WITHIN, EVENTS, GrantState, GrantStep, next_state, state_at
from readingroom.access.people import Person, PersonRole, actor_name, check_present, check_role, read_person
from readingroom.access.rules import CAP_WINDOW, Held, check_cap, check_request, people_with_access
from readingroom.access.sessions import end_sessions
from readingroom.access.tables import GRANTS, SUBPROCESSOR_LISTS
from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.core.category import Category
from readingroom.core.clock import format_instant
from readingroom.core.errors import Refusal, UnknownName
from readingroom.core.ids import GrantId, PersonId, TenantName, new_id
from readingroom.db.engines import EVERY_TENANT
from readingroom.engagement.optin import read_status
from readingroom.engagement.states import can_view
from readingroom.engagement.tenants import read_tenant
from readingroom.house import House


@dataclass(frozen=True)
class Grant:
    """One request for access and what became of it. `state` is as time has it when it was read."""

    id: GrantId
    tenant: TenantName
    category: Category
    purpose: str
    person: PersonId
    why: str
    hours: int
    state: GrantState
    requested_at: datetime
    answer_by: datetime
    decided_by: PersonId | None
    decided_at: datetime | None
    starts_at: datetime | None
    ends_at: datetime | None
    ended_at: datetime | None
    list_version: int | None

    def public(self) -> dict[str, Any]:
        """The grant as `access list --json` shows it."""
        instants = ("requested_at", "answer_by", "decided_at", "starts_at", "ends_at", "ended_at")
        shown = {name: _shown(getattr(self, name)) for name in instants}
        return {
            "id": self.id,
            "tenant": self.tenant,
            "category": self.category.value,
            "purpose": self.purpose,
            "person": self.person,
            "why": self.why,
            "hours": self.hours,
            "state": self.state.value,
            "decided_by": self.decided_by,
            "list_version": self.list_version,
            **shown,
        }


@dataclass(frozen=True)
class Wish:
    """What a person asks for."""

    tenant: TenantName
    category: Category
    purpose: str
    hours: int
    why: str  # P22: the business justification; stays in the room, out of the register


def request_access(house: House, person: PersonId, wish: Wish) -> Grant:
    """Ask for a grant; somebody else must approve it within 12 hours."""
    identity = GrantId(new_id("grant"))
    with unit_of_work(house.db, wish.tenant, house.clock) as unit:
        read_tenant(unit.connection, wish.tenant)
        asker = read_person(unit.connection, person)
        check_present(asker)
        engagement = read_status(unit.connection, wish.tenant)
        open_now = can_view(engagement.state, engagement.ends_at, unit.at)
        purposes = engagement.purposes if open_now else ()
        limits = house.settings.limits
        check_request(hours=wish.hours, why=wish.why, purpose=wish.purpose, purposes=purposes, limits=limits)
        row = {"id": identity, "tenant": wish.tenant, "category": wish.category.value, "purpose": wish.purpose}
        row |= {"person": person, "why": wish.why.strip(), "state": GrantState.REQUESTED.value}
        times = {"requested_at": unit.at, "answer_by": unit.at + ANSWER_WITHIN}
        unit.connection.execute(insert(GRANTS).values(**row, **times, hours=wish.hours))
        facts = {"grant": identity, "category": wish.category.value, "purpose": wish.purpose, "hours": wish.hours}
        sealed = {"why": hashlib.sha256(wish.why.strip().encode()).hexdigest()}  # P22: nobody rewrites it unseen
        unit.append(Event("access.requested", actor=asker.actor, tenant=wish.tenant, facts=facts, sealed=sealed))
        return _read(unit.connection, identity, now=unit.at)


def approve_grant(house: House, grant: GrantId, *, by: PersonId) -> Grant:
    """Approve a request; its hours begin now. Refusal if it is one's own, or one person too many (P20)."""
    with unit_of_work(house.db, _tenant_of(house, grant), house.clock) as unit:
        found = _read(unit.connection, grant, now=unit.at)
        approver = _check_decider(unit.connection, found, by)
        state = next_state(found.state, GrantStep.APPROVE)
        check_present(read_person(unit.connection, found.person))
        people = people_with_access(held_in(unit.connection, found.tenant, now=unit.at), unit.at)
        check_cap(people, also=found.person, cap=house.settings.limits.person_cap)
        latest = unit.connection.execute(select(func.max(SUBPROCESSOR_LISTS.c.version))).scalar()
        values = {"decided_by": by, "decided_at": unit.at, "list_version": latest or 0}  # P27
        values |= {"starts_at": unit.at, "ends_at": unit.at + timedelta(hours=found.hours)}
        _change(unit, found, state, **values)
        facts = _facts(unit.connection, found) | {"list_version": latest or 0, "people": len(people | {found.person})}
        facts["ends_at"] = format_instant(unit.at + timedelta(hours=found.hours))
        unit.append(Event(EVENTS[GrantStep.APPROVE], actor=approver.actor, tenant=found.tenant, facts=facts))
        return _read(unit.connection, grant, now=unit.at)


def deny_grant(house: House, grant: GrantId, *, by: PersonId) -> Grant:
    """Answer a request with no."""
    with unit_of_work(house.db, _tenant_of(house, grant), house.clock) as unit:
        found = _read(unit.connection, grant, now=unit.at)
        approver = _check_decider(unit.connection, found, by)
        state = next_state(found.state, GrantStep.DENY)
        _change(unit, found, state, decided_by=by, decided_at=unit.at, ended_at=unit.at)
        facts = _facts(unit.connection, found)
        unit.append(Event(EVENTS[GrantStep.DENY], actor=approver.actor, tenant=found.tenant, facts=facts))
        return _read(unit.connection, grant, now=unit.at)


def revoke_grant(house: House, grant: GrantId, *, by: PersonId | None = None, reason: str = "revoked") -> Grant:
    """Take a grant away; the next read is denied and the person's sessions are over."""
    with unit_of_work(house.db, _tenant_of(house, grant), house.clock) as unit:
        found = _read(unit.connection, grant, now=unit.at)
        if by is not None and by != found.person:
            roles = (PersonRole.APPROVER, PersonRole.PRIVACY_OFFICER, PersonRole.ADMINISTRATOR)
            check_role(read_person(unit.connection, by), *roles)
        revoke_in(unit, found, actor=actor_name(unit.connection, by, house), reason=reason)
        return _read(unit.connection, grant, now=unit.at)


def revoke_in(unit: Unit, grant: Grant, *, actor: str, reason: str) -> None:
    """Take a grant away inside the caller's unit, with the person's sessions."""
    _change(unit, grant, next_state(grant.state, GrantStep.REVOKE), ended_at=unit.at)
    facts = _facts(unit.connection, grant) | {"reason": reason}
    unit.append(Event(EVENTS[GrantStep.REVOKE], actor=actor, tenant=grant.tenant, facts=facts))
    end_sessions(unit, person=grant.person, actor=actor)


def expire_due(house: House) -> int:
    """Write down what time has ended: unanswered requests and grants past their hours. The worker's duty."""
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        open_states = [GrantState.REQUESTED.value, GrantState.APPROVED.value]
        rows = unit.connection.execute(select(GRANTS).where(GRANTS.c.state.in_(open_states))).all()
        due = [grant for grant in (_grant(row, None) for row in rows) if _at(grant, unit.at) is GrantState.EXPIRED]
        for grant in due:
            ended = grant.answer_by if grant.state is GrantState.REQUESTED else grant.ends_at
            _change(unit, grant, next_state(grant.state, GrantStep.EXPIRE), ended_at=ended)
            event = Event(EVENTS[GrantStep.EXPIRE], actor="worker", tenant=grant.tenant, facts={"grant": grant.id})
            unit.append(event)
        return len(due)


def deadlines(house: House) -> list[tuple[datetime, str]]:
    """The instants at which a grant or a request ends by itself, earliest first."""
    found = []
    for grant in list_grants(house):
        if grant.state is GrantState.REQUESTED:
            found.append((grant.answer_by, f"request {grant.id} lapses unanswered"))
        elif grant.state is GrantState.APPROVED and grant.ends_at is not None:
            found.append((grant.ends_at, f"grant {grant.id} ends"))
    return sorted(found)


def get_grant(house: House, grant: GrantId) -> Grant:
    """The grant of that id; UnknownName otherwise."""
    with house.db.read(EVERY_TENANT) as connection:
        return _read(connection, grant, now=house.clock.now())


def list_grants(
    house: House, tenant: TenantName = EVERY_TENANT, *, person: PersonId | None = None
) -> tuple[Grant, ...]:
    """The grants and requests of one tenant or of all, of one person or of all, oldest first."""
    with house.db.read(tenant) as connection:
        return grants_in(connection, tenant, person=person, now=house.clock.now())


def active_grants(house: House, person: PersonId) -> tuple[Grant, ...]:
    """The grants that a person could use now, the one that ends last first."""
    mine = [grant for grant in list_grants(house, person=person) if grant.state is GrantState.APPROVED]
    return tuple(sorted(mine, key=lambda grant: (grant.ends_at or grant.requested_at, grant.id), reverse=True))


def grants_in(
    connection: Connection, tenant: TenantName, *, person: PersonId | None = None, now: datetime
) -> tuple[Grant, ...]:
    """The grants as this transaction sees them."""
    statement = select(GRANTS).order_by(GRANTS.c.requested_at, GRANTS.c.id)
    if tenant != EVERY_TENANT:
        statement = statement.where(GRANTS.c.tenant == tenant)
    if person is not None:
        statement = statement.where(GRANTS.c.person == person)
    return tuple(_grant(row, now) for row in connection.execute(statement))


def recent_grants(connection: Connection, tenant: TenantName, *, now: datetime) -> tuple[Grant, ...]:
    """The grants of a tenant that were active at some moment of the cap's window; what the gate needs."""
    begun = GRANTS.c.starts_at.is_not(None) & (GRANTS.c.ends_at > now - CAP_WINDOW)
    statement = select(GRANTS).where(GRANTS.c.tenant == tenant, begun)
    return tuple(_grant(row, now) for row in connection.execute(statement))


def held(grants: tuple[Grant, ...]) -> tuple[Held, ...]:
    """From when to when each of these grants was active."""
    return tuple(
        Held(grant.person, grant.starts_at, grant.ends_at, grant.ended_at)
        for grant in grants
        if grant.starts_at is not None and grant.ends_at is not None
    )


def held_in(connection: Connection, tenant: TenantName, *, now: datetime) -> tuple[Held, ...]:
    """Who held an active grant for a tenant in the cap's window, as this transaction sees it."""
    return held(recent_grants(connection, tenant, now=now))


def _check_decider(connection: Connection, grant: Grant, by: PersonId) -> Person:
    if by == grant.person:
        raise Refusal("nobody decides about their own request (P28)")
    approver = read_person(connection, by)
    check_role(approver, PersonRole.APPROVER)
    return approver


def _change(unit: Unit, grant: Grant, state: GrantState, **values: Any) -> None:
    # the state is checked again where it is written: on PostgreSQL two deciders may have read the same request
    stored = [GrantState.REQUESTED.value] if grant.decided_at is None else [GrantState.APPROVED.value]
    mine = (GRANTS.c.id == grant.id) & GRANTS.c.state.in_(stored)
    changed = unit.connection.execute(update(GRANTS).where(mine).values(state=state.value, **values)).rowcount
    if changed != 1:
        raise Refusal("somebody else decided about this grant in the meantime")


def _tenant_of(house: House, grant: GrantId) -> TenantName:
    return get_grant(house, grant).tenant


def _facts(connection: Connection, grant: Grant) -> dict[str, Any]:
    person = read_person(connection, grant.person).actor
    return {"grant": grant.id, "person": person, "category": grant.category.value, "purpose": grant.purpose}


def _read(connection: Connection, grant: GrantId, *, now: datetime) -> Grant:
    row = connection.execute(select(GRANTS).where(GRANTS.c.id == grant)).one_or_none()
    if row is None:
        raise UnknownName("no such grant; see `readingroom access list`")
    return _grant(row, now)


def _grant(row: Row[Any], now: datetime | None) -> Grant:
    values = row._asdict()
    state = GrantState(values["state"])
    if now is not None:
        state = state_at(state, answer_by=values["answer_by"], ends_at=values["ends_at"], now=now)
    return Grant(**{**values, "category": Category(values["category"]), "state": state})


def _at(grant: Grant, now: datetime) -> GrantState:
    return state_at(grant.state, answer_by=grant.answer_by, ends_at=grant.ends_at, now=now)


def _shown(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)
