"""Whole parts through the gate: training, checking and requests, each with one event a part."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from readingroom.access import ITEM, Wanted, open_dataset, open_for_check, open_for_request
from readingroom.access.people import PersonRole
from readingroom.audit.unit import Event, unit_of_work
from readingroom.copies.part_names import ROW
from readingroom.copies.tables import Reason
from readingroom.copies.withheld import withhold_item
from readingroom.core.category import Category
from readingroom.core.errors import AccessDenied, UnknownName, UsageError
from readingroom.core.ids import TenantName
from readingroom.engagement.optin import suspend

EVE, ACME, PURPOSE = "Eve Example", TenantName("acme"), "spam-checker"


@pytest.fixture
def ready(stage: Any) -> Any:
    stage.eligible(EVE, PersonRole.ML_ENGINEER)
    stage.grant(EVE, purpose=PURPOSE)
    stage.sealed = stage.mails(["one", "two", "three"])
    return stage


def train(stage: Any, **changed: Any) -> list[Any]:
    asked = {"tenant": ACME, "category": Category.MARKETING} | changed
    return list(open_dataset(stage.web, stage.person(EVE), PURPOSE, **asked))


def withhold(stage: Any, item: Any) -> None:
    with unit_of_work(stage.web.place("us").db, ACME, stage.clock) as unit:
        withhold_item(unit, item.id, reason=Reason.FLAGGED)
        unit.append(Event("test.withheld", actor="test"))


def test_training_gets_rows_with_item_ids_and_one_event_a_part(ready: Any) -> None:
    items = ready.items(ready.sealed)
    withhold(ready, items[1])
    [(part, table)] = train(ready)
    assert part.table_name == "email"
    assert table["description"].to_pylist() == ["one", "three"]
    assert table[ITEM].to_pylist() == [items[0].id, items[2].id]
    [event] = ready.events("part.opened")
    assert event["facts"]["rows"] == 2
    assert event["facts"]["policies"] == ["engineers-train"]
    assert (event["facts"]["part"], event["facts"]["purpose"]) == (part.name, PURPOSE)


def test_training_takes_the_tables_and_columns_it_asks_for(ready: Any) -> None:
    assert train(ready, wanted=Wanted(tables=("contact",))) == []
    assert ready.events("part.opened") == []
    [(_, table)] = train(ready, wanted=Wanted(columns=("subject",)))
    assert table.column_names == ["subject", ROW, ITEM]


def test_training_needs_all_that_a_view_needs_but_the_desk(ready: Any) -> None:
    suspend(ready.web, ACME)
    with pytest.raises(AccessDenied, match="engagement"):
        train(ready)
    assert ready.events("access.denied")[0]["facts"]["action"] == "train"


def test_a_reviewer_does_not_train_and_an_engineer_does_not_view(ready: Any) -> None:
    ready.reviewer("Ada Example")
    with pytest.raises(AccessDenied, match="role"):
        list(open_dataset(ready.web, ready.person("Ada Example"), "review", tenant=ACME, category=Category.MARKETING))
    from readingroom.access import view_item

    item = ready.items(ready.sealed)[0]
    with pytest.raises(AccessDenied, match="role"):
        view_item(ready.web, ready.person(EVE), workstation=ready.station(EVE), purpose=PURPOSE, item=item.id)


def test_a_revocation_between_two_parts_bites(ready: Any) -> None:
    ready.mails(["four"])
    parts = open_dataset(ready.web, ready.person(EVE), PURPOSE, tenant=ACME, category=Category.MARKETING)
    next(parts)
    ready.clock.advance(timedelta(hours=8))
    with pytest.raises(AccessDenied, match="hours"):
        next(parts)


def test_without_a_live_copy_there_is_nothing(ready: Any) -> None:
    with pytest.raises(UnknownName):
        train(ready, category=Category.QUERY)


def test_a_check_reads_every_row_as_the_house(ready: Any) -> None:
    withhold(ready, ready.items(ready.sealed)[0])
    [(_, table)] = list(open_for_check(ready.copy, ready.sealed))
    assert table[ROW].to_pylist() == [10, 11, 12]
    [event] = ready.events("part.opened")
    assert (event["actor"], event["facts"]["policies"], event["facts"]["rows"]) == ("copy", ["house-checks"], 3)
    with pytest.raises(AccessDenied):
        list(open_for_check(ready.worker, ready.sealed))
    suspend(ready.web, ACME)
    with pytest.raises(AccessDenied, match="engagement"):
        list(open_for_check(ready.copy, ready.sealed))


def test_a_request_is_answered_by_its_own_process_also_when_suspended(ready: Any) -> None:
    suspend(ready.web, ACME)
    [(_, table)] = list(open_for_request(ready.subjects, ready.sealed, request="req-1"))
    assert table.num_rows == 3
    [event] = ready.events("part.opened")
    assert (event["actor"], event["facts"]["request"]) == ("subjects", "req-1")
    with pytest.raises(AccessDenied, match="subjects"):
        list(open_for_request(ready.web, ready.sealed, request="req-1"))
    with pytest.raises(UsageError):
        list(open_for_request(ready.subjects, ready.sealed, request=""))
