"""Detectors from other packages, patterns and lists of a user's own: by the command line, with real packages."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from readingroom.anonymize import plugins
from readingroom.anonymize.finders import TOLD, Told
from readingroom.cli.main import execute

TEXT = "Größe: staff badge S-12345 and S-99999; the Blue Heron and BLUE HERON, not Blue Herons. Grommet Zwickel left."


def spans(folder: Path, *options: object, text: str = TEXT) -> list[tuple[str, str]]:
    source = folder / "in.jsonl"
    source.write_text(json.dumps({"id": 1, "text": text}) + "\n")
    order = ["detect", source, "-o", folder / "out.jsonl", *options]
    assert execute([str(word) for word in order]) == 0
    found = json.loads((folder / "out.jsonl").read_text())["spans"]
    return [(text[start:end], label) for start, end, label in found]


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *options: object) -> str:
    source = folder / "in.jsonl"
    source.write_text(json.dumps({"id": 1, "text": TEXT}) + "\n")
    assert execute([str(word) for word in ["detect", source, "-o", folder / "o.jsonl", *options]]) in {2, 3}
    said = capsys.readouterr().err
    assert "Zwickel" not in said
    return said


OWN = """
[[pattern]]
name = "staff number"
label = "ID"
regex = 'S-\\d{5}'

[[list]]
name = "projects"
label = "ORG"
file = "projects.txt"
ignore_case = true
"""


def test_patterns_and_lists_join_in(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    (tmp_path / "projects.txt").write_text("Blue Heron\n\n")
    found = spans(tmp_path, "--patterns", tmp_path / "own.toml")
    assert ("S-12345", "ID") in found
    assert ("S-99999", "ID") in found
    assert [text for text, label in found if label == "ORG" and "Heron" in text.title()] == ["Blue Heron", "BLUE HERON"]


def test_context_and_check_decide(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        '[[pattern]]\nname="a"\nlabel="ID"\nregex="S-[0-9]{5}"\ncontext=["badge"]\n'
        '[[pattern]]\nname="b"\nlabel="CREDIT_CARD"\nregex="[0-9]{8}"\ncheck="luhn"\n'
    )
    far = f"badge S-12345 {'x ' * 30} S-99999; 12345674 and 12345675"
    found = spans(tmp_path, "--patterns", tmp_path / "own.toml", text=far)
    assert ("S-12345", "ID") in found
    assert ("S-99999", "ID") not in found
    assert ("12345674", "CREDIT_CARD") in found
    assert ("12345675", "CREDIT_CARD") not in found


def test_what_is_found_is_masked(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[[pattern]]\nname="a"\nlabel="ID"\nregex="S-[0-9]{5}"\n')
    (tmp_path / "in.jsonl").write_text(json.dumps({"a": TEXT, "b": "<p>S-1<b>2</b>345 S-12345</p>"}) + "\n")
    order = ["anonymize", tmp_path / "in.jsonl", tmp_path / "out.jsonl", "--patterns", tmp_path / "own.toml"]
    assert execute([str(word) for word in order]) == 0
    made = (tmp_path / "out.jsonl").read_text()
    assert "12345" not in made
    assert "S-99999" not in made
    assert "[ID_" in made


WRONG = {
    "[[pattern]]\nname = 'a'\nlabel = 'ID'\nregex = '('\n": ":1: regex is none",
    "# x\n\n[[pattern]]\nname = 'a'\nlabel = 'ID'\nregex = 'a(?=b)'\n": ":3: regex is none",
    "[[pattern]]\nname = 'a'\nlabel = 'NOPE'\nregex = 'a'\n": ":1: label is one of",
    "[[list]]\nname='a'\nlabel='ID'\nwords=['a']\n\n[[list]]\nname='b'\nlabel='ID'\n": ":6: [[list]] has either",
    "[[list]]\nname = 'a'\nlabel = 'ID'\nwords = [1]\n": ":1: words is a list of texts",
    "[[pattern]]\nname = 'a'\nlabel = 'ID'\n": ":1: [[pattern]] needs regex",
    "[[pattern]]\nname = 'a'\nlabel = 'ID'\nregex = 'a'\nflags = 1\n": ":1: [[pattern]] knows no flags",
    "[[pattern]]\nname = 'a'\nlabel = 'ID'\nregex = 'a'\ncheck = 'os.system'\n": ":1: check is luhn",
    "\n[pattern]\nname = 'a'\n": ":2: write [[pattern]]",
    "\nother = 1\n": ":2: there are [[pattern]]",
    "a = \n": ":1: not TOML",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_told_by_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (tmp_path / "own.toml").write_text(text)
    assert f"own.toml{WRONG[text]}" in refused(capsys, tmp_path, "--patterns", tmp_path / "own.toml")


PLUGIN = """
import pyarrow as pa

