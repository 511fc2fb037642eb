"""Parquet files as batches of checked cells, typed as everywhere in this room; streamed, never a whole file at once.

Rule 1: as in CSV, the first cell that is not what its column says is told by row and column, and nothing of it is
given out: text is UTF-8 without NUL and at most CELL_LIMIT characters, a number is finite, a date has a year of four
digits. Rule 2: a file's types must be those of its table, or narrower numbers; a type that lies is a fault.
Rule 3: memory is that of one batch; its rows are fewer where rows are larger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from readingroom.sources import keyed_hash, values
from readingroom.sources.blocks import CELL_LIMIT
from readingroom.sources.columns import ARROW_TYPES
from readingroom.sources.csv_cells import NULL
from readingroom.sources.files import SourceFile
from readingroom.sources.model import BadData, Column

_BATCH_BYTES: Final = 8 << 20
_MOST_ROWS: Final = 8192
_BUFFER: Final = 1 << 20
_FOOTER: Final = 64 << 20
_YEAR_1, _YEAR_10000 = -62_135_596_800_000_000, 253_402_300_800_000_000  # microseconds since 1970
_NUL: Final = 0
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)


class ParquetCells:
    """One open file: `batches` gives (number of the first row, columns), checked."""

    def __init__(self, raw: BinaryIO, file: SourceFile) -> None:
        self._file = file
        try:
            self._parquet = pq.ParquetFile(
                raw,
                pre_buffer=False,
                buffer_size=_BUFFER,
                coerce_int96_timestamp_unit="us",
                thrift_string_size_limit=_FOOTER,
                thrift_container_size_limit=_FOOTER,
                page_checksum_verification=True,
            )
            self._names = frozenset(self._parquet.schema_arrow.names)
        except (pa.ArrowException, OSError, ValueError):
            raise BadData("parquet_unreadable", file.at()) from None
        self.rows = self._parquet.metadata.num_rows
        self.plain_bytes = sum(self._group(at).total_byte_size for at in self._groups)
        self._check_sizes()

    @property
    def _groups(self) -> range:
        return range(self._parquet.metadata.num_row_groups)

    def _group(self, at: int) -> Any:
        return self._parquet.metadata.row_group(at)

    def names(self) -> frozenset[str]:
        """The columns that are in the file."""
        return self._names

    def batches(
        self, columns: tuple[Column, ...], partition: Mapping[str, Any]
    ) -> Iterator[tuple[int, dict[str, pa.Array]]]:
        """All rows: (first row, counted from 1; the columns by name). A column that the file lacks is null."""
        stored = [one.name for one in columns if one.name in self._names and one.name not in partition]
        row = 1
        for batch in self._raw_batches(stored):
            found = {}
            for column in columns:
                if column.name in partition:
                    cells = _repeated(partition[column.name], batch.num_rows)
                elif column.name in self._names:
                    cells = batch.column(column.name)
                else:
                    cells = pa.nulls(batch.num_rows)
                found[column.name] = cells
            yield row, self._typed(columns, found, row)
            row += batch.num_rows

    def _raw_batches(self, stored: list[str]) -> Iterator[pa.RecordBatch]:
        batches = self._parquet.iter_batches(self._batch_rows(), columns=stored, use_threads=False)
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError, ValueError):
                raise BadData("parquet_unreadable", self._file.at()) from None
            if batch is None:
                return
            yield batch

    def _batch_rows(self) -> int:
        """Rows of a batch, so that an even file stays under _BATCH_BYTES (rule 3)."""
        groups = [self._group(at) for at in self._groups]
        widest = max((one.total_byte_size // max(one.num_rows, 1) for one in groups), default=0)
        return int(min(_MOST_ROWS, max(16, _BATCH_BYTES // max(widest, 1))))

    def _check_sizes(self) -> None:
        """Refuse by the footer what cannot be within the cell limit, before any of it is unpacked."""
        for at in self._groups:
            group = self._group(at)
            for number in range(group.num_columns):
                chunk = group.column(number)
                if chunk.total_uncompressed_size > max(chunk.num_values, 1) * 4 * CELL_LIMIT + _BUFFER:
                    raise BadData("cell_too_large", self._file.at(None, chunk.path_in_schema))

    def _typed(self, columns: tuple[Column, ...], found: dict[str, pa.Array], row: int) -> dict[str, pa.Array]:
        typed: dict[str, pa.Array] = {}
        first: tuple[int, int, str] | None = None
        for at, column in enumerate(columns):
            cells = _cast(found[column.name], column.type)
            if cells is None:
                raise BadData("column_type_differs", self._file.at(None, column.name))
            bad, code = _first_bad(cells, column.type)
            if code and (first is None or (bad, at) < first[:2]):
                first = bad, at, code
            typed[column.name] = cells
        if first is not None:
            bad, at, code = first
            raise BadData(code, self._file.at(row + bad, columns[at].name))
        return typed


def as_batch(typed: Mapping[str, pa.Array], rows: NDArray[np.int64], columns: tuple[Column, ...]) -> pa.RecordBatch:
    """The chosen rows (from 0) of typed columns, as they are given out."""
    chosen = pa.array(rows)
    arrays = [_given(typed[one.name].take(chosen), one.type) for one in columns]
    names = [one.name for one in columns]
    return pa.RecordBatch.from_arrays(arrays, names=names)


def ids_of(cells: pa.Array) -> tuple[int, NDArray[np.uint8]]:
    """(first row that is no GUID or -1, the ids as 16 bytes each) of a text column."""
    out = np.zeros((len(cells), 16), dtype=np.uint8)
    return values.guids(_slices(cells), out), out


def content_hashes(
    typed: Mapping[str, pa.Array], leaving_out: frozenset[str], key: keyed_hash.Words
) -> keyed_hash.Words:
    """A keyed hash of each row's cells without some columns: it answers "the same content again?"."""
    count = len(next(iter(typed.values())))
    total = np.zeros(count, dtype=np.uint64)
    for name, cells in typed.items():
        if name in leaving_out:
            continue
        plain = _slices(cells if cells.type == pa.large_string() else cells.cast(pa.large_string()))
        hashes = np.empty(count, dtype=np.uint64)
        keyed_hash.hash_spans(plain.buf, plain.starts, plain.ends, key, hashes)
        total = (total ^ hashes) * _ODD  # wraps around, as it should
    return total


