"""The exported register, verified by software that is not ours: golang.org/x/mod, as Debian packages it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator as Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from readingroom.audit.merkle import leaf_hash
from readingroom.audit.sequencer import create_log, sequence, sequence_all
from readingroom.audit.unit import Event, unit_of_work
from readingroom.bootstrap import init, open_house
from readingroom.cli.main import execute
from readingroom.core.ids import TenantName
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House
from readingroom.keys.roles import Role

PROGRAM = Path(__file__).parents[2] / "verify" / "verify_log.go"
LIBRARIES = Path("/usr/share/gocode")
OLD, SIZE = 150, 600  # more than two full tiles, and a partial one


@dataclass(frozen=True)
class Exported:
    """A log as it was given away, with its key, and what somebody kept from before."""

    folder: Path
    older: Path
    proof: Path
    root: Path

    def copy_to(self, target: Path) -> Exported:
        shutil.copytree(self.folder, target / "log")
        for kept in (self.older, self.proof):
            shutil.copy(kept, target / kept.name)
        return replace(self, folder=target / "log", older=target / self.older.name, proof=target / self.proof.name)

    def verify(self, program: Path) -> subprocess.CompletedProcess[str]:
        command = [str(program), "-key", str(self.folder / "log.key"), "-log", str(self.folder)]
        command += ["-older", str(self.older), "-proof", str(self.proof)]
        return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program, built with the library that the distribution packages: nothing is downloaded."""
    if shutil.which("go") is None or not (LIBRARIES / "src/golang.org/x/mod/sumdb").is_dir():
        pytest.skip("golang-go and golang-golang-x-mod-dev are not installed")
    home = tmp_path_factory.mktemp("go")
    settings = {"GO111MODULE": "off", "GOPATH": str(LIBRARIES), "GOCACHE": str(home / "cache"), "CGO_ENABLED": "0"}
    command = ["go", "build", "-o", str(home / "verify_log"), str(PROGRAM)]
    subprocess.run(command, env={**os.environ, **settings, "GOFLAGS": ""}, check=True, capture_output=True)
    return home / "verify_log"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A room's log of some hundred events; its checkpoint from before and a proof of its last event were kept."""
    home = tmp_path_factory.mktemp("export")
    root, out = home / "room", home / "out"
    init(root, simulation=True)
    house = open_house(root, Role.WORKER)
    fill(house, OLD)
    shutil.copy(house.logs / "checkpoint", home / "older")
    last = fill(house, SIZE)
    origin = house.log_origin(None, EVERY_TENANT)
    close(house)
    assert execute(["-C", str(root), "audit", "export", "--format", "tiles", "--to", str(out), "--log", origin]) == 0
    return Exported(out / origin, home / "older", write(home / "proof", root, last), root)


def fill(house: House, size: int) -> str:
    """Append events until the room's log has `size` entries; the last one's id."""
    last = ""
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        for number in range(1 if size == OLD else OLD, size):
            last = unit.append(
                Event("queue.ordered", "web", tenant=TenantName("alpha"), facts={"tasks": 1000 + number})
            )
    sequence_all(house)
    return last


def close(house: House) -> None:
    for database in (house.db, *(place.db for place in house.places.values())):
        database.close()


def write(path: Path, root: Path, event: str) -> Path:
    from readingroom.audit.proofs import event_proof

    house = open_house(root, Role.WORKER)
    path.write_text(event_proof(house, event), encoding="utf-8")
    close(house)
    return path


