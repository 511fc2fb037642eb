"""Columns as texts: one cast for every type of column, so that no caller meets one that Arrow cannot cast."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

TEXT = pa.large_string()


def is_text(column: pa.Array) -> bool:
    """Whether the column holds texts."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def as_text(column: pa.Array) -> pa.Array:
    """The column as large_string; an instant is written in ISO 8601."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column, "%Y-%m-%dT%H:%M:%S").cast(TEXT)
    return column.cast(TEXT) if is_text(column) else column.cast(pa.string()).cast(TEXT)


def text_of(column: pa.Array) -> pa.Array:
    """The column as large_string, without empty cells (they are null)."""
    cells = as_text(column)
    empty = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(cells)), 0)
    return pc.if_else(empty, pa.scalar(None, TEXT), cells)
