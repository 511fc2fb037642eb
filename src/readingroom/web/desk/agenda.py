"""What needs somebody today: one list from all that keep a clock, the most urgent first, as far as a role may see it.

Rule 1: a line says what, by when and where to act; no name of a data subject, no cell.
Rule 2: nobody is shown what they may not decide: not another role's work, not their own request, fact or flag.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from readingroom.access.facts import list_facts
from readingroom.access.grant_states import GrantState
from readingroom.access.grants import list_grants
from readingroom.access.people import Person, PersonRole, list_people
from readingroom.assure.finding import Status
from readingroom.assure.table import Row, promise_table
from readingroom.copies.records import list_copies
from readingroom.copies.states import CopyState
from readingroom.house import House
from readingroom.models.spam_checker import list_models
from readingroom.models.states import ModelState
from readingroom.review.flag import list_flags
from readingroom.review.flag_states import FlagState
from readingroom.subjects.requests import list_requests
from readingroom.subjects.states import RequestState

SOON: Final = timedelta(hours=24)
_COPIES: Final = timedelta(days=3)  # purges are the worker's; the officer reads of those that are near


@dataclass(frozen=True)
class Line:
    """One thing that waits: what it is, about whom, by when (None: today), and where one acts."""

    what: str
    about: str
    due: datetime | None
    address: str = ""

    def urgency(self, now: datetime) -> str:
        """`overdue`, `today` or `later`."""
        if self.due is None:
            return "today"
        return "overdue" if self.due <= now else "today" if self.due - now <= SOON else "later"


def agenda(house: House, person: Person) -> tuple[Line, ...]:
    """Everything that this person may act on or must know of, the earliest due first; what has no clock is due now."""
    now = house.clock.now()
    lines = list(_lines(house, person, now))
    return tuple(sorted(lines, key=lambda line: (line.due or now, line.what, line.about)))


def broken(rows: Collection[Row]) -> Iterator[Line]:
    """The promises that are broken at this moment."""
    for row in rows:
        if row.status is Status.BROKEN:
            yield Line("Promise broken", f"{row.id}: {row.promise}", None, "/desk/promises")


def _lines(house: House, person: Person, now: datetime) -> Iterator[Line]:
    yield from _facts(house, person)
    if PersonRole.APPROVER in person.roles:
        yield from _approvals(house, person)
    if PersonRole.PRIVACY_OFFICER in person.roles:
        yield from _flags(house, person)
        yield from _requests(house)
        yield from _copies(house, now)
        yield from broken(promise_table(house))
    if PersonRole.ML_ENGINEER in person.roles:
        yield from _models(house, person)


def _approvals(house: House, person: Person) -> Iterator[Line]:
    for grant in list_grants(house):
        if grant.state is GrantState.REQUESTED and grant.person != person.id:
            about = f"{grant.tenant}, {grant.category.value}, {grant.purpose}, {grant.hours} h"
            yield Line("Request for access", about, grant.answer_by, "/desk")


def _facts(house: House, person: Person) -> Iterator[Line]:
    names = {one.id: one.name for one in list_people(house)}
    where = "/desk" if PersonRole.APPROVER in person.roles else ""
    for fact in list_facts(house):
        waits = fact.confirmed_by is None and fact.withdrawn_at is None
        if waits and where and person.id not in {fact.person, fact.asserted_by}:
            yield Line("Fact to confirm", f"{fact.kind.value} of {names.get(fact.person, '?')}", None, where)


def _flags(house: House, person: Person) -> Iterator[Line]:
    for flag in list_flags(house):
        items = f"{flag.tenant}, {flag.twins + 1} {'item' if not flag.twins else 'items'}"
        if flag.state is FlagState.OPEN and flag.actor != person.actor:
            yield Line("Flag to decide", items, flag.due_at, f"/desk/flags/{flag.id}")
        elif flag.state is FlagState.CONFIRMED:
            yield Line("Flag to remove, customer to tell (the worker does it)", items, flag.tell_by, "/desk/flags")


def _requests(house: House) -> Iterator[Line]:
    for one in list_requests(house):
        if one.state is not RequestState.DONE:
            yield Line("Request of a data subject", f"{one.tenant}, {one.kind.value}", one.due_at, "/desk/flags")


def _copies(house: House, now: datetime) -> Iterator[Line]:
    for copy in list_copies(house):
        if copy.state is CopyState.SEALED and copy.purge_due - now <= _COPIES:
            yield Line(
                "Copy to be purged (the worker does it)", f"{copy.tenant}, {copy.category.value}", copy.purge_due
            )


def _models(house: House, person: Person) -> Iterator[Line]:
    for model in list_models(house):
        if model["state"] == ModelState.GATED and model["trained_by"] != person.actor:
            yield Line("Model to release", f"{model['kind']}, {model['id']}", None, "/desk/models")
