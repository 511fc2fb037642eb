"""The life of a privacy flag (one table; pure): the privacy officer decides within 24 hours."""

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
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


class FlagStep(StrEnum):
    """What the privacy officer does."""

    CONFIRM = "confirm"
    DISMISS = "dismiss"


TRANSITIONS: Final = MappingProxyType(
    {
        (FlagState.OPEN, FlagStep.CONFIRM): FlagState.CONFIRMED,
        (FlagState.OPEN, FlagStep.DISMISS): FlagState.DISMISSED,
    }
)


def next_state(state: FlagState, step: FlagStep) -> FlagState:
    """The state after `step`; WrongState if the table has no such step."""
    if (state, step) not in TRANSITIONS:
        raise WrongState(f"a flag that is {state} cannot be {step}ed")
    return TRANSITIONS[state, step]


def mermaid() -> str:
    """The state diagram, drawn from TRANSITIONS."""
    lines = ["stateDiagram-v2", f"    [*] --> {FlagState.OPEN}: raise"]
    lines += [f"    {source} --> {target}: {step}" for (source, step), target in TRANSITIONS.items()]
    return "\n".join(lines) + "\n"
