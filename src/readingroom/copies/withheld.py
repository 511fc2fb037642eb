"""The list by which upper rooms tell the copy run and the gate what must not be shown: by subject tag or by item.

Upper rooms only add to it, inside their own unit of work, so that the entry and the event that explains it are one
transaction (rule 5). The copy run leaves out every tag on it (P16, P34); the gate asks `check_item` at every read.
An entry of a tag outlives the copies: it is a keyed hash, and what suppresses a subject after a restore.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, func, insert, select, update

from readingroom.audit.unit import Unit
from readingroom.copies.tables import COPIES, ITEMS, KNOWN_VALUES, WITHHELD, Reason
from readingroom.core.errors import UnknownName
from readingroom.core.ids import ItemId, TenantName, new_id

_CHUNK = 500  # values in one statement; every database takes that many


def withhold_tags(unit: Unit, tenant: TenantName, tags: Iterable[bytes], *, reason: Reason, request: str) -> int:
    """Put subject tags on the list; how many were not on it for this reason. The caller appends the event."""
    known = select(WITHHELD.c.tag).where(
        WITHHELD.c.tenant == tenant, WITHHELD.c.reason == reason.value, WITHHELD.c.lifted_at.is_(None)
    )
    there = set(unit.connection.scalars(known.where(WITHHELD.c.tag.is_not(None))))
    fresh = sorted(set(tags) - there)
    entry = {"tenant": tenant, "item": None, "reason": reason.value, "request": request, "since": unit.at}
    rows = [{**entry, "id": new_id("wh"), "tag": tag} for tag in fresh]
    if rows:
        unit.connection.execute(insert(WITHHELD), rows)
    return len(rows)


def withhold_item(unit: Unit, item: ItemId, *, reason: Reason, request: str = "") -> tuple[ItemId, ...]:
    """Withhold an item and its twins for every purpose, from this transaction on; every item now withheld.

    Twins hold the same text in the same copy, or come from the same source record in another live copy.
    """
    found = unit.connection.execute(select(ITEMS).where(ITEMS.c.id == item)).one_or_none()
    if found is None:
        raise UnknownName(f"no item {item!r}")
    same = (ITEMS.c.id == item) | ((ITEMS.c.twin == found.twin) & (ITEMS.c.twin != b""))
    same |= (ITEMS.c.record == found.record) & (ITEMS.c.record != b"")
    twins = tuple(unit.connection.scalars(select(ITEMS.c.id).where(ITEMS.c.tenant == found.tenant, same)))
    entry = {"tenant": found.tenant, "tag": None, "reason": reason.value, "request": request, "since": unit.at}
    unit.connection.execute(insert(WITHHELD), [{**entry, "id": new_id("wh"), "item": twin} for twin in twins])
    mark_items(unit, twins, reason=reason)
    return tuple(ItemId(twin) for twin in twins)


def mark_items(unit: Unit, items: Iterable[str], *, reason: Reason) -> int:
    """Withhold these items (those not withheld already) and keep each copy's count true; how many changed."""
    wanted, changed = sorted(set(items)), 0
    for at in range(0, len(wanted), _CHUNK):
        chosen = ITEMS.c.id.in_(wanted[at : at + _CHUNK]) & (ITEMS.c.withheld == "")
        counts = select(ITEMS.c.copy, func.count()).where(chosen).group_by(ITEMS.c.copy)
        for copy, count in unit.connection.execute(counts).all():
            more = update(COPIES).where(COPIES.c.id == copy)
            unit.connection.execute(more.values(withheld_items=COPIES.c.withheld_items + count))
        changed += unit.connection.execute(update(ITEMS).where(chosen).values(withheld=reason.value)).rowcount
    return changed


def release_item(unit: Unit, item: ItemId) -> None:
    """Take a flagged item off the list again, when the privacy officer decides so. The caller appends the event.

    It stays withheld while another entry names it.
    """
    open_entries = (WITHHELD.c.item == item) & WITHHELD.c.lifted_at.is_(None)
    flagged = open_entries & (WITHHELD.c.reason == Reason.FLAGGED.value)
    unit.connection.execute(update(WITHHELD).where(flagged).values(lifted_at=unit.at))
    others = unit.connection.scalar(select(func.count()).select_from(WITHHELD).where(open_entries))
    row = unit.connection.execute(select(ITEMS).where(ITEMS.c.id == item)).one_or_none()
    if row is not None and row.withheld == Reason.FLAGGED.value and not others:
        unit.connection.execute(update(ITEMS).where(ITEMS.c.id == item).values(withheld=""))
        less = update(COPIES).where(COPIES.c.id == row.copy)
        unit.connection.execute(less.values(withheld_items=COPIES.c.withheld_items - 1))


def lift_tags(unit: Unit, tenant: TenantName, *, request: str) -> int:
    """End the restriction or objection that `request` asked for; erasure and suppression are never lifted."""
    liftable = WITHHELD.c.reason.in_([Reason.RESTRICTED.value, Reason.OBJECTED.value])
    open_entries = (WITHHELD.c.tenant == tenant) & (WITHHELD.c.request == request) & WITHHELD.c.lifted_at.is_(None)
    change = update(WITHHELD).where(open_entries, liftable, WITHHELD.c.tag.is_not(None))
    return unit.connection.execute(change.values(lifted_at=unit.at)).rowcount


def withheld_tags(connection: Connection, tenant: TenantName) -> frozenset[bytes]:
    """Every subject tag that no later copy of this tenant may hold."""
    statement = select(WITHHELD.c.tag).where(WITHHELD.c.tenant == tenant, WITHHELD.c.lifted_at.is_(None))
    return frozenset(connection.scalars(statement.where(WITHHELD.c.tag.is_not(None))))


def withheld_reason(connection: Connection, item: ItemId) -> str:
    """Why an item may not be shown; empty if it may. An unknown item is withheld (rule 2)."""
    row = connection.execute(select(ITEMS.c.withheld).where(ITEMS.c.id == item)).one_or_none()
    if row is None:
        return "unknown"
    if row.withheld:
        return str(row.withheld)
    listed = select(WITHHELD.c.reason).where(WITHHELD.c.item == item, WITHHELD.c.lifted_at.is_(None)).limit(1)
    return str(connection.scalar(listed) or "")


def suppressions(connection: Connection, tenant: TenantName) -> int:
    """How many tags must still be known, withheld or named by a flag: while there is one, the tag key lives."""
    statement = select(func.count()).select_from(WITHHELD).where(WITHHELD.c.tenant == tenant)
    open_tags = statement.where(WITHHELD.c.tag.is_not(None), WITHHELD.c.lifted_at.is_(None))
    values = select(func.count()).select_from(KNOWN_VALUES).where(KNOWN_VALUES.c.tenant == tenant)
    return int(connection.scalar(open_tags) or 0) + int(connection.scalar(values) or 0)
