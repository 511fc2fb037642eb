"""`lingua` (EU, Delta, four languages) beside `enron` (US) in one room: what can still be read, and what is where."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import ahocorasick_rs
import pytest

from readingroom.cli.main import execute

pytestmark = pytest.mark.quality

GEOS = {"lingua": "EU", "enron": "US"}
# what must not be readable at all; a lone first or last name is known weakness and is bounded below
IDENTIFIERS = ("email", "full_name", "phone", "gov_id", "iban", "vat")
LONE_NAMES = 4


class Room:
    """A room by the command line."""

    def __init__(self, root: Path, tenants: Path) -> None:
        self.root, self.tenants = root, tenants

    def __call__(self, *words: object) -> str:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = execute(["-C", str(self.root), *map(str, words)])
        assert code == 0, f"{words}: {err.getvalue()}"
        return out.getvalue()

    def ask(self, *words: object) -> Any:
        return json.loads(self(*words, "--json"))

    def add(self, name: str) -> None:
        home = self.tenants / name
        self(
            *("tenant", "add", name, "--geo", GEOS[name]),
            *("--synapse", home / f"dataverse-prod-{name}", "--interactions", home / "interactions"),
            *("--activity-log", home / "activity-log"),
            *("--entity-definitions", home / "schema/EntityDefinitions.json"),
        )
        self("engagement", "opt-in", name, "--by", f"admin@{name}.example")

    def planted(self, name: str) -> list[dict[str, str]]:
        text = gzip.decompress((self.tenants / name / "gold/planted.csv.gz").read_bytes()).decode()
        return list(csv.DictReader(io.StringIO(text)))

    def check(self, tenant: str, category: str) -> Any:
        copy = next(
            one["id"]
            for one in self.ask("copy", "list")["copies"]
            if (one["tenant"], one["category"]) == (tenant, category)
        )
        return self.ask("copy", "check", copy, "--gold", self.tenants / tenant / "gold/planted.csv.gz")

    def holding(self, folder: str, needles: Iterable[str]) -> dict[str, int]:
        """How many of the needles each file under `folder` holds; files with none are left out."""
        automaton = ahocorasick_rs.BytesAhoCorasick([one.encode() for one in sorted(set(needles))])
        files = [path for path in (self.root / folder).rglob("*") if path.is_file()]
        assert files
        found = {str(path.relative_to(self.root)): _hits(automaton, path) for path in files}
        return {name: count for name, count in found.items() if count}


def _hits(automaton: Any, path: Path) -> int:
    return len(automaton.find_matches_as_indexes(path.read_bytes())) + len(
        automaton.find_matches_as_indexes(str(path).encode())
    )


@pytest.fixture(scope="module")
def room(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Room:
    made = Room(tmp_path_factory.mktemp("two") / "room", shared / "data/tenants")
    assert execute(["init", str(made.root), "--simulation"]) == 0
    made("notice", "publish")
    for name in GEOS:
        made.add(name)
    made("copy", "run", "lingua")
    made("copy", "run", "enron")
    return made


@pytest.mark.parametrize("tenant", GEOS)
@pytest.mark.parametrize("category", ["marketing", "query"])
def test_no_known_identifier_can_be_read(room: Room, tenant: str, category: str) -> None:
    found = room.check(tenant, category)
    print(f"\n{tenant} {category}: {found['checked']} places, readable {found['readable']}, {found['canaries']}")
    for certainty in ("planted", "matched"):
        readable = found["readable"].get(certainty, {})
        assert {kind: count for kind, count in readable.items() if kind in IDENTIFIERS and count} == {}
        assert sum(readable.values()) <= LONE_NAMES
    assert found["canaries"]["readable"] == 0
    if (tenant, category) == ("lingua", "marketing"):
        assert found["canaries"]["checked"] >= 24
        assert found["not_in_copy"]["column withheld"] == 0


@pytest.mark.parametrize("tenant", GEOS)
def test_no_identifier_rests_in_the_room(room: Room, tenant: str) -> None:
    kinds = ("email", "full_name", "phone", "iban")
    values = {one["value"] for one in room.planted(tenant) if one["kind"] in kinds and len(one["value"]) > 8}
    assert len(values) > 500
    assert room.holding(".", values) == {}


def test_neither_place_knows_of_the_others_tenant(room: Room) -> None:
    copies = room.ask("copy", "list")["copies"]
    for place, stranger in (("us", "lingua"), ("eu", "enron")):
        ids = [one["id"] for one in copies if one["tenant"] == stranger]
        assert room.holding(f"places/{place}", ["tenant/" + stranger, f"/{stranger}/", f'"{stranger}"', *ids]) == {}
    assert {(one["tenant"], one["place"]) for one in copies if one["category"] == "schema"} == {
        ("lingua", "schema-us"),
        ("enron", "schema-us"),
    }
    assert {one["place"] for one in copies if one["category"] != "schema" and one["tenant"] == "lingua"} == {"eu"}
    others = [one["id"] for one in copies if one["category"] != "schema"]
    assert room.holding("places/schema-us", others) == {}
