"""Delta tables: Dataverse tables of Synapse Link, and interactions as OneLake shows them (P11).

Rule 1: a table is what its log says at the version of the scan. One bad cell, one file missing or unreadable, or one
thing that the log reader does not know refuses the table. Rule 2: the log and every file are pinned at the scan; a
later pass over another log or other bytes ends in `source_changed`, and so does a newer version.
Rule 3: rows with times in the future are set aside, as in CSV. Rule 4: files that the log replaced are read only to
learn who was there before and is gone (`deletions`, `former`); none of their rows is ever a row of the table.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from typing_extensions import override

from readingroom.core.category import Category
from readingroom.sources import current, keyed_hash
from readingroom.sources.delta_log import LOG, DeltaFile, DeltaFolder, Snapshot, log_files, read_snapshot
from readingroom.sources.files import Pin, SourceFile, folders, listing, seekable
from readingroom.sources.model import BadData, Column, Finding, Outcome, TableCount, TableInfo
from readingroom.sources.parquet_cells import ParquetCells, as_batch, content_hashes, ids_of, micros
from readingroom.sources.scanning import FutureRows, Ledger

# a Delta table has one row an Id; where it has these all the same, they say which row is current, as in CSV
_KEYS = {"Id": "guid", "versionnumber": "int64", "SinkModifiedOn": "dateTime", "IsDelete": "boolean"}
_NEVER_NULL = ("Id", "versionnumber", "SinkModifiedOn")
_CLOCKS = ("SinkModifiedOn", "modifiedon")  # rule 3
_LEADING = frozenset({"Id", "SinkCreatedOn", "SinkModifiedOn"})  # differ between retries of the same row
_ID = (Column("Id", "string"),)
Typed = dict[str, pa.Array]
Rows = NDArray[np.int64]


@dataclass
class _Sums:
    """What a scan counts."""

    rows: int = 0
    plain: int = 0
    aside: int = 0
    findings: list[Finding] = field(default_factory=list)


class _DeltaTable(ABC):
    """What both kinds share: the pinned snapshot, and its files read as checked batches."""

    def __init__(self, folder: DeltaFolder, store: str, horizon: int) -> None:
        self.name = folder.table
        self._folder, self._store, self._horizon = folder, store, horizon
        self._snapshot: Snapshot | None = None
        self._columns: tuple[Column, ...] = ()
        self._pins: dict[Path, Pin] = {}

    def size(self) -> int:
        """Bytes on disk, for progress: those that the log names are among them."""
        return sum(one.stat().st_size for one in self._folder.root.rglob("*.parquet") if one.is_file())

    def scan(self, ledger: Ledger) -> TableCount | None:
        """Pin the version and check every cell; None, and a finding, if the table is refused (rule 1)."""
        if not (self._folder.root / LOG).is_dir():
            self._refuse_loose(ledger)
            return None
        try:
            self._snapshot = read_snapshot(self._folder)
            self._columns, self._pins = self._typed_columns(self._snapshot), {}
            sums = _Sums()
            self._scan(self._snapshot, ledger, sums)
        except BadData as error:
            if error.code == "source_changed":
                raise
            ledger.refuse(error, Outcome.REFUSE_TABLE)
            return None
        if self._snapshot.strange:
            told, number = self._snapshot.strange, {"columns": len(self._snapshot.strange)}
            ledger.warn(Finding(Outcome.WARNING, "column_type_not_supported", self.name, detail=number, uncleared=told))
        for finding in sums.findings:
            ledger.warn(finding)
        info = TableInfo(self.name, self._store, Category.MARKETING, self._columns)
        return self._count(info, sums)

    @abstractmethod
    def _typed_columns(self, snapshot: Snapshot) -> tuple[Column, ...]:
        """The columns of the snapshot, with the types that this kind of table reads them in."""

    @abstractmethod
    def _scan(self, snapshot: Snapshot, ledger: Ledger, sums: _Sums) -> None:
        """Check every file of the snapshot."""

    @abstractmethod
    def _count(self, info: TableInfo, sums: _Sums) -> TableCount:
        """What the scan counted."""

    def _scanned(self, one: DeltaFile, ledger: Ledger, sums: _Sums) -> Iterator[tuple[int, Typed]]:
        """The checked batches of a file, which is pinned and counted at its end."""
        with seekable(one.file) as (raw, pin):
            cells = ParquetCells(raw, one.file)
            yield from cells.batches(self._columns, one.partition)
        self._pins[one.file.path] = pin
        ledger.read(one.file, pin, cells.rows)
        sums.rows, sums.plain = sums.rows + cells.rows, sums.plain + cells.plain_bytes

    def _again(self, one: DeltaFile, columns: tuple[Column, ...]) -> Iterator[tuple[int, Typed]]:
        """The batches of a pinned file; any fault now means that it is another one (rule 2)."""
        try:
            with seekable(one.file, self._pins[one.file.path]) as (raw, _):
                yield from ParquetCells(raw, one.file).batches(columns, one.partition)
        except BadData as error:
            raise BadData("source_changed", error.position) from None

    def _pinned(self) -> Snapshot:
        """The snapshot of the scan, if the log is still the same (rule 2)."""
        if self._snapshot is None or log_files(self._folder) != self._snapshot.log:
            raise BadData("source_changed", self._folder.at())
        return self._snapshot

    def _ahead(self, typed: Typed, name: str) -> NDArray[np.bool_]:
        return np.asarray(micros(typed[name]) > self._horizon)

    def _refuse_loose(self, ledger: Ledger) -> None:
        """A folder without a log holds no table: its files are refused for their own faults, or all of it."""
        files = listing(self._folder.root, (".parquet",))
        faults = []
        for path in files:
            file = SourceFile(path, f"{self._folder.label}/{path.name}", self.name)
            try:
                with seekable(file) as (raw, _):
                    ParquetCells(raw, file)
            except BadData as error:
                faults.append(error)
        for fault in faults:
            ledger.refuse(fault, Outcome.REFUSE_FILE)
        if not faults:
            ledger.refuse(BadData("delta_log_missing", self._folder.at()), Outcome.REFUSE_TABLE)


class DeltaDataverseTable(_DeltaTable):
    """A Dataverse table: one current row an Id, as in CSV; deleted and replaced rows are known as such."""

    def __init__(self, folder: DeltaFolder, horizon: int, key: keyed_hash.Words) -> None:
        super().__init__(folder, "dataverse", horizon)
        self._key = key
        self._winners = current.Winners(current.entries(0))

    def read(self, columns: tuple[Column, ...], batch_rows: int) -> Iterator[pa.RecordBatch]:
        """The current rows, file by file."""
        for number, one in enumerate(self._pinned().files):
            rows = self._winners.rows(number)
            if len(rows):
                for first, typed in self._again(one, columns):
                    yield from _chosen(typed, _within(rows, first, typed), columns, batch_rows=batch_rows)
        self._pinned()

    def former(self, columns: tuple[Column, ...], batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Rows that are not current: replaced versions and deleted records, in files of this and older versions."""
        snapshot = self._pinned()
        for number, one in enumerate(snapshot.files):
            rows = self._winners.rows(number)
            for first, typed in self._again(one, columns):
                kept = _within(rows, first, typed)
                others = np.setdiff1d(np.arange(_length(typed)), kept)
                yield from _chosen(typed, others, columns, batch_rows=batch_rows)
        for file in snapshot.former:
            for typed in self._replaced(file, columns):
                yield from _chosen(typed, np.arange(_length(typed)), columns, batch_rows=batch_rows)

    def deletions(self) -> Iterator[tuple[str, str]]:
        """(table, id) of records whose last version is a delete, and of those that replaced files hold alone."""
        snapshot = self._pinned()
        for number, one in enumerate(snapshot.files):
            gone = self._winners.rows(number, deleted=True)
            if len(gone):
                for first, typed in self._again(one, _ID):
                    chosen = typed["Id"].take(pa.array(_within(gone, first, typed)))
                    yield from ((self.name, str(one)) for one in chosen.to_pylist())
        kept = self._winners.entries[["high", "low"]]
        for file in snapshot.former:
            for typed in self._replaced(file, _ID):
                found = typed["Id"].drop_null()
                bad, ids = ids_of(found)
                if bad < 0:
                    missing = ~np.isin(self._hashed(ids), np.asarray(kept).astype(_PAIR))
                    yield from ((self.name, str(one)) for one in found.filter(pa.array(missing)).to_pylist())

    def _replaced(self, file: SourceFile, columns: tuple[Column, ...]) -> Iterator[Typed]:
        """The batches of a file that the log replaced; nothing where it was vacuumed or cannot be read (rule 4)."""
        try:
            with seekable(file) as (raw, _):
                cells = ParquetCells(raw, file)
                for _, typed in cells.batches(columns, {}):
                    yield typed
        except BadData:
            return

    @override
    def _typed_columns(self, snapshot: Snapshot) -> tuple[Column, ...]:
        found = {one.name: one for one in snapshot.columns}
        if "Id" in found and found["Id"].type == "string":
            found["Id"] = Column("Id", "guid")
        for name, kind in _KEYS.items():
            if found.get(name, Column(name, kind if name != "Id" else "")).type != kind:
                raise BadData("column_missing", replace(self._folder.at(), column=name))
        return tuple(found.values())

    @override
    def _scan(self, snapshot: Snapshot, ledger: Ledger, sums: _Sums) -> None:
        rows_of = current.CurrentRows()
        for number, one in enumerate(snapshot.files):
            future = FutureRows(one.file)
            for first, typed in self._scanned(one, ledger, sums):
                rows_of.add(self._entries(typed, (number, first), one, future=future))
            sums.aside += future.total
            sums.findings += future.findings()
        self._winners = rows_of.winners()
        for number, row, count in self._winners.clashes():
            place = (self.name, snapshot.files[number].file.label, row)
            sums.findings.append(Finding(Outcome.WARNING, "same_version_other_content", *place, detail={"rows": count}))

    @override
    def _count(self, info: TableInfo, sums: _Sums) -> TableCount:
        found = self._winners
        return TableCount(info, len(self._pins), sums.rows, found.current, found.deleted, sums.aside, sums.plain)

    def _entries(self, typed: Typed, place: tuple[int, int], one: DeltaFile, *, future: FutureRows) -> current.Entries:
        number, first = place
        for key in (name for name in _NEVER_NULL if name in typed):
            empty = np.flatnonzero(typed[key].is_null().to_numpy(zero_copy_only=False))
            if len(empty):
                raise BadData("null_key", one.file.at(first + int(empty[0]), key))
        bad, ids = ids_of(typed["Id"])
        if bad >= 0:
            raise BadData("bad_guid", one.file.at(first + bad, "Id"))
        good = np.ones(_length(typed), dtype=np.bool_)
        for name in _CLOCKS:
            if name in typed and typed[name].type == _INSTANT:
                ahead = good & self._ahead(typed, name)
                future.note(name, np.flatnonzero(ahead) + first)
                good &= ~ahead
        entries = current.entries(len(good))
        hashes = self._hashed(ids)
        entries["high"], entries["low"] = hashes["high"], hashes["low"]
        if "versionnumber" in typed:
            entries["version"] = typed["versionnumber"].to_numpy(zero_copy_only=False)
        if "SinkModifiedOn" in typed:
            entries["sink"] = micros(typed["SinkModifiedOn"])
        if "IsDelete" in typed:
            entries["deleted"] = typed["IsDelete"].fill_null(fill_value=False).to_numpy(zero_copy_only=False)
        entries["file"], entries["row"] = number, np.arange(first, first + len(good))
        entries["content"] = content_hashes(typed, _LEADING, self._key)
        return entries[good]

    def _hashed(self, ids: NDArray[np.uint8]) -> NDArray[np.void]:
        out = np.empty((len(ids), 2), dtype=np.uint64)
        keyed_hash.hash_ids(ids, self._key, out)
        return out.view(_PAIR).reshape(-1)


