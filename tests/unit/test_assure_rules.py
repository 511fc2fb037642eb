"""The pure rules of assure: what weighs, what was in force when, and the promises as data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from readingroom.assure import evidence, table
from readingroom.assure.finding import Finding, Status, count, not_yet, weigh
from readingroom.assure.promises import PROMISES, Kind
from readingroom.assure.register import Leaf
from readingroom.assure.timeline import SETTLE, ends, may_copy, may_view, moments, notice_at
from readingroom.assure.withholding import untold
from readingroom.core.clock import format_instant
from readingroom.core.errors import KeyFault
from readingroom.engagement.states import EngagementState, Step

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
_STATES = {
    Step.OPT_IN: EngagementState.ACTIVE,
    Step.RESUME: EngagementState.ACTIVE,
    Step.SUSPEND: EngagementState.SUSPENDED,
    Step.GIVE_NOTICE: EngagementState.OPTING_OUT,
}


def receipt(step: Step, day: float, *, until: float | None = None, notice: int = 1) -> dict[str, Any]:
    """A receipt of one step, as far as a timeline reads it."""
    status = {"readingroom:step": step, "readingroom:state": _STATES.get(step, EngagementState.ENDED)}
    status["dpv:isIndicatedAtTime"] = format_instant(BEGIN + day * DAY)
    over = None if until is None else format_instant(BEGIN + until * DAY)
    return {
        "receipt": {
            "dpv:hasConsentStatus": status,
            "dpv:hasDuration": {"readingroom:until": over},
            "dpv:hasNotice": {"readingroom:version": notice, "readingroom:sha256": "0" * 64},
            "readingroom:contactPermission": False,
        }
    }


def at(day: float) -> datetime:
    return BEGIN + day * DAY


LEFT = moments([receipt(Step.OPT_OUT, 10, until=10), receipt(Step.OPT_IN, 0)])
NOTICED = moments(
    [receipt(Step.OPT_IN, 0), receipt(Step.GIVE_NOTICE, 5, until=35), receipt(Step.RUN_OUT, 36, until=35)]
)
AGAIN = moments(
    [
        receipt(Step.OPT_IN, 0),
        receipt(Step.SUSPEND, 2),
        receipt(Step.RESUME, 4),
        receipt(Step.TERMINATE, 6, until=6),
        receipt(Step.OPT_IN, 8, notice=2),
    ]
)


@pytest.mark.parametrize(
    ("steps", "day", "view", "copy"),
    [
        (LEFT, -1, False, False),
        (LEFT, 0, True, True),
        (LEFT, 9, True, True),
        (LEFT, 11, False, False),
        (NOTICED, 6, True, False),
        (NOTICED, 34, True, False),
        (NOTICED, 35.5, False, False),  # by the instant, not by the worker's diligence
        (NOTICED, 37, False, False),
        (AGAIN, 3, False, False),
        (AGAIN, 5, True, True),
        (AGAIN, 7, False, False),
        (AGAIN, 9, True, True),
        ((), 1, False, False),
    ],
)
def test_what_was_in_force_at_an_instant(steps: Any, day: float, view: bool, copy: bool) -> None:
    assert may_view(steps, at(day)) is view
    assert may_copy(steps, at(day)) is copy


def test_a_step_settles_for_two_seconds_and_no_longer() -> None:
    moment = at(10)
    assert may_view(LEFT, moment + SETTLE / 2)
    assert not may_view(LEFT, moment + SETTLE + timedelta(milliseconds=1))


def test_the_end_of_a_notice_is_its_date_and_that_of_the_switch_its_instant() -> None:
    (left,), (noticed,), (ended,) = ends(LEFT), ends(NOTICED), ends(AGAIN)
    assert (left.step, left.at, left.noticed) == (Step.OPT_OUT, at(10), False)
    assert (noticed.step, noticed.at, noticed.noticed) == (Step.RUN_OUT, at(35), True)
    assert (ended.step, ended.at, ended.began_at) == (Step.TERMINATE, at(6), at(0))


def test_a_letter_that_lay_unread_counts_from_the_day_it_came() -> None:
    (end,) = ends(moments([receipt(Step.OPT_IN, 0), receipt(Step.OPT_OUT, 40, until=32)]))
    assert (end.at, end.told_at, end.noticed) == (at(32), at(40), True)


def test_the_notice_is_the_one_agreed_to_then() -> None:
    assert [notice_at(AGAIN, at(day)) for day in (-1, 1, 7, 9)] == [None, 1, 1, 2]


def test_one_contradiction_outweighs_everything() -> None:
    assert weigh([], shown="fine") == Finding(Status.KEPT, "fine")
    assert weigh([], shown="fine", lacks="the rest") == Finding(Status.PARTLY, "fine. Lacking: the rest")
    assert weigh(["wrong"], shown="fine", lacks="the rest") == Finding(Status.BROKEN, "wrong")
    assert weigh(["b", "a", "b"], shown="fine").evidence == "a; 2 x b"


def test_counts_read_as_words() -> None:
    assert [count(n, one) for n, one in ((1, "copy"), (2, "copy"), (1200, "entry"), (0, "day"))] == [
        "1 copy",
        "2 copies",
        "1,200 entries",
        "0 days",
    ]
    assert count(3, "person", "people") == "3 people"


def test_every_promise_says_who_enforces_it_and_an_attested_one_how_a_lie_shows() -> None:
    assert list(PROMISES) == [f"P{number:02d}" for number in range(1, 36)]
    for promise in PROMISES.values():
        assert promise.enforced_by
        assert promise.text.endswith(".")
        assert bool(promise.how_a_lie_shows) is (promise.kind is Kind.ATTESTED)
    assert list(evidence.LOOKS) == list(PROMISES)


def test_evidence_that_cannot_be_read_is_broken_and_shows_no_foreign_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def foreign(_house: object) -> Finding:
        raise ValueError("ada@example.com")

    def ours(_house: object) -> Finding:
        raise KeyFault("a key is missing")

    def whole(_house: object) -> Finding:
        return weigh([], shown="fine")

    looks = {"P01": foreign, "P02": ours, "P03": whole, "P33": whole}
    monkeypatch.setattr(table, "LOOKS", looks)
    found = {promise: table.look(None, promise) for promise in looks}  # type: ignore[arg-type]
    assert found["P01"] == Finding(Status.BROKEN, "the evidence cannot be read: ValueError")
    assert found["P02"] == Finding(Status.BROKEN, "the evidence cannot be read: a key is missing")
    assert found["P03"].status is Status.KEPT
    assert found["P33"].status is Status.PARTLY  # never kept: no test can break it


def test_nothing_to_show_is_not_kept() -> None:
    assert not_yet("nobody came").status is Status.NOT_YET


def _accepted(request: str, number: int) -> Leaf:
    facts = {"request": request, "kind": "erase", "identifiers": number}
    return Leaf("ev-1", "subject.erasure_accepted", at(0), "customer", "t", "", facts, None)


@pytest.mark.parametrize(
    ("tags", "lost"),
    [
        ({"a": 4, "b": 3}, 0),
        ({"a": 4, "b": 1}, 0),  # two of them stand there since the first request
        ({"a": 4}, 0),  # the same person again
        ({"a": 3, "b": 3}, 1),
        ({"b": 3}, 1),
        ({}, 2),
        ({"a": 4, "b": 4}, 1),  # more than it named
        ({"a": 4, "b": 3, "c": 1}, 1),  # nobody asked for it
    ],
)
def test_tags_of_a_request_are_all_on_the_list_or_were_there_before(tags: dict[str, int], lost: int) -> None:
    accepted = [_accepted("a", 4), _accepted("b", 3), _accepted("b", 3)]  # the second was taken up again
    assert len(list(untold(accepted, {("t", request): number for request, number in tags.items()}))) == lost
