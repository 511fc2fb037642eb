"""From the cells of a block to Arrow columns; and the check that every cell is what its column's type says.

Rule 1: a column is typed as described or the block is refused; no value is turned into a null (P14: a wrong column
under a wrong treatment is a leak).
Rule 2: text is taken over byte for byte; only doubled quotes become one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from readingroom.sources import values
from readingroom.sources.blocks import Block
from readingroom.sources.csv_cells import DOUBLED, NULL
from readingroom.sources.kernel import Bytes, Ints, kernel
from readingroom.sources.model import BadData, Column

ARROW_TYPES: dict[str, pa.DataType] = {
    "string": pa.large_string(),
    "guid": pa.large_string(),
    "int64": pa.int64(),
    "double": pa.float64(),
    "decimal": pa.float64(),
    "boolean": pa.bool_(),
    "dateTime": pa.timestamp("us", "UTC"),
}
_BAD = {
    "guid": "bad_guid",
    "int64": "bad_int",
    "double": "bad_double",
    "decimal": "bad_double",
    "boolean": "bad_boolean",
    "dateTime": "bad_datetime",
}
_WORDS = (np.frombuffer(b"true", dtype=np.uint8), np.frombuffer(b"false", dtype=np.uint8))
Rows = NDArray[np.int64]


@kernel
def _measure(cells: values.Slices, rows: Rows, offsets: Ints) -> None:
    """Byte lengths of the chosen rows' text, summed up."""
    total = 0
    offsets[0] = 0
    for at in range(rows.shape[0]):
        row = rows[at]
        start, end = cells.starts[row], cells.ends[row]
        if not cells.flags[row] & NULL:
            total += end - start
            if cells.flags[row] & DOUBLED:
                quotes = 0
                for byte in cells.buf[start:end]:
                    quotes += byte == 34
                total -= quotes // 2
        offsets[at + 1] = total


@kernel
def _copy(cells: values.Slices, rows: Rows, offsets: Ints, out: Bytes) -> None:  # noqa: PLR0917 - kernels are called by position
    """The chosen rows' text, each doubled quote as one."""
    for at in range(rows.shape[0]):
        row = rows[at]
        if cells.flags[row] & NULL:
            continue
        start, end, to = cells.starts[row], cells.ends[row], offsets[at]
        if not cells.flags[row] & DOUBLED:
            out[to : to + end - start] = cells.buf[start:end]
            continue
        while start < end:
            out[to] = cells.buf[start]
            start += 2 if cells.buf[start] == 34 else 1
            to += 1


def slices(block: Block, column: int) -> values.Slices:
    """One column of a block."""
    return values.Slices(block.buf, block.starts[:, column], block.ends[:, column], block.flags[:, column])


def nulls(block: Block, column: int) -> NDArray[np.bool_]:
    """Which rows are null in a column."""
    return np.asarray((block.flags[:, column] & NULL) != 0)


def check(block: Block) -> dict[str, NDArray[np.generic]]:
    """Raise the first cell, by row and then column, that is not of its type; give the typed columns' raw values."""
    raw: dict[str, NDArray[np.generic]] = {}
    first: tuple[int, int] | None = None
    for at, column in enumerate(block.layout.columns):
        if column.type == "string":
            continue
        row, raw[column.name] = _parse(slices(block, at), column)
        if row >= 0 and (first is None or (row, at) < first):
            first = (row, at)
    if first is not None:
        row, at = first
        column = block.layout.columns[at]
        raise BadData(_BAD[column.type], block.file.at(block.first_row + row, column.name))
    return raw


def batch(block: Block, rows: Rows, wanted: tuple[Column, ...]) -> pa.RecordBatch:
    """The chosen rows of a block with the wanted columns; a column that this file lacks is null."""
    arrays = [_column(block, rows, column) for column in wanted]
    return pa.RecordBatch.from_arrays(arrays, schema=schema(wanted))


def schema(wanted: tuple[Column, ...]) -> pa.Schema:
    """The Arrow schema of columns."""
    return pa.schema([(column.name, ARROW_TYPES[column.type]) for column in wanted])


def text(block: Block, rows: Rows, column: int) -> pa.LargeStringArray:
    """The chosen rows of a column as text."""
    cells = slices(block, column)
    offsets = np.empty(len(rows) + 1, dtype=np.int64)
    _measure(cells, rows, offsets)
    data = np.empty(int(offsets[-1]), dtype=np.uint8)
    _copy(cells, rows, offsets, data)
    missing = nulls(block, column)[rows]
    return pa.LargeStringArray.from_buffers(
        len(rows), pa.py_buffer(offsets), pa.py_buffer(data), _validity(missing), int(missing.sum())
    )


def _column(block: Block, rows: Rows, column: Column) -> pa.Array:
    at = block.layout.index(column.name)
    if at is None:
        return pa.nulls(len(rows), ARROW_TYPES[column.type])
    if column.type in {"string", "guid"}:
        return text(block, rows, at)
    bad, raw = _parse(slices(block, at), column)
    if bad >= 0:  # the scan let nothing of that kind pass, so the file is not the one that was scanned
        raise BadData("source_changed", block.file.at(block.first_row + bad, column.name))
    if column.type in {"double", "decimal"}:
        return _doubles(block, rows, at)
    missing = nulls(block, at)[rows]
    if column.type == "boolean":
        return pa.array(raw[rows].astype(np.bool_), mask=missing)
    return pa.array(raw[rows], mask=missing).cast(ARROW_TYPES[column.type])


def _doubles(block: Block, rows: Rows, at: int) -> pa.Array:
    try:
        return text(block, rows, at).cast(pa.float64())
    except pa.ArrowInvalid:
        name = block.layout.columns[at].name
        raise BadData("bad_double", block.file.at(None, name)) from None


def _validity(missing: NDArray[np.bool_]) -> pa.Buffer | None:
    return pa.py_buffer(np.packbits(~missing, bitorder="little")) if missing.any() else None


def _parse(cells: values.Slices, column: Column) -> tuple[int, NDArray[np.generic]]:
    """(first bad row or -1, raw values) of a typed column."""
    count = int(cells.starts.shape[0])
    if column.type == "guid":
        ids = np.zeros((count, 16), dtype=np.uint8)
        return values.guids(cells, ids), ids
    if column.type in {"double", "decimal"}:
        return values.number_shapes(cells), np.empty(0)
    if column.type == "boolean":
        flags = np.zeros(count, dtype=np.uint8)
        return values.truths(cells, _WORDS, flags), flags
    out = np.zeros(count, dtype=np.int64)
    parse: Callable[[values.Slices, Ints], int] = values.instants if column.type == "dateTime" else values.whole_numbers
    return parse(cells, out), out
