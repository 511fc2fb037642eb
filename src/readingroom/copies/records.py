"""What a place knows of its copies, parts and items, as frozen values: for lists, pages, the gate and the queues.

Nothing here opens a part: reading bytes is `reader`'s, for `access` alone (rule 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from readingroom.copies.states import CopyState
from readingroom.copies.tables import COPIES, ITEMS, PARTS, PartKind
from readingroom.core.category import Category
from readingroom.core.clock import format_instant
from readingroom.core.errors import UnknownName
from readingroom.core.ids import CopyId, ItemId, PartName, PlaceName, TenantName
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House, Place


@dataclass(frozen=True)
class Copy:
    """One copy, without its manifest (`manifest.read_manifest`)."""

    id: CopyId
    tenant: TenantName
    category: Category
    place: PlaceName
    state: CopyState
    day: str
    actor: str
    owner: str
    confidentiality: str
    notice: str
    runner: str
    heartbeat: datetime | None
    created_at: datetime
    sealed_at: datetime | None
    expires_at: datetime
    purge_due: datetime
    purge_started_at: datetime | None
    purged_at: datetime | None
    rows: int
    items: int
    withheld_items: int
    bytes: int
    reason: str
    manifest_sha256: str

    def public(self) -> dict[str, Any]:
        """The copy as `copy list --json` shows it."""
        return {
            "id": self.id,
            "tenant": self.tenant,
            "category": self.category.value,
            "place": self.place,
            "state": self.state.value,
            "rows": self.rows,
            "items": self.items,
            "withheld_items": self.withheld_items,
            "bytes": self.bytes,
            "created_at": format_instant(self.created_at),
            "sealed_at": _shown(self.sealed_at),
            "expires_at": format_instant(self.expires_at),
            "purge_due": format_instant(self.purge_due),
            "purged_at": _shown(self.purged_at),
            "reason": self.reason,
            "owner": self.owner,
            "confidentiality": self.confidentiality,
        }


@dataclass(frozen=True)
class Part:
    """One Parquet file of a copy; `name` is stable over rewrites, `generation`, `key` and `path` are not."""

    copy: CopyId
    name: PartName
    tenant: TenantName
    kind: PartKind
    position: int
    generation: int
    key: PartName
    path: str
    table_name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Item:
    """One thing a reviewer looks at: a row of a part. `withheld` is a Reason, or empty."""

    id: ItemId
    copy: CopyId
    tenant: TenantName
    part: PartName
    row: int
    kind: str
    table_name: str
    withheld: str
    twin: bytes
    record: bytes


_COPY = [column for column in COPIES.c if column.name != "manifest"]


def list_copies(house: House, tenant: TenantName = EVERY_TENANT) -> tuple[Copy, ...]:
    """Every copy in the places of this process, of one tenant or of all, oldest first."""
    found: list[Copy] = []
    for place in house.places.values():
        with place.db.read(tenant) as connection:
            found += copies_in(connection, tenant=tenant)
    return tuple(sorted(found, key=lambda copy: (copy.created_at, copy.id)))


def live_copies(house: House, tenant: TenantName) -> tuple[Copy, ...]:
    """The sealed copies of a tenant that no purge has begun on; some may be past their instant (`retention`)."""
    return tuple(c for c in list_copies(house, tenant) if c.state is CopyState.SEALED and c.purge_started_at is None)


def get_copy(house: House, copy: CopyId) -> Copy:
    """The copy of that id, wherever in this process's places; UnknownName otherwise."""
    for place in house.places.values():
        with place.db.read(EVERY_TENANT) as connection:
            found = read_copy(connection, copy)
            if found:
                return found
    raise UnknownName(f"no copy {copy!r} in the places of this process")


def read_copy(connection: Connection, copy: CopyId) -> Copy | None:
    """The copy of that id as this transaction sees it."""
    row = connection.execute(select(*_COPY).where(COPIES.c.id == copy)).one_or_none()
    return None if row is None else _copy(row)


def copies_in(
    connection: Connection, *, tenant: TenantName = EVERY_TENANT, state: CopyState | None = None
) -> tuple[Copy, ...]:
    """The copies of a tenant or of all, in one state or in any, as this transaction sees them; oldest first."""
    statement = select(*_COPY).order_by(COPIES.c.created_at, COPIES.c.id)
    if tenant != EVERY_TENANT:
        statement = statement.where(COPIES.c.tenant == tenant)
    if state is not None:
        statement = statement.where(COPIES.c.state == state.value)
    return tuple(_copy(row) for row in connection.execute(statement))


def place_of(house: House, copy: CopyId) -> Place:
    """The place that holds a copy."""
    return house.place(get_copy(house, copy).place)


def list_parts(house: House, copy: Copy, *, kind: PartKind | None = PartKind.DATA) -> tuple[Part, ...]:
    """The parts of a copy in order of position; None is every kind."""
    with house.place(copy.place).db.read(copy.tenant) as connection:
        return parts_in(connection, copy.id, kind=kind)


def parts_in(connection: Connection, copy: CopyId, *, kind: PartKind | None) -> tuple[Part, ...]:
    """The parts of a copy as this transaction sees them."""
    statement = select(PARTS).where(PARTS.c.copy == copy).order_by(PARTS.c.kind, PARTS.c.position)
    if kind is not None:
        statement = statement.where(PARTS.c.kind == kind.value)
    return tuple(_part(row) for row in connection.execute(statement))


def get_item(house: House, item: ItemId) -> Item:
    """The item of that id; UnknownName if it never was, or went with its copy."""
    for place in house.places.values():
        with place.db.read(EVERY_TENANT) as connection:
            row = connection.execute(select(ITEMS).where(ITEMS.c.id == item)).one_or_none()
            if row is not None:
                return item_of(row)
    raise UnknownName(f"no item {item!r} in the places of this process")


def list_items(house: House, copy: Copy, *, kind: str | None = None) -> tuple[Item, ...]:
    """The items of a copy in order of part and row, withheld ones too (`withheld` says so)."""
    statement = select(ITEMS).where(ITEMS.c.copy == copy.id).order_by(ITEMS.c.part, ITEMS.c.row)
    if kind is not None:
        statement = statement.where(ITEMS.c.kind == kind)
    with house.place(copy.place).db.read(copy.tenant) as connection:
        return tuple(item_of(row) for row in connection.execute(statement))


def item_of(row: Row[Any]) -> Item:
    """The frozen Item of one row of ITEMS."""
    return Item(**row._asdict())


def _copy(row: Row[Any]) -> Copy:
    values = row._asdict()
    return Copy(**{**values, "category": Category(values["category"]), "state": CopyState(values["state"])})


def _part(row: Row[Any]) -> Part:
    values = row._asdict()
    return Part(**{**values, "kind": PartKind(values["kind"])})


def _shown(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)
