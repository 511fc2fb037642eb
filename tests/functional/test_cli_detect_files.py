"""`readingroom detect` on files as they come: what is read, what is refused, and what lies there afterwards."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from readingroom.cli.landing import landing
from readingroom.cli.main import execute

TEXT = "Dear Bob Sample, write to ada.example@mail.example"


def line(**fields: object) -> str:
    return json.dumps(fields) + "\n"


def detect(*words: object) -> int:
    return execute(["detect", *(str(word) for word in words)])


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    file = tmp_path / "in.jsonl"
    file.write_text(line(id="a", text=TEXT))
    return file


def test_the_file_of_texts_is_never_written_over(texts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = texts.read_bytes()
    assert detect(texts, "-o", texts) == 2
    assert detect(texts, "-o", texts.parent / "." / "in.jsonl") == 2
    other = texts.parent / "link.jsonl"
    other.symlink_to(texts)
    assert detect(texts, "-o", other) == 2
    assert texts.read_bytes() == before
    assert "the same" in capsys.readouterr().err


def test_a_run_that_fails_leaves_what_was_there(texts: Path) -> None:
    spans = texts.parent / "spans.jsonl"
    assert detect(texts, "-o", spans) == 0
    first = spans.read_bytes()
    with texts.open("a") as file:
        file.write('{"id": "b", "text": "Grommet Zwickel\n')
    assert detect(texts, "-o", spans) == 1
    assert spans.read_bytes() == first
    assert detect(texts, "-o", texts.parent / "new.jsonl") == 1
    assert sorted(path.name for path in texts.parent.iterdir()) == ["in.jsonl", "spans.jsonl"]


def test_html_is_read_as_a_reader_sees_it_and_told_in_the_offsets_of_the_source(tmp_path: Path) -> None:
    page = "<p>Dear <b>Ada</b> Exa<i>mple</i>, <a href='mailto:bob&#64;mail.example'>write</a></p>"
    file, spans = tmp_path / "in.jsonl", tmp_path / "spans.jsonl"
    (tmp_path / "who.jsonl").write_text(line(first_name="Ada", last_name="Example"))
    file.write_text(line(id=1, text=page))
    assert detect(file, "--markup", "html", "--known", tmp_path / "who.jsonl", "-o", spans) == 0
    found = {(page[start:end], label) for start, end, label in json.loads(spans.read_text())["spans"]}
    assert ("bob&#64;mail.example", "EMAIL") in found
    assert {text.strip() for text, label in found if label == "PERSON"} == {"Ada", "Exa", "mple"}


def test_a_markup_that_there_is_not_is_refused(texts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert detect(texts, "--markup", "latex", "-o", texts.parent / "spans.jsonl") == 2
    assert "plain, html" in capsys.readouterr().err


def test_spans_of_an_earlier_run_are_replaced(texts: Path) -> None:
    spans = texts.parent / "spans.jsonl"
    spans.write_text("earlier")
    assert detect(texts, "-o", spans) == 0
    assert json.loads(spans.read_text())["id"] == "a"


def test_documents_without_a_text_have_no_spans(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text(line(id=1, text=None) + line(id=2) + line(id=3, text="") + line(text=TEXT))
    assert detect(file, "-o", tmp_path / "out.jsonl") == 0
    got = [json.loads(one) for one in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [one["id"] for one in got] == [1, 2, 3, 4]
    assert [bool(one["spans"]) for one in got] == [False, False, False, True]


def test_a_field_that_no_document_has_is_refused(texts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert detect(texts, "-o", texts.parent / "out.jsonl", "--text-field", "body") == 2
    assert "no document has a field 'body'" in capsys.readouterr().err
    assert not (texts.parent / "out.jsonl").exists()


def test_a_byte_order_mark_is_no_part_of_the_text(texts: Path) -> None:
    plain, marked = texts.parent / "plain", texts.parent / "marked"
    assert detect(texts, "-o", plain) == 0
    texts.write_bytes(b"\xef\xbb\xbf" + texts.read_bytes())
    assert detect(texts, "-o", marked) == 0
    assert marked.read_bytes() == plain.read_bytes()


def test_standard_input_and_output_and_gzip(
    texts: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert detect(texts, "-o", texts.parent / "spans.jsonl.gz") == 0
    want = gzip.decompress((texts.parent / "spans.jsonl.gz").read_bytes())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(texts.read_bytes())))
    assert detect("-", "-o", "-") == 0
    assert capsysbinary.readouterr().out == want
    assert detect(texts, "-o", os.devnull) == 0


def test_contacts_of_which_no_field_is_known_are_refused(texts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contacts = texts.parent / "contacts.jsonl"
    contacts.write_text(line(id="7", wer="Bob Sample"))
    assert detect(texts, "-o", texts.parent / "out.jsonl", "--known", contacts) == 2
    assert execute(["anonymize", str(texts), str(texts.parent / "out2.jsonl"), "--known", str(contacts)]) == 2
    said = capsys.readouterr().err
    assert "nobody is in it" in said
    assert "Sample" not in said


def test_the_report_is_no_other_file_than_the_result(texts: Path) -> None:
    goal = texts.parent / "out.jsonl"
    assert execute(["anonymize", str(texts), str(goal), "--report", str(goal)]) == 2
    assert not goal.exists()


def test_a_run_that_is_ended_leaves_no_draft(texts: Path) -> None:
    texts.write_text(line(id="a", text=TEXT))
    with pytest.raises(SystemExit) as ended, landing(str(texts.parent / "out.jsonl")) as file:
        file.write(b"half")
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert [path.name for path in texts.parent.iterdir()] == ["in.jsonl"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")  # always full
def test_a_full_disk_is_no_fault_of_ours(texts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(full))
        assert detect(texts, "-o", "-") == 2
    assert detect(texts, "-o", "/dev/full") == 2


def test_numbers_after_at_are_no_addresses_and_births_are_told_in_four_languages(tmp_path: Path) -> None:
    texts = [
        "a margin at 18.5%",
        "it leaves at 9.30am",
        "ten units @ 18.50",
        "ada at mail.example",
        "name @ mail . example . i said",
        "né le 12 mars 1975",
    ]
    texts += ["geb. 12.03.1975", "je ne viens pas le 12 mars 2021"]
    (tmp_path / "in.jsonl").write_text("".join(line(text=text) for text in texts))
    assert detect(tmp_path / "in.jsonl", "-o", tmp_path / "out.jsonl") == 0
    got = [json.loads(one)["spans"] for one in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [[label for *_, label in spans] for spans in got] == [
        [],
        [],
        [],
        ["EMAIL"],
        ["EMAIL"],
        ["DATE"],
        ["DATE"],
        [],
    ]


def test_keys_of_services_with_few_digits_and_identity_cards(tmp_path: Path) -> None:
    texts = ["aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "Personalausweis-Nr. L01X00T47"]
    (tmp_path / "in.jsonl").write_text("".join(line(text=text) for text in texts))
    assert detect(tmp_path / "in.jsonl", "-o", tmp_path / "out.jsonl") == 0
    got = [json.loads(one)["spans"] for one in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [text[spans[-1][0] :] for text, spans in zip(texts, got, strict=True)] == [texts[0][22:], "L01X00T47"]


PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow IBAAKC\nplainwords\n-----END RSA PRIVATE KEY-----"


def test_private_keys_are_found_from_their_first_line_to_their_last(tmp_path: Path) -> None:
    file, spans = tmp_path / "in.jsonl", tmp_path / "spans.jsonl"
    whole, cut = f"Here it is:\n{PEM}\nThanks", "the key -----BEGIN PRIVATE KEY-----\nMIIE owib plainwords"
    other = "-----BEGIN CERTIFICATE-----\nplainwords\n-----END CERTIFICATE-----"
    file.write_text("".join(line(id=number, text=text) for number, text in enumerate((whole, cut, other))))
    assert detect(file, "-o", spans) == 0
    told = [json.loads(row)["spans"] for row in spans.read_text().splitlines()]
    assert [whole[start:end] for start, end, _ in told[0]] == [PEM]
    assert [cut[start:end] for start, end, _ in told[1]] == [cut[8:]]
    assert not any("plainwords" in other[start:end] for start, end, _ in told[2])
