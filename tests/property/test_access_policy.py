"""The Cedar rule against a plain reading of DESIGN's Access paragraph, on generated standings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from readingroom.access.facts import FactKind
from readingroom.access.policy import load_policies
from readingroom.access.standing import (
    Action,
    Ask,
    CopyStanding,
    GrantStanding,
    Numbers,
    PersonStanding,
    TenantStanding,
    Vouched,
    WorkstationStanding,
)
from readingroom.core.category import Category
from readingroom.core.ids import CopyId, GrantId, PersonId, TenantName, WorkstationId

NOW = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
PEOPLE = [PersonId(name) for name in ("ada", "ben", "cia")]
ADA = PEOPLE[0]
ACME, OTHER = TenantName("acme"), TenantName("other")


def mostly(usual: Any, other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The usual value, or now and then another."""
    return st.one_of(st.just(usual), st.just(usual), st.just(usual), st.just(usual), st.just(usual), other)


soon = st.sampled_from([NOW - timedelta(days=1), NOW, NOW + timedelta(milliseconds=1), NOW + timedelta(days=1)])
later = mostly(NOW + timedelta(hours=1), soon)
earlier = mostly(NOW - timedelta(hours=1), soon)
vouched = st.builds(
    Vouched,
    until=later,
    asserted_by=mostly("ben", st.sampled_from(PEOPLE)),
    confirmed_by=mostly("cia", st.sampled_from([*PEOPLE, None])),
)
facts = mostly(frozenset(FactKind), st.frozensets(st.sampled_from(FactKind))).flatmap(
    lambda kinds: st.tuples(*(st.tuples(st.just(kind), vouched) for kind in sorted(kinds)))
)
people = st.builds(
    PersonStanding,
    id=st.just(ADA),
    actor=st.just("actor-1"),
    employer=st.just("E"),
    country=st.just("US"),
    present=mostly(True, st.booleans()),
    roles=mostly(frozenset({"reviewer"}), st.frozensets(st.sampled_from(["reviewer", "ml-engineer", "approver"]))),
    vendor=mostly(True, st.booleans()),
    listed_since=st.sampled_from([None, NOW - timedelta(days=30), NOW - timedelta(days=29, hours=23), NOW]),
    facts=facts,
)
grants = st.builds(
    GrantStanding,
    id=st.just(GrantId("grant-1")),
    person=mostly(ADA, st.sampled_from(PEOPLE)),
    tenant=mostly(ACME, st.just(OTHER)),
    category=mostly(Category.MARKETING, st.sampled_from(Category)),
    purpose=mostly("review", st.just("check")),
    state=mostly("approved", st.sampled_from(["requested", "revoked", "denied", "expired"])),
    approver=st.sampled_from(["ben", "ben", "ben", "ada"]),
    approver_actor=st.just("actor-2"),
    why=mostly("labels", st.sampled_from(["", "  "])),
    starts=earlier,
    ends=later,
    list_version=st.just(1),
)
workstations = st.builds(
    WorkstationStanding,
    id=st.just(WorkstationId("ws-1")),
    owner=mostly(ADA, st.sampled_from(PEOPLE)),
    compliant=mostly(True, st.booleans()),
    retired=mostly(False, st.booleans()),
)
asks = st.builds(
    Ask,
    action=mostly(Action.VIEW, st.just(Action.TRAIN)),
    purpose=mostly("review", st.sampled_from(["check", "advertising"])),
    now=st.just(NOW),
    process=st.just("web"),
    person=people,
    grant=st.one_of(grants, grants, grants, st.none()),
    workstation=st.one_of(workstations, workstations, workstations, st.none()),
    tenant=st.builds(
        TenantStanding,
        name=st.just(ACME),
        in_force=mostly(True, st.booleans()),
        purposes=mostly(frozenset({"review", "check"}), st.just(frozenset())),
    ),
    copy=st.builds(
        CopyStanding,
        id=st.just(CopyId("copy-1")),
        tenant=st.just(ACME),
        category=mostly(Category.MARKETING, st.sampled_from(Category)),
        state=mostly("sealed", st.sampled_from(["staging", "purging", "purged", "refused"])),
        expires=later,
        item=st.none(),
        withheld=mostly("", st.just("flagged")),
    ),
    numbers=st.builds(
        Numbers,
        people=mostly(1, st.integers(1, 8)),
        people_cap=st.just(6),
        views=mostly(0, st.sampled_from([1999, 2000])),
        view_budget=st.just(2000),
        notice=st.just(timedelta(days=30)),
    ),
)


