"""The keyring of one place: part keys under copy keys under epoch keys under the roles' own (rule 4 of the house).

    epoch key     one per (place, tenant, retention class, day)         wrapped to each recipient role
      copy key    one per copy and chain                                wrapped by the epoch's key of that chain
        part key  one per part, never used for two files                wrapped by the copy's key of its chain
    tag key       one per tenant                                        wrapped to copy and subjects
    pseudonym key one per tenant and day (the copy window)              wrapped to copy

Rule 1: two chains from top to bottom. `data` opens what reviewers see; `tags` opens tag indexes and link tables, and
never has `web` or `worker` among its recipients (P16, P18).
Rule 2: destroying the epoch, the copy's file or the part's file each makes the part unreadable for ever, to whoever
kept whatever private key (P15). Nothing is cached: a key is readable as long as its files are there.
Rule 3: every wrapped key is bound to its place, tenant, day, copy, part, chain and role: a swapped file does not open.
Rule 4: no message names more than a role, a kind of key, a copy or a part.

    DIR/keyring.json  DIR/.lock
    DIR/epochs/TENANT/RETENTION/DAY/epoch.key          DIR/tenants/TENANT/tags.key
    DIR/epochs/TENANT/RETENTION/DAY/COPY/copy.key      DIR/tenants/TENANT/DAY.pseudonym
    DIR/epochs/TENANT/RETENTION/DAY/COPY/PART.part
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

from readingroom.core.errors import KeyFault, UsageError
from readingroom.core.ids import CopyId, PartName, PlaceName, TenantName, check_name, new_id
from readingroom.keys.inventory import Inventory, take_inventory
from readingroom.keys.keyfiles import destroy_folder, foreign, read_key, unfinished, write_key
from readingroom.keys.roles import Role, RoleKeys
from readingroom.keys.wrap import Box, fresh_key, unwrap, wrap, wrap_to
from readingroom.stores.durable import drop_empty_folders, locked, make_folder, shred

READERS = frozenset({Role.COPY, Role.WEB, Role.SUBJECTS})
_TAG_READERS = frozenset({Role.COPY, Role.SUBJECTS})
_COPIERS = frozenset({Role.COPY})
_MAKERS = frozenset({Role.COPY, Role.SUBJECTS})  # an erasure writes parts anew, and nothing else
_DESTROYERS = frozenset({Role.COPY, Role.SUBJECTS, Role.WORKER})
_DATA_RETENTION = "data"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
_TAG_PART = re.compile(r"tags-.*|links[.-].*")
_OTHERS = 0o077


class Chain(StrEnum):
    """Which of a copy's two keys a part hangs on."""

    DATA = "data"
    TAGS = "tags"


def chain_of(part: PartName) -> Chain:
    """`tags` for a tag index or link table, by the part's name; `data` for everything else."""
    return Chain.TAGS if _TAG_PART.fullmatch(part) else Chain.DATA


