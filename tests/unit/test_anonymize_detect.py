"""Detection: the spans of the text that came in, in its own offsets."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest

from readingroom.anonymize.detecting import LABELS, Detector, in_code_points
from readingroom.anonymize.identities import people_batch
from readingroom.anonymize.known import KnownBuilder
from readingroom.anonymize.rare import public_only
from readingroom.cli.main import execute

TEXT = "Größe — write to Adelheid Quillfeather, ada@quillfeather.example, or call +1 458 555-0100."


def detector(profile: str = "balanced") -> Detector:
    builder = KnownBuilder(b"t" * 32, b"p" * 32)
    builder.add_people(people_batch([{"kind": "contact", "record_id": "1", "full": "Adelheid Quillfeather"}]))
    return Detector(builder.build(), public_only(), profile)


def found(texts: list[str | None], profile: str = "balanced") -> list[tuple[int, str, str]]:
    cells = pa.array(texts, pa.large_string())
    spans = in_code_points(cells, detector(profile).spans(cells)).to_pylist()
    return [(s["row"], (texts[s["row"]] or "")[s["start"] : s["end"]], s["kind"]) for s in spans]


def test_spans_are_in_code_points_of_the_input() -> None:
    assert found([None, TEXT, ""]) == [
        (1, "Adelheid Quillfeather", "PERSON"),
        (1, "ada@quillfeather.example", "EMAIL"),
        (1, "+1 458 555-0100", "PHONE"),
    ]


def test_bytes_are_bytes() -> None:
    cells = pa.array([TEXT, TEXT], pa.large_string())
    for span in detector().spans(cells).to_pylist():
        piece = TEXT.encode()[span["start"] : span["end"]].decode()
        assert piece in TEXT
        assert span["kind"] in LABELS


def test_a_sliced_column_gives_the_spans_of_its_rows() -> None:
    cells = pa.array(["nothing", TEXT, "nothing"], pa.large_string()).slice(1, 2)
    spans = in_code_points(cells, detector().spans(cells)).to_pylist()
    assert {s["row"] for s in spans} == {0}
    assert TEXT[spans[0]["start"] : spans[0]["end"]] == "Adelheid Quillfeather"


def test_no_rows_no_spans() -> None:
    cells = pa.array([], pa.large_string())
    assert in_code_points(cells, detector().spans(cells)).num_rows == 0


def test_the_command_reads_and_writes_lines(tmp_path: Path) -> None:
    source, known, out = tmp_path / "in.jsonl.gz", tmp_path / "known.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(
        gzip.compress(json.dumps({"id": "a", "body": TEXT}).encode() + b"\n\n" + b'{"body": "\\ud800"}\n')
    )
    contact = {"id": "c", "first": "Adelheid", "last": "Quillfeather", "email": "x@quillfeather.example", "zip": "1"}
    known.write_text(json.dumps(contact) + "\n", encoding="utf-8")
    assert not execute(["detect", str(source), "--text-field", "body", "--known", str(known), "-o", str(out)])
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == ["a", 3]
    assert next(TEXT[start:end] for start, end, _ in lines[0]["spans"]) == "Adelheid Quillfeather"
    assert lines[1]["spans"] == []


@pytest.mark.parametrize(
    ("line", "code", "where"),
    [("{Quillfeather", 1, ", row 2:"), ('["Quillfeather"]', 2, ":2:"), ('{"text": 7}', 2, ":2:")],
)
def test_a_bad_line_is_named_and_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, *, code: int, where: str
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "fine"}\n' + line + "\n", encoding="utf-8")
    assert execute(["detect", str(source), "-o", str(tmp_path / "out.jsonl")]) == code
    told = capsys.readouterr().err
    assert f"{source}{where}" in told
    assert "Quillfeather" not in told
    assert not (tmp_path / "out.jsonl").exists()


def test_many_documents_are_told_by_processes_as_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, known = tmp_path / "in.jsonl", tmp_path / "known.jsonl"
    source.write_text("".join(json.dumps({"id": n, "text": f"{n}: {TEXT}"}) + "\n" for n in range(7)), encoding="utf-8")
    known.write_text(json.dumps({"first": "Adelheid", "last": "Quillfeather"}) + "\n", encoding="utf-8")
    command = ["detect", str(source), "--known", str(known), "-o"]
    assert not execute([*command, str(tmp_path / "one.jsonl")])
    for name, number in (("LINES", 2), ("MANY", 2)):
        monkeypatch.setattr(f"readingroom.cli.detect.{name}", number)
    monkeypatch.setattr("readingroom.cli.detect.cores", lambda: 2)
    assert not execute([*command, str(tmp_path / "two.jsonl")])
    assert (tmp_path / "two.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()
