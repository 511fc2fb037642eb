"""The life of a review task, and what two answers make of it (one table; pure).

Rule 1: two labels by two people decide a task, if they agree; a third person decides otherwise.
Rule 2: a withheld task gives nothing out, whatever was said about it before.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from readingroom.core.errors import UsageError, WrongState

LABELS_A_TASK: Final = 2


class Answer(StrEnum):
    """What a reviewer may say; which of it about what, says ANSWERS."""

    SPAM = "spam"
    HAM = "ham"  # not spam
    NOTHING = "0"  # the results have nothing to do with the query
    LITTLE = "1"
    MOSTLY = "2"
    PERFECT = "3"  # the results are what the query asks for
    NO_QUERY = "no-query"  # the entry asks for nothing, or cannot be understood
    NAME = "name"  # what a column holds:
    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "address"
    IDENTIFIER = "id"
    DATE = "date"
    LOCATION = "place"
    NUMBER = "number"
    CODE = "code"
    TEXT = "text"  # free text
    OTHER = "other"
    CLEAN = "clean"  # nothing personal is to be seen in it
    UNSURE = "unsure"
    PERSONAL = "personal"  # still personal data: withholds the item at once


RELEVANCE: Final = (Answer.NOTHING, Answer.LITTLE, Answer.MOSTLY, Answer.PERFECT)  # in order
# by kind of item: what two people may agree on, and a third decide
ANSWERS: Final = MappingProxyType(
    {
        "mail": frozenset({Answer.SPAM, Answer.HAM}),
        "query": frozenset({*RELEVANCE, Answer.NO_QUERY}),
        "schema": frozenset(
            {
                *(Answer.NAME, Answer.EMAIL, Answer.PHONE, Answer.ADDRESS, Answer.IDENTIFIER, Answer.DATE),
                *(Answer.LOCATION, Answer.NUMBER, Answer.CODE, Answer.TEXT, Answer.OTHER),
            }
        ),
    }
)
DECIDED: Final = frozenset().union(*ANSWERS.values())  # every answer that says something


class TaskState(StrEnum):
    """Where a task stands."""

    OPEN = "open"  # fewer than two labels
    AGREED = "agreed"  # two people said the same
    DISPUTED = "disputed"  # they did not, or were unsure; a third person decides
    ADJUDICATED = "adjudicated"
    WITHHELD = "withheld"  # flagged as still personal
    ENDED = "ended"  # its copy is purged before anything was decided


class TaskStep(StrEnum):
    """What happens to a task."""

    AGREE = "agree"
    DISPUTE = "dispute"
    REOPEN = "reopen"  # a label was undone
    ADJUDICATE = "adjudicate"
    WITHHOLD = "withhold"
    RELEASE = "release"
    END = "end"


TRANSITIONS: Final = MappingProxyType(
    {
        (TaskState.OPEN, TaskStep.AGREE): TaskState.AGREED,
        (TaskState.OPEN, TaskStep.DISPUTE): TaskState.DISPUTED,
        (TaskState.AGREED, TaskStep.REOPEN): TaskState.OPEN,
        (TaskState.DISPUTED, TaskStep.REOPEN): TaskState.OPEN,
        (TaskState.DISPUTED, TaskStep.ADJUDICATE): TaskState.ADJUDICATED,
        (TaskState.OPEN, TaskStep.WITHHOLD): TaskState.WITHHELD,
        (TaskState.AGREED, TaskStep.WITHHOLD): TaskState.WITHHELD,
        (TaskState.DISPUTED, TaskStep.WITHHOLD): TaskState.WITHHELD,
        (TaskState.ADJUDICATED, TaskStep.WITHHOLD): TaskState.WITHHELD,
        (TaskState.WITHHELD, TaskStep.RELEASE): TaskState.OPEN,
        (TaskState.OPEN, TaskStep.END): TaskState.ENDED,
        (TaskState.DISPUTED, TaskStep.END): TaskState.ENDED,
        (TaskState.WITHHELD, TaskStep.END): TaskState.ENDED,
    }
)


def next_state(state: TaskState, step: TaskStep) -> TaskState:
    """The state after `step`; WrongState if the table has no such step."""
    if (state, step) not in TRANSITIONS:
        raise WrongState(f"a task that is {state} has no step {step}")
    return TRANSITIONS[state, step]


def settle(answers: Sequence[Answer]) -> tuple[TaskStep | None, Answer | None]:
    """What the labels of an open task make of it: the step, if any, and the answer, if they agree on one."""
    if len(answers) < LABELS_A_TASK:
        return None, None
    if len(set(answers)) == 1 and answers[0] in DECIDED:
        return TaskStep.AGREE, answers[0]
    return TaskStep.DISPUTE, None


def check_answer(kind: str, answer: Answer) -> None:
    """UsageError unless `answer` can be said about an item of that kind."""
    fits = ANSWERS.get(kind, frozenset())
    if answer not in fits | {Answer.UNSURE, Answer.PERSONAL}:
        raise UsageError(f"about an item of kind {kind} one says {', '.join(sorted(fits))}, unsure or personal")


def parse_answer(text: str) -> Answer:
    """The answer of that name; UsageError lists them."""
    try:
        return Answer(text)
    except ValueError:
        raise UsageError(f"an answer is one of {', '.join(answer.value for answer in Answer)}") from None


def mermaid() -> str:
    """The state diagram, drawn from TRANSITIONS."""
    lines = ["stateDiagram-v2", f"    [*] --> {TaskState.OPEN}: queued"]
    lines += [f"    {source} --> {target}: {step}" for (source, step), target in TRANSITIONS.items()]
    return "\n".join(lines) + "\n"
