from __future__ import annotations

import json
from pathlib import Path

import pytest

from ground import tamper, tampering
from readingroom.bootstrap import init, open_house
from readingroom.cli.main import execute
from readingroom.engagement.notice import publish_notice
from readingroom.engagement.optin import opt_in
from readingroom.engagement.tenants import add_tenant
from readingroom.keys.roles import Role


@pytest.fixture
def room(tmp_path: Path) -> Path:
    root = tmp_path / "room"
    init(root, simulation=True)
    house = open_house(root, Role.WEB)
    publish_notice(house, actor="officer")
    add_tenant(house, "northwind", geo="US", connection={"synapse": str(tmp_path)}, actor="officer")
    opt_in(house, "northwind", "admin@customer.example")
    house.db.close()
    for place in house.places.values():
        place.db.close()
    return root


def test_assure_prints_every_promise(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["-C", str(room), "assure", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["promises"]
    assert [row["id"] for row in rows] == [f"P{number:02d}" for number in range(1, 36)]
    status = {row["id"]: row["status"] for row in rows}
    assert {promise for promise, said in status.items() if said == "kept"} == {"P01", "P04", "P07", "P10"}
    assert {status[promise] for promise in ("P03", "P15", "P20", "P31", "P33", "P34", "P35")} == {"not yet"}
    assert set(rows[0]) == {"id", "promise", "status", "kind", "evidence", "enforced_by", "how_a_lie_shows"}
    assert execute(["-C", str(room), "assure"]) == 0
    assert "not yet" in capsys.readouterr().out


def test_assure_leaves_with_a_fault_where_a_promise_is_broken(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with tampering(room, None) as connection:
        tamper(connection, "UPDATE engagements SET state = 'suspended'")
    assert execute(["-C", str(room), "assure", "--json"]) == 1
    told = capsys.readouterr()
    broken = [row["id"] for row in json.loads(told.out)["promises"] if row["status"] == "broken"]
    assert broken == ["P02"]
    assert "broken: P02" in told.err
