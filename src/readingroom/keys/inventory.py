"""What lies in a keyring's folder: which keys, whether each is whole, and what is no key at all.

Rule 1: nothing is opened: a key file is whole if its wrapped keys have the lengths and names that they must have.
Rule 2: whatever the layout (keyring.py) does not know is unknown: a backup of keys would undo their destruction (P15).
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Malformed
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from readingroom.core.canonical import parse_object
from readingroom.core.errors import UsageError
from readingroom.keys.wrap import KEY_BYTES
from readingroom.stores.durable import UNFINISHED

_NAME: Final = r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?"
_DAY: Final = r"\d{4}-\d{2}-\d{2}"
_EPOCH: Final = rf"epochs/(?P<tenant>{_NAME})/(?P<retention>{_NAME})/(?P<day>{_DAY})"
_KINDS: Final = {
    "keyring": re.compile(r"keyring\.json"),
    "lock": re.compile(r"\.lock"),
    "epoch": re.compile(rf"{_EPOCH}/epoch\.key"),
    "copy": re.compile(rf"{_EPOCH}/(?P<copy>{_NAME})/copy\.key"),
    "part": re.compile(rf"{_EPOCH}/(?P<copy>{_NAME})/(?P<part>[A-Za-z0-9][A-Za-z0-9._-]{{0,119}})\.part"),
    "tag": re.compile(rf"tenants/(?P<tenant>{_NAME})/tags\.key"),
    "pseudonym": re.compile(rf"tenants/(?P<tenant>{_NAME})/{_DAY}\.pseudonym"),
}
_FOLDER: Final = re.compile(rf"epochs(/{_NAME}(/{_NAME}(/{_DAY}(/{_NAME})?)?)?)?|tenants(/{_NAME})?")
_LENGTHS: Final = {"nonce": 12, "box": KEY_BYTES + 16, "ephemeral": 32}  # AES-GCM adds 16 bytes
_READERS: Final = {  # the roles that a key may be wrapped to, by chain or kind (rule 1 of keyring)
    "data": {"copy", "web", "subjects"},
    "tags": {"copy", "subjects"},
    "tag": {"copy", "subjects"},
    "pseudonym": {"copy"},
}


@dataclass(frozen=True)
class Epoch:
    """Where an epoch's keys stand."""

    tenant: str
    retention: str
    day: str


@dataclass(frozen=True)
class Inventory:
    """Everything in a keyring's folder; paths are relative to it."""

    sizes: Mapping[str, int]  # every key file
    unknown: tuple[str, ...]  # files and folders that no keyring makes
    damaged: tuple[str, ...]  # key files that cannot open
    epochs: frozenset[Epoch]  # whose epoch key is whole
    copies: tuple[tuple[str, Epoch], ...]  # each copy that has a key, and under which epoch
    tag_keys: frozenset[str]  # tenants whose tag key is whole


def take_inventory(directory: Path) -> Inventory:
    """List and look at every file below `directory`; the caller holds the keyring's lock."""
    sizes, unknown, found = {}, [], []
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        kind, match = _kind(path, name)
        if match is not None:
            sizes[name] = path.stat().st_size
            found.append((name, kind, match.groupdict()))
        elif kind != "folder" and not path.name.endswith(UNFINISHED):
            unknown.append(name)
    owners = {name.rpartition("/")[0] for name, kind, _ in found if kind == "copy"}
    unknown += [name for name, kind, _ in found if kind == "part" and name.rpartition("/")[0] not in owners]
    damaged = [name for name, kind, named in found if not _whole(directory / name, kind, named)]
    whole = [(kind, named) for name, kind, named in found if name not in damaged]
    return Inventory(
        sizes=sizes,
        unknown=tuple(sorted(unknown)),
        damaged=tuple(damaged),
        epochs=frozenset(_epoch(named) for kind, named in whole if kind == "epoch"),
        copies=tuple((named["copy"], _epoch(named)) for _, kind, named in found if kind == "copy"),
        tag_keys=frozenset(named["tenant"] for kind, named in whole if kind == "tag"),
    )


def _kind(path: Path, name: str) -> tuple[str, re.Match[str] | None]:
    if path.is_symlink():
        return "unknown", None
    if path.is_dir():
        return ("folder" if _FOLDER.fullmatch(name) else "unknown"), None
    for kind, pattern in _KINDS.items():
        match = pattern.fullmatch(name)
        if match:
            return kind, match
    return "unknown", None


def _epoch(named: Mapping[str, str]) -> Epoch:
    return Epoch(named["tenant"], named["retention"], named["day"])


def _whole(path: Path, kind: str, named: Mapping[str, str]) -> bool:
    """Whether the file has what its kind must have; nothing is opened."""
    if kind == "lock":
        return True
    try:
        body = parse_object(path.read_bytes(), what="key file")
        return body["v"] == 1 and (kind == "keyring" or _wrapped(body, path, {"kind": kind, **named}))
    except (UsageError, FileNotFoundError, KeyError, TypeError, AttributeError):
        return False


def _wrapped(body: Mapping[str, Any], path: Path, named: Mapping[str, str]) -> bool:
    wrapped, kind = body["wrapped"], named["kind"]
    if kind == "part":
        return body["part"] == named["part"] and _box(wrapped, "nonce", "box")
    if kind == "copy":
        epoch = parse_object((path.parent.parent / "epoch.key").read_bytes(), what="epoch key")
        own = body["copy"] == named["copy"] and body["epoch"] == epoch["id"]
        return own and set(wrapped) == {"data", "tags"} and all(_box(one, "nonce", "box") for one in wrapped.values())
    if kind == "epoch":
        return set(wrapped) == {"data", "tags"} and all(_boxes(wrapped[chain], chain) for chain in wrapped)
    return _boxes(wrapped, kind)


def _boxes(boxes: Mapping[str, Any], chain: str) -> bool:
    """Whether there is a box for a role that reads, and none for any other."""
    return bool(boxes) and set(boxes) <= _READERS[chain] and all(_box(one, *_LENGTHS) for one in boxes.values())


def _box(box: Mapping[str, str], *fields: str) -> bool:
    return set(box) == set(fields) and all(_length(box[name]) == _LENGTHS[name] for name in fields)


def _length(text: str) -> int:
    try:
        return len(b64decode(text, validate=True))
    except (Malformed, ValueError):
        return -1
