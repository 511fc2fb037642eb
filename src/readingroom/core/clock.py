"""Time is an argument (rule 6): rules take an instant; SystemClock is the one adapter that reads the wall clock.

An instant is a timezone-aware `datetime` in UTC. A simulation room keeps an offset to the wall clock in a file,
so that a test can live 400 days in a second.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from typing_extensions import override

from readingroom.core.errors import BadSetting, UsageError

_SPAN = re.compile(r"(\d{1,5})([dhm])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


class Clock(Protocol):
    """Gives the present instant: aware, UTC, never running backwards within a process."""

    def now(self) -> datetime:
        """The present instant."""
        ...


class SystemClock:
    """The wall clock of this machine."""

    def now(self) -> datetime:
        """The present instant, by the operating system."""
        return datetime.now(UTC)  # noqa: TID251 - the one adapter


@dataclass
class FixedClock:
    """A clock that stands until it is moved; for tests and for rules replayed at an instant."""

    instant: datetime

    def now(self) -> datetime:
        """The instant it stands at."""
        return self.instant

    def advance(self, span: timedelta) -> None:
        """Move forward by `span`."""
        self.instant += span


class SimulatedClock(SystemClock):
    """The wall clock plus an offset kept in a file; simulation rooms only."""

    def __init__(self, path: Path) -> None:
        """Use the offset in `path` (seconds); load, never create."""
        self.path = path
        self.offset()

    @classmethod
    def create(cls, path: Path, offset: timedelta = timedelta(0)) -> SimulatedClock:
        """Write the first offset; the file must not exist."""
        with path.open("x", encoding="utf-8") as file:
            json.dump({"offset_seconds": offset.total_seconds()}, file)
        return cls(path)

    def offset(self) -> timedelta:
        """How far this clock is ahead of the wall clock."""
        try:
            return timedelta(seconds=float(json.loads(self.path.read_text(encoding="utf-8"))["offset_seconds"]))
        except (OSError, ValueError, KeyError, TypeError):
            raise BadSetting(f"{self.path.name}: the simulated clock is unreadable") from None

    @override
    def now(self) -> datetime:
        """The wall clock plus the offset."""
        return super().now() + self.offset()

    def advance(self, span: timedelta) -> None:
        """Move forward by `span`; never back."""
        if span < timedelta(0):
            raise UsageError("a clock goes forward only")
        seconds = (self.offset() + span).total_seconds()
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps({"offset_seconds": seconds}), encoding="utf-8")
        fresh.replace(self.path)


def parse_span(text: str) -> timedelta:
    """`31d`, `12h` or `90m` as a timedelta; a clear error otherwise."""
    found = _SPAN.fullmatch(text)
    if not found:
        raise UsageError("a span is written like 31d, 12h or 90m")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def format_instant(instant: datetime) -> str:
    """RFC 3339 in UTC with microseconds, always of the same width, so that text order is time order."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_instant(text: str) -> datetime:
    """The instant written in RFC 3339 (a bare date is midnight UTC); a clear error otherwise."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError("an instant is written like 2026-11-23 or 2026-11-23T08:00:00Z") from None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