def micros(cells: pa.Array) -> NDArray[np.int64]:
    """Instants as microseconds since 1970; a null is the earliest of all."""
    return np.asarray(cells.cast(pa.int64()).fill_null(np.iinfo(np.int64).min).to_numpy(zero_copy_only=False))


def _repeated(value: Any, count: int) -> pa.Array:
    return pa.nulls(count) if value is None else pa.repeat(pa.scalar(value), count)


def _cast(cells: pa.Array, kind: str) -> pa.Array | None:
    """The cells in the type that is worked with; None if the file's type is another kind of thing (rule 2)."""
    found = cells.type
    if pa.types.is_dictionary(found):
        cells, found = cells.dictionary_decode(), found.value_type
    if pa.types.is_null(found):
        return pa.nulls(len(cells), ARROW_TYPES[kind])
    fits = {
        "int64": pa.types.is_integer,
        "double": lambda one: pa.types.is_floating(one) or pa.types.is_integer(one),
        "decimal": lambda one: pa.types.is_decimal(one) or pa.types.is_integer(one),
        "boolean": pa.types.is_boolean,
        "dateTime": lambda one: pa.types.is_timestamp(one) or pa.types.is_date(one),
    }.get(kind, _is_text)
    if not fits(found):
        return None
    if kind == "dateTime":
        return _instants(cells)
    try:
        return cells.cast(ARROW_TYPES[kind])
    except pa.ArrowException:
        return None


def _is_text(found: pa.DataType) -> bool:
    return bool(pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found))


def _instants(cells: pa.Array) -> pa.Array | None:
    """Times as microseconds in UTC; a time without a zone is UTC, as Dataverse writes it."""
    try:
        if pa.types.is_date(cells.type):
            cells = cells.cast(pa.timestamp("ms"))
        zone = cells.type.tz
        # only a nanosecond is ever cut off, as the seventh decimal is in CSV; an overflow is a fault
        cells = cells.cast(pa.timestamp("us", zone), safe=cells.type.unit != "ns")
        return cells.cast(ARROW_TYPES["dateTime"])
    except pa.ArrowException:
        return None


def _first_bad(cells: pa.Array, kind: str) -> tuple[int, str]:
    """(row from 0, code) of the first cell that breaks rule 1; code empty where none does."""
    if kind in {"string", "guid"}:
        return _bad_text(cells)
    if kind in {"double", "decimal"}:
        return _first(pc.is_finite(cells), "bad_double")
    if kind == "dateTime":
        number = cells.cast(pa.int64())
        return _first(pc.and_(pc.greater_equal(number, _YEAR_1), pc.less(number, _YEAR_10000)), "bad_datetime")
    return -1, ""


def _first(sound: pa.BooleanArray, code: str) -> tuple[int, str]:
    row = pc.index(sound, pa.scalar(value=False)).as_py()
    return (row, code) if row >= 0 else (-1, "")


def _bad_text(cells: pa.LargeStringArray) -> tuple[int, str]:
    found: list[tuple[int, str]] = []
    try:
        cells.validate(full=True)
    except pa.ArrowException:
        found.append((_first_not_utf8(cells), "invalid_utf8"))
        cells = cells.slice(0, found[0][0])
    plain = _slices(cells)
    if (plain.buf == _NUL).any():
        found.append(_first(pc.invert(pc.match_substring(cells, "\0")), "nul_byte"))
    if len(cells) and int((plain.ends - plain.starts).max()) > CELL_LIMIT:
        found.append(_first(pc.less_equal(pc.utf8_length(cells), CELL_LIMIT), "cell_too_large"))
    return min((one for one in found if one[1]), default=(-1, ""))


def _first_not_utf8(cells: pa.LargeStringArray) -> int:
    low, high = 0, len(cells)  # the first bad cell lies in [low, high)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            cells.slice(low, middle - low).validate(full=True)
            low = middle
        except pa.ArrowException:
            high = middle
    return low


def _slices(cells: pa.LargeStringArray) -> values.Slices:
    """A text column as kernels read it."""
    count = len(cells)
    _, offsets, data = cells.buffers()
    ends = (
        np.frombuffer(offsets, dtype=np.int64)[cells.offset : cells.offset + count + 1]
        if count
        else np.zeros(1, np.int64)
    )
    whole = np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else np.empty(0, dtype=np.uint8)
    buf = whole[int(ends[0]) : int(ends[-1])]
    places = ends - ends[0]
    flags = np.where(cells.is_null().to_numpy(zero_copy_only=False), NULL, 0).astype(np.uint8)
    return values.Slices(np.ascontiguousarray(buf), places[:-1], places[1:], flags)


def _given(cells: pa.Array, kind: str) -> pa.Array:
    return cells.cast(ARROW_TYPES[kind])
