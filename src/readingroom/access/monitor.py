"""Access levels are watched, and what is unused or no longer justified is taken away (P29). The worker's duty.

Rule 1: a grant that nobody has used four hours after its approval is revoked: it was not needed.
Rule 2: a grant of somebody whose eligibility lapsed is revoked; the gate denied them already.
Rule 3: an alert names a pseudonym and a kind, once a day for the same thing, until somebody has seen it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import func, insert, select, update

from readingroom.access.facts import Fact, FactKind, list_facts
from readingroom.access.grant_states import GrantState
from readingroom.access.grants import Grant, get_grant, list_grants, revoke_in
from readingroom.access.people import Person, get_person, list_people, read_person
from readingroom.access.subprocessors import SubprocessorList, list_versions, listed_since
from readingroom.access.tables import ALERTS, VIEWS
from readingroom.audit.tables import PLACE_EVENTS
from readingroom.audit.unit import Event, unit_of_work
from readingroom.core.clock import format_instant
from readingroom.core.errors import UnknownName
from readingroom.core.ids import GrantId, PersonId, new_id
from readingroom.core.settings import Limits
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House

UNUSED_AFTER: Final = timedelta(hours=4)
ENDING_WITHIN: Final = timedelta(days=14)
ALERT_AGAIN: Final = timedelta(hours=24)
DENIALS_A_DAY: Final = 20


class AlertKind(StrEnum):
    """What somebody should look at."""

    UNUSED = "unused grant revoked"
    LAPSED = "eligibility lapsed"
    ENDING = "eligibility ends soon"
    DENIALS = "many denials"


@dataclass(frozen=True)
class Alert:
    """One thing to look at."""

    id: str
    kind: AlertKind
    person: PersonId
    grant: str
    raised_at: datetime
    seen_by: PersonId | None
    seen_at: datetime | None

    def public(self) -> dict[str, Any]:
        """The alert as lists show it."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "person": self.person,
            "grant": self.grant,
            "raised_at": format_instant(self.raised_at),
            "seen": self.seen_at is not None,
        }


@dataclass(frozen=True)
class Standing:
    """One line of the access review: who could do what, and whether they did."""

    person: Person
    missing: tuple[str, ...]  # what they lack to be eligible
    ends: datetime | None  # when the first of their facts ends
    active: int  # grants now
    views: int  # items looked at in 30 days
    last_view: datetime | None

    def public(self) -> dict[str, Any]:
        """The line as `access review --json` shows it."""
        return {
            "person": self.person.public(),
            "missing": list(self.missing),
            "ends": None if self.ends is None else format_instant(self.ends),
            "active_grants": self.active,
            "views_30_days": self.views,
            "last_view": None if self.last_view is None else format_instant(self.last_view),
        }


def missing_for(
    person: Person,
    facts: Sequence[Fact],
    lists: Sequence[SubprocessorList],
    *,
    vendor: str,
    limits: Limits,
    now: datetime,
) -> tuple[str, ...]:
    """What a person lacks to be eligible at `now`: pure, and the same conditions as the policies of the person."""
    have = {fact.kind for fact in facts if fact.person == person.id and fact.is_current(now)}
    missing = [kind.value for kind in FactKind if kind not in have]
    since = listed_since(lists, person.employer)
    listed = since is not None and now - since >= timedelta(days=limits.subprocessor_notice_days)
    if person.employer != vendor and not listed:
        missing.append("employer")
    if person.left_at is not None:
        missing.append("left")
    return tuple(missing)


def monitor(house: House) -> list[Alert]:
    """Take away what is unused or lapsed, and raise alerts; what was raised now."""
    now, raised = house.clock.now(), []
    standings = {one.person.id: one for one in access_review(house)}
    for grant in list_grants(house):
        if grant.state is not GrantState.APPROVED or grant.starts_at is None:
            continue
        if grant.person not in standings or standings[grant.person].missing:
            raised += _revoke(house, grant, AlertKind.LAPSED)
        elif now - grant.starts_at >= UNUSED_AFTER and not _was_used(house, grant):
            raised += _revoke(house, grant, AlertKind.UNUSED)
    for one in standings.values():
        if one.ends is not None and now < one.ends <= now + ENDING_WITHIN:
            raised += _raise(house, AlertKind.ENDING, one.person.id)
        if _denials(house, one.person.actor, now) >= DENIALS_A_DAY:
            raised += _raise(house, AlertKind.DENIALS, one.person.id)
    return raised


