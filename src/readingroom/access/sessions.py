"""Sessions and sign-in links: who is on the other end of a request, and from which workstation.

Rule 1: a token is shown once and kept as its SHA-256; whoever owns the database cannot sign in with what is there.
Rule 2: a session lives at most 12 hours, is bound to one workstation, and ends with a revocation, at the next request.
Rule 3: a sign-in link is used once, lives one day, and is made in simulation rooms only.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Row, func, insert, select, update

from readingroom.access.people import check_present, read_person
from readingroom.access.tables import LINKS, PEOPLE, SESSIONS, WORKSTATIONS
from readingroom.access.workstations import read_workstation
from readingroom.audit.unit import NO_TENANT, Event, Unit, unit_of_work
from readingroom.core.errors import AccessDenied, SimulationOnly, UsageError
from readingroom.core.ids import PersonId, TenantName, WorkstationId
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House

SESSION_LIFE: Final = timedelta(hours=12)
LINK_LIFE: Final = timedelta(days=1)
NOBODY: Final = PersonId("")
NO_WORKSTATION: Final = WorkstationId("")
_TOKEN_LIMIT: Final = 128


class SessionKind(StrEnum):
    """On which side of the house somebody stands."""

    STAFF = "staff"  # of the vendor or a subprocessor: a person, on a workstation
    CUSTOMER = "customer"  # a customer's administrator: a tenant, and who it is there


@dataclass(frozen=True)
class Who:
    """For whom a session or a link is."""

    kind: SessionKind
    person: PersonId = NOBODY
    workstation: WorkstationId = NO_WORKSTATION
    tenant: TenantName = NO_TENANT  # of a customer's administrator
    contact: str = ""  # their address at the customer

    @classmethod
    def staff(cls, person: PersonId, workstation: WorkstationId = NO_WORKSTATION) -> Who:
        """A person on a workstation; without one they can sign in and look at no item."""
        return cls(SessionKind.STAFF, person=person, workstation=workstation)

    @classmethod
    def customer(cls, tenant: TenantName, contact: str) -> Who:
        """An administrator of a customer."""
        return cls(SessionKind.CUSTOMER, tenant=tenant, contact=contact)


@dataclass(frozen=True)
class Proof:
    """What the identity provider proved: which account, in which session of its own; hashes, both empty for a link."""

    identity: str = ""
    provider_session: str = ""


@dataclass(frozen=True)
class Session:
    """A session that is valid now."""

    who: Who
    started_at: datetime
    expires_at: datetime
    key: str  # the hash of its token: names the session in the database, opens nothing
    proof: Proof


def create_link(house: House, who: Who) -> str:
    """A token for a single-use sign-in link; SimulationOnly in a real room (rule 3)."""
    if not house.settings.simulation:
        raise SimulationOnly("sign-in links exist in simulation rooms only; here, people sign in at /sign-in")
    token = secrets.token_urlsafe(32)
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        facts = _check_who(unit, who)
        row = {"hash": _hash(token), "expires_at": unit.at + LINK_LIFE}
        unit.connection.execute(insert(LINKS).values(**row, **_columns(who)))
        unit.append(Event("session.link_created", actor=house.role.value, facts=facts))
    return token


def redeem_link(house: House, token: str) -> str:
    """A session token for a sign-in link that was not used before; AccessDenied otherwise."""
    if not house.settings.simulation:
        raise SimulationOnly("sign-in links exist in simulation rooms only; here, people sign in at /sign-in")
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        row = unit.connection.execute(select(LINKS).where(LINKS.c.hash == _hash(token))).one_or_none()
        fresh = (LINKS.c.hash == _hash(token)) & LINKS.c.used_at.is_(None) & (LINKS.c.expires_at > unit.at)
        used = unit.connection.execute(update(LINKS).where(fresh).values(used_at=unit.at)).rowcount
        if row is None or used != 1 or not hmac.compare_digest(row.hash, _hash(token)):
            raise AccessDenied("this sign-in link was used, has expired, or never was")
        return _open(unit, _who(row), Proof())


def open_session(house: House, who: Who, proof: Proof | None = None) -> str:
    """A session token for somebody whose identity, and device where there is one, the caller has proved."""
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        return _open(unit, who, proof or Proof())


def move_session(house: House, session: Session, workstation: WorkstationId) -> str:
    """A new token for a session whose workstation the caller has proved; the old token ends, the end stays (rule 2)."""
    who = Who.staff(session.who.person, workstation)
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        mine = (SESSIONS.c.hash == session.key) & SESSIONS.c.ended_at.is_(None)
        if unit.connection.execute(update(SESSIONS).where(mine).values(ended_at=unit.at)).rowcount != 1:
            raise AccessDenied("this session has ended; sign in again")
        return _open(unit, who, session.proof, until=session.expires_at)


def find_session(house: House, token: str) -> Session | None:
    """The session of this token if it is valid now: not ended, not expired, its person and workstation still here."""
    if not token or len(token) > _TOKEN_LIMIT:
        return None
    now, key = house.clock.now(), _hash(token)
    statement = (
        select(SESSIONS, PEOPLE.c.left_at, WORKSTATIONS.c.retired_at, WORKSTATIONS.c.compliant)
        .outerjoin(PEOPLE, PEOPLE.c.id == SESSIONS.c.person)
        .outerjoin(WORKSTATIONS, WORKSTATIONS.c.id == SESSIONS.c.workstation)
        .where(SESSIONS.c.hash == key)
    )
    with house.db.read(EVERY_TENANT) as connection:
        row = connection.execute(statement).one_or_none()
    if row is None or not hmac.compare_digest(row.hash, key) or row.ended_at is not None or now >= row.expires_at:
        return None
    gone = row.left_at is not None or row.retired_at is not None or row.compliant is False
    proof = Proof(row.identity, row.provider_session)
    return None if gone else Session(_who(row), row.started_at, row.expires_at, row.hash, proof)


def end_session(house: House, token: str) -> None:
    """Sign out; idempotent."""
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        mine = (SESSIONS.c.hash == _hash(token)) & SESSIONS.c.ended_at.is_(None)
        if unit.connection.execute(select(SESSIONS.c.hash).where(mine)).first():
            unit.connection.execute(update(SESSIONS).where(mine).values(ended_at=unit.at))
            unit.append(Event("session.ended", actor=house.role.value, facts={"sessions": 1}))


def end_own_sessions(house: House, session: Session) -> int:
    """Sign out everywhere: end every session of whoever has this one; how many."""
    who = session.who
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        if who.kind is SessionKind.STAFF:
            return end_sessions(unit, person=who.person, actor=read_person(unit.connection, who.person).actor)
        return end_sessions(unit, customer=(who.tenant, who.contact), actor="customer")


def end_sessions(  # noqa: PLR0913 - one of five ways to say whose
    unit: Unit,
    *,
    actor: str,
    person: PersonId | None = None,
    workstation: WorkstationId | None = None,
    customer: tuple[TenantName, str] | None = None,
    identity: str = "",
    provider_session: str = "",
) -> int:
    """End every open session of a person, a workstation, an administrator or an account; how many.

    It is done inside the unit that takes the right away (rule 2).
    """
    whose = [
        *([] if person is None else [SESSIONS.c.person == person]),
        *([] if workstation is None else [SESSIONS.c.workstation == workstation]),
        *([] if customer is None else [(SESSIONS.c.customer == customer[0]) & (SESSIONS.c.contact == customer[1])]),
        *([] if not identity else [SESSIONS.c.identity == identity]),
        *([] if not provider_session else [SESSIONS.c.provider_session == provider_session]),
    ]
    if len(whose) != 1:
        raise UsageError("sessions are ended of one person, workstation, administrator or account")
    still = whose[0] & SESSIONS.c.ended_at.is_(None) & (SESSIONS.c.expires_at > unit.at)
    ended = unit.connection.execute(select(func.count()).select_from(SESSIONS).where(still)).scalar() or 0
    if ended:
        unit.connection.execute(update(SESSIONS).where(still).values(ended_at=unit.at))
        unit.append(Event("session.ended", actor=actor, facts={"sessions": ended}))
    return ended


def _open(unit: Unit, who: Who, proof: Proof, *, until: datetime | None = None) -> str:
    facts = _check_who(unit, who)
    token = secrets.token_urlsafe(32)
    row = {"hash": _hash(token), "started_at": unit.at, "expires_at": until or unit.at + SESSION_LIFE}
    proved = {"identity": proof.identity, "provider_session": proof.provider_session}
    unit.connection.execute(insert(SESSIONS).values(**row, **proved, **_columns(who)))
    actor = str(facts.get("person", "customer"))
    unit.append(Event("session.started", actor=actor, facts=facts))
    return token


def _check_who(unit: Unit, who: Who) -> dict[str, Any]:
    if who.kind is SessionKind.CUSTOMER:
        if not who.tenant or not who.contact:
            raise UsageError("a customer's session names its tenant and who it is")
        return {"kind": who.kind.value, "customer": who.tenant}  # the address stays out of the register
    person = read_person(unit.connection, who.person)
    check_present(person)
    facts = {"kind": who.kind.value, "person": person.actor}
    if who.workstation:
        workstation = read_workstation(unit.connection, who.workstation)
        if workstation.person != who.person or not workstation.is_fit():
            raise AccessDenied("that workstation is not this person's, or not fit for use (P21)")
        facts["workstation"] = workstation.id
    return facts


def _columns(who: Who) -> dict[str, str]:
    return {
        "kind": who.kind.value,
        "person": who.person,
        "workstation": who.workstation,
        "customer": who.tenant,
        "contact": who.contact,
    }


def _who(row: Row[Any]) -> Who:
    return Who(
        kind=SessionKind(row.kind),
        person=PersonId(row.person),
        workstation=WorkstationId(row.workstation),
        tenant=TenantName(row.customer),
        contact=row.contact,
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
