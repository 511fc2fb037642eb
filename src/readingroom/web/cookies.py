"""The session's cookie: where people open the room by https, only a page of this very host can set it (`__Host-`)."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from readingroom.access.sessions import SESSION_LIFE

COOKIE: Final = "readingroom_session"


def address_of(request: Request) -> str:
    """The origin under which people open this room: of room.toml, or of the request where nothing stands there."""
    configured: str = request.app.state.house.settings.identity_provider.get("address", "")
    return configured or f"{request.url.scheme}://{request.url.netloc}"


def session_token(request: Request) -> str:
    """The session token that the browser sent; empty if none."""
    return request.cookies.get(_name(request), "")


def give_session(request: Request, response: Response, token: str) -> None:
    """Let the browser keep a session token: out of reach of scripts and of other sites, twelve hours at most."""
    response.set_cookie(
        _name(request),
        token,
        max_age=int(SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=_secure(request),
        path="/",
    )


def drop_session(request: Request, response: Response) -> None:
    """Let the browser forget the session and every page; the device key stays, and so do other hosts' cookies."""
    response.delete_cookie(_name(request), path="/", secure=_secure(request), httponly=True, samesite="strict")
    response.headers["Clear-Site-Data"] = '"cache"'


def _secure(request: Request) -> bool:
    return address_of(request).startswith("https:")


def _name(request: Request) -> str:
    return f"__Host-{COOKIE}" if _secure(request) else COOKIE
