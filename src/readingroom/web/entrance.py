"""The entrance: sign-in links (simulation rooms), signing out, health, and where each kind of visitor belongs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from readingroom.access.people import PersonRole, get_person
from readingroom.access.sessions import SessionKind, end_session, find_session, redeem_link
from readingroom.db.engines import EVERY_TENANT
from readingroom.web.cookies import drop_session, give_session, session_token
from readingroom.web.guard import house_of
from readingroom.web.pages import page
from readingroom.web.permissions import Permission, declare
from readingroom.web.security import check_site

router = APIRouter()
_HOMES = (
    (PersonRole.REVIEWER, "/work"),
    (PersonRole.APPROVER, "/desk/today"),
    (PersonRole.PRIVACY_OFFICER, "/desk/today"),
    (PersonRole.ML_ENGINEER, "/desk/today"),
)


@declare(router, "GET", "/", Permission.ANYONE)
def home(request: Request) -> Response:
    """Send a visitor to where they belong."""
    house = house_of(request)
    session = find_session(house, session_token(request))
    if session is None:
        return RedirectResponse("/sign-in", status_code=303)
    if session.who.kind is SessionKind.CUSTOMER:
        return RedirectResponse("/portal", status_code=303)
    roles = get_person(house, session.who.person).roles
    address = next((where for role, where in _HOMES if role in roles), "/sign-in")
    return RedirectResponse(address, status_code=303)


@declare(router, "GET", "/sign-in", Permission.ANYONE)
def sign_in(request: Request) -> Response:
    """How to sign in here."""
    return page(request, "sign_in.html", provider=request.app.state.provider is not None)


@declare(router, "GET", "/sign-in/{token}", Permission.ANYONE)
def redeem(request: Request, token: str) -> Response:
    """Show a button, so that a mail scanner or a preview that follows a link does not use it up."""
    return page(request, "redeem.html", token=token)


@declare(router, "POST", "/sign-in/{token}", Permission.ANYONE)
def enter(request: Request, token: str) -> Response:
    """Use a sign-in link: a fresh session, never the visitor's old one (fixation)."""
    check_site(request)
    session = redeem_link(house_of(request), token)
    response = RedirectResponse("/", status_code=303)
    give_session(request, response, session)
    return response


@declare(router, "POST", "/sign-out", Permission.SIGNED_IN)
def sign_out(request: Request) -> Response:
    """End the session here and now."""
    end_session(house_of(request), session_token(request))
    response = RedirectResponse("/sign-in", status_code=303)
    drop_session(request, response)
    return response


@declare(router, "GET", "/api/health", Permission.ANYONE)
def health(request: Request) -> JSONResponse:
    """Whether the databases answer; nothing else."""
    house = house_of(request)
    answered: dict[str, Any] = {}
    for database in (house.db, *(place.db for place in house.places.values())):
        with database.read(EVERY_TENANT) as connection:
            connection.exec_driver_sql("SELECT 1")
        answered[database.name] = "ok"
    return JSONResponse({"status": "ok", "databases": answered})
