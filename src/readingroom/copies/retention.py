"""How long a copy may live and when its purge falls due: pure rules over instants (rule 6).

P15, P24: no byte of a copy lives past its limit, counted from the start of its run, the strictest reading.
P03: no copy lives past the end of the engagement, whenever that comes to be known.
A purge falls due a margin before the limit, so that the limit is kept, not missed by a worker's nap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from readingroom.copies.records import Copy
from readingroom.copies.states import CopyState
from readingroom.core.category import Category
from readingroom.core.ids import CopyId
from readingroom.core.settings import Limits
from readingroom.engagement.mirror import Mirrored
from readingroom.engagement.states import Step

Ends = Mapping[CopyId, datetime | None]  # when the engagement of each copy ends or ended, where that is known
_NOTICE = frozenset({Step.GIVE_NOTICE, Step.RUN_OUT})


@dataclass(frozen=True)
class Window:
    """The life of one copy: unreadable from `expires_at` on, to be purged from `purge_due` on."""

    expires_at: datetime
    purge_due: datetime


def window(created_at: datetime, category: Category, *, limits: Limits, ends_at: datetime | None = None) -> Window:
    """The life of a copy begun at `created_at`, cut short by the end of the engagement (P03, P15, P24)."""
    limit = created_at + category.lifetime(limits)
    expires = limit if ends_at is None else min(limit, ends_at)
    return Window(expires, max(created_at, expires - margin(limits)))


def end_for(copy: Copy, mirror: Mirrored | None) -> datetime | None:
    """When the engagement that `copy` was made in ends or ended; None while no end is known.

    A new engagement does not revive the copies of an earlier one (P35).
    """
    if mirror is None:
        return None
    began = mirror.began_at or (mirror.since if mirror.step is Step.OPT_IN else None)
    if began is not None and copy.created_at < began:
        return began  # whatever was done since: paused, resumed, another notice accepted
    return mirror.ends_at


def limit_for(copy: Copy, mirror: Mirrored | None) -> datetime:
    """The instant that a certificate is measured by: the copy's own limit, or the end of a notice (P03, P15).

    An opt-out by the toggle ends use at once; its purge cannot be done in the same instant, so its limit stays.
    """
    if mirror is not None and mirror.ends_at is not None and mirror.step in _NOTICE:
        return min(copy.expires_at, mirror.ends_at)
    return copy.expires_at


def margin(limits: Limits) -> timedelta:
    """How long before the limit a purge falls due."""
    return timedelta(hours=limits.purge_margin_hours)


def current_window(copy: Copy, *, limits: Limits, ends_at: datetime | None) -> Window:
    """The life of `copy` now that the engagement may have got an end (never longer than it was sealed with)."""
    if ends_at is None or ends_at >= copy.expires_at:
        return Window(copy.expires_at, copy.purge_due)
    return Window(ends_at, max(copy.created_at, ends_at - margin(limits)))


def unreadable(copy: Copy, now: datetime, *, ends_at: datetime | None = None) -> str:
    """Why nobody may read `copy` at `now`; empty if the copy itself is no obstacle. The gate asks this first."""
    if copy.state is not CopyState.SEALED:
        return f"the copy is {copy.state}"
    if copy.purge_started_at is not None:
        return "the purge of the copy has begun"
    if now >= (copy.expires_at if ends_at is None else min(copy.expires_at, ends_at)):
        return "the copy has expired"
    return ""


def due(copies: Iterable[Copy], now: datetime, *, limits: Limits, ends: Ends) -> tuple[Copy, ...]:
    """The copies whose purge is due at `now` or was begun and not finished, the most urgent first."""
    found = [
        (current_window(copy, limits=limits, ends_at=ends.get(copy.id)), copy)
        for copy in copies
        if copy.state is CopyState.SEALED
    ]
    late = [(life, copy) for life, copy in found if now >= life.purge_due or copy.purge_started_at is not None]
    return tuple(copy for _, copy in sorted(late, key=lambda pair: (pair[0].expires_at, pair[1].id)))


def deadlines(copies: Iterable[Copy], *, limits: Limits, ends: Ends) -> tuple[datetime, ...]:
    """Every instant at which a purge falls due, in order: a simulated clock stops at each (rule 6)."""
    live = (copy for copy in copies if copy.state is CopyState.SEALED)
    return tuple(sorted({current_window(c, limits=limits, ends_at=ends.get(c.id)).purge_due for c in live}))
