"""The desk: approvals, facts to confirm, flags, models, promises. What needs somebody today stands first."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from fastapi import Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from readingroom.access.facts import confirm_fact, list_facts
from readingroom.access.grant_states import GrantState
from readingroom.access.grants import approve_grant, deny_grant, list_grants
from readingroom.access.people import get_person, list_people
from readingroom.assure.finding import Status
from readingroom.assure.table import promise_table
from readingroom.core.errors import UsageError
from readingroom.core.ids import GrantId, ModelId
from readingroom.models.spam_checker import list_models, release_model, score_mail
from readingroom.models.states import ModelState
from readingroom.web.desk import checks, flags, today
from readingroom.web.desk.router import router
from readingroom.web.guard import house_of, session_of
from readingroom.web.pages import page
from readingroom.web.permissions import Permission, declare

__all__ = ["checks", "flags", "router", "today"]  # each declares its routes on the one router

MAIL_LIMIT = 256 * 1024


@declare(router, "GET", "/desk", Permission.APPROVER)
def approvals(request: Request) -> Response:
    """Requests that wait for an answer, first the one that expires first."""
    house = house_of(request)
    grants = list_grants(house)
    waiting = sorted((g for g in grants if g.state is GrantState.REQUESTED), key=lambda g: g.answer_by)
    people = {person.id: person for person in list_people(house)}
    return page(
        request,
        "desk/approvals.html",
        waiting=waiting,
        others=[g for g in reversed(grants) if g.state is not GrantState.REQUESTED][:20],
        people=people,
        facts=[fact for fact in list_facts(house) if fact.confirmed_by is None and fact.withdrawn_at is None],
        me=session_of(request).who.person,
    )


@declare(router, "POST", "/desk/grants/{grant}", Permission.APPROVER)
def decide(request: Request, grant: str, answer: Annotated[str, Form()]) -> Response:
    """Approve or deny somebody else's request."""
    house, by = house_of(request), session_of(request).who.person
    if answer not in {"approve", "deny"}:
        raise UsageError("the answer is approve or deny")
    if answer == "approve":
        approve_grant(house, GrantId(grant), by=by)
        return RedirectResponse("/desk?done=approved", status_code=303)
    deny_grant(house, GrantId(grant), by=by)
    return RedirectResponse("/desk?done=denied", status_code=303)


@declare(router, "POST", "/desk/facts/{fact}", Permission.STAFF)
def confirm(request: Request, fact: str) -> Response:
    """Confirm a fact that somebody else asserted (P28)."""
    confirm_fact(house_of(request), fact, by=session_of(request).who.person)
    return RedirectResponse("/?done=decided", status_code=303)


@declare(router, "GET", "/desk/models", Permission.ENGINEER)
def models(request: Request) -> Response:
    """Models with their budgets and gates; a mail to try a released one on."""
    return _models(request, score=None, mail="")


@declare(router, "POST", "/desk/models/{model}/release", Permission.ENGINEER)
def release(request: Request, model: str) -> Response:
    """Release a gated model as the second person."""
    house = house_of(request)
    release_model(house, ModelId(model), by=get_person(house, session_of(request).who.person))
    return RedirectResponse("/desk/models?done=released", status_code=303)


@declare(router, "POST", "/desk/score", Permission.ENGINEER)
def score(request: Request, mail: Annotated[str, Form(max_length=MAIL_LIMIT)]) -> Response:
    """Try the released spam checker on a mail; the mail is not kept."""
    house = house_of(request)
    found = score_mail(house, None, mail.encode())
    return _models(request, score=found.public(), mail=mail)


@declare(router, "GET", "/desk/promises", Permission.STAFF)
def promises(request: Request) -> Response:
    """The promises with live evidence."""
    rows = promise_table(house_of(request))
    counted = Counter(row.status.value for row in rows)
    tally = [(status.value, counted[status.value]) for status in Status if counted[status.value]]
    return page(request, "desk/promises.html", rows=rows, tally=tally)


def _models(request: Request, *, score: dict[str, Any] | None, mail: str) -> Response:
    house = house_of(request)
    found = list_models(house)
    released = any(model["state"] == ModelState.RELEASED for model in found)
    actor = get_person(house, session_of(request).who.person).actor
    return page(request, "desk/models.html", models=found, released=released, actor=actor, score=score, mail=mail)
