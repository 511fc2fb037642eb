"""The log, given away: as OCSF lines for whoever watches, and as folders for whoever verifies without us.

Rule 1: what is exported is what the signed checkpoint covers, read from the tiles: never a row that is not logged yet.
Rule 2: an exported folder is the log itself, byte for byte, with its key beside it (verify/ reads it).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from readingroom.audit.checkpoint import verifier_key
from readingroom.audit.logs import Log, LogHouse, every_log
from readingroom.audit.ocsf import to_ocsf
from readingroom.audit.sequencer import read_head
from readingroom.audit.tiles import LOCK, Tiles
from readingroom.core.errors import StoreFault, UnknownName, UsageError
from readingroom.keys.roles import Role
from readingroom.stores.durable import UNFINISHED, locked

KEY_FILE: Final = "log.key"


@dataclass(frozen=True)
class Exported:
    """One log that was written out: its origin, where, and how many entries its checkpoint covers."""

    origin: str
    folder: str
    entries: int


def ocsf_lines(house: LogHouse, *, origin: str = "", start: int = 0) -> Iterator[dict[str, Any]]:
    """Every entry from number `start` of the log `origin` (of every log held by default), as OCSF events in order."""
    if start and not origin:
        raise UsageError("--start counts the entries of one log; name it with --log")
    for log in _chosen(house, origin):
        head, _note = read_head(log.directory, log.origin, house.keys.public(Role.WORKER))
        for index, entry in enumerate(Tiles(log.directory, head.size).entries(start), start=start):
            yield to_ocsf(entry, origin=log.origin, index=index)


def export_folders(house: LogHouse, target: Path, *, origin: str = "") -> list[Exported]:
    """Copy logs to folders below a new `target`, each with its verifier key; what was written."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target}: there is something already; an export never overwrites")
    done = []
    for log in _chosen(house, origin):
        folder = target / log.origin
        with locked(log.directory / LOCK):  # no sequencer moves a tile meanwhile
            head, _note = read_head(log.directory, log.origin, house.keys.public(Role.WORKER))
            try:
                shutil.copytree(log.directory, folder, ignore=shutil.ignore_patterns(LOCK, f".*{UNFINISHED}"))
                key = verifier_key(log.origin, house.keys.public(Role.WORKER))
                (folder / KEY_FILE).write_text(f"{key}\n", encoding="utf-8")
            except OSError as error:
                raise StoreFault(f"the export cannot be written: {type(error).__name__}") from None
        done.append(Exported(log.origin, str(folder), head.size))
    return done


def _chosen(house: LogHouse, origin: str) -> list[Log]:
    found = [log for log in every_log(house) if not origin or log.origin == origin]
    if not found:
        raise UnknownName("no log of that origin here; `readingroom audit verify` lists them")
    return found
