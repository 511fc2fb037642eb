"""Feedback: voluntary, with the licence and the warranty that the giver accepted, word for word (P08).

Rule 1: nothing else in the product asks for feedback or depends on it.
Rule 2: without the warranty no feedback is kept.
Rule 3: what was said is sealed to the role that serves people: at rest it is readable to no other process, and it goes
        into no item, label, model or log. The customer reads its own; whoever else does leaves an event first.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, insert, select, update

from readingroom.audit.unit import Event, unit_of_work
from readingroom.core.errors import UnknownName, UsageError
from readingroom.core.ids import TenantName, new_id
from readingroom.db.engines import EVERY_TENANT
from readingroom.engagement.notice import read_latest
from readingroom.engagement.tables import FEEDBACK
from readingroom.engagement.tenants import get_tenant
from readingroom.house import House
from readingroom.keys.roles import Box, Role

LONGEST = 10_000


@dataclass(frozen=True)
class Feedback:
    """One entry of the register."""

    id: str
    at: datetime
    text: str
    notice: int
    licence: str
    warranty: str
    actor: str


def give_feedback(house: House, tenant: str, text: str, *, warranted: bool, actor: str = "customer") -> str:
    """Keep what the customer says, under the terms of the latest notice; the id of the entry is the answer."""
    words = text.strip()
    if not words or len(words) > LONGEST:
        raise UsageError(f"feedback has between 1 and {LONGEST} characters")
    if not warranted:
        raise UsageError("feedback is kept only if its giver warrants that it is theirs to give (P08)")
    name = get_tenant(house, tenant).name
    with unit_of_work(house.db, name, house.clock) as unit:
        notice = read_latest(unit.connection)
        identity = new_id("fb")
        box = house.keys.wrap_to(Role.WEB, words.encode(), _context(name, identity))
        row = {"id": identity, "tenant": name, "at": unit.at, "notice": notice.version, "actor": actor}
        terms = {"licence": notice.form.licence, "warranty": notice.form.warranty, "text": json.dumps(box)}
        unit.connection.execute(insert(FEEDBACK).values(**row, **terms))
        facts = {"id": identity, "notice": notice.version, "characters": len(words)}
        unit.append(Event("feedback.given", actor=actor, tenant=name, facts=facts))
    return identity


def list_feedback(house: House, tenant: str) -> list[Feedback]:
    """What this tenant has said, oldest first; for the tenant's own pages. KeyFault in a role other than `web`."""
    name = get_tenant(house, tenant).name
    with house.db.read(name) as connection:
        query = select(FEEDBACK).where(FEEDBACK.c.tenant == name).order_by(FEEDBACK.c.at)
        rows = connection.execute(query).mappings().all()
    return [_feedback(house, row) for row in rows]


def read_feedback(house: House, tenant: str, *, actor: str) -> list[Feedback]:
    """What this tenant has said, for the vendor's people: the event that says who read it is durable first (rule 3)."""
    found = list_feedback(house, tenant)
    name = get_tenant(house, tenant).name
    with unit_of_work(house.db, name, house.clock) as unit:
        unit.append(Event("feedback.read", actor=actor, tenant=name, facts={"ids": [one.id for one in found]}))
    return found


def erase_feedback(house: House, tenant: str, identity: str, *, actor: str = "customer") -> None:
    """Forget the words of an entry, as when they name a person who asks for it; its terms and events stay (P34).

    UnknownName if the tenant has no such entry; idempotent.
    """
    name = get_tenant(house, tenant).name
    mine = (FEEDBACK.c.tenant == name) & (FEEDBACK.c.id == identity)
    with unit_of_work(house.db, name, house.clock) as unit:
        text: str | None = unit.connection.execute(select(FEEDBACK.c.text).where(mine)).scalar()
        if text is None:
            raise UnknownName("no such feedback")
        if text:
            unit.connection.execute(update(FEEDBACK).where(mine).values(text=""))
            unit.append(Event("feedback.erased", actor=actor, tenant=name, facts={"id": identity}))


def seal_open_feedback(house: House) -> int:
    """Seal what an older room kept in the clear; how many entries. The worker's duty; idempotent."""
    with house.db.read(EVERY_TENANT) as connection:
        rows = connection.execute(select(FEEDBACK.c.id, FEEDBACK.c.tenant, FEEDBACK.c.text)).all()
    found = [row for row in rows if row.text and _box(row.text) is None]
    for row in found:
        tenant = TenantName(row.tenant)
        box = house.keys.wrap_to(Role.WEB, row.text.encode(), _context(tenant, row.id))
        with unit_of_work(house.db, tenant, house.clock) as unit:
            change = update(FEEDBACK).where(FEEDBACK.c.id == row.id, FEEDBACK.c.tenant == tenant)
            unit.connection.execute(change.values(text=json.dumps(box)))
            unit.append(Event("feedback.sealed", actor=house.role.value, tenant=tenant, facts={"id": row.id}))
    return len(found)


def _context(tenant: TenantName, identity: str) -> dict[str, str]:
    return {"what": "feedback", "tenant": tenant, "id": identity}


def _feedback(house: House, row: RowMapping) -> Feedback:
    return Feedback(
        id=row["id"],
        at=row["at"],
        text=_open(house, row),
        notice=row["notice"],
        licence=row["licence"],
        warranty=row["warranty"],
        actor=row["actor"],
    )


def _open(house: House, row: RowMapping) -> str:
    text: str = row["text"]
    box = _box(text)
    return text if box is None else house.keys.unwrap(box, _context(row["tenant"], row["id"])).decode()


def _box(text: str) -> Box | None:
    """The sealed words; None where they stand in the clear (an older room) or are erased."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and set(found) == {"ephemeral", "nonce", "box"} else None
