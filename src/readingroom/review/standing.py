"""Whether something may still be said about items: only while the engagement is in force and their copies live.

Rule 1 (P35): after the end of an engagement nothing more is made of its data, not even a label of what was just seen.
Rule 2 (P15): nothing new refers to a purged copy; a label would bring back a salt that the purge destroyed.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select

from readingroom.audit.unit import Unit
from readingroom.copies.states import CopyState
from readingroom.copies.tables import COPIES, ITEMS
from readingroom.core.errors import WrongState
from readingroom.core.ids import ItemId, TenantName
from readingroom.engagement.mirror import mirror_state
from readingroom.engagement.states import check_may_view


def check_usable(unit: Unit, items: Collection[ItemId], tenant: TenantName) -> None:
    """WrongState unless the engagement is in force here and every item is the tenant's, of a live copy."""
    mirror = mirror_state(unit.connection, tenant)
    check_may_view(mirror.state if mirror else None, mirror.ends_at if mirror else None, unit.at)
    live = (COPIES.c.state == CopyState.SEALED.value) & COPIES.c.purge_started_at.is_(None)
    mine = ITEMS.c.id.in_(items) & (ITEMS.c.tenant == tenant) & live & (COPIES.c.expires_at > unit.at)
    statement = select(func.count()).select_from(ITEMS.join(COPIES, COPIES.c.id == ITEMS.c.copy)).where(mine)
    if unit.connection.execute(statement).scalar() != len(items):
        raise WrongState("the copy is gone, or going: nothing more is said about its items")
