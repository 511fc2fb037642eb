"""Contact: whom the vendor may ask, about what, whether it may, and the register of every time it did (P04).

Rule 1: only an administrator of the customer is contacted, only while the permission is on and the engagement is not
        over, only about what was allowed, and not more often than every CONTACT_DAYS.
Rule 2: the permission is a switch of its own: turning it changes nothing else. It is off until it is turned on.
Rule 3: a choice is never edited: the next one stands beside it, so that its history can be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from readingroom.audit.tables import ROOM_SALTS
from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.core.errors import Refusal, UnknownName, UsageError, WrongState
from readingroom.core.ids import TenantName, check_name, new_id
from readingroom.engagement.notice_form import check_email
from readingroom.engagement.states import EngagementState
from readingroom.engagement.tables import CONTACT_CHOICES, CONTACT_REGISTER, CONTACTS, ENGAGEMENTS
from readingroom.house import House

CONTACT_DAYS = 30  # "periodic" (P04): at most once in this many days


class ContactTopic(StrEnum):
    """What the vendor may ask about: the notice allows these two and no other."""

    ENGAGEMENT = "engagement"  # how the engagement goes
    SERVICES = "services"  # experience with the services


EVERY_TOPIC = tuple(ContactTopic)


@dataclass(frozen=True)
class ContactMade:
    """One line of the register."""

    contact: str
    at: datetime
    about: str
    actor: str
    topic: ContactTopic = ContactTopic.ENGAGEMENT


@dataclass(frozen=True)
class ContactChoice:
    """What the customer chose at one time: whether, who, about what."""

    at: datetime
    allowed: bool
    contact: str | None  # an administrator's id; None: whichever acted last
    topics: tuple[ContactTopic, ...]
    actor: str


def contact_id(unit: Unit, tenant: TenantName, email: str) -> str:
    """The id of the administrator with this address, made known if new; the address is stored here and nowhere else."""
    address = check_email(email, what="the administrator")
    query = select(CONTACTS.c.id).where(CONTACTS.c.tenant == tenant, CONTACTS.c.email == address)
    found: str | None = unit.connection.execute(query).scalar()
    if found is not None:
        return found
    identity = new_id("adm")
    row = {"id": identity, "tenant": tenant, "email": address, "since": unit.at}
    unit.connection.execute(insert(CONTACTS).values(**row))
    return identity


def set_contact(
    house: House,
    tenant: str,
    *,
    allowed: bool,
    who: str | None = None,
    topics: Iterable[ContactTopic] = EVERY_TOPIC,
    actor: str = "customer",
) -> None:
    """Turn the permission to be contacted on or off; idempotent. WrongState before the first opt-in.

    `who` is the address of the administrator to ask; without it, whichever acted last. UsageError without a topic.
    """
    name, chosen = TenantName(tenant), tuple(topic for topic in ContactTopic if topic in set(topics))
    if allowed and not chosen:
        raise UsageError("name at least one topic to be asked about, or turn the permission off")
    with unit_of_work(house.db, name, house.clock) as unit:
        query = select(ENGAGEMENTS).where(ENGAGEMENTS.c.tenant == name).with_for_update()
        row = unit.connection.execute(query).mappings().first()
        if row is None:
            raise WrongState("no contact permission: the customer has not opted in", reasons=("not opted in",))
        contact = contact_id(unit, name, who) if who is not None else None
        before = _standing(unit.connection, row)
        if row["contact_ok"] == allowed and (not allowed or (before.contact, before.topics) == (contact, chosen)):
            return
        change = update(ENGAGEMENTS).where(ENGAGEMENTS.c.tenant == name).values(contact_ok=allowed)
        unit.connection.execute(change)
        entry = {"id": new_id("cc"), "tenant": name, "at": unit.at, "allowed": allowed, "contact": contact}
        unit.connection.execute(insert(CONTACT_CHOICES).values(**entry, topics=list(chosen), actor=actor))
        facts = {"topics": [topic.value for topic in chosen], "contact": contact} if allowed else {}
        name_of = "contact.allowed" if allowed else "contact.refused"
        unit.append(Event(name_of, actor=actor, tenant=name, facts=facts))


def contact_choice(house: House, tenant: str) -> ContactChoice | None:
    """What the customer allows now; None before the first opt-in."""
    name = TenantName(tenant)
    with house.db.read(name) as connection:
        row = connection.execute(select(ENGAGEMENTS).where(ENGAGEMENTS.c.tenant == name)).mappings().first()
        return None if row is None else _standing(connection, row)


def contact_history(house: House, tenant: str) -> list[ContactChoice]:
    """Every choice about being contacted, oldest first; what an opt-in said stands in its receipt."""
    name = TenantName(tenant)
    with house.db.read(name) as connection:
        query = select(CONTACT_CHOICES).where(CONTACT_CHOICES.c.tenant == name).order_by(CONTACT_CHOICES.c.at)
        return [_choice(row) for row in connection.execute(query).mappings()]


def register_contact(
    house: House, tenant: str, about: str, *, actor: str, topic: ContactTopic = ContactTopic.ENGAGEMENT
) -> str:
    """Enter an attempt to contact the tenant's administrator, before it is made; the address to write to is the answer.

    Refusal without the permission for this topic, after the engagement's end, or within CONTACT_DAYS of the last
    attempt (P04).
    """
    name = TenantName(tenant)
    subject = check_name(about, what="the subject of a contact")
    with unit_of_work(house.db, name, house.clock) as unit:
        query = select(ENGAGEMENTS).where(ENGAGEMENTS.c.tenant == name)
        row = unit.connection.execute(query).mappings().first()
        if row is None or row["state"] == EngagementState.ENDED or not row["contact_ok"]:
            raise Refusal("the customer has not allowed to be contacted", reasons=("no contact permission (P04)",))
        choice = _standing(unit.connection, row)
        if topic not in choice.topics:
            reason = f"no permission to ask about {topic.value} (P04)"
            raise Refusal("the customer has not allowed to be asked about this", reasons=(reason,))
        last = select(CONTACT_REGISTER.c.at).where(CONTACT_REGISTER.c.tenant == name)
        latest = unit.connection.execute(last.order_by(CONTACT_REGISTER.c.at.desc()).limit(1)).scalar()
        if latest is not None and unit.at < latest + timedelta(days=CONTACT_DAYS):
            raise Refusal(f"the customer was contacted within {CONTACT_DAYS} days", reasons=("too soon (P04)",))
        person, address = _whom(unit.connection, name, choice.contact)
        entry = {"id": new_id("ct"), "tenant": name, "contact": person, "at": unit.at, "topic": topic.value}
        unit.connection.execute(insert(CONTACT_REGISTER).values(**entry, about=subject, actor=actor))
        facts = {"about": subject, "contact": person, "topic": topic.value}
        unit.append(Event("contact.made", actor=actor, tenant=name, facts=facts))
    return address


def _whom(connection: Connection, tenant: TenantName, contact: str | None) -> tuple[str, str]:
    """Id and address of the administrator to ask; UnknownName if there is none (any more)."""
    people = select(CONTACTS).where(CONTACTS.c.tenant == tenant, CONTACTS.c.email != "")
    if contact is not None:
        people = people.where(CONTACTS.c.id == contact)  # nobody else, if that one is gone
    person = connection.execute(people.order_by(CONTACTS.c.since.desc())).mappings().first()
    if person is None:
        raise UnknownName("no administrator of this tenant is known whom the customer allows to ask")
    return person["id"], person["email"]


def _standing(connection: Connection, engagement: RowMapping) -> ContactChoice:
    """The latest choice in this engagement; its opt-in, if none was made since."""
    name, began = engagement["tenant"], engagement["began_at"]
    mine = (CONTACT_CHOICES.c.tenant == name) & (CONTACT_CHOICES.c.at >= began)
    query = select(CONTACT_CHOICES).where(mine).order_by(CONTACT_CHOICES.c.at.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    if row is None:
        return ContactChoice(began, engagement["contact_ok"], None, EVERY_TOPIC, "customer")
    return _choice(row)


def _choice(row: RowMapping) -> ContactChoice:
    topics = tuple(ContactTopic(topic) for topic in row["topics"])
    return ContactChoice(row["at"], row["allowed"], row["contact"], topics, row["actor"])


def contact_register(house: House, tenant: str) -> list[ContactMade]:
    """Every contact with the tenant's administrators, oldest first."""
    if not tenant:
        raise UsageError("name the tenant")
    with house.db.read(TenantName(tenant)) as connection:
        query = select(CONTACT_REGISTER).where(CONTACT_REGISTER.c.tenant == tenant).order_by(CONTACT_REGISTER.c.at)
        rows = connection.execute(query).mappings().all()
    return [
        ContactMade(row["contact"], row["at"], row["about"], row["actor"], ContactTopic(row["topic"] or "engagement"))
        for row in rows
    ]


