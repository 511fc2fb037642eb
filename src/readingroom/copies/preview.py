"""What a copy would take, shown to the customer before it agrees: on its own data, in memory, and nothing stays (P01).

Rule 1: nothing is written but one event with counts; no key of the room is used: tags and pseudonyms are made with keys
        that are thrown away, so that what is shown can be linked to nothing later.
Rule 2: at most ROWS_READ rows of a table are read, of the columns that a copy would read and of no other.
Rule 3: the cells are for the tenant's administrator alone; the event is durable before they are given out.
Rule 4: a table whose sample the second look finds fault with is shown without its rows, with the kinds that it found.

A copy that knows every person of the tenant masks more names, and shows more words that many people use.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pyarrow as pa

from readingroom.anonymize.engine import Engine
from readingroom.anonymize.plans import TablePlan
from readingroom.anonymize.preparation import Preparation
from readingroom.anonymize.schema_names import NameCheck
from readingroom.audit.unit import Event, unit_of_work
from readingroom.copies.columns import decisions
from readingroom.copies.looks import Look
from readingroom.copies.plan import CopyPlan, plan_copy
from readingroom.copies.second_look import SecondLook
from readingroom.copies.shown_names import cleared, name_check
from readingroom.core.category import Category
from readingroom.core.errors import Fault, ReadingroomError
from readingroom.engagement.tenants import Tenant
from readingroom.house import House
from readingroom.sources import Outcome, SourceSet, TableInfo

ROWS_READ: Final = 50
ROWS_SHOWN: Final = 3
CELL_SHOWN: Final = 160  # characters of a cell
_DATA: Final = (Category.MARKETING, Category.QUERY)
_LOOK_AGAIN: Final = "the second look would refuse this sample: {}"

OpenSources = Callable[[], SourceSet]


@dataclass(frozen=True)
class Cell:
    """One column of one record, as it stands at the customer and as a reviewer would see it."""

    column: str
    before: str = field(repr=False)
    after: str | None = field(repr=False)  # None: the column is not in the copy
    changed: bool


@dataclass(frozen=True)
class TablePreview:
    """One table that a copy would take."""

    table: str
    category: Category
    rows: int  # current rows in the export
    shown: tuple[tuple[str, str], ...]  # column, treatment
    dropped: tuple[str, ...]  # read to know whose row it is, and not in the copy
    withheld: tuple[tuple[str, str], ...]  # column, why it is not even read
    records: tuple[tuple[Cell, ...], ...] = field(default=(), repr=False)
    note: str = ""


@dataclass(frozen=True)
class Preview:
    """What a copy of each category would take and leave out."""

    tables: tuple[TablePreview, ...]
    left_out: tuple[tuple[str, str], ...]  # table, why
    refused: tuple[str, ...]  # what is wrong with the export itself
    schema_names: int  # table and column names that a schema copy would look at (P13)

    def counts(self) -> dict[str, int]:
        """What the event says: numbers, and nothing else."""
        return {
            "tables": len(self.tables),
            "columns": sum(len(one.shown) for one in self.tables),
            "withheld": sum(len(one.withheld) for one in self.tables),
            "left_out": len(self.left_out),
            "records_shown": sum(len(one.records) for one in self.tables),
        }


def preview_copy(
    house: House, tenant: Tenant, open_sources: OpenSources, *, actor: str, records: bool = True
) -> Preview:
    """What a copy of `tenant`'s data would be; without `records`, names and reasons only. Writes one event."""
    try:
        found = _look(house, tenant, open_sources(), records=records)
    except ReadingroomError:
        raise
    except Exception as error:  # noqa: BLE001 - a foreign error may carry a cell in its text; re-raised as ours
        raise Fault(f"the preview failed: {type(error).__name__}") from None
    place = house.place(tenant.place)
    with unit_of_work(place.db, tenant.name, house.clock) as unit:
        unit.append(Event("engagement.previewed", actor=actor, tenant=tenant.name, facts=found.counts()))
    return found


def _look(house: House, tenant: Tenant, sources: SourceSet, *, records: bool) -> Preview:
    report = sources.scan()
    with house.place(tenant.place).db.read(tenant.name) as connection:
        decided = decisions(connection, tenant.name)
    plans = {
        category: plan_copy(report.tables, category, excluded=tenant.excluded, decisions=decided) for category in _DATA
    }
    refused = tuple(str(one) for one in report.findings if one.outcome is Outcome.REFUSE_EXPORT)
    sample = _Sample(house, tenant, sources) if records and not refused else None
    tables = [
        one for category, plan in plans.items() for one in _tables(plan, category, sample=sample, sources=sources)
    ]
    left_out = tuple(pair for plan in plans.values() for pair in plan.left_out)
    found = Preview(tuple(tables), left_out, refused, _schema_names(sources))
    if records:
        return found
    if refused:  # an export that cannot be read tells nobody's names, so none of its names is cleared
        return replace(found, tables=(), left_out=())
    return _for_the_vendor(found, name_check(sources))


