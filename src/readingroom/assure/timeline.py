"""The life of an engagement as its signed receipts tell it: what was in force at any instant. Pure.

Rule 1: a step counts from its receipt's instant on; what was decided while it was being written down (SETTLE) counts
as before it.
Rule 2: before the first receipt nothing is in force (empty means no).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from readingroom.core.clock import parse_instant
from readingroom.engagement.states import EngagementState, Step, can_copy, can_view

SETTLE: Final = timedelta(seconds=2)
LEAVING: Final = frozenset({Step.OPT_OUT, Step.RUN_OUT, Step.TERMINATE})  # the engagement is over
BY_CUSTOMER: Final = frozenset({Step.OPT_OUT, Step.RUN_OUT})


@dataclass(frozen=True)
class Moment:
    """One step of an engagement, from its receipt."""

    step: Step
    state: EngagementState
    at: datetime
    ends_at: datetime | None
    notice: int
    notice_sha256: str
    contact_ok: bool


@dataclass(frozen=True)
class End:
    """One end of an engagement: when use had to stop, and by which step."""

    step: Step
    at: datetime  # the date that counts
    told_at: datetime  # when it was written down; a letter may lie unread until then
    began_at: datetime
    noticed: bool  # it was announced, so that no copy lives past `at` (P03)


def moments(receipts: Sequence[Mapping[str, Any]]) -> tuple[Moment, ...]:
    """The steps that signed receipts tell, oldest first."""
    return tuple(sorted((_moment(one["receipt"]) for one in receipts), key=lambda moment: moment.at))


def may_view(steps: Sequence[Moment], at: datetime) -> bool:
    """Whether sealed copies might be read at `at` (P02)."""
    return any(can_view(one.state, one.ends_at, at) for one in _in_force(steps, at))


def may_copy(steps: Sequence[Moment], at: datetime) -> bool:
    """Whether a copy might be made at `at` (P02)."""
    return any(can_copy(one.state, one.ends_at, at) for one in _in_force(steps, at))


def notice_at(steps: Sequence[Moment], at: datetime) -> int | None:
    """The version of the notice that was agreed to at `at`; None before the first opt-in."""
    found = [one.notice for one in steps if one.at <= at]
    return found[-1] if found else None


def ends(steps: Sequence[Moment]) -> tuple[End, ...]:
    """Every end of the engagement so far, oldest first."""
    found, began = [], None
    for one in steps:
        if one.step is Step.OPT_IN:
            began = one.at
        if one.step in LEAVING and began is not None:
            over = min(one.ends_at or one.at, one.at)
            found.append(End(one.step, over, one.at, began, noticed=over < one.at - SETTLE or one.step is Step.RUN_OUT))
    return tuple(found)


def _in_force(steps: Sequence[Moment], at: datetime) -> list[Moment]:
    """The step that was the last at `at`, and the one just before it while it was being written (rule 1)."""
    past = [one for one in steps if one.at <= at]
    return past[-1:] + [one for one in past[-2:-1] if at - past[-1].at <= SETTLE]


def _moment(receipt: Mapping[str, Any]) -> Moment:
    status, until = receipt["dpv:hasConsentStatus"], receipt["dpv:hasDuration"]["readingroom:until"]
    return Moment(
        step=Step(status["readingroom:step"]),
        state=EngagementState(status["readingroom:state"]),
        at=parse_instant(status["dpv:isIndicatedAtTime"]),
        ends_at=None if until is None else parse_instant(until),
        notice=receipt["dpv:hasNotice"]["readingroom:version"],
        notice_sha256=receipt["dpv:hasNotice"]["readingroom:sha256"],
        contact_ok=receipt["readingroom:contactPermission"],
    )
