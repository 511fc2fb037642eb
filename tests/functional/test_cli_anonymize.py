"""`readingroom anonymize`: every format, whole files or none, errors with a place and without a value."""

from __future__ import annotations

import csv
import gzip
import io
import json
import mailbox
import subprocess
import sys
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from readingroom.cli.main import execute

SAID = "Adelheid Quillfeather wrote from ada@quill.example; call Adelheid at +1 458 555-0100."
RAW = ("Quillfeather", "ada@quill.example", "555-0100")
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def contacts(tmp_path: Path) -> Path:
    path = tmp_path / "contacts.jsonl"
    row = {"id": "7", "first_name": "Adelheid", "last_name": "Quillfeather", "email": "ada@quill.example"}
    path.write_text(json.dumps(row) + "\n")
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(KEY)
    return path


def clean(text: str) -> bool:
    return not any(raw.lower() in text.lower() for raw in RAW)


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert execute(["anonymize", *map(str, arguments)]) in {1, 2, 3}
    return capsys.readouterr().err


def write_parquet(path: Path, rows: int = 3) -> None:
    table = pa.table(
        {
            "id": list(range(rows)),
            "email": ["ada@quill.example"] * rows,
            "body": [SAID] * rows,
            "amount": [1.5] * rows,
            "meta": [{"owner": SAID, "tags": [SAID, None]}] * rows,
        }
    )
    pq.write_table(table, path, row_group_size=2)


def test_parquet(tmp_path: Path, contacts: Path) -> None:
    write_parquet(tmp_path / "in.parquet")
    told = tmp_path / "report.json"
    order = ["anonymize", tmp_path / "in.parquet", tmp_path / "out.parquet", "--known", contacts, "--report", told]
    assert execute([str(word) for word in order]) == 0
    made = pq.read_table(tmp_path / "out.parquet")
    assert made.num_rows == 3
    assert made["amount"].to_pylist() == [1.5] * 3
    assert clean(str(made.to_pylist()))
    assert len(set(made["email"].to_pylist())) == 1
    found = json.loads(told.read_text())
    assert found["rows"] == 3
    assert found["columns"]["amount"]["treated as"] == "keep"
    assert found["known"]["people"] >= 1
    assert clean(told.read_text())


@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_csv_learns_its_own_people(tmp_path: Path, ending: str) -> None:
    text = "id;first_name;last_name;email;note\n"
    text += '1;Adelheid;Quillfeather;ada@quill.example;"Quillfeather, Adelheid\nagain"\n'
    text += "2;Bartleby;Ostrander;b@quill.example;Adelheid Quillfeather's turn\n"
    packed = gzip.compress(text.encode()) if ending.endswith("gz") else text.encode()
    (tmp_path / f"in{ending}").write_bytes(packed)
    assert execute(["anonymize", str(tmp_path / f"in{ending}"), str(tmp_path / f"out{ending}")]) == 0
    made = (tmp_path / f"out{ending}").read_bytes()
    rows = list(
        csv.reader(io.StringIO((gzip.decompress(made) if ending.endswith("gz") else made).decode()), delimiter=";")
    )
    assert rows[0] == ["id", "first_name", "last_name", "email", "note"]
    assert clean(str(rows))
    assert len(rows) == 3
    assert rows[1][1] in rows[1][4]  # the same person, the same placeholder
    assert rows[1][1] in rows[2][4]


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz"])
def test_jsonl_with_nested_values(tmp_path: Path, contacts: Path, ending: str) -> None:
    rows: list[Any] = [
        {"n": 1, "ok": True, "say": {"parts": [SAID, {"email": "ada@quill.example"}], "none": None}},
        {"ada@quill.example": SAID, "phone": 4585550100},
        "Adelheid Quillfeather",
    ]
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    (tmp_path / f"in{ending}").write_bytes(gzip.compress(data) if ending.endswith("gz") else data)
    order = [str(tmp_path / f"in{ending}"), str(tmp_path / f"out{ending}"), "--known", str(contacts)]
    assert execute(["anonymize", *order]) == 0
    made = (tmp_path / f"out{ending}").read_bytes()
    text = (gzip.decompress(made) if ending.endswith("gz") else made).decode()
    assert clean(text)
    assert "4585550100" not in text
    first = json.loads(text.splitlines()[0])
    assert first["n"] == 1
    assert first["ok"] is True
    assert first["say"]["none"] is None


def test_a_key_gives_the_same_names_again_and_no_key_never(tmp_path: Path, key: Path) -> None:
    write_parquet(tmp_path / "in.parquet")
    for name, options in (("a", ["--key-file", str(key)]), ("b", ["--key-file", str(key)]), ("c", []), ("d", [])):
        assert execute(["anonymize", str(tmp_path / "in.parquet"), str(tmp_path / f"{name}.parquet"), *options]) == 0
    a, b, c, d = (pq.read_table(tmp_path / f"{name}.parquet")["email"][0].as_py() for name in "abcd")
    assert a == b
    assert len({a, c, d}) == 3


