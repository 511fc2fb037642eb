"""A customer's objection to a subprocessor: none of its people sees anything of this customer's (P27).

Rule 1: an objection acts from its instant on, before the subprocessor's notice has run out or after; the gate reads
        it afresh at each request, and counts the employer as not listed for this tenant.
Rule 2: it stands until the customer takes it back; a new version of the list does not lift it.
Rule 3: the words that go with it are the customer's and stay in the room's table; the log has the fact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, insert, select, update

from readingroom.access.subprocessors import SubprocessorList, list_versions, listed_since, lists_in
from readingroom.access.tables import SUBPROCESSOR_OBJECTIONS
from readingroom.audit.unit import Event, unit_of_work
from readingroom.core.errors import UnknownName, UsageError, WrongState
from readingroom.core.ids import TenantName, new_id
from readingroom.engagement.contact import contact_id
from readingroom.engagement.tenants import get_tenant
from readingroom.house import House

LONGEST = 2000


@dataclass(frozen=True)
class Objection:
    """One objection, standing or taken back."""

    employer: str
    list_version: int
    why: str
    made_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True)
class Announced:
    """One subprocessor of the newest list, as a customer reads it."""

    name: str
    country: str
    service: str
    since: datetime  # on every list from here on
    effective_at: datetime  # nobody of its people before this instant
    objected: bool

    def is_effective(self, now: datetime) -> bool:
        """Whether its people may be admitted at `now`, if this customer lets them."""
        return self.effective_at <= now


def announced(lists: tuple[SubprocessorList, ...], objected: frozenset[str], notice_days: int) -> tuple[Announced, ...]:
    """The newest list with what became of each entry; pure."""
    if not lists:
        return ()
    found = []
    for entry in max(lists, key=lambda one: one.version).entries:
        since = listed_since(lists, entry.name)
        if since is not None:
            ready = since + timedelta(days=notice_days)
            about = (entry.name, entry.country, entry.service)
            found.append(Announced(*about, since, ready, objected=entry.name in objected))
    return tuple(found)


def subprocessors_for(house: House, tenant: str) -> tuple[Announced, ...]:
    """The subprocessors that `tenant` is told of: effective ones, and those still in their days of notice."""
    name = get_tenant(house, tenant).name
    with house.db.read(name) as connection:
        objected = objected_in(connection, name)
    return announced(list_versions(house), objected, house.settings.limits.subprocessor_notice_days)


def object_to(house: House, tenant: str, employer: str, *, by: str, why: str = "") -> None:
    """Object to a subprocessor on the newest list; UnknownName if it is not there, WrongState if it was done already.

    `by` is the administrator's address; it stays in `contacts`.
    """
    name, words = get_tenant(house, tenant).name, why.strip()
    if len(words) > LONGEST:
        raise UsageError(f"the reason of an objection has at most {LONGEST} characters")
    with unit_of_work(house.db, name, house.clock) as unit:
        lists = lists_in(unit.connection)
        if not lists or employer not in {entry.name for entry in lists[-1].entries}:
            raise UnknownName("no such subprocessor on the newest list")
        if employer in objected_in(unit.connection, name):
            raise WrongState("the customer objects already", reasons=("one objection is enough",))
        version = lists[-1].version
        row = {"id": new_id("ob"), "tenant": name, "employer": employer, "list_version": version, "why": words}
        row |= {"made_at": unit.at, "made_by": contact_id(unit, name, by)}
        unit.connection.execute(insert(SUBPROCESSOR_OBJECTIONS).values(**row))
        facts = {"employer": employer, "version": version}
        unit.append(Event("subprocessors.objected", actor="customer", tenant=name, facts=facts, sealed={"by": by}))


def withdraw_objection(house: House, tenant: str, employer: str, *, by: str) -> None:
    """Take an objection back; WrongState if there is none."""
    name = get_tenant(house, tenant).name
    with unit_of_work(house.db, name, house.clock) as unit:
        if employer not in objected_in(unit.connection, name):
            raise WrongState("there is no objection to take back", reasons=("nothing stands against it",))
        mine = (SUBPROCESSOR_OBJECTIONS.c.tenant == name) & (SUBPROCESSOR_OBJECTIONS.c.employer == employer)
        change = update(SUBPROCESSOR_OBJECTIONS).where(mine, SUBPROCESSOR_OBJECTIONS.c.withdrawn_at.is_(None))
        unit.connection.execute(change.values(withdrawn_at=unit.at))
        facts, sealed = {"employer": employer}, {"by": by}
        unit.append(
            Event("subprocessors.objection_withdrawn", actor="customer", tenant=name, facts=facts, sealed=sealed)
        )


def list_objections(house: House, tenant: str) -> list[Objection]:
    """Every objection of `tenant`, oldest first."""
    name = get_tenant(house, tenant).name
    query = select(SUBPROCESSOR_OBJECTIONS).where(SUBPROCESSOR_OBJECTIONS.c.tenant == name)
    with house.db.read(name) as connection:
        rows = connection.execute(query.order_by(SUBPROCESSOR_OBJECTIONS.c.made_at)).mappings().all()
    return [_objection(row) for row in rows]


def objected_in(connection: Connection, tenant: TenantName) -> frozenset[str]:
    """The employers that `tenant` objects to now, as this transaction sees them."""
    mine = (SUBPROCESSOR_OBJECTIONS.c.tenant == tenant) & SUBPROCESSOR_OBJECTIONS.c.withdrawn_at.is_(None)
    return frozenset(connection.execute(select(SUBPROCESSOR_OBJECTIONS.c.employer).where(mine)).scalars())


def _objection(row: RowMapping) -> Objection:
    return Objection(row["employer"], row["list_version"], row["why"], row["made_at"], row["withdrawn_at"])
