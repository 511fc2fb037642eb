"""The sequencer: moves event rows to the Merkle log, in order, once, whatever crashes in between.

A row is *pending* until it has its log index. For each batch: entries and tiles are written and forced to disk, then
the signed checkpoint is renamed into place, then the rows get their indices in one transaction.

Rule 1: the signed checkpoint is the truth. Tiles beyond it are nothing; rows that it covers and that have no index yet
        (a crash between the last two steps) are adopted, if each is byte for byte what the log says; else LogFault.
Rule 2: the log never shrinks: a database that knows more of the log than the checkpoint covers is a LogFault.
Rule 3: the right edge of the tree is recomputed and compared with the last checkpoint before anything is signed, so
        that a corrupt tile is never signed over.
Rule 4: one sequencer a log at a time (a lock file next to the checkpoint).
Only the worker's key signs (KeyFault in any other role, before anything is visible).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import ColumnElement, Table, bindparam, func, select, true, update

from readingroom.audit.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from readingroom.audit.logs import Log, LogHouse, events_of, every_log, tenant_log
from readingroom.audit.merkle import EMPTY_ROOT, tree_root
from readingroom.audit.tiles import (
    CHECKPOINT,
    LOCK,
    WIDTH,
    Tiles,
    discard_beyond,
    drop_partials,
    extend,
    read_bytes,
    replace_file,
)
from readingroom.audit.unit import unit_of_work
from readingroom.core.clock import Clock
from readingroom.core.errors import LogFault
from readingroom.core.ids import PlaceName, TenantName
from readingroom.core.steps import reached, register
from readingroom.db.engines import EVERY_TENANT, Database
from readingroom.keys.roles import Role, RoleKeys
from readingroom.stores.durable import locked

BATCH = 16 * WIDTH

TILES_WRITTEN = register("audit.tiles_written", "entries and tiles of a batch are on disk, the checkpoint is not")
CHECKPOINT_WRITTEN = register("audit.checkpoint_written", "the checkpoint is on disk, the rows have no index yet")
ROWS_INDEXED = register("audit.rows_indexed", "the rows of a batch have their index")


def sequence(db: Database, tenant: TenantName, log_dir: Path, *, origin: str, keys: RoleKeys, clock: Clock) -> int:
    """Write every pending event of `tenant` (or EVERY_TENANT) to its log; how many were written or adopted.

    Crash-safe and idempotent; makes the log if there is none. LogFault if log and database contradict each other.
    """
    log = Log(None, tenant, db, log_dir, origin)
    log_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(log_dir / LOCK):
        head = _head(log_dir, origin, keys)
        discard_beyond(log_dir, head.size)
        total = _adopt(log, head, clock)
        while rows := _pending(log):
            head = _append(log, head, rows=rows, keys=keys, clock=clock)
            total += len(rows)
    return total


def sequence_all(house: LogHouse) -> int:
    """sequence() for every log that this process holds; how many events were written. The worker's duty."""
    return sum(
        sequence(log.db, log.tenant, log.directory, origin=log.origin, keys=house.keys, clock=house.clock)
        for log in every_log(house)
    )


def create_log(log_dir: Path, origin: str, keys: RoleKeys) -> None:
    """Begin a log with a signed checkpoint of size 0, so that whoever begins to trust it can pin its first head.

    Idempotent. Only the worker's key signs: KeyFault in another role. `bootstrap.init` calls it for the room's log;
    `engagement.tenants.add_tenant` calls open_log for a new tenant's.
    """
    log_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(log_dir / LOCK):
        _head(log_dir, origin, keys)


def open_log(house: LogHouse, place: PlaceName, tenant: TenantName) -> bool:
    """Begin the log of a new tenant if this process holds the worker's key; whether it did.

    In another role the folder is made, which is how the worker's next pass (sequence_all) knows that there is a log
    to begin.
    """
    log = tenant_log(house, place, tenant=tenant)
    log.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if house.keys.role is not Role.WORKER:
        return False
    create_log(log.directory, log.origin, house.keys)
    return True


