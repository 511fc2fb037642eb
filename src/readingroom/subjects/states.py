"""The states of a request, in one table (rule 7). Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from readingroom.core.errors import WrongState


class RequestKind(StrEnum):
    """What is asked for."""

    FIND = "find"
    ERASE = "erase"  # GDPR Art. 17
    TRIGGER = "trigger"  # deleted at the source: erased here without being asked again


class RequestState(StrEnum):
    """Where a request stands."""

    RUNNING = "running"  # accepted; its tags are withheld already
    DONE = "done"


class RequestStep(StrEnum):
    """What may happen to it."""

    RESUME = "resume"
    FINISH = "finish"


TRANSITIONS: Final[dict[tuple[RequestState, RequestStep], RequestState]] = {
    (RequestState.RUNNING, RequestStep.RESUME): RequestState.RUNNING,
    (RequestState.RUNNING, RequestStep.FINISH): RequestState.DONE,
}


def next_state(state: RequestState, step: RequestStep) -> RequestState:
    """Where `step` leads; WrongState if the table has no such step."""
    if (state, step) not in TRANSITIONS:
        raise WrongState(f"the request is {state.value}; there is nothing left to {step.value}")
    return TRANSITIONS[state, step]


def mermaid() -> str:
    """The diagram of the table, for the documents."""
    lines = ["stateDiagram-v2", f"  [*] --> {RequestState.RUNNING}"]
    lines += [f"  {start} --> {end}: {step}" for (start, step), end in TRANSITIONS.items()]
    return "\n".join([*lines, f"  {RequestState.DONE} --> [*]"])
