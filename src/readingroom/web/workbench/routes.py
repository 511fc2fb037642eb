"""The workbench's pages and calls. Every item comes through the gate, also one fetched ahead (P10, P14, P19-P23)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from readingroom.access.gate import decide, refusal
from readingroom.access.grants import Wish, active_grants, list_grants, request_access
from readingroom.core.category import Category
from readingroom.core.ids import ItemId, TenantName
from readingroom.engagement.optin import status
from readingroom.engagement.tenants import list_tenants
from readingroom.review.labels import Mark, record_label, undo_last
from readingroom.review.task_states import parse_answer
from readingroom.web.guard import house_of, session_of
from readingroom.web.pages import page
from readingroom.web.permissions import Permission, declare
from readingroom.web.workbench import checks, queues
from readingroom.web.workbench.router import Held, Said, Undone, frames_of, grant_of, router

__all__ = ["checks", "queues", "router"]  # each declares its routes on the one router
COUNTED = ("view-budget",)  # this very item may have been the last of the budget


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
        categories=[one.value for one in Category],
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
    category: Annotated[Category, Form()] = Category.MARKETING,
) -> Response:
    """Ask for access; somebody else approves."""
    wish = Wish(tenant=TenantName(tenant), category=category, purpose=purpose, hours=hours, why=why)
    request_access(house_of(request), session_of(request).who.person, wish)
    return RedirectResponse("/work?done=requested", status_code=303)


@declare(router, "GET", "/work/mail/{grant}", Permission.REVIEWER)
def bench(request: Request, grant: str) -> Response:
    """The bench itself: one item, one key, no reload."""
    return queues.label_page(request, grant_of(request, grant), "mail", next_one=f"/work/next/{grant}")


@declare(router, "POST", "/work/next/{grant}", Permission.REVIEWER)
def fetch(request: Request, grant: str, held: Held) -> Response:
    """The next item of the queue; its event is on disk before this answer begins."""
    return queues.hand_next(request, grant_of(request, grant), "mail", held=held)


@declare(router, "GET", "/work/frame/{item}", Permission.REVIEWER)
def frame(request: Request, item: str) -> Response:
    """The mail inside its frame, once, if it may still be seen now: it may have waited for a minute."""
    house = house_of(request)
    waiting = frames_of(request).take(item, owner=session_of(request).key, now=house.clock.now())
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
