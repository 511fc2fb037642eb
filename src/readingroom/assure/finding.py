"""What was found about one promise. Pure.

Rule 1: a contradiction outweighs everything: one is enough for `broken`.
Rule 2: where nothing happened that could be shown, the status is `not yet`, never `kept` (empty means no).
Rule 3: evidence is counts, instants and names of promises, places and copies; never a value of a customer's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a promise stands at this moment."""

    KEPT = "kept"  # enforced and evidenced, and a test has seen this row turn when the enforcement was broken
    PARTLY = "partly"  # some of it is; the evidence says what lacks
    NOT_YET = "not yet"  # the feature is not there, or nothing has happened that could be shown
    BROKEN = "broken"  # the evidence contradicts the promise


@dataclass(frozen=True)
class Finding:
    """The status of a promise and what it rests on."""

    status: Status
    evidence: str


def weigh(contradictions: Iterable[str], *, shown: str, lacks: str = "") -> Finding:
    """`broken` with each contradiction and its count; else `partly` if something lacks; else `kept`, as `shown`."""
    counts = Counter(contradictions)
    if counts:
        told = (f"{count} x {what}" if count > 1 else what for what, count in sorted(counts.items()))
        return Finding(Status.BROKEN, "; ".join(told))
    if lacks:
        return Finding(Status.PARTLY, f"{shown}. Lacking: {lacks}")
    return Finding(Status.KEPT, shown)


def not_yet(why: str) -> Finding:
    """Nothing to show, and why."""
    return Finding(Status.NOT_YET, why)


def count(number: int, one: str, many: str = "") -> str:
    """`1 copy`, `2 copies`; `many` where the plural is irregular."""
    regular = f"{one[:-1]}ies" if one.endswith(("py", "ry")) else f"{one}s"
    return f"{number:,} {one if number == 1 else many or regular}"
