"""What Cedar cannot count, and what must hold before a grant is written: pure functions over frozen values.

Rule 1 (P20): everybody who held an active grant for the tenant at any moment of the last 30 days counts once; a
revoked grant counted while it ran.
Rule 2 (P22): a view counts against the budget for 24 hours.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from readingroom.core.errors import Refusal, UsageError
from readingroom.core.ids import PersonId
from readingroom.core.settings import Limits

CAP_WINDOW: Final = timedelta(days=30)
BUDGET_WINDOW: Final = timedelta(hours=24)
WHY_LIMIT: Final = 1000


@dataclass(frozen=True)
class Held:
    """From when to when a person held an active grant; `ended` where it was cut short."""

    person: PersonId
    starts: datetime
    ends: datetime
    ended: datetime | None = None

    def over(self) -> datetime:
        """When it was no longer active."""
        return self.ends if self.ended is None else min(self.ends, self.ended)


def people_with_access(held: Iterable[Held], now: datetime) -> frozenset[PersonId]:
    """Everybody with an active grant at any moment of the 30 days up to `now` (P20)."""
    since = now - CAP_WINDOW
    return frozenset(one.person for one in held if one.starts <= now and one.over() > since)


def check_cap(people: AbstractSet[PersonId], *, also: PersonId, cap: int) -> None:
    """Refusal unless `also` may be added to `people` under the cap (P20)."""
    if len(people | {also}) > cap:
        raise Refusal(
            "one more person would exceed the cap of people for this tenant",
            reasons=(f"at most {cap} people may hold grants for a tenant in 30 days (P20)",),
        )


def check_request(*, hours: int, why: str, purpose: str, purposes: Iterable[str], limits: Limits) -> None:
    """UsageError or Refusal, with the reason, unless a grant may be asked for like this."""
    if not 1 <= hours <= limits.grant_hours:
        raise UsageError(f"a grant lasts 1 to {limits.grant_hours} hours")
    if not why.strip() or len(why) > WHY_LIMIT:
        raise UsageError(f"a request gives a business justification of 1 to {WHY_LIMIT} characters (P22)")
    known = sorted(purposes)
    if not known:
        raise Refusal("the engagement is not in force", reasons=("without an engagement there is no purpose (P02)",))
    if purpose not in known:
        raise UsageError(f"the purpose must be one of the engagement's: {', '.join(known)} (P23)")
