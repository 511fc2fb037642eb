"""What the register says about one tenant, as its administrator reads it (P10): who, for whom, why, how many, when.

Read from the event rows of the tenant's own place; the same lines are in the tenant's Merkle log, which the
administrator can take home and verify.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from readingroom.access.grant_states import GrantState
from readingroom.access.grants import list_grants
from readingroom.access.people import get_person
from readingroom.audit.tables import PLACE_EVENTS
from readingroom.engagement.tenants import Tenant
from readingroom.house import House

_LOOKS = ("item.viewed", "part.opened", "access.denied")
_STEPS = ("copy.part_registered", "copy.part_recorded")
_WORDS = {
    "item.viewed": "looked at items",
    "part.opened": "read for a model, check or request",
    "access.denied": "was denied",
}


@dataclass(frozen=True)
class Look:
    """One line of who saw what: a day's looks of one actor for one purpose."""

    day: str
    name: str  # of the events
    what: str
    actor: str
    employer: str
    country: str
    purpose: str
    count: int
    waiting: int  # of these, how many the worker has not written to the log yet

    @property
    def key(self) -> str:
        """What the browser finds the line by, when it counts again."""
        return json.dumps([self.day, self.name, self.actor, self.employer, self.country, self.purpose])


def looks(house: House, tenant: Tenant) -> list[Look]:
    """Every look at the tenant's copies, a line per day, actor and purpose, newest first."""
    counted: Counter[tuple[str, ...]] = Counter()
    waiting: Counter[tuple[str, ...]] = Counter()
    for leaf, logged in _leaves(house, tenant, _LOOKS):
        facts = leaf["facts"]
        key = (
            str(leaf["at"])[:10],
            str(leaf["name"]),
            str(leaf["actor"]),
            str(facts.get("employer", "this system")),
            str(facts.get("country", "\N{EN DASH}")),
            str(facts.get("purpose", "\N{EN DASH}")),
        )
        counted[key] += 1
        waiting[key] += not logged
    lines = [
        Look(key[0], key[1], _WORDS[key[1]], key[2], key[3], key[4], key[5], count, waiting[key])
        for key, count in counted.items()
    ]
    return sorted(lines, key=lambda look: (look.day, look.count), reverse=True)


def last_look(house: House, tenant: Tenant) -> datetime | None:
    """When somebody last looked at an item or a part of this tenant's."""
    place = house.place(tenant.place)
    names = PLACE_EVENTS.c.name.in_(("item.viewed", "part.opened"))
    query = select(PLACE_EVENTS.c.at).where(PLACE_EVENTS.c.tenant == tenant.name, names)
    with place.db.read(tenant.name) as connection:
        found: datetime | None = connection.execute(query.order_by(PLACE_EVENTS.c.number.desc()).limit(1)).scalar()
    return found


@dataclass(frozen=True)
class Opening:
    """Somebody who may look now: the grant as the customer reads it (P20, P22)."""

    actor: str
    employer: str
    country: str
    category: str
    purpose: str
    why: str
    until: datetime | None


def openings(house: House, tenant: Tenant) -> list[Opening]:
    """The grants that are active now, the newest first; people by their pseudonyms."""
    found = []
    for grant in list_grants(house, tenant.name):
        if grant.state is GrantState.APPROVED:
            who = get_person(house, grant.person)
            about = (grant.category.value, grant.purpose, grant.why, grant.ends_at)
            found.append(Opening(who.actor, who.employer, who.country, *about))
    return found[::-1]


def recent_events(house: House, tenant: Tenant, limit: int = 25) -> list[dict[str, Any]]:
    """The newest lines of the tenant's register, public part only, without the single steps of copy runs."""
    place = house.place(tenant.place)
    mine = (PLACE_EVENTS.c.tenant == tenant.name) & PLACE_EVENTS.c.name.not_in(_STEPS)
    query = select(PLACE_EVENTS.c.leaf, PLACE_EVENTS.c.log_index).where(mine)
    with place.db.read(tenant.name) as connection:
        rows = connection.execute(query.order_by(PLACE_EVENTS.c.number.desc()).limit(limit)).all()
    return [{**json.loads(row.leaf), "log_index": row.log_index} for row in rows]


def _leaves(house: House, tenant: Tenant, names: tuple[str, ...]) -> Iterator[tuple[dict[str, Any], bool]]:
    place = house.place(tenant.place)
    query = select(PLACE_EVENTS.c.leaf, PLACE_EVENTS.c.log_index).where(
        PLACE_EVENTS.c.tenant == tenant.name, PLACE_EVENTS.c.name.in_(names)
    )
    with place.db.read(tenant.name) as connection:
        for row in connection.execute(query):
            yield json.loads(row.leaf), row.log_index is not None
