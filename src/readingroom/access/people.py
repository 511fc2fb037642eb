"""The people the room admits: who employs them, where they sit, what they may be asked to do.

Rule 1: a name stands here and nowhere else; the register knows a person by an actor pseudonym.
Rule 2: a person has no access by being here: roles say what may be asked for, the gate decides (DESIGN, Access).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from readingroom.access.tables import ACTORS, PEOPLE, ROLES
from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.core.clock import format_instant
from readingroom.core.errors import Refusal, UnknownName, UsageError
from readingroom.core.ids import PersonId, new_id
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House

UNKNOWN_COUNTRY: Final = "ZZ"  # ISO 3166 leaves it to the user: not stated
ACTOR_RETENTION: Final = timedelta(days=365)  # how long the pseudonym of somebody who left can be resolved
_COUNTRY = re.compile(r"[A-Z]{2}")


class PersonRole(StrEnum):
    """What a person may be asked to do; never enough for access by itself."""

    REVIEWER = "reviewer"
    APPROVER = "approver"
    PRIVACY_OFFICER = "privacy-officer"
    ML_ENGINEER = "ml-engineer"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True)
class Person:
    """One person, with the pseudonym that the register knows."""

    id: PersonId
    name: str
    employer: str
    country: str
    roles: frozenset[PersonRole]
    actor: str
    added_at: datetime
    left_at: datetime | None

    def public(self) -> dict[str, Any]:
        """The person as `person list --json` shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "employer": self.employer,
            "country": self.country,
            "roles": sorted(self.roles),
            "actor": self.actor,
            "added_at": format_instant(self.added_at),
            "left_at": None if self.left_at is None else format_instant(self.left_at),
        }


def add_person(
    house: House,
    name: str,
    *,
    employer: str,
    roles: Collection[PersonRole],
    country: str = UNKNOWN_COUNTRY,
    by: PersonId | None = None,
) -> Person:
    """Admit a person; UsageError if the name is taken or unfit. They have no access yet."""
    _check_words(name, employer, country)
    if not roles:
        raise UsageError("a person has at least one role")
    identity, actor = PersonId(new_id("person")), new_id("actor")
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        if unit.connection.execute(select(PEOPLE.c.id).where(PEOPLE.c.name == name)).first():
            raise UsageError("a person of that name is here already")
        row = {"id": identity, "name": name, "employer": employer, "country": country, "added_at": unit.at}
        unit.connection.execute(insert(PEOPLE).values(**row))
        unit.connection.execute(insert(ROLES), [{"person": identity, "role": r.value} for r in sorted(set(roles))])
        unit.connection.execute(insert(ACTORS).values(actor=actor, person=identity))
        facts = {"person": actor, "employer": employer, "country": country, "roles": sorted(set(roles))}
        unit.append(Event("person.added", actor=actor_name(unit.connection, by, house), facts=facts))
        return read_person(unit.connection, identity)


def add_role(house: House, person: PersonId, role: PersonRole, *, by: PersonId | None = None) -> Person:
    """Give a person a further role; idempotent."""
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        found = read_person(unit.connection, person)
        check_present(found)
        if role not in found.roles:
            unit.connection.execute(insert(ROLES).values(person=person, role=role.value))
            facts = {"person": found.actor, "role": role.value}
            unit.append(Event("person.role_added", actor=actor_name(unit.connection, by, house), facts=facts))
        return read_person(unit.connection, person)


def mark_left(unit: Unit, person: Person, *, actor: str) -> None:
    """Note that a person left; the caller ends their grants and sessions in the same unit."""
    check_present(person)
    forget = unit.at + ACTOR_RETENTION
    unit.connection.execute(update(PEOPLE).where(PEOPLE.c.id == person.id).values(left_at=unit.at))
    unit.connection.execute(update(ACTORS).where(ACTORS.c.person == person.id).values(forget_after=forget))
    unit.append(Event("person.left", actor=actor, facts={"person": person.actor}))