def test_go_verifies_checkpoint_tiles_every_entry_and_the_proof(program: Path, exported: Exported) -> None:
    done = exported.verify(program)
    assert done.returncode == 0, done.stderr
    assert f"all {SIZE} are included" in done.stdout
    assert f"checkpoint of {OLD} entries is its beginning" in done.stdout
    assert f"the proof shows entry {SIZE - 1}" in done.stdout


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def swap_leaves(case: Exported) -> None:
    """Two entries of one length change places, and so do their hashes: every file is well formed."""
    bundle, tile = case.folder / "tile/entries/000", case.folder / "tile/0/000"
    data, hashes = bundle.read_bytes(), tile.read_bytes()
    entries, at = [], 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        entries.append(data[at:end])
        at = end
    entries[10], entries[11] = entries[11], entries[10]
    assert len(entries[10]) == len(entries[11])
    bundle.write_bytes(b"".join(entries))
    rows = [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
    rows[10], rows[11] = rows[11], rows[10]
    assert rows[10] == leaf_hash(entries[10][2:])
    tile.write_bytes(b"".join(rows))


def another_key(case: Exported) -> None:
    """The key of another room, under this log's name."""
    other = case.folder.parent / "other"
    init(other, simulation=True)
    house = open_house(other, Role.WORKER)
    from readingroom.audit.checkpoint import verifier_key

    origin = case.folder.joinpath("log.key").read_text(encoding="utf-8").split("+")[0]
    key = verifier_key(origin, house.keys.public())
    case.folder.joinpath("log.key").write_text(key, encoding="utf-8")
    close(house)


def rewritten(case: Exported) -> None:
    """The holder of the true key makes the log anew without one event: consistent in itself, and signed."""
    house = open_house(case.root, Role.WORKER)
    origin = house.log_origin(None, EVERY_TENANT)
    forged = case.folder.parent / "forged-room"
    init(forged, simulation=True)
    other = open_house(forged, Role.WORKER)
    with unit_of_work(other.db, EVERY_TENANT, other.clock) as unit:
        for number in range(SIZE):
            unit.append(Event("queue.ordered", "web", tenant=TenantName("alpha"), facts={"tasks": number}))
    target = case.folder.parent / "forged"
    create_log(target, origin, house.keys)
    sequence(other.db, EVERY_TENANT, target, origin=origin, keys=house.keys, clock=house.clock)
    for name in ("tile", "checkpoint"):
        shutil.move(target / name, case.folder.parent / name)
    shutil.rmtree(case.folder / "tile")
    shutil.move(case.folder.parent / "tile", case.folder / "tile")
    shutil.move(case.folder.parent / "checkpoint", case.folder / "checkpoint")
    close(house)
    close(other)


def changed_proof(case: Exported) -> None:
    text = case.proof.read_text(encoding="utf-8")
    case.proof.write_text(text.replace(f"index {SIZE - 1}", f"index {SIZE - 2}"), encoding="utf-8")


FORGERIES: dict[str, Callable[[Exported], None]] = {
    "a byte of an entry": lambda case: flip(case.folder / "tile/entries/001", 1000),
    "a byte of the last bundle": lambda case: flip(case.folder / f"tile/entries/002.p/{SIZE % 256}", -5),
    "a byte of a leaf tile": lambda case: flip(case.folder / "tile/0/001", 77),
    "a byte of an upper tile": lambda case: flip(case.folder / "tile/1/000.p/2", 5),
    "a byte of the root": lambda case: flip(case.folder / "checkpoint", 80),
    "a byte of the signature": lambda case: flip(case.folder / "checkpoint", -20),
    "an entry left out": lambda case: case.folder.joinpath("tile/entries/000").write_bytes(b""),
    "two leaves swapped": swap_leaves,
    "another key": another_key,
    "rewritten and signed": rewritten,
    "a proof of another place": changed_proof,
    "a byte of the older checkpoint": lambda case: flip(case.older, -20),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_go_rejects(forgery: str, program: Path, exported: Exported, tmp_path: Path) -> None:
    case = exported.copy_to(tmp_path)
    assert case.verify(program).returncode == 0
    FORGERIES[forgery](case)
    done = case.verify(program)
    assert done.returncode == 1, done.stdout
    assert "does not verify" in done.stderr


def test_a_rewritten_log_deceives_whoever_kept_nothing(program: Path, exported: Exported, tmp_path: Path) -> None:
    case = exported.copy_to(tmp_path)
    rewritten(case)
    command = [str(program), "-key", str(case.folder / "log.key"), "-log", str(case.folder)]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0  # why receipts quote a checkpoint


def test_ocsf_lines_are_the_whole_log_and_each_can_be_proven(
    exported: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    origin = exported.folder.joinpath("log.key").read_text(encoding="utf-8").split("+")[0]
    chosen = ["-C", str(exported.root), "audit", "export", "--format", "ocsf", "--log", origin]
    assert execute([*chosen, "--to", str(tmp_path / "events.jsonl")]) == 0
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["metadata"]["sequence"] for line in lines] == list(range(SIZE))
    leaves = b"".join((exported.folder / f"tile/0/00{n}").read_bytes() for n in (0, 1))
    for line in lines[:512]:
        at = line["metadata"]["sequence"] * 32
        assert leaf_hash(line["raw_data"].encode()) == leaves[at : at + 32]
    capsys.readouterr()
    assert execute([*chosen, "--start", str(SIZE - 3)]) == 0
    assert [json.loads(line)["metadata"]["sequence"] for line in capsys.readouterr().out.splitlines()] == [
        597,
        598,
        599,
    ]


def test_every_line_of_a_room_that_lived_validates_and_names_nobody(sealed: Any, tmp_path: Path) -> None:
    sealed.do("engagement", "opt-out", "alpha", "--by", "admin@alpha.example")
    sealed.do("worker", "--once")
    sealed.do("audit", "export", "--format", "ocsf", "--to", tmp_path / "events.jsonl")
    text = (tmp_path / "events.jsonl").read_bytes()
    assert not [value for value in (*sealed.raw(), b"admin@alpha.example") if value in text]
    known = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.8.0"))
    events = [json.loads(line) for line in text.splitlines()]
    assert classes(events) >= {3004, 6005}
    assert 0 not in classes(events)
    checks = {uid: Validator(known.get_class_schema(known.lookup_class_name_from_uid(uid))) for uid in classes(events)}
    for event in events:
        checks[event["class_uid"]].validate(event)


def classes(events: list[dict[str, Any]]) -> set[int]:
    return {event["class_uid"] for event in events}


def test_an_export_never_overwrites(exported: Exported, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("mine", encoding="utf-8")
    command = ["-C", str(exported.root), "audit", "export", "--format"]
    assert execute([*command, "ocsf", "--to", str(there)]) == 1
    assert execute([*command, "tiles", "--to", str(there)]) == 2
    assert execute([*command, "tiles"]) == 2
    assert execute([*command, "ocsf", "--log", "readingroom/none"]) == 2
    assert execute([*command, "ocsf", "--start", "5"]) == 2
    assert there.read_text(encoding="utf-8") == "mine"
