"""All sources of one tenant behind one door: scan once, then read as often as needed.

Rule 1: raw data never rests: nothing here writes a file; state is keyed hashes of distinct ids.
Rule 2: empty means no: with an allow-list, a table or column that is not on it is never given out, only counted.
Rule 3: what a scan refused is not readable: not the file, not the table, not the export.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from readingroom.core.category import Category
from readingroom.core.errors import Position, UnknownName, UsageError
from readingroom.core.progress import Progress, silent
from readingroom.sources import keyed_hash, scanning
from readingroom.sources.activity_log import ActivityLog
from readingroom.sources.dataverse import DataverseTable
from readingroom.sources.definitions import EntityDefinitions
from readingroom.sources.delta import DeltaDataverseTable, DeltaInteractions, delta_folders
from readingroom.sources.interaction_names import spelt
from readingroom.sources.interactions import DELETIONS, ENTITY_TYPE, open_interactions
from readingroom.sources.model import (
    AllowList,
    BadData,
    Column,
    Finding,
    Outcome,
    ScanReport,
    TableCount,
    TableInfo,
)
from readingroom.sources.scanning import Ledger, Reader
from readingroom.sources.synapse_model import DELTA, MODEL, Export, read_export

KINDS = ("synapse", "interactions", "activity_log", "entity_definitions")


class SourceSet:
    """The sources of one connection. `scan` must come first; `read` gives what it found sound."""

    def __init__(self, connection: Mapping[str, str], now: datetime) -> None:
        self._paths = {kind: Path(connection[kind]) for kind in KINDS if connection.get(kind)}
        self._now = now
        self._horizon = scanning.horizon(now)
        self._key = keyed_hash.new_key()
        self._readers: dict[str, Reader] = {}
        self._report: ScanReport | None = None

    def scan(self, progress: Progress = silent, *, allowed: AllowList | None = None) -> ScanReport:
        """Pin every file, check every cell, find the current rows. Bad data is in the report, not raised.

        Raises SourceFault `source_changed` where a file changed under the scan.
        """
        readers, opened = self._open()
        ledger = Ledger(progress, 0, opened)
        chosen = [reader for reader in readers if self._on_list(reader.name, allowed, ledger)]
        ledger.total = sum(reader.size() for reader in chosen)
        counts = []
        self._readers = {}
        for reader in chosen:
            count = reader.scan(ledger)
            if count is None:
                continue
            self._readers[reader.name] = reader
            listed = _limit(count, allowed, ledger)
            if listed is not None:
                counts.append(listed)
        findings = [_cleared(one, allowed) for one in ledger.findings]
        self._report = ScanReport(tuple(counts), tuple(findings), tuple(ledger.files))
        return self._report

    @property
    def report(self) -> ScanReport:
        """The report of the last scan."""
        if self._report is None:
            raise UsageError("scan the sources before reading them")
        return self._report

    def tables(self, category: Category | None = None) -> tuple[TableInfo, ...]:
        """The readable tables of a category (or of all)."""
        return tuple(one for one in self.report.tables if category is None or one.category is category)

    def read(
        self, table: TableInfo, columns: Iterable[str] | None = None, batch_rows: int = 8192
    ) -> Iterator[pa.RecordBatch]:
        """The current rows of a table, typed, at most `batch_rows` at a time; SourceFault if the source changed."""
        if table not in self.report.tables:
            raise UnknownName("no such readable table in this scan")
        wanted = table.columns if columns is None else tuple(_column(table, name) for name in columns)
        return self._readers[table.name].read(wanted, batch_rows)

    def former(
        self, table: TableInfo, columns: Iterable[str] | None = None, batch_rows: int = 8192
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a table that are not current: older versions, and records that were deleted.

        To know who was there, never to be given out: a name that somebody had stays that person's (P14).
        """
        if table not in self.report.tables:
            raise UnknownName("no such readable table in this scan")
        wanted = table.columns if columns is None else tuple(_column(table, name) for name in columns)
        return self._readers[table.name].former(wanted, batch_rows)

    def deletions(self) -> Iterator[tuple[str, str]]:
        """(table, id) of everything that the sources say was deleted; an erasure trigger. May repeat."""
        self.report  # noqa: B018 - refuses before a scan
        for reader in self._readers.values():
            yield from reader.deletions()

    def _open(self) -> tuple[list[Reader], list[Finding]]:
        findings: list[Finding] = []
        readers: list[Reader] = []
        for kind, path in self._paths.items():
            _check_path(kind, path)
            try:
                readers.extend(self._readers_of(kind, path, findings))
            except BadData as error:
                findings.append(error.finding(Outcome.REFUSE_EXPORT))
        return readers, findings

    def _readers_of(self, kind: str, path: Path, findings: list[Finding]) -> list[Reader]:
        if kind == "activity_log":
            return [ActivityLog(path, self._now)]
        if kind == "entity_definitions":
            return [EntityDefinitions(path)]
        if kind == "interactions":
            return _once([*open_interactions(path, self._horizon), *self._delta_interactions(path)], findings)
        export = read_export(path)
        findings.extend(_export_findings(export))
        tables = [DataverseTable(one, self._horizon, self._key) for one in export.tables]
        delta = delta_folders(path / DELTA, DELTA, "_partitioned")
        return _once([*tables, *(DeltaDataverseTable(one, self._horizon, self._key) for one in delta)], findings)

    def _delta_interactions(self, path: Path) -> Iterator[DeltaInteractions]:
        for one in delta_folders(path / "Tables", "interactions/Tables"):
            table, column = DELETIONS.get(one.table.lower(), ("", ""))
            yield DeltaInteractions(
                replace(one, table=spelt(one.table)), self._horizon, (table, column, ENTITY_TYPE) if column else None
            )

    @staticmethod
    def _on_list(name: str, allowed: AllowList | None, ledger: Ledger) -> bool:
        """Whether to scan a table; one that is not on the list is counted without its name (rule 2)."""
        if allowed is None or name.lower() in DELETIONS or allowed(name) is not None:
            return True
        ledger.warn(Finding(Outcome.WARNING, "table_not_allowed", uncleared=(name,)))
        return False


