"""Which process runs a copy, and whether it still lives: so that a dead run is recovered and a live one left alone.

A process is named by its machine's boot, its pid namespace, its pid and its start, since pids are used again.
Of a process elsewhere nothing is known but its last heartbeat.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

SILENCE: Final = timedelta(minutes=15)  # a run elsewhere that has recorded nothing for so long is dead
_AT_WORK: set[str] = set()
_PROC: Final = Path("/proc")


def this_process() -> str:
    """The name of this process: `boot/namespace/pid/start`."""
    return _name(os.getpid())


@contextmanager
def at_work(task: str) -> Iterator[None]:
    """While inside, this process is at work on `task` (a copy's id, an object's path); afterwards it no longer is."""
    _AT_WORK.add(task)
    try:
        yield
    finally:
        _AT_WORK.discard(task)


def is_alive(runner: str, task: str, *, heartbeat: datetime | None, now: datetime) -> bool:
    """Whether the process named `runner` still is at work on `task`; one elsewhere is, unless it fell silent."""
    parts = runner.split("/")
    if len(parts) != 4 or not parts[2].isdecimal():
        return False
    if runner == this_process():
        return task in _AT_WORK
    here = this_process().split("/")
    if parts[:2] != here[:2]:
        return heartbeat is not None and now - heartbeat < SILENCE
    return _name(int(parts[2])) == runner


def _name(pid: int) -> str:
    boot = _first_line(_PROC / "sys/kernel/random/boot_id")
    try:
        namespace = _PROC.joinpath("self/ns/pid").readlink().name
    except OSError:
        namespace = ""
    # the 22nd field of stat is the start; the 2nd, in parentheses, may hold spaces
    fields = _first_line(_PROC / str(pid) / "stat").rpartition(")")[2].split()
    dead = not fields or fields[0] in {"Z", "X"}
    return f"{boot}/{namespace}/{pid}/{'' if dead else fields[19]}"


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