class DeltaInteractions(_DeltaTable):
    """An interaction type: every row of the version counts."""

    def __init__(self, folder: DeltaFolder, horizon: int, deletion: tuple[str, str, str] | None) -> None:
        super().__init__(folder, "interactions", horizon)
        self._deletion = deletion

    def read(self, columns: tuple[Column, ...], batch_rows: int) -> Iterator[pa.RecordBatch]:
        """All rows that are not set aside, file by file."""
        clock = next(one for one in self._columns if one.name == TIMESTAMP)
        wanted = columns if clock in columns else (*columns, clock)
        for one in self._pinned().files:
            for _, typed in self._again(one, wanted):
                rows = np.flatnonzero(~self._ahead(typed, TIMESTAMP))
                yield from _chosen(typed, rows, columns, batch_rows=batch_rows)
        self._pinned()

    def former(self, columns: tuple[Column, ...], batch_rows: int) -> Iterator[pa.RecordBatch]:
        """What happened is never replaced."""
        del columns, batch_rows
        return iter(())

    def deletions(self) -> Iterator[tuple[str, str]]:
        """(table, id) of what was deleted at the source, if this type says so."""
        if self._deletion is None:
            return
        table, column, kind_column = self._deletion
        names = [one.name for one in self._columns]
        wanted = tuple(Column(name, "string") for name in (column, kind_column) if name in names)
        for batch in self.read(wanted, 8192):
            kinds = batch.column(1).to_pylist() if len(wanted) > 1 else [None] * batch.num_rows
            for one, kind in zip(batch.column(0).to_pylist(), kinds, strict=True):
                if one is not None and (table or kind):
                    yield (table or kind, one)

    @override
    def _typed_columns(self, snapshot: Snapshot) -> tuple[Column, ...]:
        must = {TIMESTAMP: "dateTime"}
        must |= {self._deletion[1]: "string"} if self._deletion else {}
        found = {one.name: one.type for one in snapshot.columns}
        for name, kind in must.items():
            if found.get(name) != kind:
                raise BadData("column_missing", replace(self._folder.at(), column=name))
        return snapshot.columns

    @override
    def _scan(self, snapshot: Snapshot, ledger: Ledger, sums: _Sums) -> None:
        for one in snapshot.files:
            future = FutureRows(one.file)
            for first, typed in self._scanned(one, ledger, sums):
                future.note(TIMESTAMP, np.flatnonzero(self._ahead(typed, TIMESTAMP)) + first)
            sums.aside += future.total
            sums.findings += future.findings()

    @override
    def _count(self, info: TableInfo, sums: _Sums) -> TableCount:
        return TableCount(info, len(self._pins), sums.rows, sums.rows - sums.aside, 0, sums.aside, sums.plain)


TIMESTAMP = "Timestamp"
_INSTANT = pa.timestamp("us", "UTC")
_PAIR = np.dtype([("high", "u8"), ("low", "u8")])


def delta_folders(root: Path, label: str, ending: str = "") -> tuple[DeltaFolder, ...]:
    """The tables right in `root`, each in a folder `<table><ending>`."""
    found = folders(root) if root.is_dir() else ()
    return tuple(DeltaFolder(one, f"{label}/{one.name}", one.name.removesuffix(ending)) for one in found)


def _length(typed: Typed) -> int:
    return len(next(iter(typed.values())))


def _within(rows: Rows, first: int, typed: Typed) -> Rows:
    """Those of the file's rows (from 1, ascending) that lie in the batch, from 0."""
    low, high = np.searchsorted(rows, (first, first + _length(typed)))
    return rows[low:high] - first


def _chosen(typed: Typed, rows: Rows, columns: tuple[Column, ...], *, batch_rows: int) -> Iterator[pa.RecordBatch]:
    for low in range(0, len(rows), batch_rows):
        yield as_batch(typed, rows[low : low + batch_rows], columns)