def test_columns_by_a_persons_word(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("a,b,c\nAdelheid,Quillfeather,x\n")
    (tmp_path / "columns.toml").write_text('[columns]\na = "given"\nb = "drop"\nc = "keep"\n')
    order = [str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), "--columns", str(tmp_path / "columns.toml")]
    assert execute(["anonymize", *order]) == 0
    rows = list(csv.reader((tmp_path / "out.csv").read_text().splitlines()))
    assert rows[0] == ["a", "c"]
    assert rows[1][0].startswith("[PERSON_")
    assert rows[1][1] == "x"


def test_zero_rows(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("email,body\n")
    (tmp_path / "in.jsonl").write_text("")
    write_parquet(tmp_path / "in.parquet", 0)
    for ending in ("csv", "jsonl", "parquet"):
        assert execute(["anonymize", str(tmp_path / f"in.{ending}"), str(tmp_path / f"out.{ending}")]) == 0, ending
    assert (tmp_path / "out.csv").read_text() == "email,body\n"
    assert (tmp_path / "out.jsonl").read_text() == ""
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 0


def test_nothing_is_overwritten_and_nothing_is_half_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad, out = tmp_path / "in.jsonl", tmp_path / "bad.jsonl", tmp_path / "out.jsonl"
    good.write_text(json.dumps({"a": SAID}) + "\n")
    bad.write_text(json.dumps({"a": SAID}) + "\n{" + SAID + "\n")
    out.write_text("mine")
    assert "nothing is overwritten" in refused(capsys, good, out)
    assert "nothing is overwritten" in refused(capsys, good, good)
    assert out.read_text() == "mine"
    before = sorted(tmp_path.iterdir())
    refused(capsys, bad, tmp_path / "new.jsonl")
    assert sorted(tmp_path.iterdir()) == before


BROKEN = {
    "bad.jsonl": (b'{"a": "x"}\n{"a": "Quillfeather"\n', "row 2"),
    "utf.jsonl": (b'{"a": "x"}\n\n{"a": "Quillfeather \xff"}\n', "row 3"),
    "ragged.csv": (b"a,b\n1,2\nQuillfeather\n3,4\n", "row 3"),
    "utf.csv": (b"a,b\n1,2\nQuillfeather,\xff\n", "row 3"),
    "twice.csv": (b"a,a\n1,2\n", "two columns have one name"),
    "empty.csv": (b"", "first line"),
    "cut.csv.gz": (gzip.compress(b"a,b\n" + b"1,Quillfeather\n" * 9999)[:80], "cut off"),
    "cut.jsonl.gz": (gzip.compress(b'{"a": "Quillfeather"}\n' * 999)[:60], "cut off"),
    "cut.parquet": (b"PAR1Quillfeather", "no Parquet"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_input_is_told_by_place_and_never_by_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    data, place = BROKEN[name]
    (tmp_path / name).write_bytes(data)
    said = refused(capsys, tmp_path / name, tmp_path / f"out.{name.partition('.')[2]}")
    assert name in said
    assert place in said
    assert "Quillfeather" not in said
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_a_parquet_cell_that_is_no_utf8_is_told_by_row_and_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = pa.array([b"fine", b"Quillfeather \xff"], pa.binary())
    wrong = pa.Array.from_buffers(pa.string(), 2, cells.buffers())
    pq.write_table(pa.table({"body": wrong}), tmp_path / "in.parquet")
    said = refused(capsys, tmp_path / "in.parquet", tmp_path / "out.parquet")
    assert 'row 1, column "body"' in said
    assert "Quillfeather" not in said


def test_what_is_asked_wrongly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = tmp_path / "in.csv"
    good.write_text("a\nx\n")
    assert "no format" in refused(capsys, tmp_path / "in.docx", tmp_path / "out.docx")
    assert "one format" in refused(capsys, good, tmp_path / "out.jsonl")
    assert "no such file" in refused(capsys, tmp_path / "none.csv", tmp_path / "out.csv")
    assert "contacts are" in refused(capsys, good, tmp_path / "out.csv", "--known", tmp_path / "none.jsonl")
    assert "a profile is" in refused(capsys, good, tmp_path / "out.csv", "--profile", "soft")
    assert "a style is" in refused(capsys, good, tmp_path / "out.csv", "--style", "plain")
    short = tmp_path / "short"
    short.write_text("abc")
    assert "16 bytes" in refused(capsys, good, tmp_path / "out.csv", "--key-file", short)
    wrong = tmp_path / "c.toml"
    wrong.write_text('[columns]\na = "blue"\n')
    assert "one of keep" in refused(capsys, good, tmp_path / "out.csv", "--columns", wrong)
    wrong.write_text('[columns]\nzzz = "keep"\n')
    assert "no such column" in refused(capsys, good, tmp_path / "out.csv", "--columns", wrong)
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(("form", "data"), [("csv", f"a,b\n1,{SAID}\n"), ("jsonl", json.dumps({"b": SAID}) + "\n")])
def test_standard_input_to_standard_output(form: str, data: str, contacts: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("readingroom")),
        "anonymize",
        "-",
        "-",
        "--format",
        form,
        "--known",
        str(contacts),
    ]
    done = subprocess.run(command, input=data.encode(), capture_output=True, check=True)
    assert b"[PERSON_" in done.stdout
    assert clean(done.stdout.decode())


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Adelheid Quillfeather <ada@quill.example>"
    message["To"] = '"Ostrander, Bartleby" <bartleby@quill.example>, ada@quill.example'
    message["Subject"] = "Adelheid Quillfeather: a naïve question"
    message["Message-ID"] = "<1.ada@quill.example>"
    message["In-Reply-To"] = "<0.ada@quill.example>"
    message["Date"] = "Thu, 02 Apr 2026 10:00:00 +0200"
    message["Received"] = "from ada.quill.example ([192.0.2.7]) by mx; Thu, 02 Apr 2026 10:00:00 +0200"
    message["X-Originating-IP"] = "[192.0.2.7]"
    message.set_content(f"Grüße\n{SAID}\n", charset="iso-8859-1", cte="quoted-printable")
    message.add_alternative(f"<p>{SAID} <b>Adel</b>heid</p>", subtype="html", cte="base64")
    message.add_attachment(b"\x89PNG Quillfeather", maintype="image", subtype="png", filename="Quillfeather.png")
    inner = EmailMessage()
    inner["From"] = "Adelheid Quillfeather <ada@quill.example>"
    inner.set_content(SAID)
    message.add_attachment(inner)
    return message


def whole(data: bytes) -> tuple[EmailMessage, str]:
    """A message parsed without a defect, and everything readable in it."""
    message = BytesParser(EmailMessage, policy=policy.default).parsebytes(data)
    texts = [f"{name}: {value}" for name, value in message.items()]
    for part in message.walk():
        assert not part.defects
        if not part.is_multipart():
            texts.append(str(part.get_content()))
            texts.append(str(part.items()))
    return message, "\n".join(texts)


@pytest.mark.parametrize("style", ["placeholder", "surrogate"])
def test_eml(tmp_path: Path, style: str) -> None:
    (tmp_path / "in.eml").write_bytes(letter().as_bytes())
    told = tmp_path / "report.json"
    order = ["anonymize", tmp_path / "in.eml", tmp_path / "out.eml", "--style", style, "--report", told]
    assert execute([str(word) for word in order]) == 0
    message, text = whole((tmp_path / "out.eml").read_bytes())
    assert clean(text)
    assert "192.0.2.7" not in text
    assert "Bartleby" not in text
    assert message["From"].addresses[0].addr_spec
    assert len(message["To"].addresses) == 2
    assert message["To"].addresses[1].addr_spec == message["From"].addresses[0].addr_spec
    assert message["Date"] == "Thu, 02 Apr 2026 10:00:00 +0200"
    assert message["Message-ID"] != message["In-Reply-To"]
    assert "naïve question" in message["Subject"]
    assert "taken out" in text
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().startswith("Grüße\n")
    found = json.loads(told.read_text())["columns"]["taken out"]
    assert found["image"] == 1
    assert found["Received"] == 1


def test_mbox(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "in.mbox")
    for _ in range(3):
        message = letter()
        message.replace_header("Subject", "From here")
        box.add(message.as_bytes() + b"\nFrom somebody\n")
    box.close()
    assert execute(["anonymize", str(tmp_path / "in.mbox"), str(tmp_path / "out.mbox")]) == 0
    made = mailbox.mbox(tmp_path / "out.mbox")
    assert len(made) == 3
    texts = [whole(one.as_bytes())[1] for one in made]
    made.close()
    assert all(map(clean, texts))
    assert len(set(texts)) == 1  # one person has one placeholder in the whole box


MAILS = {
    "no.mbox": b"Quillfeather\n",
    "no.eml": b"Quillfeather",
}


@pytest.mark.parametrize("name", MAILS)
def test_what_is_no_mail(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (tmp_path / name).write_bytes(MAILS[name])
    said = refused(capsys, tmp_path / name, tmp_path / f"out{name[2:]}")
    assert "does not begin" in said
    assert "Quillfeather" not in said


@pytest.mark.parametrize(
    "data",
    [
        b"From: =?utf-8?q?Quill=ZZ?= <\xff\xfe>\nTo: ,,;<>@\nContent-Type: text/plain; charset=none\n\n\xff\xfebody",
        b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>cut",
        b"Subject: x\nContent-Type: multipart/mixed\n\nno boundary",
        b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n!!!!notbase64",
        b"Message-ID: <a\nReferences: <b> junk <c@d>\nDate: nonsense\n\nbody",
        b"Subject:\n\n",
        "From: Ada <\u00e9\u00e9@\u00e9.example>\nTo: =?utf-8?b?w6k=?= <@>\n\nbody".encode(),
    ],
)
def test_broken_mail_becomes_whole_or_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "in.eml").write_bytes(data)
    code = execute(["anonymize", str(tmp_path / "in.eml"), str(tmp_path / "out.eml")])
    assert code in {0, 1}
    if code == 0:
        BytesParser(EmailMessage, policy=policy.default).parsebytes((tmp_path / "out.eml").read_bytes())
    assert not list(tmp_path.glob(".*"))
