"""The privacy check: planted items measure the reviewers, look like the others, and are counted nowhere as data."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from readingroom.access.tables import VIEWS
from readingroom.copies.tables import ITEMS
from readingroom.core.errors import AccessDenied, Refusal, UsageError, WrongState
from readingroom.core.ids import ItemId, PlaceName, TenantName
from readingroom.review.canaries import make_canary
from readingroom.review.checks import Recall, next_check, recalls, record_check
from readingroom.review.flag import decide_flag, list_flags
from readingroom.review.labels import labels_for_training, list_labels
from readingroom.review.queues import Reviewer
from readingroom.review.stats import review_stats
from readingroom.review.task_states import Answer
from readingroom.review.tasks import list_tasks

ADA, BEN, ACME, US = "Ada Example", "Ben Example", TenantName("acme"), PlaceName("us")


@pytest.fixture
def ready(stage: Any) -> Any:
    """Two reviewers, three mails."""
    for name in (ADA, BEN):
        stage.reviewer(name)
    stage.sealed = stage.mails(["one", "two", "three"])
    return stage


def give(stage: Any, name: str = ADA, *, plant: bool, holding: tuple[ItemId, ...] = ()) -> Any:
    reviewer = Reviewer(stage.person(name), stage.station(name), "review")
    return next_check(stage.web, reviewer, ACME, holding=holding, plant=lambda: plant)


def say(stage: Any, item: ItemId, answer: Answer, name: str = ADA) -> None:
    record_check(stage.web, stage.person(name), item, answer=answer, tenant=ACME)


def test_every_item_is_checked_once_and_what_is_personal_is_withheld(ready: Any) -> None:
    view, decided = give(ready, plant=False)
    assert view.item == decided
    say(ready, view.item, Answer.CLEAN)
    second, _ = give(ready, BEN, plant=False)
    assert second.item != view.item
    say(ready, second.item, Answer.PERSONAL, BEN)
    [flag] = list_flags(ready.web, ACME)
    assert flag.item == second.item
    third, _ = give(ready, plant=False)
    say(ready, third.item, Answer.UNSURE)
    assert give(ready, plant=False) is None
    with pytest.raises(WrongState, match="already"):
        say(ready, third.item, Answer.CLEAN)
    with pytest.raises(Refusal, match="handed out"):
        say(ready, view.item, Answer.CLEAN, BEN)
    with pytest.raises(UsageError):
        say(ready, view.item, Answer.SPAM)


def test_a_planted_item_looks_like_the_others_and_is_no_item(ready: Any) -> None:
    real, _ = give(ready, plant=False)
    planted, decided = give(ready, plant=True)
    assert planted.item != decided == real.item
    assert planted.item[:5] == real.item[:5]
    assert len(planted.item) == len(real.item)
    assert (planted.copy, planted.kind, planted.table, planted.grant) == (real.copy, real.kind, real.table, real.grant)
    say(ready, planted.item, Answer.PERSONAL)
    assert list_flags(ready.web, ACME) == ()
    assert list_labels(ready.web, ACME) == ()
    assert list_tasks(ready.web, ACME) == ()
    assert labels_for_training(ready.web, ACME) == {}
    assert review_stats(ready.web, ACME).labels == 0
    with ready.web.place(US).db.read(ACME) as connection:
        assert planted.item not in set(connection.scalars(select(ITEMS.c.id)))
        assert planted.item not in set(connection.scalars(select(VIEWS.c.item)))
    assert planted.item not in str(ready.events())
    with pytest.raises(Refusal):  # it is Ada's, and no one else's
        say(ready, planted.item, Answer.PERSONAL, BEN)


def test_recall_is_measured_per_reviewer(ready: Any) -> None:
    officer = ready.person("Pia Example", *_officer())
    for answer in (Answer.PERSONAL, Answer.PERSONAL, Answer.CLEAN, Answer.UNSURE):
        planted, _ = give(ready, plant=True)
        say(ready, planted.item, answer)
    real, _ = give(ready, plant=False)
    say(ready, real.item, Answer.PERSONAL)
    decide_flag(ready.web, list_flags(ready.web)[0].id, by=officer, confirm=False)
    other, _ = give(ready, BEN, plant=False)
    say(ready, other.item, Answer.CLEAN, BEN)
    found = {one.actor: one for one in recalls(ready.web)}
    ada, ben = (found[ready.people[name].actor] for name in (ADA, BEN))
    assert (ada.planted, ada.found, ada.checked, ada.flagged, ada.dismissed) == (4, 2, 1, 1, 1)
    assert ada.value == 0.5
    assert (ben.value, ben.bounds) == (None, None)
    low, high = ada.bounds or (0, 0)
    assert low < 0.5 < high
    assert Recall("a", 8, 8, 0, 0, 0).bounds == pytest.approx((0.6756, 1.0), abs=1e-3)  # Wilson, by hand


def _officer() -> Any:
    from readingroom.access.people import PersonRole

    return (PersonRole.PRIVACY_OFFICER,)


def test_who_may_not_look_is_given_no_planted_item_either(ready: Any) -> None:
    ready.eligible("Dan Example")
    with pytest.raises(AccessDenied):
        give(ready, "Dan Example", plant=True)


def test_canaries_are_of_nobody_and_hold_one_leak_each() -> None:
    made = [make_canary() for _ in range(300)]
    assert len({one.leak for one in made}) == 7
    for one in made:
        text = re.sub(r"<[^>]+>|\[PERSON_[0-9a-f]{8}\]", " ", one.body)
        assert "{" not in text
        assert re.search(r"\d|@|[A-Z][a-z]+ (will|from)|ask for [A-Z]", text), one.leak
    assert len({one.body for one in made}) > 290
