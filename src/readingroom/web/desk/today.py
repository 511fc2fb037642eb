"""The desk's start page: what needs somebody today first."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from readingroom.access.people import get_person
from readingroom.web.desk.agenda import agenda
from readingroom.web.desk.router import router
from readingroom.web.guard import house_of, session_of
from readingroom.web.pages import page
from readingroom.web.permissions import Permission, declare


@declare(router, "GET", "/desk/today", Permission.STAFF)
def today(request: Request) -> Response:
    """Approvals, flags, requests, copies, facts, models and promises, as far as the visitor's roles go."""
    house = house_of(request)
    now = house.clock.now()
    lines = agenda(house, get_person(house, session_of(request).who.person))
    grouped = [
        (title, [line for line in lines if line.urgency(now) == urgency])
        for urgency, title in (("overdue", "Overdue"), ("today", "Today"), ("later", "Later"))
    ]
    return page(request, "desk/today.html", groups=[group for group in grouped if group[1]])
