"""The gate on real databases and a really sealed copy: each condition of DESIGN's Access paragraph, alone, denies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from ground import behind
from readingroom.access import Request, Visit, decide, view_item
from readingroom.access.facts import FactKind, list_facts, withdraw_fact
from readingroom.access.grants import list_grants, revoke_grant
from readingroom.access.leaving import leave, retire_workstation
from readingroom.access.people import PersonRole
from readingroom.access.standing import Action
from readingroom.access.tables import FACTS, GRANTS, ROLES, VIEWS
from readingroom.access.workstations import set_compliance
from readingroom.audit.unit import Event, unit_of_work
from readingroom.copies.tables import COPIES, ITEMS, Reason
from readingroom.copies.withheld import withhold_item
from readingroom.core.errors import AccessDenied, UnknownName
from readingroom.core.ids import ItemId, PersonId
from readingroom.core.settings import Limits
from readingroom.db.engines import EVERY_TENANT
from readingroom.engagement.optin import opt_out, suspend

ADA, REVIEW, ACME = "Ada Example", "review", "acme"


@pytest.fixture
def ready(stage: Any) -> Any:
    """Ada may look at the first of two mails, now."""
    stage.reviewer(ADA)
    stage.sealed = stage.mails(["Dear [PERSON_7f3a2c], see [EMAIL_00aa11] and [EMAIL_00aa12]", "Bye"])
    stage.item = stage.items(stage.sealed)[0]
    return stage


def view(stage: Any, name: str = ADA, **changed: Any) -> Any:
    asked = {"workstation": stage.station(name), "purpose": REVIEW, "item": stage.item.id} | changed
    return view_item(stage.web, stage.person(name), **asked)


def forge(stage: Any, table: Any, where: Any, **values: Any) -> None:
    """Change rows as nobody's function would: what the rule must catch by itself."""
    db = stage.web.db if table.metadata is stage.web.db.schema else stage.web.place("us").db
    with behind(db).begin() as connection:  # also where no login of ours may do it
        connection.execute(update(table).where(where).values(**values))


def test_an_eligible_reviewer_sees_one_item_and_the_event_says_all_of_it(ready: Any) -> None:
    seen = view(ready)
    assert seen.cells["description"].startswith("Dear [PERSON_7f3a2c]")
    assert "_row" not in seen.cells
    assert seen.placeholders == {"EMAIL": 2, "PERSON": 1}
    assert seen.views_left == ready.web.settings.limits.view_budget - 1
    assert "Dear" not in repr(seen)
    [event] = ready.events("item.viewed")
    facts = event["facts"]
    assert event["actor"] == ready.people[ADA].actor
    assert (facts["employer"], facts["country"], facts["purpose"]) == ("Vendor Example", "US", REVIEW)
    assert (facts["decision"], facts["policies"]) == ("permit", ["reviewers-view"])
    assert (facts["grant"], facts["workstation"]) == (seen.grant, ready.station(ADA))
    assert facts["approver"] == ready.people["Otto Example"].actor
    assert "item" in event["commitments"]
    assert ready.item.id not in str(event)
    assert "Ada" not in str(event)


def _suspend(stage: Any) -> None:
    suspend(stage.web, ACME)


def _opt_out(stage: Any) -> None:
    opt_out(stage.web, ACME, "admin@customer.example")


def _mail_notice_runs_out(stage: Any) -> None:
    opt_out(stage.web, ACME, "admin@customer.example", received=stage.clock.now() - timedelta(hours=1))
    forge(stage, COPIES, COPIES.c.id == stage.sealed.id, expires_at=stage.clock.now() + timedelta(days=60))
    stage.clock.advance(timedelta(days=30))


def _expired(stage: Any) -> None:
    forge(stage, COPIES, COPIES.c.id == stage.sealed.id, expires_at=stage.clock.now())


def _purging(stage: Any) -> None:
    forge(stage, COPIES, COPIES.c.id == stage.sealed.id, purge_started_at=stage.clock.now())


def _staging(stage: Any) -> None:
    forge(stage, COPIES, COPIES.c.id == stage.sealed.id, state="staging")


def _withheld(stage: Any) -> None:
    with unit_of_work(stage.web.place("us").db, ACME, stage.clock) as unit:
        withhold_item(unit, stage.item.id, reason=Reason.FLAGGED)
        unit.append(Event("test.withheld", actor="test"))


def _lapse(kind: FactKind) -> Callable[[Any], None]:
    def lapse(stage: Any) -> None:
        mine = (FACTS.c.person == stage.person(ADA)) & (FACTS.c.kind == kind.value)
        forge(stage, FACTS, mine, until=stage.clock.now())

    return lapse


def _withdraw(stage: Any) -> None:
    fact = next(f for f in list_facts(stage.web, stage.person(ADA)) if f.kind is FactKind.TRAINING)
    withdraw_fact(stage.web, fact.id, by=stage.person("Otto Example"))


