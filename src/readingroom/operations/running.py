"""Who still has a room's databases open: a file that is replaced under a process loses what that process writes.

Rule 1: only processes that this user may look at can be seen; where there is no /proc nobody is.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")


def holders(root: Path) -> list[int]:
    """The processes, other than this one, that have a database of the room at `root` open."""
    inside = f"{root.resolve()}/"
    others = (process for process in _PROC.glob("[0-9]*") if int(process.name) != os.getpid())
    return sorted(int(process.name) for process in others if _holds(process, inside))


def _holds(process: Path, inside: str) -> bool:
    with suppress(OSError):
        for handle in (process / "fd").iterdir():
            with suppress(OSError):
                target = str(handle.readlink())
                if target.startswith(inside) and "/db.sqlite" in target:
                    return True
    return False