class Keyring:
    """Keys by copy and part, for one process of one role.

    Durability: when a call returns, what it made or destroyed is so on disk. Atomicity: a key is there whole or not at
    all; making is create-if-absent; any number of threads and processes may use one keyring at once. Idempotence:
    destroying what is gone is no error. Errors: KeyFault when a key is missing, destroyed, corrupt, swapped or not for
    this role; UsageError for a name that cannot be one.
    """

    def __init__(self, directory: Path, place: PlaceName, keys: RoleKeys) -> None:
        self.directory = directory
        self.place = place
        self.role = keys.role
        self._keys = keys
        self._epochs = directory / "epochs"
        self._tenants = directory / "tenants"

    @classmethod
    def create(cls, directory: Path, place: PlaceName) -> None:
        """An empty keyring of `place`, readable by the owner alone; KeyFault if anything is there already."""
        with foreign("create"):
            if directory.exists() and any(directory.iterdir()):
                raise KeyFault("the folder is not empty; a keyring is never made over something")
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory.chmod(0o700)
            make_folder(directory / "epochs", root=directory)
            make_folder(directory / "tenants", root=directory)
            write_key(directory / "keyring.json", {"v": 1, "place": place}, root=directory)

    @classmethod
    def load(cls, directory: Path, place: PlaceName, role_keys: RoleKeys) -> Keyring:
        """The keyring of `place` for the role that `role_keys` belong to; KeyFault if it is not there or another's."""
        if read_key(directory / "keyring.json", what="keyring").get("place") != place:
            raise KeyFault("the keyring is another place's")
        if directory.stat().st_mode & _OTHERS:
            raise KeyFault("the keyring is open to others; set mode 0700")
        return cls(directory, place, role_keys)

    # epochs and copies

    def create_epoch(  # noqa: PLR0917 - a path, and who may walk it
        self, tenant: TenantName, retention: str, day: str, recipients: AbstractSet[Role] = READERS
    ) -> None:
        """Make the epoch's keys if they are not there; KeyFault if they are there for other recipients.

        An epoch that was destroyed and is made again has other keys: what it once opened stays shut.
        """
        if not recipients <= READERS:
            raise KeyFault("role worker opens no keys, so none is wrapped to it")
        with self._changing("create an epoch", _COPIERS):
            self._ensure_epoch(self._day(tenant, retention, day), frozenset(recipients))

    def create_copy(self, copy: CopyId, tenant: TenantName, retention: str, day: str) -> None:  # noqa: PLR0917 - a path
        """Make the copy's two keys, and the day's epoch if there is none; KeyFault if the copy has keys already."""
        check_name(copy, what="a copy's id")
        folder = self._day(tenant, retention, day)
        with self._changing("create a copy", _COPIERS):
            if self._find(copy):
                raise KeyFault(f"copy {copy} has keys already")
            self._ensure_epoch(folder, None)
            epoch = self._epoch(folder)
            boxes = {
                c.value: wrap(self._epoch_key(epoch, c), fresh_key(), self._of_copy(copy, epoch, c)) for c in Chain
            }
            body = {"v": 1, "copy": copy, "epoch": epoch["id"], "wrapped": boxes}
            write_key(folder / copy / "copy.key", body, root=self.directory)

    def copy_exists(self, copy: CopyId) -> bool:
        """Whether any key of the copy is still there."""
        return self._find(copy) is not None

    def list_copies(self) -> list[CopyId]:
        """Every copy that has keys, sorted."""
        return sorted(CopyId(path.parent.name) for path in self._epochs.glob("*/*/*/*/copy.key"))

    def destroy_copy(self, copy: CopyId) -> None:
        """Destroy every key of the copy, and the day's epoch with its last copy (P15).

        The epoch goes first, since that alone shuts everything; `copy.key` goes last, so that a crash in between is
        taken up by the next call.
        """
        with self._changing("destroy", _DESTROYERS):
            folder = self._find(copy)
            if folder is None:
                return
            if not [other for other in _copies_in(folder.parent) if other != folder]:
                self._destroy_epoch(folder.parent)
            destroy_folder(folder, last="copy.key", root=self._epochs)

    # parts

    def new_part_key(self, copy: CopyId, part: PartName) -> bytes:
        """A fresh key for one file, kept wrapped under the copy's key; KeyFault if the part has a key already."""
        with self._changing("create a part", _MAKERS):
            folder = self._home(copy)
            chain, key = chain_of(part), fresh_key()
            box = wrap(self._copy_key(folder, chain), key, self._of_part(copy, part))
            write_key(folder / _file(part), {"v": 1, "part": part, "wrapped": box}, root=self.directory)
            return key

    def part_key(self, copy: CopyId, part: PartName) -> bytes:
        """The part's key; KeyFault when it was destroyed, does not belong here, or is not for this role."""
        folder = self._home(copy)
        kek = self._copy_key(folder, chain_of(part))
        body = read_key(folder / _file(part), what="part key")
        return unwrap(kek, body.get("wrapped"), self._of_part(copy, part))

    def list_parts(self, copy: CopyId) -> list[PartName]:
        """Every part of the copy that has a key, sorted; empty when the copy has none."""
        folder = self._find(copy)
        found = folder.glob("*.part") if folder else iter(())
        return sorted(PartName(path.name.removesuffix(".part")) for path in found)

    def destroy_part(self, copy: CopyId, part: PartName) -> None:
        """Destroy one part's key."""
        with self._changing("destroy", _DESTROYERS):
            folder = self._find(copy)
            if folder is not None:
                shred(folder / _file(part))

    # tenants

    def create_tenant_keys(self, tenant: TenantName) -> None:
        """Make the tenant's tag key if there is none."""
        path = self._tenant(tenant) / "tags.key"
        with self._changing("create a tag key", _COPIERS):
            if not path.exists():
                write_key(path, self._to_roles({"kind": "tag", "tenant": tenant}, _TAG_READERS), root=self.directory)

    def tag_key(self, tenant: TenantName) -> bytes:
        """The key that turns this tenant's identifiers into subject tags; roles copy and subjects (P16)."""
        body = read_key(self._tenant(tenant) / "tags.key", what="tag key")
        return self._from_role(body, {"kind": "tag", "tenant": tenant})

    def pseudonym_key(self, tenant: TenantName, day: str) -> bytes:
        """The key of this tenant's pseudonyms in the copies of `day`; role copy only; made at the first asking.

        Ask after `create_copy`: it is destroyed with the day's last data copy, so that pseudonyms of two windows
        can be linked by nobody.
        """
        path = self._tenant(tenant) / f"{_check_day(day)}.pseudonym"
        context = {"kind": "pseudonym", "tenant": tenant, "day": day}
        if self.role is not Role.COPY:
            raise KeyFault(f"role {self.role} cannot open pseudonym keys")
        with self._changing("create a pseudonym key", frozenset({Role.COPY})):
            if not path.exists():
                write_key(path, self._to_roles(context, frozenset({Role.COPY})), root=self.directory)
        return self._from_role(read_key(path, what="pseudonym key"), context)

    def destroy_tenant_keys(self, tenant: TenantName) -> None:
        """Destroy the tenant's tag key and every pseudonym key; the caller knows that no copy needs them."""
        with self._changing("destroy", _DESTROYERS):
            destroy_folder(self._tenant(tenant), last="tags.key", root=self._tenants)

    def sweep(self) -> int:
        """Destroy what dead processes left: half-made files, epochs without a copy; how many. Never a live key."""
        removed = 0
        with self._changing("destroy", _DESTROYERS):
            for path in unfinished(self.directory):
                shred(path)
                removed += 1
            for day in list(self._epochs.glob("*/*/*")):
                for folder in [path for path in day.iterdir() if path.is_dir() and path not in _copies_in(day)]:
                    destroy_folder(folder, last="", root=self._epochs)
                if not _copies_in(day):
                    removed += (day / "epoch.key").exists()
                    self._destroy_epoch(day)
                    drop_empty_folders(day, root=self._epochs)
        return removed

    def inventory(self) -> Inventory:
        """What lies in the folder, whole, damaged or unknown, at one moment; no key is opened. Every role may ask."""
        with foreign("list"), locked(self.directory / ".lock"):
            return take_inventory(self.directory)

    # inside

    @contextmanager
    def _changing(self, act: str, allowed: frozenset[Role]) -> Iterator[None]:
        if self.role not in allowed:
            raise KeyFault(f"role {self.role} may not {act}")
        with foreign(act), locked(self.directory / ".lock"):
            yield

    def _day(self, tenant: TenantName, retention: str, day: str) -> Path:
        check_name(tenant, what="a tenant's name")
        check_name(retention, what="a retention class")
        return self._epochs / tenant / retention / _check_day(day)

    def _tenant(self, tenant: TenantName) -> Path:
        return self._tenants / check_name(tenant, what="a tenant's name")

    def _find(self, copy: CopyId) -> Path | None:
        check_name(copy, what="a copy's id")
        return next((path.parent for path in self._epochs.glob(f"*/*/*/{copy}/copy.key")), None)

    def _home(self, copy: CopyId) -> Path:
        folder = self._find(copy)
        if folder is None:
            raise KeyFault(f"copy {copy} has no keys: they were destroyed, or never made")
        return folder

    def _ensure_epoch(self, folder: Path, recipients: frozenset[Role] | None) -> None:
        path = folder / "epoch.key"
        if path.exists():
            found = frozenset(self._epoch(folder)["wrapped"][Chain.DATA])
            if recipients is not None and found != recipients:
                raise KeyFault("the epoch's keys are there already, for other roles")
            return
        roles = recipients if recipients is not None else READERS
        identity = new_id("epoch")
        wrapped = {}
        for chain, readers in ((Chain.DATA, roles), (Chain.TAGS, roles & _TAG_READERS)):
            wrapped[chain.value] = self._boxes(self._of_epoch(folder, identity, chain), fresh_key(), readers)
        write_key(path, {"v": 1, "id": identity, "wrapped": wrapped}, root=self.directory)

    def _epoch(self, folder: Path) -> Mapping[str, Any]:
        body = dict(read_key(folder / "epoch.key", what="epoch key"))
        wrapped, identity = body.get("wrapped"), body.get("id")
        if not isinstance(identity, str) or not isinstance(wrapped, dict) or set(wrapped) != set(Chain):
            raise KeyFault("the epoch key is corrupt")
        if not all(isinstance(boxes, dict) for boxes in wrapped.values()):
            raise KeyFault("the epoch key is corrupt")
        return body | {"folder": folder}

    def _epoch_key(self, epoch: Mapping[str, Any], chain: Chain) -> bytes:
        box = epoch["wrapped"][chain].get(self.role.value)
        if box is None:
            raise KeyFault(f"role {self.role} cannot open {chain.value.removesuffix('s')} keys")
        context = self._of_epoch(epoch["folder"], epoch["id"], chain) | {"role": self.role.value}
        return self._keys.unwrap(box, context)

    def _copy_key(self, folder: Path, chain: Chain) -> bytes:
        epoch = self._epoch(folder.parent)
        kek = self._epoch_key(epoch, chain)
        wrapped = read_key(folder / "copy.key", what="copy key").get("wrapped")
        box = wrapped.get(chain.value) if isinstance(wrapped, dict) else None
        return unwrap(kek, box, self._of_copy(CopyId(folder.name), epoch, chain))

    def _destroy_epoch(self, day: Path) -> None:
        shred(day / "epoch.key")
        if day.parent.name == _DATA_RETENTION:
            shred(self._tenants / day.parent.parent.name / f"{day.name}.pseudonym")

    def _of_epoch(self, folder: Path, identity: str, chain: Chain) -> dict[str, str]:
        tenant, retention, day = folder.parts[-3:]
        where = {"place": self.place, "tenant": tenant, "retention": retention, "day": day}
        return where | {"kind": "epoch", "epoch": identity, "chain": chain.value}

    def _of_copy(self, copy: CopyId, epoch: Mapping[str, Any], chain: Chain) -> dict[str, str]:
        return {"kind": "copy", "place": self.place, "copy": copy, "epoch": epoch["id"], "chain": chain.value}

    def _of_part(self, copy: CopyId, part: PartName) -> dict[str, str]:
        return {"kind": "part", "place": self.place, "copy": copy, "part": part}

    def _boxes(self, context: dict[str, str], secret: bytes, readers: frozenset[Role]) -> dict[str, Box]:
        publics = self._keys.publics
        return {r.value: wrap_to(publics[r].wrapping, secret, context | {"role": r.value}) for r in sorted(readers)}

    def _to_roles(self, context: dict[str, str], readers: frozenset[Role]) -> dict[str, Any]:
        return {"v": 1, "wrapped": self._boxes(context | {"place": self.place}, fresh_key(), readers)}

    def _from_role(self, body: Mapping[str, Any], context: dict[str, str]) -> bytes:
        wrapped = body.get("wrapped")
        if not isinstance(wrapped, dict):
            raise KeyFault(f"the {context['kind']} key is corrupt")
        if self.role.value not in wrapped:
            raise KeyFault(f"role {self.role} cannot open {context['kind']} keys")
        bound = context | {"place": self.place, "role": self.role.value}
        return self._keys.unwrap(wrapped[self.role.value], bound)


def _copies_in(day: Path) -> list[Path]:
    return [path.parent for path in day.glob("*/copy.key")]


def _check_day(day: str) -> str:
    if not _DAY.fullmatch(day):
        raise UsageError("a day is written like 2026-11-23")
    return day


def _file(part: PartName) -> str:
    if not _PART.fullmatch(part):
        raise UsageError("a part's name has letters, digits, dots, hyphens and underscores only")
    return f"{part}.part"
