"""A tenant that exports in a way that no list knows: everything unknown stays out until somebody confirms it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from readingroom.bootstrap import open_house
from readingroom.copies.reader import read_rows
from readingroom.copies.records import get_copy, list_copies, list_parts
from readingroom.core.ids import CopyId
from readingroom.keys.roles import Role
from readingroom.simulation.fiction_odd import CUSTOM, VISIT, VISITS


def _tables(room: Any, copy: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of a copy by table."""
    house = open_house(room.root, Role.WEB)
    try:
        found = get_copy(house, CopyId(copy))
        assert found in list_copies(house)
        parts = list_parts(house, found)
        tables: dict[str, list[dict[str, Any]]] = {part.table_name: [] for part in parts}
        for part in parts:
            tables[part.table_name] += read_rows(house, found, part.name).to_pylist()
        return tables
    finally:
        for database in (house.db, *(place.db for place in house.places.values())):
            database.close()


def _people(room: Any) -> set[str]:
    """Names, addresses and numbers of everybody who is or was a contact."""
    found: set[str] = set()
    folder = room.sources / "sonder/dataverse-prod-sonder"
    columns = _columns(folder, "contact")
    for path in (folder / "contact").iterdir():
        with path.open(encoding="utf-8-sig", newline="") as text:
            for line in csv.reader(text):
                row = dict(zip(columns, line, strict=True))
                found |= {row[name] for name in ("fullname", "emailaddress1", "mobilephone") if row[name]}
    assert len(found) > 100
    return found


def _columns(folder: Path, table: str) -> list[str]:
    model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    entity = next(one for one in model["entities"] if one["name"] == table)
    return [one["name"] for one in entity["attributes"]]


@pytest.fixture
def room(walled_template: Any, tmp_path: Path) -> Any:
    return walled_template.copy_to(tmp_path / "room")


def test_what_nobody_listed_is_withheld_and_the_rest_is_copied(room: Any) -> None:
    (copy,) = room.copies(tenant="sonder", category="marketing")
    tables = _tables(room, copy["id"])
    assert VISITS not in tables
    assert not [name for name in tables if name.startswith("cr1a_")]
    assert len(tables["contact"]) > 40
    assert not set(CUSTOM) & set(tables["contact"][0])
    shown = json.dumps(tables, default=str, ensure_ascii=False)
    # a listed code that holds addresses in some rows, too
    assert [one for one in sorted(_people(room)) if one in shown] == []
    assert room.ask("copy", "show", copy["id"])["id"] == copy["id"]


def test_unknown_names_are_listed_unless_they_may_be_a_persons(room: Any) -> None:
    listed = room.ask("columns", "list", "sonder", "--withheld")["columns"]
    tables = {one["table"] for one in listed}
    everything = json.dumps(listed)
    named = next(name for name in _all_tables(room) if name.endswith("akte"))
    assert named not in everything
    assert named.removeprefix("cr1a_").removesuffix("akte") not in everything
    assert any(name.startswith("(withheld ") for name in tables)
    own = room.ask("columns", "list", "sonder", "--withheld", "--by", "admin@sonder.example")["columns"]
    assert {named, VISITS} <= {one["table"] for one in own}
    assert {one["column"] for one in own if one["table"] == VISITS} >= set(VISIT)


def test_a_preview_tells_the_operator_no_name_that_may_be_somebodys(room: Any) -> None:
    """The same names as in `columns list`: the administrator reads them, the vendor does not (P26)."""
    named = next(name for name in _all_tables(room) if name.endswith("akte"))
    told = json.dumps(room.ask("engagement", "preview", "sonder"))
    assert named not in told
    assert "(withheld " in told
    assert "contact" in told
    assert named in json.dumps(room.ask("engagement", "preview", "sonder", "--by", "admin@sonder.example"))


def _all_tables(room: Any) -> list[str]:
    return [path.name for path in (room.sources / "sonder/dataverse-prod-sonder").iterdir() if path.is_dir()]


def test_confirmed_columns_complete_the_copy_and_still_name_nobody(room: Any) -> None:
    treatments = {
        f"{VISITS}.Id": "drop",  # known, not shown: without it nobody can count who shares a code
        f"{VISITS}.cr1a_bemerkung": "text",
        f"{VISITS}.cr1a_ansprechpartner": "pseudonym(name)",
        f"{VISITS}.cr1a_rueckruf": "pseudonym(phone)",
        f"{VISITS}.cr1a_anzahl": "keep",  # and yet it holds addresses
        f"{VISITS}.cr1a_stufe": "keep",
        "contact.cr1a_spitzname": "text",
        "contact.cr1a_betreuung": "keep",
    }
    for column, treatment in treatments.items():
        room.do("columns", "confirm", "sonder", column, treatment)
    room.do("copy", "run", "sonder", "--category", "marketing")
    newest = max(room.copies(tenant="sonder", category="marketing"), key=lambda one: one["created_at"])
    assert newest["state"] == "sealed"
    tables = _tables(room, newest["id"])
    visits = tables[VISITS]
    assert len(visits) > 60
    assert {row["cr1a_stufe"] for row in visits} == {"A", "B", "C"}
    assert all(row["cr1a_bemerkung"] for row in visits)
    assert not any("@" in str(row["cr1a_anzahl"]) for row in visits)
    shown = json.dumps(tables, default=str, ensure_ascii=False)
    assert [one for one in sorted(_people(room)) if one in shown] == []
    assert room.holding(room.raw("sonder")) == {}


def test_a_looser_treatment_of_a_listed_column_is_refused(room: Any) -> None:
    assert room("columns", "confirm", "sonder", "contact.emailaddress1", "keep").code == 2
