"""The four process roles and their own keys: no process holds another role's private keys.

Rule 1: each role has an X25519 key (keys are wrapped to it) and an Ed25519 key (it signs with it), in a file of its
own, readable by the owner of the process alone; the public keys of all roles stand in `public.json`.
Rule 2: load never creates, and a file that others may read is not loaded.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from readingroom.core.canonical import canonical, parse_object
from readingroom.core.errors import KeyFault, UsageError
from readingroom.keys.wrap import Box, unwrap_from, wrap_to
from readingroom.stores.durable import create_file, sync

__all__ = ["Box", "PublicKeys", "Role", "RoleKeys", "load_publics"]

_PUBLIC = "public.json"
_OTHERS = 0o077


class Role(StrEnum):
    """Which process this is, and so what it may open."""

    COPY = "copy"  # makes copies: opens data, tags and pseudonyms
    WEB = "web"  # serves people: opens data through the gate, never tags
    SUBJECTS = "subjects"  # answers data subjects: opens data and tags
    WORKER = "worker"  # keeps the deadlines: destroys keys, opens none


@dataclass(frozen=True)
class PublicKeys:
    """One role's public keys, raw."""

    wrapping: bytes  # X25519
    signing: bytes  # Ed25519


@dataclass(frozen=True)
class RoleKeys:
    """The private keys of one role, and the public keys of all."""

    role: Role
    publics: Mapping[Role, PublicKeys]
    _wrapping: X25519PrivateKey = field(repr=False)
    _signing: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def create_all(cls, directory: Path) -> None:
        """Make fresh keys for every role in `directory`; KeyFault if one is there already."""
        publics = {}
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory.chmod(0o700)
            for role in Role:
                wrapping, signing = X25519PrivateKey.generate(), Ed25519PrivateKey.generate()
                private = {"x25519": wrapping.private_bytes_raw(), "ed25519": signing.private_bytes_raw()}
                public = {"x25519": wrapping.public_key().public_bytes_raw()}
                public["ed25519"] = signing.public_key().public_bytes_raw()
                publics[role.value] = _encode(public)
                body: dict[str, Any] = {"v": 1, "role": role.value, "keys": _encode(private)}
                create_file(directory / f"{role}.json", canonical(body))
            create_file(directory / _PUBLIC, canonical({"v": 1, "roles": publics}))
            sync(directory.parent)
        except OSError as error:
            raise KeyFault(f"the role keys cannot be made: {type(error).__name__}") from None

    @classmethod
    def load(cls, directory: Path, role: Role) -> RoleKeys:
        """The keys of `role` and no other's; KeyFault if they are missing, corrupt, or readable by others."""
        path = directory / f"{role}.json"
        try:
            if path.stat().st_mode & _OTHERS:
                raise KeyFault(f"the keys of role {role} are readable by others; set mode 0600")
            body = parse_object(path.read_bytes(), what="a role's key file")
            wrapping = X25519PrivateKey.from_private_bytes(b64decode(body["keys"]["x25519"], validate=True))
            signing = Ed25519PrivateKey.from_private_bytes(b64decode(body["keys"]["ed25519"], validate=True))
        except (OSError, UsageError, ValueError, KeyError, TypeError):
            raise KeyFault(f"the keys of role {role} are missing or corrupt") from None
        publics = load_publics(directory)
        own = PublicKeys(wrapping.public_key().public_bytes_raw(), signing.public_key().public_bytes_raw())
        if body.get("role") != role.value or publics[role] != own:
            raise KeyFault(f"the keys of role {role} are another role's, or of another room")
        return cls(role, publics, wrapping, signing)

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature of this role over `message`, 64 bytes."""
        return self._signing.sign(message)

    def public(self, role: Role | None = None) -> bytes:
        """The raw Ed25519 public key (32 bytes) of `role`, or of this one."""
        return self.publics[role or self.role].signing

    def wrap_to(self, role: Role, secret: bytes, context: Mapping[str, str]) -> Box:
        """`secret` to the holder of another role's private key, bound to `context`; this process cannot open it."""
        return wrap_to(self.publics[role].wrapping, secret, context)

    def unwrap(self, box: Any, context: Mapping[str, str]) -> bytes:
        """The secret wrapped to this role in `context`; KeyFault otherwise."""
        return unwrap_from(self._wrapping, box, context)


def load_publics(directory: Path) -> Mapping[Role, PublicKeys]:
    """The public keys of every role, for whoever verifies without holding a private one."""
    try:
        roles = parse_object((directory / _PUBLIC).read_bytes(), what=_PUBLIC)["roles"]
        return {role: _publics(roles[role.value]) for role in Role}
    except (OSError, UsageError, ValueError, KeyError, TypeError):
        raise KeyFault("the public keys of the roles are missing or corrupt") from None


def _publics(body: Mapping[str, str]) -> PublicKeys:
    return PublicKeys(b64decode(body["x25519"], validate=True), b64decode(body["ed25519"], validate=True))


def _encode(keys: Mapping[str, bytes]) -> dict[str, str]:
    return {name: b64encode(key).decode("ascii") for name, key in keys.items()}
