"""What the portal's pages share: their router, the session's own tenant, and the way back after a change."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from readingroom.engagement.tenants import Tenant, get_tenant
from readingroom.web.guard import house_of, session_of

router = APIRouter()


def tenant_of(request: Request) -> Tenant:
    """The tenant of the session, and no other (P18, P19)."""
    return get_tenant(house_of(request), session_of(request).who.tenant)


def address_of(request: Request) -> str:
    """The e-mail address of the administrator who is signed in."""
    return session_of(request).who.contact


def back(path: str, done: str) -> Response:
    """To `path` again, with one of the messages of `pages.DONE`."""
    return RedirectResponse(f"{path}?done={done}", status_code=303)
