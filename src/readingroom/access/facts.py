"""What makes a person eligible: screening, security training, confidentiality agreement (P28).

Rule 1: a fact is asserted by one person and confirmed by another, and neither is the person it is about.
Rule 2: a fact has an end; one that has passed it, or was withdrawn, counts for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from readingroom.access.people import Person, check_present, read_person
from readingroom.access.tables import FACTS
from readingroom.audit.unit import Event, unit_of_work
from readingroom.core.clock import format_instant
from readingroom.core.errors import Refusal, UnknownName, UsageError, WrongState
from readingroom.core.ids import PersonId, new_id
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House


class FactKind(StrEnum):
    """The three facts that the notice asks for (P28)."""

    SCREENING = "screening"
    TRAINING = "training"
    AGREEMENT = "agreement"


@dataclass(frozen=True)
class Fact:
    """One fact about one person: who asserted it, who confirmed it, until when."""

    id: str
    person: PersonId
    kind: FactKind
    until: datetime
    asserted_by: PersonId
    asserted_at: datetime
    confirmed_by: PersonId | None
    confirmed_at: datetime | None
    withdrawn_at: datetime | None

    def is_current(self, now: datetime) -> bool:
        """Confirmed, not withdrawn, not past its end."""
        return self.confirmed_by is not None and self.withdrawn_at is None and now < self.until

    def public(self) -> dict[str, Any]:
        """The fact as lists show it."""
        return {
            "id": self.id,
            "person": self.person,
            "kind": self.kind.value,
            "until": format_instant(self.until),
            "asserted_by": self.asserted_by,
            "confirmed_by": self.confirmed_by,
            "withdrawn": self.withdrawn_at is not None,
        }


def check_assertion(person: PersonId, *, by: PersonId, until: datetime, now: datetime) -> None:
    """Raise unless `by` may assert a fact about `person` that ends at `until`."""
    if by == person:
        raise Refusal("nobody vouches for themselves: a fact is asserted by somebody else (P28)")
    if until <= now:
        raise UsageError("a fact ends in the future")


def check_confirmation(fact: Fact, *, by: PersonId, now: datetime) -> None:
    """Raise unless `by` may confirm `fact` now."""
    if by == fact.person:
        raise Refusal("nobody vouches for themselves: a fact is confirmed by somebody else (P28)")
    if by == fact.asserted_by:
        raise Refusal("a fact is confirmed by another person than the one who asserted it (P28)")
    if fact.confirmed_by is not None or fact.withdrawn_at is not None:
        raise WrongState("this fact is confirmed or withdrawn already")
    if fact.until <= now:
        raise WrongState("this fact has ended already")


def assert_fact(house: House, person: PersonId, kind: FactKind, *, until: datetime, by: PersonId) -> Fact:
    """Assert a fact; it counts for nothing until another person confirms it."""
    identity = new_id("fact")
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        about, asserter = _both(unit.connection, person, by)
        check_assertion(person, by=by, until=until, now=unit.at)
        row = {"id": identity, "person": person, "kind": kind.value, "until": until}
        unit.connection.execute(insert(FACTS).values(**row, asserted_by=by, asserted_at=unit.at))
        facts = {"fact": identity, "kind": kind.value, "person": about.actor, "until": format_instant(until)}
        unit.append(Event("fact.asserted", actor=asserter.actor, facts=facts))
        return _read(unit.connection, identity)


def confirm_fact(house: House, fact: str, *, by: PersonId) -> Fact:
    """Confirm a fact that another person asserted; from now on it counts."""
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        found = _read(unit.connection, fact)
        about, confirmer = _both(unit.connection, found.person, by)
        check_confirmation(found, by=by, now=unit.at)
        unit.connection.execute(update(FACTS).where(FACTS.c.id == fact).values(confirmed_by=by, confirmed_at=unit.at))
        facts = {"fact": fact, "kind": found.kind.value, "person": about.actor}
        unit.append(Event("fact.confirmed", actor=confirmer.actor, facts=facts))
        return _read(unit.connection, fact)


def withdraw_fact(house: House, fact: str, *, by: PersonId) -> Fact:
    """Withdraw a fact; the gate denies at the next request that needed it."""
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        found = _read(unit.connection, fact)
        actor = read_person(unit.connection, by).actor
        if found.withdrawn_at is not None:
            raise WrongState("this fact is withdrawn already")
        unit.connection.execute(update(FACTS).where(FACTS.c.id == fact).values(withdrawn_at=unit.at))
        about = read_person(unit.connection, found.person).actor
        facts = {"fact": fact, "kind": found.kind.value, "person": about}
        unit.append(Event("fact.withdrawn", actor=actor, facts=facts))
        return _read(unit.connection, fact)


def list_facts(house: House, person: PersonId | None = None) -> tuple[Fact, ...]:
    """The facts about one person, or about everybody, in order of assertion."""
    with house.db.read(EVERY_TENANT) as connection:
        return facts_in(connection, person)


def facts_in(connection: Connection, person: PersonId | None) -> tuple[Fact, ...]:
    """The facts as this transaction sees them."""
    statement = select(FACTS).order_by(FACTS.c.asserted_at, FACTS.c.id)
    if person is not None:
        statement = statement.where(FACTS.c.person == person)
    return tuple(_fact(row) for row in connection.execute(statement))


def _both(connection: Connection, person: PersonId, by: PersonId) -> tuple[Person, Person]:
    about, other = read_person(connection, person), read_person(connection, by)
    check_present(about)
    check_present(other)
    return about, other


def _read(connection: Connection, fact: str) -> Fact:
    row = connection.execute(select(FACTS).where(FACTS.c.id == fact)).one_or_none()
    if row is None:
        raise UnknownName("no such fact")
    return _fact(row)


def _fact(row: Row[Any]) -> Fact:
    values = row._asdict()
    return Fact(**{**values, "kind": FactKind(values["kind"])})