def read_head(log_dir: Path, origin: str, public: bytes) -> tuple[Checkpoint, str]:
    """The current checkpoint and its signed note; LogFault if there is none or it does not verify."""
    data = read_bytes(log_dir, CHECKPOINT)
    if data is None:
        raise LogFault("the log has no checkpoint")
    try:
        note = data.decode("utf-8")
    except UnicodeDecodeError:
        raise LogFault("the checkpoint is not a signed note") from None
    return open_checkpoint(note, origin=origin, public=public), note


def of_tenant(log: Log, table: Table) -> ColumnElement[bool]:
    """The condition that a row belongs to the log."""
    return true() if log.tenant == EVERY_TENANT else table.c.tenant == log.tenant


def event_identity(entry: bytes) -> str:
    """The id of the event that a log entry is; LogFault if it is none."""
    try:
        return str(json.loads(entry)["id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise LogFault("a log entry is not an event") from None


def _head(log_dir: Path, origin: str, keys: RoleKeys) -> Checkpoint:
    public = keys.public(Role.WORKER)
    if read_bytes(log_dir, CHECKPOINT) is None:
        if (log_dir / "tile").exists():
            raise LogFault(f"{origin}: the log has tiles and no checkpoint: it was lost or taken away")
        empty = Checkpoint(origin, 0, EMPTY_ROOT)
        replace_file(log_dir, CHECKPOINT, sign_checkpoint(empty, public=public, sign=keys.sign).encode())
        return empty
    head, _note = read_head(log_dir, origin, public)
    return head


def _adopt(log: Log, head: Checkpoint, clock: Clock) -> int:
    """Give an index to rows that the checkpoint covers already (rule 1); how many."""
    table = events_of(log.db)
    with log.db.read(log.tenant) as connection:
        known = connection.execute(select(func.max(table.c.log_index)).where(of_tenant(log, table))).scalar()
    start = 0 if known is None else known + 1
    if start > head.size:
        raise LogFault(f"{log.origin}: the database knows {start} entries, the checkpoint covers {head.size}")
    found: list[tuple[int, str]] = []
    for index, entry in enumerate(Tiles(log.directory, head.size).entries(start), start=start):
        identity = event_identity(entry)
        with log.db.read(log.tenant) as connection:
            query = select(table.c.leaf).where(table.c.id == identity, table.c.log_index.is_(None))
            leaf = connection.execute(query.where(of_tenant(log, table))).scalar()
        if leaf != entry:
            raise LogFault(f"{log.origin}: entry {index} is in the log and not in the database")
        found.append((index, identity))
    if found:
        _index_rows(log, found, clock)
    return len(found)


def _pending(log: Log) -> list[tuple[str, bytes]]:
    table = events_of(log.db)
    with log.db.read(log.tenant) as connection:
        query = select(table.c.id, table.c.leaf).where(table.c.log_index.is_(None), of_tenant(log, table))
        rows = connection.execute(query.order_by(table.c.number).limit(BATCH)).all()
    return [(identity, leaf) for identity, leaf in rows]


def _append(
    log: Log, head: Checkpoint, *, rows: Sequence[tuple[str, bytes]], keys: RoleKeys, clock: Clock
) -> Checkpoint:
    before = Tiles(log.directory, head.size)
    if tree_root(head.size, before.node) != head.root:  # rule 3
        raise LogFault(f"{log.origin}: the tiles do not have the root of the checkpoint")
    size = extend(log.directory, head.size, [leaf for _identity, leaf in rows])
    reached(TILES_WRITTEN)
    after = Checkpoint(log.origin, size, tree_root(size, Tiles(log.directory, size).node))
    note = sign_checkpoint(after, public=keys.public(Role.WORKER), sign=keys.sign)
    replace_file(log.directory, CHECKPOINT, note.encode())
    reached(CHECKPOINT_WRITTEN)
    _index_rows(log, [(head.size + at, identity) for at, (identity, _leaf) in enumerate(rows)], clock)
    reached(ROWS_INDEXED)
    drop_partials(log.directory, head.size, size)
    return after


def _index_rows(log: Log, found: Sequence[tuple[int, str]], clock: Clock) -> None:
    table = events_of(log.db)
    change = update(table).where(table.c.id == bindparam("row_id"), table.c.log_index.is_(None))
    values = [{"row_id": identity, "row_index": index} for index, identity in found]
    with unit_of_work(log.db, log.tenant, clock) as unit:
        unit.connection.execute(change.values(log_index=bindparam("row_index")), values)
