"""The contract of a keyring: who opens what, what a destruction ends, and how everything else fails."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from readingroom.core.errors import KeyFault, UsageError
from readingroom.core.ids import CopyId, PartName, PlaceName, TenantName
from readingroom.keys.keyring import Chain, Keyring, chain_of
from readingroom.keys.roles import Role, RoleKeys

US, EU = PlaceName("us"), PlaceName("eu")
TENANT, OTHER = TenantName("fictional"), TenantName("imaginary")
ONE, TWO = CopyId("cp-1"), CopyId("cp-2")
DAY = "2026-11-23"
PART, TAGS, LINKS = PartName("p-00001"), PartName("tags-00001"), PartName("links-00001")


@dataclass(frozen=True)
class Ring:
    folder: Path
    roles: Path

    def of(self, role: Role, place: PlaceName = US) -> Keyring:
        return Keyring.load(self.folder / place, place, RoleKeys.load(self.roles, role))

    @property
    def day(self) -> Path:
        return self.folder / "us" / "epochs" / TENANT / "data" / DAY


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    RoleKeys.create_all(tmp_path / "roles")
    for place in (US, EU):
        Keyring.create(tmp_path / place, place)
    return Ring(tmp_path, tmp_path / "roles")


@pytest.fixture
def keys(ring: Ring) -> dict[PartName, bytes]:
    """Copy ONE of TENANT with a data part, a tag index and a link table."""
    copy = ring.of(Role.COPY)
    copy.create_copy(ONE, TENANT, "data", DAY)
    return {part: copy.new_part_key(ONE, part) for part in (PART, TAGS, LINKS)}


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# who opens what


def test_every_part_has_a_key_of_its_own(keys: dict[PartName, bytes]) -> None:
    assert len(set(keys.values())) == 3
    assert all(len(key) == 32 for key in keys.values())


@pytest.mark.parametrize("role", [Role.COPY, Role.SUBJECTS])
def test_copy_and_subjects_open_data_and_tags(ring: Ring, keys: dict[PartName, bytes], role: Role) -> None:
    assert {part: ring.of(role).part_key(ONE, part) for part in keys} == keys


def test_web_opens_data_and_never_tags(ring: Ring, keys: dict[PartName, bytes]) -> None:
    # P16 and P18, and the design's own words: a test starts web and fails to read a tag
    web = ring.of(Role.WEB)
    ring.of(Role.COPY).create_tenant_keys(TENANT)
    assert web.part_key(ONE, PART) == keys[PART]
    for part in (TAGS, LINKS):
        with pytest.raises(KeyFault, match="role web cannot open tag keys"):
            web.part_key(ONE, part)
    with pytest.raises(KeyFault, match="role web cannot open tag keys"):
        web.tag_key(TENANT)
    with pytest.raises(KeyFault, match="role web cannot open pseudonym keys"):
        web.pseudonym_key(TENANT, DAY)


def test_web_cannot_reach_a_tag_part_under_a_data_name(ring: Ring, keys: dict[PartName, bytes]) -> None:
    # the chain is kept by cryptography, not by the name: a tag part's file under another name stays shut
    shutil.copy(ring.day / ONE / f"{TAGS}.part", ring.day / ONE / "p-00009.part")
    with pytest.raises(KeyFault, match="does not open"):
        ring.of(Role.WEB).part_key(ONE, PartName("p-00009"))


def test_worker_opens_nothing_and_destroys(ring: Ring, keys: dict[PartName, bytes]) -> None:
    worker = ring.of(Role.WORKER)
    ring.of(Role.COPY).create_tenant_keys(TENANT)
    for part in keys:
        with pytest.raises(KeyFault, match="role worker cannot open"):
            worker.part_key(ONE, part)
    for ask in (lambda: worker.tag_key(TENANT), lambda: worker.pseudonym_key(TENANT, DAY)):
        with pytest.raises(KeyFault, match="role worker cannot open"):
            ask()
    assert worker.list_copies() == [ONE]
    worker.destroy_copy(ONE)
    assert not worker.copy_exists(ONE)


def test_no_key_is_wrapped_to_worker(ring: Ring, keys: dict[PartName, bytes]) -> None:
    ring.of(Role.COPY).create_tenant_keys(TENANT)
    ring.of(Role.COPY).pseudonym_key(TENANT, DAY)
    assert not [p for p in (ring.folder / "us").rglob("*") if p.is_file() and b"worker" in p.read_bytes()]
    with pytest.raises(KeyFault):
        ring.of(Role.COPY).create_epoch(TENANT, "data", "2026-11-24", {Role.COPY, Role.WORKER})


def test_only_copy_and_subjects_make_keys(ring: Ring, keys: dict[PartName, bytes]) -> None:
    for role in (Role.WEB, Role.WORKER):
        with pytest.raises(KeyFault, match=f"role {role} may not"):
            ring.of(role).create_copy(TWO, TENANT, "data", DAY)
        with pytest.raises(KeyFault, match=f"role {role} may not"):
            ring.of(role).new_part_key(ONE, PartName("p-00002"))
    for act in (lambda k: k.destroy_copy(ONE), lambda k: k.destroy_part(ONE, PART), lambda k: k.sweep()):
        with pytest.raises(KeyFault, match="role web may not destroy"):
            act(ring.of(Role.WEB))
    assert ring.of(Role.SUBJECTS).new_part_key(ONE, PartName("p-00002"))


def test_an_epoch_may_have_fewer_recipients(ring: Ring) -> None:
    copy = ring.of(Role.COPY)
    copy.create_epoch(TENANT, "data", DAY, {Role.COPY})
    copy.create_epoch(TENANT, "data", DAY, {Role.COPY})
    with pytest.raises(KeyFault, match="other roles"):
        copy.create_epoch(TENANT, "data", DAY, {Role.COPY, Role.WEB})
    copy.create_copy(ONE, TENANT, "data", DAY)
    copy.new_part_key(ONE, PART)
    for role in (Role.WEB, Role.SUBJECTS):
        with pytest.raises(KeyFault, match=f"role {role} cannot open data keys"):
            ring.of(role).part_key(ONE, PART)


def test_tag_and_pseudonym_keys_are_stable_and_apart(ring: Ring) -> None:
    copy = ring.of(Role.COPY)
    for tenant in (TENANT, OTHER, TENANT):
        copy.create_tenant_keys(tenant)
    assert copy.tag_key(TENANT) == ring.of(Role.SUBJECTS).tag_key(TENANT) != copy.tag_key(OTHER)
    assert copy.pseudonym_key(TENANT, DAY) == ring.of(Role.COPY).pseudonym_key(TENANT, DAY)
    windows = {copy.pseudonym_key(t, d) for t in (TENANT, OTHER) for d in (DAY, "2026-11-24")}
    assert len(windows) == 4
    with pytest.raises(KeyFault, match="role subjects cannot open pseudonym keys"):
        ring.of(Role.SUBJECTS).pseudonym_key(TENANT, DAY)


def test_the_chain_goes_by_the_name() -> None:
    tags = ["tags-00001", "tags-contact.parquet", "links.parquet", "links-00001", "links-00001.g2"]
    assert {chain_of(PartName(name)) for name in tags} == {Chain.TAGS}
    assert {chain_of(PartName(name)) for name in ("p-00001", "p-tags", "linkscore", "tagsoup")} == {Chain.DATA}


# what a destruction ends


def test_after_destroy_copy_nothing_opens_whoever_kept_what(ring: Ring, keys: dict[PartName, bytes]) -> None:
    saved = {role: RoleKeys.load(ring.roles, role) for role in Role}
    readers = {role: Keyring.load(ring.folder / "us", US, kept) for role, kept in saved.items()}
    wrapped = [json.loads(path.read_bytes()) for path in ring.day.rglob("*") if path.is_file()]
    assert len(wrapped) == 5
    ring.of(Role.WORKER).destroy_copy(ONE)
    for reader in readers.values():
        for part in keys:
            with pytest.raises(KeyFault):
                reader.part_key(ONE, part)
    assert _files(ring.folder / "us") == [".lock", "keyring.json"]
    ring.of(Role.WORKER).destroy_copy(ONE)


def test_a_stolen_copy_file_is_worth_nothing_without_its_epoch(ring: Ring, keys: dict[PartName, bytes]) -> None:
    stolen = ring.folder / "stolen"
    shutil.copytree(ring.day / ONE, stolen)
    copy = ring.of(Role.COPY)
    copy.destroy_copy(ONE)
    copy.create_copy(TWO, TENANT, "data", DAY)  # the same day's epoch is made again, with other keys
    shutil.copytree(stolen, ring.day / ONE)
    for part in keys:
        with pytest.raises(KeyFault, match="does not open"):
            copy.part_key(ONE, part)


def test_the_epoch_goes_with_its_last_copy_and_not_before(ring: Ring, keys: dict[PartName, bytes]) -> None:
    copy = ring.of(Role.COPY)
    copy.create_copy(TWO, TENANT, "data", DAY)
    copy.create_copy(CopyId("cp-3"), TENANT, "schema", DAY)
    second = copy.new_part_key(TWO, PART)
    pseudonyms = copy.pseudonym_key(TENANT, DAY)
    copy.destroy_copy(ONE)
    assert copy.part_key(TWO, PART) == second
    assert copy.pseudonym_key(TENANT, DAY) == pseudonyms
    copy.create_copy(CopyId("cp-4"), OTHER, "schema", DAY)
    others = copy.pseudonym_key(OTHER, DAY)
    copy.destroy_copy(CopyId("cp-4"))
    assert copy.pseudonym_key(OTHER, DAY) == others  # schemas have no pseudonyms: their end ends none
    copy.destroy_copy(TWO)
    assert not ring.day.exists()
    assert copy.list_copies() == ["cp-3"]
    assert copy.pseudonym_key(TENANT, DAY) != pseudonyms  # the window is over: nobody can link to it any more


def test_destroy_part_ends_one_part(ring: Ring, keys: dict[PartName, bytes]) -> None:
    ring.of(Role.SUBJECTS).destroy_part(ONE, PART)
    ring.of(Role.SUBJECTS).destroy_part(ONE, PART)
    with pytest.raises(KeyFault, match="no part key"):
        ring.of(Role.COPY).part_key(ONE, PART)
    assert ring.of(Role.COPY).part_key(ONE, TAGS) == keys[TAGS]
    assert ring.of(Role.COPY).list_parts(ONE) == [LINKS, TAGS]
    fresh = ring.of(Role.COPY).new_part_key(ONE, PART)
    assert fresh != keys[PART]


def test_destroy_tenant_keys_is_one_tenants(ring: Ring) -> None:
    copy = ring.of(Role.COPY)
    copy.create_tenant_keys(TENANT)
    copy.create_tenant_keys(OTHER)
    copy.pseudonym_key(TENANT, DAY)
    kept = copy.tag_key(OTHER)
    copy.destroy_tenant_keys(TENANT)
    copy.destroy_tenant_keys(TENANT)
    with pytest.raises(KeyFault, match="no tag key"):
        copy.tag_key(TENANT)
    assert copy.tag_key(OTHER) == kept
    assert not (ring.folder / "us" / "tenants" / TENANT).exists()


def test_a_destroyed_file_is_overwritten_before_its_name_goes(ring: Ring, keys: dict[PartName, bytes]) -> None:
    path = ring.day / ONE / f"{PART}.part"
    before = path.read_bytes()
    with path.open("rb") as held:  # whoever still holds the file sees noise
        ring.of(Role.WORKER).destroy_part(ONE, PART)
        after = held.read()
    assert len(after) == len(before)
    assert after != before
    assert b"wrapped" not in after


@pytest.mark.parametrize("gone", ["epoch.key", "epoch.key cp-1/p-00001.part", "cp-1/p-00001.part"])
def test_a_destruction_that_was_cut_off_is_taken_up_again(ring: Ring, keys: dict[PartName, bytes], gone: str) -> None:
    for name in gone.split():
        (ring.day / name).unlink()
    worker = ring.of(Role.WORKER)
    assert worker.list_copies() == [ONE]
    worker.destroy_copy(ONE)
    assert _files(ring.folder / "us") == [".lock", "keyring.json"]


def test_sweep_destroys_what_has_no_owner_and_nothing_else(ring: Ring, keys: dict[PartName, bytes]) -> None:
    copy = ring.of(Role.COPY)
    copy.create_epoch(OTHER, "data", DAY)
    copy.create_tenant_keys(TENANT)
    (ring.day / "cp-9").mkdir()
    (ring.day / "cp-9" / "0123.new").write_bytes(b"half")
    (ring.day / "0123.new").write_bytes(b"half")
    assert ring.of(Role.WORKER).sweep() == 3
    assert ring.of(Role.WORKER).sweep() == 0
    assert {part: copy.part_key(ONE, part) for part in keys} == keys
    assert len(copy.tag_key(TENANT)) == 32
    assert not (ring.folder / "us" / "epochs" / OTHER).exists()
    assert not (ring.day / "cp-9").exists()


# how everything else fails


def test_keys_are_never_made_twice(ring: Ring, keys: dict[PartName, bytes]) -> None:
    copy = ring.of(Role.COPY)
    with pytest.raises(KeyFault, match="already"):
        copy.create_copy(ONE, TENANT, "data", DAY)
    with pytest.raises(KeyFault, match="already"):
        copy.create_copy(ONE, OTHER, "schema", "2026-11-24")
    with pytest.raises(KeyFault, match="already"):
        copy.new_part_key(ONE, PART)
    assert copy.part_key(ONE, PART) == keys[PART]


def test_unknown_copies_and_parts_have_no_keys(ring: Ring, keys: dict[PartName, bytes]) -> None:
    copy = ring.of(Role.COPY)
    for ask in (lambda: copy.part_key(TWO, PART), lambda: copy.new_part_key(TWO, PART)):
        with pytest.raises(KeyFault, match="copy cp-2 has no keys"):
            ask()
    with pytest.raises(KeyFault, match="no part key"):
        copy.part_key(ONE, PartName("p-00077"))
    with pytest.raises(KeyFault, match="no tag key"):
        copy.tag_key(TENANT)
    copy.destroy_copy(TWO)
    copy.destroy_part(TWO, PART)
    assert copy.list_parts(TWO) == []


_BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "noise": lambda data: bytes(255 - byte for byte in data),
    "cut": lambda data: data[: len(data) // 2],
    "not an object": lambda _: b"[1,2]",
    "nothing wrapped": lambda _: b'{"v":1}',
    "wrapped wrongly": lambda _: b'{"v":1,"id":"x","wrapped":7}',
    "boxes of numbers": lambda _: b'{"v":1,"id":"x","wrapped":{"data":7,"tags":7}}',
    "boxes of roles": lambda _: b'{"v":1,"id":"x","wrapped":{"data":{"copy":7},"tags":{"copy":{}}}}',
    "one letter": lambda data: data.replace(b'"box":"', b'"box":"A', 1),
    "one bit": lambda data: data.replace(b'"nonce":"A', b'"nonce":"B').replace(b'"nonce":"', b'"nonce":"+', 1),
}


@pytest.mark.parametrize("name", ["epoch.key", "cp-1/copy.key", "cp-1/p-00001.part"])
@pytest.mark.parametrize("how", list(_BROKEN))
def test_a_corrupt_file_is_a_key_fault(ring: Ring, keys: dict[PartName, bytes], name: str, how: str) -> None:
    path = ring.day / name
    path.write_bytes(_BROKEN[how](path.read_bytes()))
    with pytest.raises(KeyFault):
        ring.of(Role.COPY).part_key(ONE, PART)
    ring.of(Role.WORKER).destroy_copy(ONE)  # what is broken can still be destroyed
    assert not ring.of(Role.WORKER).copy_exists(ONE)


@pytest.mark.parametrize("name", ["epoch.key", "cp-1/p-00001.part"])
def test_a_missing_file_is_a_key_fault(ring: Ring, keys: dict[PartName, bytes], name: str) -> None:
    (ring.day / name).unlink()
    with pytest.raises(KeyFault, match="there is no"):
        ring.of(Role.COPY).part_key(ONE, PART)


def test_swapped_files_do_not_open(ring: Ring, keys: dict[PartName, bytes]) -> None:
    copy = ring.of(Role.COPY)
    second = PartName("p-00002")
    copy.new_part_key(ONE, second)
    copy.create_copy(TWO, TENANT, "data", DAY)
    copy.new_part_key(TWO, PART)
    copy.create_copy(CopyId("cp-3"), OTHER, "data", DAY)
    copy.new_part_key(CopyId("cp-3"), PART)
    other = ring.folder / "us" / "epochs" / OTHER / "data" / DAY
    swaps = [
        (ring.day / ONE / f"{PART}.part", ring.day / ONE / f"{second}.part"),  # another part of the copy
        (ring.day / ONE / f"{PART}.part", ring.day / TWO / f"{PART}.part"),  # another copy of the day
        (ring.day / ONE / "copy.key", ring.day / TWO / "copy.key"),
        (ring.day / "epoch.key", other / "epoch.key"),  # another tenant
    ]
    for mine, theirs in swaps:
        kept = mine.read_bytes()
        mine.write_bytes(theirs.read_bytes())
        with pytest.raises(KeyFault, match="does not open"):
            copy.part_key(ONE, PART)
        mine.write_bytes(kept)
    assert copy.part_key(ONE, PART) == keys[PART]


def test_a_whole_folder_moved_to_another_tenant_or_day_does_not_open(ring: Ring, keys: dict[PartName, bytes]) -> None:
    # P18: nothing inside is changed, only where it stands
    copy = ring.of(Role.COPY)
    for home in (f"{OTHER}/data/{DAY}", f"{TENANT}/schema/{DAY}", f"{TENANT}/data/2026-11-24"):
        moved = ring.folder / "us" / "epochs" / home
        moved.parent.mkdir(parents=True, exist_ok=True)
        ring.day.rename(moved)
        with pytest.raises(KeyFault, match="does not open"):
            copy.part_key(ONE, PART)
        moved.rename(ring.day)
    assert copy.part_key(ONE, PART) == keys[PART]


def test_no_part_is_made_under_another_copys_key(ring: Ring, keys: dict[PartName, bytes]) -> None:
    copy = ring.of(Role.COPY)
    copy.create_copy(TWO, TENANT, "data", DAY)
    shutil.copy(ring.day / TWO / "copy.key", ring.day / ONE / "copy.key")
    with pytest.raises(KeyFault, match="does not open"):
        copy.new_part_key(ONE, PartName("p-00002"))


def test_a_destruction_that_fails_half_way_can_be_seen_and_taken_up(ring: Ring, keys: dict[PartName, bytes]) -> None:
    obstacle = ring.day / ONE / "zz.part"
    obstacle.symlink_to(ring.folder / "us" / "keyring.json")  # shredding follows no link
    with pytest.raises(KeyFault, match="destroy"):
        ring.of(Role.WORKER).destroy_copy(ONE)
    assert ring.of(Role.WORKER).copy_exists(ONE)
    with pytest.raises(KeyFault):
        ring.of(Role.COPY).part_key(ONE, PART)
    obstacle.unlink()
    ring.of(Role.WORKER).destroy_copy(ONE)
    assert _files(ring.folder / "us") == [".lock", "keyring.json"]


def test_swapped_tenant_keys_do_not_open(ring: Ring) -> None:
    copy = ring.of(Role.COPY)
    copy.create_tenant_keys(TENANT)
    copy.create_tenant_keys(OTHER)
    copy.pseudonym_key(TENANT, DAY)
    tenants = ring.folder / "us" / "tenants"
    shutil.copy(tenants / OTHER / "tags.key", tenants / TENANT / "tags.key")
    with pytest.raises(KeyFault, match="does not open"):
        copy.tag_key(TENANT)
    shutil.copy(tenants / TENANT / f"{DAY}.pseudonym", tenants / TENANT / "2026-11-24.pseudonym")
    with pytest.raises(KeyFault, match="does not open"):
        copy.pseudonym_key(TENANT, "2026-11-24")
    shutil.copy(tenants / TENANT / f"{DAY}.pseudonym", tenants / TENANT / "tags.key")
    with pytest.raises(KeyFault, match="does not open"):
        copy.tag_key(TENANT)


def test_keys_of_another_place_do_not_open(ring: Ring, keys: dict[PartName, bytes]) -> None:
    # P17: the same roles, the files carried over
    shutil.copytree(ring.folder / "us" / "epochs", ring.folder / "eu" / "epochs", dirs_exist_ok=True)
    for part in keys:
        with pytest.raises(KeyFault, match="does not open"):
            ring.of(Role.COPY, EU).part_key(ONE, part)
    with pytest.raises(KeyFault, match="another place"):
        Keyring.load(ring.folder / "us", EU, RoleKeys.load(ring.roles, Role.COPY))


def test_keys_of_another_room_do_not_open(ring: Ring, keys: dict[PartName, bytes], tmp_path: Path) -> None:
    RoleKeys.create_all(tmp_path / "others")
    foreign = Keyring.load(ring.folder / "us", US, RoleKeys.load(tmp_path / "others", Role.COPY))
    with pytest.raises(KeyFault, match="does not open"):
        foreign.part_key(ONE, PART)


@pytest.mark.parametrize("name", ["", "..", "a/b", "../x", "A", "a b", "*", "a.b", "x" * 65])
def test_names_that_cannot_be_are_refused(ring: Ring, name: str) -> None:
    copy = ring.of(Role.COPY)
    acts = [
        lambda: copy.create_copy(CopyId(name), TENANT, "data", DAY),
        lambda: copy.create_copy(ONE, TenantName(name), "data", DAY),
        lambda: copy.create_copy(ONE, TENANT, name, DAY),
        lambda: copy.create_copy(ONE, TENANT, "data", name),
        lambda: copy.destroy_copy(CopyId(name)),
        lambda: copy.part_key(CopyId(name), PART),
        lambda: copy.create_tenant_keys(TenantName(name)),
        lambda: copy.destroy_tenant_keys(TenantName(name)),
        lambda: copy.pseudonym_key(TENANT, name),
    ]
    for act in acts:
        with pytest.raises(UsageError):
            act()
    assert copy.list_copies() == []


@pytest.mark.parametrize("name", ["", "..", "a/b", "../copy", ".x", "a b", "*", "x" * 121])
def test_part_names_that_cannot_be_are_refused(ring: Ring, keys: dict[PartName, bytes], name: str) -> None:
    copy = ring.of(Role.COPY)
    for act in (copy.part_key, copy.new_part_key, copy.destroy_part):
        with pytest.raises(UsageError):
            act(ONE, PartName(name))


def test_files_are_the_owners_alone_and_hold_no_key(ring: Ring, keys: dict[PartName, bytes]) -> None:
    copy = ring.of(Role.COPY)
    copy.create_tenant_keys(TENANT)
    secrets = [*keys.values(), copy.tag_key(TENANT), copy.pseudonym_key(TENANT, DAY)]
    for path in (ring.folder / "us").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0
        if path.is_file():
            content = path.read_bytes()
            assert not any(key in content or key.hex().encode() in content for key in secrets)


def test_create_never_overwrites_and_load_never_creates(ring: Ring, tmp_path: Path) -> None:
    with pytest.raises(KeyFault):
        Keyring.create(ring.folder / "us", US)
    with pytest.raises(KeyFault):
        Keyring.load(tmp_path / "nothing", US, RoleKeys.load(ring.roles, Role.COPY))
    assert not (tmp_path / "nothing").exists()
    (ring.folder / "us").chmod(0o755)
    with pytest.raises(KeyFault, match="0700"):
        ring.of(Role.COPY)


_RACER = """
import sys
from pathlib import Path
from readingroom.core.errors import KeyFault
from readingroom.keys.keyring import Keyring
from readingroom.keys.roles import Role, RoleKeys
root = Path(sys.argv[1])
keyring = Keyring.load(root / "us", "us", RoleKeys.load(root / "roles", Role.COPY))
for number in range(20):
    try:
        keyring.create_copy(f"cp-{number}", "fictional", "data", "2026-11-23")
        print("made", number)
    except KeyFault as error:
        assert "already" in str(error), error
    keyring.create_tenant_keys("fictional")
    if number % 3 == 0:
        keyring.destroy_copy(f"cp-{number}")
print("tag", keyring.tag_key("fictional").hex())
print("pseudonym", keyring.pseudonym_key("fictional", "2026-11-23").hex())
"""


def test_two_workers_at_once(ring: Ring) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", _RACER, str(ring.folder)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    lines = [line for worker in workers for line in worker.communicate(timeout=60)[0].splitlines()]
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    made = [line for line in lines if line.startswith("made")]
    for number in range(20):
        times = made.count(f"made {number}")
        assert times >= 1 if number % 3 == 0 else times == 1
    assert len({line for line in lines if line.startswith("tag")}) == 1
    assert len({line for line in lines if line.startswith("pseudonym")}) == 1
    copy = ring.of(Role.COPY)
    assert copy.list_copies() == sorted(f"cp-{number}" for number in range(20) if number % 3)
    assert all(len(copy.new_part_key(name, PART)) == 32 for name in copy.list_copies())
