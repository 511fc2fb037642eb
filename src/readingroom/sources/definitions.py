"""EntityDefinitions: names and types of tables and columns, and nothing else (P13).

Rule 1: labels, descriptions, options, defaults and every other value are passed over as bytes and never become text
of ours: `json_stream` decodes the values of the fields in `_TABLE` and `_COLUMN` only.
Rule 2: one row a column, so that a schema copy is a table like any other; a table without columns has one row with
the column's fields null.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from readingroom.core.category import Category
from readingroom.core.errors import Position
from readingroom.sources.columns import schema
from readingroom.sources.files import Pin, Reading, SourceFile, check_pin, reading
from readingroom.sources.json_stream import Chosen, JsonStream
from readingroom.sources.model import BadData, Column, Outcome, TableCount, TableInfo
from readingroom.sources.scanning import Ledger

STORE = "schema"
NAME = "entity-definitions"
COLUMNS = tuple(
    Column(name, "string")
    for name in ("TableLogicalName", "TableSchemaName", "ColumnLogicalName", "ColumnSchemaName", "ColumnType")
)
_COLUMN: Chosen = {"LogicalName": None, "SchemaName": None, "AttributeType": None}
_TABLE: Chosen = {"LogicalName": None, "SchemaName": None, "Attributes": _COLUMN}
_ANSWER: Chosen = {"value": _TABLE}
Row = tuple[str | None, str | None, str | None, str | None, str | None]


class EntityDefinitions:
    """The answer of the metadata endpoint, saved as a file."""

    name = NAME

    def __init__(self, path: Path) -> None:
        self._file = SourceFile(path, f"{STORE}/{path.name}", NAME)
        self._pin: Pin | None = None

    def size(self) -> int:
        """Bytes on disk, for progress."""
        return self._file.path.stat().st_size

    def scan(self, ledger: Ledger) -> TableCount | None:
        """Read all names; None, and a finding, if the file is not what the endpoint answers."""
        try:
            with reading(self._file) as source:
                rows = sum(1 for _ in _rows(source, self._file))
                self._pin = source.pin()
        except BadData as error:
            if error.code == "source_changed":
                raise
            ledger.refuse(error, Outcome.REFUSE_FILE)
            return None
        ledger.read(self._file, self._pin, rows)
        info = TableInfo(NAME, STORE, Category.SCHEMA, COLUMNS)
        return TableCount(info, 1, rows, rows, 0, 0, self._pin.size)

    def read(self, columns: tuple[Column, ...], batch_rows: int) -> Iterator[pa.RecordBatch]:
        """One row a column of a table."""
        if self._pin is None:
            raise BadData("source_changed", self._file.at())
        places = [COLUMNS.index(one) for one in columns]
        waiting: list[Row] = []
        with reading(self._file, self._pin) as source:
            for row in _rows(source, self._file):
                waiting.append(row)
                if len(waiting) >= batch_rows:
                    yield _batch(waiting, columns, places)
                    waiting = []
            check_pin(self._file, self._pin, source.pin())
        if waiting:
            yield _batch(waiting, columns, places)

    def former(self, columns: tuple[Column, ...], batch_rows: int) -> Iterator[pa.RecordBatch]:
        """There is one version of everything here."""
        del columns, batch_rows
        return iter(())

    def deletions(self) -> Iterator[tuple[str, str]]:
        """Names delete nothing."""
        return iter(())


def _rows(source: Reading, file: SourceFile) -> Iterator[Row]:
    for number, table in enumerate(JsonStream(source, file).elements(_ANSWER), start=1):
        name, schema_name = _name(table, "LogicalName"), _name(table, "SchemaName")
        if name is None:
            raise BadData("column_missing", Position(file.label, NAME, number, "LogicalName"))
        attributes = table.get("Attributes")
        fields = [one for one in attributes if isinstance(one, dict)] if isinstance(attributes, list) else []
        if not fields:
            yield name, schema_name, None, None, None
        for one in fields:
            yield name, schema_name, _name(one, "LogicalName"), _name(one, "SchemaName"), _name(one, "AttributeType")


def _name(found: dict[str, object], field: str) -> str | None:
    value = found.get(field)
    return value if isinstance(value, str) else None


def _batch(rows: list[Row], columns: tuple[Column, ...], places: list[int]) -> pa.RecordBatch:
    arrays = [pa.array([row[place] for row in rows], type=pa.large_string()) for place in places]
    return pa.RecordBatch.from_arrays(arrays, schema=schema(columns))
