"""The engagement on real databases: every step with its event, its receipt and its mirror."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ground import make_databases
from readingroom.audit.checkpoint import open_checkpoint
from readingroom.audit.proofs import event_proof, verify_proof
from readingroom.audit.sequencer import sequence_all
from readingroom.audit.tables import PLACE_EVENTS, ROOM_EVENTS, ROOM_SALTS
from readingroom.audit.unit import Event, unit_of_work
from readingroom.audit.verify import verify_all
from readingroom.core.clock import FixedClock
from readingroom.core.errors import (
    EventMissing,
    LogFault,
    Refusal,
    UnknownName,
    UsageError,
    WrongState,
)
from readingroom.core.ids import PlaceName, RoomId, TenantName
from readingroom.core.settings import Limits, PlaceSettings, RoomSettings
from readingroom.db.addresses import load_database
from readingroom.db.engines import EVERY_TENANT, Database
from readingroom.engagement import contact, feedback, mirror, notice, optin
from readingroom.engagement.notice import publish_notice
from readingroom.engagement.optin import opt_in, opt_out, resume, status, suspend, terminate
from readingroom.engagement.receipt import verify_receipt
from readingroom.engagement.states import EngagementState
from readingroom.engagement.tables import MIRROR
from readingroom.engagement.tenants import add_tenant, exclude_table, get_tenant, list_tenants
from readingroom.house import House, Place
from readingroom.keys.keyring import Keyring
from readingroom.keys.roles import Role, RoleKeys
from readingroom.stores.local import LocalStore

ADA = "ada@customer.example"
ACME = TenantName("acme")
US, SCHEMA_US = PlaceName("us"), PlaceName("schema-us")

Opener = Callable[[Role], House]


@pytest.fixture
def opened(tmp_path: Path, clock: FixedClock) -> Iterator[Opener]:
    """A room with places us and schema-us, to be opened in any role."""
    places = {name: PlaceSettings(name=name) for name in (US, SCHEMA_US)}
    settings = RoomSettings(
        root=tmp_path,
        room_id=RoomId("room-1"),
        name="test",
        vendor="Vendor Example",
        simulation=True,
        database="",
        geos={"US": US},
        schema_place=SCHEMA_US,
        places=places,
        limits=Limits(),
        identity_provider={},
    )
    RoleKeys.create_all(tmp_path / "roles")
    settings = make_databases(settings)
    made: list[Database] = []
    for name in places:
        LocalStore.create(tmp_path / name / "objects")
        Keyring.create(tmp_path / name / "keyring", name)
        (tmp_path / name / "logs").mkdir()

    def opener(role: Role) -> House:
        room = load_database(settings, None, role)
        dbs = {name: load_database(settings, name, role) for name in places}
        made.extend((room, *dbs.values()))
        keys = RoleKeys.load(tmp_path / "roles", role)
        held = {
            name: Place(
                name=name,
                db=dbs[name],
                store=LocalStore.load(tmp_path / name / "objects"),
                keyring=Keyring.load(tmp_path / name / "keyring", name, keys),
                logs=tmp_path / name / "logs",
            )
            for name in places
        }
        return House(settings=settings, role=role, keys=keys, clock=clock, db=room, logs=tmp_path / "log", places=held)

    yield opener
    for database in made:
        database.close()


@pytest.fixture
def web(opened: Opener) -> House:
    return opened(Role.WEB)


@pytest.fixture
def worker(opened: Opener) -> House:
    return opened(Role.WORKER)


@pytest.fixture
def acme(web: House) -> House:
    """The web process, with a published notice and one tenant."""
    publish_notice(web, actor="officer-1")
    add_tenant(web, "acme", geo="US", connection={"synapse": "data/acme"}, actor="officer-1")
    return web


def names(house: House, place: PlaceName | None = None) -> list[str]:
    db, table = (house.db, ROOM_EVENTS) if place is None else (house.place(place).db, PLACE_EVENTS)
    with db.read(EVERY_TENANT) as connection:
        return list(connection.execute(select(table.c.name).order_by(table.c.number)).scalars())


def mirrored(house: House, place: PlaceName = US) -> mirror.Mirrored | None:
    with house.place(place).db.read(ACME) as connection:
        return mirror.mirror_state(connection, ACME)


def test_a_tenant_is_added_once_with_absolute_paths_in_the_place_of_its_geo(acme: House) -> None:
    found = get_tenant(acme, "acme")
    assert (found.place, found.geo, found.excluded) == (US, "US", ())
    assert Path(found.connection["synapse"]).is_absolute()
    assert list_tenants(acme) == [found]
    with pytest.raises(UsageError, match="known already"):
        add_tenant(acme, "acme", geo="US", connection={"synapse": "x"}, actor="officer-1")


@pytest.mark.parametrize(
    ("name", "geo", "connection"),
    [("../up", "US", {"synapse": "x"}), ("b", "XX", {"synapse": "x"}), ("b", "US", {}), ("b", "US", {"ftp": "x"})],
)
def test_a_wrong_tenant_is_refused_and_leaves_nothing(
    acme: House, name: str, geo: str, connection: dict[str, str]
) -> None:
    with pytest.raises(UsageError):
        add_tenant(acme, name, geo=geo, connection=connection, actor="officer-1")
    assert [tenant.name for tenant in list_tenants(acme)] == ["acme"]


def test_an_unknown_tenant_is_an_unknown_name(acme: House) -> None:
    for call in (lambda: get_tenant(acme, "nobody"), lambda: status(acme, "nobody"), lambda: opt_in(acme, "x", ADA)):
        with pytest.raises(UnknownName):
            call()


def test_an_excluded_table_stays_excluded_and_is_logged_once(acme: House) -> None:
    exclude_table(acme, "acme", "lead", actor="customer")
    exclude_table(acme, "acme", "lead", actor="customer")
    assert get_tenant(acme, "acme").excluded == ("lead",)
    assert names(acme).count("tenant.table_excluded") == 1
    with pytest.raises(UsageError):
        exclude_table(acme, "acme", "le ad", actor="customer")


def test_no_opt_in_without_a_notice(web: House) -> None:
    add_tenant(web, "acme", geo="US", connection={"synapse": "x"}, actor="officer-1")
    with pytest.raises(Refusal, match="no notice"):
        opt_in(web, "acme", ADA)
    assert status(web, "acme").state is None


def test_opt_in_gives_a_receipt_that_verifies_offline_and_names_the_notice(acme: House) -> None:
    document = opt_in(acme, "acme", ADA)
    public = acme.keys.public(Role.WEB)
    verify_receipt(json.loads(json.dumps(document)), public)
    receipt = document["receipt"]
    assert receipt["dpv:hasNotice"]["readingroom:sha256"] == notice.latest_notice(acme).sha256
    assert receipt["readingroom:log"]["readingroom:origin"] == "readingroom/room-1/us/acme"
    assert {entry["dct:identifier"] for entry in receipt["dpv:hasPurpose"]} == set(status(acme, "acme").purposes)
    kept = {entry["dct:identifier"]: entry["dpv:hasStorageCondition"] for entry in receipt["dpv:hasPersonalData"]}
    assert kept["marketing"]["dpv:hasDuration"] == "P30D"
    assert kept["schema"]["dpv:hasLocation"] == {"readingroom:place": SCHEMA_US}
    assert optin.receipt(acme, "acme") == document
    assert ADA not in json.dumps(document)


def test_a_changed_receipt_does_not_verify(acme: House) -> None:
    document = opt_in(acme, "acme", ADA)
    public = acme.keys.public(Role.WEB)
    changes: list[Callable[[Any], Any]] = [
        lambda d: d["receipt"].update({"readingroom:customer": "other"}),
        lambda d: d["signature"].update({"value": "AAAA"}),
        lambda d: d["signature"].update({"value": "?"}),
        lambda d: d["signature"].update({"algorithm": "none"}),
        lambda d: d.update({"more": 1}),
        lambda d: d.pop("signature"),
    ]
    for change in changes:
        changed = copy.deepcopy(document)
        change(changed)
        with pytest.raises(LogFault):
            verify_receipt(changed, public)
    with pytest.raises(LogFault):
        verify_receipt(document, acme.keys.public(Role.WORKER))


def test_the_receipt_quotes_the_first_checkpoint_once_the_worker_has_opened_the_log(acme: House, worker: House) -> None:
    first = opt_in(acme, "acme", ADA)["receipt"]["readingroom:log"]["readingroom:checkpoint"]
    assert first is None  # role web cannot sign a log
    opt_out(acme, "acme", ADA)
    add_tenant(worker, "beta", geo="US", connection={"synapse": "x"}, actor="officer-1")
    note = opt_in(acme, "beta", ADA)["receipt"]["readingroom:log"]["readingroom:checkpoint"]
    head = open_checkpoint(note, origin="readingroom/room-1/us/beta", public=worker.keys.public(Role.WORKER))
    assert head.size == 0
    sequence_all(worker)
    note = suspend(acme, "beta")["receipt"]["readingroom:log"]["readingroom:checkpoint"]
    head = open_checkpoint(note, origin="readingroom/room-1/us/beta", public=worker.keys.public(Role.WORKER))
    assert head.size == 1


def test_a_second_opt_in_is_refused_with_its_reason_and_changes_nothing(acme: House) -> None:
    opt_in(acme, "acme", ADA)
    before = names(acme)
    with pytest.raises(WrongState) as refused:
        opt_in(acme, "acme", ADA)
    assert refused.value.reasons == ("the customer has opted in already",)
    assert names(acme) == before
    assert len(optin.receipts(acme, "acme")) == 1


def test_the_address_of_the_administrator_is_in_contacts_and_in_no_leaf(acme: House) -> None:
    opt_in(acme, "acme", ADA)
    opt_out(acme, "acme", ADA)
    leaves = []
    for db, table in ((acme.db, ROOM_EVENTS), (acme.place(US).db, PLACE_EVENTS)):
        with db.read(EVERY_TENANT) as connection:
            leaves += list(connection.execute(select(table.c.leaf)).scalars())
    assert len(leaves) == 6
    assert not any(ADA.encode() in leaf for leaf in leaves)


def test_each_step_has_its_event_in_the_room_and_in_the_place(acme: House, clock: FixedClock) -> None:
    opt_in(acme, "acme", ADA)
    suspend(acme, "acme")
    resume(acme, "acme")
    opt_out(acme, "acme", ADA, received=clock.now())
    terminate(acme, "acme", "the programme ends", actor="officer-1")
    expected = [f"engagement.{verb}" for verb in ("opted_in", "suspended", "resumed", "notice_received", "terminated")]
    assert names(acme)[-5:] == expected
    assert names(acme, US) == expected
    assert names(acme, SCHEMA_US) == expected
    documents = optin.receipts(acme, "acme")
    assert [d["receipt"]["readingroom:record"] for d in documents] == [f"acme/{n}" for n in range(1, 6)]


def test_the_toggle_ends_the_engagement_at_once_and_it_can_begin_anew(acme: House, clock: FixedClock) -> None:
    opt_in(acme, "acme", ADA)
    opt_out(acme, "acme", ADA)
    ended = status(acme, "acme")
    assert (ended.state, ended.ends_at) == (EngagementState.ENDED, clock.now())
    assert not optin.in_force(acme, "acme", clock.now())
    with pytest.raises(WrongState):
        opt_out(acme, "acme", ADA)
    clock.advance(timedelta(days=1))
    opt_in(acme, "acme", ADA, contact_ok=True)
    again = status(acme, "acme")
    assert (again.state, again.ends_at, again.began_at, again.contact_ok) == (
        EngagementState.ACTIVE,
        None,
        clock.now(),
        True,
    )


def test_notice_by_mail_runs_from_the_day_it_was_received(acme: House, worker: House, clock: FixedClock) -> None:
    opt_in(acme, "acme", ADA)
    clock.advance(timedelta(days=10))
    received = clock.now() - timedelta(days=4)
    opt_out(acme, "acme", ADA, received=received)
    found = status(acme, "acme")
    ends = received + timedelta(days=30)
    assert (found.state, found.ends_at) == (EngagementState.OPTING_OUT, ends)
    assert optin.deadlines(acme) == [(ends, "engagement of acme ends")]
    with pytest.raises(WrongState):
        optin.check_copying(acme, "acme")  # nothing new
    assert optin.check_viewing(acme, "acme") == found
    with pytest.raises(WrongState, match="no give notice"):
        opt_out(acme, "acme", ADA, received=received)
    clock.instant = ends - timedelta(microseconds=1)
    assert optin.end_due(worker) == []
    assert optin.in_force(acme, "acme", clock.now())
    clock.instant = ends
    assert not optin.in_force(acme, "acme", clock.now())  # even before the worker has come
    clock.advance(timedelta(days=3))
    assert optin.end_due(worker) == [ACME]
    assert optin.end_due(worker) == []
    done = status(acme, "acme")
    assert (done.state, done.ends_at, done.since) == (EngagementState.ENDED, ends, clock.now())
    assert optin.deadlines(acme) == []


def test_a_letter_from_the_future_or_from_before_is_refused_and_an_old_one_ends_at_once(
    acme: House, clock: FixedClock
) -> None:
    opt_in(acme, "acme", ADA)
    with pytest.raises(UsageError, match="future"):
        opt_out(acme, "acme", ADA, received=clock.now() + timedelta(seconds=1))
    with pytest.raises(UsageError, match="before"):
        opt_out(acme, "acme", ADA, received=clock.now() - timedelta(days=1))
    midnight = clock.now().replace(hour=0, minute=0)
    clock.advance(timedelta(days=31))
    opt_out(acme, "acme", ADA, received=midnight)  # a bare date: the day of the opt-in
    found = status(acme, "acme")
    assert (found.state, found.ends_at) == (EngagementState.ENDED, midnight + timedelta(days=30))


def test_suspension_stops_copying_and_reading_until_resumed(acme: House, clock: FixedClock) -> None:
    opt_in(acme, "acme", ADA)
    suspend(acme, "acme")
    for check in (optin.check_copying, optin.check_viewing):
        with pytest.raises(WrongState, match="suspended"):
            check(acme, "acme")
    resume(acme, "acme")
    assert optin.check_copying(acme, "acme").state is EngagementState.ACTIVE
    assert optin.in_force(acme, "acme", clock.now())


def test_a_termination_needs_a_reason(acme: House) -> None:
    opt_in(acme, "acme", ADA)
    with pytest.raises(UsageError):
        terminate(acme, "acme", " ", actor="officer-1")
    terminate(acme, "acme", "the programme ends", actor="officer-1")
    assert status(acme, "acme").state is EngagementState.ENDED


def test_a_resumed_engagement_stays_with_the_notice_that_was_agreed_to(acme: House) -> None:
    opt_in(acme, "acme", ADA)
    suspend(acme, "acme")
    publish_notice(acme, notice.template() + b"\n# another version\n", actor="officer-1")
    resume(acme, "acme")
    assert status(acme, "acme").notice_version == 1
    opt_out(acme, "acme", ADA)
    opt_in(acme, "acme", ADA)
    assert status(acme, "acme").notice_version == 2


def test_the_mirror_says_what_the_room_says(acme: House, clock: FixedClock) -> None:
    assert mirrored(acme) is None
    opt_in(acme, "acme", ADA)
    for place in (US, SCHEMA_US):
        found = mirrored(acme, place)
        assert found is not None
        assert (found.state, found.since, found.notice) == (EngagementState.ACTIVE, clock.now(), 1)
    with acme.place(US).db.read(ACME) as connection:
        mirror.check_mirror_may_copy(connection, ACME, now=clock.now())
    opt_out(acme, "acme", ADA)
    with acme.place(US).db.read(ACME) as connection, pytest.raises(WrongState):
        mirror.check_mirror_may_copy(connection, ACME, now=clock.now())


def test_a_mirror_left_behind_by_a_crash_is_put_right_by_the_worker(acme: House, worker: House) -> None:
    opt_in(acme, "acme", ADA)
    with unit_of_work(acme.place(US).db, ACME, acme.clock) as unit:  # as if the last write had not happened
        unit.connection.execute(MIRROR.delete())
        unit.append(Event("test.lost", actor="test", tenant=ACME))
    assert mirror.refresh(worker) == [ACME]
    found = mirrored(acme)
    assert found is not None
    assert found.state is EngagementState.ACTIVE
    assert mirror.refresh(worker) == []


def test_a_process_without_the_place_cannot_opt_in(acme: House) -> None:
    with pytest.raises(UsageError, match="does not hold"):
        opt_in(replace(acme, places={SCHEMA_US: acme.place(SCHEMA_US)}), "acme", ADA)
    assert status(acme, "acme").state is None


def test_an_engagement_cannot_change_without_its_event(acme: House) -> None:
    opt_in(acme, "acme", ADA)
    with pytest.raises(EventMissing), unit_of_work(acme.place(US).db, ACME, acme.clock) as unit:
        unit.connection.execute(MIRROR.delete())
    assert mirrored(acme) is not None


@pytest.mark.parametrize("address", ["ada", "a b@customer.example", "", "ada@customer.example>", "@x"])
def test_a_wrong_address_is_refused_and_not_repeated(acme: House, address: str) -> None:
    with pytest.raises(UsageError) as refused:
        opt_in(acme, "acme", address)
    assert not address or address not in str(refused.value)


def test_a_notice_is_kept_word_for_word_and_published_once(acme: House) -> None:
    first = notice.latest_notice(acme)
    assert first.text.encode() == notice.template()
    assert publish_notice(acme, actor="officer-1") == first
    changed = notice.template().replace(b"Nobody pays anybody", b"Nobody ever pays anybody")
    second = publish_notice(acme, changed, actor="officer-1")
    assert second.version == 2
    assert notice.get_notice(acme, 1) == first
    assert [entry.version for entry in notice.list_notices(acme)] == [1, 2]
    assert names(acme).count("notice.published") == 2
    with pytest.raises(UnknownName):
        notice.get_notice(acme, 3)


def test_contact_only_with_permission_and_not_too_often(acme: House, clock: FixedClock) -> None:
    with pytest.raises(WrongState):
        contact.set_contact(acme, "acme", allowed=True)
    opt_in(acme, "acme", ADA)
    with pytest.raises(Refusal, match="not allowed"):
        contact.register_contact(acme, "acme", "how-is-it", actor="officer-1")
    contact.set_contact(acme, "acme", allowed=True)
    contact.set_contact(acme, "acme", allowed=True)
    assert contact.register_contact(acme, "acme", "how-is-it", actor="officer-1") == ADA
    clock.advance(timedelta(days=29))
    with pytest.raises(Refusal, match="within 30 days"):
        contact.register_contact(acme, "acme", "how-is-it", actor="officer-1")
    clock.advance(timedelta(days=1))
    contact.register_contact(acme, "acme", "how-is-it", actor="officer-1")
    assert len(contact.contact_register(acme, "acme")) == 2
    contact.set_contact(acme, "acme", allowed=False)
    assert status(acme, "acme").state is EngagementState.ACTIVE  # a switch of its own
    with pytest.raises(Refusal):
        contact.register_contact(acme, "acme", "how-is-it", actor="officer-1")
    contact.set_contact(acme, "acme", allowed=True)
    opt_out(acme, "acme", ADA)
    clock.advance(timedelta(days=60))
    with pytest.raises(Refusal):
        contact.register_contact(acme, "acme", "how-is-it", actor="officer-1")


def test_feedback_is_kept_with_its_terms_and_only_with_the_warranty(acme: House) -> None:
    with pytest.raises(UsageError, match="warrants"):
        feedback.give_feedback(acme, "acme", "good", warranted=False)
    identity = feedback.give_feedback(acme, "acme", "good", warranted=True)
    (entry,) = feedback.list_feedback(acme, "acme")
    form = notice.latest_notice(acme).form
    assert (entry.id, entry.text, entry.licence, entry.warranty) == (identity, "good", form.licence, form.warranty)
    with pytest.raises(UsageError):
        feedback.give_feedback(acme, "acme", "  ", warranted=True)


def test_a_forgotten_administrator_leaves_an_id_and_nothing_else(acme: House) -> None:
    opt_in(acme, "acme", ADA)
    ((identity, address),) = contact.administrators(acme, "acme").items()
    assert address == ADA
    contact.forget_administrator(acme, "acme", identity, actor="subjects")
    contact.forget_administrator(acme, "acme", identity, actor="subjects")
    assert contact.administrators(acme, "acme") == {}
    with acme.db.read(EVERY_TENANT) as connection:
        assert ADA not in list(connection.execute(select(ROOM_SALTS.c.value)).scalars())
    assert names(acme).count("contact.forgotten") == 1
    with pytest.raises(UnknownName):
        contact.forget_administrator(acme, "acme", "adm-nobody", actor="subjects")


def test_every_log_verifies_and_every_event_has_its_proof(acme: House, worker: House) -> None:
    opt_in(acme, "acme", ADA)
    assert {(found.size, found.problem) for found in verify_all(acme)} == {(0, None)}
    written = sequence_all(worker)
    results = verify_all(acme)
    assert [(found.place, found.tenant, found.problem, found.pending) for found in results] == [
        (None, EVERY_TENANT, None, 0),
        (SCHEMA_US, ACME, None, 0),
        (US, ACME, None, 0),
    ]
    assert sum(found.size for found in results) == written == 5
    assert [found.public()["valid"] for found in results] == [True] * 3
    assert sequence_all(worker) == 0
    for db, table in ((acme.db, ROOM_EVENTS), (acme.place(US).db, PLACE_EVENTS)):
        with db.read(EVERY_TENANT) as connection:
            rows = connection.execute(select(table.c.id, table.c.leaf)).all()
        for identity, leaf in rows:
            origin = "readingroom/room-1" if db is acme.db else "readingroom/room-1/us/acme"
            text = event_proof(acme, identity)
            assert verify_proof(text, origin=origin, public=acme.keys.public(Role.WORKER)).entry == leaf
    with pytest.raises(UnknownName):
        event_proof(acme, "ev-nobody")
    suspend(acme, "acme")
    with acme.db.read(EVERY_TENANT) as connection:
        last = connection.execute(select(ROOM_EVENTS.c.id).order_by(ROOM_EVENTS.c.number.desc()).limit(1)).scalar_one()
    with pytest.raises(WrongState, match="not in its log yet"):
        event_proof(acme, last)


def test_an_event_of_a_place_that_concerns_no_tenant_is_logged_too(acme: House, worker: House) -> None:
    with unit_of_work(acme.place(US).db, EVERY_TENANT, acme.clock) as unit:
        unit.append(Event("place.checked", actor="worker"))
    sequence_all(worker)
    origins = {found.origin: found.size for found in verify_all(acme)}
    assert origins["readingroom/room-1/us"] == 1


def test_a_log_that_breaks_is_told_and_the_others_are_still_verified(acme: House, worker: House) -> None:
    opt_in(acme, "acme", ADA)
    sequence_all(worker)
    path = acme.place(US).logs / "acme" / "tile/entries/000.p/1"
    path.write_bytes(path.read_bytes().replace(b"opted_in", b"opted_up"))
    problems = {(found.place, found.tenant): found.problem for found in verify_all(acme)}
    assert problems[US, ACME] is not None
    assert [key for key, problem in problems.items() if problem] == [(US, ACME)]
