"""The pure rules of a copy's life: states, instants, names, who is alive, what is asked for."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from readingroom.anonymize.tagging import TAGS
from readingroom.copies import retention
from readingroom.copies.certificate import merkle_root
from readingroom.copies.part_names import draft_part, key_name, part_name, seal_context
from readingroom.copies.plan import EXCLUDED, allow_list, plan_copy
from readingroom.copies.records import Copy
from readingroom.copies.runner import SILENCE, at_work, is_alive, this_process
from readingroom.copies.states import TRANSITIONS, CopyState, check_transition, mermaid
from readingroom.copies.tables import PartKind
from readingroom.copies.withdraw import withdraw
from readingroom.core.category import Category
from readingroom.core.errors import WrongState
from readingroom.core.ids import CopyId, PlaceName, TenantName
from readingroom.core.settings import Limits
from readingroom.engagement.mirror import Mirrored
from readingroom.engagement.states import EngagementState, Step
from readingroom.keys.keyring import Chain, chain_of
from readingroom.sources import Column, TableInfo

NOW = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
LIMITS = Limits()


def a_copy(**changes: Any) -> Copy:
    copy = Copy(
        id=CopyId("copy-1"),
        tenant=TenantName("fabrikam"),
        category=Category.MARKETING,
        place=PlaceName("us"),
        state=CopyState.SEALED,
        day="2026-11-01",
        actor="worker",
        owner="customer",
        confidentiality="customer confidential",
        notice="1",
        runner="",
        heartbeat=None,
        created_at=NOW,
        sealed_at=NOW,
        expires_at=NOW + timedelta(days=30),
        purge_due=NOW + timedelta(days=29),
        purge_started_at=None,
        purged_at=None,
        rows=0,
        items=0,
        withheld_items=0,
        bytes=0,
        reason="",
        manifest_sha256="",
    )
    return replace(copy, **changes)


def mirror(step: Step, *, since: datetime, ends_at: datetime | None) -> Mirrored:
    return Mirrored(EngagementState.ACTIVE, step, since, ends_at, 1)


def test_every_state_is_in_the_table_and_two_are_final() -> None:
    assert set(TRANSITIONS) == set(CopyState)
    final = {state for state, targets in TRANSITIONS.items() if not targets}
    assert final == {CopyState.PURGED, CopyState.REFUSED}
    check_transition(CopyState.STAGING, to=CopyState.SEALED)
    for state in CopyState:
        for to in CopyState:
            if to not in {target for target, _ in TRANSITIONS[state]}:
                with pytest.raises(WrongState):
                    check_transition(state, to=to)


def test_the_diagram_has_every_transition() -> None:
    assert mermaid().count("-->") == 1 + sum(len(t) or 1 for t in TRANSITIONS.values())


@pytest.mark.parametrize(("category", "days"), [(Category.MARKETING, 30), (Category.QUERY, 30), (Category.SCHEMA, 365)])
def test_a_copy_lives_as_long_as_its_category_allows(category: Category, days: int) -> None:
    life = retention.window(NOW, category, limits=LIMITS)
    assert life.expires_at == NOW + timedelta(days=days)
    assert life.purge_due == life.expires_at - timedelta(hours=24)


def test_the_end_of_the_engagement_cuts_it_short_and_never_extends_it() -> None:
    soon = NOW + timedelta(days=3)
    assert retention.current_window(a_copy(), limits=LIMITS, ends_at=soon).expires_at == soon
    late = NOW + timedelta(days=300)
    assert retention.current_window(a_copy(), limits=LIMITS, ends_at=late).expires_at == NOW + timedelta(days=30)
    past = retention.current_window(a_copy(), limits=LIMITS, ends_at=NOW + timedelta(hours=1))
    assert past.purge_due == NOW


def test_a_copy_is_unreadable_from_the_very_instant() -> None:
    copy = a_copy()
    assert retention.unreadable(copy, copy.expires_at - timedelta(microseconds=1)) == ""
    assert retention.unreadable(copy, copy.expires_at) == "the copy has expired"
    assert retention.unreadable(copy, NOW, ends_at=NOW) == "the copy has expired"
    assert "begun" in retention.unreadable(a_copy(purge_started_at=NOW), NOW)
    for state in (CopyState.STAGING, CopyState.PURGED, CopyState.REFUSED):
        assert state in retention.unreadable(a_copy(state=state), NOW)


def test_what_is_due_and_when() -> None:
    copies = [
        a_copy(),
        a_copy(id=CopyId("copy-2"), purge_started_at=NOW),
        a_copy(id=CopyId("copy-3"), state=CopyState.REFUSED),
    ]
    now = NOW + timedelta(days=29)
    assert [c.id for c in retention.due(copies, NOW, limits=LIMITS, ends={})] == ["copy-2"]
    assert [c.id for c in retention.due(copies, now, limits=LIMITS, ends={})] == ["copy-1", "copy-2"]
    ends = {CopyId("copy-1"): NOW + timedelta(days=2)}
    assert retention.deadlines(copies, limits=LIMITS, ends=ends) == (NOW + timedelta(days=1), now)


def test_an_end_is_the_notices_the_toggles_or_that_of_an_earlier_engagement() -> None:
    copy, later = a_copy(), NOW + timedelta(days=10)
    assert retention.end_for(copy, None) is None
    assert retention.end_for(copy, mirror(Step.OPT_IN, since=NOW, ends_at=None)) is None
    assert retention.end_for(copy, mirror(Step.OPT_IN, since=later, ends_at=None)) == later  # P35
    assert retention.end_for(copy, mirror(Step.RESUME, since=later, ends_at=None)) is None
    resumed = replace(mirror(Step.RESUME, since=later + timedelta(days=1), ends_at=None), began_at=later)
    assert retention.end_for(copy, resumed) == later  # whatever was done since the new opt-in
    assert retention.end_for(copy, replace(resumed, began_at=NOW)) is None
    notice = mirror(Step.GIVE_NOTICE, since=NOW, ends_at=later)
    assert retention.end_for(copy, notice) == retention.limit_for(copy, notice) == later
    toggle = mirror(Step.OPT_OUT, since=later, ends_at=later)
    assert retention.end_for(copy, toggle) == later
    assert retention.limit_for(copy, toggle) == copy.expires_at


def test_names_hold_numbers_only_and_pick_their_chain() -> None:
    copy = a_copy()
    draft = draft_part(copy, PartKind.DATA, 7)
    assert (draft.name, draft.path) == ("p-00007", "fabrikam/marketing/2026-11-01/copy-1/p-00007.parquet")
    again = draft_part(copy, PartKind.DATA, 7, generation=3)
    assert (again.name, again.key) == ("p-00007", "p-00007.g3")
    for kind, chain in ((PartKind.DATA, Chain.DATA), (PartKind.TAGS, Chain.TAGS), (PartKind.LINKS, Chain.TAGS)):
        for generation in (1, 2):
            assert chain_of(key_name(part_name(kind, 1), generation)) is chain
    assert seal_context(copy, draft) != seal_context(copy, again)
    assert seal_context(copy, draft) != seal_context(a_copy(place=PlaceName("eu")), draft)


def test_this_process_is_alive_only_for_what_it_works_on() -> None:
    me = this_process()
    with at_work("copy-1"):
        assert is_alive(me, "copy-1", heartbeat=NOW, now=NOW)
        assert not is_alive(me, "copy-2", heartbeat=NOW, now=NOW)
    assert not is_alive(me, "copy-1", heartbeat=NOW, now=NOW)
    assert not is_alive("", "copy-1", heartbeat=NOW, now=NOW)


def test_a_dead_process_is_dead_even_if_its_pid_lives_again() -> None:
    boot, namespace, _, _ = this_process().split("/")
    parent = f"{boot}/{namespace}/{os.getppid()}/"
    assert not is_alive(parent + "1", "copy-1", heartbeat=NOW, now=NOW)
    assert not is_alive(f"{boot}/{namespace}/999999999/1", "copy-1", heartbeat=NOW, now=NOW)
    elsewhere = f"another-boot/{namespace}/1/1"
    assert is_alive(elsewhere, "copy-1", heartbeat=NOW, now=NOW + SILENCE / 2)
    assert not is_alive(elsewhere, "copy-1", heartbeat=NOW, now=NOW + SILENCE)


def table(name: str, store: str, category: Category, *columns: str) -> TableInfo:
    return TableInfo(name, store, category, tuple(Column(column, "string") for column in columns))


CONTACT = table("contact", "dataverse", Category.MARKETING, "contactid", "fullname", "new_nickname")
LOG = table("activity-log", "activity-log", Category.QUERY, "Id", "Query")
NAMES = table("entity-definitions", "schema", Category.SCHEMA, "columnlogicalname")
CUSTOM = table("new_orders", "dataverse", Category.MARKETING, "new_name")


def test_a_copy_takes_its_category_and_learns_from_everybody() -> None:
    plan = plan_copy([CONTACT, LOG, NAMES, CUSTOM], Category.QUERY, excluded=(), decisions={})
    assert [info.name for info, _ in plan.copied] == ["activity-log"]
    assert [info.name for info, _ in plan.learnt] == ["contact", "activity-log"]
    plan = plan_copy([CONTACT, LOG, NAMES, CUSTOM], Category.SCHEMA, excluded=(), decisions={})
    assert [info.name for info, _ in plan.copied] == ["entity-definitions"]
    assert [info.name for info, _ in plan.learnt] == ["contact", "entity-definitions"]
    plan = plan_copy([CONTACT, LOG, CUSTOM], Category.MARKETING, excluded=("Contact",), decisions={})
    assert plan.copied == ()
    assert plan.left_out[0] == ("contact", EXCLUDED)
    assert [info.name for info, _ in plan.learnt] == ["activity-log"]  # an excluded table is not even learnt from


def test_nothing_unlisted_is_scanned_unless_a_person_confirmed_it() -> None:
    allowed = allow_list(Category.MARKETING, excluded=("lead",), decisions={"new_orders.new_name": "text"})
    assert allowed("new_johnsmith_orders") is None
    assert allowed("lead") is None
    assert allowed("entity-definitions") is None  # P13 is a category of its own
    contact, orders = allowed("contact"), allowed("new_orders")
    assert contact is not None
    assert orders is not None
    assert "fullname" in contact
    assert "new_nickname" not in contact
    assert "new_name" in orders
    assert "new_other" not in orders
    schema = allow_list(Category.SCHEMA, excluded=(), decisions={})
    assert schema("contact") is not None  # for names of people, so that none stands in a schema (P26)
    assert schema("msdyncrm_marketingemail") is None
    assert schema("activity-log") is None


def test_a_cell_that_is_no_text_loses_its_value_whole() -> None:
    batch = pa.RecordBatch.from_pydict({"age": [41, 42]})
    tag = {"row": 1, "column": "age", "start": 0, "end": 2, "kind": "x", "tag": bytes(16), "role": "span"}
    done = withdraw(batch, pa.Table.from_pylist([tag], schema=TAGS), gone=frozenset({bytes(16)}))
    assert done.batch["age"].to_pylist() == [41, None]
    assert np.array_equal(done.kept, [0, 1])


def test_the_merkle_root_changes_with_every_object() -> None:
    objects = [{"path": "a", "bytes": 1, "sha256": "00"}, {"path": "b", "bytes": 2, "sha256": "11"}]
    assert len({merkle_root(objects), merkle_root(objects[:1]), merkle_root(objects[::-1]), merkle_root([])}) == 4
