"""Gold files: where identifiers are known to stand in a source, line by line; read to measure, never to make a copy.

Rule 1: a line that cannot be read is a UsageError with file, row and column; nothing is guessed or skipped.
Rule 2: values stay in the lines: no message and no repr shows one.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from readingroom.core.errors import Position, UsageError

CANARY: Final = "canary"
_PLACE: Final = ("store", "table", "row_id", "column", "start", "end", "kind", "string")
_PLANTED: Final = (*_PLACE, "form", "certainty")
_CANARIES: Final = (*_PLACE, "canary_form", "form_here", "primary")
_NEVER_EMPTY: Final = ("store", "table", "row_id", "column", "kind", "string")
_LARGEST: Final = 1 << 30  # bytes, unpacked


@dataclass(frozen=True)
class GoldLine:
    """One identifier in one cell of a source. A JSON path in `column` is cut to the column that holds the JSON."""

    table: str  # as the sources call it
    row_id: str = field(repr=False)
    column: str
    start: int
    end: int
    kind: str
    form: str
    certainty: str
    string: str = field(repr=False)
    primary: bool = False  # the place where a canary was planted in its difficult form

    @property
    def place(self) -> tuple[str, str, str, int, int]:
        """What tells this place from every other."""
        return self.table, self.row_id, self.column, self.start, self.end


def read_gold(data: bytes, *, name: str) -> list[GoldLine]:
    """The lines of planted.csv or canaries.csv, plain or gzip; UsageError names the file, the row and the column."""
    reader = csv.DictReader(io.StringIO(_unpacked(data, name), newline=""), strict=True)
    header = _header(reader, name)
    wanted = _CANARIES if "canary_form" in header else _PLANTED
    for column in wanted:
        if column not in header:
            raise _wrong(name, 1, column=column, what="the column is missing")
    return [_line(row, number, name=name, wanted=wanted) for number, row in _rows(reader, name)]


def _header(reader: csv.DictReader[str], name: str) -> Sequence[str]:
    try:
        return reader.fieldnames or ()
    except csv.Error:
        raise _wrong(name, 1, what="the header cannot be read as CSV") from None


def _rows(reader: csv.DictReader[str], name: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    number = 1
    rows = iter(reader)
    while True:
        number += 1
        try:
            row = next(rows, None)
        except csv.Error:
            raise _wrong(name, number, what="the row cannot be read as CSV") from None
        if row is None:
            return
        if None in row:
            raise _wrong(name, number, what="the row has more values than the header")
        short = next((column for column, value in row.items() if value is None), None)
        if short is not None:
            raise _wrong(name, number, column=short, what="the row ends before this column")
        yield number, row


def _line(row: Mapping[str, str], number: int, *, name: str, wanted: Sequence[str]) -> GoldLine:
    for column in _NEVER_EMPTY:
        if not row[column]:
            raise _wrong(name, number, column=column, what="the value is missing")
    canary = wanted is _CANARIES
    if canary and row["primary"] not in {"0", "1"}:
        raise _wrong(name, number, column="primary", what="0 or 1 is expected")
    return GoldLine(
        table=row["table"] if row["store"] != "activity-log" else "activity-log",
        row_id=row["row_id"],
        column=row["column"].split("[", 1)[0].split(".", 1)[0],
        start=_number(row, number, name=name, column="start"),
        end=_number(row, number, name=name, column="end"),
        kind=row["kind"],
        form=row["form_here"] if canary else row["form"],
        certainty=CANARY if canary else row["certainty"],
        string=row["string"],
        primary=canary and row["primary"] == "1",
    )


def _number(row: Mapping[str, str], number: int, *, name: str, column: str) -> int:
    value = row[column]
    if not (value.isascii() and value.isdecimal()):
        raise _wrong(name, number, column=column, what="a whole number is expected")
    return int(value)


def _unpacked(data: bytes, name: str) -> str:
    try:
        if data.startswith(b"\x1f\x8b"):
            with gzip.open(io.BytesIO(data)) as file:
                data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise UsageError(f"{name}: a gold file of more than {_LARGEST} bytes is not read")
        return data.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error):
        raise UsageError(f"{name}: the gzip file is broken") from None
    except UnicodeDecodeError:
        raise UsageError(f"{name}: a gold file is UTF-8") from None


def _wrong(name: str, row: int, *, column: str = "", what: str) -> UsageError:
    return UsageError(f"{Position(name, row=row, column=column)}: {what}")
