"""Every case of ../shared/data/tenants/broken/cases.json ends exactly as the file says, with real files."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from readingroom.sources import Finding, ScanReport, SourceSet, open_sources

NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)
NOT_ON_THE_LIST = {"cr1a_therapynotes", "new_x9"}


def _connection(folder: Path) -> dict[str, str]:
    places = {
        "synapse": folder / "dataverse-prod-broken",
        "interactions": folder / "interactions",
        "activity_log": folder / "activity-log",
    }
    return {kind: str(path) for kind, path in places.items() if path.is_dir()}


class _Everything(frozenset[str]):
    """A set of all names but those of the unknown columns."""

    def __contains__(self, name: object) -> bool:
        return name not in NOT_ON_THE_LIST


def _allowed(table: str) -> frozenset[str] | None:
    return None if "johnsmith" in table else _Everything()


def _rows(sources: SourceSet, name: str) -> list[dict[str, Any]]:
    table = next(one for one in sources.tables() if one.name == name)
    return [row for batch in sources.read(table) for row in batch.to_pylist()]


def _matches(finding: Finding, said: dict[str, Any]) -> bool:
    wanted = {name: said[name] for name in ("code", "file", "row", "column") if name in said}
    if wanted.get("file", "").startswith("dataverse-prod-broken/"):
        wanted["file"] = wanted["file"].removeprefix("dataverse-prod-broken/")  # files are named within the export
    numbers = {name: said[name] for name in ("have", "want") if name in said}
    names = [said["table"]] if said["code"] == "table_not_allowed" else said.get("columns", [])
    told = {name: getattr(finding, name) for name in wanted}
    table = said.get("table") in {None, finding.table, *names}
    return wanted == told and numbers.items() <= finding.detail.items() and list(finding.uncleared) == names and table


def _said(case: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """(outcome, what must be told) of a case."""
    said = [(case["outcome"], case[key]) for key in ("error", "warning") if key in case]
    return said + [(case["outcome"], one) for one in case.get("also", [])]


def _check_findings(case: dict[str, Any], report: ScanReport) -> None:
    found = report.findings
    said = _said(case)
    assert len(found) == len(said), (case["case"], [str(one) for one in found])
    for outcome, one in said:
        assert any(_matches(finding, one) and finding.outcome == outcome for finding in found), (
            case["case"],
            one,
            [str(finding) for finding in found],
        )


def _check_rows(case: dict[str, Any], sources: SourceSet) -> None:
    expected = case.get("expect", {})
    got = {table.name: len(_rows(sources, table.name)) for table in sources.tables()}
    refused_tables = {one.table for one in sources.report.refused if one.outcome == "refuse_table"}
    if case["outcome"] == "refuse_export":
        assert got == {}, case["case"]
    elif expected:
        kept = {name: count for name, count in got.items() if name != "activity-log"}
        assert kept == expected, case["case"]
    else:
        assert not refused_tables & set(got), case["case"]
        assert {"contact", "msdyncrm_marketingemail"} <= set(got) | refused_tables, case["case"]


def _check_cells(case: dict[str, Any], sources: SourceSet) -> None:
    if cell := case.get("cell"):
        value = next(row[cell["column"]] for row in _rows(sources, cell["table"]) if row["Id"] == cell["id"])
        if "sha256" in cell:
            assert (len(value), hashlib.sha256(value.encode()).hexdigest()) == (cell["length"], cell["sha256"])
        else:
            assert value == cell["value"]
    people = {row["Id"]: row for row in _rows(sources, "contact")} if "names" in case else {}
    for one, (first, last) in case.get("names", {}).items():
        assert (people[one]["firstname"], people[one]["lastname"]) == (first, last)
    if payloads := case.get("payloads"):
        tables = ("contact", "msdyncrm_marketingemail")
        values = [value for name in tables for row in _rows(sources, name) for value in row.values()]
        for payload in payloads:
            assert any(payload in value for value in values if isinstance(value, str)), (case["case"], payload)


def test_every_case_ends_as_the_file_says(shared: Path) -> None:
    folder = shared / "data/tenants/broken"
    cases = json.loads((folder / "cases.json").read_text())["cases"]
    assert len(cases) == 35
    for case in cases:
        sources = open_sources(_connection(folder / case["path"]), NOW)
        report = sources.scan(allowed=_allowed)
        _check_findings(case, report)
        _check_rows(case, sources)
        _check_cells(case, sources)
        assert "johnsmith" not in "".join(map(str, report.findings)) + repr(report), case["case"]


def test_a_deleted_record_is_a_deletion_and_not_a_row(shared: Path) -> None:
    sources = open_sources(_connection(shared / "data/tenants/broken/cases/32_deleted_row"), NOW)
    sources.scan()
    assert list(sources.deletions()) == [("contact", "197e8134-cdd9-ee11-be6e-6045bd0a61f3")]


def test_without_an_allow_list_unknown_tables_are_read_as_they_are(shared: Path) -> None:
    sources = open_sources(_connection(shared / "data/tenants/broken/cases/17_unknown_columns"), NOW)
    assert sources.scan().findings == ()
    contact = next(one for one in sources.tables() if one.name == "contact")
    assert {one.name for one in contact.columns} >= NOT_ON_THE_LIST


@pytest.fixture
def enron(shared: Path) -> SourceSet:
    folder = shared / "data/tenants/enron"
    connection = {
        "synapse": str(folder / "dataverse-prod-enron"),
        "interactions": str(folder / "interactions"),
        "activity_log": str(folder / "activity-log"),
        "entity_definitions": str(folder / "schema/EntityDefinitions.json"),
    }
    return open_sources(connection, NOW)


def test_enron_has_the_counts_of_its_gold(enron: SourceSet, shared: Path) -> None:
    expected = json.loads((shared / "data/tenants/enron/gold/expected.json").read_text())
    report = enron.scan()
    assert report.findings == ()
    deletions = set(enron.deletions())
    for name, said in expected["dataverse"].items():
        count = report.count(name)
        assert count is not None
        assert (count.rows, count.files, len(count.table.columns)) == (
            said["rows"],
            said["partitions"],
            said["columns"],
        )
        assert (count.current, count.current + count.deleted) == (said["current_rows"], said["distinct_ids"])
        ids = [row["Id"] for row in _rows(enron, name)]
        assert len(ids) == len(set(ids)) == said["current_rows"]
        assert {one for table, one in deletions if table == name} == set(said["deleted_ids"])
        assert not set(ids) & set(said["deleted_ids"])
    for name, said in expected["interactions"].items():
        count = report.count(name)
        assert count is not None
        assert (count.rows, count.files, count.plain_bytes) == (said["rows"], said["files"], said["bytes_plain"])
        assert len(_rows(enron, name)) == said["rows"]


def test_enron_rows_hold_what_the_gold_says(enron: SourceSet, shared: Path) -> None:
    expected = json.loads((shared / "data/tenants/enron/gold/expected.json").read_text())
    enron.scan()
    consent: dict[str, int] = {}
    for row in _rows(enron, "contact"):
        consent[str(row["msgdpr_gdprconsent"])] = consent.get(str(row["msgdpr_gdprconsent"]), 0) + 1
    assert consent == expected["contacts_by_current_consent"]
    log = _rows(enron, "activity-log")
    said = expected["activity_log"]
    assert len(log) == said["records"]
    assert sum(row["Query"] is not None for row in log) == said["with_query"]
    assert sum(row["ReturnedRows"] is not None for row in log) == said["with_returned_rows"]
    assert all(isinstance(json.loads(row["ReturnedRows"]), list) for row in log if row["ReturnedRows"])
    schema = _rows(enron, "entity-definitions")
    assert len({row["TableLogicalName"] for row in schema}) == expected["schema"]["tables"]
    assert sum(row["ColumnLogicalName"] is not None for row in schema) == expected["schema"]["columns"]
