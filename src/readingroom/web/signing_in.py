"""Signing in through the identity provider, signing out everywhere, and the provider's own word that somebody left.

Rule: the session's cookie goes out on a page of ours, not on the provider's redirect, for it is `SameSite=Strict`.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from readingroom.access.identities import recognize
from readingroom.access.sessions import end_own_sessions, end_sessions, open_session
from readingroom.audit.unit import unit_of_work
from readingroom.core.errors import AccessDenied, ReadingroomError, UnknownName
from readingroom.db.engines import EVERY_TENANT
from readingroom.web.cookies import drop_session, give_session
from readingroom.web.guard import house_of, session_of
from readingroom.web.pages import page
from readingroom.web.permissions import Permission, declare
from readingroom.web.provider import Attempt, Provider

router = APIRouter()
ATTEMPT: Final = "readingroom_sign_in"
ATTEMPT_SECONDS: Final = 600


@declare(router, "GET", "/sign-in/provider", Permission.ANYONE)
def begin(request: Request) -> Response:
    """Send the browser to the identity provider."""
    provider, attempt = provider_of(request), Attempt.fresh()
    response = RedirectResponse(provider.begin(attempt), status_code=303)
    response.set_cookie(
        ATTEMPT,
        attempt.kept(),
        max_age=ATTEMPT_SECONDS,
        httponly=True,
        samesite="lax",  # the provider's redirect must carry it
        secure=provider.address.startswith("https:"),
        path="/sign-in",
    )
    return response


@declare(router, "GET", "/sign-in/callback", Permission.ANYONE)
def come_back(request: Request) -> Response:
    """Check what the provider says, and open a fresh session, never the visitor's old one (fixation)."""
    house, provider = house_of(request), provider_of(request)
    attempt = Attempt.of_cookie(request.cookies.get(ATTEMPT, ""))
    proof = provider.finish(attempt, request.query_params, house.clock.now())
    token = open_session(house, recognize(house, proof.identity), proof)
    response = page(request, "come_in.html")
    give_session(request, response, token)
    response.delete_cookie(ATTEMPT, path="/sign-in")
    return response


@declare(router, "POST", "/sign-in/ended", Permission.ANYONE)
async def ended(request: Request) -> Response:
    """Back-channel logout: the provider says that somebody signed out there, or was locked out."""
    given = (await request.form()).get("logout_token", "")
    try:
        count = await run_in_threadpool(_end, request, given if isinstance(given, str) else "")
    except AccessDenied:
        return JSONResponse({"error": "invalid_request"}, status_code=400)
    return JSONResponse({"sessions": count})


@declare(router, "POST", "/sign-out/everywhere", Permission.SIGNED_IN)
def sign_out_everywhere(request: Request) -> Response:
    """End every session of this person, on every machine; then the way to sign out at the provider too."""
    house = house_of(request)
    count = end_own_sessions(house, session_of(request))
    request.state.session = None
    response = page(request, "signed_out.html", count=count, address=_end_address(request))
    drop_session(request, response)
    return response


def provider_of(request: Request) -> Provider:
    """The identity provider of the room that this process serves; UnknownName where it has none."""
    provider: Any = request.app.state.provider
    if not isinstance(provider, Provider):
        raise UnknownName("this room has no identity provider")
    return provider


def _end(request: Request, token: str) -> int:
    house, provider = house_of(request), provider_of(request)
    proof = provider.logged_out(token, house.clock.now())
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        if proof.provider_session:
            return end_sessions(unit, provider_session=proof.provider_session, actor="identity-provider")
        return end_sessions(unit, identity=proof.identity, actor="identity-provider")


def _end_address(request: Request) -> str:
    if request.app.state.provider is None:
        return ""
    try:
        return provider_of(request).end_address()
    except ReadingroomError:
        return ""  # it does not answer; here, everything has ended
