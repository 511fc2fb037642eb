"""Feedback: voluntary, with the licence and the warranty that the giver accepted, word for word (P08).

Rule 1: nothing else in the product asks for feedback or depends on it.
Rule 2: without the warranty no feedback is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from readingroom.audit.unit import Event, unit_of_work
from readingroom.core.errors import UsageError
from readingroom.core.ids import new_id
from readingroom.engagement.notice import read_latest
from readingroom.engagement.tables import FEEDBACK
from readingroom.engagement.tenants import get_tenant
from readingroom.house import House

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
        row = {"id": identity, "tenant": name, "at": unit.at, "text": words, "notice": notice.version, "actor": actor}
        terms = {"licence": notice.form.licence, "warranty": notice.form.warranty}
        unit.connection.execute(insert(FEEDBACK).values(**row, **terms))
        facts = {"id": identity, "notice": notice.version, "characters": len(words)}
        unit.append(Event("feedback.given", actor=actor, tenant=name, facts=facts))
    return identity


def list_feedback(house: House, tenant: str) -> list[Feedback]:
    """What this tenant has said, oldest first."""
    name = get_tenant(house, tenant).name
    with house.db.read(name) as connection:
        query = select(FEEDBACK).where(FEEDBACK.c.tenant == name).order_by(FEEDBACK.c.at)
        rows = connection.execute(query).mappings().all()
    return [
        Feedback(row["id"], row["at"], row["text"], row["notice"], row["licence"], row["warranty"], row["actor"])
        for row in rows
    ]
