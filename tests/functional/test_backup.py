"""A backup brings a room back, and nothing that was ended since: purges, engagements, erasures, grants."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from readingroom.copies.records import get_copy
from readingroom.copies.states import CopyState
from readingroom.core.errors import KeyFault
from readingroom.core.ids import CopyId, PartName
from readingroom.keys.roles import Role

pytestmark = pytest.mark.skipif(  # there, backup refuses: test_postgres_together.py
    os.environ.get("READINGROOM_TEST_DATABASE") == "postgresql", reason="a server is backed up with its own tools"
)
ROOM = "room/db.sqlite"
US = "places/us/db.sqlite"


def lose(cli: Any, *databases: str) -> None:
    """The databases are gone; roles, keyrings and logs are not."""
    for name in databases or (ROOM, US, "places/eu/db.sqlite", "places/schema-us/db.sqlite"):
        for suffix in ("", "-wal", "-shm"):
            (cli.root / f"{name}{suffix}").unlink(missing_ok=True)


def restored(cli: Any, source: Path, *more: str) -> dict[str, Any]:
    return dict(cli.ask("restore", source, *more))


def readable(cli: Any, copy: str) -> bool:
    """Whether any role can still get a key of the copy."""
    for role in (Role.WEB, Role.COPY, Role.SUBJECTS):
        with cli.house(role) as house:
            try:
                house.places["us"].keyring.part_key(CopyId(copy), PartName("p-00001.1"))
            except KeyFault:
                continue
            return True
    return False


def erase(cli: Any, email: str, folder: Path) -> None:
    (folder / "who.txt").write_text(f"email: {email}\n", encoding="utf-8")
    cli.do("subject", "erase", "--tenant", "alpha", "--identifiers", folder / "who.txt", "--request", "r-1")


def test_a_lost_database_comes_back_whole(sealed: Any, tmp_path: Path) -> None:
    before = sealed.copies()
    sealed.do("backup", tmp_path / "backup")
    lose(sealed)
    done = restored(sealed, tmp_path / "backup")
    assert done["copies_lost"] == []
    assert done["tenants_suspended"] == []
    assert [(c["id"], c["state"]) for c in sealed.copies()] == [(c["id"], c["state"]) for c in before]
    assert sealed("audit", "verify").code == 0
    assert sealed("assure").code == 0, sealed("assure").out


def test_a_backup_alone_opens_nothing(sealed: Any, tmp_path: Path) -> None:
    sealed.do("backup", tmp_path / "backup")
    files = {p.relative_to(tmp_path / "backup").as_posix(): p for p in (tmp_path / "backup").rglob("*") if p.is_file()}
    assert not [name for name in files if "keyring" in name or "roles" in name or name.endswith(".key")]
    secrets = [path.read_bytes() for path in (sealed.root / "roles").glob("*.json") if path.name != "public.json"]
    keys = [json.loads(data)["keys"]["x25519"].encode() for data in secrets]
    hidden = [*keys, b"SQLite format 3", b"admin@alpha.example", *sealed.raw()]
    for name, path in files.items():
        assert not [one for one in hidden if one in path.read_bytes()], name
        assert path.stat().st_mode & 0o077 == 0, name
    assert not list((sealed.root / "room").glob("*.new"))  # the snapshot in the room is gone


def test_a_purged_copy_does_not_come_back(sealed: Any, tmp_path: Path) -> None:
    copy = sealed.copies(state="sealed")[0]["id"]
    sealed.do("backup", tmp_path / "backup")
    parts = list((tmp_path / "backup/objects/us").rglob("*.parquet"))
    assert parts
    sealed.pass_time(days=31)
    sealed.do("purge", "run")
    assert sealed.copies()[0]["state"] == "purged"
    sealed.do("audit", "verify")
    lose(sealed)
    done = restored(sealed, tmp_path / "backup")
    assert done["copies_ended_since"] == [copy]
    assert sealed.copies()[0]["state"] == "purged"
    assert not readable(sealed, copy)
    assert not list((sealed.root / "places/us/objects").rglob("*.parquet"))
    assert sealed("audit", "verify").code == 0
    with sealed.house(Role.WEB) as house:
        assert get_copy(house, CopyId(copy)).state is CopyState.PURGED


def test_a_copy_that_expired_meanwhile_is_purged_before_the_room_opens(sealed: Any, tmp_path: Path) -> None:
    copy = sealed.copies(state="sealed")[0]["id"]
    sealed.do("backup", tmp_path / "backup")
    lose(sealed)
    sealed.pass_time(days=31)
    assert restored(sealed, tmp_path / "backup")["purged"] == 1
    assert sealed.copies()[0]["state"] == "purged"
    assert not readable(sealed, copy)


@pytest.mark.parametrize("how", ["opt-out", "terminate"])
def test_an_engagement_that_ended_stays_ended(how: str, sealed: Any, tmp_path: Path) -> None:
    sealed.do("backup", tmp_path / "backup")
    if how == "opt-out":
        sealed.do("engagement", "opt-out", "alpha", "--by", "admin@alpha.example")
    else:
        sealed.do("engagement", "terminate", "alpha", "--why", "the pilot is over")
    sealed.do("audit", "verify")  # the log has it; the purge has not been done
    lose(sealed)
    done = restored(sealed, tmp_path / "backup")
    assert done["purged"] + len(done["copies_ended_since"]) == 1
    assert sealed.ask("engagement", "status", "alpha")["state"] == "ended"
    assert sealed.copies()[0]["state"] == "purged"
    assert sealed("copy", "run", "alpha").code == 3


def test_an_erasure_stays_done_and_is_asked_for_again(sealed: Any, tmp_path: Path) -> None:
    person = sealed.somebody("email")
    sealed.do("backup", tmp_path / "backup")
    erase(sealed, person, tmp_path)
    sealed.do("worker", "--once")
    lose(sealed)
    done = restored(sealed, tmp_path / "backup")
    assert done["tenants_suspended"] == ["alpha"]
    assert "subject.erased" in done["to_be_done_again"]
    assert sealed.ask("engagement", "status", "alpha")["state"] == "suspended"
    assert sealed("copy", "run", "alpha").code == 3
    assert [c["state"] for c in sealed.copies()] == ["purged"]  # its parts were rewritten since: gone rather than wrong


def test_what_is_withheld_is_kept_when_a_database_is_replaced(sealed: Any, tmp_path: Path) -> None:
    person = sealed.somebody("email")
    sealed.do("backup", tmp_path / "backup")
    erase(sealed, person, tmp_path)
    sealed.do("worker", "--once")
    with sealed.house(Role.SUBJECTS) as house:
        from readingroom.copies.withheld import suppressions

        with house.places["us"].db.read("alpha") as connection:
            before = suppressions(connection, "alpha")
    assert before
    refused = sealed("restore", tmp_path / "backup")
    assert refused.code == 3
    assert "--replace" in refused.err
    restored(sealed, tmp_path / "backup", "--replace")
    with sealed.house(Role.SUBJECTS) as house, house.places["us"].db.read("alpha") as connection:
        assert suppressions(connection, "alpha") == before


def test_grants_and_sessions_do_not_come_back(fresh: Any, tmp_path: Path) -> None:
    grant = fresh.grant("ada")
    fresh.do("backup", tmp_path / "backup")
    fresh.do("access", "revoke", grant)
    fresh.do("audit", "verify")
    lose(fresh)
    restored(fresh, tmp_path / "backup")
    states = {one["id"]: one["state"] for one in fresh.ask("access", "list")["grants"]}
    assert states[grant] == "revoked"


def test_a_copy_made_since_is_lost_and_said_to_be(tiny: Any, tmp_path: Path) -> None:
    tiny.do("backup", tmp_path / "backup")
    tiny.do("copy", "run", "alpha", "--category", "marketing")
    made = tiny.copies(state="sealed")[0]["id"]
    tiny.do("audit", "verify")
    lose(tiny)
    assert restored(tiny, tmp_path / "backup")["copies_lost"] == [made]
    assert not readable(tiny, made)
    assert tiny("audit", "verify").code == 0


def test_without_its_keys_a_room_is_not_restored(sealed: Any, tmp_path: Path) -> None:
    sealed.do("backup", tmp_path / "backup")
    shutil.rmtree(sealed.root / "places/us/keyring")
    lose(sealed)
    refused = sealed("restore", tmp_path / "backup")
    assert refused.code == 3
    assert "keyring" in refused.err
    shutil.rmtree(sealed.root / "roles")
    assert sealed("restore", tmp_path / "backup").code == 3
    assert not (sealed.root / ROOM).exists()


def keep(cli: Any, target: Path) -> list[str]:
    """Keep every checkpoint outside the room, as options of restore."""
    target.mkdir()
    options = []
    for number, path in enumerate(sorted(cli.root.rglob("checkpoint"))):
        shutil.copy(path, target / str(number))
        options += ["--checkpoint", str(target / str(number))]
    return options


def drop_logs(cli: Any) -> None:
    shutil.rmtree(cli.root / "room/log")
    for place in ("us", "eu", "schema-us"):
        shutil.rmtree(cli.root / f"places/{place}/logs")
        (cli.root / f"places/{place}/logs").mkdir()


def test_a_rolled_back_log_is_never_taken_silently(sealed: Any, tmp_path: Path) -> None:
    """The purge is cut from everything in the room, keyring included: only what was kept outside can tell."""
    before = tmp_path / "before"
    shutil.copytree(sealed.root / "places/us/keyring", before)  # what nobody may do: a copy of keys
    sealed.do("backup", tmp_path / "backup")
    sealed.pass_time(days=1)
    sealed.do("engagement", "opt-out", "alpha", "--by", "admin@alpha.example")
    sealed.do("worker", "--once")
    kept = keep(sealed, tmp_path / "kept")
    lose(sealed)
    drop_logs(sealed)
    shutil.rmtree(sealed.root / "places/us/keyring")
    shutil.copytree(before, sealed.root / "places/us/keyring")
    refused = sealed("restore", tmp_path / "backup")
    assert refused.code == 3
    assert "--checkpoint" in refused.err
    assert not list(sealed.root.rglob("*.restoring*"))
    caught = sealed("restore", tmp_path / "backup", *kept)
    assert caught.code == 1
    assert "somebody kept a checkpoint" in caught.err
    us = next(note for note in (tmp_path / "kept").iterdir() if "/us/alpha\n" in note.read_text(encoding="utf-8"))
    caught = sealed("restore", tmp_path / "backup", "--checkpoint", us)
    assert caught.code == 1
    assert "does not begin with the checkpoint" in caught.err
    assert not (sealed.root / ROOM).exists()
    said = sealed.ask("restore", tmp_path / "backup", "--unwitnessed")  # aloud, and in the log for ever
    assert said["logs_from_the_backup"]
    events = sealed("audit", "export", "--format", "ocsf").out
    told = [json.loads(line) for line in events.splitlines() if '"room.restored"' in line]
    assert told[0]["unmapped"]["facts"]["witnessed"] is False


def test_the_newest_log_needs_no_more_than_its_checkpoints(sealed: Any, tmp_path: Path) -> None:
    sealed.do("audit", "verify")
    kept = keep(sealed, tmp_path / "kept")
    sealed.do("backup", tmp_path / "backup")
    lose(sealed)
    drop_logs(sealed)
    assert restored(sealed, tmp_path / "backup", *kept)["entries_behind"] >= 0
    assert sealed("audit", "verify").code == 0


def test_keys_that_the_log_calls_alive_and_that_are_gone_are_reported(sealed: Any, tmp_path: Path) -> None:
    copy = sealed.copies(state="sealed")[0]["id"]
    sealed.do("backup", tmp_path / "backup")
    shutil.rmtree(sealed.root / "places/us/keyring/epochs")
    (sealed.root / "places/us/keyring/epochs").mkdir()
    lose(sealed)
    assert restored(sealed, tmp_path / "backup")["copies_without_keys"] == [copy]
    assert sealed.copies()[0]["state"] == "purged"


def test_databases_that_their_server_restored_are_brought_up_to_the_log(sealed: Any, tmp_path: Path) -> None:
    """The path of PostgreSQL: the databases come back by other means, the rest by us."""
    names = (ROOM, US, "places/eu/db.sqlite", "places/schema-us/db.sqlite")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(sealed.root / name, tmp_path / name)
    sealed.do("backup", tmp_path / "backup", "--without-databases")
    assert not (tmp_path / "backup/sealed").exists()
    sealed.do("engagement", "opt-out", "alpha", "--by", "admin@alpha.example")
    sealed.do("worker", "--once")
    lose(sealed)
    for name in names:
        shutil.copy(tmp_path / name, sealed.root / name)
    assert sealed.ask("engagement", "status", "alpha")["state"] == "active"  # what a dump alone would bring back
    restored(sealed, tmp_path / "backup")
    assert sealed.ask("engagement", "status", "alpha")["state"] == "ended"
    assert [c["state"] for c in sealed.copies()] == ["purged"]
    assert sealed("audit", "verify").code == 0


def test_a_room_that_is_open_elsewhere_is_not_restored(sealed: Any, tmp_path: Path) -> None:
    sealed.do("backup", tmp_path / "backup")
    code = "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM events')"
    code += "; print(flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code, str(sealed.root / US)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        refused = sealed("restore", tmp_path / "backup", "--replace")
        other.kill()
    assert refused.code == 3
    assert str(other.pid) in refused.err
    restored(sealed, tmp_path / "backup", "--replace")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def swap(folder: Path) -> None:
    first, second = folder / "sealed/us.db", folder / "sealed/eu.db"
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a database is cut": lambda folder: cut(folder / "sealed/us.db"),
    "two databases are swapped": swap,
    "a part is another": lambda folder: next((folder / "objects").rglob("*.parquet")).write_bytes(b"x"),
    "a file is missing": lambda folder: (folder / "room.toml").unlink(),
    "the list is missing": lambda folder: (folder / "backup.json").unlink(),
    "the list is another's": lambda folder: (folder / "backup.json").write_bytes(
        (folder / "backup.json").read_bytes().replace(b'"version":"', b'"version":"9')
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_backup_changes_nothing(damage: str, sealed: Any, tmp_path: Path) -> None:
    sealed.do("backup", tmp_path / "backup")
    DAMAGE[damage](tmp_path / "backup")
    lose(sealed)
    assert sealed("restore", tmp_path / "backup").code in {1, 2}
    assert not (sealed.root / ROOM).exists()


def test_a_backup_never_overwrites_and_another_room_does_not_take_it(sealed: Any, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    sealed.do("backup", target)
    assert sealed("backup", target).code == 2
    other = tmp_path / "other"
    assert sealed("init", other, "--simulation", room=False).code == 0
    assert sealed("-C", other, "restore", target, "--replace", room=False).code == 1  # signed by another worker


def test_a_backup_of_a_room_that_runs_is_of_one_moment(sealed: Any, launcher: Any, tmp_path: Path) -> None:
    running = [launcher.start(sealed, "worker", "--once") for _ in range(3)]
    running.append(launcher.start(sealed, "copy", "run", "alpha", "--category", "query"))
    sealed.do("backup", tmp_path / "backup")
    for one in running:
        one.wait()
    sealed.do("worker", "--once")
    lose(sealed)
    restored(sealed, tmp_path / "backup")
    assert sealed("audit", "verify").code == 0
