"""Secure access workstations: enrolled for one person, proved by a key that only the device holds (P21).

Rule 1: the private key is shown once, at enrolment, and never stored here.
Rule 2: a proof signs a challenge that is used once and lives for two minutes; it is bound to this room.
Rule 3: a retired or non-compliant workstation opens nothing, from the next request on.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Connection, Row, delete, insert, select, update
from typing_extensions import override

from readingroom.access.people import actor_name, check_present, read_person
from readingroom.access.tables import CHALLENGES, WORKSTATIONS
from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.core.clock import format_instant
from readingroom.core.errors import AccessDenied, UnknownName, UsageError, WrongState
from readingroom.core.ids import PersonId, WorkstationId, check_name, new_id
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House

CHALLENGE_LIFE: Final = timedelta(minutes=2)


@dataclass(frozen=True)
class Workstation:
    """One enrolled device, of one person."""

    id: WorkstationId
    name: str
    person: PersonId
    public_key: bytes
    compliant: bool
    enrolled_at: datetime
    retired_at: datetime | None

    def is_fit(self) -> bool:
        """Enrolled, compliant, not retired."""
        return self.compliant and self.retired_at is None

    def public(self) -> dict[str, Any]:
        """The workstation as `workstation list --json` shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "person": self.person,
            "compliant": self.compliant,
            "enrolled_at": format_instant(self.enrolled_at),
            "retired_at": None if self.retired_at is None else format_instant(self.retired_at),
        }


@dataclass(frozen=True)
class Enrolment:
    """A fresh workstation and its private key, which is shown here and never again."""

    workstation: Workstation
    private_key: str  # base64url of the 32 bytes of an Ed25519 private key

    @override
    def __repr__(self) -> str:
        """Without the key: a repr may end in a log."""
        return f"Enrolment({self.workstation.id})"


def enrol_workstation(house: House, name: str, *, person: PersonId, by: PersonId | None = None) -> Enrolment:
    """Enrol a workstation for a person and give its device key, once."""
    check_name(name, what="a workstation's name")
    key = Ed25519PrivateKey.generate()
    identity = WorkstationId(new_id("ws"))
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        owner = read_person(unit.connection, person)
        check_present(owner)
        if unit.connection.execute(select(WORKSTATIONS.c.id).where(WORKSTATIONS.c.name == name)).first():
            raise UsageError("a workstation of that name is enrolled, or was; choose another name")
        row = {"id": identity, "name": name, "person": person, "public_key": key.public_key().public_bytes_raw()}
        unit.connection.execute(insert(WORKSTATIONS).values(**row, compliant=True, enrolled_at=unit.at))
        facts = {"workstation": identity, "person": owner.actor}
        unit.append(Event("workstation.enrolled", actor=actor_name(unit.connection, by, house), facts=facts))
        found = read_workstation(unit.connection, identity)
    return Enrolment(found, base64.urlsafe_b64encode(key.private_bytes_raw()).decode("ascii"))


def mark_retired(unit: Unit, workstation: Workstation, *, actor: str) -> None:
    """Note that a workstation is retired; the caller ends its sessions in the same unit."""
    if workstation.retired_at is not None:
        raise WrongState("this workstation is retired already")
    change = update(WORKSTATIONS).where(WORKSTATIONS.c.id == workstation.id)
    unit.connection.execute(change.values(retired_at=unit.at))
    unit.append(Event("workstation.retired", actor=actor, facts={"workstation": workstation.id}))


def set_compliance(house: House, workstation: WorkstationId, *, compliant: bool, by: PersonId | None = None) -> None:
    """Note what device management says of a workstation; a non-compliant one opens nothing."""
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        read_workstation(unit.connection, workstation)
        change = update(WORKSTATIONS).where(WORKSTATIONS.c.id == workstation)
        unit.connection.execute(change.values(compliant=compliant))
        facts = {"workstation": workstation, "compliant": compliant}
        actor = actor_name(unit.connection, by, house)
        unit.append(Event("workstation.compliance_changed", actor=actor, facts=facts))


