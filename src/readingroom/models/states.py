"""The life of a model: `trained → gated | refused`, `gated → released → retired` (rule 7: one enum, one table)."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from readingroom.core.errors import WrongState


class ModelState(StrEnum):
    """Where a model stands. Only a released one scores mail for others."""

    TRAINED = "trained"  # bytes exist; nobody has looked
    GATED = "gated"  # the gate found nothing against it
    REFUSED = "refused"  # the gate said no, or could not test it: for good
    RELEASED = "released"  # a second person let it out
    RETIRED = "retired"  # used no more


TRANSITIONS: Final = MappingProxyType(
    {
        ModelState.TRAINED: (
            (ModelState.GATED, "every check of the gate passed"),
            (ModelState.REFUSED, "a check failed or could not be made"),
        ),
        ModelState.GATED: (
            (ModelState.RELEASED, "a second person released it"),
            (ModelState.REFUSED, "gated again, and a check failed"),
            (ModelState.GATED, "gated again"),
        ),
        ModelState.RELEASED: ((ModelState.RETIRED, "replaced or withdrawn"),),
        ModelState.REFUSED: (),
        ModelState.RETIRED: (),
    }
)


def check_transition(state: ModelState, *, to: ModelState) -> None:
    """Raise WrongState, saying which step is missing, unless the table has `state → to`."""
    if to not in {target for target, _ in TRANSITIONS[state]}:
        raise WrongState(f"a {state} model cannot become {to}")


def mermaid() -> str:
    """The state diagram, generated from the table (docs)."""
    lines = ["stateDiagram-v2", f"    [*] --> {ModelState.TRAINED}: model train"]
    for state, targets in TRANSITIONS.items():
        lines += [f"    {state} --> {target}: {why}" for target, why in targets]
        lines += [] if targets else [f"    {state} --> [*]"]
    return "\n".join(lines) + "\n"
