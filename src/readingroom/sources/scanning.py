"""What the readers of a scan share: the instant, the ledger of findings and pins, and what a reader is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from readingroom.core.progress import Progress
from readingroom.sources.files import Pin, SourceFile
from readingroom.sources.model import BadData, Column, Finding, Outcome, PinnedFile, TableCount, TableInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TOLERANCE = timedelta(days=1)  # clocks differ; nobody's clock is a day ahead


@dataclass
class Ledger:
    """Collects what a scan finds; tells progress in bytes on disk."""

    progress: Progress
    total: int
    findings: list[Finding] = field(default_factory=list)
    files: list[PinnedFile] = field(default_factory=list)
    done: int = 0

    def refuse(self, error: BadData, outcome: Outcome) -> None:
        """Note a refusal."""
        self.findings.append(error.finding(outcome))

    def warn(self, finding: Finding) -> None:
        """Note a finding."""
        self.findings.append(finding)

    def read(self, file: SourceFile, pin: Pin, rows: int) -> None:
        """Note a file that was read to its end."""
        self.files.append(PinnedFile(file.label, pin.size, pin.sha256, rows))
        self.done += pin.size
        self.progress("scan", self.done, self.total)


@dataclass
class FutureRows:
    """Rows of one file whose time lies ahead: counted by column, told once."""

    file: SourceFile
    _first: dict[str, int] = field(default_factory=dict)
    _count: dict[str, int] = field(default_factory=dict)

    def note(self, column: str, rows: NDArray[np.int64]) -> None:
        """Set these rows (counted from 1) aside because of `column`."""
        if len(rows):
            self._first.setdefault(column, int(rows[0]))
            self._count[column] = self._count.get(column, 0) + len(rows)

    @property
    def total(self) -> int:
        """Rows set aside."""
        return sum(self._count.values())

    def findings(self) -> Iterator[Finding]:
        """One finding a column, naming its first row."""
        for column, row in self._first.items():
            position = self.file.table, self.file.label, row, column
            count = {"rows": self._count[column]}
            yield Finding(Outcome.QUARANTINE, "timestamp_in_future", *position, detail=count)


def horizon(now: datetime) -> int:
    """Microseconds since 1970 after which a time cannot be true."""
    return (now + TOLERANCE - _EPOCH) // timedelta(microseconds=1)


class Reader(Protocol):
    """One table of a source. `scan` first; the other calls read what it pinned, or raise `source_changed`."""

    name: str

    def size(self) -> int:
        """Bytes on disk, for progress."""
        ...

    def scan(self, ledger: Ledger) -> TableCount | None:
        """Check every cell; None if nothing of the table is readable, and the ledger says why."""
        ...

    def read(self, columns: tuple[Column, ...], batch_rows: int) -> Iterator[pa.RecordBatch]:
        """The current rows."""
        ...

    def former(self, columns: tuple[Column, ...], batch_rows: int) -> Iterator[pa.RecordBatch]:
        """The rows that are not current, where a table has versions; rows that were set aside are among them."""
        ...

    def deletions(self) -> Iterator[tuple[str, str]]:
        """(table, id) of records that the source deleted."""
        ...


def without(info: TableInfo, allowed: frozenset[str]) -> tuple[TableInfo, tuple[str, ...]]:
    """The table with allowed columns only, and the names of the others."""
    kept = tuple(one for one in info.columns if one.name in allowed)
    dropped = tuple(one.name for one in info.columns if one.name not in allowed)
    return TableInfo(info.name, info.store, info.category, kept), dropped
