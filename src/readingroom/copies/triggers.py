"""Deletions at the source are erasure triggers: who was deleted there is erased from the copies that still live (P34).

The copy run notes the tag of each deleted record that an earlier live copy holds; `subjects` acts on the notes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import insert, select, update

from readingroom.anonymize.normalize import subject_tag
from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.copies.records import Copy, live_copies
from readingroom.copies.tables import ERASURE_TRIGGERS
from readingroom.copies.tag_index import present
from readingroom.core.ids import CopyId, TenantName, new_id
from readingroom.house import House

KIND: Final = "record"  # of every id column: contacts, leads, users and accounts share it
_CHUNK: Final = 500


@dataclass(frozen=True)
class ErasureTrigger:
    """One deleted record whose tag stands in a live copy."""

    id: str
    tenant: TenantName
    tag: bytes
    kind: str
    source: str
    seen_by: CopyId
    seen_at: datetime
    acted_at: datetime | None
    request: str


def note_deletions(house: House, copy: Copy, deletions: Iterable[tuple[str, str]], *, tag_key: bytes) -> int:
    """Note the deletions that are new and occur in a live copy of the tenant; how many."""
    place = house.place(copy.place)
    sources: dict[bytes, str] = {}
    for table, identity in deletions:
        sources.setdefault(subject_tag(tag_key, KIND, identity), table)
    with place.db.read(copy.tenant) as connection:
        statement = select(ERASURE_TRIGGERS.c.tag).where(ERASURE_TRIGGERS.c.tenant == copy.tenant)
        open_ones = set(connection.scalars(statement.where(ERASURE_TRIGGERS.c.acted_at.is_(None))))
        known = set(connection.scalars(statement))
    found = sorted(present(house, live_copies(house, copy.tenant), set(sources) - open_ones))
    if not found:
        return 0
    with unit_of_work(place.db, copy.tenant, house.clock) as unit:
        again = [tag for tag in found if tag in known]  # acted on once, and in a copy again
        same = (ERASURE_TRIGGERS.c.tenant == copy.tenant) & (ERASURE_TRIGGERS.c.acted_at.is_not(None))
        for at in range(0, len(again), _CHUNK):
            chosen = update(ERASURE_TRIGGERS).where(same, ERASURE_TRIGGERS.c.tag.in_(again[at : at + _CHUNK]))
            unit.connection.execute(chosen.values(acted_at=None, seen_by=copy.id, seen_at=unit.at))
        row = {"tenant": copy.tenant, "kind": KIND, "seen_by": copy.id, "seen_at": unit.at}
        fresh = [{**row, "id": new_id("del"), "tag": t, "source": sources[t]} for t in found if t not in known]
        if fresh:
            unit.connection.execute(insert(ERASURE_TRIGGERS), fresh)
        facts = {"deletions": len(found)}
        unit.append(Event("copy.deletions_noted", actor="copy", tenant=copy.tenant, copy=copy.id, facts=facts))
    return len(found)


def open_triggers(house: House, tenant: TenantName) -> tuple[ErasureTrigger, ...]:
    """The triggers of a tenant that nobody has acted on, oldest first."""
    found: list[ErasureTrigger] = []
    statement = select(ERASURE_TRIGGERS).where(
        ERASURE_TRIGGERS.c.tenant == tenant, ERASURE_TRIGGERS.c.acted_at.is_(None)
    )
    for place in house.places.values():
        with place.db.read(tenant) as connection:
            found += [ErasureTrigger(**row._asdict()) for row in connection.execute(statement)]
    return tuple(sorted(found, key=lambda trigger: (trigger.seen_at, trigger.id)))


def settle_triggers(unit: Unit, tenant: TenantName, tags: Iterable[bytes], *, request: str) -> int:
    """Mark triggers as acted on by `request`, inside the caller's unit of work; how many."""
    wanted, settled = sorted(set(tags)), 0
    pending = (ERASURE_TRIGGERS.c.tenant == tenant) & ERASURE_TRIGGERS.c.acted_at.is_(None)
    for at in range(0, len(wanted), _CHUNK):
        chosen = update(ERASURE_TRIGGERS).where(pending, ERASURE_TRIGGERS.c.tag.in_(wanted[at : at + _CHUNK]))
        settled += unit.connection.execute(chosen.values(acted_at=unit.at, request=request)).rowcount
    return settled
