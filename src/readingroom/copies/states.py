"""The life of a copy: `staging → sealed → purged`, or `refused` (rule 7: one enum, one table).

A refused copy's keys and bytes are destroyed in the same step, so there is no way back from `refused` or `purged`.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from readingroom.core.errors import WrongState


class CopyState(StrEnum):
    """Where a copy stands. Only a sealed one can be read, and only through `access` (rule 3)."""

    STAGING = "staging"  # a copy run is writing parts; nobody may read them
    SEALED = "sealed"  # checked, complete, readable through the gate until it expires
    PURGED = "purged"  # keys destroyed, objects deleted, certificate signed
    REFUSED = "refused"  # the run ended without a copy: keys and bytes destroyed


TRANSITIONS: Final = MappingProxyType(
    {
        CopyState.STAGING: (
            (CopyState.SEALED, "every check passed, engagement in force"),
            (CopyState.REFUSED, "hard finding, suspicions, opt-out, error or crash"),
        ),
        CopyState.SEALED: ((CopyState.PURGED, "due, opt-out or termination"),),
        CopyState.PURGED: (),
        CopyState.REFUSED: (),
    }
)


def check_transition(state: CopyState, *, to: CopyState) -> None:
    """Raise WrongState, saying which step is missing, unless the table has `state → to`."""
    if to not in {target for target, _ in TRANSITIONS[state]}:
        raise WrongState(f"a {state} copy cannot become {to}")


def mermaid() -> str:
    """The state diagram, generated from the table (docs)."""
    lines = ["stateDiagram-v2", f"    [*] --> {CopyState.STAGING}: copy run"]
    for state, targets in TRANSITIONS.items():
        lines += [f"    {state} --> {target}: {why}" for target, why in targets]
        lines += [] if targets else [f"    {state} --> [*]"]
    return "\n".join(lines) + "\n"
