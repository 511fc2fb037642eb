"""Contact: whom the vendor may ask, whether it may, and the register of every time it did (P04).

Rule 1: only an administrator of the customer is contacted, only while the permission is on and the engagement is not
        over, and not more often than every CONTACT_DAYS.
Rule 2: the permission is a switch of its own: turning it changes nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update

from readingroom.audit.tables import ROOM_SALTS
from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.core.errors import Refusal, UnknownName, UsageError, WrongState
from readingroom.core.ids import TenantName, check_name, new_id
from readingroom.engagement.notice_form import check_email
from readingroom.engagement.states import EngagementState
from readingroom.engagement.tables import CONTACT_REGISTER, CONTACTS, ENGAGEMENTS
from readingroom.house import House

CONTACT_DAYS = 30  # "periodic" (P04): at most once in this many days


@dataclass(frozen=True)
class ContactMade:
    """One line of the register."""

    contact: str
    at: datetime
    about: str
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


def set_contact(house: House, tenant: str, *, allowed: bool, actor: str = "customer") -> None:
    """Turn the permission to be contacted on or off; idempotent. WrongState before the first opt-in."""
    name = TenantName(tenant)
    with unit_of_work(house.db, name, house.clock) as unit:
        query = select(ENGAGEMENTS.c.contact_ok).where(ENGAGEMENTS.c.tenant == name).with_for_update()
        before = unit.connection.execute(query).scalar()
        if before is None:
            raise WrongState("no contact permission: the customer has not opted in", reasons=("not opted in",))
        if before == allowed:
            return
        change = update(ENGAGEMENTS).where(ENGAGEMENTS.c.tenant == name).values(contact_ok=allowed)
        unit.connection.execute(change)
        unit.append(Event("contact.allowed" if allowed else "contact.refused", actor=actor, tenant=name))


def register_contact(house: House, tenant: str, about: str, *, actor: str) -> str:
    """Enter an attempt to contact the tenant's administrator, before it is made; the address to write to is the answer.

    Refusal without the permission, after the engagement's end, or within CONTACT_DAYS of the last attempt (P04).
    """
    name = TenantName(tenant)
    subject = check_name(about, what="the subject of a contact")
    with unit_of_work(house.db, name, house.clock) as unit:
        query = select(ENGAGEMENTS).where(ENGAGEMENTS.c.tenant == name)
        row = unit.connection.execute(query).mappings().first()
        if row is None or row["state"] == EngagementState.ENDED or not row["contact_ok"]:
            raise Refusal("the customer has not allowed to be contacted", reasons=("no contact permission (P04)",))
        last = select(CONTACT_REGISTER.c.at).where(CONTACT_REGISTER.c.tenant == name)
        latest = unit.connection.execute(last.order_by(CONTACT_REGISTER.c.at.desc()).limit(1)).scalar()
        if latest is not None and unit.at < latest + timedelta(days=CONTACT_DAYS):
            raise Refusal(f"the customer was contacted within {CONTACT_DAYS} days", reasons=("too soon (P04)",))
        people = (
            select(CONTACTS).where(CONTACTS.c.tenant == name, CONTACTS.c.email != "").order_by(CONTACTS.c.since.desc())
        )
        person = unit.connection.execute(people).mappings().first()
        if person is None:
            raise UnknownName("no administrator of this tenant is known")
        entry = {"id": new_id("ct"), "tenant": name, "contact": person["id"], "at": unit.at}
        unit.connection.execute(insert(CONTACT_REGISTER).values(**entry, about=subject, actor=actor))
        unit.append(Event("contact.made", actor=actor, tenant=name, facts={"about": subject, "contact": person["id"]}))
        address: str = person["email"]
    return address


def contact_register(house: House, tenant: str) -> list[ContactMade]:
    """Every contact with the tenant's administrators, oldest first."""
    if not tenant:
        raise UsageError("name the tenant")
    with house.db.read(TenantName(tenant)) as connection:
        query = select(CONTACT_REGISTER).where(CONTACT_REGISTER.c.tenant == tenant).order_by(CONTACT_REGISTER.c.at)
        rows = connection.execute(query).mappings().all()
    return [ContactMade(row["contact"], row["at"], row["about"], row["actor"]) for row in rows]


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
