"""Checkpoints that were kept outside the room, against the logs that it has now.

Rule 1: whoever kept a checkpoint finds with it a log that was cut or rewritten, also by the holder of its key.
"""

from __future__ import annotations

from collections.abc import Iterable

from readingroom.audit.logs import every_log
from readingroom.audit.proofs import check_extends
from readingroom.core.errors import LogFault, UnknownName
from readingroom.house import House
from readingroom.keys.roles import Role


def check_checkpoints(house: House, notes: Iterable[str]) -> list[str]:
    """The origins whose log begins with a checkpoint in `notes`; LogFault for one that does not."""
    logs = {log.origin: log for log in every_log(house)}
    seen = []
    for note in notes:
        origin = note.partition("\n")[0]
        if origin not in logs:
            raise UnknownName("a checkpoint is of a log that this room does not have")
        log = logs[origin]
        if not log.directory.joinpath("checkpoint").exists():
            raise LogFault(f"{origin}: the log is gone, and somebody kept a checkpoint of it")
        try:
            check_extends(log.directory, note, origin=origin, public=house.keys.public(Role.WORKER))
        except LogFault as fault:
            raise LogFault(f"{origin}: does not begin with the checkpoint that was kept: {fault}") from None
        seen.append(origin)
    return seen
