"""A store in a folder of this machine: obstore, and what it does not do by itself.

obstore's local store never calls fsync and takes no lock (its calls traced on 0.12.1). So an object is staged, forced
to disk, then linked to its name, which either is free or not, and the folders are forced to disk: there is no instant
at which a power cut leaves a name with half an object. Deleting is unlinking: the bytes are ciphertext whose key is
destroyed first (rule 4 of the house), so overwriting them would add nothing.

    ROOT/.lock        held by whoever writes or deletes
    ROOT/.staging/    unfinished objects, gone with the next sweep
    ROOT/TENANT/…     objects
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import obstore
from obstore.store import LocalStore as _Folder
from typing_extensions import override

from readingroom.core.errors import StoreFault
from readingroom.stores.durable import drop_empty_folders, locked, make_folder, sync
from readingroom.stores.foreign import foreign, own_paths
from readingroom.stores.store import check_path, check_prefix

_STAGING = ".staging"
_LOCK = ".lock"


class LocalStore:
    """An ObjectStore in the folder `root`; load, never create."""

    def __init__(self, root: Path) -> None:
        if not (root / _STAGING).is_dir():
            raise StoreFault(f"{root}: there is no object store here")
        self.root = root.resolve()
        with foreign("open"):
            self._folder = _Folder(self.root)

    @classmethod
    def load(cls, root: Path) -> LocalStore:
        """The store in `root`; StoreFault if there is none."""
        return cls(root)

    @classmethod
    def create(cls, root: Path) -> LocalStore:
        """An empty store in `root`, readable by the owner alone; StoreFault if anything is there already."""
        with foreign("create"):
            if root.exists() and any(root.iterdir()):
                raise StoreFault(f"{root}: the folder is not empty; a store is never made over something")
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            root.chmod(0o700)
            make_folder(root / _STAGING, root=root)
            sync(root.parent)
        return cls(root)

    def put(self, path: str, data: bytes) -> None:
        """Create the object if there is none; it and every folder above it are on disk when this returns."""
        final = self.root / check_path(path)
        staged = f"{_STAGING}/{secrets.token_hex(16)}"
        with foreign("put"), locked(self.root / _LOCK):
            make_folder(final.parent, root=self.root)
            try:
                obstore.put(self._folder, staged, data, mode="create", use_multipart=False)
                sync(self.root / staged)
                obstore.rename(self._folder, staged, path, overwrite=False)
            finally:
                (self.root / staged).unlink(missing_ok=True)
            sync(final.parent)

    def get(self, path: str) -> bytes:
        """The object's bytes."""
        check_path(path)
        with foreign("get"):
            return bytes(obstore.get(self._folder, path).bytes())

    def delete(self, path: str) -> None:
        """Unlink the object and the folders it leaves empty; on disk when this returns."""
        final = self.root / check_path(path)
        with foreign("delete"), locked(self.root / _LOCK):
            with suppress(FileNotFoundError):  # a crash may have left the folder alone: go on and remove it
                obstore.delete(self._folder, path)
            drop_empty_folders(final.parent, root=self.root)

    def list(self, prefix: str) -> Iterator[str]:
        """Every object's path under `prefix`, sorted; a name that no `put` can have made is a StoreFault (P25)."""
        check_prefix(prefix)
        with foreign("list"):
            found = [str(meta["path"]) for chunk in obstore.list(self._folder, prefix or None) for meta in chunk]
        return own_paths(path for path in found if path != _LOCK and not path.startswith(f"{_STAGING}/"))

    def size(self, path: str) -> int:
        """The object's length in bytes."""
        check_path(path)
        with foreign("size"):
            return int(obstore.head(self._folder, path)["size"])

    def sweep(self) -> int:
        """Remove what a dead writer left: staged objects, obstore's own temporary files, empty folders."""
        removed = 0
        with foreign("sweep"), locked(self.root / _LOCK):
            for path in sorted(self.root.rglob("*"), reverse=True):  # children before their folder
                if path.is_file() and (path.parent.name == _STAGING or "#" in path.name):
                    path.unlink()
                    sync(path.parent)
                    removed += 1
                elif path.is_dir() and path.name != _STAGING and not any(path.iterdir()):
                    drop_empty_folders(path, root=self.root)
        return removed

    @override
    def __repr__(self) -> str:
        return f"LocalStore({str(self.root)!r})"
