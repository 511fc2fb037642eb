"""A missing, corrupt or swapped key, part, database or log: a defined end, a word on it, and nothing shown."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ground import spoil_database, wanted
from readingroom.core.ids import PlaceName

Damage = Callable[[Sequence[Path]], None]


def missing(files: Sequence[Path]) -> None:
    for file in files:
        file.unlink()


def rewrite(file: Path, data: bytes) -> None:
    file.chmod(0o600)
    file.write_bytes(data)


def garbage(files: Sequence[Path]) -> None:
    for file in files:
        rewrite(file, b"\x00garbage\xff" * 9)


def truncated(files: Sequence[Path]) -> None:
    for file in files:
        rewrite(file, file.read_bytes()[:-20])


def emptied(files: Sequence[Path]) -> None:
    for file in files:
        rewrite(file, b"")


def one_byte(files: Sequence[Path]) -> None:
    for file in files:
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        rewrite(file, bytes(data))


def swapped(files: Sequence[Path]) -> None:
    """Each gets its neighbour's content."""
    contents = [file.read_bytes() for file in files]
    assert len(contents) > 1
    for file, data in zip(files, [*contents[1:], contents[0]], strict=True):
        rewrite(file, data)


AS_ON_A_SERVER = {missing: "DROP DATABASE", garbage: "CREATE TABLE events (number INTEGER)", emptied: "SELECT 1"}
BAD_KEYS: Sequence[Damage] = (missing, garbage, truncated, emptied, one_byte, swapped)


@pytest.fixture
def room(granted_template: Any, tmp_path: Path) -> Any:
    return granted_template.copy_to(tmp_path / "room")


