"""Who an account of the identity provider is here: bound once, by the operator, to a person or to an administrator.

Rule 1: the provider's subject identifier counts, never an e-mail address: addresses are given anew and can be claimed.
Rule 2: an account that is not bound is nobody (default deny); ending a binding ends its sessions in the same step.
Rule 3: an account is kept as the hash of issuer and subject; the register knows it by no name.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select

from readingroom.access.people import actor_name, check_present, read_person
from readingroom.access.sessions import SessionKind, Who, end_sessions
from readingroom.access.tables import IDENTITIES
from readingroom.audit.unit import Event, unit_of_work
from readingroom.core.clock import format_instant
from readingroom.core.errors import AccessDenied, UnknownName, UsageError
from readingroom.core.ids import PersonId, TenantName
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House

LONGEST_SUBJECT = 255  # OpenID Connect Core 1.0, section 2


@dataclass(frozen=True)
class Identity:
    """An account that is bound, and to whom."""

    key: str
    who: Who
    bound_at: datetime

    def public(self) -> dict[str, Any]:
        """The binding as `identity list --json` shows it."""
        return {
            "identity": self.key,
            "kind": self.who.kind.value,
            "person": self.who.person,
            "tenant": self.who.tenant,
            "bound_at": format_instant(self.bound_at),
        }


def identity_key(issuer: str, subject: str) -> str:
    """The name under which an account is kept here."""
    if not 0 < len(subject) <= LONGEST_SUBJECT:
        raise UsageError("a subject identifier has 1 to 255 characters")
    return hashlib.sha256(f"{issuer}\n{subject}".encode(errors="surrogatepass")).hexdigest()


def bind_identity(house: House, subject: str, who: Who, *, by: PersonId | None = None) -> Identity:
    """Bind an account of the room's identity provider; UsageError if it is bound already, or nobody can sign in here.

    Only what a person proves at sign-in counts for a session: a workstation is proved afterwards, by its own key.
    """
    issuer = house.settings.identity_provider.get("issuer", "")
    if not issuer:
        raise UsageError("room.toml: [identity_provider] is empty; say first who proves identities")
    key = identity_key(issuer, subject)
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        if unit.connection.execute(select(IDENTITIES.c.identity).where(IDENTITIES.c.identity == key)).first():
            raise UsageError("this account is bound already; end that binding first")
        facts: dict[str, Any] = {"identity": key, "kind": who.kind.value}
        if who.kind is SessionKind.STAFF:
            person = read_person(unit.connection, who.person)
            check_present(person)
            facts["person"] = person.actor
        elif not who.tenant or not who.contact:
            raise UsageError("an administrator's account names the tenant and an address there")
        else:
            facts["customer"] = who.tenant
        row = {"identity": key, "kind": who.kind.value, "person": who.person, "bound_at": unit.at}
        unit.connection.execute(insert(IDENTITIES).values(**row, customer=who.tenant, contact=who.contact))
        unit.append(Event("identity.bound", actor=actor_name(unit.connection, by, house), facts=facts))
        return _identity(unit.connection.execute(select(IDENTITIES).where(IDENTITIES.c.identity == key)).one())


def end_identity(house: House, key: str, *, by: PersonId | None = None) -> int:
    """End a binding and every session that it opened; the number of sessions. UnknownName if there is none."""
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        if unit.connection.execute(delete(IDENTITIES).where(IDENTITIES.c.identity == key)).rowcount != 1:
            raise UnknownName("no account of that name is bound; `readingroom identity list` shows them")
        actor = actor_name(unit.connection, by, house)
        unit.append(Event("identity.ended", actor=actor, facts={"identity": key}))
        return end_sessions(unit, identity=key, actor=actor)


def recognize(house: House, key: str) -> Who:
    """Who signs in with this account; AccessDenied, and an event, where it is bound to nobody or they have left."""
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        row = unit.connection.execute(select(IDENTITIES).where(IDENTITIES.c.identity == key)).one_or_none()
        if row is None:
            unit.append(Event("session.refused", actor=house.role.value, facts={"identity": key, "why": "not bound"}))
    if row is None:
        raise AccessDenied(
            "your account is bound to nobody in this room",
            reasons=("the operator binds it with `readingroom identity bind`",),
        )
    return _identity(row).who


def list_identities(house: House) -> tuple[Identity, ...]:
    """Every binding, oldest first."""
    with house.db.read(EVERY_TENANT) as connection:
        rows = connection.execute(select(IDENTITIES).order_by(IDENTITIES.c.bound_at, IDENTITIES.c.identity))
        return tuple(_identity(row) for row in rows)


def _identity(row: Row[Any]) -> Identity:
    if SessionKind(row.kind) is SessionKind.CUSTOMER:
        return Identity(row.identity, Who.customer(TenantName(row.customer), row.contact), row.bound_at)
    return Identity(row.identity, Who.staff(PersonId(row.person)), row.bound_at)
