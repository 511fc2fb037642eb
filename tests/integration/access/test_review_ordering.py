"""The worker orders the queues, and tasks of purged copies end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from readingroom.assure.withholding import unqueued
from readingroom.copies.purge import purge_all
from readingroom.core.errors import WrongState
from readingroom.core.ids import TenantName
from readingroom.engagement.optin import opt_out
from readingroom.review import Answer, Mark, TaskState, labels_for_training, next_item, record_label, undo_last
from readingroom.review.ordering import end_tasks, order_queues, priority
from readingroom.review.tasks import list_tasks

ADA, BEN, CIA, ACME = "Ada Example", "Ben Example", "Cia Example", TenantName("acme")
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def get(stage: Any, name: str) -> Any:
    return next_item(stage.web, stage.person(name), workstation=stage.station(name), purpose="review")


def label(stage: Any, name: str, item: Any, answer: Answer) -> None:
    record_label(stage.web, stage.person(name), Mark(item, answer))


def test_half_done_comes_first_and_then_what_is_purged_soon() -> None:
    soon, late = NOW + timedelta(days=2), NOW + timedelta(days=29)
    assert priority(1, late, NOW) > priority(0, soon, NOW) > priority(0, late, NOW) > 0
    assert priority(0, NOW - timedelta(days=1), NOW) == 30


def test_the_worker_orders_what_changed_and_nothing_else(stage: Any) -> None:
    for name in (ADA, BEN):
        stage.reviewer(name)
    old = stage.mails(["one", "two"])
    stage.clock.advance(timedelta(days=3))
    for name in (ADA, BEN):
        stage.grant(name)
    stage.mails(["three", "four"])
    assert get(stage, BEN) is not None  # the queue is filled
    assert order_queues(stage.worker) == 4
    assert order_queues(stage.worker) == 0
    first = list_tasks(stage.web, ACME)[0]
    assert first.copy == old.id
    new = next(task for task in list_tasks(stage.web, ACME) if task.copy != old.id)
    while (view := get(stage, ADA)).item != new.item:
        label(stage, ADA, view.item, Answer.HAM)
    label(stage, ADA, new.item, Answer.HAM)
    assert order_queues(stage.worker) > 0
    ranks = {task.item: task.priority for task in list_tasks(stage.web, ACME)}
    assert ranks[new.item] > 100


def test_tasks_of_a_purged_copy_end_and_what_was_decided_stays(stage: Any) -> None:
    for name in (ADA, BEN):
        stage.reviewer(name)
    stage.mails(["one", "two", "three"])
    item = get(stage, ADA).item
    label(stage, ADA, item, Answer.SPAM)
    order_queues(stage.worker)
    assert get(stage, BEN).item == item  # half-labelled: so that Ben has labelled nothing else below
    label(stage, BEN, item, Answer.SPAM)
    stage.web.clock.advance(timedelta(seconds=1))  # so that this label is the last, whatever its id
    other = get(stage, ADA).item
    label(stage, ADA, other, Answer.HAM)
    assert end_tasks(stage.worker) == 0
    opt_out(stage.web, ACME, "admin@customer.example")
    purge_all(stage.worker, ACME, why="engagement ended")
    before = [task for task in list_tasks(stage.web, ACME) if task.state is TaskState.OPEN]
    assert end_tasks(stage.worker) == len(before) > 0
    assert end_tasks(stage.worker) == 0
    states = {task.item: task.state for task in list_tasks(stage.web, ACME)}
    assert states[item] is TaskState.AGREED
    assert TaskState.OPEN not in states.values()
    assert labels_for_training(stage.web, ACME)[item] == "spam"
    with pytest.raises(WrongState):
        undo_last(stage.web, stage.person(ADA))
    assert sum(event["facts"]["tasks"] for event in stage.events("queue.ended")) == len(before)
    assert list(unqueued(stage.web)) == []
