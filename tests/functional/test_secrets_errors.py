"""Errors that keep secrets: a marker person driven through every failing cast, parse, insert and crash of the commands.

Nothing that is said, and no file of the room, holds a word of it. The marker's sources lie outside the room.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from readingroom.core import steps
from readingroom.engagement.notice import template as notice_template

NAME, EMAIL, PHONE = "Zyxwv Markerperson", "zyxwv.markerperson@marker.example", "+1 202 555 0173846"
MARKER = f"{NAME} <{EMAIL}> {PHONE}"
GOLD = "store,table,row_id,column,start,end,kind,form,string,value,subject_type,subject_id,certainty\n"
TRACES = ("markerperson", "zyxwv", "0173846")
GUID = "00000000-0000-4000-8000-00000000beef"


def check_silent(cli: Any, *said: str) -> None:
    """Neither what was said nor any file of the room holds a trace, in any case, in UTF-8 or UTF-16."""
    for text in said:
        assert not [trace for trace in TRACES if trace in text.lower()], text[:500]
    for name, data in cli.files().items():
        folded = data.lower()
        for trace in TRACES:
            assert trace.encode() not in folded, name
            assert trace.encode("utf-16-le") not in folded, name
        assert not [trace for trace in TRACES if trace in name.lower()], name


@pytest.fixture
def own(tiny: Any, tmp_path: Path) -> Any:
    """A room whose tenant alpha has sources of its own, to be broken."""
    sources = tmp_path / "sources"
    shutil.copytree(tiny.sources, sources)
    cli = type(tiny)(tmp_path / "own", sources)
    assert cli("init", cli.root, "--simulation", room=False).code == 0
    cli.do("notice", "publish")
    cli.add_tenant("alpha")
    cli.do("engagement", "opt-in", "alpha", "--by", "admin@alpha.example")
    return cli


# sources


def synapse(cli: Any) -> Path:
    return Path(cli.sources / "alpha" / "dataverse-prod-alpha")


def partition(cli: Any, table: str) -> Path:
    return max((synapse(cli) / table).glob("*.csv"))


def set_cell(cli: Any, table: str, column: str, value: str, row: int = -1) -> None:
    """Put a value into one column of a current row of a table: the last, or another."""
    model = json.loads((synapse(cli) / "model.json").read_text(encoding="utf-8"))
    names = [one["name"] for entity in model["entities"] if entity["name"] == table for one in entity["attributes"]]
    files = {path: read_csv(path) for path in sorted((synapse(cli) / table).glob("*.csv"))}
    versions = Counter(cells[0] for rows in files.values() for cells in rows)
    current = [(path, cells) for path, rows in files.items() for cells in rows if versions[cells[0]] == 1]
    path, cells = current[row]
    cells += [""] * (len(names) - len(cells))
    cells[names.index(column)] = value
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(files[path])
    path.write_text(out.getvalue(), encoding="utf-8")


def read_csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def append(path: Path, data: bytes) -> None:
    path.write_bytes(path.read_bytes() + data)


def cell(table: str, column: str) -> Callable[[Any], None]:
    def damage(cli: Any) -> None:
        set_cell(cli, table, column, MARKER)

    damage.__name__ = f"{table}.{column}"
    return damage


def too_many_cells(cli: Any) -> None:
    append(partition(cli, "contact"), ("," + f'"{MARKER}",' * 400 + "\n").encode())


def too_few_cells(cli: Any) -> None:
    append(partition(cli, "contact"), f'"{MARKER}"\n'.encode())


def open_quote(cli: Any) -> None:
    append(partition(cli, "contact"), f'"{GUID}","{MARKER}'.encode())


def bad_utf8(cli: Any) -> None:
    append(partition(cli, "contact"), MARKER.encode() + b"\xff\xfe\xc3(\n")


def a_nul(cli: Any) -> None:
    append(partition(cli, "contact"), MARKER.encode() + b"\x00,\x00\n")


def broken_model(cli: Any) -> None:
    append(synapse(cli) / "model.json", f'{{"{MARKER}": '.encode())


def model_names(cli: Any) -> None:
    """A table, a column and a type that are called after somebody."""
    path = synapse(cli) / "model.json"
    model = json.loads(path.read_text(encoding="utf-8"))
    model["entities"][0]["attributes"].append({"name": NAME, "dataType": MARKER})
    model["entities"].append({**model["entities"][0], "name": "zyxwv_markerperson"})
    path.write_text(json.dumps(model), encoding="utf-8")


def model_of_another_kind(cli: Any) -> None:
    path = synapse(cli) / "model.json"
    model = json.loads(path.read_text(encoding="utf-8"))
    model["entities"][0]["attributes"] = MARKER
    model["entities"][1]["partitions"] = [{"name": MARKER, "location": MARKER}]
    path.write_text(json.dumps(model), encoding="utf-8")


def blobs(cli: Any) -> list[Path]:
    return sorted((cli.sources / "alpha" / "interactions").rglob("*.csv"))


def blob_cells(cli: Any) -> None:
    for path in blobs(cli)[:3]:
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([*lines, ",".join([f'"{MARKER}"'] * (lines[0].count(",") + 1))]), encoding="utf-8")


def blob_header(cli: Any) -> None:
    path = blobs(cli)[0]
    path.write_text(f'"{MARKER}",\n"{MARKER}"', encoding="utf-8")


def logs(cli: Any) -> list[Path]:
    return sorted((cli.sources / "alpha" / "activity-log").iterdir())


def log_lines(cli: Any) -> None:
    plain = next(path for path in logs(cli) if path.suffix == ".json")
    record = {"Id": MARKER, "CreationTime": MARKER, "UserId": EMAIL, "Operation": 7, "QueryResults": [MARKER]}
    lines = [
        f'{{"Id": "{MARKER}", ',
        f"[{MARKER}]",
        json.dumps(record),
        json.dumps({"UserId": {"x": MARKER}}),
        "\ud800",
    ]
    append(plain, "\n".join(lines).encode("utf-8", "surrogatepass"))


def log_gzip(cli: Any) -> None:
    packed = next(path for path in logs(cli) if path.suffix == ".gz")
    packed.write_bytes(gzip.compress((json.dumps({"Id": MARKER}) + "\n").encode() * 50)[:-20])


def definitions(cli: Any) -> Path:
    return Path(cli.sources / "alpha" / "schema" / "EntityDefinitions.json")


def broken_definitions(cli: Any) -> None:
    definitions(cli).write_text(f'{{"value": [{{"LogicalName": "{MARKER}", ', encoding="utf-8")


def definitions_of_another_kind(cli: Any) -> None:
    body = {"value": [{"LogicalName": [MARKER], "Attributes": MARKER}, MARKER, {"SchemaName": MARKER}]}
    definitions(cli).write_text(json.dumps(body), encoding="utf-8")


BROKEN = [
    *(cell("contact", name) for name in ("Id", "versionnumber", "birthdate", "donotbulkemail", "modifiedon")),
    *(cell("contact", name) for name in ("preferredcontactmethodcode", "ownerid", "SinkModifiedOn")),
    *(cell("msdyncrm_marketingemail", name) for name in ("Id", "msdyncrm_email_contentlanguage", "createdon")),
    *(too_many_cells, too_few_cells, open_quote, bad_utf8, a_nul, broken_model, model_names, model_of_another_kind),
    *(blob_cells, blob_header, log_lines, log_gzip, broken_definitions, definitions_of_another_kind),
]


@pytest.mark.parametrize("damage", BROKEN, ids=lambda damage: damage.__name__)
def test_a_broken_source(own: Any, damage: Callable[[Any], None]) -> None:
    damage(own)
    said = []
    category = "query" if damage in {log_lines, log_gzip} else "marketing"
    category = "schema" if damage in {broken_definitions, definitions_of_another_kind} else category
    commands = [("copy", "run", "alpha", "--category", category), ("copy", "list", "--json")]
    if damage is not model_names:  # `columns list` shows names, for somebody to confirm
        commands += [("columns", "list", "alpha", "--json")]
    for words in commands:
        done = own(*words)
        assert "fault:" not in done.err, done.err  # unforeseen
        said += [done.out, done.err]
    for copy in own.copies():
        said.append(own.do("copy", "show", copy["id"], "--json"))
    check_silent(own, *said)


# files and words that a command is given


def written(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def test_a_broken_notice(own: Any, tmp_path: Path) -> None:
    text = notice_template().decode()
    first = next(line for line in text.splitlines() if "=" in line)
    key = first.partition("=")[0].strip()
    broken = [
        f'{text}\n"{MARKER}',
        text.replace(first, f'{key} = ["{MARKER}"]', 1),
        text.replace(first, f'{key} = {{ "{MARKER}" = "{MARKER}" }}', 1),
        f'[{MARKER}]\nx = "{MARKER}"\n',
        f'x = "{MARKER}"\n',
        text + f'\n["{MARKER}"]\n"{MARKER}" = 2026-99-99\n',
    ]
    for one in [*map(str.encode, broken), MARKER.encode() + b"\xff"]:
        done = own("notice", "publish", written(tmp_path, "notice.toml", one))
        if done.code == 0:
            continue  # a notice that is one is published word for word
        assert done.code == 2, done.err
        check_silent(own, done.out, done.err)


def test_a_broken_list_of_subprocessors(own: Any, tmp_path: Path) -> None:
    for text in (
        f'[[subprocessor]]\nname = ["{MARKER}"]',
        f'"{MARKER}',
        f'"{MARKER}" = 1',
        f'[[subprocessor]]\n"{MARKER}" = 1',
    ):
        done = own("subprocessor", "publish", written(tmp_path, "list.toml", text))
        assert done.code == 2, done.err
        check_silent(own, done.out, done.err)


@pytest.mark.parametrize(
    "text",
    [
        f"{MARKER}\n",
        f"id,label\n{MARKER},{MARKER}\n",
        f'id,label\n"{MARKER}',
        f"{MARKER},label\n,spam\n",
        f"{GOLD}dataverse,contact,{MARKER},fullname,{MARKER},{MARKER},full_name,plain,{NAME},{NAME},contact,x,planted\n",
        f"{GOLD}{MARKER}\n",
        f"{GOLD}dataverse,contact,{GUID},fullname,1,2,full_name,plain,{NAME},{NAME},contact,x,planted\n",
    ],
    ids=["header", "label", "quote", "empty", "numbers", "short", "valid"],
)
def test_a_gold_file(sealed: Any, tmp_path: Path, text: str) -> None:
    (copy,) = sealed.copies()
    for data in (
        text.encode(),
        gzip.compress(text.encode()),
        gzip.compress(text.encode())[:-6],
        text.encode() + b"\xff",
    ):
        gold = written(tmp_path, "gold.csv", data)
        for words in (("copy", "check", copy["id"], "--gold", gold), ("review", "simulate", "--gold", gold)):
            done = sealed(*words)
            assert "fault:" not in done.err, done.err
            check_silent(sealed, done.out, done.err)


def test_identifiers_are_read_used_and_forgotten(sealed: Any, tmp_path: Path) -> None:
    texts = (f"email: {EMAIL}\nname: {NAME}\nphone: {PHONE}\n", f"{NAME}\n", f"shoe: {NAME}\n", f"email: {NAME}\n")
    for number, text in enumerate((*texts, f"name: {NAME * 5000}\n", f"record: {NAME}\n", "name:\n" + NAME)):
        who = written(tmp_path, "who.txt", text)
        for verb in ("find", "erase"):
            words = ("--tenant", "alpha", "--identifiers", who, "--request", f"{verb}-{number}")
            done = sealed("subject", verb, *words, "--json")
            assert "fault:" not in done.err, done.err
            check_silent(sealed, done.out, done.err)
    bad = written(tmp_path, "who.txt", f"email: {EMAIL}".encode() + b"\xff")
    done = sealed("subject", "find", "--tenant", "alpha", "--identifiers", bad, "--request", NAME)
    assert done.code == 2
    check_silent(sealed, done.out, done.err, sealed.do("subject", "list", "--json"))


LONG = NAME + "x" * 100_000


@pytest.mark.parametrize(
    "value", [NAME, f"{NAME} {PHONE}", LONG, f"'; DROP TABLE {NAME}", NAME + "\x00", NAME + "\ud800"]
)
def test_words_that_a_command_refuses_are_not_kept(sealed: Any, value: str) -> None:
    """The option parser may tell what was typed to whoever typed it; the product itself says and keeps nothing."""
    wish = ("--tenant", "alpha", "--category", "query", "--purpose", "review", "--hours", "1", "--why", "x")
    commands = [
        ("tenant", "add", value, "--geo", "US", *sealed.connection("alpha")),
        ("tenant", "add", "gamma", "--geo", value, *sealed.connection("alpha")),
        ("tenant", "exclude", value, "--table", "lead"),
        ("engagement", "opt-in", value, "--by", EMAIL),
        ("engagement", "status", value),
        ("engagement", "opt-out", "alpha", "--received", value),
        ("engagement", "opt-in", "alpha", "--by", value),
        ("copy", "run", value),
        ("copy", "show", value),
        ("purge", "certificate", value),
        ("audit", "proof", value),
        ("columns", "confirm", "alpha", value, "keep"),
        ("columns", "confirm", "alpha", "account.name", value),
        ("columns", "withhold", "alpha", value),
        ("person", "fact", value, "screening", "--until", "2030-01-01", "--by", value, "--confirmed-by", value),
        ("person", "leave", value),
        ("workstation", "retire", value),
        ("workstation", "enrol", "desk-x", "--for", value),
        ("access", "approve", value, "--as", value),
        ("access", "decide", "--as", value, "--copy", value),
        ("access", "request", "--as", value, *wish),
        ("review", "label", value, value, "--as", value),
        ("review", "next", "--as", value),
        ("model", "show", value),
        ("model", "train", value, "--as", value),
        ("clock", "advance", value),
    ]
    for words in commands:
        done = sealed(*words)
        assert done.code in {2, 3}, (words[:2], done.code, done.err[:300])
        check_silent(sealed, done.out, done.err)


# crashes


@pytest.fixture
def marked(own: Any) -> Any:
    """The marker is a contact, and a mail is about them."""
    set_cell(own, "contact", "fullname", NAME)
    set_cell(own, "contact", "emailaddress1", EMAIL)
    set_cell(own, "msdyncrm_marketingemail", "msdyncrm_subject", f"a word to {NAME}")
    return own


@pytest.mark.parametrize("step", ["copy.scanned", "copy.learnt", "copy.part_written", "copy.sealed"])
def test_an_unforeseen_error_says_its_kind_and_place_only(marked: Any, step: str) -> None:
    def fail(reached: str) -> None:
        if reached == step:
            raise ZeroDivisionError(f"about {MARKER}")

    end = steps.watch(fail)
    try:
        done = marked("copy", "run", "alpha", "--category", "marketing")
    finally:
        end()
    assert done.code == 1
    assert "ZeroDivisionError" in done.err
    check_silent(marked, done.out, done.err)
    marked.do("worker", "--once")
    check_silent(marked, *(marked.do("copy", "show", copy["id"], "--json") for copy in marked.copies()))


@pytest.mark.parametrize("step", ["copy.learnt", "copy.part_written", "copy.before_seal"])
def test_a_killed_process_leaves_nothing(marked: Any, launcher: Any, step: str) -> None:
    code, said = launcher.run(marked, "copy", "run", "alpha", "--category", "marketing", kill=step)
    assert code == -9, said
    check_silent(marked, said)
    for path in launcher.temporary.rglob("*"):  # nor in a temporary file, which would be outside the room
        assert not path.is_file() or b"arkerperson" not in path.read_bytes()


def test_the_marker_is_known_and_still_nowhere(marked: Any) -> None:
    done = marked("copy", "run", "alpha", "--category", "marketing")
    assert done.code == 0, done.err
    who = written(marked.root.parent, "who.txt", f"email: {EMAIL}\n")
    words = ("--tenant", "alpha", "--identifiers", who, "--request")
    found = marked.ask("subject", "find", *words, "r-1")
    assert found["total"] > 0
    erased = marked.do("subject", "erase", *words, "r-2", "--json")
    check_silent(marked, done.out, done.err, json.dumps(found), erased)
