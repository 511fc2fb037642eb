"""The inventory of a keyring: everything it makes is known and whole, whatever else lies there is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from readingroom.core.ids import CopyId, PartName, PlaceName, TenantName
from readingroom.keys.inventory import Epoch
from readingroom.keys.keyring import Keyring
from readingroom.keys.roles import Role, RoleKeys

PLACE, TENANT, COPY, DAY = PlaceName("us"), TenantName("northwind"), CopyId("copy-1"), "2026-01-01"


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    RoleKeys.create_all(tmp_path / "roles")
    Keyring.create(tmp_path / "keyring", PLACE)
    made = Keyring.load(tmp_path / "keyring", PLACE, RoleKeys.load(tmp_path / "roles", Role.COPY))
    made.create_copy(COPY, TENANT, "data", DAY)
    made.create_tenant_keys(TENANT)
    made.pseudonym_key(TENANT, DAY)
    for part in ("p-00001", "tags-00001", "links-00001.g2"):
        made.new_part_key(COPY, PartName(part))
    return made


def _file(keyring: Keyring, name: str) -> Path:
    return min(keyring.directory.rglob(name))


def test_everything_that_a_keyring_makes_is_known_and_whole(keyring: Keyring) -> None:
    held = keyring.inventory()
    assert (held.unknown, held.damaged) == ((), ())
    assert held.copies == ((COPY, Epoch(TENANT, "data", DAY)),)
    assert (held.epochs, held.tag_keys) == ({Epoch(TENANT, "data", DAY)}, {TENANT})
    assert len(held.sizes) == 9
    keyring.destroy_copy(COPY)
    assert keyring.inventory().copies == ()
    assert keyring.inventory().unknown == ()


@pytest.mark.parametrize(
    "name", ["epoch.key", "copy.key", "p-00001.part", "tags-00001.part", "tags.key", "*.pseudonym", "keyring.json"]
)
@pytest.mark.parametrize("left", [0, 1, 40])
def test_a_key_that_was_cut_is_damaged(keyring: Keyring, name: str, left: int) -> None:
    path = _file(keyring, name)
    path.write_bytes(path.read_bytes()[: min(left, path.stat().st_size - 1)])
    assert path.relative_to(keyring.directory).as_posix() in keyring.inventory().damaged


def test_a_box_of_another_length_or_role_is_damaged(keyring: Keyring) -> None:
    tags, part = _file(keyring, "tags.key"), _file(keyring, "p-00001.part")
    tags.write_text(tags.read_text().replace('"subjects"', '"web"'))  # rule 1 of the keyring: never wrapped to web
    part.write_text(part.read_text().replace('"box":"', '"box":"AAAA'))
    held = keyring.inventory()
    assert len(held.damaged) == 2
    assert held.tag_keys == frozenset()


@pytest.mark.parametrize("name", ["backup", "tenants/keys.tar", "epochs/northwind/data/yesterday", "copy.key", "x"])
def test_what_no_keyring_makes_is_unknown(keyring: Keyring, name: str) -> None:
    path = keyring.directory / name
    path.write_bytes(b"") if "." in name else path.mkdir()
    assert keyring.inventory().unknown == (name,)


def test_a_link_is_unknown(keyring: Keyring) -> None:
    (keyring.directory / "tenants" / "adatum").symlink_to(keyring.directory / "tenants" / TENANT)
    assert keyring.inventory().unknown == ("tenants/adatum",)


def test_what_a_dead_process_left_half_made_is_the_sweeps(keyring: Keyring) -> None:
    (keyring.directory / "tenants" / "0123456789abcdef.new").write_bytes(b"half")
    assert keyring.inventory().unknown == ()
