"""One Dataverse table of a Synapse Link CSV export: every version of every row, read down to the current rows (P11).

Rule 1: one bad cell anywhere refuses the whole table; a missing partition does too.
Rule 2: a row whose SinkModifiedOn or modifiedon lies in the future is set aside: it wins no version and sets no clock.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from readingroom.core.category import Category
from readingroom.core.errors import Position
from readingroom.sources import columns as cells
from readingroom.sources import current, keyed_hash
from readingroom.sources.blocks import Block, Layout, RowReader
from readingroom.sources.files import Pin, check_pin, reading
from readingroom.sources.model import BadData, Column, Finding, Outcome, TableCount, TableInfo
from readingroom.sources.scanning import FutureRows, Ledger
from readingroom.sources.synapse_model import Described

STORE = "dataverse"
_KEYS = {"Id": "guid", "versionnumber": "int64", "SinkModifiedOn": "dateTime", "IsDelete": "boolean"}
_CLOCKS = ("SinkModifiedOn", "modifiedon")  # rule 2
_LEADING = ("Id", "SinkCreatedOn", "SinkModifiedOn")  # differ between retries of the same row


class DataverseTable:
    """A table with its partitions."""

    def __init__(self, described: Described, horizon: int, key: keyed_hash.Words) -> None:
        self.name = described.name
        self._info = TableInfo(described.name, STORE, Category.MARKETING, described.columns)
        self._files = described.files
        self._horizon, self._key = horizon, key
        self._layout = Layout(described.columns, 0)
        self._pins: list[Pin] = []
        self._winners = current.Winners(current.entries(0))

    def size(self) -> int:
        """Bytes on disk, for progress."""
        return sum(one.path.stat().st_size for one in self._files if one.path.is_file())

    def scan(self, ledger: Ledger) -> TableCount | None:
        """Check every cell and find the current rows; None, and a finding, if the table is refused (rule 1)."""
        try:
            self._layout = self._checked_layout()
            return self._scan(ledger)
        except BadData as error:
            if error.code == "source_changed":
                raise
            ledger.refuse(error, Outcome.REFUSE_TABLE)
            return None

    def read(self, columns: tuple[Column, ...], batch_rows: int) -> Iterator[pa.RecordBatch]:
        """The current rows, file by file."""
        for number in range(len(self._files)):
            yield from self._read_rows(number, self._winners.rows(number), columns=columns, batch_rows=batch_rows)

    def former(self, columns: tuple[Column, ...], batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Every row that is not current: replaced versions, and what was known of deleted records."""
        for number, (file, pin) in enumerate(zip(self._files, self._pins, strict=True)):
            rows = self._winners.rows(number)
            with reading(file, pin) as source:
                for block in again(RowReader(source, file), self._layout):
                    low, high = np.searchsorted(rows, (block.first_row, block.first_row + block.rows))
                    others = np.setdiff1d(np.arange(block.rows), rows[low:high] - block.first_row)
                    yield from slabs(block, others, columns=columns, batch_rows=batch_rows)
                check_pin(file, pin, source.pin())

    def deletions(self) -> Iterator[tuple[str, str]]:
        """(table, id) of records whose last version is a delete."""
        wanted = (Column("Id", "guid"),)
        for number in range(len(self._files)):
            gone = self._winners.rows(number, deleted=True)
            for batch in self._read_rows(number, gone, columns=wanted, batch_rows=8192):
                yield from ((self.name, one.as_py()) for one in batch.column(0))

    def _checked_layout(self) -> Layout:
        for name, kind in _KEYS.items():
            column = self._info.column(name)
            if column is None or column.type != kind:
                raise BadData("column_missing", Position("model.json", self.name, None, name))
        names = [one.name for one in self._info.columns]
        return Layout(self._info.columns, names.index("IsDelete") + 1)

    def _scan(self, ledger: Ledger) -> TableCount:
        missing = next((one for one in self._files if not one.path.is_file()), None)
        if missing is not None:
            raise BadData("partition_missing", missing.at())
        rows_of = current.CurrentRows()
        rows = plain = aside = 0
        self._pins = []
        findings: list[Finding] = []
        for number, file in enumerate(self._files):
            future = FutureRows(file)
            with reading(file) as source:
                reader = RowReader(source, file)
                for block in reader.blocks(self._layout):
                    rows_of.add(self._entries(block, number, future))
                self._pins.append(source.pin())
            if not reader.rows:
                findings.append(Finding(Outcome.WARNING, "empty_partition", self.name, file.label))
            ledger.read(file, self._pins[-1], reader.rows)
            rows, plain, aside = rows + reader.rows, plain + reader.plain_bytes, aside + future.total
            findings.extend(future.findings())
        self._winners = rows_of.winners()
        for finding in (*findings, *self._clashes()):
            ledger.warn(finding)
        counts = (len(self._files), rows, self._winners.current, self._winners.deleted, aside, plain)
        return TableCount(self._info, *counts)

    def _clashes(self) -> Iterator[Finding]:
        for number, row, count in self._winners.clashes():
            place = (self.name, self._files[number].label, row)
            yield Finding(Outcome.WARNING, "same_version_other_content", *place, detail={"rows": count})

    def _entries(self, block: Block, number: int, future: FutureRows) -> current.Entries:
        raw = cells.check(block)
        for name in ("Id", "versionnumber", "SinkModifiedOn"):
            empty = np.flatnonzero(cells.nulls(block, _at(block, name)))
            if len(empty):
                raise BadData("null_key", block.file.at(block.first_row + int(empty[0]), name))
        good = self._past(block, raw, future)
        entries = current.entries(block.rows)
        ids = np.empty((block.rows, 2), dtype=np.uint64)
        keyed_hash.hash_ids(raw["Id"].astype(np.uint8, copy=False), self._key, ids)
        entries["high"], entries["low"] = ids[:, 0], ids[:, 1]
        entries["version"], entries["sink"] = raw["versionnumber"], raw["SinkModifiedOn"]
        entries["deleted"] = raw["IsDelete"] == 1
        entries["file"] = number
        entries["row"] = np.arange(block.first_row, block.first_row + block.rows)
        entries["content"] = self._contents(block)
        return entries[good]

    def _past(self, block: Block, raw: dict[str, NDArray[np.generic]], future: FutureRows) -> NDArray[np.bool_]:
        good = np.ones(block.rows, dtype=np.bool_)
        for name in _CLOCKS:
            if name in raw and (column := self._info.column(name)) and column.type == "dateTime":
                ahead = good & (raw[name].astype(np.int64, copy=False) > self._horizon)
                future.note(name, np.flatnonzero(ahead) + block.first_row)
                good &= ~ahead
        return good

    def _contents(self, block: Block) -> keyed_hash.Words:
        leading = tuple(one.name for one in block.layout.columns[: len(_LEADING)]) == _LEADING
        starts = block.starts[:, len(_LEADING)] if leading else block.bounds[:, 0]
        hashes = np.empty(block.rows, dtype=np.uint64)
        keyed_hash.hash_spans(block.buf, starts, block.bounds[:, 1], self._key, hashes)
        return hashes

    def _read_rows(
        self, number: int, rows: NDArray[np.int64], *, columns: tuple[Column, ...], batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Rows (counted from 1, ascending) of one file; the file is checked against its pin, before and after."""
        if not len(rows):
            return
        file, pin = self._files[number], self._pins[number]
        with reading(file, pin) as source:
            for block in again(RowReader(source, file), self._layout):
                low, high = np.searchsorted(rows, (block.first_row, block.first_row + block.rows))
                yield from slabs(block, rows[low:high] - block.first_row, columns=columns, batch_rows=batch_rows)
            check_pin(file, pin, source.pin())


def again(reader: RowReader, layout: Layout) -> Iterator[Block]:
    """The blocks of a file that a scan found sound: any fault now means that it is another file."""
    try:
        yield from reader.blocks(layout)
    except BadData as error:
        raise BadData("source_changed", error.position) from None


def slabs(
    block: Block, rows: NDArray[np.int64], *, columns: tuple[Column, ...], batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """Chosen rows of a block, at most `batch_rows` at a time."""
    for low in range(0, len(rows), batch_rows):
        yield cells.batch(block, rows[low : low + batch_rows], columns)


def _at(block: Block, name: str) -> int:
    return next(at for at, one in enumerate(block.layout.columns) if one.name == name)
