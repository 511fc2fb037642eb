"""Labels as they were entered in the log, against the rows that models are trained from (P30).

The log does not show which item a label is about nor what it says: it holds commitments to both, which open by their
salts as long as the copy lives. With the purge of the copy the salts go, and what is left to show is that a label was
given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select

from readingroom.assure.register import Leaf, leaves_in
from readingroom.audit.tables import PLACE_SALTS
from readingroom.copies.records import copies_in
from readingroom.copies.states import CopyState
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House, Place
from readingroom.review.tables import LABELS

_RECORDED: Final = "label.recorded"
_UNDONE: Final = "label.undone"
_OPENED: Final = ("item", "answer")
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True)
class Labelled:
    """What the log says about the labels that are there."""

    wrong: list[str]
    opened: int  # whose item and answer were compared with the log
    sealed: int  # whose copy is gone, and the salts with it


def labels_as_entered(house: House) -> Labelled:
    """Compare every label with its leaf: who, when, what for, taken back or not, which item, which answer."""
    done = Labelled([], 0, 0)
    for place in house.places.values():
        found = _in_place(place)
        done = Labelled(done.wrong + found.wrong, done.opened + found.opened, done.sealed + found.sealed)
    return done


def _in_place(place: Place) -> Labelled:
    with place.db.read(EVERY_TENANT) as connection:
        rows = {row["id"]: dict(row) for row in connection.execute(select(LABELS)).mappings()}
        leaves = leaves_in(connection, place.db, place.name, (_RECORDED, _UNDONE))
        salts: dict[tuple[str, str], bytes] = {}
        for row in connection.execute(select(PLACE_SALTS).where(PLACE_SALTS.c.field.in_(_OPENED))):
            salts[row.event, row.field] = row.salt
        alive = {str(c.id) for c in copies_in(connection, state=CopyState.SEALED) if c.purge_started_at is None}
    undone = {leaf.facts["label"]: leaf.at for leaf in leaves if leaf.name == _UNDONE}
    wrong, opened, sealed = [], 0, 0
    for leaf in (one for one in leaves if one.name == _RECORDED and one.facts["label"] in rows):
        label = rows[leaf.facts["label"]]
        if _entered_otherwise(label, leaf, undone.get(label["id"])):
            wrong.append("a label is not the one that was entered")
        if leaf.copy not in alive and not any((leaf.id, name) in salts for name in _OPENED):
            sealed += 1
            continue
        opened += 1
        if not all(_opens(leaf, name, str(label[name]), salt=salts.get((leaf.id, name))) for name in _OPENED):
            wrong.append("a label says something else than its entry in the log")
    return Labelled(wrong, opened, sealed)


def _entered_otherwise(label: Mapping[str, Any], leaf: Leaf, undone: datetime | None) -> bool:
    said = (leaf.tenant, leaf.copy, leaf.actor, leaf.facts["purpose"])
    return (
        (label["tenant"], label["copy"], label["actor"], label["purpose"]) != said
        or abs(label["at"] - leaf.at) > _SECOND
        or (label["undone_at"] is None) is not (undone is None)
    )


def _opens(leaf: Leaf, name: str, value: str, *, salt: bytes | None) -> bool:
    return salt is not None and hashlib.sha256(salt + value.encode()).hexdigest() == leaf.commitments.get(name)
