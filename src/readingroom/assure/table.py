"""The table of promises: each with what is found on the running room at this moment.

Rule 1: every promise has a row, also where nothing can be shown; ids never change.
Rule 2: evidence that cannot be read is no evidence: the row says `broken`, and why if the error is one of ours.
Rule 3: `kept` is for promises whose enforcement a test has broken and seen the row turn (tests/integration/
test_assure_breaks.py); the others (evidence.NEVER_KEPT) read `partly` at best.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from readingroom.assure import evidence
from readingroom.assure.finding import Finding, Status
from readingroom.assure.promises import PROMISES, Kind
from readingroom.core.errors import ReadingroomError
from readingroom.house import House

Look = Callable[[House], Finding]
LOOKS: Final[Mapping[str, Look]] = evidence.LOOKS


@dataclass(frozen=True)
class Row:
    """One promise as it stands now."""

    id: str
    promise: str
    status: Status
    kind: Kind
    evidence: str
    enforced_by: tuple[str, ...]
    how_a_lie_shows: str

    def public(self) -> dict[str, Any]:
        """The row as `assure --json` shows it."""
        return {
            "id": self.id,
            "promise": self.promise,
            "status": self.status.value,
            "kind": self.kind.value,
            "evidence": self.evidence,
            "enforced_by": list(self.enforced_by),
            "how_a_lie_shows": self.how_a_lie_shows,
        }


def promise_table(house: House) -> list[Row]:
    """Every promise, P01 to P35, with the evidence that this process finds now."""
    return [_row(house, promise.id) for promise in PROMISES.values()]


def look(house: House, promise: str) -> Finding:
    """What is found about one promise now; `broken` where the evidence itself cannot be read (rule 2)."""
    try:
        found = LOOKS[promise](house)
    except ReadingroomError as error:
        return Finding(Status.BROKEN, f"the evidence cannot be read: {error}")
    except Exception as error:  # noqa: BLE001 - rows and files that somebody tampered with raise anything
        return Finding(Status.BROKEN, f"the evidence cannot be read: {type(error).__name__}")
    if found.status is Status.KEPT and promise in evidence.NEVER_KEPT:  # rule 3
        return replace(found, status=Status.PARTLY)
    return found


def _row(house: House, promise: str) -> Row:
    said, found = PROMISES[promise], look(house, promise)
    return Row(said.id, said.text, found.status, said.kind, found.evidence, said.enforced_by, said.how_a_lie_shows)
