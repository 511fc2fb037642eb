"""Access levels are watched: unused and lapsed grants go, and somebody is told (P29)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from readingroom.access import view_item
from readingroom.access.facts import FactKind, list_facts, withdraw_fact
from readingroom.access.grant_states import GrantState
from readingroom.access.grants import list_grants
from readingroom.access.monitor import (
    DENIALS_A_DAY,
    UNUSED_AFTER,
    AlertKind,
    access_review,
    list_alerts,
    monitor,
    see_alert,
)
from readingroom.access.tables import FACTS
from readingroom.audit.unit import Event, unit_of_work
from readingroom.core.errors import AccessDenied, UnknownName
from readingroom.db.engines import EVERY_TENANT

ADA, BEN = "Ada Example", "Ben Example"


def states(stage: Any, name: str) -> list[GrantState]:
    return [grant.state for grant in list_grants(stage.web, person=stage.person(name))]


def test_a_grant_that_nobody_used_is_revoked_and_a_used_one_stays(stage: Any) -> None:
    stage.reviewer(ADA)
    stage.reviewer(BEN)
    item = stage.items(stage.mails(["x"]))[0]
    view_item(stage.web, stage.person(ADA), workstation=stage.station(ADA), purpose="review", item=item.id)
    assert monitor(stage.worker) == []
    stage.clock.advance(UNUSED_AFTER)
    [alert] = monitor(stage.worker)
    assert (alert.kind, alert.person) == (AlertKind.UNUSED, stage.person(BEN))
    assert (states(stage, ADA), states(stage, BEN)) == ([GrantState.APPROVED], [GrantState.REVOKED])
    assert monitor(stage.worker) == []


def test_a_grant_of_somebody_whose_eligibility_lapsed_is_revoked(stage: Any) -> None:
    stage.reviewer(ADA)
    fact = next(f for f in list_facts(stage.web, stage.person(ADA)) if f.kind is FactKind.AGREEMENT)
    withdraw_fact(stage.web, fact.id, by=stage.person("Vera Example"))
    [alert] = monitor(stage.worker)
    assert alert.kind is AlertKind.LAPSED
    assert states(stage, ADA) == [GrantState.REVOKED]
    see_alert(stage.web, alert.id, by=stage.person("Otto Example"))
    assert list_alerts(stage.web) == ()
    assert len(list_alerts(stage.web, unseen=False)) == 1
    with pytest.raises(UnknownName):
        see_alert(stage.web, alert.id, by=stage.person("Otto Example"))


def test_eligibility_that_ends_soon_is_told_once_a_day(stage: Any) -> None:
    stage.eligible(ADA)
    with unit_of_work(stage.web.db, EVERY_TENANT, stage.clock) as unit:
        mine = FACTS.c.person == stage.person(ADA)
        unit.connection.execute(update(FACTS).where(mine).values(until=stage.clock.now() + timedelta(days=14)))
        unit.append(Event("test.forged", actor="test"))
    assert [alert.kind for alert in monitor(stage.worker)] == [AlertKind.ENDING]
    assert monitor(stage.worker) == []
    stage.clock.advance(timedelta(hours=24))
    assert len(monitor(stage.worker)) == 1


def test_many_denials_are_told(stage: Any) -> None:
    stage.person(ADA)
    item = stage.items(stage.mails(["x"]))[0]
    for _ in range(DENIALS_A_DAY):
        with pytest.raises(AccessDenied):
            view_item(stage.web, stage.person(ADA), workstation=None, purpose="review", item=item.id)
    assert [alert.kind for alert in monitor(stage.worker)] == [AlertKind.DENIALS]


def test_the_access_review_lists_who_could_do_what_and_did(stage: Any) -> None:
    stage.reviewer(ADA)
    item = stage.items(stage.mails(["x"]))[0]
    view_item(stage.web, stage.person(ADA), workstation=stage.station(ADA), purpose="review", item=item.id)
    lines = {line.person.name: line for line in access_review(stage.web)}
    assert (lines[ADA].missing, lines[ADA].active, lines[ADA].views) == ((), 1, 1)
    assert lines[ADA].last_view == stage.clock.now()
    assert lines["Vera Example"].missing == ("screening", "training", "agreement")
    assert lines[ADA].public()["active_grants"] == 1
