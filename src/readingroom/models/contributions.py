"""Whose mails a training uses: the unit is a person, and no person is in more than a fixed number of mails.

Rule 1: an item takes part only if `persons` says who occurs in it (an empty tuple says: nobody known). An item that
`persons` does not name is left out: empty means no.
Rule 2: the choice reads item ids and person numbers only: never a word of a mail, never a label. It is a fixed function
of the graph of who occurs in which mail. The guarantee is about what a person's mails say and how they were labelled,
with that graph held the same in both of the two compared worlds; that somebody occurs in mails at all is not hidden
by ε (a choice that reacts to one person's presence could cascade through everybody who shares a mail; no bound is
claimed for it). The graph itself is in no artefact. Which mails got a clear label is held the same too, and so is what
the anonymization shows of everybody else's mails (its rare-word rule counts over mails).
Rule 3: the bound is asserted on the data that is used (`check_bound`), not believed from a setting.
The bound may be anything from 1 to 8. A smaller one uses fewer mails but needs less noise, and the one that promises
the best model is taken: again a function of the graph alone.

For whom no guarantee is claimed: people who are in none of the tenant's tables or whose identifiers were not found in
the mail. A mail of nobody known still is one clipped mail among many, so each single mail is protected at the person's
ε or better; for a person unknown to us in n mails the noise is n times too small against the bound of one.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from readingroom.core.errors import ReleaseRefused, UsageError

MOST_MAILS: Final = 8  # no person is in more (P31)
_SALT: Final = "readingroom.models.contributions.v1"


@dataclass(frozen=True)
class Choice:
    """The mails to train on, and the counts that go on the card."""

    items: tuple[str, ...]
    cap: int
    offered: int
    unattributed: int  # offered, but nothing says who occurs in them: left out
    people: int  # known people who occur in the mails chosen
    without_person: int  # mails chosen in which nobody known occurs

    def counts(self) -> dict[str, int]:
        """As the card and the events show it."""
        return {
            "mails_offered": self.offered,
            "mails_used": len(self.items),
            "mails_without_attribution": self.unattributed,
            "mails_without_known_person": self.without_person,
            "people": self.people,
            "mails_per_person_at_most": self.cap,
        }


def choose(items: Iterable[str], persons: Mapping[str, tuple[int, ...]], *, cap: int | None = None) -> Choice:
    """The mails of which no person is in more than `cap` (None: the best cap from 1 to 8 by the graph alone)."""
    offered = list(items)
    if len(set(offered)) != len(offered):
        raise UsageError("an item occurs twice in the dataset")
    known = [item for item in offered if item in persons]
    ordered = order(known, persons)
    if cap is None:
        # noise weighs as cap / mails, chance as 1 / √mails; noise decides at this size (scripts/quality_spam.py)
        cap = max(range(1, MOST_MAILS + 1), key=lambda bound: len(_greedy(ordered, persons, bound)) / bound**0.8)
    if not 1 <= cap <= MOST_MAILS:
        raise UsageError(f"a person may be in 1 to {MOST_MAILS} mails of a training")
    chosen = _greedy(ordered, persons, cap)
    return Choice(
        items=tuple(sorted(chosen)),
        cap=cap,
        offered=len(offered),
        unattributed=len(offered) - len(known),
        people=len({person for item in chosen for person in persons[item]}),
        without_person=sum(not persons[item] for item in chosen),
    )


def order(items: Iterable[str], persons: Mapping[str, tuple[int, ...]]) -> list[str]:
    """Fewest people first (they block fewest others), then by a public hash of the item's id."""
    return sorted(
        items, key=lambda item: (len(set(persons[item])), hashlib.sha256(f"{_SALT} {item}".encode()).digest())
    )


def check_bound(items: Sequence[str], persons: Mapping[str, tuple[int, ...]], *, cap: int) -> int:
    """The most mails any person is in; ReleaseRefused if that is more than `cap`, or a mail has no attribution."""
    missing = sum(item not in persons for item in items)
    if missing or len(set(items)) != len(items):
        raise ReleaseRefused("a mail has no attribution, or is there twice", reasons=(f"{missing} mails",))
    most = max(Counter(person for item in items for person in set(persons[item])).values(), default=0)
    if most > cap or cap > MOST_MAILS:
        raise ReleaseRefused("a person is in more mails than accounted for", reasons=(f"{most}, accounted {cap}",))
    return most


def _greedy(ordered: Sequence[str], persons: Mapping[str, tuple[int, ...]], cap: int) -> list[str]:
    load: Counter[int] = Counter()
    chosen = []
    for item in ordered:
        people = set(persons[item])
        if all(load[person] < cap for person in people):
            chosen.append(item)
            load.update(people)
    return chosen
