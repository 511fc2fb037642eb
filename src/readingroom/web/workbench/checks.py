"""The bench of the privacy check: is this still personal data? Some items are planted; nothing here tells which."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from readingroom.access.grants import Grant
from readingroom.core.category import Category
from readingroom.core.errors import UnknownName
from readingroom.core.ids import ItemId
from readingroom.review.checks import next_check, record_check
from readingroom.review.queues import Reviewer
from readingroom.review.task_states import Answer, parse_answer
from readingroom.web.guard import house_of, session_of
from readingroom.web.permissions import Permission, declare
from readingroom.web.workbench.queues import Key, bench_page, handed
from readingroom.web.workbench.router import Held, Said, grant_of, router

KEYS: Final = (
    Key("c", Answer.CLEAN, "Clean: nothing personal"),
    Key("p", Answer.PERSONAL, "Still personal data", danger=True),
    Key("u", Answer.UNSURE, "Unsure"),
)


@declare(router, "GET", "/work/check/{grant}", Permission.REVIEWER)
def check_page(request: Request, grant: str) -> Response:
    """The bench: one item, one key, no reload."""
    found = _mails(request, grant)
    next_one, label = f"/work/check/{found.id}/next", f"/work/check/{found.id}"
    return bench_page(request, found, "Still personal data?", keys=KEYS, next_one=next_one, label=label, undo="")


@declare(router, "POST", "/work/check/{grant}/next", Permission.REVIEWER)
def check_next(request: Request, grant: str, held: Held) -> Response:
    """The next item; its event is on disk before this answer begins."""
    who, found = session_of(request).who, _mails(request, grant)
    reviewer = Reviewer(who.person, who.workstation or None, found.purpose)
    given = next_check(house_of(request), reviewer, found.tenant, holding=[ItemId(item) for item in held.held])
    view, decided = given or (None, None)
    return handed(request, view, purpose=found.purpose, decided=decided)


@declare(router, "POST", "/work/check/{grant}", Permission.REVIEWER)
def checked(request: Request, grant: str, said: Said) -> Response:
    """Record one check; `personal` withholds the item and its twins at once."""
    found, person = _mails(request, grant), session_of(request).who.person
    answer = parse_answer(said.answer)
    record_check(house_of(request), person, ItemId(said.item), answer=answer, tenant=found.tenant)
    return Response(status_code=204)


def _mails(request: Request, grant: str) -> Grant:
    found = grant_of(request, grant)
    if found.category is not Category.MARKETING:
        raise UnknownName("this grant has no such queue; go back to /work")
    return found
