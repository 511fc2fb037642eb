"""The engagement's one table of transitions, and the rules that follow from a state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from readingroom.core.errors import WrongState
from readingroom.engagement.states import (
    EVENTS,
    TRANSITIONS,
    EngagementState,
    Step,
    can_copy,
    can_view,
    check_may_copy,
    check_may_view,
    mermaid,
    next_state,
    steps_from,
)

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
BEFORE: list[EngagementState | None] = [None, *EngagementState]


@pytest.mark.parametrize(("state", "step"), list(product(BEFORE, Step)))
def test_a_step_is_in_the_table_or_refused_with_a_reason(state: EngagementState | None, step: Step) -> None:
    if (state, step) in TRANSITIONS:
        assert next_state(state, step) is TRANSITIONS[state, step]
        assert step in steps_from(state)
        return
    assert step not in steps_from(state)
    with pytest.raises(WrongState) as refused:
        next_state(state, step)
    assert refused.value.reasons


def test_every_state_can_be_reached_and_left_without_anybody_s_consent() -> None:
    assert set(TRANSITIONS.values()) == set(EngagementState)
    for state in EngagementState:
        if state is not EngagementState.ENDED:
            assert next_state(state, Step.OPT_OUT) is EngagementState.ENDED  # P03
            assert next_state(state, Step.TERMINATE) is EngagementState.ENDED  # P06
    assert steps_from(EngagementState.ENDED) == (Step.OPT_IN,)
    assert steps_from(None) == (Step.OPT_IN,)


def test_every_step_has_an_event_of_its_own() -> None:
    assert set(EVENTS) == set(Step)
    assert len(set(EVENTS.values())) == len(Step)


@pytest.mark.parametrize(
    ("state", "ends_at", "copy", "view"),
    [
        (None, None, False, False),
        (EngagementState.ACTIVE, None, True, True),
        (EngagementState.ACTIVE, NOW, False, False),
        (EngagementState.SUSPENDED, None, False, False),
        (EngagementState.OPTING_OUT, LATER, False, True),
        (EngagementState.OPTING_OUT, NOW, False, False),
        (EngagementState.OPTING_OUT, None, False, False),
        (EngagementState.ENDED, None, False, False),
        (EngagementState.ENDED, LATER, False, False),
    ],
)
def test_who_may_copy_and_who_may_view(
    state: EngagementState | None, ends_at: datetime | None, copy: bool, view: bool
) -> None:
    assert can_copy(state, ends_at, NOW) is copy
    assert can_view(state, ends_at, NOW) is view
    for allowed, check in ((copy, check_may_copy), (view, check_may_view)):
        if not allowed:
            with pytest.raises(WrongState) as refused:
                check(state, ends_at, NOW)
            assert refused.value.reasons


def test_the_diagram_shows_every_transition() -> None:
    lines = mermaid().splitlines()
    assert lines[0] == "stateDiagram-v2"
    assert len(lines) == 1 + len(TRANSITIONS)
    assert "    [*] --> active: opt in" in lines
    assert "    opting_out --> ended: run out" in lines