def expected(ask: Ask) -> set[str]:  # noqa: C901, PLR0912 - one line a condition, as the paragraph has them
    """The ids of the policies that must forbid, read off the paragraph without Cedar."""
    assert ask.person
    who, grant, desk, view = ask.person, ask.grant, ask.workstation, ask.action is Action.VIEW
    bad: set[str] = set()
    if not ask.tenant.in_force:
        bad.add("engagement-in-force")
    if ask.purpose not in ask.tenant.purposes:
        bad.add("purpose-of-the-engagement")
    if ask.copy.state != "sealed":
        bad.add("copy-sealed")
    if ask.copy.expires <= NOW:
        bad.add("copy-not-expired")
    if view and ask.copy.withheld:
        bad.add("item-not-withheld")
    if not who.present:
        bad.add("person-present")
    if ("reviewer" if view else "ml-engineer") not in who.roles:
        bad.add("role-fits")
    known = dict(who.facts)
    for kind in FactKind:
        fact = known.get(kind)
        three = fact and len({who.id, fact.asserted_by, fact.confirmed_by} - {None}) == 3
        if not fact or not three or fact.until <= NOW:
            bad.add(f"{kind.value}-current")
    if not who.vendor and (who.listed_since is None or NOW - who.listed_since < timedelta(days=30)):
        bad.add("employer-listed")
    fits = grant and (grant.person, grant.tenant, grant.category, grant.purpose) == (
        who.id,
        ACME,
        ask.copy.category,
        ask.purpose,
    )
    if not fits:
        bad.add("grant-present")
    if grant and (grant.state != "approved" or grant.approver == who.id):
        bad.add("grant-approved-by-another")
    if grant and not grant.why.strip():
        bad.add("grant-justified")
    if grant and not grant.starts <= NOW < grant.ends:
        bad.add("grant-hours")
    if view and (not desk or desk.owner != who.id or not desk.compliant or desk.retired):
        bad.add("workstation-secure")
    if ask.numbers.people > ask.numbers.people_cap:
        bad.add("people-cap")
    if view and ask.numbers.views >= ask.numbers.view_budget:
        bad.add("view-budget")
    return bad


@settings(max_examples=300, deadline=None)
@given(ask=asks)
def test_the_rule_says_what_design_says_with_the_same_reasons(ask: Ask) -> None:
    decision = load_policies().decide(ask)
    forbidding = expected(ask)
    assert decision.permit is not bool(forbidding)
    assert set(decision.policies) == (
        forbidding or {"reviewers-view" if ask.action is Action.VIEW else "engineers-train"}
    )
    assert len(decision.reasons) == len(decision.policies)


@settings(max_examples=100, deadline=None)
@given(ask=asks, process=st.sampled_from(["copy", "web", "subjects", "worker"]), action=st.sampled_from(Action))
def test_a_process_may_only_check_and_answer(ask: Ask, process: str, action: Action) -> None:
    from dataclasses import replace

    asked = replace(ask, person=None, grant=None, workstation=None, process=process, action=action)
    decision = load_policies().decide(asked)
    live = asked.copy.state == "sealed" and asked.copy.expires > NOW
    engaged = asked.tenant.in_force and asked.purpose in asked.tenant.purposes
    allowed = {
        Action.CHECK: process in {"copy", "web", "subjects"} and live and engaged,
        Action.ANSWER: process == "subjects" and live,
    }
    assert decision.permit is allowed.get(action, False)
