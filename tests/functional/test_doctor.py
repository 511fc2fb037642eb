"""The doctor finds what was broken on purpose, says where, and what to do; a healthy room has nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from readingroom.core.clock import SimulatedClock


def findings(cli: Any) -> list[dict[str, str]]:
    done = cli("doctor", "--json")
    found = list(json.loads(done.out)["findings"])
    assert done.code == (1 if any(one["weight"] == "fault" for one in found) else 0), done.err
    return found


def disk_apart(found: list[dict[str, str]]) -> list[dict[str, str]]:
    """This machine's own disk is not the room's fault."""
    return [one for one in found if "disk" not in one["what"]]


def test_a_healthy_room_has_no_findings(sealed: Any) -> None:
    sealed.do("worker", "--once")
    sealed.root.chmod(0o700)
    assert disk_apart(findings(sealed)) == []


def keyring(cli: Any) -> Path:
    return Path(cli.root / "places/us/keyring")


def part(cli: Any) -> Path:
    return next((cli.root / "places/us/objects").rglob("*.parquet"))


def turn_back(cli: Any) -> None:
    cli.pass_time(hours=1)
    cli.do("engagement", "suspend", "alpha")
    path = cli.root / "clock.json"
    path.unlink()
    SimulatedClock.create(path)


def foreign_keys(cli: Any) -> None:
    """The keys of a copy that the database never knew."""
    source = next(keyring(cli).glob("epochs/*/*/*/*/copy.key")).parent
    shutil.copytree(source, source.with_name("copy-0000000000000000"))


def lose_database(cli: Any) -> None:
    """The file is gone; or on a server, the database of that name."""
    file, path = cli.root / "places/eu/db.sqlite", cli.root / "room.toml"
    if file.exists():
        file.unlink()
        return
    text = path.read_text(encoding="utf-8")
    named = text.partition("[places.eu]")[2].partition('database = "')[2].partition('"')[0]
    path.write_text(text.replace(f'"{named}"', f'"{named}_gone"'), encoding="utf-8")


BREAKS: dict[str, tuple[Callable[[Any], object], str]] = {
    "settings": (lambda c: (c.root / "room.toml").write_text("x", encoding="utf-8"), "not readable as TOML"),
    "a role's keys": (lambda c: (c.root / "roles/web.json").unlink(), "keys of role web are missing"),
    "a role's keys are open": (lambda c: (c.root / "roles/web.json").chmod(0o644), "readable by others"),
    "a key file is open": (lambda c: next(keyring(c).rglob("copy.key")).chmod(0o640), "open to others"),
    "a keyring": (lambda c: shutil.rmtree(keyring(c)), "keyring"),
    "a key is damaged": (lambda c: next(keyring(c).rglob("epoch.key")).write_bytes(b"{}"), "damaged"),
    "a copy of keys": (lambda c: (keyring(c) / "old.zip").write_bytes(b"x"), "no keyring makes"),
    "keys that lead nowhere": (foreign_keys, "keys that lead nowhere"),
    "a copy without keys": (lambda c: shutil.rmtree(next(keyring(c).rglob("copy.key")).parent), "has no keys"),
    "a database": (lose_database, "database eu: "),
    "an orphan": (lambda c: shutil.copy(part(c), part(c).with_name("p-99999.1.parquet")), "nobody knows"),
    "a part": (lambda c: part(c).unlink(), "part is missing"),
    "a purge that nobody did": (lambda c: c.pass_time(days=40), "overdue since"),
    "a worker that stopped": (lambda c: c.pass_time(hours=2), "last round ended 12"),
    "a clock turned back": (turn_back, "behind the newest event"),
    "a snapshot left": (lambda c: (c.root / "room/us.db.backup-1.new").touch(), "left behind"),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_the_doctor_finds(broken: str, sealed: Any) -> None:
    sealed.do("worker", "--once")
    act, what = BREAKS[broken]
    act(sealed)
    found = [one for one in findings(sealed) if what in one["what"]]
    assert found
    assert all(one["where"] and one["do"] for one in found)


def test_every_event_waiting_too_long_is_found(sealed: Any) -> None:
    sealed.do("worker", "--once")
    assert not any("wait to be written" in one["what"] for one in findings(sealed))
    sealed.do("engagement", "suspend", "alpha")
    sealed.pass_time(minutes=30)
    assert any("wait to be written to the log" in one["what"] for one in findings(sealed))


def test_a_checkpoint_from_outside_tells_a_log_that_was_cut(sealed: Any, tmp_path: Path) -> None:
    sealed.do("audit", "verify")
    shutil.copytree(sealed.root, tmp_path / "earlier")
    sealed.do("engagement", "suspend", "alpha")
    sealed.do("audit", "verify")
    kept = tmp_path / "kept"
    shutil.copy(sealed.root / "room/log/checkpoint", kept)
    assert not [
        one
        for one in json.loads(sealed("doctor", "--checkpoint", kept, "--json").out)["findings"]
        if "log" in one["where"]
    ]
    shutil.rmtree(sealed.root)
    shutil.move(tmp_path / "earlier", sealed.root)
    told = json.loads(sealed("doctor", "--checkpoint", kept, "--json").out)["findings"]
    assert any("does not begin with the checkpoint" in one["what"] for one in told)


def test_no_finding_holds_a_value(sealed: Any) -> None:
    sealed.pass_time(days=40)
    text = sealed("doctor", "--json").out.encode()
    assert not [value for value in sealed.raw() if value in text]
