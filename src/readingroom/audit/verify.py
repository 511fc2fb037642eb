"""Verification: recompute what the log claims from its files and its public key, then compare it with the database.

Rule 1: every byte of every file that the checkpoint covers takes part: entries are hashed to leaves, leaves to tiles,
        tiles to the root, the root is signed; older partial tiles must be the beginning of what replaced them.
Rule 2: a file of the log's folder that no log would have is a fault. What lies beyond the checkpoint is an unfinished
        write and proves nothing: it is passed over.
Rule 3: an event row that has an index is the entry of that index, byte for byte; no index is left out; an entry
        without its row is a fault (a row was deleted). The columns that we search by say what the leaf says.

What this cannot find: an event that was deleted before the sequencer wrote it, and a log that was cut or rewritten
together with its database and signed anew by the worker's own key. Against the second, whoever has an older
checkpoint (every receipt quotes one) calls proofs.check_extends.
"""

from __future__ import annotations

import json
import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import RowMapping, func, select

from readingroom.audit.checkpoint import Checkpoint, verifier_key
from readingroom.audit.logs import Log, LogHouse, events_of, every_log
from readingroom.audit.merkle import leaf_hash, root_of, tree_root
from readingroom.audit.sequencer import event_identity, of_tenant, read_head
from readingroom.audit.tiles import CHECKPOINT, ENTRIES, LOCK, WIDTH, Tiles, pack, read_bytes, shape, tile_path
from readingroom.core.clock import format_instant
from readingroom.core.errors import LogFault
from readingroom.core.ids import PlaceName, TenantName
from readingroom.keys.roles import Role
from readingroom.stores.durable import UNFINISHED

_TILE = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True)
class Verified:
    """A log that verifies: its size and root."""

    size: int
    root: bytes


@dataclass(frozen=True)
class LogResult:
    """What verify_all found of one log; `problem` is None if it verifies and agrees with the database."""

    place: PlaceName | None  # None: the room's own log
    tenant: TenantName
    origin: str
    size: int
    root: str  # hex
    pending: int  # events that the sequencer has not written yet
    problem: str | None
    key: str  # the log's verifier key, for whoever verifies it elsewhere

    def public(self) -> dict[str, Any]:
        """What a page or `--json` shows of it."""
        shown: dict[str, Any] = {
            "origin": self.origin,
            "place": self.place,
            "tenant": "" if self.place is None else self.tenant,
        }
        shown |= {"size": self.size, "root": self.root, "pending": self.pending, "key": self.key}
        return shown | {"valid": self.problem is None, "problem": self.problem}


def verify_log(log_dir: Path, origin: str, public: bytes) -> Verified:
    """Recompute the log from its entries; LogFault with the first thing that is wrong. Needs no database."""
    head, _note = read_head(log_dir, origin, public)
    _check_head(log_dir, head)
    return Verified(head.size, head.root)


def verify_all(house: LogHouse) -> list[LogResult]:
    """Verify every log that this process holds, and that each agrees with its database (rule 3)."""
    return [verify_one(log, house.keys.public(Role.WORKER)) for log in every_log(house)]


def verify_one(log: Log, public: bytes) -> LogResult:
    """Verify one log, and that it agrees with its database; a problem is told, not raised."""
    table = events_of(log.db)
    with log.db.read(log.tenant) as connection:  # before the checkpoint, which may grow meanwhile
        mine = of_tenant(log, table)
        rows, known, last = connection.execute(
            select(func.count(), func.count(table.c.log_index), func.max(table.c.log_index)).where(mine)
        ).one()
    size, root, key = 0, "", verifier_key(log.origin, public)
    problem: str | None = None
    try:
        if not known and read_bytes(log.directory, CHECKPOINT) is None and not (log.directory / "tile").exists():
            return LogResult(
                log.place, log.tenant, log.origin, 0, "", rows, None, key
            )  # not begun: the worker's next pass
        head, _note = read_head(log.directory, log.origin, public)
        size, root = head.size, head.root.hex()
        _check_head(log.directory, head)
        _check_rows(log, head, known=known, last=last)
    except LogFault as fault:
        problem = str(fault)
    return LogResult(log.place, log.tenant, log.origin, size, root, rows - known, problem, key)