def forget_people(house: House) -> int:
    """Delete the names and pseudonym rows whose retention is over; only pseudonyms in the log remain."""
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        due = select(ACTORS.c.person, ACTORS.c.actor).where(ACTORS.c.forget_after <= unit.at)
        gone = unit.connection.execute(due).all()
        for row in gone:
            unit.connection.execute(delete(ROLES).where(ROLES.c.person == row.person))
            unit.connection.execute(delete(ACTORS).where(ACTORS.c.person == row.person))
            unit.connection.execute(delete(PEOPLE).where(PEOPLE.c.id == row.person))
        if gone:
            unit.append(Event("person.forgotten", actor=house.role.value, facts={"people": len(gone)}))
        return len(gone)


def get_person(house: House, person: PersonId) -> Person:
    """The person of that id; UnknownName otherwise."""
    with house.db.read(EVERY_TENANT) as connection:
        return read_person(connection, person)


def find_person(house: House, name: str) -> Person:
    """The person of that name (or id); UnknownName otherwise."""
    with house.db.read(EVERY_TENANT) as connection:
        row = connection.execute(select(PEOPLE.c.id).where((PEOPLE.c.name == name) | (PEOPLE.c.id == name))).first()
        if row is None:
            raise UnknownName("no person of that name; add one with `readingroom person add`")
        return read_person(connection, PersonId(row.id))


def list_people(house: House) -> tuple[Person, ...]:
    """Everybody, oldest first, also those who left and are not forgotten yet."""
    with house.db.read(EVERY_TENANT) as connection:
        ids = connection.execute(select(PEOPLE.c.id).order_by(PEOPLE.c.added_at, PEOPLE.c.id)).scalars().all()
        return tuple(read_person(connection, PersonId(i)) for i in ids)


def read_person(connection: Connection, person: PersonId) -> Person:
    """The person of that id as this transaction sees it; UnknownName otherwise."""
    statement = (
        select(PEOPLE, ACTORS.c.actor, ROLES.c.role)
        .join(ACTORS, ACTORS.c.person == PEOPLE.c.id)
        .outerjoin(ROLES, ROLES.c.person == PEOPLE.c.id)
        .where(PEOPLE.c.id == person)
    )
    rows = connection.execute(statement).all()
    if not rows:
        raise UnknownName("no such person")
    return _person(rows[0], frozenset(PersonRole(row.role) for row in rows if row.role))


def actor_name(connection: Connection, person: PersonId | None, house: House) -> str:
    """The pseudonym that the register shows for `person`; the process's role where nobody acts."""
    return house.role.value if person is None else read_person(connection, person).actor


def person_of_actor(house: House, actor: str) -> Person:
    """The person behind a pseudonym, as long as the retention of ACTORS allows; for the privacy office."""
    with house.db.read(EVERY_TENANT) as connection:
        row = connection.execute(select(ACTORS.c.person).where(ACTORS.c.actor == actor)).first()
        if row is None:
            raise UnknownName("nobody is known by that pseudonym any more")
        return read_person(connection, PersonId(row.person))


def check_present(person: Person) -> None:
    """Refuse to act on, or for, somebody who left."""
    if person.left_at is not None:
        raise Refusal("that person has left")


def check_role(person: Person, *roles: PersonRole) -> None:
    """Refuse unless the person is present and has one of `roles`."""
    check_present(person)
    if not person.roles & set(roles):
        raise Refusal(f"this needs the role {' or '.join(role.value for role in roles)}")


def _check_words(name: str, employer: str, country: str) -> None:
    for what, text in (("a name", name), ("an employer", employer)):
        if not text.strip() or text != text.strip() or len(text) > 120 or not text.isprintable():
            raise UsageError(f"{what} is 1 to 120 printable characters")
    if not _COUNTRY.fullmatch(country):
        raise UsageError("a country is two capital letters (ISO 3166)")


def _person(row: Row[Any], roles: frozenset[PersonRole]) -> Person:
    return Person(
        id=PersonId(row.id),
        name=row.name,
        employer=row.employer,
        country=row.country,
        roles=roles,
        actor=row.actor,
        added_at=row.added_at,
        left_at=row.left_at,
    )
