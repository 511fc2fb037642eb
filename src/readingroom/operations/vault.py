"""Files of a backup that only the room's worker key opens, and the list of them that it signed.

Rule 1: a database goes into a backup sealed: AES-256-GCM in chunks under a key made for that backup, wrapped to the
        role worker. The key that opens it is never in the backup, so whoever finds one can open nothing.
Rule 2: a chunk is bound to its backup, its file, its number and whether it is the last: none can be cut, moved or
        swapped.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from readingroom.core.canonical import canonical, parse_object
from readingroom.core.errors import KeyFault, StoreFault, UsageError
from readingroom.keys.roles import Role, RoleKeys
from readingroom.keys.signing import verify
from readingroom.keys.wrap import fresh_key, wrap_to

FORMAT: Final = "readingroom/backup/v1"
MANIFEST: Final = "backup.json"
_CHUNK: Final = 1 << 20
_TAG: Final = 16
_NONCE: Final = 12


@dataclass(frozen=True)
class Sealer:
    """The key of one backup, bound to the backup's id."""

    backup: str
    key: bytes

    @classmethod
    def fresh(cls, backup: str) -> Sealer:
        """A new key."""
        return cls(backup, fresh_key())

    @classmethod
    def opened(cls, backup: str, box: Any, keys: RoleKeys) -> Sealer:
        """The key in `box`, by the worker's key; KeyFault for whoever does not hold it."""
        return cls(backup, keys.unwrap(box, _context(backup)))

    def box(self, keys: RoleKeys) -> dict[str, str]:
        """The key, wrapped to the role worker."""
        return wrap_to(keys.publics[Role.WORKER].wrapping, self.key, _context(self.backup))

    def seal(self, source: Path, target: Path, *, name: str) -> None:
        """Write `source` to a new file `target`, sealed (rule 2)."""
        cipher = AESGCM(self.key)
        with source.open("rb") as read, _new(target) as write:
            number, chunk = 0, read.read(_CHUNK)
            while True:
                following = read.read(_CHUNK)
                bound = self._bound(name, number, last=not following)
                write.write(cipher.encrypt(_nonce(name, number), chunk, bound))
                if not following:
                    break
                number, chunk = number + 1, following
            write.flush()
            os.fsync(write.fileno())

    def unseal(self, source: Path, target: Path, *, name: str) -> None:
        """Write what `source` seals to a new file `target`; KeyFault unless all of it is as it was written."""
        cipher = AESGCM(self.key)
        try:
            with source.open("rb") as read, _new(target) as write:
                number, chunk = 0, read.read(_CHUNK + _TAG)
                while True:
                    following = read.read(_CHUNK + _TAG)
                    bound = self._bound(name, number, last=not following)
                    write.write(cipher.decrypt(_nonce(name, number), chunk, bound))
                    if not following:
                        break
                    number, chunk = number + 1, following
                write.flush()
                os.fsync(write.fileno())
        except (InvalidTag, ValueError):
            target.unlink(missing_ok=True)
            raise KeyFault(f"{name}: the backup is damaged, or of another room") from None

    def _bound(self, name: str, number: int, *, last: bool) -> bytes:
        return canonical({"backup": self.backup, "file": name, "chunk": number, "last": last})


def write_manifest(folder: Path, body: dict[str, Any], keys: RoleKeys) -> None:
    """Sign the list of a backup's files, and write it last: a folder without it is no backup."""
    signature = keys.sign(canonical(body)).hex()
    with _new(folder / MANIFEST) as file:
        file.write(canonical({"manifest": body, "signature": signature}))
        file.flush()
        os.fsync(file.fileno())


def read_manifest(folder: Path, public: bytes) -> dict[str, Any]:
    """The signed list; UsageError if this is no backup, KeyFault if another room's worker (or nobody) signed it."""
    try:
        body = parse_object((folder / MANIFEST).read_bytes(), what="the backup's list")
        manifest, signature = body["manifest"], bytes.fromhex(body["signature"])
    except (OSError, UsageError, KeyError, ValueError, TypeError):
        raise UsageError(f"{folder}: there is no whole backup here") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise UsageError(f"{folder}: the backup is of a format that is not known here")
    verify(public, canonical(manifest), signature)
    return manifest


def check_files(folder: Path, manifest: Mapping[str, Any]) -> None:
    """StoreFault unless every file of the list is there as it was written; nothing else of a backup is looked at."""
    for name, known in manifest["files"].items():
        if digest(folder / name) != known:
            raise StoreFault(f"{name}: the backup lacks it, or it is not what was written")


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hex; "" if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def files_below(folder: Path) -> Iterator[Path]:
    """Every file below `folder`, in order; none where there is no folder."""
    yield from sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _context(backup: str) -> dict[str, str]:
    return {"kind": "backup", "backup": backup}


def _nonce(name: str, number: int) -> bytes:
    # unique under a key: each file has one name, and a name's first eight bytes of hash leave four to count chunks
    return hashlib.sha256(name.encode()).digest()[: _NONCE - 4] + number.to_bytes(4, "big")


def _new(path: Path) -> Any:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
