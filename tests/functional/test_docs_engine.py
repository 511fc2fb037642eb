"""The examples of docs/engine.md work as they stand there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from readingroom.cli.main import execute

PAGE = Path(__file__).parent.parent.parent / "docs" / "engine.md"


def test_every_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    ran = 0
    for kind, body in re.findall(r"```(python|console)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        if kind == "python":
            exec(compile(body, "engine.md", "exec"), names)  # noqa: S102 - our own page
        else:
            for line in body.splitlines():
                command, *words = shlex.split(line.removeprefix("$ "))
                assert command == "readingroom"
                assert execute(words) == 0, line
                ran += 1
    assert ran == 6
    assert "Ada" not in Path("out.jsonl").read_text()
    assert "Ada" not in Path("table-false.csv").read_text()
    assert json.loads(Path("report.json").read_text())["rows"] == 1
    assert "S-12345" not in Path("own.jsonl").read_text()
    found = [json.loads(line)["spans"] for line in Path("own-spans.jsonl").read_text().splitlines()]
    assert any(label == "ID" for _, _, label in found[0])


def test_the_page_names_every_word_for_columns_and_every_label() -> None:
    from readingroom.anonymize.choices import Cells
    from readingroom.anonymize.finders import KIND_OF

    text = PAGE.read_text(encoding="utf-8")
    assert [word for word in Cells if f"`{word}`" not in text] == []
    assert ", ".join(KIND_OF) in text
