"""The portal's pages. The tenant is always the session's own: no address names one (P18, P19)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Form
from starlette.requests import Request
from starlette.responses import Response

from readingroom.copies.certificate import read_certificate
from readingroom.copies.manifest import read_manifest
from readingroom.copies.records import Copy, get_copy, list_copies
from readingroom.copies.states import CopyState
from readingroom.core.canonical import canonical
from readingroom.core.errors import UnknownName
from readingroom.core.ids import CopyId
from readingroom.engagement import optin
from readingroom.engagement.contact import set_contact
from readingroom.engagement.feedback import erase_feedback, give_feedback, list_feedback
from readingroom.engagement.notice import get_notice, list_notices
from readingroom.engagement.states import EngagementState
from readingroom.engagement.tenants import Tenant
from readingroom.review.flag import list_flags
from readingroom.review.flag_states import FlagState
from readingroom.web.guard import house_of, session_of
from readingroom.web.pages import page
from readingroom.web.permissions import Permission, declare
from readingroom.web.portal import choices, previewing, proof
from readingroom.web.portal.register import last_look
from readingroom.web.portal.router import back, router, tenant_of

__all__ = ["choices", "previewing", "proof", "router"]  # each declares its routes on the one router

TOLD = frozenset({FlagState.CONFIRMED, FlagState.REMOVED})
ON = frozenset({EngagementState.ACTIVE, EngagementState.SUSPENDED, EngagementState.OPTING_OUT})


@declare(router, "GET", "/portal", Permission.CUSTOMER)
def overview(request: Request) -> Response:
    """Where the engagement stands, the toggles, the live copies, the last look."""
    house, tenant = house_of(request), tenant_of(request)
    engagement = optin.status(house, tenant.name)
    live = [copy for copy in _copies(request, tenant) if copy.state is CopyState.SEALED]
    notices = list_notices(house)
    return page(
        request,
        "portal/overview.html",
        tenant=tenant,
        engagement=engagement,
        sharing=engagement.state in ON,
        live=live,
        now=house.clock.now(),
        last_look=last_look(house, tenant),
        notice=notices[-1] if notices else None,
        newer=optin.newer(house, tenant.name),
        receipt=_receipt(request, tenant),
        missed=[flag for flag in list_flags(house, tenant.name) if flag.state in TOLD],
    )


@declare(router, "GET", "/portal/copies", Permission.CUSTOMER)
def copies(request: Request) -> Response:
    """Every copy ever made, with its countdown or its certificate."""
    tenant = tenant_of(request)
    return page(
        request, "portal/copies.html", tenant=tenant, copies=_copies(request, tenant), now=house_of(request).clock.now()
    )


@declare(router, "GET", "/portal/copies/{copy}", Permission.CUSTOMER)
def copy_page(request: Request, copy: str) -> Response:
    """One copy: what went in, what stayed out and why, what the second look found."""
    found = _own_copy(request, copy)
    return page(request, "portal/copy.html", copy=found, manifest=read_manifest(house_of(request), found.id))


@declare(router, "GET", "/portal/copies/{copy}/certificate", Permission.CUSTOMER)
def certificate(request: Request, copy: str) -> Response:
    """The signed purge certificate, to take home."""
    found = _own_copy(request, copy)
    document = read_certificate(house_of(request), found.id)
    name = f"attachment; filename={found.id}-certificate.json"
    return Response(document, media_type="application/json", headers={"Content-Disposition": name})


@declare(router, "GET", "/portal/receipt", Permission.CUSTOMER)
def receipt(request: Request) -> Response:
    """The latest signed receipt, to take home."""
    document = optin.receipt(house_of(request), tenant_of(request).name)
    headers = {"Content-Disposition": "attachment; filename=receipt.json"}
    return Response(canonical(document), media_type="application/json", headers=headers)


@declare(router, "GET", "/portal/notice", Permission.CUSTOMER)
def notice(request: Request) -> Response:
    """The notice that is, or would be, agreed to, word for word, and what a newer one changes."""
    house, tenant = house_of(request), tenant_of(request)
    engagement, newer = optin.status(house, tenant.name), optin.newer(house, tenant.name)
    versions = list_notices(house)
    if not versions:
        raise UnknownName("no notice has been published yet")
    agreed = engagement.notice_version if engagement.state in ON else None
    return page(
        request,
        "portal/notice.html",
        notice=get_notice(house, agreed) if agreed else versions[-1],
        agreed=agreed,
        newer=newer,
        latest=versions[-1],
        may_accept=engagement.state in {EngagementState.ACTIVE, EngagementState.SUSPENDED},
        versions=versions,
        feedback=list_feedback(house, tenant.name)[::-1],
    )


@declare(router, "POST", "/portal/sharing", Permission.CUSTOMER)
def sharing(request: Request, turn: Annotated[str, Form()], version: Annotated[int | None, Form()] = None) -> Response:
    """The data-sharing toggle: on is the opt-in to the notice shown, off is the opt-out, at once (P03)."""
    house, tenant, by = house_of(request), tenant_of(request), session_of(request).who.contact
    if turn == "on":
        optin.opt_in(house, tenant.name, by, read=version)
        return back("/portal", "opted-in")
    optin.opt_out(house, tenant.name, by)
    return back("/portal", "opted-out")


@declare(router, "POST", "/portal/pause", Permission.CUSTOMER)
def pause(request: Request, turn: Annotated[str, Form()]) -> Response:
    """Suspend or resume (P05)."""
    house, tenant, by = house_of(request), tenant_of(request), session_of(request).who.contact
    if turn == "on":
        optin.suspend(house, tenant.name, by=by)
        return back("/portal", "suspended")
    optin.resume(house, tenant.name, by=by)
    return back("/portal", "resumed")


@declare(router, "POST", "/portal/contact", Permission.CUSTOMER)
def contact(request: Request, turn: Annotated[str, Form()]) -> Response:
    """The separate permission to be contacted (P04)."""
    set_contact(house_of(request), tenant_of(request).name, allowed=turn == "on")
    return back("/portal", "contact")


@declare(router, "POST", "/portal/feedback", Permission.CUSTOMER)
def feedback(
    request: Request, text: Annotated[str, Form(max_length=4000)], warranted: Annotated[str, Form()] = ""
) -> Response:
    """Voluntary feedback, under the licence terms shown (P08)."""
    give_feedback(house_of(request), tenant_of(request).name, text, warranted=warranted == "yes")
    return back("/portal/notice", "feedback")


@declare(router, "POST", "/portal/feedback/{identity}/erase", Permission.CUSTOMER)
def forget_feedback(request: Request, identity: str) -> Response:
    """Forget the words of an entry; that it was given, and its terms, stay (P34)."""
    erase_feedback(house_of(request), tenant_of(request).name, identity)
    return back("/portal/notice", "forgotten")


def _copies(request: Request, tenant: Tenant) -> list[Copy]:
    return sorted(list_copies(house_of(request), tenant.name), key=lambda copy: copy.created_at, reverse=True)


def _own_copy(request: Request, copy: str) -> Copy:
    found = get_copy(house_of(request), CopyId(copy))
    if found.tenant != session_of(request).who.tenant:
        raise UnknownName("there is no such copy")  # not even that it exists elsewhere (P18)
    return found


def _receipt(request: Request, tenant: Tenant) -> dict[str, Any] | None:
    try:
        return optin.receipt(house_of(request), tenant.name)
    except UnknownName:
        return None
