"""Parquet and CSV, batch by batch: read, rewritten, written, with memory that does not grow.

Rule 1: an error names file, row and column, never content: foreign errors quote what they could not read.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq
from typing_extensions import override

from readingroom.anonymize.frames import Frame
from readingroom.anonymize.runs import Run
from readingroom.core.errors import Position, SourceFault, UsageError

ROWS = 8192
BLOCK = 1 << 22
_SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class Tabular:
    """A table in a file: its schema, and its batches from the first row, as often as they are asked for."""

    name: str
    schema: pa.Schema
    batches: Callable[[], Iterator[pa.RecordBatch]]
    again: bool = True
    separator: str = ","


def rewrite(
    run: Run, table: Tabular, write: Callable[[pa.Schema], contextlib.AbstractContextManager[Any]]
) -> tuple[int, Any]:
    """Learn, settle, rewrite; (rows, the report of columns)."""
    frame = Frame(run, table.schema)
    if table.again and frame.people_columns:
        frame.learn(table.batches())
    batches = table.batches()
    first = next(batches, None)
    if first is not None:
        frame.settle(first)
    rows = 0
    with write(frame.schema()) as writer:
        while first is not None:
            part = frame.transform(first, spans=False)
            writer.write_batch(part.batch)
            rows += first.num_rows
            first = next(batches, None)
    return rows, run.report()


def open_parquet(name: str) -> Tabular:
    """A Parquet file."""
    with _parquet(name) as file:
        schema = file.schema_arrow
    return Tabular(name, schema, lambda: _parquet_batches(name))


def open_csv(name: str) -> Tabular:
    """A CSV file, .gz or plain, or standard input for `-`; every column is a text."""
    if name == "-":
        stdin = sys.stdin.buffer
        header = _first_line(name, stdin)
        schema, batches = _csv_parts(name, header, lambda: _Joined(header[1], stdin))
        return Tabular(name, schema, batches, again=False, separator=header[2])
    with _raw(name) as stream:
        header = _first_line(name, stream)
    schema, batches = _csv_parts(name, header, lambda: _raw(name))
    return Tabular(name, schema, batches, separator=header[2])


@contextlib.contextmanager
def parquet_writer(file: IO[bytes], schema: pa.Schema) -> Iterator[Any]:
    """Writes batches as Parquet."""
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        yield writer


@contextlib.contextmanager
def csv_writer(file: IO[bytes], schema: pa.Schema, separator: str) -> Iterator[Any]:
    """Writes batches as CSV, quoted where needed."""
    options = pc_csv.WriteOptions(delimiter=separator, quoting_style="needed", include_header=False)
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerow(schema.names)
    file.write(text.getvalue().encode())
    with pc_csv.CSVWriter(file, schema, write_options=options) as writer:
        yield writer


@contextlib.contextmanager
def _parquet(name: str) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(name) as file:
            yield file
    except FileNotFoundError:
        raise UsageError(f"{name}: no such file") from None
    except (pa.ArrowException, OSError):
        raise SourceFault("bad-parquet", Position(name), "cut off, damaged, or no Parquet") from None


def _parquet_batches(name: str) -> Iterator[pa.RecordBatch]:
    with _parquet(name) as file:
        rows = 0
        for batch in file.iter_batches(batch_size=ROWS):
            for column in batch.schema.names:
                _check(name, column, rows, batch.column(column))
            rows += batch.num_rows
            yield batch


def _check(name: str, column: str, rows: int, cells: pa.Array) -> None:
    """SourceFault for cells that are no UTF-8: the reader does not look."""
    try:
        cells.validate(full=True)
    except pa.ArrowException:
        row = None
        if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
            row = next((rows + at for at in range(len(cells)) if not _decodes(cells.slice(at, 1))), None)
        raise SourceFault("bad-text", Position(name, row=row, column=column), "not UTF-8") from None


def _decodes(cell: pa.Array) -> bool:
    try:
        cell.validate(full=True)
    except pa.ArrowException:
        return False
    return True


class _Joined(io.RawIOBase):
    """What was read already, and then the rest."""

    def __init__(self, before: bytes, rest: IO[bytes]) -> None:
        super().__init__()
        self._before, self._rest = before, rest

    @override
    def readable(self) -> bool:
        """Yes."""
        return True

    @override
    def readinto(self, into: Any) -> int:
        """Fill a buffer."""
        data = self._before or self._rest.read(len(into))
        self._before = data[len(into) :] if self._before else b""
        into[: len(data[: len(into)])] = data[: len(into)]
        return len(data[: len(into)])


def _raw(name: str) -> IO[bytes]:
    try:
        return gzip.open(name, "rb") if name.endswith(".gz") else Path(name).open("rb")  # type: ignore[return-value]  # both are read
    except FileNotFoundError:
        raise UsageError(f"{name}: no such file") from None
    except OSError as error:
        raise UsageError(f"{name}: cannot be read ({type(error).__name__})") from None


def _first_line(name: str, stream: IO[bytes]) -> tuple[list[str], bytes, str]:
    """The names of the columns, the bytes that were read for it, and what separates cells."""
    try:
        data = stream.readline(BLOCK)
        text = data.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise SourceFault("bad-text", Position(name, row=1), "not UTF-8") from None
    except (OSError, EOFError, zlib.error):
        raise SourceFault("bad-file", Position(name), "cut off or damaged") from None
    if not text:
        raise SourceFault("no-header", Position(name, row=1), "a first line with the names of the columns is needed")
    separator = max(_SEPARATORS, key=text.count)
    return next(csv.reader([text], delimiter=separator)), data, separator


def _csv_parts(
    name: str, header: tuple[list[str], bytes, str], opened: Callable[[], Any]
) -> tuple[pa.Schema, Callable[[], Iterator[pa.RecordBatch]]]:
    names, _, separator = header
    if len(set(names)) < len(names):
        raise SourceFault("bad-header", Position(name, row=1), "two columns have one name")
    schema = pa.schema([(column, pa.large_string()) for column in names])
    return schema, lambda: _csv_batches(name, schema, separator, opened)


def _csv_batches(name: str, schema: pa.Schema, separator: str, opened: Callable[[], Any]) -> Iterator[pa.RecordBatch]:
    ragged: list[int] = []

    def refuse(row: Any) -> str:
        ragged.append(row.number or 0)
        return "error"

    convert = pc_csv.ConvertOptions(column_types=schema, strings_can_be_null=False)
    parse = pc_csv.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=refuse)
    reading = pc_csv.ReadOptions(block_size=BLOCK, use_threads=False)
    done = 0
    try:
        with opened() as stream:
            reader = pc_csv.open_csv(stream, read_options=reading, parse_options=parse, convert_options=convert)
            for batch in reader:
                done += batch.num_rows
                yield batch
    except (pa.ArrowException, OSError, EOFError, zlib.error, UnicodeDecodeError):
        if ragged:
            advice = "more or fewer cells than the first line has"
            raise SourceFault("ragged", Position(name, row=ragged[0] or None), advice) from None
        if name != "-" and (line := _undecodable(name)):
            raise SourceFault("bad-text", Position(name, row=line), "not UTF-8") from None
        raise SourceFault(
            "bad-csv", Position(name, row=done + 1), "cut off, damaged or no CSV after this row"
        ) from None


def _undecodable(name: str) -> int:
    """The number of the first line that is not UTF-8, or 0."""
    try:
        with _raw(name) as stream:
            for number, line in enumerate(stream, 1):
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError:
                    return number
    except (OSError, EOFError, zlib.error):
        return 0
    return 0
