"""The manifest of a copy: what it holds and what was left out, in names and counts, never values (P11-P14).

It stands on the copy's row and its hash in the event `copy.sealed`, so that nobody can rewrite it unseen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from readingroom.anonymize.classification import shipped
from readingroom.anonymize.plans import TablePlan
from readingroom.anonymize.preparation import Preparation
from readingroom.copies.part_writer import Totals
from readingroom.copies.passes import Passage, TableCounts
from readingroom.copies.records import Copy, get_copy
from readingroom.copies.tables import COPIES
from readingroom.core.canonical import digest
from readingroom.core.clock import format_instant
from readingroom.core.errors import SealFault
from readingroom.core.ids import CopyId
from readingroom.house import House
from readingroom.sources import Finding, Outcome


def read_manifest(house: House, copy: CopyId) -> dict[str, Any]:
    """The manifest of a copy (of a refused one: what was found); SealFault if it is not the one that was sealed."""
    found = get_copy(house, copy)
    with house.place(found.place).db.read(found.tenant) as connection:
        manifest = connection.scalar(select(COPIES.c.manifest).where(COPIES.c.id == copy)) or {}
    if found.manifest_sha256 and digest(manifest) != found.manifest_sha256:
        raise SealFault(f"the manifest of {copy} is not the one that was sealed")
    return dict(manifest)


def compose(copy: Copy, passage: Passage, *, preparation: Preparation, totals: Totals) -> dict[str, Any]:
    """The manifest of a finished copy."""
    report = passage.sources.report
    cleared = {table.name for table, _ in passage.plan.copied}
    pins = [{"file": one.label, "bytes": one.size, "sha256": one.sha256, "rows": one.rows} for one in report.files]
    findings = [one for one in report.findings if one.outcome is not Outcome.REFUSE_EXPORT]
    withheld = [(table.name, name, why) for table, plan in passage.plan.copied for name, why in plan.withheld]
    return {
        "format": "readingroom/manifest/v1",
        "copy": copy.id,
        "tenant": copy.tenant,
        "category": copy.category.value,
        "place": copy.place,
        "owner": copy.owner,  # P09
        "confidentiality": copy.confidentiality,
        "notice": copy.notice,
        "created_at": format_instant(copy.created_at),
        "sources": {"files": len(pins), "bytes": sum(one.size for one in report.files), "pins_sha256": digest(pins)}
        | {"plain_bytes": sum(one.plain_bytes for one in report.counts)},
        "tables": [_table(plan, passage.tables[table.name]) for table, plan in passage.plan.copied],
        "left_out": {
            "tables": [{"table": name, "why": why} for name, why in passage.plan.left_out],
            "columns": [{"table": table, "column": name, "why": why} for table, name, why in withheld],
            "not_listed": _not_listed(findings),  # names that no list clears are counted, not named (P26)
        },
        "scan": [one.as_json() for one in findings if one.table in cleared or not one.table],
        "risk": [one.as_json() for one in preparation.risk],
        "state": preparation.state,
        "second_look": {"hard": 0, "suspicious": sum(one.suspicious for one in passage.tables.values())},
        "totals": vars(totals),
        "seconds": {stage: round(seconds, 3) for stage, seconds in sorted(passage.seconds.items())},
    }


def _table(plan: TablePlan, counts: TableCounts) -> dict[str, Any]:
    columns = [{"column": c.name, "treatment": str(c.treatment), "origin": c.origin} for c in plan.columns]
    return {"table": plan.table, "store": plan.store, "columns": columns, **counts.as_json()}


def _not_listed(findings: Sequence[Finding]) -> dict[str, int]:
    """How many tables and columns nobody lists; what is listed and only not wanted here is not among them."""
    counts = {}
    for what in ("table", "column"):
        names = [name for one in findings if one.code == f"{what}_not_allowed" for name in one.uncleared]
        counts[f"{what}s"] = sum(1 for name in names if what == "column" or name.lower() not in shipped().names)
    return counts
