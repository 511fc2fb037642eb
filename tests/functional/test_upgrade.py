"""A room that the first release made, with data in it, is refused, upgraded, and works: read, purged, verified.

tests/data/room_of_the_first_release.tar.xz is a simulation room of fictional tenants as that release's own commands
left it (two copies, four people, logs), its SQLite databases as SQL. SOURCES stands for where the sources were.
"""

from __future__ import annotations

import json
import sqlite3
import tarfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readingroom.core.clock import SystemClock
from readingroom.db.migrating import revisions
from readingroom.db.schema import PLACE, ROOM

ARCHIVE = Path(__file__).parent.parent / "data" / "room_of_the_first_release.tar.xz"
MADE = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)


@pytest.fixture
def old(tmp_path: Path, by_command: Any) -> Any:
    """The room as it was, an hour after it was made."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="tar")
    root = tmp_path / "room"
    for dump in root.rglob("db.sql"):
        with closing(sqlite3.connect(dump.with_suffix(".sqlite"))) as connection:
            connection.executescript(dump.read_text(encoding="utf-8").replace("SOURCES", str(tmp_path / "sources")))
        dump.unlink()
    offset = MADE + timedelta(hours=1) - SystemClock().now()
    (root / "clock.json").write_text(json.dumps({"offset_seconds": offset.total_seconds()}), encoding="utf-8")
    return by_command(root, tmp_path / "sources")


def test_a_room_of_the_first_release_is_upgraded_with_its_data(old: Any) -> None:
    if len(revisions(ROOM)) == len(revisions(PLACE)) == 1:
        pytest.skip("there is one version only")
    refused = old("copy", "list")
    assert refused.code == 1
    assert "readingroom upgrade" in refused.err
    before = old.files()
    planned = old.ask("upgrade")
    assert not planned["done"]
    assert {step["present"] for step in planned["steps"]} == {"0001"}
    assert old.files().keys() == before.keys()
    assert "backup" in old.do("upgrade")
    assert old("copy", "list").code == 1  # nothing was done yet
    assert old.ask("upgrade", "--yes")["done"]
    assert "nothing to do" in old.do("upgrade", "--yes")

    copies = old.copies(state="sealed")
    assert sorted((copy["tenant"], copy["category"]) for copy in copies) == [("alpha", "marketing"), ("beta", "query")]
    assert old("audit", "verify").code == 0
    grant = old.grant("ada")
    assert grant
    old.do("clock", "advance", "31d")
    assert {copy["state"] for copy in old.copies()} == {"purged"}
    assert old("audit", "verify").code == 0

    old.do("upgrade", "--yes", "--down", "room:0001", "--down", "place:0001")
    assert "readingroom upgrade" in old("copy", "list").err
    old.do("upgrade", "--yes")
    assert {copy["state"] for copy in old.copies()} == {"purged"}


def test_a_revision_that_is_not_there_is_a_usage_error(old: Any) -> None:
    for wrong in ("room", "attic:0001", "room:9999", "place:"):
        assert old("upgrade", "--down", wrong).code in {0, 2}
    assert old("upgrade", "--down", "attic:0001").code == 2
    assert old("upgrade", "--down", "room:9999").code == 2
