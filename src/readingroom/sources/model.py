"""What sources say about themselves: tables, columns, findings and the report of a scan. Values only, no I/O.

Rule 1: a finding holds a code, a position, names of files, tables and columns, and numbers; never a cell's value.
Rule 2: a name that is not cleared for display (a table or column that is on no list may be named after a person)
stands only in `Finding.uncleared`, which is left out of its text and its repr.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from typing_extensions import override

from readingroom.core.category import Category
from readingroom.core.errors import Position, SourceFault

TYPES = ("string", "guid", "int64", "double", "decimal", "boolean", "dateTime")

# Which columns of a table are on the list; None where the table itself is not (rule 2 of the house).
AllowList = Callable[[str], "frozenset[str] | None"]


@dataclass(frozen=True)
class Column:
    """A column's name and its type, one of TYPES."""

    name: str
    type: str


@dataclass(frozen=True)
class TableInfo:
    """A readable table: where it comes from (`store`), what category it belongs to, and its columns in order.

    Stores: `dataverse`, `interactions`, `activity-log`, `schema`.
    """

    name: str
    store: str
    category: Category
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column | None:
        """The column of that name."""
        return next((one for one in self.columns if one.name == name), None)


class Outcome(StrEnum):
    """What a finding does to the data at its position."""

    WARNING = "ok_with_warning"
    QUARANTINE = "quarantine_rows"
    REFUSE_FILE = "refuse_file"
    REFUSE_TABLE = "refuse_table"
    REFUSE_EXPORT = "refuse_export"


@dataclass(frozen=True)
class Finding:
    """One thing that a scan has to say: a stable code, where, and numbers about it."""

    outcome: Outcome
    code: str
    table: str = ""
    file: str = ""
    row: int | None = None
    column: str = ""
    detail: Mapping[str, int] = field(default_factory=dict)
    uncleared: tuple[str, ...] = field(default=(), repr=False)

    @override
    def __str__(self) -> str:
        """One line: outcome, code, position, numbers. No value and no uncleared name (rules 1 and 2)."""
        where = str(Position(self.file, self.table, self.row, self.column)) or "the export"
        numbers = ", ".join(f"{name} {value}" for name, value in sorted(self.detail.items()))
        return f"{self.outcome}: {self.code}: {where}" + (f" ({numbers})" if numbers else "")

    def as_json(self) -> dict[str, Any]:
        """The finding as a JSON object, without uncleared names."""
        found: dict[str, Any] = {"outcome": str(self.outcome), "code": self.code}
        found |= {name: value for name in ("table", "file", "row", "column") if (value := getattr(self, name))}
        return found | ({"detail": dict(self.detail)} if self.detail else {})


@dataclass(frozen=True)
class PinnedFile:
    """A file as it was scanned: its name in findings, its bytes on disk, their SHA-256, and its rows."""

    label: str
    size: int
    sha256: str
    rows: int


@dataclass(frozen=True)
class TableCount:
    """What a scan counted in one readable table."""

    table: TableInfo
    files: int
    rows: int
    current: int
    deleted: int
    quarantined: int
    plain_bytes: int


@dataclass(frozen=True)
class ScanReport:
    """The whole scan: what is readable, what was refused, warned about and set aside, and the pinned files."""

    counts: tuple[TableCount, ...]
    findings: tuple[Finding, ...]
    files: tuple[PinnedFile, ...]

    @property
    def tables(self) -> tuple[TableInfo, ...]:
        """The readable tables."""
        return tuple(count.table for count in self.counts)

    @property
    def rows(self) -> int:
        """All rows of the readable tables, every version of them."""
        return sum(count.rows for count in self.counts)

    @property
    def refused(self) -> tuple[Finding, ...]:
        """Files, tables and exports of which nothing was taken in."""
        refusals = (Outcome.REFUSE_FILE, Outcome.REFUSE_TABLE, Outcome.REFUSE_EXPORT)
        return self._with(refusals)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What was read although something was odd."""
        return self._with((Outcome.WARNING,))

    @property
    def quarantined(self) -> tuple[Finding, ...]:
        """Rows that were set aside."""
        return self._with((Outcome.QUARANTINE,))

    def count(self, table: str) -> TableCount | None:
        """What was counted in the readable table of that name."""
        return next((one for one in self.counts if one.table.name == table), None)

    def _with(self, outcomes: Iterable[Outcome]) -> tuple[Finding, ...]:
        chosen = frozenset(outcomes)
        return tuple(one for one in self.findings if one.outcome in chosen)


class BadData(SourceFault):
    """A source that breaks its format: code, position and numbers; raised `from None`, so no value is in it."""

    def __init__(self, code: str, position: Position, detail: Mapping[str, int] | None = None) -> None:
        super().__init__(code, position, ADVICE.get(code, "ask for a fresh export"))
        self.detail = dict(detail or {})

    def finding(self, outcome: Outcome) -> Finding:
        """This fault as a finding of a scan."""
        at = self.position
        return Finding(outcome, self.code, at.table, at.file, at.row, at.column, self.detail)


ADVICE: dict[str, str] = {
    "bad_quoting": "a quote stands where none may stand; nothing after it can be trusted",
    "unclosed_quote": "a quoted cell never ends; the file was cut",
    "bad_row_end": "a carriage return stands alone outside quotes",
    "row_too_short": "the row ends before its last fixed column; it is never padded",
    "row_too_long": "the row has more values than the table has columns",
    "row_narrower": "the row is narrower than an earlier one of the same file; the file was cut",
    "row_too_large": "one row is larger than a row can be",
    "cell_too_large": "a cell is larger than 1,048,576 characters",
    "invalid_utf8": "the file must be UTF-8; nothing is replaced or guessed",
    "nul_byte": "text cannot hold a NUL",
    "bad_int": "a whole number is expected",
    "bad_double": "a number is expected",
    "bad_datetime": "a date in one of the documented formats is expected",
    "bad_boolean": "True or False is expected",
    "bad_guid": "a GUID is expected",
    "null_key": "Id, versionnumber and SinkModifiedOn must not be empty",
    "column_missing": "the header lacks a column that must be there",
    "column_twice": "the same column stands there twice",
    "not_json": "the line or file is not JSON",
    "model_missing": "the export was never finalised; its data comes again in a later one",
    "model_not_json": "model.json is cut or not what Synapse Link writes",
    "table_not_described": "no model.json and no per-table model says what the columns are",
    "location_outside_container": "a partition's location leaves the container; nothing was opened",
    "partition_missing": "model.json lists a file that is not there",
    "file_unreadable": "the operating system or the compression refused the file",
    "table_twice": "the export holds the table as CSV and as Delta; leave one out",
    "parquet_unreadable": "the Parquet file is empty, cut, encrypted or damaged",
    "column_type_differs": "the file holds another type than its table says; nothing is converted by guess",
    "delta_log_missing": "the folder has no Delta log, so nothing says which of its files are the table",
    "delta_log_gap": "a commit of the Delta log is missing, so what came after it cannot be trusted",
    "delta_log_not_json": "a commit of the Delta log is cut or damaged",
    "delta_log_unreadable": "the Delta log or its checkpoint is damaged, or its folder's name has a percent sign",
    "delta_deletion_vectors": "turn deletion vectors off and rewrite the table (REORG ... APPLY (PURGE))",
    "delta_column_mapping": "column mapping is not read; export the table without it",
    "delta_feature_not_supported": "the table needs a Delta feature that is not read here",
    "source_changed": "the files changed since they were scanned; scan again",
}
