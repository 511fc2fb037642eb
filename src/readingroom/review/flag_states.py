"""The life of a privacy flag (one table; pure): decided within 24 hours; if confirmed, removed and told within 72."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from readingroom.core.errors import WrongState

DECIDE_WITHIN: Final = timedelta(hours=24)
TELL_WITHIN: Final = timedelta(hours=72)  # the customer, if it is confirmed


class FlagState(StrEnum):
    """Where a flag stands. Its items are withheld unless it is dismissed."""

    OPEN = "open"
    CONFIRMED = "confirmed"  # what it withholds is still in its sealed part
    REMOVED = "removed"  # the parts were rewritten without it, and the customer was told
    DISMISSED = "dismissed"


class FlagStep(StrEnum):
    """What is done about a flag."""

    CONFIRM = "confirm"
    DISMISS = "dismiss"
    REMOVE = "remove"  # the duty of the role `subjects`


TRANSITIONS: Final = MappingProxyType(
    {
        (FlagState.OPEN, FlagStep.CONFIRM): FlagState.CONFIRMED,
        (FlagState.OPEN, FlagStep.DISMISS): FlagState.DISMISSED,
        (FlagState.CONFIRMED, FlagStep.REMOVE): FlagState.REMOVED,
    }
)


def next_state(state: FlagState, step: FlagStep) -> FlagState:
    """The state after `step`; WrongState if the table has no such step."""
    if (state, step) not in TRANSITIONS:
        raise WrongState(f"a flag that is {state} has no step {step}")
    return TRANSITIONS[state, step]


def mermaid() -> str:
    """The state diagram, drawn from TRANSITIONS."""
    lines = ["stateDiagram-v2", f"    [*] --> {FlagState.OPEN}: raise"]
    lines += [f"    {source} --> {target}: {step}" for (source, step), target in TRANSITIONS.items()]
    return "\n".join(lines) + "\n"
