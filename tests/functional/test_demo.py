"""`readingroom demo --once`: the whole story, as somebody starts it from a fresh clone."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from readingroom.bootstrap import open_house
from readingroom.cli.main import execute
from readingroom.copies.certificate import read_certificate, verify_certificate
from readingroom.copies.records import list_copies
from readingroom.copies.states import CopyState
from readingroom.core.clock import parse_instant
from readingroom.keys.roles import Role

SEEN = (
    *("The notice is published", "opts in", "sealed in the geo", "label every mail", "privacy budget", "erased"),
    *("opts out", "31 days", "certificate", "log is verified", "The promises", "Something to do"),
)


def demo(root: Path) -> subprocess.CompletedProcess[str]:
    start = "from readingroom.cli.main import run; run()"
    environment = {name: value for name, value in os.environ.items() if name != "READINGROOM_ROOM"}
    command = [sys.executable, "-c", start, "-C", str(root), "demo", "--once"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=900)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The room of one demo, and how it went."""
    root = tmp_path_factory.mktemp("demo") / "room"
    return root, demo(root)


def test_it_tells_the_whole_story(told: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    root, done = told
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    places = [done.stdout.find(words) for words in SEEN]
    assert -1 not in places
    assert places == sorted(places)
    assert "FAIL" not in done.stdout
    assert "BROKEN" not in done.stdout
    assert "released by finn" in done.stdout
    assert (root / "demo.txt").is_file()


def test_no_promise_is_broken(told: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    root, done = told
    lines = [line.split() for line in done.stdout.splitlines() if re.match(r"\s+P\d\d\s", line)]
    assert [line[0] for line in lines] == [f"P{number:02d}" for number in range(1, 36)]
    assert not [line[0] for line in lines if line[1] == "broken"]
    assert said(root, "assure")[0] == 0


def test_every_certificate_is_dated_within_its_limit(told: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    root, _ = told
    worker = open_house(root, Role.WORKER)
    try:
        purged = [copy for copy in list_copies(worker) if copy.state is CopyState.PURGED]
        assert len(purged) >= 5  # all three of the customer who left, two of the one who stays
        for copy in purged:
            certificate = verify_certificate(read_certificate(worker, copy.id), worker.keys.public(Role.WORKER))
            assert certificate["within_limit"] is True
            assert (parse_instant(certificate["purged_at"]) - copy.created_at).days < 30
            assert parse_instant(certificate["purged_at"]) <= copy.expires_at
    finally:
        for database in (worker.db, *(place.db for place in worker.places.values())):
            database.close()


def test_there_is_something_to_do_afterwards(told: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    root, _ = told
    assert said(root, "review", "next", "--as", "ada", "--json")[0] == 0
    code, grants = said(root, "access", "list")
    assert code == 0
    assert "requested" in grants
    assert said(root, "audit", "verify")[0] == 0


def test_a_second_demo_replaces_the_first_room_and_nothing_else(
    told: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """Only the clearing is tried here: the story itself is told once a test run."""
    from readingroom.cli.demo import _clear
    from readingroom.core.errors import UsageError

    root, _ = told
    _clear(root)
    assert not root.exists()
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("keep me", encoding="utf-8")
    assert said(mine, "demo", "--once")[0] == 2
    (mine / "demo.txt").write_text("made by `readingroom demo`", encoding="utf-8")
    assert said(mine, "demo", "--once")[0] == 2  # the mark alone is no room
    assert (mine / "letter.txt").read_text(encoding="utf-8") == "keep me"
    real = tmp_path / "real"
    assert said(None, "init", str(real))[0] == 0
    (real / "demo.txt").write_text("made by `readingroom demo`", encoding="utf-8")
    with pytest.raises(UsageError):
        _clear(real)
    assert said(real, "demo", "--once")[0] == 2
    assert (real / "room.toml").is_file()
    other = tmp_path / "simulated"
    assert said(None, "init", str(other), "--simulation")[0] == 0
    assert said(other, "demo", "--once")[0] == 2  # somebody's own simulation room
    assert (other / "room.toml").is_file()


def said(root: Path | None, *words: str) -> tuple[int, str]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        code = execute([*(["-C", str(root)] if root else []), *words])
    return code, out.getvalue()
