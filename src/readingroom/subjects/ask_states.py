"""The states of a request that came through the portal, in one table (rule 7). Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from readingroom.core.errors import WrongState


class AskState(StrEnum):
    """Where a request from the portal stands."""

    WAITING = "waiting"  # sealed; the role `subjects` opens it at its next round
    ANSWERED = "answered"
    REFUSED = "refused"  # it names nobody for certain, or is none


class AskStep(StrEnum):
    """What may happen to it."""

    ANSWER = "answer"
    REFUSE = "refuse"


TRANSITIONS: Final[dict[tuple[AskState, AskStep], AskState]] = {
    (AskState.WAITING, AskStep.ANSWER): AskState.ANSWERED,
    (AskState.WAITING, AskStep.REFUSE): AskState.REFUSED,
}


def next_ask(state: AskState, step: AskStep) -> AskState:
    """Where `step` leads; WrongState if the table has no such step."""
    if (state, step) not in TRANSITIONS:
        raise WrongState(f"the request is {state.value}; there is nothing left to {step.value}")
    return TRANSITIONS[state, step]


def mermaid() -> str:
    """The diagram of the table, for the documents."""
    lines = ["stateDiagram-v2", f"  [*] --> {AskState.WAITING}"]
    return "\n".join([*lines, *(f"  {start} --> {end}: {step}" for (start, step), end in TRANSITIONS.items())])
