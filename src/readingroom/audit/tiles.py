"""Tiles: how the log lies in its folder (C2SP tlog-tiles), to be served as it is.

    checkpoint                         the signed head
    tile/<level>/<index>[.p/<width>]   up to 256 hashes; level 0 are leaves, level n+1 the roots of full tiles of n
    tile/entries/<index>[.p/<width>]   up to 256 entries, each after its length (uint16, big-endian)

Rule 1: a file is written whole under another name, forced to disk, and renamed; nobody sees half of one.
Rule 2: what lies beyond the checkpoint is nothing yet: an unfinished write may have left it, and the next replaces it.
Rule 3: no operation reads more than a tile a level: memory does not grow with the log.
"""

from __future__ import annotations

import os
import secrets
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from readingroom.audit.merkle import HASH_BYTES, leaf_hash, root_of
from readingroom.core.errors import LogFault
from readingroom.stores.durable import UNFINISHED, make_folder, sync

WIDTH = 256
_BITS = 8
_CACHED = 64
_LEVELS = 8  # 256**8 entries are enough
ENTRIES = "entries"
CHECKPOINT = "checkpoint"
LOCK = ".lock"


def tile_path(level: int | str, index: int, width: int = WIDTH) -> str:
    """The path of a tile, or of an entry bundle (level `entries`), relative to the log's folder."""
    parts = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        parts.insert(0, f"x{index % 1000:03d}")
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(parts)}{partial}"


def shape(size: int) -> Iterator[tuple[int, int, int]]:
    """(level, number of full tiles, width of the partial one or 0) of a tree of `size`, from the leaves up."""
    level, count = 0, size
    while count:
        yield level, count // WIDTH, count % WIDTH
        level, count = level + 1, count // WIDTH


def pack(entries: Sequence[bytes]) -> bytes:
    """An entry bundle."""
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def unpack(bundle: bytes) -> list[bytes]:
    """The entries of a bundle; LogFault if it does not end with an entry."""
    entries, at = [], 0
    while at < len(bundle):
        if at + 2 > len(bundle):
            raise LogFault("an entry bundle breaks off")
        (length,) = struct.unpack_from(">H", bundle, at)
        entry = bundle[at + 2 : at + 2 + length]
        if len(entry) != length:
            raise LogFault("an entry bundle breaks off")
        entries.append(entry)
        at += 2 + length
    return entries


def read_bytes(directory: Path, path: str) -> bytes | None:
    """The bytes of a file of the log, None if it is not there; LogFault if it cannot be read."""
    try:
        return (directory / path).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LogFault(f"{path}: {type(error).__name__}") from None


def replace_file(directory: Path, path: str, data: bytes) -> None:
    """Write a file of the log, whole and on disk when this returns (rule 1)."""
    target = directory / path
    try:
        make_folder(target.parent, root=directory)
        fresh = directory / f".{secrets.token_hex(8)}{UNFINISHED}"
        with fresh.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)
        sync(target.parent)
    except OSError as error:
        raise LogFault(f"{path} cannot be written: {type(error).__name__}") from None


