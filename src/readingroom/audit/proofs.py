"""Proofs: what somebody who does not trust us needs to see that an event is in the log, or that the log only grew.

An inclusion proof is a `c2sp.org/tlog-proof@v1` text: the index, the path, the signed checkpoint, and as `extra` the
event itself, so that one file and the log's public key are enough. The extra data is believed only because it hashes
to the proven leaf.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from readingroom.audit.checkpoint import Checkpoint, decimal, decode, open_checkpoint
from readingroom.audit.logs import Log, LogHouse, events_of, room_log, tenant_log
from readingroom.audit.merkle import HASH_BYTES, check_consistency, check_inclusion, consistency_path, inclusion_path
from readingroom.audit.merkle import leaf_hash as hash_of
from readingroom.audit.sequencer import read_head
from readingroom.audit.tiles import WIDTH, Tiles
from readingroom.core.errors import LogFault, UnknownName, WrongState
from readingroom.core.ids import EventId, TenantName
from readingroom.db.engines import EVERY_TENANT
from readingroom.keys.roles import Role

HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True)
class Proven:
    """What a proof has shown: this entry is number `index` of the log with this head."""

    entry: bytes
    index: int
    head: Checkpoint


def inclusion_proof(log_dir: Path, index: int, *, size: int) -> list[bytes]:
    """The path from entry `index` to the root of `size` entries."""
    return inclusion_path(index, size, Tiles(log_dir, size).node)


def consistency_proof(log_dir: Path, old: int, *, size: int) -> list[bytes]:
    """The path that shows that the log of `size` begins with the log of `old`."""
    return consistency_path(old, size, Tiles(log_dir, size).node)


def write_proof(log_dir: Path, index: int, *, origin: str, public: bytes) -> str:
    """The tlog-proof text for entry `index` under the current checkpoint."""
    head, note = read_head(log_dir, origin, public)
    path = inclusion_proof(log_dir, index, size=head.size)
    entry = Tiles(log_dir, head.size).bundle(index // WIDTH)[index % WIDTH]
    lines = [HEADER, f"extra {_base64(entry)}", f"index {index}", *(_base64(step) for step in path)]
    return "\n".join(lines) + f"\n\n{note}"


def verify_proof(text: str, *, origin: str, public: bytes, leaf: bytes | None = None) -> Proven:
    """What the proof shows; LogFault unless it shows it. Needs the text and the log's key, and nothing of ours.

    `leaf` is the event whose inclusion is to be shown; without it, the one that the proof carries.
    """
    head_lines, separator, note = text.partition("\n\n")
    lines = head_lines.split("\n")
    if not separator or lines[0] != HEADER:
        raise LogFault(f"this is not a {HEADER}")
    lines = lines[1:]
    carried: bytes | None = None
    if lines and lines[0].startswith("extra "):
        carried = decode(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index "):
        raise LogFault("the proof has no index")
    index = decimal(lines[0].removeprefix("index "))
    path = [decode(line) for line in lines[1:]]
    if any(len(step) != HASH_BYTES for step in path):
        raise LogFault("the proof has a step that is not a SHA-256 hash")
    entry = carried if leaf is None else leaf
    if entry is None or (carried is not None and carried != entry):
        raise LogFault("the proof does not carry that event")
    head = open_checkpoint(note, origin=origin, public=public)
    check_inclusion(hash_of(entry), index, size=head.size, path=path, root=head.root)
    return Proven(entry, index, head)


def check_extends(log_dir: Path, older: str, *, origin: str, public: bytes) -> Checkpoint:
    """The current head, if the log still begins with the signed checkpoint `older`; LogFault otherwise.

    Whoever kept a checkpoint (a receipt quotes one) finds with it a log that was cut or rewritten, even where all its
    files were made consistent again.
    """
    before = open_checkpoint(older, origin=origin, public=public)
    head, _note = read_head(log_dir, origin, public)
    path = consistency_proof(log_dir, before.size, size=head.size)
    check_consistency(before.size, head.size, old_root=before.root, root=head.root, path=path)
    return head


def event_proof(house: LogHouse, event_id: str) -> str:
    """The tlog-proof text of one event, wherever it is logged.

    UnknownName if there is no such event in a database that this process holds; WrongState if the worker has not
    written it to its log yet.
    """
    log, index = _find(house, EventId(event_id))
    if index is None:
        raise WrongState("the event is not in its log yet: the worker writes it at its next pass")
    return write_proof(log.directory, index, origin=log.origin, public=house.keys.public(Role.WORKER))


def _find(house: LogHouse, event_id: EventId) -> tuple[Log, int | None]:
    databases = [(None, house.db), *((name, place.db) for name, place in sorted(house.places.items()))]
    for place, db in databases:
        table = events_of(db)
        with db.read(EVERY_TENANT) as connection:
            query = select(table.c.tenant, table.c.log_index).where(table.c.id == event_id)
            row = connection.execute(query).first()
        if row is not None:
            tenant, index = row
            log = room_log(house) if place is None else tenant_log(house, place, tenant=TenantName(tenant))
            return log, index
    raise UnknownName("no such event here")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
