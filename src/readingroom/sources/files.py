"""Files that are read in passes: found, pinned at the first pass, and checked before and after each later one.

Rule 1: raw data never rests: bytes go from the file to memory; a .gz is unpacked as a stream, never to disk.
Rule 2: a pass over a file that is not byte for byte what was pinned ends in `source_changed`.
Rule 3: nothing outside the folder that the customer connected is opened: no link, no `..`, regular files only.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from typing_extensions import Buffer, override

from readingroom.core.errors import Position
from readingroom.sources.model import BadData


@dataclass(frozen=True)
class SourceFile:
    """A file of a source: where it is, and what it is called in findings."""

    path: Path
    label: str
    table: str = ""

    def at(self, row: int | None = None, column: str = "") -> Position:
        """A position in this file."""
        return Position(self.label, self.table, row, column)


@dataclass(frozen=True)
class Pin:
    """What a file was when it was scanned: size, ETag (mtime, inode) and SHA-256 of its bytes on disk."""

    size: int
    etag: str
    sha256: str


class _Hashing(io.RawIOBase):
    """A raw stream that hashes what passes."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self.digest = hashlib.sha256()

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self._raw.read(len(view))
        self.digest.update(data)
        view[: len(data)] = data
        return len(data)


class Reading:
    """One pass over one file: `read` gives plain bytes, `pin` what the file was once all of it was read."""

    def __init__(self, raw: BinaryIO, file: SourceFile) -> None:
        self._hashing = _Hashing(raw)
        self._descriptor = raw.fileno()
        self._before = etag_of(os.fstat(self._descriptor))
        self._file = file
        packed = file.path.name.endswith(".gz")
        # BufferedReader: GzipFile asks for small pieces
        self._plain = gzip.GzipFile(fileobj=io.BufferedReader(self._hashing, 1 << 18), mode="rb") if packed else None

    def read_into(self, view: memoryview) -> int:
        """Fill the front of `view` with the next plain bytes; 0 at the end of the file."""
        try:
            return self._plain.readinto(view) if self._plain is not None else self._hashing.readinto(view)
        except (OSError, EOFError, zlib.error):
            raise BadData("file_unreadable", self._file.at()) from None

    def pin(self) -> Pin:
        """The pin of the file, which has been read to its end; a file that changed meanwhile is a fault."""
        after = os.fstat(self._descriptor)
        if etag_of(after) != self._before:
            raise BadData("source_changed", self._file.at())
        return Pin(after.st_size, self._before, self._hashing.digest.hexdigest())


@contextmanager
def reading(file: SourceFile, pin: Pin | None = None) -> Iterator[Reading]:
    """Open `file` for one pass; with a `pin`, only if the file is still the one that was pinned."""
    try:
        raw = file.path.open("rb", buffering=0)
    except OSError:
        raise BadData("source_changed" if pin else "file_unreadable", file.at()) from None
    with raw:
        found = os.fstat(raw.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise BadData("file_unreadable", file.at())
        if pin is not None and (etag_of(found), found.st_size) != (pin.etag, pin.size):
            raise BadData("source_changed", file.at())
        yield Reading(raw, file)


@contextmanager
def seekable(file: SourceFile, pin: Pin | None = None) -> Iterator[tuple[BinaryIO, Pin]]:
    """Open `file` to be read at any place, after one pass over all its bytes that pins it, or checks the `pin`."""
    try:
        raw = file.path.open("rb", buffering=0)
    except OSError:
        raise BadData("source_changed" if pin else "partition_missing", file.at()) from None
    with raw:
        before = os.fstat(raw.fileno())
        if not stat.S_ISREG(before.st_mode):
            raise BadData("file_unreadable", file.at())
        if pin is not None and (etag_of(before), before.st_size) != (pin.etag, pin.size):
            raise BadData("source_changed", file.at())
        try:
            found = Pin(before.st_size, etag_of(before), hashlib.file_digest(raw, "sha256").hexdigest())
            raw.seek(0)
        except OSError:
            raise BadData("file_unreadable", file.at()) from None
        if pin is not None:
            check_pin(file, pin, found)
        yield raw, found
        if etag_of(os.fstat(raw.fileno())) != found.etag:
            raise BadData("source_changed", file.at())


def check_pin(file: SourceFile, pin: Pin, now: Pin) -> None:
    """Raise `source_changed` unless `now`, of a pass just ended, is the `pin` of the scan."""
    if now != pin:
        raise BadData("source_changed", file.at())


def inside(root: Path, path: Path) -> bool:
    """Whether `path`, with every link followed, lies under `root` (rule 3)."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, ValueError):
        return False


def listing(folder: Path, endings: tuple[str, ...]) -> tuple[Path, ...]:
    """The regular files right in `folder` whose names end so, in order of name; links are left out (rule 3)."""
    try:
        found = [one for one in folder.iterdir() if one.name.endswith(endings)]
        return tuple(sorted(one for one in found if one.is_file() and not one.is_symlink()))
    except OSError:
        raise BadData("file_unreadable", Position(folder.name)) from None


def folders(folder: Path) -> tuple[Path, ...]:
    """The folders right in `folder`, in order of name; links are left out (rule 3)."""
    try:
        return tuple(sorted(one for one in folder.iterdir() if one.is_dir() and not one.is_symlink()))
    except OSError:
        raise BadData("file_unreadable", Position(folder.name)) from None


def whole(file: SourceFile, most: int) -> tuple[bytes, Pin]:
    """All plain bytes of a small file of at most `most` bytes, and its pin."""
    with reading(file) as source:
        data = bytearray()
        piece = memoryview(bytearray(1 << 18))
        while count := source.read_into(piece):
            data += piece[:count]
            if len(data) > most:
                raise BadData("file_unreadable", file.at())
        return bytes(data), source.pin()


def etag_of(found: os.stat_result) -> str:
    """What changes when a file does: size, time of change, inode."""
    return f"{found.st_size}-{found.st_mtime_ns}-{found.st_ino}"
