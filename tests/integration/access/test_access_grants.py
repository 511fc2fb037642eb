"""Grants, sessions and the people around them, on a real database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from readingroom.access.facts import FactKind, assert_fact, confirm_fact
from readingroom.access.grant_states import GrantState
from readingroom.access.grants import (
    Wish,
    active_grants,
    approve_grant,
    deadlines,
    deny_grant,
    expire_due,
    get_grant,
    list_grants,
    request_access,
    revoke_grant,
)
from readingroom.access.leaving import leave, retire_workstation
from readingroom.access.people import (
    PersonRole,
    add_person,
    find_person,
    forget_people,
    list_people,
    person_of_actor,
)
from readingroom.access.sessions import (
    SESSION_LIFE,
    Who,
    create_link,
    end_session,
    find_session,
    open_session,
    redeem_link,
)
from readingroom.access.subprocessors import list_versions, publish_list
from readingroom.access.tables import LINKS, SESSIONS
from readingroom.access.workstations import check_proof, enrol_workstation, make_challenge, sign_challenge
from readingroom.audit.tables import ROOM_EVENTS
from readingroom.core.category import Category
from readingroom.core.errors import (
    AccessDenied,
    Refusal,
    SimulationOnly,
    UnknownName,
    UsageError,
    WrongState,
)
from readingroom.core.ids import TenantName
from readingroom.core.settings import Limits
from readingroom.db.engines import EVERY_TENANT
from readingroom.engagement.optin import opt_out

ADA, OTTO, ACME = "Ada Example", "Otto Example", TenantName("acme")
WISH = Wish(ACME, Category.MARKETING, "review", 8, "labels for the spam checker")


def names(stage: Any) -> list[str]:
    with stage.web.db.read(EVERY_TENANT) as connection:
        return list(connection.execute(select(ROOM_EVENTS.c.name).order_by(ROOM_EVENTS.c.number)).scalars())


def test_a_request_becomes_a_grant_when_another_person_approves(stage: Any) -> None:
    ada, otto = stage.person(ADA), stage.person(OTTO, PersonRole.APPROVER)
    asked = request_access(stage.web, ada, WISH)
    assert asked.state is GrantState.REQUESTED
    assert active_grants(stage.web, ada) == ()
    granted = approve_grant(stage.web, asked.id, by=otto)
    assert granted.state is GrantState.APPROVED
    assert (granted.starts_at, granted.ends_at) == (stage.clock.now(), stage.clock.now() + timedelta(hours=8))
    assert granted.list_version == 0
    assert active_grants(stage.web, ada) == (granted,)
    assert names(stage)[-2:] == ["access.requested", "access.approved"]
    with stage.web.db.read(EVERY_TENANT) as connection:
        leaves = connection.execute(select(ROOM_EVENTS.c.leaf)).scalars().all()
    assert not any(b"spam checker" in leaf for leaf in leaves)  # the justification stays in the room


@pytest.mark.parametrize(
    "changed",
    [{"hours": 0}, {"hours": 9}, {"why": "  "}, {"purpose": "advertising"}, {"tenant": "nobody"}],
    ids=str,
)
def test_a_wrong_request_is_refused_and_leaves_nothing(stage: Any, changed: dict[str, Any]) -> None:
    from dataclasses import replace

    before = names(stage)
    ada = stage.person(ADA)
    with pytest.raises(UsageError):
        request_access(stage.web, ada, replace(WISH, **changed))
    assert list_grants(stage.web) == ()
    assert names(stage) == [*before, "person.added"]


def test_outside_the_engagement_nobody_can_ask(stage: Any) -> None:
    opt_out(stage.web, ACME, "admin@customer.example")
    with pytest.raises(Refusal, match="not in force"):
        request_access(stage.web, stage.person(ADA), WISH)


def test_nobody_decides_about_their_own_request_or_without_the_role(stage: Any) -> None:
    both = stage.person("Both Example", PersonRole.REVIEWER, PersonRole.APPROVER)
    asked = request_access(stage.web, both, WISH)
    with pytest.raises(Refusal, match="own request"):
        approve_grant(stage.web, asked.id, by=both)
    with pytest.raises(Refusal, match="own request"):
        deny_grant(stage.web, asked.id, by=both)
    with pytest.raises(Refusal, match="role approver"):
        approve_grant(stage.web, asked.id, by=stage.person(ADA))
    assert get_grant(stage.web, asked.id).state is GrantState.REQUESTED


def test_a_decision_stands(stage: Any) -> None:
    otto = stage.person(OTTO, PersonRole.APPROVER)
    asked = request_access(stage.web, stage.person(ADA), WISH)
    assert deny_grant(stage.web, asked.id, by=otto).state is GrantState.DENIED
    for step in (approve_grant, deny_grant):
        with pytest.raises(WrongState):
            step(stage.web, asked.id, by=otto)
    with pytest.raises(WrongState):
        revoke_grant(stage.web, asked.id)
    with pytest.raises(UnknownName):
        get_grant(stage.web, "grant-nope")


def test_silence_for_twelve_hours_is_a_no_whether_or_not_a_worker_ran(stage: Any) -> None:
    otto = stage.person(OTTO, PersonRole.APPROVER)
    asked = request_access(stage.web, stage.person(ADA), WISH)
    assert deadlines(stage.web)[0][0] == stage.clock.now() + timedelta(hours=12)
    stage.clock.advance(timedelta(hours=12))
    with pytest.raises(WrongState):
        approve_grant(stage.web, asked.id, by=otto)
    assert expire_due(stage.worker) == 1
    assert expire_due(stage.worker) == 0
    found = get_grant(stage.web, asked.id)
    assert (found.state, found.ended_at) == (GrantState.EXPIRED, asked.answer_by)


def test_a_grant_past_its_hours_is_over_and_written_down(stage: Any) -> None:
    granted = (stage.person(ADA), stage.grant(ADA, hours=2))[1]
    stage.clock.advance(timedelta(hours=2))
    assert active_grants(stage.web, stage.person(ADA)) == ()
    with pytest.raises(WrongState):
        revoke_grant(stage.web, granted.id)
    assert expire_due(stage.worker) == 1
    assert get_grant(stage.web, granted.id).ended_at == granted.ends_at


def test_one_person_too_many_is_not_approved(make_stage: Any) -> None:
    stage = make_stage(limits=Limits(person_cap=2))
    otto = stage.person(OTTO, PersonRole.APPROVER)
    for name in ("One Example", "Two Example", "One Example"):  # the same person counts once
        stage.person(name)
        stage.grant(name)
    asked = request_access(stage.web, stage.person("Three Example"), WISH)
    with pytest.raises(Refusal, match="cap"):
        approve_grant(stage.web, asked.id, by=otto)
    stage.clock.advance(timedelta(days=30, hours=8))
    asked = request_access(stage.web, stage.person("Three Example"), WISH)
    assert approve_grant(stage.web, asked.id, by=otto).state is GrantState.APPROVED


def test_a_revocation_ends_the_sessions(stage: Any) -> None:
    ada = stage.reviewer(ADA)
    token = open_session(stage.web, Who.staff(ada, stage.station(ADA)))
    assert find_session(stage.web, token)
    [grant] = list_grants(stage.web, person=ada)
    with pytest.raises(Refusal, match="role"):
        revoke_grant(stage.web, grant.id, by=stage.person("Vera Example"))
    revoke_grant(stage.web, grant.id, by=ada)  # one's own may always be given back
    assert find_session(stage.web, token) is None


def test_leaving_ends_everything_and_the_name_is_forgotten_after_its_retention(stage: Any) -> None:
    ada = stage.reviewer(ADA)
    token = open_session(stage.web, Who.staff(ada, stage.station(ADA)))
    actor = stage.people[ADA].actor
    leave(stage.web, ada)
    assert find_session(stage.web, token) is None
    assert [grant.state for grant in list_grants(stage.web, person=ada)] == [GrantState.REVOKED]
    with pytest.raises(Refusal, match="left"):
        request_access(stage.web, ada, WISH)
    assert person_of_actor(stage.web, actor).name == ADA
    assert forget_people(stage.worker) == 0
    stage.clock.advance(timedelta(days=365))
    assert forget_people(stage.worker) == 1
    with pytest.raises(UnknownName):
        person_of_actor(stage.web, actor)
    assert ADA not in {person.name for person in list_people(stage.web)}


def test_sessions_end_by_time_sign_out_and_retirement_and_only_hashes_are_kept(stage: Any) -> None:
    ada = stage.eligible(ADA)
    who = Who.staff(ada, stage.station(ADA))
    first, second, third = (open_session(stage.web, who) for _ in range(3))
    found = find_session(stage.web, first)
    assert found
    assert (found.who, found.expires_at) == (who, stage.clock.now() + SESSION_LIFE)
    end_session(stage.web, first)
    end_session(stage.web, first)
    assert find_session(stage.web, first) is None
    assert find_session(stage.web, second)
    retire_workstation(stage.web, stage.station(ADA))
    assert find_session(stage.web, second) is None
    with pytest.raises(AccessDenied):
        open_session(stage.web, who)
    plain = open_session(stage.web, Who.staff(ada))
    stage.clock.advance(SESSION_LIFE)
    assert find_session(stage.web, plain) is None
    assert [find_session(stage.web, token) for token in ("", "nope", "x" * 1000)] == [None] * 3
    with stage.web.db.engine.connect() as connection:
        kept = str(connection.execute(select(SESSIONS)).all()) + str(connection.execute(select(LINKS)).all())
    assert not any(token in kept for token in (first, second, third, plain))


def test_a_session_is_bound_to_ones_own_workstation(stage: Any) -> None:
    stage.eligible(ADA)
    ben = stage.eligible("Ben Example")
    with pytest.raises(AccessDenied, match="workstation"):
        open_session(stage.web, Who.staff(ben, stage.station(ADA)))


def test_a_sign_in_link_works_once_for_a_day_in_simulation_rooms_only(stage: Any) -> None:
    ada = stage.eligible(ADA)
    link = create_link(stage.web, Who.staff(ada, stage.station(ADA)))
    assert find_session(stage.web, redeem_link(stage.web, link))
    for wrong in (link, "nope"):
        with pytest.raises(AccessDenied):
            redeem_link(stage.web, wrong)
    late = create_link(stage.web, Who.customer(ACME, "admin@customer.example"))
    stage.clock.advance(timedelta(days=1))
    with pytest.raises(AccessDenied):
        redeem_link(stage.web, late)
    with pytest.raises(UsageError):
        create_link(stage.web, Who.customer(ACME, ""))


def test_a_real_room_has_no_sign_in_links(make_stage: Any) -> None:
    stage = make_stage(simulation=False)
    with pytest.raises(SimulationOnly):
        create_link(stage.web, Who.staff(stage.person(ADA)))
    with pytest.raises(SimulationOnly):
        redeem_link(stage.web, "x")


def test_a_customers_session_names_tenant_and_contact(stage: Any) -> None:
    token = redeem_link(stage.web, create_link(stage.web, Who.customer(ACME, "admin@customer.example")))
    found = find_session(stage.web, token)
    assert found
    assert (found.who.tenant, found.who.contact, found.who.person) == (ACME, "admin@customer.example", "")
    with stage.web.db.read(EVERY_TENANT) as connection:
        leaves = connection.execute(select(ROOM_EVENTS.c.leaf)).scalars().all()
    assert not any(b"admin@customer.example" in leaf for leaf in leaves)


def test_a_device_proves_itself_once_per_challenge(stage: Any) -> None:
    enrolment = enrol_workstation(stage.web, "saw-1", person=stage.person(ADA))
    device = enrolment.workstation.id
    assert enrolment.private_key not in repr(enrolment)
    challenge = make_challenge(stage.web, device)
    signature = sign_challenge(stage.web, enrolment.private_key, challenge)
    assert check_proof(stage.web, device, challenge=challenge, signature=signature).id == device
    with pytest.raises(AccessDenied):
        check_proof(stage.web, device, challenge=challenge, signature=signature)
    other = enrol_workstation(stage.web, "saw-2", person=stage.person(ADA))
    challenge = make_challenge(stage.web, device)
    with pytest.raises(AccessDenied):
        check_proof(
            stage.web, device, challenge=challenge, signature=sign_challenge(stage.web, other.private_key, challenge)
        )
    challenge = make_challenge(stage.web, device)
    stage.clock.advance(timedelta(minutes=2))
    signature = sign_challenge(stage.web, enrolment.private_key, challenge)
    with pytest.raises(AccessDenied):
        check_proof(stage.web, device, challenge=challenge, signature=signature)
    with pytest.raises(UsageError, match="enrolled"):
        enrol_workstation(stage.web, "saw-1", person=stage.person(ADA))
    with pytest.raises(UsageError):
        sign_challenge(stage.web, "short", challenge)


def test_facts_need_two_other_people(stage: Any) -> None:
    ada, vera, walter = (stage.person(f"{name} Example") for name in ("Ada", "Vera", "Walter"))
    until = stage.clock.now() + timedelta(days=365)
    with pytest.raises(Refusal, match="themselves"):
        assert_fact(stage.web, ada, FactKind.SCREENING, until=until, by=ada)
    with pytest.raises(UsageError, match="future"):
        assert_fact(stage.web, ada, FactKind.SCREENING, until=stage.clock.now(), by=vera)
    fact = assert_fact(stage.web, ada, FactKind.SCREENING, until=until, by=vera)
    assert not fact.is_current(stage.clock.now())
    for wrong in (ada, vera):
        with pytest.raises(Refusal):
            confirm_fact(stage.web, fact.id, by=wrong)
    fact = confirm_fact(stage.web, fact.id, by=walter)
    assert fact.is_current(stage.clock.now())
    assert not fact.is_current(until)
    with pytest.raises(WrongState):
        confirm_fact(stage.web, fact.id, by=walter)


def test_people_have_fit_names_known_once(stage: Any) -> None:
    stage.person(ADA)
    roles = [PersonRole.REVIEWER]
    with pytest.raises(UsageError, match="already"):
        add_person(stage.web, ADA, employer="V", roles=roles)
    for name, employer, country in (
        ("", "V", "US"),
        (" a", "V", "US"),
        ("a\nb", "V", "US"),
        ("a", "", "US"),
        ("a", "V", "us"),
    ):
        with pytest.raises(UsageError):
            add_person(stage.web, name, employer=employer, roles=roles, country=country)
    with pytest.raises(UsageError, match="role"):
        add_person(stage.web, "b", employer="V", roles=[])
    assert find_person(stage.web, ADA) == find_person(stage.web, stage.people[ADA].id)
    with pytest.raises(UnknownName):
        find_person(stage.web, "nobody")


@pytest.mark.parametrize(
    "data",
    [
        b"\xff",
        b"[[subprocessor]]\nname = 1",
        b"x = 1",
        b'[[subprocessor]]\nname = "A"\ncountry = "usa"\nservice = "s"',
        b'[{"name": "A", "country": "US", "service": "s"}, {"name": "A", "country": "US", "service": "s"}]',
        b'{"subprocessors": [{"name": "A", "country": "US", "service": "s", "more": 1}]}',
    ],
)
def test_a_wrong_list_of_subprocessors_is_not_published(stage: Any, data: bytes) -> None:
    with pytest.raises(UsageError):
        publish_list(stage.web, data)
    assert list_versions(stage.web) == ()


def test_lists_are_numbered_and_kept(stage: Any) -> None:
    publish_list(stage.web, b'[{"name": "A", "country": "US", "service": "s"}]')
    publish_list(stage.web, b'[[subprocessor]]\nname = "B"\ncountry = "DE"\nservice = "s"\n')
    versions = list_versions(stage.web)
    assert [(one.version, one.entries[0].name) for one in versions] == [(1, "A"), (2, "B")]
