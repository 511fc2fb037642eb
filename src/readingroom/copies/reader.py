"""Rows of a sealed copy, for `access` alone (rule 3; the import contracts keep every other room out).

The gate decides and writes its event before it calls anything here; what stands here repeats the copy's own obstacles
(state, purge, expiry) because a key can outlive a decision by seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from readingroom.copies.opening import open_part, sealed_bytes
from readingroom.copies.part_names import ROW, seal_context
from readingroom.copies.records import Copy, Item, Part, parts_in, read_copy
from readingroom.copies.retention import unreadable
from readingroom.copies.tables import PartKind
from readingroom.copies.unseal import read_part, take_rows
from readingroom.core.errors import SealFault, UnknownName, WrongState
from readingroom.core.ids import CopyId, PartName
from readingroom.house import House


def read_rows(house: House, copy: Copy, part: PartName, *, columns: Sequence[str] | None = None) -> pa.Table:
    """Every row of a data part as it is sealed now, with `_row`."""
    present, found = _current(house, copy, part)
    wanted = None if columns is None else [*columns, *([] if ROW in columns else [ROW])]
    return open_part(house, present, found, columns=wanted)


def read_item(house: House, copy: Copy, item: Item) -> dict[str, Any]:
    """The one row of an item as {column: value}, without `_row`; only its row group is decrypted."""
    present, part = _current(house, copy, item.part)
    data = sealed_bytes(house, present, part)
    key = house.place(present.place).keyring.part_key(present.id, part.key)
    context = seal_context(present, part)
    numbers = read_part(data, key, context, columns=[ROW])[ROW]
    at = pc.index(numbers, item.row).as_py()
    if at < 0:
        raise UnknownName(f"the row of item {item.id} is no longer there")
    rows: list[dict[str, Any]] = take_rows(data, key, context, rows=[at]).drop_columns([ROW]).to_pylist()
    return rows[0]


def _current(house: House, copy: Copy, part: PartName) -> tuple[Copy, Part]:
    """Copy and part as they are now, since a rewrite may have come between; WrongState if the copy is not readable."""
    with house.place(copy.place).db.read(copy.tenant) as connection:
        present = read_copy(connection, CopyId(copy.id))
        parts = parts_in(connection, copy.id, kind=PartKind.DATA)
    if present is None:
        raise UnknownName(f"no copy {copy.id!r} in this place")
    obstacle = unreadable(present, house.clock.now())
    if obstacle:
        raise WrongState(obstacle)
    found = next((one for one in parts if one.name == part), None)
    if found is None:
        raise SealFault(f"copy {copy.id} has no part {part!r}")
    return present, found
