"""New notices, choices about contact, feedback, objections, and a new engagement after the end: on real databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from readingroom import bootstrap
from readingroom.access.objections import list_objections, object_to, subprocessors_for, withdraw_objection
from readingroom.access.subprocessors import publish_list
from readingroom.audit.tables import PLACE_EVENTS, ROOM_EVENTS
from readingroom.audit.unit import Event, unit_of_work
from readingroom.bootstrap import open_house
from readingroom.core.errors import KeyFault, Refusal, UnknownName, UsageError, WrongState
from readingroom.core.ids import PlaceName, TenantName
from readingroom.db.engines import EVERY_TENANT
from readingroom.engagement import contact, feedback, mirror, optin
from readingroom.engagement.contact import ContactTopic
from readingroom.engagement.notice import publish_notice, template
from readingroom.engagement.receipt import verify_receipt
from readingroom.engagement.states import EngagementState
from readingroom.engagement.tables import FEEDBACK, MIRROR
from readingroom.engagement.tenants import add_tenant
from readingroom.house import House
from readingroom.keys.roles import Role

ADA, BEN = "ada@customer.example", "ben@customer.example"
ACME, US = TenantName("acme"), PlaceName("us")
TEXT = template().decode()
WIDER = TEXT.replace('services = ["', 'services = ["Chat", "').encode()
NARROWER = TEXT.replace("notice_days = 30", "notice_days = 30 # days").replace(', "Business application platform"', "")
LIST = b'[[subprocessor]]\nname = "Example Review"\ncountry = "IE"\nservice = "review"\n'

Open = Callable[[Role], House]


@pytest.fixture
def opened(tmp_path: Path) -> Any:
    """A simulation room with one tenant that has opted in, to be opened in any role."""
    root = tmp_path / "room"
    bootstrap.init(root, simulation=True, vendor="Vendor Example")
    houses: list[House] = []

    def begin(role: Role) -> House:
        houses.append(open_house(root, role))
        return houses[-1]

    web = begin(Role.WEB)
    publish_notice(web, actor="operator")
    add_tenant(web, "acme", geo="US", connection={"synapse": str(tmp_path)}, actor="operator")
    optin.opt_in(web, "acme", ADA, read=1)
    yield begin
    for house in houses:
        for database in (house.db, *(place.db for place in house.places.values())):
            database.close()


@pytest.fixture
def web(opened: Open) -> House:
    return opened(Role.WEB)


def leaves(house: House, name: str, *, place: PlaceName | None = None) -> list[dict[str, Any]]:
    db, table = (house.db, ROOM_EVENTS) if place is None else (house.place(place).db, PLACE_EVENTS)
    with db.read(EVERY_TENANT) as connection:
        rows = connection.execute(select(table.c.leaf).where(table.c.name == name).order_by(table.c.number))
        return [json.loads(leaf) for leaf in rows.scalars()]


def may_seal(house: House) -> None:
    """What the sealing transaction asks of the place alone."""
    with house.place(US).db.read(ACME) as connection:
        mirror.check_mirror_may_copy(connection, ACME, now=house.clock.now())


# notices


def test_a_wider_notice_stops_copies_in_room_and_place_until_it_is_accepted(web: House) -> None:
    optin.check_copying(web, "acme")
    publish_notice(web, WIDER, actor="operator")
    assert optin.status(web, "acme").pending == 2
    for ask in (lambda: optin.check_copying(web, "acme"), lambda: may_seal(web)):
        with pytest.raises(WrongState, match="waits for the customer") as refused:
            ask()
        assert "notice 2" in refused.value.reasons[0]
    assert optin.in_force(web, "acme", web.clock.now())  # what was agreed to may still be looked at
    newer = optin.newer(web, "acme")
    assert newer is not None
    assert newer.change.wider == ("the service Chat is new",)
    document = optin.accept_notice(web, "acme", ADA, read=2)
    verify_receipt(document, web.keys.public(Role.WEB))
    assert document["receipt"]["dpv:hasNotice"]["readingroom:version"] == 2
    found = optin.status(web, "acme")
    assert (found.state, found.notice_version, found.pending) == (EngagementState.ACTIVE, 2, None)
    optin.check_copying(web, "acme")
    may_seal(web)
    assert [leaf["facts"].get("pending") for leaf in leaves(web, "engagement.notice_pending", place=US)] == [2]
    assert len(leaves(web, "engagement.notice_accepted", place=US)) == 1


def test_a_narrower_notice_stops_nothing_and_lifts_a_stop(web: House) -> None:
    publish_notice(web, NARROWER.encode(), actor="operator")
    optin.check_copying(web, "acme")
    may_seal(web)
    newer = optin.newer(web, "acme")
    assert newer is not None
    assert (newer.stops, newer.change.narrower) == (False, ("the service Business application platform is gone",))
    publish_notice(web, WIDER, actor="operator")
    with pytest.raises(WrongState):
        may_seal(web)
    publish_notice(web, b"# as before\n" + template(), actor="operator")
    optin.check_copying(web, "acme")
    may_seal(web)


def test_only_the_newest_notice_is_accepted_and_as_it_was_read(web: House) -> None:
    with pytest.raises(WrongState, match="agreed to already"):
        optin.accept_notice(web, "acme", ADA, read=1)
    publish_notice(web, WIDER, actor="operator")
    publish_notice(web, WIDER + b"\n", actor="operator")
    with pytest.raises(WrongState, match="published since"):
        optin.accept_notice(web, "acme", ADA, read=2)
    optin.opt_out(web, "acme", ADA)
    with pytest.raises(WrongState):
        optin.accept_notice(web, "acme", ADA, read=3)
    with pytest.raises(WrongState, match="published since"):
        optin.opt_in(web, "acme", ADA, read=1)
    assert optin.newer(web, "acme") is None  # nothing waits where nothing is in force


def test_a_mirror_that_missed_a_notice_is_put_right_by_the_worker(web: House, opened: Open) -> None:
    publish_notice(web, WIDER, actor="operator")
    with unit_of_work(web.place(US).db, ACME, web.clock) as unit:  # as if the process had died before the mirror
        unit.connection.execute(update(MIRROR).values(pending=None))
        unit.append(Event("test.damaged", actor="test", tenant=ACME))
    may_seal(web)
    assert mirror.refresh(opened(Role.WORKER)) == [ACME]
    with pytest.raises(WrongState):
        may_seal(web)


# contact


def test_who_may_be_asked_about_what_is_a_choice_with_a_history(web: House) -> None:
    assert contact.contact_choice(web, "acme") is not None
    assert not contact.contact_choice(web, "acme").allowed  # type: ignore[union-attr]  # off by default (P04)
    with pytest.raises(UsageError, match="topic"):
        contact.set_contact(web, "acme", allowed=True, topics=())
    contact.set_contact(web, "acme", allowed=True, who=BEN, topics=[ContactTopic.SERVICES])
    contact.set_contact(web, "acme", allowed=True, who=BEN, topics=[ContactTopic.SERVICES])  # the same: no line
    with pytest.raises(Refusal, match="asked about this"):
        contact.register_contact(web, "acme", "how-is-it", actor="officer", topic=ContactTopic.ENGAGEMENT)
    address = contact.register_contact(web, "acme", "how-is-it", actor="officer", topic=ContactTopic.SERVICES)
    assert address == BEN
    contact.set_contact(web, "acme", allowed=False)
    assert [one.allowed for one in contact.contact_history(web, "acme")] == [True, False]
    (made,) = contact.contact_register(web, "acme")
    assert (made.topic, made.about) == (ContactTopic.SERVICES, "how-is-it")
    assert leaves(web, "contact.allowed")[0]["facts"]["topics"] == ["services"]
    assert BEN not in json.dumps(leaves(web, "contact.allowed") + leaves(web, "contact.made"))


def test_nobody_else_is_asked_when_the_one_who_may_be_is_gone(web: House) -> None:
    contact.set_contact(web, "acme", allowed=True, who=BEN)
    (ben,) = [one for one, email in contact.administrators(web, "acme").items() if email == BEN]
    contact.forget_administrator(web, "acme", ben, actor="subjects")
    with pytest.raises(UnknownName):
        contact.register_contact(web, "acme", "how-is-it", actor="officer")


def test_a_choice_of_an_engagement_that_ended_does_not_hold_in_the_next(web: House) -> None:
    contact.set_contact(web, "acme", allowed=True, topics=[ContactTopic.SERVICES])
    optin.terminate(web, "acme", "the programme ends", actor="operator")
    optin.opt_in(web, "acme", ADA)
    choice = contact.contact_choice(web, "acme")
    assert choice is not None
    assert not choice.allowed
    with pytest.raises(Refusal):
        contact.register_contact(web, "acme", "how-is-it", actor="officer")


# feedback


def test_feedback_is_sealed_at_rest_and_whoever_reads_it_leaves_an_event(web: House, opened: Open) -> None:
    words = "Ada Example finds the switch easy to find"
    identity = feedback.give_feedback(web, "acme", words, warranted=True)
    for path in web.settings.root.rglob("*"):
        assert not path.is_file() or words.encode() not in path.read_bytes()
    with pytest.raises(KeyFault):
        feedback.list_feedback(opened(Role.WORKER), "acme")
    assert [one.text for one in feedback.read_feedback(web, "acme", actor="officer")] == [words]
    assert leaves(web, "feedback.read")[0]["facts"] == {"ids": [identity]}
    feedback.erase_feedback(web, "acme", identity)
    assert [one.text for one in feedback.list_feedback(web, "acme")] == [""]
    with pytest.raises(UnknownName):
        feedback.erase_feedback(web, "acme", "fb-none")


def test_feedback_of_an_older_room_is_sealed_by_the_worker(web: House, opened: Open) -> None:
    feedback.give_feedback(web, "acme", "good", warranted=True)
    with unit_of_work(web.db, ACME, web.clock) as unit:
        unit.connection.execute(update(FEEDBACK).values(text='{"so": "it was"}'))
        unit.append(Event("test.older", actor="test", tenant=ACME))
    assert feedback.list_feedback(web, "acme")[0].text == '{"so": "it was"}'
    assert feedback.seal_open_feedback(opened(Role.WORKER)) == 1
    assert feedback.seal_open_feedback(opened(Role.WORKER)) == 0
    assert feedback.list_feedback(web, "acme")[0].text == '{"so": "it was"}'
    with web.db.read(ACME) as connection:
        assert "it was" not in str(connection.execute(select(FEEDBACK.c.text)).scalar())


def test_sealed_feedback_opens_for_its_own_tenant_and_entry_only(web: House) -> None:
    feedback.give_feedback(web, "acme", "good", warranted=True)
    with unit_of_work(web.db, ACME, web.clock) as unit:
        unit.connection.execute(update(FEEDBACK).values(id="fb-other"))
        unit.append(Event("test.moved", actor="test", tenant=ACME))
    with pytest.raises(KeyFault):
        feedback.list_feedback(web, "acme")


# subprocessors


def test_a_subprocessor_is_announced_thirty_days_before_and_may_be_objected_to(web: House) -> None:
    assert subprocessors_for(web, "acme") == ()
    published = publish_list(web, LIST)
    (one,) = subprocessors_for(web, "acme")
    assert one.effective_at == published.published_at + timedelta(days=30)
    assert not one.is_effective(one.effective_at - timedelta(microseconds=1))
    assert one.is_effective(one.effective_at)
    object_to(web, "acme", "Example Review", by=ADA, why="a competitor of ours")
    assert subprocessors_for(web, "acme")[0].objected
    with pytest.raises(WrongState):
        object_to(web, "acme", "Example Review", by=ADA)
    with pytest.raises(UnknownName):
        object_to(web, "acme", "Nobody", by=ADA)
    (leaf,) = leaves(web, "subprocessors.objected")
    assert leaf["facts"] == {"employer": "Example Review", "version": 1}
    assert "competitor" not in json.dumps(leaf)
    publish_list(web, LIST + b'[[subprocessor]]\nname = "Other"\ncountry = "DE"\nservice = "x"\n')
    assert [one.objected for one in subprocessors_for(web, "acme")] == [True, False]  # a new list does not lift it
    withdraw_objection(web, "acme", "Example Review", by=ADA)
    with pytest.raises(WrongState):
        withdraw_objection(web, "acme", "Example Review", by=ADA)
    assert [one.withdrawn_at is None for one in list_objections(web, "acme")] == [False]
