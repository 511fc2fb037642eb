"""The two passes over the sources: learn who and what is there, then anonymize, look again, write (rule 1).

Raw batches live in these functions' frames and nowhere else. Order of pass 2, for every batch: engine, withheld
subjects out, second look at what came out, and only then a part. A detector that errs stops the copy (rule 2).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.batches import person_links
from readingroom.anonymize.engine import Engine, Transformed
from readingroom.anonymize.plans import TablePlan
from readingroom.anonymize.preparation import Preparation
from readingroom.anonymize.tagging import TAG
from readingroom.copies.looks import Look, LookFinding
from readingroom.copies.part_writer import Writer
from readingroom.copies.plan import CopyPlan, Planned
from readingroom.copies.withdraw import withdraw
from readingroom.core.errors import CopyRefused, Fault
from readingroom.core.progress import Progress
from readingroom.sources import SourceSet, TableInfo

Positions = npt.NDArray[np.int64]
STRONG = ("record", "email", "upn")  # kinds of identifier that are one person's


@dataclass
class TableCounts:
    """What became of one table."""

    rows_read: int = 0
    rows: int = 0
    withheld_rows: int = 0  # of people on the withheld list
    withheld_spans: int = 0
    suspicious: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """As the manifest shows it."""
        body: dict[str, Any] = {"rows_read": self.rows_read, "rows": self.rows, "suspicious": self.suspicious}
        body |= {"withheld_rows": self.withheld_rows, "withheld_spans": self.withheld_spans}
        return body | {"counts": dict(sorted(self.counts.items()))}


@dataclass
class Passage:
    """One run over the sources: what it needs, and what it has counted so far."""

    sources: SourceSet
    plan: CopyPlan
    look: Look
    withheld: frozenset[bytes]
    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)
    tables: dict[str, TableCounts] = field(default_factory=dict)
    hard: list[LookFinding] = field(default_factory=list)
    links: list[pa.Table] = field(default_factory=list)  # of people's tables that are learnt and not copied
    gone: frozenset[bytes] = frozenset()  # `withheld`, and every further tag of the people that one of them names

    def learn(self, preparation: Preparation, tag_key: bytes | None) -> Engine:
        """Pass 1: the people of every table, the words, codes and combinations of those that are copied.

        Without a tag key (a schema has no subjects) nobody is linked (P25). Of people's tables the rows that are not
        current are learnt too: texts still call people by the names they had, and name those who were deleted.
        """
        copied = {table.name for table, _ in self.plan.copied}
        self.gone = self.withheld
        total, done = sum(self._rows(planned) for planned in self.plan.learnt), 0
        for table, plan in self.plan.learnt:
            for batch in self._read(table, plan):
                with self.timed("learn"):
                    preparation.learn(plan, batch)
                    if table.name in copied:
                        preparation.count(plan, batch)
                    if tag_key is not None:
                        self._link(person_links(plan, batch, key=tag_key), keep=table.name not in copied)
                with self.timed("second look"):
                    self.look.learn(table.name, batch)
                done += batch.num_rows
                self.progress("learn", done, total)
            if plan.person:
                self._learn_former(table, plan, preparation, tag_key=tag_key)
        with self.timed("learn"):
            return preparation.engine([plan for _, plan in self.plan.copied])

    def _learn_former(
        self, table: TableInfo, plan: TablePlan, preparation: Preparation, *, tag_key: bytes | None
    ) -> None:
        for batch in self._batches(self.sources.former(table, plan.needed)):
            with self.timed("learn"):
                preparation.learn_former(plan, batch)
                if tag_key is not None:
                    self._link(person_links(plan, batch, key=tag_key), keep=True)
            with self.timed("second look"):
                self.look.learn(table.name, batch)

    def copy(self, engine: Engine, writer: Writer) -> None:
        """Pass 2: what the engine makes of every batch, checked, into parts; CopyRefused at a hard finding."""
        total, done = sum(self._rows(planned) for planned in self.plan.copied), 0
        for links in self.links:
            writer.add_links(self._links(links))
        for table, plan in self.plan.copied:
            counts = self.tables.setdefault(table.name, TableCounts())
            with self.timed("seal"):
                writer.start(plan)
            for batch in self._read(table, plan):
                with self.timed("anonymize"):
                    made = engine.transform(plan, batch)
                counts.rows_read += batch.num_rows
                counts.counts.update(made.counts)
                self._take(plan, made, writer, counts=counts)
                done += batch.num_rows
                self.progress("copy", done, total)
        with self.timed("seal"):
            writer.finish()

    def _take(self, plan: TablePlan, made: Transformed, writer: Writer, *, counts: TableCounts) -> None:
        with self.timed("withhold"):
            kept = withdraw(made.batch, made.tags, gone=self.gone)
            counts.withheld_rows += kept.rows
            counts.withheld_spans += kept.spans
        with self.timed("second look"):
            found = self.look.check(plan.table, kept.batch)
        if found.hard:
            self.hard += found.hard
            raise CopyRefused("the second look found what must not be shown", reasons=_said(found.hard))
        batch, tags, suspicious = kept.batch, kept.tags, _positions(found.suspicious_rows, kept.batch.num_rows)
        counts.suspicious += len(suspicious)
        if not plan.item_kind and len(suspicious):  # a row that is no item cannot be withheld by itself: it goes
            batch, tags = _without(batch, tags, suspicious)
            suspicious = suspicious[:0]
        counts.rows += batch.num_rows
        with self.timed("seal"):
            writer.add(batch, tags, suspicious=suspicious)
            if made.links is not None and made.links.num_rows:
                writer.add_links(self._links(made.links))

    def _link(self, links: pa.Table | None, *, keep: bool) -> None:
        """Keep the links for the seal, and withhold a person whole whom one withheld identifier names (P16).

        A request that came while no copy knew the person left only the identifiers that it named on the list.
        """
        if links is None:
            return
        if keep:
            self.links.append(links)
        listed = pa.array(sorted(self.withheld), TAG)
        strong = pc.is_in(links["kind"].cast(pa.string()), value_set=pa.array(STRONG))
        named = links.filter(pc.and_(strong, pc.is_in(links["tag"], value_set=listed)))
        if named.num_rows:
            people = named["person"].unique()
            theirs = links.filter(pc.is_in(links["person"], value_set=people))
            self.gone |= {*theirs["tag"].to_pylist(), *people.to_pylist()}

    def _links(self, links: pa.Table) -> pa.Table:
        gone = pa.array(sorted(self.gone), TAG)
        named = pc.or_(pc.is_in(links["tag"], value_set=gone), pc.is_in(links["person"], value_set=gone))
        return links.filter(pc.invert(named))

    def _read(self, table: Any, plan: TablePlan) -> Iterator[pa.RecordBatch]:
        if plan.needed:
            yield from self._batches(self.sources.read(table, plan.needed))

    def _batches(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        while True:
            with self.timed("read"):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def _rows(self, planned: Planned) -> int:
        count = self.sources.report.count(planned[0].name)
        return count.current if count else 0

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Count the seconds spent inside for `stage` (the second look is timed apart)."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


def _positions(rows: Positions, count: int) -> Positions:
    chosen = np.unique(np.asarray(rows, dtype=np.int64))
    if len(chosen) and not 0 <= chosen[0] <= chosen[-1] < count:
        raise Fault("the second look named a row that is not in its batch")
    return chosen


def _without(batch: pa.RecordBatch, tags: pa.Table, rows: Positions) -> tuple[pa.RecordBatch, pa.Table]:
    keep = np.ones(batch.num_rows, np.bool_)
    keep[rows] = False
    row = tags["row"].to_numpy()
    moved = pa.array((np.cumsum(keep) - 1)[row], pa.int32())
    tags = tags.set_column(tags.schema.get_field_index("row"), "row", moved).filter(pa.array(keep[row]))
    return batch.filter(pa.array(keep)), tags


def _said(hard: tuple[LookFinding, ...]) -> tuple[str, ...]:
    return tuple(f"{one.table}.{one.column}: {one.count} x {one.kind}" for one in hard)
