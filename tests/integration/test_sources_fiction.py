"""A fictional tenant reads back through the real readers; its gold is true; the same seed gives the same bytes."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from readingroom.simulation.fiction import Size, write_tenant
from readingroom.sources import SourceSet, open_sources

AS_OF = datetime(2026, 11, 1, 6, tzinfo=UTC)
SIZE = Size(contacts=90, leads=12, users=9, mails=80, records=60)
HASHES = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from readingroom.simulation.fiction import Size, write_tenant
as_of = datetime(2026, 11, 1, 6, tzinfo=UTC)
write_tenant(Path(sys.argv[1]), "kiefer", seed=7, geo="EU", as_of=as_of, size=Size(20, 5, 4, 12, 10))
"""


@pytest.fixture(params=["US", "EU"])
def tenant(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, SourceSet]:
    connection = write_tenant(tmp_path / "t", "kiefer", seed=3, geo=request.param, as_of=AS_OF, size=SIZE)
    return tmp_path / "t", open_sources(connection, AS_OF)


def _rows(sources: SourceSet, name: str) -> list[dict[str, Any]]:
    table = next(one for one in sources.tables() if one.name == name)
    return [row for batch in sources.read(table) for row in batch.to_pylist()]


def _planted(folder: Path) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(gzip.decompress((folder / "gold/planted.csv.gz").read_bytes()).decode()))]


def _labels(folder: Path) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO((folder / "gold/spam_labels.csv").read_text()))]


def test_nothing_is_refused_and_the_counts_are_right(tenant: tuple[Path, SourceSet]) -> None:
    folder, sources = tenant
    report = sources.scan()
    assert report.findings == ()
    expected = json.loads((folder / "gold/expected.json").read_text())
    for name, said in (expected["dataverse"] | expected["interactions"]).items():
        count = report.count(name)
        assert count is not None
        assert count.rows == said["rows"], name
        assert len(_rows(sources, name)) == count.current == said.get("current_rows", said["rows"]), name
    assert len(_rows(sources, "activity-log")) == SIZE.records
    deleted = {one for table, one in sources.deletions() if table == "contact"}
    assert deleted == set(expected["deleted_contacts"])
    assert deleted, "the seed must give at least one deleted contact"
    assert any(row["new_salesregion"] is None for row in _rows(sources, "account"))
    assert any(row["new_salesregion"] for row in _rows(sources, "account"))


def test_the_gold_says_where_people_are_named(tenant: tuple[Path, SourceSet]) -> None:
    folder, sources = tenant
    sources.scan()
    people = {row["Id"]: row for name in ("contact", "lead", "systemuser") for row in _rows(sources, name)}
    cells: dict[tuple[str, str], dict[str, Any]] = {}
    for table in sources.tables():
        for row in _rows(sources, table.name):
            key = row.get("Id") or row.get("InternalMarketingInteractionId") or ""
            cells[(table.store, key)] = row
    planted = _planted(folder)
    assert {one["form"] for one in planted} >= {
        "plain",
        "lower_case",
        "surname_comma_given",
        "split_tags",
        "json",
        "mailto",
    }
    checked = 0
    for one in planted:
        row = cells.get((one["store"], one["row_id"]))
        if row is None:
            continue  # of a mail that was deleted
        column, _, field = one["column"].partition(".")
        cell = row[column.removesuffix("[0]")]
        cell = json.loads(cell)[0][field] if field else cell
        assert cell[int(one["start"]) : int(one["end"])] == one["string"], one["form"]
        assert one["subject_id"] in people
        checked += 1
    assert checked > 0.95 * len(planted)


def test_mails_are_labelled_and_nobody_is_in_many(tenant: tuple[Path, SourceSet]) -> None:
    folder, sources = tenant
    sources.scan()
    labels = {row["msdyncrm_marketingemailid"]: row for row in _labels(folder)}
    assert len(labels) == SIZE.mails
    current = {row["Id"] for row in _rows(sources, "msdyncrm_marketingemail")}
    assert current == {one for one, row in labels.items() if row["deleted"] == "0"}
    assert 0.2 < sum(row["label"] == "spam" for row in labels.values()) / len(labels) < 0.6
    planted = _planted(folder)
    named: dict[str, set[str]] = {}
    for one in planted:
        if one["column"] == "msdyncrm_emailbody" and one["subject_type"] == "contact":
            named.setdefault(one["subject_id"], set()).add(one["row_id"])
    assert max(len(mails) for mails in named.values()) <= 8


def test_nobody_can_be_reached(tenant: tuple[Path, SourceSet]) -> None:
    _, sources = tenant
    sources.scan()
    for row in _rows(sources, "contact"):
        assert row["emailaddress1"].endswith(".example")
        digits = row["mobilephone"].replace(" ", "")
        assert "555-01" in digits or digits.startswith(("+33199", "+493023125", "+441632960"))
    names = [row["fullname"] for name in ("contact", "lead", "systemuser") for row in _rows(sources, name)]
    assert len(names) == len(set(names))


def test_a_table_is_named_after_a_person_and_a_label_too(tenant: tuple[Path, SourceSet]) -> None:
    folder, sources = tenant
    sources.scan()
    tables = {row["TableLogicalName"] for row in _rows(sources, "entity-definitions")}
    people = {(row["firstname"] + row["lastname"]).lower() for row in _rows(sources, "contact")}
    assert any(name.startswith("new_") and name.endswith("_orders") for name in tables)
    assert people
    label = next(row["fullname"] for row in _rows(sources, "contact"))
    text = (folder / "schema/EntityDefinitions.json").read_text()
    assert "Orders of " in text
    assert label not in repr(_rows(sources, "entity-definitions"))


def test_the_same_seed_gives_the_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    digests = []
    for hash_seed in ("0", "4711"):
        folder = tmp_path / hash_seed
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        subprocess.run([sys.executable, "-c", HASHES, str(folder)], check=True, env=environment)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        digest = hashlib.sha256()
        for path in files:
            digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
        digests.append(digest.hexdigest())
    assert digests[0] == digests[1]
