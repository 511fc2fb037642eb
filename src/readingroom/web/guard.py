"""The guard before every route: session, permission, and for changes the page's own token; then the route's code runs.

Rule 2: no session, no role, no token: no. A session is read afresh at each request, so a revocation bites at once.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import Depends
from starlette.requests import Request

from readingroom.access.people import PersonRole, get_person
from readingroom.access.sessions import Session, SessionKind, find_session
from readingroom.core.errors import AccessDenied
from readingroom.house import House
from readingroom.web.permissions import Permission
from readingroom.web.security import check_origin

COOKIE: Final = "readingroom_session"
_ROLES: Final = {
    Permission.REVIEWER: PersonRole.REVIEWER,
    Permission.APPROVER: PersonRole.APPROVER,
    Permission.OFFICER: PersonRole.PRIVACY_OFFICER,
    Permission.ENGINEER: PersonRole.ML_ENGINEER,
}


class SignInNeededError(AccessDenied):
    """Nobody is signed in; a page sends to the sign-in page, the API answers 403."""


def guard_for(permission: Permission, *, changes: bool) -> Any:
    """The dependency that a route of this permission runs behind."""

    async def guard(request: Request) -> None:
        request.state.session = None
        if permission is Permission.ANYONE and not changes:
            return
        token = request.cookies.get(COOKIE, "")
        session = find_session(house_of(request), token)
        if session is None:
            if permission is Permission.ANYONE:
                return
            raise SignInNeededError("sign in first; your session has ended or never began")
        check_permission(house_of(request), session, permission)
        if changes:
            check_origin(request, session_token=token, given=await _given(request))
        request.state.session = session

    return Depends(guard)


def check_permission(house: House, session: Session, permission: Permission) -> None:
    """AccessDenied unless the session's person may use a route of this permission."""
    if permission in {Permission.ANYONE, Permission.SIGNED_IN}:
        return
    if permission is Permission.CUSTOMER:
        if session.who.kind is not SessionKind.CUSTOMER:
            raise AccessDenied("this page is the customer's administrator's")
        return
    if session.who.kind is not SessionKind.STAFF:
        raise AccessDenied("this page is for the people of the room")
    roles = get_person(house, session.who.person).roles
    if permission is not Permission.STAFF and _ROLES[permission] not in roles:
        raise AccessDenied(f"this page is for the role {_ROLES[permission].value}")


def house_of(request: Request) -> House:
    """The house that this process serves."""
    house = request.app.state.house
    if not isinstance(house, House):
        raise TypeError("the application has no house")
    return house


def session_of(request: Request) -> Session:
    """The session that the guard admitted."""
    session = request.state.session
    if not isinstance(session, Session):
        raise SignInNeededError("sign in first; your session has ended or never began")
    return session


async def _given(request: Request) -> str:
    header = request.headers.get("x-csrf", "")
    if header:
        return header
    if request.headers.get("content-type", "").startswith("application/json"):
        return ""
    value = (await request.form()).get("csrf", "")
    return value if isinstance(value, str) else ""
