"""The engine: one batch in; columns as the plan says, tags, links and counts out; pure.

Rule 1: a column that the plan does not show is not in the output; a row that nothing may show is not either (P14).
Rule 2: whatever fails, fails the batch: an error names table and column, never a value, and nothing is half-shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from readingroom.anonymize.batches import BatchWork
from readingroom.anonymize.classification import shipped
from readingroom.anonymize.literals import Literals
from readingroom.anonymize.nameless import nameless
from readingroom.anonymize.plans import TablePlan
from readingroom.anonymize.prepared import Prepared
from readingroom.anonymize.schema_names import NameCheck, clean_rows
from readingroom.anonymize.tagging import TAGS
from readingroom.core.errors import UsageError


@dataclass(frozen=True)
class Transformed:
    """What the engine makes of one batch.

    `tags` has the schema tagging.TAGS (rows count within `batch`), `links` tagging.LINKS (None: no people's table).
    """

    batch: pa.RecordBatch
    tags: pa.Table
    links: pa.Table | None
    counts: Mapping[str, int] = field(default_factory=dict)


class Engine:
    """Transforms batches of the tables that it was prepared for."""

    def __init__(self, plans: tuple[TablePlan, ...], prepared: Prepared) -> None:
        self._tables = frozenset((plan.table, plan.store) for plan in plans)
        self._names = NameCheck(shipped(), prepared.people)
        self._literals = Literals(shipped(), lambda place: prepared.shared.has("place", place), self._names.allowed)
        self._prepared = prepared

    def transform(self, plan: TablePlan, batch: pa.RecordBatch) -> Transformed:
        """The anonymized batch with its tags; Fault, naming table and column, when anything goes wrong."""
        if not plan.allowed or (plan.table, plan.store) not in self._tables:
            raise UsageError("a table was to be transformed for which the engine was not prepared")
        if plan.store == "schema":
            return self._schema(plan, batch)
        work = BatchWork(plan, batch, prepared=self._prepared, literals=self._literals)
        with nameless(plan, "reading its identifiers"):
            work.identify()
        names, arrays = [], []
        for column in plan.shown:
            with nameless(plan, str(column.treatment), column=column.name):
                names.append(column.name)
                arrays.append(work.column(column))
        with nameless(plan, "tagging"):
            output = pa.RecordBatch.from_arrays(arrays, names=names)
            if not arrays:  # no column, no rows: nothing that a tag could stand for
                return Transformed(output, TAGS.empty_table(), work.links(), work.counts)
            return Transformed(output, work.tags.table(), work.links(), work.counts)

    def _schema(self, plan: TablePlan, batch: pa.RecordBatch) -> Transformed:
        """Names only; a row with a name that may hold personal data is left out and counted (P26)."""
        with nameless(plan, "checking names"):
            keep, reasons = clean_rows(batch.select(list(plan.needed)), self._names)
            shown = batch.select(list(plan.needed)).filter(pa.array(keep))
        counts = {f"withheld: {reason}": count for reason, count in reasons.items()}
        counts["rows withheld"] = int((~keep).sum())
        return Transformed(shown, TAGS.empty_table(), None, counts)
