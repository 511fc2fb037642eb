"""The tag index and the link table of a copy: where each subject tag stands, and which tags are one person (P16).

Each data part `p-N` has an index part `tags-N` beside it, sorted by tag; the link table is `links-N`. All hang on the
keyring's `tags` chain, so only the roles `copy` and `subjects` open them.
Memory holds one part at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.tagging import TAG, TAGS
from readingroom.copies.opening import open_part
from readingroom.copies.records import Copy, Part, list_parts, live_copies
from readingroom.copies.tables import PartKind
from readingroom.core.errors import KeyFault
from readingroom.core.ids import TenantName
from readingroom.house import House
from readingroom.keys.roles import Role

INDEX = pa.schema([("tag", TAG), *((field.name, field.type) for field in TAGS if field.name not in {"row", "tag"})])
TAG_PART = INDEX.append(pa.field("row", pa.int64()))  # `_row` of the part
LINK_PART = pa.schema([("person", TAG), ("kind", pa.string()), ("tag", TAG)])


@dataclass(frozen=True)
class PartHits:
    """Where the wanted tags stand in one data part: rows of TAG_PART (`row` is the part's `_row`)."""

    copy: Copy
    part: Part
    hits: pa.Table


def index_rows(tags: pa.Table, *, first: int) -> pa.Table:
    """The index rows of one batch whose first row is number `first` of its table."""
    numbers = tags["row"].to_numpy().astype(np.int64) + first
    columns = {name: tags[name] for name in INDEX.names}
    return pa.table({**columns, "row": pa.array(numbers, pa.int64())}).cast(TAG_PART)


def find(house: House, tenant: TenantName, tags: Collection[bytes]) -> Iterator[PartHits]:
    """Where `tags` stand in the live copies of a tenant, part by part. Roles copy and subjects only."""
    for copy in live_copies(house, tenant):
        yield from find_in(house, copy, tags)


def find_in(house: House, copy: Copy, tags: Collection[bytes]) -> Iterator[PartHits]:
    """Where `tags` stand in one copy, part by part."""
    _check_role(house)
    if not tags:
        return
    data = {part.position: part for part in list_parts(house, copy)}
    wanted = pa.array(sorted(set(tags)), TAG)
    for index in list_parts(house, copy, kind=PartKind.TAGS):
        rows = open_part(house, copy, index)
        hits = rows.filter(pc.is_in(rows["tag"], value_set=wanted))
        if hits.num_rows:
            yield PartHits(copy, data[index.position], hits)


def present(house: House, copies: Sequence[Copy], tags: Collection[bytes]) -> frozenset[bytes]:
    """Which of `tags` stand anywhere in `copies`."""
    found: set[bytes] = set()
    for copy in copies:
        for part in find_in(house, copy, tags):
            found.update(part.hits["tag"].unique().to_pylist())
    return frozenset(found)


def linked(house: House, tenant: TenantName, tags: Collection[bytes]) -> pa.Table:
    """The link rows (person, kind, tag) of every person whom one of `tags` belongs to, in the live copies.

    One step: who merely shares a telephone with such a person is found by that telephone, and not followed further.
    """
    _check_role(house)
    wanted = pa.array(sorted(set(tags)), TAG)
    copies = live_copies(house, tenant)
    people: set[bytes] = set()
    for table in _link_tables(house, copies):
        named = pc.or_(pc.is_in(table["tag"], value_set=wanted), pc.is_in(table["person"], value_set=wanted))
        people.update(table.filter(named)["person"].unique().to_pylist())
    chosen = pa.array(sorted(people), TAG)
    tables = [table.filter(pc.is_in(table["person"], value_set=chosen)) for table in _link_tables(house, copies)]
    rows = pa.concat_tables([LINK_PART.empty_table(), *tables])
    return rows.group_by(["person", "kind", "tag"]).aggregate([])


def _link_tables(house: House, copies: Sequence[Copy]) -> Iterator[pa.Table]:
    for copy in copies:
        for part in list_parts(house, copy, kind=PartKind.LINKS):
            yield open_part(house, copy, part)


def _check_role(house: House) -> None:
    if house.role not in {Role.COPY, Role.SUBJECTS}:
        raise KeyFault(f"role {house.role} reads no tags")