class Tiles:
    """The hashes and entries of a log at one size, read as they are needed."""

    def __init__(self, directory: Path, size: int) -> None:
        self.directory = directory
        self.size = size
        self._cache: dict[tuple[int, int], bytes] = {}

    def node(self, level: int, index: int) -> bytes:
        """The root of the perfect subtree of 2**level leaves, number `index` (merkle.Node)."""
        tier, inner = divmod(level, _BITS)
        first = index << inner
        tile = self.tile(tier, first // WIDTH)
        start = first % WIDTH * HASH_BYTES
        hashes = tile[start : start + (HASH_BYTES << inner)]
        if len(hashes) != HASH_BYTES << inner:
            raise LogFault(f"{tile_path(tier, first // WIDTH)} is too short")
        return root_of([hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)])

    def tile(self, level: int, index: int) -> bytes:
        """The hashes of one tile, as many as the tree of this size has there."""
        if (level, index) not in self._cache:
            width = self._width(level, index)
            data = read_bytes(self.directory, tile_path(level, index, width))
            if data is None and width < WIDTH:  # a larger tree may have filled it since
                data = (read_bytes(self.directory, tile_path(level, index)) or b"")[: width * HASH_BYTES]
            if data is None or len(data) != width * HASH_BYTES:
                raise LogFault(f"{tile_path(level, index, width)} is missing or of a wrong length")
            while len(self._cache) >= _CACHED:
                self._cache.pop(next(iter(self._cache)))
            self._cache[level, index] = data
        return self._cache[level, index]

    def bundle(self, index: int) -> list[bytes]:
        """The entries of one bundle, as many as the tree of this size has there."""
        width = self._width(0, index)
        data = read_bytes(self.directory, tile_path(ENTRIES, index, width))
        if data is None and width < WIDTH:
            data = read_bytes(self.directory, tile_path(ENTRIES, index))
            entries = unpack(data or b"")[:width]
        else:
            entries = unpack(data or b"")
        if len(entries) != width:
            raise LogFault(f"{tile_path(ENTRIES, index, width)} is missing or of a wrong length")
        return entries

    def entries(self, start: int = 0) -> Iterator[bytes]:
        """Every entry from number `start`, in order."""
        for index in range(start // WIDTH, -(-self.size // WIDTH)):
            skip = max(0, start - index * WIDTH)
            yield from self.bundle(index)[skip:]

    def _width(self, level: int, index: int) -> int:
        width = min(WIDTH, (self.size >> (_BITS * level)) - index * WIDTH)
        if width <= 0:
            raise LogFault(f"a log of size {self.size} has no tile {level}/{index}")
        return width


def extend(directory: Path, size: int, entries: Sequence[bytes]) -> int:
    """Append `entries` to a log of `size`; the new size. On disk when this returns, and nothing until a checkpoint.

    The tiles at the right edge must have been checked against the checkpoint before (sequencer); the open bundle is
    checked against its tile here.
    """
    tiles = Tiles(directory, size)
    bundle = tiles.bundle(size // WIDTH) if size % WIDTH else []
    if bundle and b"".join(map(leaf_hash, bundle)) != tiles.tile(0, size // WIDTH):
        raise LogFault(f"{tile_path(ENTRIES, size // WIDTH, len(bundle))} does not fit its tile")
    hashes = [leaf_hash(entry) for entry in entries]
    whole = [*bundle, *entries]
    for index, at in enumerate(range(0, len(whole), WIDTH), start=size // WIDTH):
        part = whole[at : at + WIDTH]
        replace_file(directory, tile_path(ENTRIES, index, len(part)), pack(part))
    level, count = 0, size
    while hashes:
        index, width = divmod(count, WIDTH)
        tip = tiles.tile(level, index) if width else b""
        row = [tip[at : at + HASH_BYTES] for at in range(0, len(tip), HASH_BYTES)] + hashes
        hashes = []
        for number, at in enumerate(range(0, len(row), WIDTH), start=index):
            part = row[at : at + WIDTH]
            replace_file(directory, tile_path(level, number, len(part)), b"".join(part))
            if len(part) == WIDTH:
                hashes.append(root_of(part))
        level, count = level + 1, index
    return size + len(entries)


def discard_beyond(directory: Path, size: int) -> None:
    """Remove what an unfinished write left beyond `size` (rule 2), and half-written files; idempotent."""
    for fresh in directory.glob(f".*{UNFINISHED}"):
        fresh.unlink(missing_ok=True)
    shapes = {level: (full, width) for level, full, width in shape(size)}
    for name in (ENTRIES, *(str(level) for level in range(_LEVELS))):
        if not (directory / "tile" / name).is_dir():
            continue
        level = 0 if name == ENTRIES else int(name)
        full, width = shapes.get(level, (0, 0))
        _discard(name, directory, full=full, width=width)


def drop_partials(directory: Path, old: int, new: int) -> None:
    """Remove partial tiles between two sizes whose full tile is there now; the specification allows it."""
    for level, full, _width in shape(new):
        before = (old >> (_BITS * level)) // WIDTH
        for index in range(before, full):
            for kind in (level, ENTRIES) if level == 0 else (level,):
                folder = (directory / tile_path(kind, index, 1)).parent
                for stale in folder.glob("*"):
                    stale.unlink(missing_ok=True)
                if folder.is_dir():
                    folder.rmdir()


def _discard(level: str, directory: Path, *, full: int, width: int) -> None:
    index = full
    while True:
        found = False
        whole = directory / tile_path(level, index)
        if whole.exists():
            whole.unlink()
            found = True
        for partial in whole.with_name(f"{whole.name}.p").glob("*"):
            found = True
            if index > full or not partial.name.isdecimal() or int(partial.name) > width:
                partial.unlink()
        if not found and index > full:
            return
        index += 1
