"""The records of a fictional tenant in the making, and its gold: what stands where."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from readingroom.simulation.fiction_layout import Row
from readingroom.simulation.fiction_people import Dice, Mark

PLANTED = (
    *("store", "table", "row_id", "column", "start", "end", "kind", "form", "string", "value"),
    *("subject_type", "subject_id", "certainty"),
)


@dataclass(frozen=True)
class Size:
    """How many of each."""

    contacts: int = 220
    leads: int = 40
    users: int = 30
    mails: int = 420
    records: int = 260
    sends_per_mail: int = 5


@dataclass
class Tenant:
    """A tenant in the making."""

    name: str
    geo: str
    size: Size
    as_of: datetime
    dice: Dice
    tables: dict[str, list[Row]] = field(default_factory=dict)
    interactions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    planted: list[tuple[str, ...]] = field(default_factory=list)
    labels: list[tuple[str, str, int]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    current: dict[str, int] = field(default_factory=dict)
    version: int = 1_000_000

    def past(self, most_days: int = 420) -> datetime:
        """An instant at least four days before the export: later versions still lie before it."""
        return self.as_of - timedelta(seconds=self.dice.between(4 * 86400, most_days * 86400))

    def add(self, table: str, cells: dict[str, Any], created: datetime) -> Row:
        """Add the first version of a record; the table's own key is its Id."""
        self.version += self.dice.between(1, 9)
        known = {"statecode": 0, "statuscode": 1, f"{table}id": cells["Id"], "createdon": created}
        known |= {"modifiedon": created, "versionnumber": self.version}
        row = Row(known | cells, created + timedelta(minutes=self.dice.between(2, 15)))
        self.tables.setdefault(table, []).append(row)
        self.current[table] = self.current.get(table, 0) + 1
        return row

    def again(self, table: str, row: Row, changes: dict[str, Any]) -> None:
        """Add a later version of a record; with no changes it is a retry: the same version, written later."""
        later = row.sink + timedelta(hours=self.dice.between(1, 30))
        cells = dict(row.cells)
        if changes:
            self.version += self.dice.between(1, 9)
            cells |= {"modifiedon": later - timedelta(minutes=3), "versionnumber": self.version} | changes
        self.tables[table].append(replace(row, cells=cells, sink=later))

    def delete(self, table: str, row: Row) -> None:
        """Add the row that says that a record is gone: its key, its times, and nulls."""
        self.again(table, row, {"IsDelete": True})
        last = self.tables[table][-1]
        kept = {"Id", "createdon", "modifiedon", "versionnumber", "IsDelete", f"{table}id"}
        cells = {name: value for name, value in last.cells.items() if name in kept}
        self.tables[table][-1] = replace(last, cells=cells)
        self.current[table] -= 1

    def plant(self, store: str, place: tuple[str, str, str], marks: Iterable[Mark]) -> None:
        """Remember where somebody is named: (table, row id, column)."""
        for mark in marks:
            where = (str(mark.start), str(mark.end), mark.kind, mark.form, mark.string, mark.value)
            self.planted.append((store, *place, *where, mark.person.kind, mark.person.id, "planted"))


def write_gold(tenant: Tenant, folder: Path) -> None:
    """Write planted.csv.gz and spam_labels.csv as the real tenants have them, and expected.json."""
    folder.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([PLANTED, *tenant.planted])
    (folder / "planted.csv.gz").write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))
    sent = {row["MessageId"] for row in tenant.interactions["EmailSent"]}
    lines = [f"{one},{label},{int(one in sent)},{gone}\n" for one, label, gone in tenant.labels]
    (folder / "spam_labels.csv").write_text(
        "msdyncrm_marketingemailid,label,sent,deleted\n" + "".join(lines), encoding="utf-8"
    )
    dataverse = {
        table: {"rows": len(rows), "current_rows": tenant.current[table]} for table, rows in tenant.tables.items()
    }
    interactions = {table: {"rows": len(rows)} for table, rows in tenant.interactions.items()}
    expected = {"dataverse": dataverse, "interactions": interactions, "records": tenant.size.records}
    expected |= {"deleted_contacts": sorted(tenant.deleted)}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1), encoding="utf-8")
