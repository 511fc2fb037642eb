"""What a customer's objection and a new engagement do to people who had a grant: the gate denies, for them alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from readingroom.access import view_item
from readingroom.access.objections import object_to, withdraw_objection
from readingroom.access.subprocessors import publish_list
from readingroom.core.errors import AccessDenied
from readingroom.engagement.optin import opt_in, terminate

SUE, ADA, ADMIN, SUB = "Sue Example", "Ada Example", "admin@customer.example", "Sub Example"
LIST = f'[[subprocessor]]\nname = "{SUB}"\ncountry = "IE"\nservice = "review"\n'.encode()


@pytest.fixture
def ready(stage: Any) -> Any:
    """Sue of a subprocessor and Ada of the vendor have all they need, and the thirty days have passed."""
    publish_list(stage.web, LIST)
    stage.clock.advance(timedelta(days=30))
    stage.eligible(SUE, employer=SUB)
    stage.grant(SUE)
    stage.reviewer(ADA)
    stage.sealed = stage.mails(["Dear [PERSON_7f3a2c]"])
    stage.item = stage.items(stage.sealed)[0]
    return stage


def view(stage: Any, name: str) -> Any:
    return view_item(
        stage.web, stage.person(name), workstation=stage.station(name), purpose="review", item=stage.item.id
    )


def test_an_objection_shuts_out_the_subprocessors_people_until_it_is_taken_back(ready: Any) -> None:
    view(ready, SUE)
    object_to(ready.web, "acme", SUB, by=ADMIN)
    with pytest.raises(AccessDenied) as denied:
        view(ready, SUE)
    assert any("objects" in reason for reason in denied.value.reasons)
    view(ready, ADA)  # the vendor's own are not concerned
    withdraw_objection(ready.web, "acme", SUB, by=ADMIN)
    view(ready, SUE)


def test_a_grant_of_an_engagement_that_ended_does_not_live_on_in_the_next(ready: Any) -> None:
    view(ready, ADA)
    terminate(ready.web, "acme", "the programme ends", actor="operator")
    with pytest.raises(AccessDenied):
        view(ready, ADA)
    ready.clock.advance(timedelta(minutes=1))
    opt_in(ready.web, "acme", ADMIN)
    ready.sealed = ready.mails(["Dear [PERSON_7f3a2c]"])
    ready.item = ready.items(ready.sealed)[0]
    with pytest.raises(AccessDenied) as denied:
        view(ready, ADA)
    assert any("no grant" in reason for reason in denied.value.reasons)
    ready.grant(ADA)
    view(ready, ADA)
