"""`copy check` on sealed copies: what of a gold file is still readable; and copies that the second look refuses."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import func, select

from readingroom.access.datasets import open_for_check
from readingroom.access.tables import VIEWS
from readingroom.audit.tables import PLACE_EVENTS
from readingroom.copies.gold_check import check_gold, readable
from readingroom.copies.gold_file import read_gold
from readingroom.copies.looks import LookResult
from readingroom.copies.manifest import read_manifest
from readingroom.copies.records import list_copies
from readingroom.copies.run import run_copy
from readingroom.copies.second_look import SecondLook
from readingroom.copies.states import CopyState
from readingroom.core.category import Category
from readingroom.core.errors import CopyRefused, Fault, KeyFault, UsageError
from readingroom.engagement.tenants import get_tenant
from readingroom.keys.roles import Role
from readingroom.sources import open_sources

HEADER = "store,table,row_id,column,start,end,kind,form,string,value,subject_type,subject_id,certainty"
CANARIES = (
    "canary_id,canary_form,form_here,subject_type,subject_id,first,last,email,phone,"
    "store,table,row_id,column,start,end,kind,string,primary"
)


def line(row: str, column: str, string: str, **other: str) -> dict[str, str]:
    given = {"store": "dataverse", "table": "mail", "start": "0", "end": "3", "kind": "full_name", "form": "plain"}
    given |= {"value": string, "subject_type": "contact", "subject_id": "x", "certainty": "planted"}
    return {**given, "row_id": row, "column": column, "string": string, **other}


def gold(*lines: dict[str, str], header: str = HEADER) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header.split(","), extrasaction="ignore")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue().encode()


LINES = (
    line("m1", "body", "Ada Example"),
    line("m1", "body", "ada&nbsp;example", form="entity", certainty="matched"),
    line("m1", "body", "Carl Nobody"),
    line("m2", "body", "Bob", kind="first_name"),
    line("m2", "body", "ob", kind="first_name"),
    line("m2", "body[0].name", "<b>Bob</b> Sample", form="split_tags"),
    line("m2", "secret", "Ada Example", kind="email"),
    line("m9", "body", "Ada Example"),
    line("m1", "body", "Ada Example", table="elsewhere"),
)


def test_what_can_still_be_read_is_counted_by_kind_form_and_certainty(room: Any, sealed: Any) -> None:
    house = room.open(Role.COPY)
    report = check_gold(house, sealed.copy, gzip.compress(gold(*LINES)), open_parts=open_for_check)
    shown = report.public()
    assert shown["checked"] == 6
    assert shown["readable"] == {"matched": {"full_name": 1}, "planted": {"first_name": 1, "full_name": 2}}
    assert shown["by_form"] == {
        "entity": {"checked": 1, "readable": 1},
        "plain": {"checked": 4, "readable": 2},
        "split_tags": {"checked": 1, "readable": 1},
    }
    assert shown["by_kind"]["full_name"] == {"checked": 4, "readable": 3}
    assert shown["not_in_copy"] == {"table not in the copy": 1, "column withheld": 1, "row absent": 1}
    assert shown["canaries"] == {"checked": 0, "readable": 0, "forms": {}}
    for secret in ("Ada", "Bob", "Sample", "m1", "m2"):
        assert secret not in json.dumps(shown)
        assert secret not in repr(report)


def test_canary_primaries_stand_apart(room: Any, sealed: Any) -> None:
    house = room.open(Role.COPY)
    canary = {"canary_form": "upper_case", "form_here": "upper_case", "certainty": ""}
    canaries = gold(
        line("m1", "body", "ADA EXAMPLE", primary="1", **canary),
        line("m2", "body", "Bob Sample", primary="0", start="4", **canary),
        line("m3", "body", "Eve Elsewhere", primary="1", start="5", **canary),
        header=CANARIES,
    )
    shown = check_gold(house, sealed.copy, canaries, open_parts=open_for_check).public()
    assert shown["canaries"] == {"checked": 2, "readable": 1, "forms": {"upper_case": 1}}
    assert (shown["checked"], shown["readable"]) == (1, {"canary": {"full_name": 1}})
    marked = check_gold(
        house, sealed.copy, gold(*LINES[:1], LINES[2]), open_parts=open_for_check, canaries=canaries
    ).public()  # the lines at the place of a primary are primaries
    assert (marked["checked"], marked["canaries"]["checked"]) == (0, 2)


def test_a_check_is_one_decision_and_one_event_a_part(room: Any, sealed: Any) -> None:
    house = room.open(Role.COPY)
    check_gold(house, sealed.copy, gold(*LINES), open_parts=open_for_check)
    with house.place("us").db.read("fabrikam") as connection:
        opened = select(func.count()).select_from(PLACE_EVENTS).where(PLACE_EVENTS.c.name == "part.opened")
        assert connection.scalar(opened) == 2
        assert connection.scalar(select(func.sum(VIEWS.c.rows))) == 5


@pytest.mark.parametrize("role", [Role.WEB, Role.WORKER])
def test_a_role_that_reads_no_tags_checks_nothing(room: Any, sealed: Any, role: Role) -> None:
    with pytest.raises(KeyFault):
        check_gold(room.open(role), sealed.copy, gold(*LINES), open_parts=open_for_check)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", 'g.csv, row 1, column "store": the column is missing'),
        (gold(header=HEADER.replace(",form", "")), 'g.csv, row 1, column "form": the column is missing'),
        (gold(LINES[0], line("m1", "body", "Ada Example", start="x")), 'g.csv, row 3, column "start": a whole number'),
        (gold(line("m1", "body", "")), 'g.csv, row 2, column "string": the value is missing'),
        (gold(line("", "body", "Ada Example")), 'g.csv, row 2, column "row_id": the value is missing'),
        (gold(LINES[0]) + b"dataverse,mail\r\n", 'g.csv, row 3, column "row_id": the row ends before this column'),
        (gold(LINES[0]) + b"a," * 20, "g.csv, row 3: the row has more values"),
        (gold(LINES[0]) + b'"Ada"x,', "g.csv, row 3: the row cannot be read"),
        (gold(line("m1", "body", "A", primary="2"), header=CANARIES), 'g.csv, row 2, column "primary": 0 or 1'),
        (gzip.compress(gold(*LINES))[:-9], "g.csv: the gzip file is broken"),
        (HEADER.encode() + b"\n\xff", "g.csv: a gold file is UTF-8"),
    ],
)
def test_a_gold_file_that_cannot_be_read_is_named_with_row_and_column(data: bytes, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_gold(data, name="g.csv")
    assert str(caught.value).startswith(message)
    assert "Ada" not in str(caught.value)


@pytest.mark.parametrize(
    ("string", "cell", "expected"),
    [
        ("Ada Example", "x ADA EXAMPLE y", True),
        ("Ada Example", "<a title='Ada Example'>z</a>", True),
        ("A<b>da</b> Example", "Ada Example", True),
        ("Ada Example", "A<b>da</b> Exam<!-- -->ple", True),
        ("Ada&#32;Example", "Ada Example", True),
        ("\uff21da Example", "Ada Example", True),
        ("Ada Example", "[PERSON_7f3a2c91]", False),
        ("Ada", "Adamant", False),
        ("Ada", "(ada)", True),
        ("Adam", "adamant", True),
        ("Ada Example", None, False),
    ],
)
def test_readable_means_contained_in_the_normal_form(string: str, cell: str | None, expected: bool) -> None:
    assert readable(string, cell) is expected


class Broken:
    """A second look behind an engine that leaves something: `leave` makes the batch that the engine should not have."""

    def __init__(self, leave: str) -> None:
        self._look = SecondLook()
        self._leave, self.name = leave, ""
        self._raw: dict[str, pa.RecordBatch] = {}

    def learn(self, table: str, batch: pa.RecordBatch) -> None:
        self._raw.setdefault(table, batch)
        if table == "contact":
            self.name = batch.column("fullname")[0].as_py()
        self._look.learn(table, batch)

    def check(self, table: str, batch: pa.RecordBatch) -> LookResult:
        if self._leave == "everything":
            return self._look.check(table, self._raw[table])
        if self._leave == "an error":
            raise ValueError(self.name)
        at = next((n for n, field in enumerate(batch.schema) if pa.types.is_large_string(field.type)), 0)
        cells = batch.column(at).to_pylist()
        cells[-1] = f"[TEXT] {self.name} [TEXT]"
        field = batch.schema.field(at)
        return self._look.check(table, batch.set_column(at, field.name, pa.array(cells, pa.large_string())))


def run(room: Any, shared: Path, look: Any) -> Any:
    house = room.open(Role.COPY)
    export = shared / "data/tenants/broken/cases/00_good/dataverse-prod-broken"
    return run_copy(
        house,
        tenant=get_tenant(house, "fabrikam"),
        category=Category.MARKETING,
        open_sources=lambda now: open_sources({"synapse": str(export)}, now),
        actor="copy",
        make_look=lambda: look,
    )


def test_a_sound_engine_passes_the_second_look(room: Any, shared: Path) -> None:
    run(room, shared, SecondLook())
    (copy,) = list_copies(room.open(Role.COPY))
    assert (copy.state, copy.withheld_items) == (CopyState.SEALED, 0)


@pytest.mark.parametrize(("leave", "kind"), [("one name", "name"), ("everything", "email")])
def test_a_broken_engine_has_its_copy_refused(room: Any, shared: Path, leave: str, kind: str) -> None:
    look = Broken(leave)
    with pytest.raises(CopyRefused) as caught:
        run(room, shared, look)
    (copy,) = list_copies(room.open(Role.COPY))
    assert copy.state is CopyState.REFUSED
    found = read_manifest(room.open(Role.COPY), copy.id)
    assert kind in found["kinds"]
    assert look.name
    assert look.name not in "".join((str(caught.value), *caught.value.reasons, json.dumps(found)))
    assert room.bytes_of(look.name.encode()) == []


def test_an_error_in_the_second_look_ends_the_copy(room: Any, shared: Path) -> None:
    look = Broken("an error")
    with pytest.raises(Fault) as caught:
        run(room, shared, look)
    assert look.name not in str(caught.value)
    (copy,) = list_copies(room.open(Role.COPY))
    assert copy.state is CopyState.REFUSED
