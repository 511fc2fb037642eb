"""The administrator's choices: a newer notice, contact, subprocessors, data subjects (P01, P04, P27, P34)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form
from starlette.requests import Request
from starlette.responses import Response

from readingroom.access.objections import list_objections, object_to, subprocessors_for, withdraw_objection
from readingroom.core.canonical import canonical
from readingroom.core.errors import UnknownName
from readingroom.engagement import optin
from readingroom.engagement.contact import (
    ContactTopic,
    administrators,
    contact_choice,
    contact_history,
    contact_register,
    set_contact,
)
from readingroom.subjects.asks import LONGEST, ask, list_asked
from readingroom.subjects.requests import list_requests
from readingroom.subjects.states import RequestKind
from readingroom.web.guard import house_of
from readingroom.web.pages import page
from readingroom.web.permissions import Permission, declare
from readingroom.web.portal.router import address_of, back, router, tenant_of

TOPICS = {
    ContactTopic.ENGAGEMENT: "How the engagement goes",
    ContactTopic.SERVICES: "Experience with the services",
}


@declare(router, "POST", "/portal/notice/accept", Permission.CUSTOMER)
def accept(request: Request, version: Annotated[int, Form()]) -> Response:
    """Agree to the newer notice, as it was shown; new copies go on under it (P01)."""
    optin.accept_notice(house_of(request), tenant_of(request).name, address_of(request), read=version)
    return back("/portal", "accepted")


@declare(router, "GET", "/portal/contact", Permission.CUSTOMER)
def contact_page(request: Request) -> Response:
    """Who may be asked about what, every choice so far, every contact made (P04)."""
    house, tenant = house_of(request), tenant_of(request)
    people = administrators(house, tenant.name)
    return page(
        request,
        "portal/contact.html",
        choice=contact_choice(house, tenant.name),
        history=contact_history(house, tenant.name)[::-1],
        made=contact_register(house, tenant.name)[::-1],
        people=people,
        topics=TOPICS,
        own=address_of(request),
    )


@declare(router, "POST", "/portal/contact/choice", Permission.CUSTOMER)
def choose_contact(
    request: Request,
    topics: Annotated[list[ContactTopic] | None, Form()] = None,
    who: Annotated[str, Form(max_length=254)] = "",
) -> Response:
    """Allow to be asked about the topics that are ticked; none is the refusal (P04)."""
    house, tenant, chosen = house_of(request), tenant_of(request), topics or []
    set_contact(house, tenant.name, allowed=bool(chosen), who=who.strip() or None, topics=chosen)
    return back("/portal/contact", "contact")


@declare(router, "GET", "/portal/subprocessors", Permission.CUSTOMER)
def subprocessors(request: Request) -> Response:
    """Who else's people may be admitted, from when on, and whom this customer objects to (P27)."""
    house, tenant = house_of(request), tenant_of(request)
    return page(
        request,
        "portal/subprocessors.html",
        entries=subprocessors_for(house, tenant.name),
        objections=list_objections(house, tenant.name)[::-1],
        now=house.clock.now(),
        days=house.settings.limits.subprocessor_notice_days,
    )


@declare(router, "POST", "/portal/subprocessors", Permission.CUSTOMER)
def objection(
    request: Request,
    *,
    employer: Annotated[str, Form(max_length=200)],
    turn: Annotated[str, Form()],
    why: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Object to a subprocessor, or take the objection back; it acts at once."""
    house, tenant, by = house_of(request), tenant_of(request), address_of(request)
    if turn == "off":
        withdraw_objection(house, tenant.name, employer, by=by)
    else:
        object_to(house, tenant.name, employer, by=by, why=why)
    return back("/portal/subprocessors", "objection")


@declare(router, "GET", "/portal/requests", Permission.CUSTOMER)
def requests(request: Request) -> Response:
    """The data-subject requests that this customer made, with their clocks, and the form for another (P34)."""
    house, tenant = house_of(request), tenant_of(request)
    return page(
        request,
        "portal/requests.html",
        requests=list_requests(house, tenant.name),
        asked=list_asked(house, tenant),
        now=house.clock.now(),
        longest=LONGEST,
    )


@declare(router, "GET", "/portal/requests/{request_id}/receipt", Permission.CUSTOMER)
def erasure_receipt(request: Request, request_id: str) -> Response:
    """The signed receipt of an erasure that was asked for here, to take home."""
    found = [one for one in list_asked(house_of(request), tenant_of(request)) if one.id == request_id]
    if not found or "receipt" not in found[0].answer:
        raise UnknownName("there is no such receipt")
    headers = {"Content-Disposition": f"attachment; filename={found[0].id}-receipt.json"}
    return Response(canonical(found[0].answer["receipt"]), media_type="application/json", headers=headers)


@declare(router, "POST", "/portal/requests", Permission.CUSTOMER)
def request_form(
    request: Request,
    *,
    kind: Annotated[RequestKind, Form()],
    identifiers: Annotated[str, Form(max_length=LONGEST)],
    attested: Annotated[str, Form()],
    name: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Enter a request; the administrator vouches for who is asking. The identifiers are sealed at once."""
    if attested == "yes":
        ask(house_of(request), tenant_of(request), kind, identifiers=identifiers, name=name.strip())
        return back("/portal/requests", "erasure")
    return back("/portal/requests", "not-attested")