def make_challenge(house: House, workstation: WorkstationId) -> str:
    """A fresh challenge for the device to sign (`message_to_sign`); used once, within two minutes."""
    token = secrets.token_urlsafe(32)
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        read_workstation(unit.connection, workstation)
        unit.connection.execute(delete(CHALLENGES).where(CHALLENGES.c.expires_at <= unit.at))
        row = {"hash": _hash(token), "workstation": workstation, "expires_at": unit.at + CHALLENGE_LIFE}
        unit.connection.execute(insert(CHALLENGES).values(**row))
        unit.append(Event("workstation.challenged", actor=house.role.value, facts={"workstation": workstation}))
    return token


def message_to_sign(house: House, challenge: str) -> bytes:
    """The bytes that a device signs: bound to this room and to its use."""
    return f"readingroom device proof v1\n{house.settings.room_id}\n{challenge}\n".encode()


def check_proof(house: House, workstation: WorkstationId, *, challenge: str, signature: bytes) -> Workstation:
    """The workstation, if its key signed this challenge, for the first time and in time; AccessDenied otherwise."""
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        found = read_workstation(unit.connection, workstation)
        mine = (CHALLENGES.c.hash == _hash(challenge)) & (CHALLENGES.c.workstation == workstation)
        fresh = mine & CHALLENGES.c.used_at.is_(None) & (CHALLENGES.c.expires_at > unit.at)
        used = unit.connection.execute(update(CHALLENGES).where(fresh).values(used_at=unit.at)).rowcount
        valid = (
            used == 1 and found.is_fit() and _verifies(found.public_key, message_to_sign(house, challenge), signature)
        )
        facts = {"workstation": workstation, "decision": "permit" if valid else "deny"}
        unit.append(Event("workstation.proved", actor=house.role.value, facts=facts))
    if not valid:
        raise AccessDenied("the workstation did not prove itself", reasons=("this workstation is not known here",))
    return found


def sign_challenge(house: House, private_key: str, challenge: str) -> bytes:
    """What the device does: sign a challenge with its private key. For tests, simulation and the device's own tool."""
    try:
        key = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(private_key))
    except ValueError:
        raise UsageError("that is not a device key") from None
    return key.sign(message_to_sign(house, challenge))


def list_workstations(house: House, person: PersonId | None = None) -> tuple[Workstation, ...]:
    """The workstations of one person or of all, in order of enrolment, retired ones too."""
    statement = select(WORKSTATIONS).order_by(WORKSTATIONS.c.enrolled_at, WORKSTATIONS.c.id)
    if person is not None:
        statement = statement.where(WORKSTATIONS.c.person == person)
    with house.db.read(EVERY_TENANT) as connection:
        return tuple(_workstation(row) for row in connection.execute(statement))


def find_workstation(house: House, name: str) -> Workstation:
    """The workstation of that name (or id); UnknownName otherwise."""
    either = (WORKSTATIONS.c.name == name) | (WORKSTATIONS.c.id == name)
    with house.db.read(EVERY_TENANT) as connection:
        row = connection.execute(select(WORKSTATIONS).where(either)).first()
    if row is None:
        raise UnknownName("no workstation of that name; enrol one with `readingroom workstation enrol`")
    return _workstation(row)


def read_workstation(connection: Connection, workstation: WorkstationId) -> Workstation:
    """The workstation of that id as this transaction sees it; UnknownName otherwise."""
    row = connection.execute(select(WORKSTATIONS).where(WORKSTATIONS.c.id == workstation)).one_or_none()
    if row is None:
        raise UnknownName("no such workstation")
    return _workstation(row)


def _verifies(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _workstation(row: Row[Any]) -> Workstation:
    values = row._asdict()
    return Workstation(**values)
