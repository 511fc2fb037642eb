"""The workbench's pages and calls. Every item comes through the gate, also one fetched ahead (P10, P14, P19-P23)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from readingroom.access.dossier import Visit
from readingroom.access.gate import Request as Question
from readingroom.access.gate import decide, refusal
from readingroom.access.grants import Grant, Wish, active_grants, list_grants, request_access
from readingroom.access.people import get_person
from readingroom.access.standing import Action
from readingroom.core.category import Category
from readingroom.core.errors import AccessDenied
from readingroom.core.ids import ItemId, TenantName
from readingroom.engagement.optin import status
from readingroom.engagement.tenants import list_tenants
from readingroom.review.labels import Mark, record_label, undo_last
from readingroom.review.queues import next_item
from readingroom.review.task_states import parse_answer
from readingroom.web.guard import house_of, session_of
from readingroom.web.pages import page
from readingroom.web.permissions import Permission, declare
from readingroom.web.workbench.frames import Frames, document, facts, subject

router = APIRouter()
COUNTED = ("view-budget",)  # this very item may have been the last of the budget


class Held(BaseModel):
    """Which items the page has on the screen or fetched ahead."""

    held: list[str] = Field(default_factory=list, max_length=8)


class Said(BaseModel):
    """What the reviewer says about one item."""

    item: str = Field(max_length=64)
    answer: str = Field(max_length=16)
    dwell_ms: int = Field(default=0, ge=0)


class Undone(BaseModel):
    """Which label is taken back; only the reviewer's last one can be."""

    item: str = Field(max_length=64)


@declare(router, "GET", "/work", Permission.REVIEWER)
def work(request: Request) -> Response:
    """The reviewer's grants, and a form to ask for one."""
    house, person = house_of(request), session_of(request).who.person
    tenants = [status(house, tenant.name) for tenant in list_tenants(house)]
    return page(
        request,
        "workbench/start.html",
        active=active_grants(house, person),
        grants=list_grants(house, person=person)[::-1],
        offers=[one for one in tenants if one.purposes],
        purposes=sorted({purpose for one in tenants for purpose in one.purposes}),
        hours=house.settings.limits.grant_hours,
        workstation=session_of(request).who.workstation,
    )


@declare(router, "POST", "/work/request", Permission.REVIEWER)
def ask(  # noqa: PLR0917 - the fields of the form
    request: Request,
    tenant: Annotated[str, Form(max_length=64)],
    purpose: Annotated[str, Form(max_length=64)],
    hours: Annotated[int, Form(ge=1, le=24)],
    why: Annotated[str, Form(max_length=1000)],
) -> Response:
    """Ask for access; somebody else approves."""
    wish = Wish(tenant=TenantName(tenant), category=Category.MARKETING, purpose=purpose, hours=hours, why=why)
    request_access(house_of(request), session_of(request).who.person, wish)
    return RedirectResponse("/work?done=requested", status_code=303)


@declare(router, "GET", "/work/mail/{grant}", Permission.REVIEWER)
def bench(request: Request, grant: str) -> Response:
    """The bench itself: one item, one key, no reload."""
    house, who = house_of(request), session_of(request).who
    found = _grant(request, grant)
    return page(
        request,
        "workbench/mail.html",
        grant=found,
        actor=get_person(house, who.person).actor,
        workstation=who.workstation or "no workstation",
        now=house.clock.now(),
    )


@declare(router, "POST", "/work/next/{grant}", Permission.REVIEWER)
def fetch(request: Request, grant: str, held: Held) -> Response:
    """The next item of the queue; its event is on disk before this answer begins."""
    house, session = house_of(request), session_of(request)
    found = _grant(request, grant)
    view = next_item(
        house,
        session.who.person,
        workstation=session.who.workstation or None,
        purpose=found.purpose,
        tenant=found.tenant,
        holding=[ItemId(item) for item in held.held],
    )
    if view is None:
        return JSONResponse({"item": None})
    visit = Visit(found.purpose, Action.VIEW, person=session.who.person, workstation=session.who.workstation or None)
    question = Question(visit, view.copy, view.item)
    _frames(request).put(document(view.cells), question, owner=session.key, now=house.clock.now())
    return JSONResponse(
        {
            "item": view.item,
            "frame": f"/work/frame/{view.item}",
            "subject": subject(view.cells),
            "facts": facts(view.cells, view.placeholders),
            "views_left": view.views_left,
        }
    )


@declare(router, "GET", "/work/frame/{item}", Permission.REVIEWER)
def frame(request: Request, item: str) -> Response:
    """The mail inside its frame, once, if it may still be seen now: it may have waited for a minute."""
    house = house_of(request)
    waiting = _frames(request).take(item, owner=session_of(request).key, now=house.clock.now())
    decision = decide(house, waiting.question)
    if not decision.permit and decision.policies != COUNTED:
        raise refusal(decision)
    return HTMLResponse(waiting.document)


@declare(router, "POST", "/work/label", Permission.REVIEWER)
def label(request: Request, said: Said) -> Response:
    """Record one decision; `personal` withholds the item and its twins at once."""
    mark = Mark(ItemId(said.item), parse_answer(said.answer))
    record_label(house_of(request), session_of(request).who.person, mark)
    return Response(status_code=204)


@declare(router, "POST", "/work/undo", Permission.REVIEWER)
def undo(request: Request, undone: Undone) -> Response:
    """Take back the reviewer's own last label."""
    taken = undo_last(house_of(request), session_of(request).who.person)
    return JSONResponse({"item": taken.item, "asked": undone.item})


def _grant(request: Request, grant: str) -> Grant:
    """The reviewer's own grant of that id, active now."""
    mine = active_grants(house_of(request), session_of(request).who.person)
    found = next((one for one in mine if one.id == grant), None)
    if found is None:
        raise AccessDenied("this grant is not yours, or not active any more; ask for a new one at /work")
    return found


def _frames(request: Request) -> Frames:
    frames = request.app.state.frames
    if not isinstance(frames, Frames):
        raise TypeError("the application has no frames")
    return frames
