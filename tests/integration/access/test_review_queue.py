"""The mail queue, labels, flags and adjudication, through the gate on a really sealed copy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ground import behind
from readingroom.access import view_item
from readingroom.access.people import PersonRole
from readingroom.audit.unit import Event, unit_of_work
from readingroom.copies.records import get_copy
from readingroom.core.errors import AccessDenied, Refusal, UnknownName, UsageError, WrongState
from readingroom.core.ids import ItemId, TenantName
from readingroom.engagement.optin import opt_out
from readingroom.review import (
    Answer,
    Mark,
    Reviewer,
    TaskState,
    adjudicate,
    decide_flag,
    disputes,
    labels_for_training,
    list_flags,
    list_labels,
    next_dispute,
    next_item,
    raise_flag,
    record_label,
    review_stats,
    undo_last,
)
from readingroom.review.flag import deadlines
from readingroom.review.flag_states import FlagState
from readingroom.review.labels import clear_comments, record_labels
from readingroom.review.queues import AHEAD, LEASE, next_items
from readingroom.review.tasks import list_tasks, set_priorities

ADA, BEN, CIA, REVIEW, ACME = "Ada Example", "Ben Example", "Cia Example", "review", TenantName("acme")


@pytest.fixture
def ready(stage: Any) -> Any:
    """Three reviewers, three mails."""
    for name in (ADA, BEN, CIA):
        stage.reviewer(name)
    stage.sealed = stage.mails(["one", "two", "three"])
    return stage


def get(stage: Any, name: str, **more: Any) -> Any:
    return next_item(stage.web, stage.person(name), workstation=stage.station(name), purpose=REVIEW, **more)


def label(stage: Any, name: str, item: Any, answer: Answer, comment: str = "") -> Any:
    return record_label(stage.web, stage.person(name), Mark(item, answer, comment))


def both(stage: Any, first: Answer, second: Answer) -> Any:
    """The first mail, labelled by Ada and Ben; its item id."""
    item = get(stage, ADA).item
    label(stage, ADA, item, first)
    while (view := get(stage, BEN)).item != item:
        label(stage, BEN, view.item, Answer.HAM)
    label(stage, BEN, item, second)
    return item


def test_the_queue_gives_each_reviewer_each_item_once_and_each_item_to_two(ready: Any) -> None:
    seen: dict[str, list[Any]] = {ADA: [], BEN: [], CIA: []}
    for name in (ADA, BEN, CIA, ADA, BEN, CIA, ADA, BEN, CIA):
        view = get(ready, name)
        if view is not None:
            seen[name].append(view.item)
            label(ready, name, view.item, Answer.HAM)
    assert all(len(set(items)) == len(items) for items in seen.values())
    flat = [item for items in seen.values() for item in items]
    assert len(flat) == 6
    assert all(flat.count(item) == 2 for item in flat)
    assert get(ready, ADA) is None
    assert {task.state for task in list_tasks(ready.web, ACME)} == {TaskState.AGREED}
    assert len(labels_for_training(ready.web, ACME)) == 3
    assert len(ready.events("item.viewed")) == 6


def test_order_is_by_id_and_a_reload_gives_the_same_item_again(ready: Any) -> None:
    first = get(ready, ADA)
    assert first.item == min(item.id for item in ready.items(ready.sealed))
    assert get(ready, ADA).item == first.item
    assert len(ready.events("item.viewed")) == 2  # a second look is an access too


def test_the_worker_puts_an_item_first(ready: Any) -> None:
    get(ready, ADA)
    last = max(item.id for item in ready.items(ready.sealed))
    assert set_priorities(ready.worker, ACME, {last: 5, ItemId("item-nope"): 9}) == 1
    assert get(ready, BEN).item == last


def test_fetching_ahead_counts_as_access_and_is_limited(ready: Any) -> None:
    held: list[Any] = []
    for _ in range(3):
        held.append(get(ready, ADA, holding=held).item)
    assert len(set(held)) == 3
    assert len(ready.events("item.viewed")) == 3
    assert get(ready, ADA, holding=held) is None
    with pytest.raises(Refusal, match="ahead"):
        get(ready, ADA, holding=["a"] * (AHEAD + 1))


def test_a_lease_keeps_a_third_reviewer_away_and_expires(ready: Any) -> None:
    first = get(ready, ADA).item
    assert get(ready, BEN).item == first  # two labels are wanted
    assert get(ready, CIA).item != first
    ready.clock.advance(LEASE)
    assert get(ready, CIA, holding=[]).item == first


def test_a_real_room_gives_no_more_than_three_at_once(make_stage: Any) -> None:
    stage = make_stage(simulation=False)
    stage.reviewer(ADA)
    stage.mails(list("abcdef"))
    reviewer = Reviewer(stage.person(ADA), stage.station(ADA), REVIEW)
    with pytest.raises(Refusal):
        next_items(stage.web, reviewer, ACME, count=4)
    assert len(next_items(stage.web, reviewer, ACME, count=3)) == 3


def test_without_a_grant_there_is_no_queue_and_the_gate_says_why(ready: Any) -> None:
    ready.eligible("Dan Example")
    with pytest.raises(AccessDenied, match="no grant"):
        get(ready, "Dan Example")
    ready.clock.advance(timedelta(hours=8))
    with pytest.raises(AccessDenied, match="hours"):
        get(ready, ADA)
    opt_out(ready.web, ACME, "admin@customer.example")
    ready.clock.advance(timedelta(hours=1))
    with pytest.raises(AccessDenied, match="not in force"):
        get(ready, ADA)


def test_a_denied_reviewer_holds_no_lease(ready: Any) -> None:
    with pytest.raises(AccessDenied):
        next_item(ready.web, ready.person(ADA), workstation=None, purpose=REVIEW)
    first = get(ready, BEN).item
    assert get(ready, CIA).item == first


def test_only_what_was_handed_out_is_labelled_and_once(ready: Any) -> None:
    item = ready.items(ready.sealed)[0].id
    with pytest.raises(Refusal, match="handed out"):
        label(ready, ADA, item, Answer.SPAM)
    item = get(ready, ADA).item
    made = label(ready, ADA, item, Answer.SPAM)
    assert (made.owner, made.confidentiality) == ("vendor", "vendor confidential")
    with pytest.raises(WrongState, match="already"):
        label(ready, ADA, item, Answer.HAM)
    [event] = ready.events("label.recorded")
    assert item not in str(event)
    assert "spam" not in str(event).replace("spam-checker", "")
    with pytest.raises(UnknownName):
        label(ready, ADA, "item-nope", Answer.SPAM)
    with pytest.raises(UsageError, match="once"):
        record_labels(ready.web, ready.person(ADA), [Mark(item, Answer.SPAM)] * 2)
    assert record_labels(ready.web, ready.person(ADA), []) == ()


def test_nothing_is_said_about_an_item_after_the_end(ready: Any) -> None:
    item, other = get(ready, ADA).item, get(ready, BEN).item
    ready.clock.advance(timedelta(days=30))
    with pytest.raises(WrongState, match="copy"):
        label(ready, ADA, item, Answer.SPAM)
    opt_out(ready.web, ACME, "admin@customer.example")
    with pytest.raises(WrongState, match="engagement"):
        label(ready, BEN, other, Answer.SPAM)


def test_a_comment_is_anonymized_before_it_is_stored_and_goes_with_an_erasure(ready: Any) -> None:
    item = get(ready, ADA).item
    label(ready, ADA, item, Answer.SPAM, "sold to zbigniew.kowalczyk@customer.example, 555-0101; looks like spam")
    [made] = list_labels(ready.web, ACME)
    assert "kowalczyk" not in made.comment.lower()
    assert "555" not in made.comment
    assert "looks like spam" in made.comment
    with behind(ready.web.place("us").db).connect() as connection:
        assert "kowalczyk" not in str(connection.exec_driver_sql("SELECT * FROM labels").all()).lower()
    with unit_of_work(ready.web.place("us").db, ACME, ready.clock) as unit:
        assert clear_comments(unit, [item]) == 1
        unit.append(Event("test.erased", actor="test"))
    assert [one.comment for one in list_labels(ready.web, ACME)] == [""]
    with pytest.raises(UsageError, match="500"):
        label(ready, BEN, get(ready, BEN).item, Answer.SPAM, "x" * 501)


def test_undo_takes_back_ones_own_last_label_only(ready: Any) -> None:
    with pytest.raises(Refusal, match="no label"):
        undo_last(ready.web, ready.person(ADA))
    item = both(ready, Answer.SPAM, Answer.SPAM)
    assert labels_for_training(ready.web, ACME) == {item: "spam"}
    undone = undo_last(ready.web, ready.person(ADA))
    assert (undone.item, undone.undone_at) == (item, ready.clock.now())
    assert labels_for_training(ready.web, ACME) == {}
    assert [one.actor for one in list_labels(ready.web, ACME)] == [ready.people[BEN].actor]
    assert get(ready, ADA).item == item
    label(ready, ADA, item, Answer.SPAM)
    assert labels_for_training(ready.web, ACME) == {item: "spam"}


@pytest.mark.parametrize("second", [Answer.HAM, Answer.UNSURE])
def test_a_third_person_decides_a_dispute(ready: Any, second: Answer) -> None:
    item = both(ready, Answer.SPAM, second)
    assert labels_for_training(ready.web, ACME) == {}
    assert disputes(ready.web, ready.person(ADA), ACME) == ()
    with pytest.raises(Refusal, match="third person"):
        adjudicate(ready.web, ready.person(BEN), item, answer=Answer.HAM)
    with pytest.raises(Refusal, match="handed out"):
        adjudicate(ready.web, ready.person(CIA), item, answer=Answer.HAM)
    view = next_dispute(ready.web, Reviewer(ready.person(CIA), ready.station(CIA), REVIEW), ACME)
    assert view
    assert view.item == item
    with pytest.raises(UsageError):
        adjudicate(ready.web, ready.person(CIA), item, answer=Answer.UNSURE)
    adjudicate(ready.web, ready.person(CIA), item, answer=Answer.HAM)
    assert labels_for_training(ready.web, ACME) == {item: "ham"}
    with pytest.raises(WrongState):
        adjudicate(ready.web, ready.person(CIA), item, answer=Answer.HAM)
    with pytest.raises(WrongState, match="decided"):
        undo_last(ready.web, ready.person(ADA))


def test_a_flag_withholds_the_item_and_its_twins_at_the_next_read(stage: Any) -> None:
    for name in (ADA, BEN):
        stage.reviewer(name)
    twins = {0: b"t" * 16, 2: b"t" * 16}
    copy = stage.mails(["same", "other", "same"], twins=twins)
    first, other, twin = stage.items(copy)
    view_item(stage.web, stage.person(ADA), workstation=stage.station(ADA), purpose=REVIEW, item=first.id)
    with pytest.raises(Refusal, match="handed out"):
        raise_flag(stage.web, stage.person(BEN), first.id)
    flag = raise_flag(stage.web, stage.person(ADA), first.id)
    assert (flag.state, flag.twins, flag.due_at) == (FlagState.OPEN, 1, stage.clock.now() + timedelta(hours=24))
    assert deadlines(stage.web)[0][0] == flag.due_at
    for item in (first, twin):
        with pytest.raises(AccessDenied, match="withheld"):
            view_item(stage.web, stage.person(BEN), workstation=stage.station(BEN), purpose=REVIEW, item=item.id)
    assert get(stage, BEN).item == other.id
    assert get(stage, BEN, holding=[other.id]) is None
    assert get_copy(stage.web, copy.id).withheld_items == 2
    again = raise_flag(stage.web, stage.person(ADA), first.id)
    assert again.id == flag.id
    assert first.id not in str(stage.events("flag.raised"))


def test_the_answer_personal_is_a_label_and_a_flag(ready: Any) -> None:
    item = get(ready, ADA).item
    label(ready, ADA, item, Answer.PERSONAL)
    [flag] = list_flags(ready.web, ACME, state=FlagState.OPEN)
    assert flag.item == item
    assert next(t.state for t in list_tasks(ready.web, ACME) if t.item == item) is TaskState.WITHHELD
    with pytest.raises(WrongState):
        undo_last(ready.web, ready.person(ADA))


def test_the_privacy_officer_decides_and_not_who_raised_it(ready: Any) -> None:
    officer = ready.person("Pia Example", PersonRole.PRIVACY_OFFICER)
    item = get(ready, ADA).item
    label(ready, ADA, item, Answer.HAM)
    flag = raise_flag(ready.web, ready.person(ADA), item)
    with pytest.raises(Refusal, match="role"):
        decide_flag(ready.web, flag.id, by=ready.person(BEN), confirm=True)
    with pytest.raises(UnknownName):
        decide_flag(ready.web, "flag-nope", by=officer, confirm=True)
    dismissed = decide_flag(ready.web, flag.id, by=officer, confirm=False)
    assert dismissed.state is FlagState.DISMISSED
    assert get(ready, BEN).item == item  # back in the queue, with its one label
    label(ready, BEN, item, Answer.HAM)
    assert labels_for_training(ready.web, ACME) == {item: "ham"}
    with pytest.raises(WrongState):
        decide_flag(ready.web, flag.id, by=officer, confirm=True)


def test_a_confirmed_flag_stays_withheld_and_the_customer_is_to_be_told(ready: Any) -> None:
    officer = ready.person("Pia Example", PersonRole.PRIVACY_OFFICER)
    item = both(ready, Answer.SPAM, Answer.SPAM)
    flag = raise_flag(ready.web, ready.person(ADA), item)
    assert labels_for_training(ready.web, ACME) == {}
    decide_flag(ready.web, flag.id, by=officer, confirm=True)
    assert "tell_customer_by" in ready.events("flag.confirmed")[0]["facts"]
    with pytest.raises(AccessDenied, match="withheld"):
        view_item(ready.web, ready.person(CIA), workstation=ready.station(CIA), purpose=REVIEW, item=item)


def test_an_officer_who_raised_a_flag_does_not_decide_about_it(ready: Any) -> None:
    officer = ready.person("Pia Example", PersonRole.PRIVACY_OFFICER)
    flag = raise_flag(ready.web, officer, ready.items(ready.sealed)[0].id)
    with pytest.raises(Refusal, match="raised"):
        decide_flag(ready.web, flag.id, by=officer, confirm=False)


def test_stats_count_and_explain(ready: Any) -> None:
    empty = review_stats(ready.web, ACME).public()
    assert empty["agreement"]["percent"] == {"value": None, "items": 0, "undefined": "no item has two labels"}
    both(ready, Answer.SPAM, Answer.HAM)
    found = review_stats(ready.web, ACME).public()
    assert found["agreement"]["percent"]["value"] == 0
    assert found["tasks"]["disputed"] == 1
    assert sum(found["by_reviewer"].values()) == found["labels"]
    assert "Example" not in str(found)


def test_opting_out_empties_the_queue_and_labels_outlive_it(ready: Any) -> None:
    item = both(ready, Answer.SPAM, Answer.SPAM)
    opt_out(ready.web, ACME, "admin@customer.example")
    with pytest.raises(AccessDenied):
        get(ready, CIA)
    assert labels_for_training(ready.web, ACME) == {item: "spam"}
