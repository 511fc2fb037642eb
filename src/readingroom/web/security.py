"""Headers of every answer, and where a request may come from.

Rule: no inline script or style, nothing from another host, nothing kept by the browser (`no-store`), no frame around.
The mail frame has a policy of its own: nothing in it can run or fetch, its own styles excepted (P19).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request

from readingroom.core.errors import AccessDenied
from readingroom.web.cookies import address_of

PAGE_POLICY: Final = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self'; "
    "connect-src 'self'; "
    "font-src 'self'; "
    "frame-src 'self'; "
    "form-action 'self'; "
    "base-uri 'none'; "
    "frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)
FRAME_POLICY: Final = (
    "sandbox allow-same-origin; "
    "default-src 'none'; "
    "style-src 'self' 'unsafe-inline'; "
    "img-src data:; "
    "form-action 'none'; "
    "base-uri 'none'; "
    "frame-ancestors 'self'"
)
_ALWAYS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with `no-referrer` a browser calls the origin of our own forms null
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "clipboard-read=(), clipboard-write=(), display-capture=(), camera=(), microphone=(), geolocation=()"
    ),
}


def headers_for(path: str, *, frame: bool) -> dict[str, str]:
    """The headers that an answer at `path` always has."""
    headers = dict(_ALWAYS)
    headers["Content-Security-Policy"] = FRAME_POLICY if frame else PAGE_POLICY
    headers["X-Frame-Options"] = "SAMEORIGIN" if frame else "DENY"
    static = path.startswith("/static/")
    headers["Cache-Control"] = "public, max-age=3600" if static else "no-store"
    return headers


def csrf_token(session_token: str) -> str:
    """The token that a page of this session puts into its forms; it tells nothing about the session."""
    return hmac.new(session_token.encode(), b"csrf", hashlib.sha256).hexdigest()


def check_site(request: Request) -> None:
    """Refuse a change that a page of another site sends (cross-site request forgery)."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    if site not in {"same-origin", "none"} or (origin is not None and origin != address_of(request)):
        raise AccessDenied("this change came from another site; open the page again and repeat it")


def check_token(session_token: str, *, given: str) -> None:
    """Refuse a change whose form was not made for this session."""
    if not hmac.compare_digest(csrf_token(session_token).encode(), given.encode(errors="replace")):
        raise AccessDenied("this form is not of your session; open the page again and repeat it")
