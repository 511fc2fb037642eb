"""Collect one table's anonymized batches into parts of bounded size, and seal each one (P14, P18).

Rule 1: memory holds one part, whatever the table's length. Rule 4: registered first, then key, bytes, record.
Every row gets `_row`, its number in the copy's table: rewrites take rows away and never renumber.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa

from readingroom.anonymize.plans import TablePlan
from readingroom.copies import staging
from readingroom.copies.part_names import ROW, Draft, draft_part, seal_context
from readingroom.copies.records import Copy
from readingroom.copies.seal import write_part
from readingroom.copies.staging import Written
from readingroom.copies.tables import PartKind
from readingroom.copies.tag_index import LINK_PART, index_rows
from readingroom.core.steps import reached, register
from readingroom.house import House

# what is held until a part is full is what a copy run's memory grows by when rows grow
PART_ROWS: Final = 16 * 1024
PART_BYTES: Final = 8 * 1024 * 1024

PART_REGISTERED: Final = register("copy.part_registered", "the objects of a part are registered, no byte is written")
PART_WRITTEN: Final = register("copy.part_written", "the bytes of a part are in the store, not yet written down")
PART_RECORDED: Final = register("copy.part_recorded", "a part with its hash and items is written down")


class Items(Protocol):
    """Makes the item rows of one part."""

    def __call__(self, plan: TablePlan, rows: pa.Table, *, part: str, index: pa.Table) -> Sequence[Mapping[str, Any]]:
        """The rows of ITEMS for the rows of a part with its tag index."""
        ...


@dataclass
class Totals:
    """What a copy holds so far."""

    parts: int = 0
    rows: int = 0
    items: int = 0
    withheld: int = 0
    bytes: int = 0
    tags: int = 0
    links: int = 0


class Writer:
    """Writes the parts of one copy, table after table; `finish` writes what is left of the link table."""

    def __init__(self, house: House, copy: Copy, items: Items) -> None:
        self._house, self._copy, self._items = house, copy, items
        self.totals = Totals()
        self._batches: list[pa.RecordBatch] = []
        self._tags: list[pa.Table] = []
        self._links: list[pa.Table] = []
        self._next_row = 0
        self._plan: TablePlan | None = None
        self._suspicious: list[np.ndarray] = []
        self._link_parts = 0

    def start(self, plan: TablePlan) -> None:
        """Go on to another table; a part never holds two."""
        self.flush()
        self._plan, self._next_row = plan, 0

    def add(self, batch: pa.RecordBatch, tags: pa.Table, *, suspicious: np.ndarray) -> None:
        """Take a checked batch with its tags; `suspicious` are the positions of rows to withhold."""
        rows = np.arange(self._next_row, self._next_row + batch.num_rows, dtype=np.int64)
        self._tags.append(index_rows(tags, first=self._next_row))
        self._batches.append(pa.RecordBatch.from_arrays([*batch.columns, pa.array(rows)], [*batch.schema.names, ROW]))
        self._suspicious.append(rows[suspicious])
        self._next_row += batch.num_rows
        if sum(b.num_rows for b in self._batches) >= PART_ROWS or sum(b.nbytes for b in self._batches) >= PART_BYTES:
            self.flush()

    def add_links(self, links: pa.Table) -> None:
        """Take rows of the link table."""
        self._links.append(links)
        if sum(table.num_rows for table in self._links) >= PART_ROWS:
            self._flush_links()

    def finish(self) -> None:
        """Write what is left."""
        self.flush()
        self._flush_links()

    def flush(self) -> None:
        """Write the rows at hand as one part, with its tag index beside it."""
        batches, self._batches = self._batches, []
        tags, self._tags = self._tags, []
        suspicious, self._suspicious = self._suspicious, []
        plan = self._plan
        if plan is None or not sum(batch.num_rows for batch in batches):
            return
        self.totals.parts += 1
        number = self.totals.parts
        data = draft_part(self._copy, PartKind.DATA, number)
        index = pa.concat_tables(tags).sort_by([("tag", "ascending"), ("row", "ascending")])
        rows = pa.Table.from_batches(batches)
        parts: list[tuple[Draft, str, pa.Table]] = [(data, plan.table, rows)]
        if index.num_rows:
            parts.append((draft_part(self._copy, PartKind.TAGS, number), plan.table, index))
        items = self._items(plan, rows, part=data.name, index=index)
        shown = set(np.concatenate(suspicious).tolist())
        items = [{**item, "withheld": "suspicion"} if item["row"] in shown else item for item in items]
        self._write(parts, items)
        self.totals.tags += index.num_rows

    def _flush_links(self) -> None:
        links, self._links = self._links, []
        table = pa.concat_tables(links).cast(LINK_PART) if links else None
        if table is None or not table.num_rows:
            return
        self._link_parts += 1
        self._write([(draft_part(self._copy, PartKind.LINKS, self._link_parts), "", table)], [])
        self.totals.links += table.num_rows

    def _write(self, parts: Sequence[tuple[Draft, str, pa.Table]], items: Sequence[Mapping[str, Any]]) -> None:
        place = self._house.place(self._copy.place)
        staging.register_parts(self._house, self._copy, [draft for draft, _, _ in parts])
        reached(PART_REGISTERED)
        written = []
        for draft, name, table in parts:
            data = write_part(
                table, place.keyring.new_part_key(self._copy.id, draft.key), seal_context(self._copy, draft)
            )
            place.store.put(draft.path, data)
            written.append(Written(draft, name, table.num_rows, len(data), hashlib.sha256(data).hexdigest()))
        reached(PART_WRITTEN)
        staging.record_parts(self._house, self._copy, written, items=items)
        reached(PART_RECORDED)
        self.totals.rows += sum(part.rows for part in written if part.draft.kind is PartKind.DATA)
        self.totals.bytes += sum(part.bytes for part in written)
        self.totals.items += len(items)
        self.totals.withheld += sum(1 for item in items if item["withheld"])
