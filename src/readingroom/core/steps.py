"""Registered steps: the points of a long act at which a crash must leave a defined state.

A job announces each step with `reached("copy.part_written")`. Nothing happens unless somebody watches: the fault
tests watch from a launcher of their own and kill the process there; the CLI watches to show progress.
Steps are registered at import, so that the fault tests can walk them all and a new one cannot be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable

STEPS: dict[str, str] = {}
_watchers: list[Callable[[str], None]] = []


def register(name: str, meaning: str) -> str:
    """Register step `name` (`job.step`) and return it; a second registration of the same name is a mistake."""
    if name in STEPS:
        raise ValueError(f"step {name} is registered twice")
    STEPS[name] = meaning
    return name


def reached(name: str) -> None:
    """Announce that the registered step `name` has just been reached."""
    if name not in STEPS:
        raise ValueError(f"step {name} is not registered")
    for watcher in tuple(_watchers):
        watcher(name)


def watch(watcher: Callable[[str], None]) -> Callable[[], None]:
    """Call `watcher` with each step from now on; the returned function ends it."""
    _watchers.append(watcher)
    return lambda: _watchers.remove(watcher)
