"""Files that survive a power cut: sync, one writer at a time, create-if-absent. Stores and keyrings stand on it."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

UNFINISHED = ".new"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path` alone, among all threads and processes of this machine.

    A file description of its own for each holder, so that `flock` parts threads as well; the kernel gives the lock
    back when the holder dies, so there is no stale lock.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sync(path: Path) -> None:
    """Force a file's bytes, or a folder's entries, to disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path, *, root: Path) -> None:
    """Make `path` below `root`, readable by the owner alone, each new entry on disk when this returns."""
    missing = [folder for folder in (path, *path.parents) if folder.is_relative_to(root) and not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
        sync(folder.parent)


def drop_empty_folders(path: Path, *, root: Path) -> None:
    """Remove `path` and the folders above it, below `root`, as long as they are empty; on disk when this returns."""
    folder = path
    while folder != root and folder.is_relative_to(root) and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
    if folder.is_dir():
        sync(folder)


def create_file(path: Path, data: bytes) -> None:
    """Write a file of mode 0600 that must not exist: whole and on disk when this returns, FileExistsError otherwise.

    It is written under another name first and then linked, so that nobody ever sees half of it.
    """
    fresh = path.with_name(f"{secrets.token_hex(8)}{UNFINISHED}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    sync(path.parent)


def shred(path: Path) -> None:
    """Overwrite a file with random bytes and unlink it, each step on disk before the next; no file is no error.

    On flash or a copy-on-write file system old blocks may outlive the overwriting until they are reused; what it
    gives for certain is that no name, backup taken later, or open handle leads to the content. A full disk, where a
    copy-on-write file system has no room to overwrite, saves no key: its name goes all the same.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        length = os.fstat(file.fileno()).st_size
        with suppress(OSError):
            os.pwrite(file.fileno(), secrets.token_bytes(length), 0)
            os.fsync(file.fileno())
    path.unlink(missing_ok=True)
    sync(path.parent)
