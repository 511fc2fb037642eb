"""The other queues on the same bench: relevance of query results, categories of columns, and disputes (P30)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from readingroom.access.dossier import Visit
from readingroom.access.gate import Request as Question
from readingroom.access.grants import Grant
from readingroom.access.item_view import ItemView
from readingroom.access.people import get_person
from readingroom.access.standing import Action
from readingroom.core.errors import UnknownName
from readingroom.core.ids import ItemId
from readingroom.review.adjudication import adjudicate, next_dispute
from readingroom.review.flag import raise_flag
from readingroom.review.queues import CATEGORY_OF, Reviewer, next_item
from readingroom.review.task_states import Answer, parse_answer
from readingroom.web.guard import house_of, session_of
from readingroom.web.pages import page
from readingroom.web.permissions import Permission, declare
from readingroom.web.workbench.router import Held, Said, frames_of, grant_of, router
from readingroom.web.workbench.screens import screen


@dataclass(frozen=True)
class Key:
    """One key of the bench: what it says, in the register and to the person."""

    key: str
    answer: Answer
    words: str
    danger: bool = False

    @property
    def said(self) -> str:
        """What a screen reader hears after the key."""
        return "Flagged and withheld." if self.answer is Answer.PERSONAL else f"{self.words}."


_UNSURE: Final = Key("u", Answer.UNSURE, "Unsure")
_PERSONAL: Final = Key("p", Answer.PERSONAL, "Still personal data", danger=True)
KEYS: Final = {
    "mail": (Key("s", Answer.SPAM, "Spam"), Key("n", Answer.HAM, "Not spam")),
    "query": (
        Key("0", Answer.NOTHING, "Not what was asked"),
        Key("1", Answer.LITTLE, "A little of it"),
        Key("2", Answer.MOSTLY, "Mostly"),
        Key("3", Answer.PERFECT, "Exactly what was asked"),
        Key("q", Answer.NO_QUERY, "No query here"),
    ),
    "schema": (
        Key("n", Answer.NAME, "A person's name"),
        Key("e", Answer.EMAIL, "E-mail"),
        Key("t", Answer.PHONE, "Telephone"),
        Key("a", Answer.ADDRESS, "Address"),
        Key("i", Answer.IDENTIFIER, "Id of a record"),
        Key("d", Answer.DATE, "Date or time"),
        Key("l", Answer.LOCATION, "Place"),
        Key("m", Answer.NUMBER, "Number, amount"),
        Key("c", Answer.CODE, "Code, choice"),
        Key("f", Answer.TEXT, "Free text"),
        Key("o", Answer.OTHER, "Something else"),
    ),
}
TITLES: Final = {
    "mail": "Spam or not",
    "query": "Do the results answer the query?",
    "schema": "What does the column hold?",
}


@declare(router, "GET", "/work/queue/{kind}/{grant}", Permission.REVIEWER)
def queue_page(request: Request, kind: str, grant: str) -> Response:
    """The bench of one queue: one item, one key, no reload."""
    found = _fitting(request, kind, grant)
    return label_page(request, found, kind, next_one=f"/work/queue/{kind}/{found.id}/next")


@declare(router, "POST", "/work/queue/{kind}/{grant}/next", Permission.REVIEWER)
def queue_next(  # noqa: PLR0917 - the parts of the address
    request: Request, kind: str, grant: str, held: Held
) -> Response:
    """The next item of the queue; its event is on disk before this answer begins."""
    return hand_next(request, _fitting(request, kind, grant), kind, held=held)


@declare(router, "GET", "/work/disputes/{kind}/{grant}", Permission.REVIEWER)
def disputes_page(request: Request, kind: str, grant: str) -> Response:
    """The bench of what two reviewers did not agree on: a third person decides."""
    found = _fitting(request, kind, grant)
    keys = (*KEYS[kind], _PERSONAL)
    next_one = f"/work/disputes/{kind}/{found.id}/next"
    title = f"{TITLES[kind]} Two people did not agree"
    return bench_page(request, found, title, keys=keys, next_one=next_one, label="/work/adjudicate", undo="")


@declare(router, "POST", "/work/disputes/{kind}/{grant}/next", Permission.REVIEWER)
def disputes_next(  # noqa: PLR0917 - the parts of the address
    request: Request, kind: str, grant: str, held: Held
) -> Response:
    """The next dispute that this person has not labelled; what the others said is not shown."""
    who, found = session_of(request).who, _fitting(request, kind, grant)
    reviewer = Reviewer(who.person, who.workstation or None, found.purpose)
    holding = [ItemId(item) for item in held.held]
    view = next_dispute(house_of(request), reviewer, found.tenant, kind=kind, holding=holding)
    return handed(request, view, purpose=found.purpose)


@declare(router, "POST", "/work/adjudicate", Permission.REVIEWER)
def adjudicated(request: Request, said: Said) -> Response:
    """Decide a dispute; `personal` withholds the item and its twins at once."""
    house, person, answer = house_of(request), session_of(request).who.person, parse_answer(said.answer)
    if answer is Answer.PERSONAL:
        raise_flag(house, person, ItemId(said.item))
    else:
        adjudicate(house, person, ItemId(said.item), answer=answer)
    return Response(status_code=204)


def label_page(request: Request, grant: Grant, kind: str, *, next_one: str) -> Response:
    """The bench on which items of a kind are labelled."""
    return bench_page(request, grant, TITLES[kind], keys=(*KEYS[kind], _UNSURE, _PERSONAL), next_one=next_one)


def hand_next(request: Request, grant: Grant, kind: str, *, held: Held) -> Response:
    """The next item of a kind to label; its event is on disk before this answer begins."""
    who = session_of(request).who
    view = next_item(
        house_of(request),
        who.person,
        workstation=who.workstation or None,
        purpose=grant.purpose,
        tenant=grant.tenant,
        holding=[ItemId(item) for item in held.held],
        kind=kind,
    )
    return handed(request, view, purpose=grant.purpose)


def bench_page(  # noqa: PLR0913 - what differs between the benches
    request: Request,
    grant: Grant,
    title: str,
    *,
    keys: tuple[Key, ...],
    next_one: str,
    label: str = "/work/label",
    undo: str = "/work/undo",
) -> Response:
    """The bench with these keys, fed by these calls."""
    house, who = house_of(request), session_of(request).who
    return page(
        request,
        "workbench/bench.html",
        grant=grant,
        title=title,
        keys=keys,
        next_one=next_one,
        label=label,
        undo=undo,
        actor=get_person(house, who.person).actor,
        workstation=who.workstation or "no workstation",
        now=house.clock.now(),
    )


def handed(request: Request, view: ItemView | None, *, purpose: str, decided: ItemId | None = None) -> Response:
    """One item as the bench takes it; its document waits in a frame. `decided`: the gate's item, if another."""
    if view is None:
        return JSONResponse({"item": None})
    session = session_of(request)
    visit = Visit(purpose, Action.VIEW, person=session.who.person, workstation=session.who.workstation or None)
    shown = screen(view.kind, view.cells, view.placeholders)
    question, now = Question(visit, view.copy, decided or view.item), house_of(request).clock.now()
    frames_of(request).put(shown.document, question, owner=session.key, now=now, item=view.item)
    body = {"item": view.item, "frame": f"/work/frame/{view.item}", "subject": shown.subject, "facts": shown.facts}
    return JSONResponse({**body, "views_left": view.views_left})


def _fitting(request: Request, kind: str, grant: str) -> Grant:
    found = grant_of(request, grant)
    if kind not in KEYS or found.category is not CATEGORY_OF[kind]:
        raise UnknownName("this grant has no such queue; go back to /work")
    return found
