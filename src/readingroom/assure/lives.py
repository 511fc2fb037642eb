"""The life of each copy as its leaves in the log tell it, against the row that the room works by (P15, P24).

Rule 1: age counts from the leaf that began the copy; a row that says another instant is a contradiction, not a fact.
Rule 2: rows and leaves of a place are read in one transaction, so that what happens meanwhile contradicts nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from readingroom.assure.register import Leaf, leaves_in
from readingroom.assure.timeline import SETTLE
from readingroom.copies.records import Copy, copies_in
from readingroom.copies.states import CopyState
from readingroom.core.category import Category
from readingroom.core.clock import parse_instant
from readingroom.core.settings import Limits
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House, Place

STEPS: Final = ("copy.started", "copy.sealed", "copy.refused", "copy.purge_started", "copy.purged")
REWRITTEN: Final = "copy.part_rewritten"
_SECOND: Final = timedelta(seconds=1)
_STATES: Final = (  # the last of these leaves that is there says the state
    ("copy.purged", CopyState.PURGED),
    ("copy.refused", CopyState.REFUSED),
    ("copy.sealed", CopyState.SEALED),
    ("copy.started", CopyState.STAGING),
)


@dataclass
class Life:
    """What the log says of one copy."""

    steps: dict[str, Leaf] = field(default_factory=dict)
    rows_gone: int = 0  # taken out by rewrites since it was sealed
    items_gone: int = 0

    @property
    def started(self) -> Leaf | None:
        """The leaf that began it."""
        return self.steps.get("copy.started")

    @property
    def sealed(self) -> Leaf | None:
        """The leaf that sealed it."""
        return self.steps.get("copy.sealed")

    @property
    def state(self) -> CopyState | None:
        """Its state, by its last step."""
        return next((state for name, state in _STATES if name in self.steps), None)


def lives(leaves: Iterable[Leaf]) -> dict[str, Life]:
    """The life of every copy that these leaves name."""
    found: dict[str, Life] = {}
    for leaf in leaves:
        life = found.setdefault(leaf.copy, Life())
        if leaf.name == REWRITTEN:
            life.rows_gone += leaf.facts["rows"]
            life.items_gone += leaf.facts["items"]
        else:
            life.steps[leaf.name] = leaf
    return found


def begun(house: House) -> dict[str, datetime]:
    """When each copy began, by its leaf."""
    found: dict[str, datetime] = {}
    for place in house.places.values():
        with place.db.read(EVERY_TENANT) as connection:
            found |= {leaf.copy: leaf.at for leaf in leaves_in(connection, place.db, place.name, ["copy.started"])}
    return found


def snapshot(place: Place) -> tuple[dict[str, Copy], dict[str, Life]]:
    """The copies of a place and their lives, of one moment (rule 2)."""
    with place.db.read(EVERY_TENANT) as connection:
        copies = {str(copy.id): copy for copy in copies_in(connection)}
        return copies, lives(leaves_in(connection, place.db, place.name, (*STEPS, REWRITTEN)))


def unlike_log(house: House, *categories: Category, tenants: Collection[str] | None = None) -> Iterator[str]:
    """Where the rows of copies of these categories (by row or by leaf) say something else than their leaves."""
    now = house.clock.now()
    for place in house.places.values():
        copies, told = snapshot(place)
        for identity, copy in copies.items():
            life = told.get(identity, Life())
            said = {copy.category.value} | ({str(life.started.facts["category"])} if life.started else set())
            whose = {str(copy.tenant)} | ({life.started.tenant} if life.started else set())
            if said & {one.value for one in categories} and (tenants is None or whose & set(tenants)):
                yield from contradictions(copy, life, now=now)


def contradictions(copy: Copy, life: Life, *, now: datetime) -> Iterator[str]:
    """Where a row says something else than the leaves of its copy. Pure."""
    start = life.started
    if start is None:
        yield "a copy has no beginning in the log"
        return
    facts = start.facts
    if (copy.tenant, copy.category.value, copy.place) != (start.tenant, facts["category"], facts["place"]):
        yield "a copy is not the one that the log names"
    if not _same(copy.created_at, start.at) or copy.day != start.at.date().isoformat():
        yield "a copy's beginning is not the one in the log"
    if start.at > now + SETTLE:
        yield "a copy was begun later than now"
    limit = start.at + Category(facts["category"]).lifetime(Limits())
    if not start.at <= copy.purge_due <= copy.expires_at <= limit:
        yield "a copy's life is not the one that follows from its beginning in the log"
    if copy.state is not life.state:
        yield "a copy's state is not the one in the log"
    yield from _steps(copy, life)
    yield from _counts(copy, life)


def _steps(copy: Copy, life: Life) -> Iterator[str]:
    instants = {
        "copy.sealed": copy.sealed_at,
        "copy.purge_started": copy.purge_started_at,
        "copy.purged": copy.purged_at,
    }
    for name, instant in instants.items():
        leaf = life.steps.get(name)
        if not _same(instant, leaf.at if leaf else None):
            yield "an instant of a copy is not the one in the log"
    purge = life.steps.get("copy.purge_started")
    if purge is not None and not _same(copy.expires_at, parse_instant(purge.facts["expires_at"])):
        yield "a copy's limit is not the one that its purge was measured by"


def _counts(copy: Copy, life: Life) -> Iterator[str]:
    sealed = life.sealed
    if sealed is None:
        return
    if (copy.rows, copy.items) != (sealed.facts["rows"] - life.rows_gone, sealed.facts["items"]):
        yield "a copy's counts are not those that were sealed"
    if not sealed.facts["withheld_items"] <= copy.withheld_items <= copy.items:
        yield "fewer items are withheld than were when the copy was sealed"


def _same(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= _SECOND
