"""What an engagement can be and how it changes: one table, and the rules that follow from a state. Pure.

Rule 1: a step that is not in TRANSITIONS is refused (rule 2 of the house: empty means no).
Rule 2: every state except `ended` has a way to `ended` that needs nobody's consent (P03, P06).
Rule 3: a copy is made in `active` only, and not while a wider notice waits for the customer's consent; a view is
        served in `active`, and in `opting_out` until the notice has run out, counted by the instant and not by the
        worker's diligence (P01, P02, P03).

Before the first opt-in there is no state: None.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from readingroom.core.clock import format_instant
from readingroom.core.errors import WrongState


class EngagementState(StrEnum):
    """Where an engagement stands."""

    ACTIVE = "active"
    SUSPENDED = "suspended"  # by the customer's wish: nothing new and nobody reads; purges go on
    OPTING_OUT = "opting_out"  # notice by e-mail was received; no new copy, views until it has run out
    ENDED = "ended"


class Step(StrEnum):
    """What somebody does to an engagement."""

    OPT_IN = "opt_in"
    SUSPEND = "suspend"
    RESUME = "resume"
    ACCEPT_NOTICE = "accept_notice"  # the customer agrees to the newest notice; the engagement goes on under it
    GIVE_NOTICE = "give_notice"  # an opt-out by e-mail, with its days of notice
    OPT_OUT = "opt_out"  # the toggle: at once
    TERMINATE = "terminate"  # the vendor's; same effect on the data (P06)
    RUN_OUT = "run_out"  # the notice has run out; the worker's step


TRANSITIONS: dict[tuple[EngagementState | None, Step], EngagementState] = {
    (None, Step.OPT_IN): EngagementState.ACTIVE,
    (EngagementState.ENDED, Step.OPT_IN): EngagementState.ACTIVE,  # a new engagement, with a receipt of its own
    (EngagementState.ACTIVE, Step.SUSPEND): EngagementState.SUSPENDED,
    (EngagementState.SUSPENDED, Step.RESUME): EngagementState.ACTIVE,
    (EngagementState.ACTIVE, Step.ACCEPT_NOTICE): EngagementState.ACTIVE,
    (EngagementState.SUSPENDED, Step.ACCEPT_NOTICE): EngagementState.SUSPENDED,
    (EngagementState.ACTIVE, Step.GIVE_NOTICE): EngagementState.OPTING_OUT,
    (EngagementState.SUSPENDED, Step.GIVE_NOTICE): EngagementState.OPTING_OUT,
    (EngagementState.ACTIVE, Step.OPT_OUT): EngagementState.ENDED,
    (EngagementState.SUSPENDED, Step.OPT_OUT): EngagementState.ENDED,
    (EngagementState.OPTING_OUT, Step.OPT_OUT): EngagementState.ENDED,
    (EngagementState.ACTIVE, Step.TERMINATE): EngagementState.ENDED,
    (EngagementState.SUSPENDED, Step.TERMINATE): EngagementState.ENDED,
    (EngagementState.OPTING_OUT, Step.TERMINATE): EngagementState.ENDED,
    (EngagementState.OPTING_OUT, Step.RUN_OUT): EngagementState.ENDED,
}

EVENTS: dict[Step, str] = {
    Step.OPT_IN: "engagement.opted_in",
    Step.SUSPEND: "engagement.suspended",
    Step.RESUME: "engagement.resumed",
    Step.ACCEPT_NOTICE: "engagement.notice_accepted",
    Step.GIVE_NOTICE: "engagement.notice_received",
    Step.OPT_OUT: "engagement.opted_out",
    Step.TERMINATE: "engagement.terminated",
    Step.RUN_OUT: "engagement.ran_out",
}


def next_state(state: EngagementState | None, step: Step) -> EngagementState:
    """The state after `step`; WrongState with the reason if the table has no such step."""
    if (state, step) not in TRANSITIONS:
        raise WrongState(f"the engagement is {_say(state)}: no {_words(step)} from there", reasons=(_reason(state),))
    return TRANSITIONS[state, step]


def steps_from(state: EngagementState | None) -> tuple[Step, ...]:
    """The steps that the table allows from `state`, in the enum's order."""
    return tuple(step for step in Step if (state, step) in TRANSITIONS)


def check_may_copy(
    state: EngagementState | None, ends_at: datetime | None, now: datetime, *, pending: int | None = None
) -> None:
    """WrongState with the reason unless a new copy may be made at `now`; `pending` is a wider notice (P01, P02)."""
    if state is not EngagementState.ACTIVE or (ends_at is not None and ends_at <= now):
        raise WrongState(f"no copy is made: the engagement is {_say(state)}", reasons=(_reason(state),))
    if pending is not None:
        reason = f"notice {pending} allows more than the one agreed to, and is not accepted yet"
        raise WrongState("no copy is made: a new notice waits for the customer", reasons=(reason,))


def check_may_view(state: EngagementState | None, ends_at: datetime | None, now: datetime) -> None:
    """WrongState with the reason unless sealed copies may be read at `now` (P02, P03)."""
    if state not in {EngagementState.ACTIVE, EngagementState.OPTING_OUT}:
        raise WrongState(f"nobody reads: the engagement is {_say(state)}", reasons=(_reason(state),))
    if state is EngagementState.OPTING_OUT and ends_at is None:
        raise WrongState("nobody reads: the notice has no end", reasons=("an opt-out without its date",))
    if ends_at is not None and ends_at <= now:
        raise WrongState(f"nobody reads: the engagement ended at {format_instant(ends_at)}", reasons=("it has ended",))


def can_copy(state: EngagementState | None, ends_at: datetime | None, now: datetime) -> bool:
    """Whether check_may_copy passes."""
    try:
        check_may_copy(state, ends_at, now)
    except WrongState:
        return False
    return True


def can_view(state: EngagementState | None, ends_at: datetime | None, now: datetime) -> bool:
    """Whether check_may_view passes."""
    try:
        check_may_view(state, ends_at, now)
    except WrongState:
        return False
    return True


def mermaid() -> str:
    """The state diagram, drawn from TRANSITIONS."""
    lines = ["stateDiagram-v2"]
    for (source, step), target in TRANSITIONS.items():
        lines.append(f"    {source or '[*]'} --> {target}: {_words(step)}")
    return "\n".join(lines) + "\n"


def _words(step: Step) -> str:
    return step.value.replace("_", " ")


def _say(state: EngagementState | None) -> str:
    return "not begun" if state is None else state.value.replace("_", " ")


def _reason(state: EngagementState | None) -> str:
    match state:
        case None:
            return "the customer has not opted in"
        case EngagementState.ACTIVE:
            return "the customer has opted in already"
        case EngagementState.SUSPENDED:
            return "the engagement is suspended"
        case EngagementState.OPTING_OUT:
            return "the customer has given notice to opt out"
        case EngagementState.ENDED:
            return "the engagement has ended"