def access_review(house: House) -> tuple[Standing, ...]:
    """Everybody who has not left, what they could do and what they did: for the periodic access review."""
    now, facts, lists = house.clock.now(), list_facts(house), list_versions(house)
    grants = [grant for grant in list_grants(house) if grant.state is GrantState.APPROVED]
    found = []
    for person in list_people(house):
        current = [fact.until for fact in facts if fact.person == person.id and fact.is_current(now)]
        views, last = _views(house, person.actor, since=now - timedelta(days=30))
        active = sum(grant.person == person.id for grant in grants)
        if person.left_at is not None and not active:
            continue
        missing = missing_for(person, facts, lists, vendor=house.settings.vendor, limits=house.settings.limits, now=now)
        found.append(Standing(person, missing, min(current, default=None), active, views, last))
    return tuple(found)


def list_alerts(house: House, *, unseen: bool = True) -> tuple[Alert, ...]:
    """The alerts that nobody has seen yet, or all, newest first."""
    statement = select(ALERTS).order_by(ALERTS.c.raised_at.desc(), ALERTS.c.id)
    if unseen:
        statement = statement.where(ALERTS.c.seen_at.is_(None))
    with house.db.read(EVERY_TENANT) as connection:
        rows = connection.execute(statement).mappings().all()
    return tuple(Alert(**{**row, "kind": AlertKind(row["kind"])}) for row in rows)


def see_alert(house: House, alert: str, *, by: PersonId) -> None:
    """Note that somebody has looked at an alert."""
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        actor = read_person(unit.connection, by).actor
        mine = (ALERTS.c.id == alert) & ALERTS.c.seen_at.is_(None)
        if unit.connection.execute(update(ALERTS).where(mine).values(seen_by=by, seen_at=unit.at)).rowcount != 1:
            raise UnknownName("no such alert, or somebody has seen it")
        unit.append(Event("alert.seen", actor=actor, facts={"alert": alert}))


def _revoke(house: House, grant: Grant, kind: AlertKind) -> list[Alert]:
    with unit_of_work(house.db, grant.tenant, house.clock) as unit:
        revoke_in(unit, get_grant(house, grant.id), actor=house.role.value, reason=kind.value)
    return _raise(house, kind, grant.person, grant=grant.id)


def _raise(house: House, kind: AlertKind, person: PersonId, *, grant: GrantId | None = None) -> list[Alert]:
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        same = (ALERTS.c.kind == kind.value) & (ALERTS.c.person == person) & (ALERTS.c.grant == (grant or ""))
        again = ALERTS.c.raised_at > unit.at - ALERT_AGAIN
        if unit.connection.execute(select(ALERTS.c.id).where(same, again)).first():
            return []
        alert = Alert(new_id("alert"), kind, person, grant or "", unit.at, None, None)
        row = {"id": alert.id, "kind": kind.value, "person": person, "grant": alert.grant, "raised_at": unit.at}
        unit.connection.execute(insert(ALERTS).values(**row))
        facts = {"alert": alert.id, "kind": kind.value, "person": get_person(house, person).actor}
        unit.append(Event("alert.raised", actor=house.role.value, facts=facts))
        return [alert]


def _was_used(house: House, grant: Grant) -> bool:
    statement = select(VIEWS.c.id).where(VIEWS.c.tenant == grant.tenant, VIEWS.c.grant == grant.id).limit(1)
    for place in house.places.values():
        with place.db.read(grant.tenant) as connection:
            if connection.execute(statement).first():
                return True
    return False


def _views(house: House, actor: str, *, since: datetime) -> tuple[int, datetime | None]:
    mine = (VIEWS.c.actor == actor) & (VIEWS.c.at > since)
    count, last = 0, None
    for place in house.places.values():
        with place.db.read(EVERY_TENANT) as connection:
            row = connection.execute(select(func.count(), func.max(VIEWS.c.at)).where(mine)).one()
        count += row[0]
        last = max((at for at in (last, row[1]) if at is not None), default=None)
    return count, last


def _denials(house: House, actor: str, now: datetime) -> int:
    recent = (PLACE_EVENTS.c.name == "access.denied") & (PLACE_EVENTS.c.at > now - timedelta(days=1))
    needle = f'"actor":"{actor}"'.encode()
    count = 0
    for place in house.places.values():
        with place.db.read(EVERY_TENANT) as connection:
            leaves = connection.execute(select(PLACE_EVENTS.c.leaf).where(recent)).scalars()
            count += sum(needle in leaf for leaf in leaves)
    return count