def _check_head(log_dir: Path, head: Checkpoint) -> None:
    tiles = Tiles(log_dir, head.size)
    rows: list[list[bytes]] = [[] for _ in shape(head.size)]
    counts = [0] * len(rows)

    def close(level: int) -> None:
        """Compare a row that is full, or the last of its level, with its tile."""
        if tiles.tile(level, counts[level]) != b"".join(rows[level]):
            raise LogFault(f"{tile_path(level, counts[level])} does not fit what it stands for")
        if len(rows[level]) == WIDTH:
            rows[level + 1].append(root_of(rows[level]))
            rows[level].clear()
            counts[level] += 1
            if len(rows[level + 1]) == WIDTH:
                close(level + 1)

    for index in range(-(-head.size // WIDTH)):
        rows[0] = [leaf_hash(entry) for entry in tiles.bundle(index)]
        if len(rows[0]) == WIDTH:
            close(0)
    for level in range(len(rows)):
        if rows[level]:
            close(level)
    if tree_root(head.size, tiles.node) != head.root:
        raise LogFault("the tiles do not have the root of the checkpoint")
    _check_files(log_dir, tiles)


def _check_files(log_dir: Path, tiles: Tiles) -> None:
    for path in sorted(log_dir.rglob("*")):
        name = path.relative_to(log_dir).as_posix()
        if path.is_dir() or name in {CHECKPOINT, LOCK} or (name.startswith(".") and name.endswith(UNFINISHED)):
            continue
        found = _TILE.fullmatch(name)
        if not found:
            raise LogFault("the log's folder holds a file that no log has")  # not named: it may be called anything
        index = int(found[2].replace("/", "").replace("x", ""))
        _check_file(log_dir, name, tiles, level=found[1], index=index, width=int(found[3] or WIDTH))


def _check_file(log_dir: Path, name: str, tiles: Tiles, *, level: str, index: int, width: int) -> None:
    number = 0 if level == ENTRIES else int(level)
    if name != tile_path(level, index, width):
        raise LogFault(f"{name} is not how a tile is named")
    if index * WIDTH + width > tiles.size >> (8 * number):
        return  # beyond the checkpoint (rule 2)
    data = read_bytes(log_dir, name)
    true = pack(tiles.bundle(index)[:width]) if level == ENTRIES else tiles.tile(number, index)[: 32 * width]
    if data is not None and data != true:
        raise LogFault(f"{name} is not the beginning of what replaced it")


def _check_rows(log: Log, head: Checkpoint, *, known: int, last: int | None) -> None:
    table = events_of(log.db)
    if known != (0 if last is None else last + 1):
        raise LogFault("the database leaves out an entry, or has one twice")
    if known > head.size:
        raise LogFault("the database knows more entries than the checkpoint covers")
    entries = Tiles(log.directory, head.size).entries()
    with log.db.read(log.tenant) as connection:
        query = select(table).where(of_tenant(log, table), table.c.log_index < known).order_by(table.c.log_index)
        with closing(connection.execution_options(yield_per=1000).execute(query)) as rows:
            for number, row in enumerate(rows.mappings()):
                if row["log_index"] != number or row["leaf"] != next(entries) or not _says_its_leaf(row):
                    raise LogFault(f"event row {number} is not entry {number} of the log")
    for number, entry in enumerate(entries, start=known):  # signed, but a crash kept the rows from their index
        with log.db.read(log.tenant) as connection:
            found = select(table.c.leaf).where(table.c.id == event_identity(entry), of_tenant(log, table))
            if connection.execute(found).scalar() != entry:
                raise LogFault(f"entry {number} is in the log and not in the database")


def _says_its_leaf(row: RowMapping) -> bool:
    """Whether the columns that we search by say what the leaf says."""
    try:
        leaf = json.loads(row["leaf"])
        said = (leaf["id"], leaf["tenant"], leaf["name"], leaf["at"], leaf.get("copy", ""))
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    return said == (row["id"], row["tenant"], row["name"], format_instant(row["at"]), row["copy"])