def open_sources(connection: Mapping[str, str], now: datetime) -> SourceSet:
    """The sources of a connection (keys of KINDS, each a path); nothing is read yet."""
    unknown = sorted(set(connection) - set(KINDS))
    if unknown or not any(connection.get(kind) for kind in KINDS):
        raise UsageError(f"a connection has one or more of {', '.join(KINDS)}")
    return SourceSet(connection, now)


def detect(connection: Mapping[str, str]) -> list[dict[str, str]]:
    """Which format each path of a connection holds; a UsageError that says what is wrong otherwise."""
    paths = {kind: Path(connection[kind]) for kind in KINDS if connection.get(kind)}
    found = []
    for kind, path in paths.items():
        _check_path(kind, path)
        found.append({"kind": kind, "path": str(path), "format": _format(kind, path)})
    return found


def _format(kind: str, path: Path) -> str:
    if kind == "entity_definitions":
        return "Web API metadata (EntityDefinitions), JSON"
    if kind == "activity_log":
        return "Office 365 Management Activity API, JSON lines"
    if kind == "interactions":
        held = [name for folder, name in (("csv", "CSV blobs"), ("Tables", "Delta tables")) if (path / folder).is_dir()]
        return "Dynamics 365 Marketing interactions, " + " and ".join(held)
    more = " and Delta tables" if (path / DELTA).is_dir() else ""
    if not (path / "model.json").is_file():
        return "Azure Synapse Link for Dataverse, but no model.json is there yet"
    return "Azure Synapse Link for Dataverse, CSV" + more


def _check_path(kind: str, path: Path) -> None:
    """A UsageError unless the path is what the kind needs. A missing model.json is the scan's to tell."""
    option = f"--{kind.replace('_', '-')}"
    if kind == "entity_definitions":
        if not path.is_file():
            raise UsageError(f"{option}: there is no file {path.name}")
        return
    if not path.is_dir():
        raise UsageError(f"{option}: there is no folder {path.name}")
    if kind == "interactions" and not ((path / "csv").is_dir() or (path / "Tables").is_dir()):
        raise UsageError(f"{option}: {path.name} has no folder csv or Tables with one folder for each interaction type")


def _export_findings(export: Export) -> Iterator[Finding]:
    for name in sorted(export.fallen_back):
        yield Finding(Outcome.WARNING, "table_not_in_model_used_per_table_model", name, MODEL)
    for name in export.undescribed:
        yield Finding(Outcome.REFUSE_TABLE, "table_not_described", name, f"{name}/")


def _once(readers: list[Reader], findings: list[Finding]) -> list[Reader]:
    """The readers without those of a table that the export holds twice: which of them is right, nobody can know."""
    names = Counter(one.name.lower() for one in readers)
    twice = sorted({one.name for one in readers if names[one.name.lower()] > 1})
    findings.extend(Finding(Outcome.REFUSE_TABLE, "table_twice", name) for name in twice)
    return [one for one in readers if names[one.name.lower()] == 1]


def _cleared(finding: Finding, allowed: AllowList | None) -> Finding:
    """The finding without the name of a table or column that is not on the list (rule 2)."""
    name = finding.table
    if allowed is None or not name or name.lower() in DELETIONS:
        return finding
    columns = allowed(name)
    if columns is None:
        file = "" if name in finding.file else finding.file
        hidden = tuple(one for one in (name, finding.column) if one)
        return replace(finding, table="", file=file, column="", uncleared=(*finding.uncleared, *hidden))
    if finding.column and finding.column not in columns:
        return replace(finding, column="", uncleared=(*finding.uncleared, finding.column))
    return finding


def _limit(count: TableCount, allowed: AllowList | None, ledger: Ledger) -> TableCount | None:
    """The count with allowed columns only; None if the table was scanned for its deletions alone."""
    if allowed is None:
        return count
    columns = allowed(count.table.name)
    if columns is None:
        return None
    table, dropped = scanning.without(count.table, columns)
    if dropped:
        name, number = count.table.name, {"columns": len(dropped)}
        ledger.warn(Finding(Outcome.WARNING, "column_not_allowed", name, detail=number, uncleared=dropped))
    parts = (count.files, count.rows, count.current, count.deleted, count.quarantined, count.plain_bytes)
    return TableCount(table, *parts)


def _column(table: TableInfo, name: str) -> Column:
    column = table.column(name)
    if column is None:
        raise UnknownName(str(Position(table.name)) + ": no such column")
    return column
