"""One interaction type of the blob export: csv/<type>/<guid>.csv[.gz] with a header each (P11).

Rule 1: each blob stands for itself: a bad one is refused whole, the others are read.
Rule 2: a blob's header says what it holds; model.json, where there is one, says only the types.
Rule 3: a row with a Timestamp in the future is set aside, at every pass anew, so that nothing need be remembered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from readingroom.core.category import Category
from readingroom.sources import columns as cells
from readingroom.sources.blocks import Block, Layout, RowReader
from readingroom.sources.dataverse import again, slabs
from readingroom.sources.files import Pin, SourceFile, check_pin, folders, listing, reading, whole
from readingroom.sources.model import BadData, Column, Finding, Outcome, TableCount, TableInfo
from readingroom.sources.scanning import FutureRows, Ledger
from readingroom.sources.synapse_model import MODEL, read_entities, types_of

STORE = "interactions"
TIMESTAMP = "Timestamp"
_ENDINGS = (".csv", ".csv.gz")
_MOST_MODEL = 64 << 20
# interaction types that say "deleted at the source": (table or the column that names it, the column with the id)
# in lower case: a blob's folder is called ContactDeleted, a Delta table's contactdeleted
DELETIONS = {"contactdeleted": ("contact", "DeletedContactId"), "entitydeleted": ("", "DeletedEntityId")}
ENTITY_TYPE = "DeletedEntityType"
_MUST = {"contactdeleted": ("DeletedContactId",), "entitydeleted": ("DeletedEntityId", ENTITY_TYPE)}


@dataclass(frozen=True)
class _Blob:
    """A blob that the scan found sound."""

    file: SourceFile
    pin: Pin
    layout: Layout


class InteractionTable:
    """A type with its blobs; `types` are its columns as model.json describes them, or nothing."""

    def __init__(self, name: str, files: tuple[SourceFile, ...], types: tuple[Column, ...], horizon: int) -> None:  # noqa: PLR0917 - plain parts of one thing
        self.name = name
        self._files, self._types, self._horizon = files, types, horizon
        self._blobs: list[_Blob] = []

    def size(self) -> int:
        """Bytes on disk, for progress."""
        return sum(one.path.stat().st_size for one in self._files)

    def scan(self, ledger: Ledger) -> TableCount | None:
        """Check every blob; None if none of them is sound."""
        self._blobs = []
        rows = plain = aside = 0
        for file in self._files:
            future = FutureRows(file)
            try:
                with reading(file) as source:
                    reader = RowReader(source, file)
                    layout = self._layout(reader.header(), file)
                    for block in reader.blocks(layout) if layout.columns else ():
                        self._past(block, future)
                    pin = source.pin()
            except BadData as error:
                if error.code == "source_changed":
                    raise
                ledger.refuse(error, Outcome.REFUSE_FILE)
                continue
            if not layout.columns:
                ledger.warn(Finding(Outcome.WARNING, "empty_partition", self.name, file.label))
            self._blobs.append(_Blob(file, pin, layout))
            ledger.read(file, pin, reader.rows)
            ledger.findings.extend(future.findings())
            rows, plain, aside = rows + reader.rows, plain + reader.plain_bytes, aside + future.total
        if not self._blobs:
            return None
        return TableCount(self._info(), len(self._blobs), rows, rows - aside, 0, aside, plain)

    def read(self, columns: tuple[Column, ...], batch_rows: int) -> Iterator[pa.RecordBatch]:
        """All rows that are not set aside, blob by blob."""
        for blob in self._blobs:
            if not blob.layout.columns:
                continue
            with reading(blob.file, blob.pin) as source:
                reader = RowReader(source, blob.file)
                reader.header()
                for block in again(reader, blob.layout):
                    yield from slabs(
                        block, self._past(block, FutureRows(blob.file)), columns=columns, batch_rows=batch_rows
                    )
                check_pin(blob.file, blob.pin, source.pin())

    def former(self, columns: tuple[Column, ...], batch_rows: int) -> Iterator[pa.RecordBatch]:
        """There is one version of everything here."""
        del columns, batch_rows
        return iter(())

    def deletions(self) -> Iterator[tuple[str, str]]:
        """(table, id) of what was deleted at the source, if this type says so."""
        if self.name.lower() not in DELETIONS:
            return
        table, column = DELETIONS[self.name.lower()]
        wanted = (Column(column, "string"), Column(ENTITY_TYPE, "string"))
        for batch in self.read(wanted, 8192):
            for one, kind in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
                if one is not None and (table or kind):
                    yield (table or kind, one)

    def _layout(self, names: list[str] | None, file: SourceFile) -> Layout:
        if names is None:
            return Layout((), 0)
        must = (TIMESTAMP, *_MUST.get(self.name.lower(), ()))
        missing = next((name for name in must if name not in names), None)
        if missing is not None:
            raise BadData("column_missing", file.at(None, missing))
        # only now is it a header: the first row of a blob without one would give a value away
        twice = next((name for name, count in Counter(names).items() if count > 1), None)
        if twice is not None:
            raise BadData("column_twice", file.at(None, twice))
        if "" in names:
            raise BadData("column_missing", file.at())
        known = {TIMESTAMP: Column(TIMESTAMP, "dateTime")} | {one.name: one for one in self._types}
        return Layout(tuple(known.get(name, Column(name, "string")) for name in names), len(names))

    def _info(self) -> TableInfo:
        columns = {one.name: one for one in self._types}
        for blob in self._blobs:
            columns |= {one.name: one for one in blob.layout.columns if one.name not in columns}
        return TableInfo(self.name, STORE, Category.MARKETING, tuple(columns.values()))

    def _past(self, block: Block, future: FutureRows) -> NDArray[np.int64]:
        """Check a block; the rows that are not set aside."""
        ahead = cells.check(block)[TIMESTAMP].astype(np.int64, copy=False) > self._horizon
        future.note(TIMESTAMP, np.flatnonzero(ahead) + block.first_row)
        return np.flatnonzero(~ahead)


def open_interactions(root: Path, horizon: int) -> list[InteractionTable]:
    """The types in the folder `root`; BadData if its model.json cannot be trusted."""
    model = root / MODEL
    label = f"{STORE}/{MODEL}"
    entities = read_entities(whole(SourceFile(model, label), _MOST_MODEL)[0], label) if model.is_file() else {}
    found = []
    for folder in folders(root / "csv") if (root / "csv").is_dir() else ():
        name = folder.name
        files = tuple(SourceFile(one, f"{STORE}/csv/{name}/{one.name}", name) for one in listing(folder, _ENDINGS))
        types = types_of(entities[name]) if name in entities else ()
        found.append(InteractionTable(name, files, _with_time(types), horizon))
    return found


def _with_time(types: tuple[Column, ...]) -> tuple[Column, ...]:
    """The Timestamp is a date, whatever the model calls it: rule 3 needs it."""
    return tuple(Column(TIMESTAMP, "dateTime") if one.name == TIMESTAMP else one for one in types)
