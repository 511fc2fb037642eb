"""The life of a grant: `requested → approved → revoked | expired`, or `denied`, or `expired` unanswered (one table).

Pure. Rule 1: a step that is not in TRANSITIONS is refused. Rule 2: nobody decides about their own request.
Rule 3: an instant decides, not a worker's diligence: an unanswered request is over 12 h after it was made, and a
grant at its end, whether or not anybody has written so yet.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from readingroom.core.errors import WrongState

ANSWER_WITHIN: Final = timedelta(hours=12)


class GrantState(StrEnum):
    """Where a request for access stands. Only an approved one, inside its hours, opens anything."""

    REQUESTED = "requested"
    APPROVED = "approved"
    DENIED = "denied"
    REVOKED = "revoked"
    EXPIRED = "expired"


class GrantStep(StrEnum):
    """What somebody, or time, does to a grant."""

    APPROVE = "approve"
    DENY = "deny"
    REVOKE = "revoke"
    EXPIRE = "expire"


TRANSITIONS: Final = MappingProxyType(
    {
        (GrantState.REQUESTED, GrantStep.APPROVE): GrantState.APPROVED,
        (GrantState.REQUESTED, GrantStep.DENY): GrantState.DENIED,
        (GrantState.REQUESTED, GrantStep.REVOKE): GrantState.REVOKED,  # taken back before it was answered
        (GrantState.REQUESTED, GrantStep.EXPIRE): GrantState.EXPIRED,
        (GrantState.APPROVED, GrantStep.REVOKE): GrantState.REVOKED,
        (GrantState.APPROVED, GrantStep.EXPIRE): GrantState.EXPIRED,
    }
)

EVENTS: Final = MappingProxyType(
    {
        GrantStep.APPROVE: "access.approved",
        GrantStep.DENY: "access.refused",
        GrantStep.REVOKE: "access.revoked",
        GrantStep.EXPIRE: "access.expired",
    }
)


def next_state(state: GrantState, step: GrantStep) -> GrantState:
    """The state after `step`; WrongState with the reason if the table has no such step."""
    if (state, step) not in TRANSITIONS:
        raise WrongState(f"a grant that is {state} cannot be {_DONE[step]}")
    return TRANSITIONS[state, step]


def state_at(state: GrantState, *, answer_by: datetime, ends_at: datetime | None, now: datetime) -> GrantState:
    """The state as time has it at `now`, whatever a worker has written (rule 3)."""
    unanswered = state is GrantState.REQUESTED and now >= answer_by
    over = state is GrantState.APPROVED and (ends_at is None or now >= ends_at)
    return GrantState.EXPIRED if unanswered or over else state


def mermaid() -> str:
    """The state diagram, drawn from TRANSITIONS."""
    lines = ["stateDiagram-v2", f"    [*] --> {GrantState.REQUESTED}: request"]
    lines += [f"    {source} --> {target}: {step}" for (source, step), target in TRANSITIONS.items()]
    return "\n".join(lines) + "\n"


_DONE: Final = {
    GrantStep.APPROVE: "approved",
    GrantStep.DENY: "denied",
    GrantStep.REVOKE: "revoked",
    GrantStep.EXPIRE: "expired",
}