def _for_the_vendor(found: Preview, check: NameCheck) -> Preview:
    """Without the names of tables and columns that may be somebody's (P26): the customer alone reads those."""
    tables = tuple(
        replace(
            one,
            table=cleared(one.table, check, number),
            withheld=tuple((cleared(name, check, at), why) for at, (name, why) in enumerate(one.withheld, start=1)),
        )
        for number, one in enumerate(found.tables, start=1)
    )
    left_out = tuple((cleared(name, check, at), why) for at, (name, why) in enumerate(found.left_out, start=1))
    return replace(found, tables=tables, left_out=left_out)


def _schema_names(sources: SourceSet) -> int:
    counts = (sources.report.count(table.name) for table in sources.tables(Category.SCHEMA))
    return sum(count.current for count in counts if count)


def _tables(
    plan: CopyPlan, category: Category, *, sample: _Sample | None, sources: SourceSet
) -> Sequence[TablePreview]:
    shown = {} if sample is None else sample.records(plan)
    found = []
    for table, one in plan.copied:
        count = sources.report.count(table.name)
        records, note = shown.get(table.name, ((), ""))
        found.append(
            TablePreview(
                table=table.name,
                category=category,
                rows=count.current if count else 0,
                shown=tuple((column.name, str(column.treatment)) for column in one.shown),
                dropped=tuple(column.name for column in one.columns if not column.shown),
                withheld=one.withheld,
                records=records,
                note=note,
            )
        )
    return found


class _Sample:
    """The first rows of each table, what the engine makes of them, and what the second look says to that."""

    def __init__(self, house: House, tenant: Tenant, sources: SourceSet) -> None:
        self._sources = sources
        self._k = house.settings.limits.k_anonymity
        self._geo = tenant.geo

    def records(self, plan: CopyPlan) -> Mapping[str, tuple[tuple[tuple[Cell, ...], ...], str]]:
        """Per table: its records side by side, or why there is none."""
        preparation = Preparation(secrets.token_bytes(32), secrets.token_bytes(32), k=self._k, profile="strict")
        look = SecondLook(regions=("US",) if self._geo == "US" else ("DE", "FR", "ES", "IT", "NL", "BE", "AT", "IE"))
        copied = {table.name for table, _ in plan.copied}
        batches: dict[str, pa.RecordBatch] = {}
        for table, one in plan.learnt:
            batch = self._first(table, one)
            if batch is None:
                continue
            preparation.learn(one, batch)
            if table.name in copied:
                preparation.count(one, batch)
                batches[table.name] = batch
            look.learn(table.name, batch)
        engine = preparation.engine([one for _, one in plan.copied])
        return {
            one.table: _records(engine, look, one, batch=batches[one.table])
            for _, one in plan.copied
            if one.table in batches
        }

    def _first(self, table: TableInfo, plan: TablePlan) -> pa.RecordBatch | None:
        if not plan.needed:
            return None
        batch = next(iter(self._sources.read(table, plan.needed, ROWS_READ)), None)
        return None if batch is None or not batch.num_rows else batch.slice(0, ROWS_READ)


def _records(
    engine: Engine, look: Look, plan: TablePlan, *, batch: pa.RecordBatch
) -> tuple[tuple[tuple[Cell, ...], ...], str]:
    made = engine.transform(plan, batch).batch
    if made.num_rows != batch.num_rows:
        return (), "nothing of these rows would be shown"
    found = look.check(plan.table, made)
    if found.hard:  # rule 4
        return (), _LOOK_AGAIN.format(", ".join(sorted({one.kind for one in found.hard})))
    suspicious = {int(row) for row in found.suspicious_rows}
    rows = [row for row in range(batch.num_rows) if row not in suspicious]
    # the rows that say most: what is empty shows nothing
    rows.sort(key=lambda row: -sum(made.column(name)[row].is_valid for name in made.schema.names))
    records = tuple(_record(plan, batch, made, row=row) for row in rows[:ROWS_SHOWN])
    return records, f"{len(suspicious)} of {batch.num_rows} rows would be withheld by suspicion" if suspicious else ""


def _record(plan: TablePlan, batch: pa.RecordBatch, made: pa.RecordBatch, *, row: int) -> tuple[Cell, ...]:
    """The cells that are not empty; first what changes, then what is left out, then what stays."""
    cells = []
    for column in plan.columns:
        old = _said(batch.column(column.name)[row].as_py())
        new = _said(made.column(column.name)[row].as_py()) if column.shown else None
        if old or new:
            cells.append(Cell(column.name, old, new, changed=old != new))
    return tuple(sorted(cells, key=lambda cell: (not cell.changed, cell.after is None)))


def _said(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= CELL_SHOWN else f"{text[:CELL_SHOWN]}\N{HORIZONTAL ELLIPSIS}"
