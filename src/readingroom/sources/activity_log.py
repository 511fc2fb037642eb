"""The query log: JSON lines of the Office 365 Management Activity API, one record a line (P12).

Rule 1: a file with one bad line is refused whole; the others are read.
Rule 2: a column is a top-level field; text is taken as it is, anything else as its JSON text, so that what stood in
the record stands in the cell (`ReturnedRows` is JSON text).
Rule 3: a record of the future is set aside; CreationTime is UTC without saying so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from readingroom.core.category import Category
from readingroom.sources.blocks import CELL_LIMIT
from readingroom.sources.columns import schema
from readingroom.sources.files import Pin, Reading, SourceFile, check_pin, listing, reading
from readingroom.sources.model import BadData, Column, Outcome, TableCount, TableInfo
from readingroom.sources.scanning import FutureRows, Ledger

STORE = NAME = "activity-log"
_ENDINGS = (".json", ".json.gz", ".jsonl", ".jsonl.gz")
_LINE_LIMIT = 16 << 20
_MOST_FIELDS = 512
_CREATED = "CreationTime"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_BATCH_BYTES = 32 << 20


@dataclass
class _File:
    """A file that the scan found sound."""

    file: SourceFile
    pin: Pin
    rows: int = 0


@dataclass
class _Lines:
    """The lines of a reading, without their ends, bounded in length."""

    source: Reading
    file: SourceFile
    plain_bytes: int = 0
    _rest: bytearray = field(default_factory=bytearray)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """(number, bytes) of each line, counted from 1."""
        number = 0
        view = memoryview(bytearray(1 << 20))
        while count := self.source.read_into(view):
            self.plain_bytes += count
            self._rest += view[:count]
            *lines, rest = self._rest.split(b"\n")
            for line in lines:
                number += 1
                yield number, bytes(line)
            self._rest = rest
            if len(rest) > _LINE_LIMIT:
                raise BadData("row_too_large", self.file.at(number + 1))
        if self._rest:
            yield number + 1, bytes(self._rest)


class ActivityLog:
    """All files of the query log as one table."""

    name = NAME

    def __init__(self, root: Path, now: datetime) -> None:
        self._files = tuple(SourceFile(one, f"{STORE}/{one.name}", NAME) for one in listing(root, _ENDINGS))
        self._latest = (now + timedelta(days=1)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        self._sound: list[_File] = []

    def size(self) -> int:
        """Bytes on disk, for progress."""
        return sum(one.path.stat().st_size for one in self._files)

    def scan(self, ledger: Ledger) -> TableCount | None:
        """Check every record; None if no file is sound."""
        self._sound = []
        fields: dict[str, None] = {}
        rows = plain = aside = 0
        for file in self._files:
            future = FutureRows(file)
            seen: dict[str, None] = {}
            try:
                with reading(file) as source:
                    lines = _Lines(source, file)
                    count = self._check(lines, seen, future)
                    pin = source.pin()
            except BadData as error:
                if error.code == "source_changed":
                    raise
                ledger.refuse(error, Outcome.REFUSE_FILE)
                continue
            self._sound.append(_File(file, pin, count))
            fields |= seen
            ledger.read(file, pin, count)
            ledger.findings.extend(future.findings())
            rows, plain, aside = rows + count, plain + lines.plain_bytes, aside + future.total
        if not self._sound:
            return None
        info = TableInfo(NAME, STORE, Category.QUERY, tuple(Column(name, "string") for name in fields))
        return TableCount(info, len(self._sound), rows, rows - aside, 0, aside, plain)

    def read(self, columns: tuple[Column, ...], batch_rows: int) -> Iterator[pa.RecordBatch]:
        """All records that are not set aside, file by file."""
        for sound in self._sound:
            with reading(sound.file, sound.pin) as source:
                yield from _batches(self._records(source, sound.file), columns, batch_rows)
                check_pin(sound.file, sound.pin, source.pin())

    def former(self, columns: tuple[Column, ...], batch_rows: int) -> Iterator[pa.RecordBatch]:
        """There is one version of everything here."""
        del columns, batch_rows
        return iter(())

    def deletions(self) -> Iterator[tuple[str, str]]:
        """A log deletes nothing."""
        return iter(())

    def _check(self, lines: _Lines, seen: dict[str, None], future: FutureRows) -> int:
        number = 0
        for number, line in lines:
            record = _record(line, lines.file, number)
            if self._ahead(record):
                future.note(_CREATED, np.array([number]))
            seen |= dict.fromkeys(record)
            if len(seen) > _MOST_FIELDS:
                raise BadData("row_too_long", lines.file.at(number), {"have": len(seen), "want": _MOST_FIELDS})
        return number

    def _records(self, source: Reading, file: SourceFile) -> Iterator[dict[str, str | None]]:
        try:
            for number, line in _Lines(source, file):
                record = _record(line, file, number)
                if not self._ahead(record):
                    yield record
        except BadData as error:
            raise BadData("source_changed", error.position) from None

    def _ahead(self, record: dict[str, str | None]) -> bool:
        created = record.get(_CREATED) or ""
        return bool(_TIME.match(created)) and created[:19] > self._latest


def _record(line: bytes, file: SourceFile, number: int) -> dict[str, str | None]:
    """The fields of one line as text; BadData with the line's number, and the field's name where it has one."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise BadData("invalid_utf8", file.at(number)) from None
    try:
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except _TwiceError:
        raise BadData("column_twice", file.at(number)) from None
    except (ValueError, RecursionError):
        raise BadData("not_json", file.at(number)) from None
    if not isinstance(found, dict):
        raise BadData("not_json", file.at(number))
    record = {name: _text(value) for name, value in found.items()}
    if "\\u" in text:  # only then can an escape have made what UTF-8 cannot hold, or a NUL
        _check_escapes(record, file, number)
    if len(text) > CELL_LIMIT and any(len(value or "") > CELL_LIMIT for value in record.values()):
        raise BadData("cell_too_large", file.at(number))
    if "\0" in text:
        raise BadData("nul_byte", file.at(number))
    return record


def _check_escapes(record: dict[str, str | None], file: SourceFile, number: int) -> None:
    for name, value in record.items():
        for part in (name, value or ""):
            if "\0" in part:
                raise BadData("nul_byte", file.at(number))
            try:
                part.encode()
            except UnicodeEncodeError:
                raise BadData("invalid_utf8", file.at(number)) from None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class _TwiceError(ValueError):
    """A name stands twice in an object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _TwiceError
    return found


def _no_constant(name: str) -> Any:
    del name
    raise ValueError  # NaN and Infinity are no JSON


def _batches(
    records: Iterator[dict[str, str | None]], columns: tuple[Column, ...], batch_rows: int
) -> Iterator[pa.RecordBatch]:
    waiting: list[dict[str, str | None]] = []
    weight = 0
    for record in records:
        waiting.append(record)
        weight += sum(len(value) for value in record.values() if value)
        if len(waiting) >= batch_rows or weight >= _BATCH_BYTES:
            yield _batch(waiting, columns)
            waiting, weight = [], 0
    if waiting:
        yield _batch(waiting, columns)


def _batch(records: list[dict[str, str | None]], columns: tuple[Column, ...]) -> pa.RecordBatch:
    arrays = [pa.array([record.get(one.name) for record in records], type=pa.large_string()) for one in columns]
    return pa.RecordBatch.from_arrays(arrays, schema=schema(columns))
