from __future__ import annotations

from pathlib import Path

import pytest

from readingroom.core.errors import KeyFault
from readingroom.keys.roles import Role, RoleKeys, load_publics
from readingroom.keys.signing import verify
from readingroom.keys.wrap import fresh_key, unwrap, wrap, wrap_to

CONTEXT = {"kind": "example", "place": "us"}


@pytest.fixture
def roles(tmp_path: Path) -> Path:
    RoleKeys.create_all(tmp_path / "roles")
    return tmp_path / "roles"


def test_each_role_has_a_file_of_its_own_for_the_owner_alone(roles: Path) -> None:
    assert sorted(path.name for path in roles.iterdir()) == sorted([*(f"{role}.json" for role in Role), "public.json"])
    assert all(path.stat().st_mode & 0o077 == 0 for path in (roles, *roles.iterdir()))


def test_loading_one_role_needs_no_other(roles: Path) -> None:
    for role in (Role.COPY, Role.SUBJECTS, Role.WORKER):
        (roles / f"{role}.json").unlink()
    web = RoleKeys.load(roles, Role.WEB)
    assert web.role is Role.WEB
    assert set(web.publics) == set(Role)
    with pytest.raises(KeyFault, match="role copy"):
        RoleKeys.load(roles, Role.COPY)


def test_keys_are_never_made_twice(roles: Path) -> None:
    before = {path.name: path.read_bytes() for path in roles.iterdir()}
    with pytest.raises(KeyFault):
        RoleKeys.create_all(roles)
    assert {path.name: path.read_bytes() for path in roles.iterdir()} == before


def test_what_a_role_signs_its_public_key_verifies(roles: Path) -> None:
    worker, web = RoleKeys.load(roles, Role.WORKER), RoleKeys.load(roles, Role.WEB)
    signature = worker.sign(b"message")
    assert len(signature) == 64
    assert len(worker.public()) == 32
    assert worker.public() == web.public(Role.WORKER) == load_publics(roles)[Role.WORKER].signing
    verify(web.public(Role.WORKER), b"message", signature)
    for public, message, signed in (
        (worker.public(), b"massage", signature),
        (web.public(), b"message", signature),
        (worker.public(), b"message", signature[:-1]),
        (worker.public(), b"message", bytes(64)),
        (b"short", b"message", signature),
    ):
        with pytest.raises(KeyFault):
            verify(public, message, signed)


def test_a_role_file_that_others_may_read_is_not_loaded(roles: Path) -> None:
    (roles / "copy.json").chmod(0o640)
    with pytest.raises(KeyFault, match="0600"):
        RoleKeys.load(roles, Role.COPY)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"keys":7}', b'{"keys":{"x25519":"AA==","ed25519":"AA=="}}'])
def test_a_corrupt_role_file_is_a_key_fault(roles: Path, content: bytes) -> None:
    (roles / "copy.json").write_bytes(content)
    with pytest.raises(KeyFault, match="role copy are missing or corrupt"):
        RoleKeys.load(roles, Role.COPY)
    (roles / "public.json").write_bytes(content)
    with pytest.raises(KeyFault, match="public keys"):
        load_publics(roles)


def test_another_roles_file_is_not_loaded(roles: Path) -> None:
    (roles / "web.json").write_bytes((roles / "copy.json").read_bytes())
    with pytest.raises(KeyFault, match="another role"):
        RoleKeys.load(roles, Role.WEB)


def test_no_secret_in_what_is_shown(roles: Path) -> None:
    shown = repr(RoleKeys.load(roles, Role.COPY))
    assert "Private" not in shown
    assert "_signing" not in shown


def test_a_wrapped_key_opens_with_its_key_and_context_only() -> None:
    kek, secret = fresh_key(), fresh_key()
    box = wrap(kek, secret, CONTEXT)
    assert unwrap(kek, box, CONTEXT) == secret
    assert wrap(kek, secret, CONTEXT) != box
    for key, context in ((fresh_key(), CONTEXT), (kek, CONTEXT | {"place": "eu"}), (kek, {}), (b"short", CONTEXT)):
        with pytest.raises(KeyFault):
            unwrap(key, box, context)


def test_what_is_wrapped_to_a_role_only_that_role_opens(roles: Path) -> None:
    copy, web = RoleKeys.load(roles, Role.COPY), RoleKeys.load(roles, Role.WEB)
    secret = fresh_key()
    box = wrap_to(web.publics[Role.COPY].wrapping, secret, CONTEXT)
    assert copy.unwrap(box, CONTEXT) == secret
    with pytest.raises(KeyFault):
        web.unwrap(box, CONTEXT)
    with pytest.raises(KeyFault):
        copy.unwrap(box, CONTEXT | {"kind": "other"})
    with pytest.raises(KeyFault):
        copy.unwrap(box | {"ephemeral": box["nonce"]}, CONTEXT)
    with pytest.raises(KeyFault):  # a point of low order gives a shared secret of zeros
        copy.unwrap(box | {"ephemeral": "A" * 43 + "="}, CONTEXT)
    for broken in (None, 7, {}, {"ephemeral": 7}, box | {"box": "…"}):
        with pytest.raises(KeyFault):
            copy.unwrap(broken, CONTEXT)
