"""Which notice waits for a customer's consent: the newest one, where it allows more than the one agreed to (P01, P02).

Nothing is stored: the answer follows from the two texts each time, so that publishing a narrower notice afterwards
lifts the stop by itself. Read from the rows and not through `notice`, which lies above the mirror.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from readingroom.engagement.notice_terms import Comparison, compare
from readingroom.engagement.states import EngagementState
from readingroom.engagement.tables import NOTICES


@dataclass(frozen=True)
class Newer:
    """A notice that was published after the one agreed to."""

    version: int
    published_at: datetime
    change: Comparison

    @property
    def stops(self) -> bool:
        """Whether nothing new is copied until it is accepted."""
        return self.change.needs_acceptance


def newer_notice(connection: Connection, agreed: int | None) -> Newer | None:
    """The newest notice, if it is another than the one agreed to; the room's database."""
    if agreed is None:
        return None
    chosen = (NOTICES.c.version, NOTICES.c.text, NOTICES.c.published_at)
    latest = connection.execute(select(*chosen).order_by(NOTICES.c.version.desc()).limit(1)).first()
    if latest is None or latest.version <= agreed:
        return None
    known = connection.execute(select(NOTICES.c.text).where(NOTICES.c.version == agreed)).scalar_one()
    return Newer(latest.version, latest.published_at, compare(known, latest.text))


def pending_notice(connection: Connection, state: EngagementState | None, agreed: int | None) -> int | None:
    """The version that must be accepted before anything new is copied; None if there is none."""
    if state is None or state is EngagementState.ENDED:
        return None
    found = newer_notice(connection, agreed)
    return found.version if found is not None and found.stops else None
