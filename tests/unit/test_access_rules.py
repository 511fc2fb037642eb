"""The pure rules of access: the cap, the request, the states of a grant, the list of subprocessors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from readingroom.access.grant_states import TRANSITIONS, GrantState, GrantStep, mermaid, next_state, state_at
from readingroom.access.item_view import count_placeholders
from readingroom.access.policy import FILES, load_policies, parse_policies
from readingroom.access.rules import Held, check_cap, check_request, people_with_access
from readingroom.access.subprocessors import Subprocessor, SubprocessorList, listed_since
from readingroom.core.errors import BadSetting, Refusal, UsageError, WrongState
from readingroom.core.ids import PersonId
from readingroom.core.settings import Limits

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ADA, BEN = PersonId("ada"), PersonId("ben")


@pytest.mark.parametrize(
    ("starts", "ends", "ended", "counts"),
    [
        (NOW - HOUR, NOW + HOUR, None, True),
        (NOW - 30 * DAY - 8 * HOUR, NOW - 30 * DAY, None, False),  # ended 30 days ago to the instant
        (NOW - 30 * DAY - 8 * HOUR, NOW - 30 * DAY + timedelta(microseconds=1), None, True),
        (NOW - 30 * DAY - 8 * HOUR, NOW + HOUR, NOW - 30 * DAY - HOUR, False),  # revoked before the window
        (NOW - HOUR, NOW + HOUR, NOW - HOUR / 2, True),  # revoked, but it ran
        (NOW + HOUR, NOW + 2 * HOUR, None, False),
    ],
)
def test_who_counts_against_the_cap(starts: datetime, ends: datetime, ended: datetime | None, counts: bool) -> None:
    assert (ADA in people_with_access([Held(ADA, starts, ends, ended)], NOW)) is counts


def test_the_cap_counts_people_not_grants() -> None:
    held = [Held(ADA, NOW - HOUR, NOW + HOUR)] * 3
    people = people_with_access(held, NOW)
    check_cap(people, also=ADA, cap=1)
    with pytest.raises(Refusal, match="cap"):
        check_cap(people, also=BEN, cap=1)
    check_cap(people, also=BEN, cap=2)


def test_a_request_is_checked() -> None:
    good = {"hours": 8, "why": "labels", "purpose": "review", "purposes": ("review",), "limits": Limits()}
    check_request(**good)  # type: ignore[arg-type]
    for wrong in ({"hours": 0}, {"hours": 9}, {"why": " \n"}, {"why": "x" * 1001}, {"purpose": "other"}):
        with pytest.raises(UsageError):
            check_request(**{**good, **wrong})  # type: ignore[arg-type]
    with pytest.raises(Refusal):
        check_request(**{**good, "purposes": ()})  # type: ignore[arg-type]


def test_the_states_of_a_grant_are_one_table() -> None:
    for state in GrantState:
        for step in GrantStep:
            if (state, step) in TRANSITIONS:
                assert next_state(state, step) is TRANSITIONS[state, step]
                assert f"{state} --> {TRANSITIONS[state, step]}" in mermaid()
            else:
                with pytest.raises(WrongState):
                    next_state(state, step)
    ends = {GrantState.DENIED, GrantState.REVOKED, GrantState.EXPIRED}
    assert not {source for source, _ in TRANSITIONS} & ends


def test_time_ends_a_grant_without_a_worker() -> None:
    asked = {"answer_by": NOW, "ends_at": None}
    assert state_at(GrantState.REQUESTED, **asked, now=NOW - HOUR) is GrantState.REQUESTED  # type: ignore[arg-type]
    assert state_at(GrantState.REQUESTED, **asked, now=NOW) is GrantState.EXPIRED  # type: ignore[arg-type]
    assert state_at(GrantState.APPROVED, answer_by=NOW, ends_at=NOW + HOUR, now=NOW) is GrantState.APPROVED
    assert state_at(GrantState.APPROVED, answer_by=NOW, ends_at=NOW, now=NOW) is GrantState.EXPIRED
    assert state_at(GrantState.APPROVED, answer_by=NOW, ends_at=None, now=NOW) is GrantState.EXPIRED
    assert state_at(GrantState.REVOKED, answer_by=NOW, ends_at=NOW, now=NOW) is GrantState.REVOKED


def _list(version: int, *names: str) -> SubprocessorList:
    entries = tuple(Subprocessor(name, "US", "review") for name in names)
    return SubprocessorList(version, NOW + version * DAY, "", entries)


def test_a_break_on_the_list_begins_the_notice_anew() -> None:
    assert listed_since([], "A") is None
    assert listed_since([_list(1, "A"), _list(2, "A", "B")], "A") == NOW + DAY
    assert listed_since([_list(1, "A"), _list(2, "A", "B")], "B") == NOW + 2 * DAY
    assert listed_since([_list(1, "A"), _list(2), _list(3, "A")], "A") == NOW + 3 * DAY
    assert listed_since([_list(1, "A"), _list(2)], "A") is None


def test_every_policy_has_an_id_and_a_sentence() -> None:
    says = load_policies().says
    assert len(says) >= 20
    assert all(sentence and sentence[0].islower() for sentence in says.values())
    assert len(FILES) == 7


@pytest.mark.parametrize(
    "policy",
    [
        "permit (principal, action, resource",
        'permit (principal, action, resource) when { principal.rolse.contains("x") };',
        '@id("a") permit (principal, action, resource);',
        '@id("a") @says("b") permit (principal is Person, action == Action::"peek", resource);',
        "",
    ],
)
def test_a_broken_policy_stops_the_start(policy: str) -> None:
    schema = (
        "entity Person = { roles: Set<String> }; entity Copy;"
        'action "view" appliesTo { principal: [Person], resource: [Copy] };'
    )
    with pytest.raises(BadSetting):
        parse_policies(policy, schema)


def test_placeholders_are_counted_by_kind() -> None:
    cells = {"a": "[PERSON_7f3a2c] [PERSON_00ff11] [EMAIL_aa00]", "b": None, "c": 3, "d": "[WITHHELD] [not one] [X"}
    assert count_placeholders(cells) == {"EMAIL": 1, "PERSON": 2, "WITHHELD": 1}
