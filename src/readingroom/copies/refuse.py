"""End a copy run without a copy: keys and bytes are destroyed in the same step as the state changes (rule 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import delete, update

from readingroom.audit.unit import Event, unit_of_work
from readingroom.copies.destroy import delete_objects, destroy_keys, objects_of
from readingroom.copies.records import Copy, read_copy
from readingroom.copies.staging import known_copy
from readingroom.copies.states import CopyState, check_transition
from readingroom.copies.tables import COPIES, ITEMS, OBJECTS, PARTS
from readingroom.core.canonical import digest
from readingroom.core.steps import reached, register
from readingroom.house import House

KEYS_DESTROYED: Final = register("copy.refusal_keys_destroyed", "the keys of a refused copy are destroyed")
OBJECTS_DELETED: Final = register("copy.refusal_objects_deleted", "the objects of a refused copy are deleted")
REFUSED: Final = register("copy.refused", "the copy is refused")
_REASON_LENGTH: Final = 200


def refuse_copy(house: House, copy: Copy, reason: str, *, findings: Mapping[str, Any], actor: str) -> None:
    """Destroy keys, then bytes, then write it down; safe to repeat after a crash at any point.

    `findings` (names, kinds, counts) become the manifest of the refused copy; the event has `findings["kinds"]` only.
    """
    place = house.place(copy.place)
    with place.db.read(copy.tenant) as connection:
        present = read_copy(connection, copy.id)
    if present is not None and present.state is not CopyState.REFUSED:
        check_transition(present.state, to=CopyState.REFUSED)  # a sealed copy is purged, never refused
    destroy_keys(place, copy)
    reached(KEYS_DESTROYED)
    delete_objects(place, copy, objects_of(place, copy))
    reached(OBJECTS_DELETED)
    with unit_of_work(place.db, copy.tenant, house.clock) as unit:
        present = known_copy(unit, copy.id)
        if present.state is CopyState.REFUSED:
            return
        check_transition(present.state, to=CopyState.REFUSED)
        for table in (ITEMS, PARTS, OBJECTS):
            unit.connection.execute(delete(table).where(table.c.copy == copy.id))
        unit.forget_salts(copy.id)
        manifest = dict(findings)
        values = {"state": CopyState.REFUSED.value, "reason": reason[:_REASON_LENGTH], "runner": "", "rows": 0}
        values |= {"items": 0, "withheld_items": 0, "bytes": 0, "manifest": manifest}
        values |= {"manifest_sha256": digest(dict(manifest))}
        unit.connection.execute(update(COPIES).where(COPIES.c.id == copy.id).values(**values))
        facts = {"reason": reason[:_REASON_LENGTH], "kinds": findings.get("kinds", {}), "category": copy.category.value}
        unit.append(Event("copy.refused", actor=actor, tenant=copy.tenant, copy=copy.id, facts=facts))
    place.db.checkpoint()
    reached(REFUSED)
