"""After a purge nothing of a copy is readable, raw or anonymized: in no file, page, write-ahead log or audit log."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from readingroom.audit.tables import PLACE_EVENTS, PLACE_SALTS
from readingroom.copies.reader import read_rows
from readingroom.copies.records import list_copies, list_parts
from readingroom.copies.tables import ITEMS, PARTS
from readingroom.db.engines import EVERY_TENANT
from readingroom.keys.roles import Role

TELLING = 24  # shorter cells may be words of a manifest


def shown_cells(cli: Any) -> set[str]:
    """Anonymized text of the data copies: whole cells, and the runs of words in long ones."""
    cells: set[str] = set()
    with cli.house(Role.WEB) as web:
        for copy in list_copies(web):
            if copy.category == "schema":
                continue
            for part in list_parts(web, copy):
                table = read_rows(web, copy, part.name)
                for column in table.columns:
                    cells |= {str(value) for value in column.to_pylist() if isinstance(value, str)}
    pieces = {piece for cell in cells for piece in re.split(r"[<>\n]+", cell)}
    return {text for text in cells | pieces if len(text) >= TELLING and " " in text}


def secrets_of(cli: Any) -> tuple[list[bytes], set[str]]:
    """The salts of the data copies' events, and the copies."""
    with cli.house(Role.WORKER) as worker:
        ids = {copy.id for copy in list_copies(worker) if copy.category != "schema"}
        salts: list[bytes] = []
        for place in worker.places.values():
            with place.db.read(EVERY_TENANT) as connection:
                salts += connection.scalars(select(PLACE_SALTS.c.salt).where(PLACE_SALTS.c.copy.in_(ids))).all()
    return salts, {str(one) for one in ids}


def traces(cli: Any, needles: list[bytes]) -> list[tuple[str, bytes]]:
    return [(name, needle) for name, data in cli.files().items() for needle in needles if needle in data]


@pytest.fixture(scope="module")
def used(template: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A room in use: items viewed, labelled, flagged, a subject erased, everything sequenced."""
    cli = template.copy_to(tmp_path_factory.mktemp("used") / "room")
    for person in ("ada", "ben"):
        cli.grant(person)
    for number in range(6):
        item = cli.ask("review", "next", "--as", "ada")["item"]
        cli.do("review", "label", item, ("spam", "ham")[number % 2], "--as", "ada")
    cli.do("review", "flag", cli.ask("review", "next", "--as", "ben")["item"], "--as", "ben")
    who = cli.root.parent / "who"
    who.write_text(f"email: {cli.somebody('email')}\n", encoding="utf-8")
    cli.do("subject", "erase", "--tenant", "alpha", "--identifiers", who, "--request", "r-1")
    cli.do("worker", "--once")
    return cli


def test_nothing_raw_and_nothing_shown_rests_even_before_the_purge(used: Any) -> None:
    cells = shown_cells(used)
    assert len(cells) > 50
    assert used.holding(used.raw()) == {}
    assert traces(used, [cell.encode() for cell in cells]) == []  # copies are sealed


def test_after_the_purge_nothing_is_readable(used: Any) -> None:
    cells = [cell.encode() for cell in shown_cells(used)]
    salts, copies = secrets_of(used)
    assert salts
    assert traces(used, salts) != []  # they are there now
    before = used.files()
    keys = [data for name, data in before.items() if "/keyring/epochs/" in name and "/data/" in name]
    parts = [data[:64] for name, data in before.items() if name.endswith(".parquet") and "/schema/" not in name]
    wrapped = [box for key in keys for box in re.findall(rb'"([A-Za-z0-9+/=]{40,})"', key)]
    assert len(wrapped) > 20
    assert parts
    with used.house(Role.WEB) as web:  # a serving process that holds its connections open meanwhile
        assert list_copies(web)
        used.do("clock", "advance", "31d")
        assert {copy["state"] for copy in used.copies() if copy["category"] != "schema"} == {"purged"}
        assert traces(used, [*cells, *salts]) == []
        assert used.holding(used.raw()) == {}
        assert traces(used, wrapped) == []
        assert traces(used, parts) == []
        for place in web.places.values():
            with place.db.read(EVERY_TENANT) as connection:
                for table in (ITEMS, PARTS):
                    assert not connection.scalars(select(table.c.copy).where(table.c.copy.in_(copies))).all()
    gone = {name.rsplit("/", 1)[0] for name in before if any(copy in name for copy in copies)}
    assert not [folder for folder in gone if (used.root / folder).exists()]
    used.do("audit", "verify")
    leaves = leaves_of(used)
    assert leaves  # the log outlives the purge, and its commitments open to nothing
    assert not [leaf for leaf in leaves if any(cell in leaf for cell in cells)]


def leaves_of(cli: Any) -> list[bytes]:
    with cli.house(Role.WORKER) as worker, worker.places["us"].db.read(EVERY_TENANT) as connection:
        return list(connection.scalars(select(PLACE_EVENTS.c.leaf)).all())


def test_an_opt_out_leaves_as_little(template: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    cli = template.copy_to(tmp_path_factory.mktemp("out") / "room")
    cells = [cell.encode() for cell in shown_cells(cli)]
    cli.do("engagement", "opt-out", "alpha")
    assert {copy["state"] for copy in cli.copies()} == {"purged"}
    assert traces(cli, cells) == []
    names = [name for name in cli.files() if "/objects/" in name or "/keyring/epochs/" in name]
    assert [name for name in names if not name.endswith(".lock")] == []
    assert not [name for name in cli.files() if "/keyring/tenants/" in name]  # no copy, no tag key
