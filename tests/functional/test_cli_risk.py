"""`readingroom risk` on files: figures, thresholds that refuse, and errors that show no cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from readingroom.cli.main import execute

NAMES = ("Ada Example", "Bob Sample", "Cy Muster")


def table(seed: int, rows: int = 300) -> pa.Table:
    chance = np.random.default_rng(seed)
    return pa.table(
        {
            "name": [f"{NAMES[at % 3]} {at}" for at in range(rows)],
            "year": chance.integers(1940, 2000, rows),
            "place": [f"place {one}" for one in chance.integers(0, 40, rows)],
            "illness": [f"illness {one}" for one in chance.integers(0, 4, rows)],
        }
    )


def write(path: Path, content: pa.Table) -> str:
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(content, path)
    elif path.suffix == ".csv":
        pyarrow.csv.write_csv(content, path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in content.to_pylist()))
    return str(path)


def report(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    assert execute(["risk", *words, "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_every_form_of_file_gives_the_same_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    raw = write(tmp_path / f"raw{suffix}", table(1))
    control = write(tmp_path / f"control{suffix}", table(2))
    found = report(capsys, raw, "--original", raw, "--control", control, "--quasi", "year,place", "--secret", "illness")
    assert (found["rows"], found["columns"], found["control"]) == (300, ["year", "place"], "given")
    attacks = {one["attack"]: one["risk"] for one in found["attacks"]}
    assert attacks["singling out"] > 0.7
    assert attacks["inference"] > 0.5
    assert found["remedy"]["met"]


def test_a_named_threshold_refuses_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = write(tmp_path / "raw.parquet", table(1))
    common = ("risk", raw, "--quasi", "year,place", "--sensitive", "illness")
    assert execute([*common]) == 0
    capsys.readouterr()
    assert execute([*common, "--k", "5", "--l", "2"]) == 3
    said = capsys.readouterr()
    assert "k: the smallest class has 1 rows, fewer than 5" in said.err
    assert "l: a class has 1 distinct values of illness, fewer than 2" in said.err
    assert "local recoding reaches k = 5" in said.out
    assert not any(name in said.out + said.err for name in NAMES)
    good = write(tmp_path / "good.parquet", pa.table({"year": ["1940-1999"] * 300, "illness": table(1)["illness"]}))
    assert execute(["risk", good, "--quasi", "year", "--sensitive", "illness", "--k", "5", "--l", "2"]) == 0
    assert execute(["risk", raw, "--quasi", "year,place", "--original", raw, "--max-risk", "0.1"]) == 3
    assert "held out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["absent.parquet"], "absent.parquet: cannot be read (FileNotFoundError)"),
        (["table.xlsx"], "table.xlsx: neither .parquet"),
        (["broken.parquet"], "broken.parquet: cannot be read (ArrowInvalid)"),
        (["broken.jsonl"], "broken.jsonl: cannot be read (ArrowInvalid)"),
        (["raw.csv", "--quasi", "nothing"], "column 'nothing' is not in the file"),
        (["raw.csv", "--l", "2"], "--l needs --sensitive"),
        (["raw.csv", "--control", "raw.csv"], "--control needs --original"),
        (["raw.csv", "--original", "other.csv", "--quasi", "year"], "column 'year' is not in the original"),
    ],
)
def test_an_error_names_file_or_column_and_no_cell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "raw.csv", table(1))
    write(tmp_path / "other.csv", table(1).select(["place"]))
    for name in ("broken.parquet", "broken.jsonl", "table.xlsx"):
        (tmp_path / name).write_text('{"name": "Ada Example"')
    assert execute(["risk", *words]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "Ada" not in told


def test_semicolons_separate_as_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "semi.csv").write_text("zip;year\n" + "10001;1970\n" * 6)
    assert execute(["risk", str(tmp_path / "semi.csv"), "--k", "5"]) == 0
    assert "quasi-identifiers: zip, year" in capsys.readouterr().out


def test_a_threshold_never_holds_because_nothing_was_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release, other = tmp_path / "release.csv", tmp_path / "other.csv"
    release.write_text("zip,year\n" + "10001,1970\n" * 6)
    other.write_text("a,b\n1,Zwickel\n")
    assert execute(["risk", str(release), "--original", str(other), "--k", "2", "--max-risk", "0.1"]) == 2
    assert (
        execute(["risk", str(release), "--sensitive", "zip,year", "--original", str(release), "--max-risk", "0.1"]) == 3
    )
    said = capsys.readouterr().err
    assert "no column is left to look at" in said
    assert "no attack could be tried" in said
    assert "Zwickel" not in said


@pytest.mark.parametrize(
    ("name", "data"),
    [("nested.jsonl", b'{"a": {"b": "Zwickel"}}\n'), ("latin.csv", b"a,b\nZwickel\xff,2\n")],
)
def test_what_cannot_be_compared_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, data: bytes
) -> None:
    (tmp_path / name).write_bytes(data)
    assert execute(["risk", str(tmp_path / name)]) == 2
    assert "Zwickel" not in capsys.readouterr().err