class Zwickels:
    name = "zwickels"
    labels = ("PERSON",)
    def __init__(self, argument):
        self.how = argument
    def detect(self, texts):
        if self.how == "raise":
            raise ValueError(texts[0].as_py())
        if self.how == "none":
            return None
        places = [(r, t.find("Zwickel")) for r, t in enumerate(texts.to_pylist())]
        found = [(r, at, at + 7) for r, at in places if at >= 0]
        rows = [r for r, _, _ in found] if self.how != "row" else [99]
        ends = [e for _, _, e in found] if self.how != "end" else [9999]
        label = "NAME" if self.how == "label" else "PERSON"
        return pa.table({"row": rows, "start": [s for _, s, _ in found], "end": ends, "label": [label] * len(rows)})
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with an entry point, as pip leaves it."""
    site = tmp_path / "site"
    info = site / "zwickels-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "zwickels.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zwickels\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[{plugins.GROUP}]\nzwickels = zwickels:Zwickels\nbroken = zwickels:Nothing\n"
    )
    monkeypatch.syspath_prepend(str(site))
    return tmp_path


def test_a_package_with_an_entry_point_joins_in(package: Path) -> None:
    assert any("Zwickel" in text and label == "PERSON" for text, label in spans(package, "--detectors", "zwickels"))
    order = [str(package / "in.jsonl"), str(package / "masked.jsonl"), "--detectors", "zwickels"]
    assert execute(["anonymize", *order]) == 0
    assert "Zwickel" not in (package / "masked.jsonl").read_text()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("raise", "it failed on a block of 1 cells"),
        ("none", "not a table"),
        ("row", "a row that was not asked for"),
        ("end", "outside its cell"),
        ("label", "labels that it did not declare"),
    ],
)
def test_a_detector_that_fails_or_tells_nonsense_refuses(
    package: Path, capsys: pytest.CaptureFixture[str], how: str, said: str
) -> None:
    told = refused(capsys, package, "--detectors", f"zwickels:{how}")
    assert "refused: detector zwickels:" in told
    assert said in told


def test_what_does_not_start_stops_the_start(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no detector nobody; installed:" in refused(capsys, package, "--detectors", "nobody")
    assert "detector broken: it does not start" in refused(capsys, package, "--detectors", "broken")


def needs(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: make extras")


def pipeline(folder: Path) -> Path:
    """A spaCy pipeline on disk that knows one name: a model that no test must download."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spacy: Any = importlib.import_module("spacy")
        made = spacy.blank("en")
        made.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Grommet Zwickel"}])
        made.to_disk(folder / "model")
    return folder / "model"


@pytest.mark.filterwarnings("ignore")
def test_spacy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("spacy")
    found = spans(tmp_path, "--detectors", f"spacy:{pipeline(tmp_path)}")
    assert ("Grommet Zwickel", "PERSON") in found
    assert "no pipeline" in refused(capsys, tmp_path, "--detectors", "spacy:no_such_model")


@pytest.mark.filterwarnings("ignore")
def test_presidio(tmp_path: Path) -> None:
    needs("presidio_analyzer")
    detector = plugins.one(f"presidio:{pipeline(tmp_path)}")
    text = "Größe: Grommet Zwickel, grommet@zwickel.org, 4111 1111 1111 1111"
    told = detector.detect(pa.array(["", text], pa.large_string()))
    assert told.schema == TOLD
    found = {(text[one["start"] : one["end"]], one["label"]) for one in told.to_pylist()}
    assert {("grommet@zwickel.org", "EMAIL"), ("4111 1111 1111 1111", "CREDIT_CARD")} <= found
    assert ("Grommet Zwickel", "PERSON") in found
    assert "presidio" in repr(Told(detector))
    assert ("Grommet Zwickel", "PERSON") in spans(tmp_path, "--detectors", f"presidio:{tmp_path / 'model'}")


def test_nothing_foreign_is_imported_unless_named() -> None:
    code = "import sys, readingroom.cli.anonymize; print({'spacy', 'presidio_analyzer'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