def _forge_fact(**columns: str) -> Callable[[Any], None]:
    def change(stage: Any) -> None:
        ids = {"ADA": stage.person(ADA), "VERA": stage.person("Vera Example"), "NOBODY": None}
        mine = (FACTS.c.person == stage.person(ADA)) & (FACTS.c.kind == FactKind.SCREENING.value)
        forge(stage, FACTS, mine, **{name: ids[value] for name, value in columns.items()})

    return change


def _forge_grant(**values: Any) -> Callable[[Any], None]:
    return lambda stage: forge(stage, GRANTS, GRANTS.c.person == stage.person(ADA), **values)


def _own_approval(stage: Any) -> None:
    forge(stage, GRANTS, GRANTS.c.person == stage.person(ADA), decided_by=stage.person(ADA))


def _hours_over(stage: Any) -> None:
    stage.clock.advance(timedelta(hours=8))


def _revoked(stage: Any) -> None:
    [grant] = list_grants(stage.web, person=stage.person(ADA))
    revoke_grant(stage.web, grant.id, by=stage.person("Otto Example"))


def _not_compliant(stage: Any) -> None:
    set_compliance(stage.web, stage.station(ADA), compliant=False)


def _retired(stage: Any) -> None:
    retire_workstation(stage.web, stage.station(ADA))


def _no_role(stage: Any) -> None:
    forge(stage, ROLES, ROLES.c.person == stage.person(ADA), role="approver")


ONE_BY_ONE = [
    (_suspend, "engagement-in-force"),
    (_opt_out, "engagement-in-force"),
    (_expired, "copy-not-expired"),
    (_purging, "copy-sealed"),
    (_staging, "copy-sealed"),
    (_withheld, "item-not-withheld"),
    (_lapse(FactKind.SCREENING), "screening-current"),
    (_lapse(FactKind.TRAINING), "training-current"),
    (_lapse(FactKind.AGREEMENT), "agreement-current"),
    (_withdraw, "training-current"),
    (_forge_fact(confirmed_by="NOBODY"), "screening-current"),
    (_forge_fact(confirmed_by="VERA"), "screening-current"),  # the one who asserted it
    (_forge_fact(confirmed_by="ADA"), "screening-current"),
    (_forge_fact(asserted_by="ADA"), "screening-current"),
    (_own_approval, "grant-approved-by-another"),
    (_revoked, "grant-approved-by-another"),
    (_forge_grant(why="  "), "grant-justified"),
    (_not_compliant, "workstation-secure"),
    (_retired, "workstation-secure"),
    (_no_role, "role-fits"),
]


@pytest.mark.parametrize(("break_it", "policy"), ONE_BY_ONE, ids=[f"{p}-{n}" for n, (_, p) in enumerate(ONE_BY_ONE)])
def test_each_condition_alone_denies_at_the_next_read(ready: Any, break_it: Any, policy: str) -> None:
    view(ready)
    break_it(ready)
    with pytest.raises(AccessDenied) as denial:
        view(ready)
    [event] = ready.events("access.denied")
    assert event["facts"]["policies"] == [policy]
    assert len(denial.value.reasons) == 1
    assert event["facts"]["decision"] == "deny"
    assert len(ready.events("item.viewed")) == 1


def test_a_grant_ends_with_its_hours(ready: Any) -> None:
    ready.clock.advance(timedelta(hours=8) - timedelta(milliseconds=1))
    view(ready)
    ready.clock.advance(timedelta(milliseconds=1))
    with pytest.raises(AccessDenied, match="hours"):
        view(ready)


@pytest.mark.parametrize("values", [{"category": "query"}, {"purpose": "spam-checker"}, {"tenant": "other"}])
def test_a_grant_for_something_else_opens_nothing(ready: Any, values: Any) -> None:
    _forge_grant(**values)(ready)
    with pytest.raises(AccessDenied, match="no grant for this tenant, category and purpose"):
        view(ready)


def test_the_end_of_a_mail_notice_counts_by_the_instant(ready: Any) -> None:
    _mail_notice_runs_out(ready)
    with pytest.raises(AccessDenied):
        view(ready)
    assert "engagement-in-force" in ready.events("access.denied")[0]["facts"]["policies"]


def test_no_workstation_or_somebody_elses_is_not_enough(ready: Any) -> None:
    ready.eligible("Ben Example")
    for station in (None, ready.station("Ben Example"), "ws-unknown"):
        with pytest.raises(AccessDenied, match="workstation"):
            view(ready, workstation=station)


def test_a_purpose_that_is_not_the_engagements_is_denied(ready: Any) -> None:
    with pytest.raises(AccessDenied) as denial:
        view(ready, purpose="advertising")
    assert any("purpose" in reason for reason in denial.value.reasons)


def test_people_of_a_subprocessor_wait_thirty_days_after_it_was_published(stage: Any) -> None:
    from readingroom.access.subprocessors import publish_list

    entry = b'[[subprocessor]]\nname = "Sub Example"\ncountry = "US"\nservice = "review"\n'
    publish_list(stage.web, entry)
    stage.eligible("Sue Example", employer="Sub Example")
    stage.clock.advance(timedelta(days=29))
    stage.grant("Sue Example")
    stage.item = stage.items(stage.mails(["hello"]))[0]
    with pytest.raises(AccessDenied, match="list of subprocessors"):
        view(stage, "Sue Example")
    stage.clock.advance(timedelta(days=1))
    stage.grant("Sue Example")
    view(stage, "Sue Example")
    assert stage.events("item.viewed")[0]["facts"]["list_version"] == 1
    publish_list(stage.web, b"[]")
    with pytest.raises(AccessDenied, match="list of subprocessors"):
        view(stage, "Sue Example")


