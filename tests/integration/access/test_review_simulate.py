"""Simulated reviewers take the same way as people: gate, queue, labels, third person."""

from __future__ import annotations

from typing import Any

import pytest

from readingroom.core.errors import SimulationOnly
from readingroom.core.ids import TenantName
from readingroom.core.settings import Limits
from readingroom.review import Reviewer, labels_for_training, review_stats
from readingroom.review.simulate import SimulatedReviewer, simulate_reviews

NAMES = ("Ada Example", "Ben Example", "Cia Example")
ACME = TenantName("acme")


def crew(stage: Any, *, error: float = 0.1, unsure: float = 0.02) -> list[SimulatedReviewer]:
    people = [(stage.reviewer(name), stage.station(name)) for name in NAMES]
    return [SimulatedReviewer(Reviewer(who, where, "review"), error, unsure) for who, where in people]


def test_everything_is_labelled_twice_and_disputes_are_decided(stage: Any) -> None:
    reviewers = crew(stage)
    items = stage.items(stage.mails([f"mail {number}" for number in range(300)]))
    gold = {item.id: ("spam" if number % 3 == 0 else "ham") for number, item in enumerate(items)}
    done = simulate_reviews(stage.web, reviewers, gold, tenant=ACME, seed=7)
    assert (done.labels, done.stopped) == (600, {})
    assert done.views == 600 + done.adjudicated
    assert done.adjudicated > 0
    learned = labels_for_training(stage.web, ACME)
    assert len(learned) == 300
    right = sum(learned[item] == answer for item, answer in gold.items())
    assert 0.9 < right / 300 < 1
    assert len(stage.events("item.viewed")) == done.views
    assert len(stage.events("label.recorded")) == 600
    stats = review_stats(stage.web, ACME)
    assert stats.percent.value is not None
    assert 0.7 < stats.percent.value < 0.95


def test_the_budget_stops_them_like_anybody(make_stage: Any) -> None:
    stage = make_stage(limits=Limits(view_budget=10))
    reviewers = crew(stage, error=0, unsure=0)
    items = stage.items(stage.mails([f"mail {number}" for number in range(30)]))
    done = simulate_reviews(stage.web, reviewers, dict.fromkeys((i.id for i in items), "ham"), tenant=ACME, seed=7)
    assert done.labels == 30
    assert all("budget" in reasons[0] for reasons in done.stopped.values())
    assert len(done.stopped) == 3
    assert len(stage.events("access.denied")) <= 9  # one a call, not one an item


def test_what_has_no_gold_stays_undecided(stage: Any) -> None:
    reviewers = crew(stage, error=0, unsure=0)
    items = stage.items(stage.mails(["a", "b"]))
    done = simulate_reviews(stage.web, reviewers, {items[0].id: "spam"}, tenant=ACME, seed=1)
    assert labels_for_training(stage.web, ACME) == {items[0].id: "spam"}
    assert done.adjudicated == 0


def test_a_real_room_has_none(make_stage: Any) -> None:
    stage = make_stage(simulation=False)
    with pytest.raises(SimulationOnly):
        simulate_reviews(stage.web, [], {}, tenant=ACME, seed=1)
