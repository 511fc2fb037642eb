"""Agreement: against hand-worked and published figures, and honest where nothing can be said."""

from __future__ import annotations

import pytest

from readingroom.core.errors import UsageError, WrongState
from readingroom.review.agreement import alpha, kappa, pairs, percent, weighted_kappa
from readingroom.review.flag_states import TRANSITIONS as FLAG_TRANSITIONS
from readingroom.review.flag_states import FlagState, FlagStep
from readingroom.review.flag_states import next_state as next_flag_state
from readingroom.review.task_states import (
    TRANSITIONS,
    Answer,
    TaskState,
    TaskStep,
    mermaid,
    next_state,
    parse_answer,
    settle,
)

# Cohen's kappa: 50 items, 20 both yes, 5 + 10 apart, 15 both no: observed .70, by chance .50, kappa .40
COHEN = (
    {f"y{n}": {"a": "yes", "b": "yes"} for n in range(20)}
    | {f"p{n}": {"a": "yes", "b": "no"} for n in range(5)}
    | {f"q{n}": {"a": "no", "b": "yes"} for n in range(10)}
    | {f"n{n}": {"a": "no", "b": "no"} for n in range(15)}
)

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), example C: four observers, missing data; .743
_TABLE = {
    "A": ["1", "2", "3", "3", "2", "1", "4", "1", "2", "", "", ""],
    "B": ["1", "2", "3", "3", "2", "2", "4", "1", "2", "5", "", "3"],
    "C": ["", "3", "3", "3", "2", "3", "4", "2", "2", "5", "1", ""],
    "D": ["1", "2", "3", "3", "2", "4", "4", "1", "2", "5", "1", ""],
}
KRIPPENDORFF = {
    str(unit): {who: answers[unit] for who, answers in _TABLE.items() if answers[unit]} for unit in range(12)
}


def test_kappa_is_cohens() -> None:
    figure = kappa(COHEN, "a", "b")
    assert figure.value == pytest.approx(0.4)
    assert figure.over == 50
    assert percent(COHEN).value == pytest.approx(0.7)
    assert pairs(COHEN) == {("a", "b"): figure}


def test_alpha_is_krippendorffs_published_example() -> None:
    figure = alpha(KRIPPENDORFF)
    assert figure.value == pytest.approx(0.743, abs=0.0005)
    assert figure.over == 11  # the unit with one label does not count


def test_what_is_undefined_says_why() -> None:
    assert (percent({}).value, percent({}).why) == (None, "no item has two labels")
    assert alpha({"i": {"a": "x"}}).value is None
    same = {str(n): {"a": "x", "b": "x"} for n in range(5)}
    assert percent(same).value == 1
    assert "chance" in alpha(same).why
    assert "chance" in kappa(same, "a", "b").why
    assert "in common" in kappa(same, "a", "c").why


def test_weighted_kappa_by_hand_and_kinder_to_neighbours() -> None:
    # 4 items on 0-3: (0,0) (3,3) (1,2) (2,1): squared distances sum to 2; by chance 4*sum((a-b)^2)/16 = 10
    graded = {str(n): {"a": a, "b": b} for n, (a, b) in enumerate(zip("0312", "0321", strict=True))}
    figure = weighted_kappa(graded, "a", "b", scale="0123")
    assert figure.value == pytest.approx(1 - (2 / 4) / (40 / 16))
    far = {**graded, "3": {"a": "3", "b": "0"}}
    assert (weighted_kappa(far, "a", "b", scale="0123").value or 0) < (figure.value or 0)
    unsure = {**graded, "9": {"a": "unsure", "b": "0"}}
    assert weighted_kappa(unsure, "a", "b", scale="0123") == figure
    assert "chance" in weighted_kappa({"1": {"a": "2", "b": "2"}}, "a", "b", scale="0123").why
    assert "in common" in weighted_kappa({}, "a", "b", scale="0123").why


def test_perfect_agreement_on_two_answers_is_one() -> None:
    both = {str(n): {"a": str(n % 2), "b": str(n % 2)} for n in range(10)}
    assert alpha(both).value == pytest.approx(1)
    assert kappa(both, "a", "b").value == pytest.approx(1)


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([], (None, None)),
        ([Answer.SPAM], (None, None)),
        ([Answer.SPAM, Answer.SPAM], (TaskStep.AGREE, Answer.SPAM)),
        ([Answer.HAM, Answer.HAM], (TaskStep.AGREE, Answer.HAM)),
        ([Answer.SPAM, Answer.HAM], (TaskStep.DISPUTE, None)),
        ([Answer.UNSURE, Answer.UNSURE], (TaskStep.DISPUTE, None)),
        ([Answer.SPAM, Answer.PERSONAL], (TaskStep.DISPUTE, None)),
    ],
)
def test_two_labels_settle_a_task(answers: list[Answer], outcome: tuple[TaskStep | None, Answer | None]) -> None:
    assert settle(answers) == outcome


def test_tasks_and_flags_move_by_their_tables_only() -> None:
    for state in TaskState:
        for step in TaskStep:
            if (state, step) in TRANSITIONS:
                assert f"{state} --> {next_state(state, step)}: {step}" in mermaid()
            else:
                with pytest.raises(WrongState):
                    next_state(state, step)
    for flag in FlagState:
        for act in FlagStep:
            if (flag, act) not in FLAG_TRANSITIONS:
                with pytest.raises(WrongState):
                    next_flag_state(flag, act)


def test_every_state_can_be_withheld_and_withheld_gives_nothing_out() -> None:
    for state in set(TaskState) - {TaskState.WITHHELD, TaskState.ENDED}:
        assert next_state(state, TaskStep.WITHHOLD) is TaskState.WITHHELD
    assert {step for source, step in TRANSITIONS if source is TaskState.WITHHELD} == {TaskStep.RELEASE, TaskStep.END}


def test_answers_are_words() -> None:
    assert parse_answer("ham") is Answer.HAM
    with pytest.raises(UsageError, match=r"spam, ham, .*unsure, personal"):
        parse_answer("maybe")