def test_somebody_who_left_sees_nothing(ready: Any) -> None:
    leave(ready.web, ready.person(ADA))
    with pytest.raises(AccessDenied) as denial:
        view(ready)
    assert "the person has left" in denial.value.reasons


def test_the_view_budget_counts_items_for_a_day(make_stage: Any) -> None:
    stage = make_stage(limits=Limits(view_budget=2))
    stage.reviewer(ADA)
    items = stage.items(stage.mails(["a", "b", "c"]))
    for item in (items[0], items[0], items[1]):  # the same item twice is one
        stage.item = item
        view(stage)
    stage.item = items[2]
    with pytest.raises(AccessDenied, match="budget"):
        view(stage)
    stage.clock.advance(timedelta(hours=24))
    stage.grant(ADA)
    view(stage)


def test_a_cap_made_stricter_denies_everybody(ready: Any) -> None:
    from dataclasses import replace

    ready.reviewer("Ben Example")
    view(ready)
    ready.web = replace(ready.web, settings=replace(ready.web.settings, limits=Limits(person_cap=1)))
    with pytest.raises(AccessDenied, match="cap"):
        view(ready)


def test_decide_asks_only_and_names_every_reason(ready: Any) -> None:
    before = len(ready.events())
    visit = Visit(REVIEW, Action.VIEW, person=ready.person(ADA), workstation=ready.station(ADA))
    assert decide(ready.web, Request(visit, ready.sealed.id, ready.item.id)).permit
    nobody = Visit(REVIEW, Action.VIEW, person=ready.person("Vera Example"))
    decision = decide(ready.web, Request(nobody, ready.sealed.id))
    assert not decision.permit
    assert {"screening-current", "training-current", "agreement-current", "grant-present", "workstation-secure"} == set(
        decision.policies
    )
    assert len(decision.reasons) == len(decision.policies)
    assert len(ready.events()) == before


def test_an_unknown_item_or_person_is_unknown(ready: Any) -> None:
    with pytest.raises(UnknownName):
        view(ready, item=ItemId("item-nope"))
    with pytest.raises(UnknownName):
        view_item(ready.web, PersonId("x"), workstation=None, purpose=REVIEW, item=ready.item.id)


def test_the_event_is_durable_before_the_first_byte(ready: Any) -> None:
    """A store that fails leaves the event of a view that gave nothing: never a view without its event."""
    path = next((ready.web.settings.root / "us" / "objects").rglob("*.parquet"))
    path.rename(path.with_suffix(".gone"))
    with pytest.raises(Exception, match=r"."):
        view(ready)
    assert len(ready.events("item.viewed")) == 1
    with ready.web.place("us").db.read(ACME) as connection:
        assert len(connection.execute(select(VIEWS)).all()) == 1


def test_where_the_event_cannot_be_written_nothing_is_opened(ready: Any) -> None:
    place = ready.web.place("us").db
    with behind(place).begin() as connection:
        connection.exec_driver_sql("DROP TABLE event_salts")
    with pytest.raises(Exception, match="database us"):
        view(ready)
    with place.read(ACME) as connection:
        assert connection.execute(select(VIEWS)).all() == []


def test_the_worker_cannot_open_what_the_gate_permits(ready: Any) -> None:
    from readingroom.core.errors import KeyFault

    with pytest.raises(KeyFault):
        view_item(ready.worker, ready.person(ADA), workstation=ready.station(ADA), purpose=REVIEW, item=ready.item.id)


def test_an_item_of_another_tenants_copy_needs_a_grant_for_that_tenant(ready: Any) -> None:
    with unit_of_work(ready.web.place("us").db, EVERY_TENANT, ready.clock) as unit:
        row = dict(unit.connection.execute(select(COPIES)).mappings().one())
        unit.connection.execute(insert(COPIES).values(**{**row, "id": "copy-2", "tenant": "other"}))
        item = dict(unit.connection.execute(select(ITEMS).limit(1)).mappings().one())
        unit.connection.execute(insert(ITEMS).values(**{**item, "id": "item-2", "copy": "copy-2", "tenant": "other"}))
        unit.append(Event("test.forged", actor="test"))
    with pytest.raises(AccessDenied) as denial:
        view(ready, item=ItemId("item-2"))
    assert "the engagement is not in force" in denial.value.reasons
    assert "there is no grant for this tenant, category and purpose" in denial.value.reasons


def test_a_role_alone_is_no_access(stage: Any) -> None:
    stage.person(ADA, *PersonRole)
    copy = stage.mails(["x"])
    stage.item = stage.items(copy)[0]
    with pytest.raises(AccessDenied):
        view_item(stage.web, stage.person(ADA), workstation=None, purpose=REVIEW, item=stage.item.id)
