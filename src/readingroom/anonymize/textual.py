"""Any Arrow column of texts or bytes as one array of large_string that holds valid UTF-8, or a refusal.

Rule 1: row by row it is the same column: nulls stay null, no row is added or lost, chunks are put together.
Rule 2: bytes that are no UTF-8 become U+FFFD; all else stays as it is.
Rule 3: a column of anything else is refused by the name of its type; no message holds a cell's content.
"""

from __future__ import annotations

from typing import TypeAlias

import pyarrow as pa

from readingroom.core.errors import Fault, UsageError

TEXT = pa.large_string()
Column: TypeAlias = "pa.Array | pa.ChunkedArray"


def _is_texts(kind: pa.DataType) -> bool:
    texts = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return bool(texts or pa.types.is_null(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    plain = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    return bool(plain or pa.types.is_fixed_size_binary(kind))


def text_cells(column: Column) -> pa.LargeStringArray:
    """The column as one array of large_string, its UTF-8 checked."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (_is_texts(kind) or _is_bytes(kind)):
        raise UsageError(f"a column of texts is asked for, this one is of type {column.type}")
    try:
        return _checked(_one(column, kind))
    except pa.ArrowException:
        raise Fault(f"a column of type {column.type} cannot be read as texts") from None


def _one(column: Column, kind: pa.DataType) -> pa.Array:
    """One array, without dictionary, of texts or bytes as they are."""
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], kind)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary.cast(_large(kind)).take(column.indices)
    return column.cast(_large(kind))


def _large(kind: pa.DataType) -> pa.DataType:
    """Casting to this copies bytes at most; it never looks at what they are."""
    return TEXT if _is_texts(kind) else pa.large_binary()


def _checked(cells: pa.Array) -> pa.LargeStringArray:
    try:
        if pa.types.is_large_binary(cells.type):
            return cells.cast(TEXT)
        cells.validate(full=True)
    except pa.ArrowInvalid:
        whole = cells.cast(pa.large_binary()).to_pylist()
        return pa.array([None if cell is None else cell.decode("utf-8", "replace") for cell in whole], TEXT)
    return cells