@pytest.fixture(scope="module")
def granted_template(template: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The staffed room, where ada may look."""
    cli = template.copy_to(tmp_path_factory.mktemp("granted") / "room")
    cli.grant("ada")
    return cli


def of(cli: Any, kind: str, pattern: str, category: str = "marketing") -> list[Path]:
    """Files of the marketing copy: objects, keys or the tenant's keys."""
    (copy,) = cli.copies(category=category)
    place = cli.root / "places" / copy["place"]
    folder = place / "objects" if kind == "objects" else place / "keyring"
    inside = f"**/{pattern}" if pattern == "epoch.key" else f"**/{copy['id']}/{pattern}"
    found = sorted(folder.glob(inside))
    assert found, (kind, pattern)
    return found


def shows_nothing(cli: Any, *words: object, code: int = 1) -> str:
    """The command ends with `code`, says why in one line, and shows nothing."""
    done = cli(*words)
    assert done.code == code, (words, done.out[:200], done.err)
    assert done.out == ""
    assert done.err.startswith(("error: ", "refused: ")), done.err
    assert "fault:" not in done.err, "an unforeseen error"
    return str(done.err)


def still_purges(cli: Any) -> None:
    """What is broken is destroyed in time all the same, with a certificate."""
    cli.pass_time(days=29, hours=1)
    assert cli("worker", "--once").code in {0, 1}  # a broken log is told, and hinders no purge
    assert {copy["state"] for copy in cli.copies() if copy["category"] != "schema"} == {"purged"}


@pytest.mark.parametrize("damage", BAD_KEYS, ids=lambda damage: damage.__name__)
def test_part_keys(room: Any, damage: Damage) -> None:
    damage(of(room, "keys", "p-*.part"))
    shows_nothing(room, "review", "next", "--as", "ada")
    shows_nothing(room, "model", "train", "spam-checker", "--as", "ada", code=3)  # no trainer, and told so first
    still_purges(room)


@pytest.mark.parametrize("damage", [missing, garbage, truncated, one_byte], ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("which", ["copy.key", "epoch.key"])
def test_copy_and_epoch_keys(room: Any, which: str, damage: Damage) -> None:
    damage(of(room, "keys", which))
    shows_nothing(room, "review", "next", "--as", "ada")
    still_purges(room)


def test_a_copy_key_of_another_copy(room: Any) -> None:
    mine, other = of(room, "keys", "copy.key")[0], of(room, "keys", "copy.key", "query")[0]
    swapped([mine, other])
    shows_nothing(room, "review", "next", "--as", "ada")
    still_purges(room)


@pytest.mark.parametrize("damage", [missing, garbage, truncated], ids=lambda damage: damage.__name__)
def test_the_tag_key(room: Any, tmp_path: Path, damage: Damage) -> None:
    damage(sorted((room.root / "places" / "us" / "keyring" / "tenants").glob("*/tags.key")))
    (tmp_path / "who").write_text(f"email: {room.somebody('email')}\n", encoding="utf-8")
    words = ("--tenant", "alpha", "--identifiers", tmp_path / "who", "--request", "r-1")
    said = shows_nothing(room, "subject", "find", *words) + shows_nothing(room, "subject", "erase", *words)
    assert room.somebody("email") not in said
    still_purges(room)


@pytest.mark.parametrize("damage", BAD_KEYS, ids=lambda damage: damage.__name__)
def test_part_objects(room: Any, damage: Damage) -> None:
    damage(of(room, "objects", "p-*.parquet"))
    shows_nothing(room, "review", "next", "--as", "ada")
    (copy,) = room.copies(category="marketing")
    shows_nothing(room, "copy", "check", copy["id"], "--gold", room.gold() / "planted.csv.gz")
    still_purges(room)


@pytest.mark.parametrize("damage", BAD_KEYS, ids=lambda damage: damage.__name__)
def test_tag_and_link_objects(room: Any, tmp_path: Path, damage: Damage) -> None:
    damage([*of(room, "objects", "tags-*.parquet"), *of(room, "objects", "links-*.parquet")])
    (tmp_path / "who").write_text(f"email: {room.somebody('email')}\n", encoding="utf-8")
    words = ("--tenant", "alpha", "--identifiers", tmp_path / "who", "--request", "r-1")
    shows_nothing(room, "subject", "find", *words)
    shows_nothing(room, "subject", "erase", *words)
    still_purges(room)


def test_a_part_of_another_copy_in_its_place(room: Any) -> None:
    (other, *_) = of(room, "objects", "p-*.parquet", "query")
    for file in of(room, "objects", "p-*.parquet"):
        rewrite(file, other.read_bytes())
    shows_nothing(room, "review", "next", "--as", "ada")


ROLES = {"copy": ("columns", "list", "alpha"), "web": ("copy", "list"), "subjects": ("subject", "list")}
ROLES["worker"] = ("purge", "run")


@pytest.mark.parametrize("role", sorted(ROLES))
def test_the_keys_of_a_role(room: Any, role: str) -> None:
    file = room.root / "roles" / f"{role}.json"
    whole = file.read_bytes()
    other = file.with_name("web.json" if role != "web" else "copy.json").read_bytes()
    for data in (b"", b"{}", whole[:-9], other, whole.replace(b'"v":1', b'"v":[')):
        rewrite(file, data)
        assert role in shows_nothing(room, *ROLES[role])
    rewrite(file, whole)
    room.do(*ROLES[role])
    file.chmod(0o644)
    assert "readable by others" in shows_nothing(room, *ROLES[role])
    file.unlink()
    assert role in shows_nothing(room, *ROLES[role])
    for name, words in ROLES.items():
        if name != role:
            room.do(*words)  # the others work on
    if role in {"worker", "subjects"}:
        shows_nothing(room, "worker", "--once")


def test_the_public_keys(room: Any) -> None:
    (room.root / "roles" / "public.json").unlink()
    shows_nothing(room, "copy", "list")


def test_a_keyring_of_another_place(room: Any) -> None:
    us, eu = (room.root / "places" / name / "keyring" / "keyring.json" for name in ("us", "eu"))
    rewrite(us, eu.read_bytes())
    assert "another place" in shows_nothing(room, "review", "next", "--as", "ada")


@pytest.mark.parametrize("which", ["room", "places/us"])
@pytest.mark.parametrize("damage", [missing, garbage, emptied], ids=lambda damage: damage.__name__)
def test_a_database(room: Any, which: str, damage: Damage) -> None:
    if wanted():
        spoil_database(room.root, None if which == "room" else PlaceName("us"), AS_ON_A_SERVER[damage])
    else:
        damage([room.root / which / "db.sqlite"])
    shows_nothing(room, "copy", "list")
    shows_nothing(room, "worker", "--once")
    assert which != "room" or not (room.root / "room" / "db.sqlite-journal").exists()


@pytest.mark.parametrize("which", ["objects", "keyring"])
def test_a_store_or_keyring_that_is_gone(room: Any, which: str) -> None:
    shutil.rmtree(room.root / "places" / "us" / which)
    shows_nothing(room, "review", "next", "--as", "ada")
    assert not (room.root / "places" / "us" / which).exists()  # load never creates


@pytest.mark.parametrize(("name", "text"), [("room.toml", "[room"), ("room.toml", ""), ("clock.json", "{")])
def test_broken_settings_stop_the_start(room: Any, name: str, text: str) -> None:
    (room.root / name).write_text(text, encoding="utf-8")
    shows_nothing(room, "copy", "list", code=2)
    shows_nothing(room, "worker", "--once", code=2)


def test_limits_laxer_than_the_promises_stop_the_start(room: Any) -> None:
    path = room.root / "room.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("retention_days = 30", "retention_days = 31", 1), encoding="utf-8")
    assert "retention_days" in shows_nothing(room, "copy", "list", code=2)


@pytest.mark.parametrize("damage", [missing, garbage, truncated, one_byte], ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("which", ["checkpoint", "tile/entries"])
def test_the_log(room: Any, which: str, damage: Damage) -> None:
    room.do("audit", "verify")
    log = room.root / "places" / "us" / "logs" / "alpha"
    inside = sorted(path for path in (log / "tile" / "entries").rglob("*") if path.is_file())
    damage([log / which] if which == "checkpoint" else inside)
    assert room("audit", "verify").code == 1
    if (which, damage) != ("tile/entries", one_byte):  # the sequencer signs nothing over it; an audit finds it
        worker = room("worker", "--once", "--json")
        assert worker.code == 1
        assert [line for line in worker.json["failed"] if line.startswith("sequence the log")]
    still_purges(room)
