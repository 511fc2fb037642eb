"""What happens to copies when something else goes wrong: corrupt bytes, lost keys, two processes at the same thing."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from readingroom.copies import rewrite
from readingroom.copies.purge import purge_copy, purge_due
from readingroom.copies.reader import read_rows
from readingroom.copies.records import get_copy, list_copies, list_parts
from readingroom.copies.recover import recover
from readingroom.copies.rewrite import Withdrawal, withdraw_from_copies
from readingroom.copies.states import CopyState
from readingroom.core import steps
from readingroom.core.category import Category
from readingroom.core.clock import FixedClock
from readingroom.core.errors import Fault, KeyFault, ObjectMissing, SealFault, StoreFault, UnknownName, WrongState
from readingroom.core.ids import CopyId, PartName
from readingroom.keys.roles import Role


def the_file(room: Any, path: str) -> Path:
    return next(file for file in (room.root / "places/us/objects").rglob(Path(path).name) if file.is_file())


def test_a_changed_byte_is_found(room: Any, sealed: Any) -> None:
    web = room.open(Role.WEB)
    part = list_parts(web, sealed.copy)[0]
    file = the_file(room, part.path)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.chmod(0o600)
    file.write_bytes(bytes(data))
    with pytest.raises(SealFault, match="not the one that was sealed"):
        read_rows(web, sealed.copy, part.name)


def test_a_part_that_is_gone_is_a_fault_and_the_purge_goes_on(room: Any, sealed: Any) -> None:
    web, worker = room.open(Role.WEB), room.open(Role.WORKER)
    part = list_parts(web, sealed.copy)[0]
    the_file(room, part.path).unlink()
    with pytest.raises(ObjectMissing):
        read_rows(web, sealed.copy, part.name)
    assert purge_copy(worker, sealed.copy.id, "test")["probes"]["objects_found"] == 0


def test_a_lost_key_makes_a_copy_unreadable_and_the_purge_goes_on(room: Any, sealed: Any) -> None:
    web, worker = room.open(Role.WEB), room.open(Role.WORKER)
    worker.place("us").keyring.destroy_copy(sealed.copy.id)
    with pytest.raises(KeyFault):
        read_rows(web, sealed.copy, list_parts(web, sealed.copy)[0].name)
    assert purge_copy(worker, sealed.copy.id, "test")["within_limit"]


def test_a_purge_that_finds_something_left_certifies_nothing(
    room: Any, sealed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = room.open(Role.WORKER)
    store = worker.place("us").store
    monkeypatch.setattr(store, "delete", lambda _path: None)  # a store that says yes and keeps the bytes
    with pytest.raises(Fault, match="still there"):
        purge_copy(worker, sealed.copy.id, "test")
    copy = get_copy(worker, sealed.copy.id)
    assert copy.state is CopyState.SEALED
    assert copy.purge_started_at is not None
    with pytest.raises(WrongState):
        read_rows(room.open(Role.WEB), sealed.copy, PartName("p-00001"))
    monkeypatch.undo()
    (certificate,) = purge_due(worker)  # begun, so it is due, whatever the date
    assert certificate["destroyed"]["objects"]["count"] == 5


def test_a_store_that_fails_during_a_refusal_leaves_the_rest_to_recovery(
    room: Any, export: Any, run: Any, alarmed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = room.open(Role.COPY)

    def fails(path: str) -> None:
        del path
        raise StoreFault("the store is not there")

    monkeypatch.setattr(house.place("us").store, "delete", fails)
    with pytest.raises(StoreFault):
        run(house, make_look=alarmed)
    (copy,) = list_copies(house)
    assert copy.state is CopyState.STAGING
    assert house.place("us").keyring.list_copies() == []  # the keys went first
    monkeypatch.undo()
    assert recover(room.open(Role.WORKER)).refused == [copy.id]
    assert list(house.place("us").store.list("")) == []


def test_keys_that_lead_to_no_live_copy_are_destroyed(room: Any, sealed: Any) -> None:
    keyring = room.open(Role.COPY).place("us").keyring
    keyring.create_copy(CopyId("copy-lost"), "fabrikam", "data", "2026-10-01")  # the database forgot it: a restore
    assert recover(room.open(Role.WORKER)).keys >= 1
    assert keyring.list_copies() == [sealed.copy.id]


def test_a_live_run_is_not_recovered(room: Any, another: Any) -> None:
    with another(room.open(Role.COPY)) as staged:
        staged.mails([("m1", "text", [])])
        assert not recover(room.open(Role.WORKER))
        staged.seal()
    assert not recover(room.open(Role.WORKER))


def test_a_run_that_was_recovered_can_write_nothing_more(room: Any, another: Any) -> None:
    with another(room.open(Role.COPY)) as staged:
        staged.mails([("m1", "text", [])])
    assert recover(room.open(Role.WORKER)).refused == [staged.copy.id]
    with pytest.raises(WrongState):
        staged.seal()
    with pytest.raises(WrongState):
        staged.contacts(["ada example"])
        staged.writer.finish()
    assert not recover(room.open(Role.WORKER))


def test_two_workers_purge_one_copy_once(room: Any, sealed: Any, clock: FixedClock) -> None:
    clock.advance(timedelta(days=29))
    found: list[Any] = []
    barrier = threading.Barrier(2)
    houses = [room.open(Role.WORKER), room.open(Role.WORKER)]

    def work(house: Any) -> None:
        barrier.wait()
        found.append(purge_copy(house, sealed.copy.id, "due"))

    threads = [threading.Thread(target=work, args=(house,)) for house in houses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert found[0] == found[1]


def test_a_purge_during_an_erasure_wins(room: Any, sealed: Any) -> None:
    subjects, worker = room.open(Role.SUBJECTS), room.open(Role.WORKER)
    done: list[str] = []

    def purge(step: str) -> None:
        if step == rewrite.WRITTEN and not done:
            done.append(step)
            purge_copy(worker, sealed.copy.id, "test")

    end = steps.watch(purge)
    try:
        (result,) = withdraw_from_copies(
            subjects, "fabrikam", Withdrawal(tags=frozenset({sealed.tag("name", "ada example")}))
        )
    finally:
        end()
    assert result.parts == 0
    assert get_copy(worker, sealed.copy.id).state is CopyState.PURGED
    recover(worker)
    assert list(worker.place("us").store.list("")) == []
    assert worker.place("us").keyring.list_copies() == []


def test_a_purge_that_has_only_begun_wins_too(room: Any, sealed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    subjects, worker = room.open(Role.SUBJECTS), room.open(Role.WORKER)
    done: list[str] = []

    def fails(_path: str) -> None:
        raise StoreFault("the store is not there")

    def begin(step: str) -> None:
        if step == rewrite.WRITTEN and not done:
            done.append(step)
            with pytest.raises(StoreFault):
                purge_copy(worker, sealed.copy.id, "test")

    monkeypatch.setattr(worker.place("us").store, "delete", fails)
    end = steps.watch(begin)
    try:
        (result,) = withdraw_from_copies(
            subjects, "fabrikam", Withdrawal(tags=frozenset({sealed.tag("name", "ada example")}))
        )
    finally:
        end()
    assert result.parts == 0
    monkeypatch.undo()
    assert recover(worker).purged == [sealed.copy.id]
    assert list(worker.place("us").store.list("")) == []


def test_a_rewrite_during_a_rewrite_is_done_again(room: Any, sealed: Any) -> None:
    first, second = room.open(Role.SUBJECTS), room.open(Role.SUBJECTS)
    done: list[Any] = []

    def erase(step: str) -> None:
        if step == rewrite.WRITTEN and not done:
            done.append(step)
            done.append(withdraw_from_copies(second, "fabrikam", what("bob sample")))

    def what(name: str) -> Withdrawal:
        return Withdrawal(tags=frozenset({sealed.tag("name", name)}))

    end = steps.watch(erase)
    try:
        withdraw_from_copies(first, "fabrikam", what("ada example"))
    finally:
        end()
    part = next(part for part in list_parts(first, sealed.copy) if part.table_name == "mail")
    assert read_rows(room.open(Role.WEB), sealed.copy, part.name)["body"].to_pylist() == [
        "Dear [WITHHELD], see you",
        "[WITHHELD] wrote to [WITHHELD] today",
        "nobody here",
    ]
    recover(room.open(Role.WORKER))
    assert not recover(room.open(Role.WORKER))
    live = {part.path for part in list_parts(first, sealed.copy, kind=None)}
    assert set(first.place("us").store.list("")) == live


def test_no_place_is_crossed(room: Any, sealed: Any, another: Any) -> None:
    with another(room.open(Role.COPY), Category.QUERY) as staged:
        staged.mails([("m1", "text", [])])
        staged.seal()
    worker = room.open(Role.WORKER)
    for name in ("eu", "schema-us"):
        assert list(worker.place(name).store.list("")) == []
        assert worker.place(name).keyring.list_copies() == []
    assert {copy.place for copy in list_copies(worker)} == {"us"}
    prefixes = {"/".join(path.split("/")[:2]) for path in worker.place("us").store.list("")}
    assert prefixes == {"fabrikam/marketing", "fabrikam/query"}


def test_an_unknown_copy_is_named_as_such(room: Any) -> None:
    with pytest.raises(UnknownName):
        get_copy(room.open(Role.WEB), CopyId("copy-none"))
