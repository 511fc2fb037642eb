"""How a page is made: one template environment (everything escaped), and what every page shows.

Rule: templates get plain values; nothing is marked safe anywhere but the mail frame, which has been sanitized.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from readingroom.access.people import PersonRole, get_person
from readingroom.access.sessions import Session, SessionKind
from readingroom.core.clock import SystemClock
from readingroom.web.cookies import session_token
from readingroom.web.guard import house_of
from readingroom.web.security import csrf_token

_ENVIRONMENT = Environment(
    loader=PackageLoader("readingroom.web", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_NAV = {
    PersonRole.REVIEWER: (("/work", "Workbench"),),
    PersonRole.APPROVER: (("/desk", "Approvals"),),
    PersonRole.PRIVACY_OFFICER: (("/desk/flags", "Flags"), ("/desk/checks", "Checks"), ("/desk/promises", "Promises")),
    PersonRole.ML_ENGINEER: (("/desk/models", "Models"),),
}


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """The page `template` with `values` and the frame that every page has."""
    house = house_of(request)
    session: Session | None = getattr(request.state, "session", None)
    skew = (house.clock.now() - SystemClock().now()).total_seconds()
    frame = {
        "csrf": csrf_token(session_token(request)) if session else "",
        "simulation": house.settings.simulation,
        "room_name": house.settings.name,
        "skew": f"{skew:.0f}",  # how far the room's clock is ahead; countdowns add it
        "nav": _nav(request, session),
        "here": request.url.path,
        "who": _who(request, session),
        "message": request.query_params.get("done", "") and DONE.get(request.query_params["done"], ""),
    }
    return HTMLResponse(_ENVIRONMENT.get_template(template).render({**frame, **values}), status_code=status)


# the only messages that an address can ask for: text in an address is not ours to show
DONE: Mapping[str, str] = {
    "opted-in": "Data sharing is on. Your receipt is below.",
    "opted-out": "Data sharing is off. Nobody can view your data from this moment; live copies are being purged.",
    "suspended": "The engagement is suspended. Nothing is copied or viewed until you resume it.",
    "resumed": "The engagement goes on.",
    "contact": "Your choice about being contacted is kept.",
    "requested": "Your request is entered, and waits for somebody else to approve it.",
    "approved": "The request is approved.",
    "denied": "The request is denied.",
    "decided": "The flag is decided.",
    "released": "The model is released.",
    "feedback": "Thank you. Your feedback is kept under the terms shown.",
    "accepted": "The newer notice is agreed to. Your receipt is below.",
    "objection": "Your objection is kept, and acts at once.",
    "forgotten": "The words are forgotten; that feedback was given stays in the register.",
    "not-attested": "Nothing was entered: a request needs you to vouch for who is asking.",
    "erasure": "The request is entered. It is carried out by the next round of duties.",
}


def when(instant: datetime | None) -> str:
    """An instant as pages show it."""
    return "\N{EN DASH}" if instant is None else f"{instant:%Y-%m-%d %H:%M} UTC"


def until(instant: datetime) -> str:
    """An instant in seconds, for the countdown."""
    return f"{instant.timestamp():.0f}"


def pretty(value: Any) -> str:
    """A JSON value on lines of its own."""
    return json.dumps(value, indent=1, ensure_ascii=False, default=str)


def _nav(request: Request, session: Session | None) -> Sequence[tuple[str, str]]:
    if session is None:
        return ()
    if session.who.kind is SessionKind.CUSTOMER:
        return (
            ("/portal", "Overview"),
            ("/portal/copies", "Copies"),
            ("/portal/views", "Who saw what"),
            ("/portal/requests", "Requests"),
            ("/portal/subprocessors", "Subprocessors"),
            ("/portal/notice", "Notice"),
            ("/portal/preview", "Preview"),
        )
    roles = get_person(house_of(request), session.who.person).roles
    own = tuple(entry for role, entries in _NAV.items() if role in roles for entry in entries)
    return (("/desk/today", "Today"), *own) if roles - {PersonRole.REVIEWER} else own


def _who(request: Request, session: Session | None) -> str:
    if session is None:
        return ""
    if session.who.kind is SessionKind.CUSTOMER:
        return f"{session.who.contact} · {session.who.tenant}"
    return get_person(house_of(request), session.who.person).name


_ENVIRONMENT.filters.update(when=when, until=until, pretty=pretty)
