"""The guard before every route: session, permission, and for changes the page's own token; then the route's code runs.

Rule 2: no session, no role, no token: no. A session is read afresh at each request, so a revocation bites at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from readingroom.access.people import PersonRole, get_person
from readingroom.access.sessions import Session, SessionKind, find_session
from readingroom.core.errors import AccessDenied
from readingroom.house import House
from readingroom.web.cookies import session_token
from readingroom.web.security import check_site, check_token


class Permission(StrEnum):
    """What a visitor must be."""

    ANYONE = "anyone"  # sign-in, health: nothing of a customer's
    SIGNED_IN = "signed in"
    CUSTOMER = "customer administrator"  # sees one tenant: the session's, never one from the address
    REVIEWER = "reviewer"
    APPROVER = "approver"
    OFFICER = "privacy-officer"
    ENGINEER = "ml-engineer"
    STAFF = "staff"  # any of the four above


_ROLES: Final = {
    Permission.REVIEWER: PersonRole.REVIEWER,
    Permission.APPROVER: PersonRole.APPROVER,
    Permission.OFFICER: PersonRole.PRIVACY_OFFICER,
    Permission.ENGINEER: PersonRole.ML_ENGINEER,
}


class SignInNeededError(AccessDenied):
    """Nobody is signed in; a page sends to the sign-in page, the API answers 403."""


@dataclass(frozen=True)
class Guard:
    """The dependency that every route runs behind; `changes` says that the route may change something."""

    permission: Permission
    changes: bool

    async def __call__(self, request: Request) -> None:
        """Find the session, check the permission, and for a change the page's token; leaves `state.session`."""
        request.state.session = None
        if self.permission is Permission.ANYONE:
            return
        token = session_token(request)
        session = await run_in_threadpool(find_session, house_of(request), token)
        if session is None:
            raise SignInNeededError("sign in first; your session has ended or never began")
        request.state.session = session  # a page that says no still says to whom
        await run_in_threadpool(check_permission, house_of(request), session, self.permission)
        if self.changes:
            check_site(request)
            check_token(token, given=await _given(request))


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
