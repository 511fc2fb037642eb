"""How well the reviewers find what was planted, for the privacy officer alone."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from readingroom.access.people import list_people
from readingroom.review.checks import recalls
from readingroom.web.desk.router import router
from readingroom.web.guard import house_of
from readingroom.web.pages import page
from readingroom.web.permissions import Permission, declare


@declare(router, "GET", "/desk/checks", Permission.OFFICER)
def checks(request: Request) -> Response:
    """Recall per reviewer, with its interval, and how many of their flags were not confirmed."""
    house = house_of(request)
    names = {person.actor: person.name for person in list_people(house)}
    return page(request, "desk/checks.html", recalls=recalls(house), names=names)