def administrators(house: House, tenant: str) -> dict[str, str]:
    """The administrators that are known, id → e-mail address; for the customer's own pages and for contacting them."""
    with house.db.read(TenantName(tenant)) as connection:
        query = select(CONTACTS.c.id, CONTACTS.c.email).where(CONTACTS.c.tenant == tenant).order_by(CONTACTS.c.since)
        return {identity: email for identity, email in connection.execute(query) if email}


def forget_administrator(house: House, tenant: str, contact: str, *, actor: str) -> None:
    """Erase an administrator's address, and the salts that tie events to it; what they did stays, under their id.

    UnknownName if there is no such administrator; idempotent.
    """
    name = TenantName(tenant)
    with unit_of_work(house.db, name, house.clock) as unit:
        query = select(CONTACTS.c.email).where(CONTACTS.c.tenant == name, CONTACTS.c.id == contact)
        email: str | None = unit.connection.execute(query).scalar()
        if email is None:
            raise UnknownName("no such administrator")
        if not email:
            return
        unit.connection.execute(update(CONTACTS).where(CONTACTS.c.id == contact).values(email=""))
        mine = (ROOM_SALTS.c.tenant == name, ROOM_SALTS.c.field == "by", ROOM_SALTS.c.value == email)
        unit.connection.execute(delete(ROOM_SALTS).where(*mine))
        unit.append(Event("contact.forgotten", actor=actor, tenant=name, facts={"contact": contact}))
