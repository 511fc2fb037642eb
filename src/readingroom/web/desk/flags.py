"""Flags: the list with its clocks, the officer's look through the gate, the decision (P10, P14, P16)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from readingroom.access.dossier import Visit
from readingroom.access.gate import Request as Question
from readingroom.access.gate import decide, refusal
from readingroom.access.judging import CHECK, Judged
from readingroom.access.standing import Action
from readingroom.core.errors import UnknownName, UsageError
from readingroom.review.flag import VALUES_LIMIT, Flag, decide_flag, list_flags, look_at_flag
from readingroom.review.flag_states import FlagState
from readingroom.subjects.identifiers import parse_identifiers
from readingroom.subjects.requests import list_requests
from readingroom.web.desk.router import router
from readingroom.web.guard import house_of, session_of
from readingroom.web.pages import page
from readingroom.web.permissions import Permission, declare
from readingroom.web.workbench.frames import Frames, document, subject


@declare(router, "GET", "/desk/flags", Permission.OFFICER)
def flags(request: Request) -> Response:
    """Flags that wait (24 h), those that are being removed (72 h), and requests with their clocks."""
    house = house_of(request)
    found = list_flags(house)
    return page(
        request,
        "desk/flags.html",
        waiting=[f for f in found if f.state is FlagState.OPEN],
        decided=[f for f in found if f.state is not FlagState.OPEN][::-1],
        requests=list_requests(house),
        now=house.clock.now(),
    )


@declare(router, "GET", "/desk/flags/{flag}", Permission.OFFICER)
def flag_page(request: Request, flag: str) -> Response:
    """One flag that waits; the item itself only after "Look at it", because a look is an event."""
    return _page(request, _flag(request, flag), seen=None)


@declare(router, "POST", "/desk/flags/{flag}/look", Permission.OFFICER)
def look(request: Request, flag: str) -> Response:
    """The flagged item, through the gate, its event first."""
    house, session = house_of(request), session_of(request)
    found = _flag(request, flag)
    seen = look_at_flag(house, flag, by=session.who.person, workstation=session.who.workstation or None)
    visit = Visit(CHECK, Action.JUDGE, person=session.who.person, workstation=session.who.workstation or None)
    question = Question(visit, seen.copy, seen.item)
    _frames(request).put(document(seen.cells), question, owner=session.key, now=house.clock.now())
    return _page(request, found, seen=seen)


@declare(router, "GET", "/desk/frame/{item}", Permission.OFFICER)
def frame(request: Request, item: str) -> Response:
    """The flagged item inside its frame, once, if it may still be seen now."""
    house = house_of(request)
    waiting = _frames(request).take(item, owner=session_of(request).key, now=house.clock.now())
    decision = decide(house, waiting.question)
    if not decision.permit:
        raise refusal(decision)
    return HTMLResponse(waiting.document)


@declare(router, "POST", "/desk/flags/{flag}", Permission.OFFICER)
def decide_one(  # noqa: PLR0917 - the fields of the form
    request: Request,
    flag: str,
    answer: Annotated[str, Form()],
    values: Annotated[str, Form(max_length=VALUES_LIMIT)] = "",
) -> Response:
    """Confirm a flag, naming what is personal, or dismiss it."""
    if answer not in {"confirm", "dismiss"}:
        raise UsageError("the answer is confirm or dismiss")
    confirm = answer == "confirm"
    if confirm and values.strip():
        parse_identifiers(values)
    decide_flag(
        house_of(request), flag, by=session_of(request).who.person, confirm=confirm, values=values if confirm else ""
    )
    return RedirectResponse("/desk/flags?done=decided", status_code=303)


def _flag(request: Request, flag: str) -> Flag:
    found = next((one for one in list_flags(house_of(request), state=FlagState.OPEN) if one.id == flag), None)
    if found is None:
        raise UnknownName("no such flag waits; somebody may have decided about it")
    return found


def _page(request: Request, flag: Flag, *, seen: Judged | None) -> Response:
    title = subject(seen.cells) if seen else ""
    return page(request, "desk/flag.html", flag=flag, looked=seen is not None, subject=title)


def _frames(request: Request) -> Frames:
    frames = request.app.state.frames
    if not isinstance(frames, Frames):
        raise TypeError("the application has no frames")
    return frames
