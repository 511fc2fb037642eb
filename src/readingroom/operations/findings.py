"""What a check of the room finds: what, where, and what to do about it. Never a value of a customer's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

GRACE: Final = timedelta(minutes=10)  # a few of the worker's rounds


class Weight(StrEnum):
    """Whether something is broken, or will be."""

    FAULT = "fault"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be."""

    weight: Weight
    what: str
    where: str
    do: str

    def public(self) -> dict[str, Any]:
        """As the command line shows it."""
        return {"weight": self.weight.value, "what": self.what, "where": self.where, "do": self.do}


def fault(what: str, where: str, do: str) -> Finding:
    """Something is broken or overdue."""
    return Finding(Weight.FAULT, what, where, do)


def warning(what: str, where: str, do: str) -> Finding:
    """Something will be broken, or is not as it is meant to be."""
    return Finding(Weight.WARNING, what, where, do)


def check_disk(free: int, total: int, *, where: str) -> list[Finding]:
    """Under 256 MiB or 2 % nothing can be trusted to be written; under 2 GiB or 10 % somebody should look."""
    share = free / total if total else 0.0
    if free < 256 << 20 or share < 0.02:
        return [
            fault(f"the disk is full: {free >> 20} MiB left", where, "make room now; see docs/runbooks/disk-full.md")
        ]
    if free < 2 << 30 or share < 0.10:
        return [warning(f"the disk is filling: {free >> 20} MiB left", where, "make room, or a bigger disk")]
    return []


def check_clock(now: datetime, newest: datetime | None, *, where: str) -> list[Finding]:
    """The clock must not be behind what the register says has happened."""
    if newest is not None and newest > now + timedelta(seconds=5):
        behind = newest - now
        do = "stop the room, set the clock; see docs/runbooks/clock-wrong.md"
        return [fault(f"the clock is {int(behind.total_seconds())} s behind the newest event", where, do)]
    return []


def check_beat(now: datetime, at: datetime | None) -> list[Finding]:
    """The worker must have ended a round within the grace."""
    if at is None:
        return [warning("no worker has ended a round here", "room/worker.beat", "start `readingroom worker`")]
    if now - at > GRACE:
        minutes = int((now - at).total_seconds() // 60)
        do = "start `readingroom worker`, or see why it stopped"
        return [fault(f"the worker's last round ended {minutes} min ago", "room/worker.beat", do)]
    return []


def check_overdue(now: datetime, deadlines: list[tuple[datetime, str]], *, grace: timedelta = GRACE) -> list[Finding]:
    """What was to be done by an instant that has passed."""
    late = sorted((at, why) for at, why in deadlines if now - at > grace)
    do = "run `readingroom worker --once`; see docs/runbooks/"
    return [fault(f"overdue since {at:%Y-%m-%d %H:%M}", why, do) for at, why in late]
