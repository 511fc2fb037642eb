"""A copy's life on a real store, keyring and database: sealed, read, found, erased from, purged, certified."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from ground import behind
from readingroom.audit.tables import PLACE_EVENTS, PLACE_SALTS
from readingroom.audit.unit import Event, unit_of_work
from readingroom.copies import columns, purge, tag_index, withheld
from readingroom.copies.certificate import read_certificate, verify_certificate
from readingroom.copies.purge import due_for_purge, purge_all, purge_copy, purge_deadlines, purge_due
from readingroom.copies.reader import read_item, read_rows
from readingroom.copies.records import get_copy, get_item, list_copies, list_items, list_parts
from readingroom.copies.rewrite import Withdrawal, withdraw_from_copies
from readingroom.copies.states import CopyState
from readingroom.copies.tables import COPIES, ITEMS, OBJECTS, PARTS, PartKind, Reason
from readingroom.core import steps
from readingroom.core.category import Category
from readingroom.core.clock import FixedClock
from readingroom.core.errors import KeyFault, Refusal, SealFault, UsageError, WrongState
from readingroom.core.ids import PartName
from readingroom.engagement.optin import opt_in, opt_out
from readingroom.keys.roles import Role


def events(house: Any, copy: str) -> list[str]:
    with house.place("us").db.read("fabrikam") as connection:
        chosen = select(PLACE_EVENTS.c.name).where(PLACE_EVENTS.c.copy == copy).order_by(PLACE_EVENTS.c.number)
        return list(connection.scalars(chosen))


def bodies(room: Any, copy: Any) -> list[str]:
    web = room.open(Role.WEB)
    part = next(part for part in list_parts(web, copy) if part.table_name == "mail")
    return read_rows(web, copy, part.name)["body"].to_pylist()


def test_a_sealed_copy_is_listed_and_read(room: Any, sealed: Any) -> None:
    web = room.open(Role.WEB)
    (copy,) = list_copies(web)
    assert copy.state is CopyState.SEALED
    assert (copy.rows, copy.items, copy.withheld_items) == (5, 3, 0)
    assert copy.expires_at - copy.created_at == timedelta(days=30)
    assert copy.purge_due == copy.expires_at - timedelta(hours=24)
    assert (copy.owner, copy.confidentiality) == ("customer", "customer confidential")  # P09
    assert set(copy.public()) >= {
        "id",
        "tenant",
        "category",
        "place",
        "state",
        "rows",
        "items",
        "sealed_at",
        "expires_at",
    }
    items = list_items(web, copy)
    assert [item.kind for item in items] == ["mail"] * 3
    shown = read_item(web, copy, items[1])
    assert shown == {"mailid": "record_m2", "subject": "hello", "body": "Bob Sample wrote to Ada Example today"}


def test_a_web_process_reads_no_tag(room: Any, sealed: Any) -> None:
    web = room.open(Role.WEB)
    with pytest.raises(KeyFault):
        list(tag_index.find(web, "fabrikam", {sealed.tag("name", "ada example")}))
    (index, *_) = list_parts(web, sealed.copy, kind=PartKind.TAGS)
    with pytest.raises(KeyFault):
        web.place("us").keyring.part_key(sealed.copy.id, index.key)


def test_nothing_readable_lies_in_any_file(room: Any, sealed: Any) -> None:
    for needle in (b"Ada Example", b"ada example", b"Bob Sample", b"nobody here", sealed.tag("name", "ada example")):
        assert room.bytes_of(needle) == []


def test_tags_are_found_with_their_persons(room: Any, sealed: Any) -> None:
    subjects = room.open(Role.SUBJECTS)
    hits = list(tag_index.find(subjects, "fabrikam", {sealed.tag("name", "ada example")}))
    assert [(hit.part.table_name, hit.hits.num_rows) for hit in hits] == [("mail", 2)]
    links = tag_index.linked(subjects, "fabrikam", {sealed.tag("name", "ada example")})
    assert set(links["tag"].to_pylist()) == {sealed.tag("record", "c0"), sealed.tag("name", "ada example")}


def test_erasure_rewrites_parts_under_new_keys_and_destroys_the_old(room: Any, sealed: Any) -> None:
    subjects = room.open(Role.SUBJECTS)
    before = {part.name: part for part in list_parts(subjects, sealed.copy, kind=None)}
    gone = frozenset(tag_index.linked(subjects, "fabrikam", {sealed.tag("name", "ada example")})["tag"].to_pylist())
    (done,) = withdraw_from_copies(subjects, "fabrikam", Withdrawal(tags=gone, request="req-1"))
    assert (done.rows, done.spans, done.links, done.items) == (1, 2, 2, ())
    after = {part.name: part for part in list_parts(subjects, sealed.copy, kind=None)}
    assert set(after) == set(before)
    store, keyring = subjects.place("us").store, subjects.place("us").keyring
    for name, part in before.items():
        assert after[name].generation == 2, name
        with pytest.raises(KeyFault):
            keyring.part_key(sealed.copy.id, part.key)
        assert part.path not in set(store.list(""))
    assert bodies(room, sealed.copy) == [
        "Dear [WITHHELD], see you",
        "Bob Sample wrote to [WITHHELD] today",
        "nobody here",
    ]
    # what is left still points right
    (hit,) = tag_index.find(subjects, "fabrikam", {sealed.tag("name", "bob sample")})
    assert hit.hits.select(["row", "start", "end"]).to_pylist() == [{"row": 1, "start": 0, "end": 10}]
    assert list(tag_index.find(subjects, "fabrikam", gone)) == []
    assert get_copy(subjects, sealed.copy.id).rows == 4
    assert events(subjects, sealed.copy.id)[-2:] == ["copy.part_rewritten", "copy.part_destroyed"]
    assert withdraw_from_copies(subjects, "fabrikam", Withdrawal(tags=gone))[0].parts == 0  # safe to repeat


def test_an_erased_row_takes_its_item_along(room: Any, sealed: Any) -> None:
    subjects = room.open(Role.SUBJECTS)
    (done,) = withdraw_from_copies(subjects, "fabrikam", Withdrawal(tags=frozenset({sealed.tag("record", "m2")})))
    (item,) = done.items
    assert get_item(subjects, item).withheld == "erased"
    assert get_copy(subjects, sealed.copy.id).withheld_items == 1
    web = room.open(Role.WEB)
    rest = [read_item(web, sealed.copy, one)["mailid"] for one in list_items(web, sealed.copy) if not one.withheld]
    assert rest == ["record_m1", "record_m3"]


def test_a_flagged_row_can_be_rewritten_away_by_number(room: Any, sealed: Any) -> None:
    subjects = room.open(Role.SUBJECTS)
    item = list_items(subjects, sealed.copy)[2]
    what = Withdrawal(rows={(sealed.copy.id, item.part): frozenset({item.row})}, reason=Reason.FLAGGED)
    (done,) = withdraw_from_copies(subjects, "fabrikam", what)
    assert (done.rows, done.items) == (1, (item.id,))
    assert bodies(room, sealed.copy) == ["Dear Ada Example, see you", "Bob Sample wrote to Ada Example today"]


def test_a_flag_withholds_the_item_and_its_twins(room: Any, sealed: Any, clock: FixedClock, another: Any) -> None:
    clock.advance(timedelta(days=1))
    with another(room.open(Role.COPY)) as staged:
        staged.mails([("m1", "the same mail, later", []), ("x1", "same text", []), ("x2", "same text", [])])
        second = staged.seal()
    web = room.open(Role.WEB)
    first_mail = list_items(web, sealed.copy)[0]
    with unit_of_work(web.place("us").db, "fabrikam", web.clock) as unit:
        found = withheld.withhold_item(unit, first_mail.id, reason=Reason.FLAGGED)
        unit.append(Event("item.flagged", actor="p-1", tenant="fabrikam"))
    later = list_items(web, second)
    assert set(found) == {first_mail.id, later[0].id}  # one source record
    with unit_of_work(web.place("us").db, "fabrikam", web.clock) as unit:
        assert set(withheld.withhold_item(unit, later[1].id, reason=Reason.FLAGGED)) == {later[1].id, later[2].id}
        assert withheld.withheld_reason(unit.connection, later[2].id) == "flagged"
        withheld.release_item(unit, later[2].id)
        assert withheld.withheld_reason(unit.connection, later[2].id) == ""
        assert withheld.withheld_reason(unit.connection, "item-none") == "unknown"
        unit.append(Event("item.flagged", actor="p-1", tenant="fabrikam"))
    assert get_copy(web, second.id).withheld_items == 2


def test_a_swapped_or_changed_part_does_not_open(room: Any, sealed: Any) -> None:
    web = room.open(Role.WEB)
    first, second = list_parts(web, sealed.copy)
    with behind(web.place("us").db).begin() as connection:
        swap = update(PARTS).where(PARTS.c.copy == sealed.copy.id)
        connection.execute(swap.where(PARTS.c.name == first.name).values(path="elsewhere"))
        other = swap.where(PARTS.c.name == second.name)
        connection.execute(other.values(path=first.path, sha256=first.sha256, bytes=first.bytes))
    with pytest.raises(SealFault):  # the AAD says it is another position
        read_rows(web, sealed.copy, second.name)
    with pytest.raises(SealFault):
        read_rows(web, sealed.copy, PartName("p-00009"))


def test_purge_is_due_a_day_before_the_limit_and_leaves_nothing(room: Any, sealed: Any, clock: FixedClock) -> None:
    worker, web = room.open(Role.WORKER), room.open(Role.WEB)
    items = list_items(web, sealed.copy)
    clock.advance(timedelta(days=28, hours=23))
    assert purge_due(worker) == []
    assert purge_deadlines(worker)[0][0] == sealed.copy.purge_due
    clock.advance(timedelta(hours=1))
    left: list[str] = []

    def look(step: str) -> None:
        if step == purge.PROBED:  # before the certificate is signed
            left.extend(file for item in items for file in room.bytes_of(item.id.encode()))

    end = steps.watch(look)
    try:
        (certificate,) = purge_due(worker)
    finally:
        end()
    assert left == []
    assert certificate["within_limit"] is True
    assert certificate["why"] == "due"
    assert certificate["scheduled_until"] is None
    assert certificate["probes"]["objects_tried"] == 5
    assert certificate["destroyed"]["objects"]["count"] == 5
    copy = get_copy(worker, sealed.copy.id)
    assert copy.state is CopyState.PURGED
    assert list(worker.place("us").store.list("")) == []
    assert worker.place("us").keyring.list_copies() == []
    with worker.place("us").db.read("fabrikam") as connection:
        for table in (ITEMS, PARTS, OBJECTS):
            assert connection.scalar(select(func.count()).select_from(table)) == 0
        assert connection.scalar(select(func.count()).select_from(PLACE_SALTS)) == 0
    with pytest.raises(WrongState):
        read_rows(web, sealed.copy, PartName("p-00001"))
    for item in items:
        assert room.bytes_of(item.id.encode()) == []  # not in the database, its log or a journal
    assert events(worker, copy.id)[-3:] == ["copy.purge_started", "copy.rows_deleted", "copy.purged"]
    assert purge_due(worker) == []
    assert purge_copy(worker, copy.id, "again") == certificate  # the same certificate
    with pytest.raises(KeyFault):  # the tag key went with the last copy
        room.open(Role.SUBJECTS).place("us").keyring.tag_key("fabrikam")


def test_a_certificate_is_verified_offline_and_a_changed_one_is_not(room: Any, sealed: Any) -> None:
    worker = room.open(Role.WORKER)
    purge_copy(worker, sealed.copy.id, "test")
    document, public = read_certificate(worker, sealed.copy.id), worker.keys.public()
    assert verify_certificate(document, public)["copy"] == sealed.copy.id
    with pytest.raises(KeyFault):
        verify_certificate(document.replace('"bytes": ', '"bytes": 1'), public)
    with pytest.raises(KeyFault):
        verify_certificate(document, room.open(Role.WEB).keys.public())
    with pytest.raises(UsageError):
        verify_certificate("{}", public)
    body = json.loads(document)
    body["certificate"]["destroyed"]["objects"]["listed"].pop()
    from readingroom.copies.certificate import signed

    with pytest.raises(Refusal):  # signed by the worker itself, and still it does not hold
        verify_certificate(signed(worker, body["certificate"]), public)


def test_a_late_purge_is_certified_as_late(room: Any, sealed: Any, clock: FixedClock) -> None:
    worker = room.open(Role.WORKER)
    clock.advance(timedelta(days=31))
    (certificate,) = purge_due(worker)
    assert certificate["within_limit"] is False
    with pytest.raises(Refusal):
        verify_certificate(read_certificate(worker, sealed.copy.id), worker.keys.public())


def test_an_expired_copy_is_not_read_even_before_its_purge(room: Any, sealed: Any, clock: FixedClock) -> None:
    web = room.open(Role.WEB)
    clock.advance(timedelta(days=30))
    with pytest.raises(WrongState):
        read_rows(web, sealed.copy, PartName("p-00001"))


def test_opt_out_makes_every_copy_due_at_once(room: Any, sealed: Any, clock: FixedClock) -> None:
    worker = room.open(Role.WORKER)
    clock.advance(timedelta(days=2))
    opt_out(room.open(Role.WEB), "fabrikam", "admin@customer.example")
    (certificate,) = purge_due(worker)
    assert certificate["why"] == "engagement ended"
    assert certificate["within_limit"] is True


def test_a_letter_of_opt_out_cuts_the_life_of_copies(room: Any, sealed: Any, clock: FixedClock) -> None:
    web, worker = room.open(Role.WEB), room.open(Role.WORKER)
    received = clock.now()
    clock.advance(timedelta(days=5))
    opt_out(web, "fabrikam", "admin@customer.example", received=received - timedelta(hours=6))
    assert due_for_purge(worker, received + timedelta(days=28, hours=17)) == ()
    assert len(due_for_purge(worker, received + timedelta(days=28, hours=18))) == 1  # 30 d - 6 h - 24 h


def test_a_new_engagement_does_not_revive_old_copies(room: Any, sealed: Any, clock: FixedClock) -> None:
    web, worker = room.open(Role.WEB), room.open(Role.WORKER)
    clock.advance(timedelta(days=2))
    opt_out(web, "fabrikam", "admin@customer.example")
    clock.advance(timedelta(minutes=1))
    opt_in(web, "fabrikam", "admin@customer.example")
    assert [copy.id for copy in due_for_purge(worker, clock.now())] == [sealed.copy.id]


def test_the_tag_key_lives_as_long_as_a_suppression(room: Any, sealed: Any) -> None:
    subjects, worker = room.open(Role.SUBJECTS), room.open(Role.WORKER)
    with unit_of_work(subjects.place("us").db, "fabrikam", subjects.clock) as unit:
        tag = sealed.tag("name", "ada example")
        assert withheld.withhold_tags(unit, "fabrikam", [tag], reason=Reason.ERASED, request="req-1") == 1
        assert withheld.withhold_tags(unit, "fabrikam", [tag], reason=Reason.ERASED, request="req-2") == 0
        assert withheld.lift_tags(unit, "fabrikam", request="req-1") == 0  # an erasure is never lifted
        unit.append(Event("subject.withheld", actor="subjects", tenant="fabrikam"))
    purge_all(worker, "fabrikam", "test")
    assert subjects.place("us").keyring.tag_key("fabrikam") == sealed.key


def test_only_the_right_role_purges_and_rewrites(room: Any, sealed: Any) -> None:
    with pytest.raises(KeyFault):
        purge_copy(room.open(Role.WEB), sealed.copy.id, "test")
    with pytest.raises(KeyFault):
        withdraw_from_copies(room.open(Role.WORKER), "fabrikam", Withdrawal())


def test_one_running_copy_per_tenant_and_category(room: Any, another: Any) -> None:
    house = room.open(Role.COPY)
    with another(house), pytest.raises(WrongState), another(house):
        pass
    with another(house, Category.QUERY):  # another category runs beside it
        pass


def test_column_decisions_are_kept_and_never_loosen(room: Any) -> None:
    copy = room.open(Role.COPY)
    columns.confirm_column(copy, "fabrikam", "account.New_Region", treatment="keep", actor="customer")
    columns.withhold_column(copy, "fabrikam", "contact.birthdate", actor="customer")
    with copy.place("us").db.read("fabrikam") as connection:
        assert columns.decisions(connection, "fabrikam") == {
            "account.new_region": "keep",
            "contact.birthdate": "withhold",
        }
    with pytest.raises(UsageError):
        columns.confirm_column(copy, "fabrikam", "contact.emailaddress1", treatment="keep", actor="customer")
    with pytest.raises(UsageError):
        columns.confirm_column(copy, "fabrikam", "contact", treatment="keep", actor="customer")
    leaf_names = room.bytes_of(b"new_region")
    assert all("db.sqlite" in name for name in leaf_names)


def test_the_database_keeps_the_copy_row_after_the_purge(room: Any, sealed: Any) -> None:
    worker = room.open(Role.WORKER)
    purge_copy(worker, sealed.copy.id, "test")
    with worker.place("us").db.read("fabrikam") as connection:
        row = connection.execute(select(COPIES).where(COPIES.c.id == sealed.copy.id)).one()
    assert row.purged_at is not None
    assert row.rows == 5
