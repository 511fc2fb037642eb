"""A copy run over a fictional export, with the real engine: what it keeps, what it refuses, what it never leaves."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import select

from readingroom.anonymize.normalize import subject_tag
from readingroom.audit.tables import PLACE_EVENTS
from readingroom.audit.unit import Event, unit_of_work
from readingroom.copies import withheld
from readingroom.copies.looks import LookResult
from readingroom.copies.manifest import read_manifest
from readingroom.copies.reader import read_item, read_rows
from readingroom.copies.records import get_copy, list_copies, list_items, list_parts
from readingroom.copies.recover import recover
from readingroom.copies.states import CopyState
from readingroom.copies.tables import Reason
from readingroom.copies.triggers import open_triggers, settle_triggers
from readingroom.core import steps
from readingroom.core.clock import FixedClock
from readingroom.core.errors import CopyRefused, Fault, KeyFault, Refusal, WrongState
from readingroom.engagement.optin import opt_out, suspend
from readingroom.keys.roles import Role

RAW = (b"Exemplaria", b"exemplaria", b"Samplewick", b"Specimenta", b"@fabrikam.example", b"555-01")


def nothing_left(room: Any) -> None:
    """No object, no key, no raw byte, no part or item row."""
    worker = room.open(Role.WORKER)
    for place in worker.places.values():
        assert list(place.store.list("")) == []
        assert place.keyring.list_copies() == []
    for needle in RAW:
        assert room.bytes_of(needle) == [], needle
    assert not recover(worker)


def test_a_copy_is_anonymized_sealed_and_described(room: Any, export: Any, run: Any) -> None:
    identity = run(room.open(Role.COPY))
    web = room.open(Role.WEB)
    copy = get_copy(web, identity)
    assert (copy.state, copy.rows, copy.items) == (CopyState.SEALED, 15, 12)
    for part in list_parts(web, copy):
        text = str(read_rows(web, copy, part.name).to_pydict()).encode()
        for needle in RAW:
            assert needle not in text
    shown = read_item(web, copy, list_items(web, copy)[0])
    assert "[PERSON_" in shown["msdyncrm_emailbody"]
    manifest = read_manifest(web, identity)
    assert [table["table"] for table in manifest["tables"]] == ["contact", "msdyncrm_marketingemail"]
    assert {"scan", "learn", "anonymize", "second look", "seal"} <= set(manifest["seconds"])
    assert manifest["totals"]["tags"] > 12
    for needle in RAW[:4]:
        assert room.bytes_of(needle) == []


def test_a_hard_finding_refuses_and_leaves_nothing(room: Any, export: Any, run: Any, alarmed: Any) -> None:
    with pytest.raises(CopyRefused) as caught:
        run(room.open(Role.COPY), make_look=alarmed)
    assert caught.value.reasons == ("msdyncrm_marketingemail.msdyncrm_emailbody: 2 x email",)
    web = room.open(Role.WEB)
    (copy,) = list_copies(web)
    assert copy.state is CopyState.REFUSED
    found = read_manifest(web, copy.id)
    assert found["findings"] == [
        {"table": "msdyncrm_marketingemail", "column": "msdyncrm_emailbody", "kind": "email", "count": 2}
    ]
    assert found["kinds"] == {"email": 2}
    nothing_left(room)


@pytest.mark.parametrize(("every", "refused"), [(1, True), (12, True), (0, False)])
def test_too_many_suspicions_refuse(room: Any, export: Any, run: Any, every: int, refused: bool) -> None:
    class Suspects:
        def learn(self, *_: object) -> None:
            pass

        def check(self, table: str, batch: pa.RecordBatch) -> LookResult:
            rows = np.arange(batch.num_rows, dtype=np.int64)
            chosen = rows[rows % every == 0] if every and table != "contact" else rows[:0]
            return LookResult(suspicious_rows=chosen)

    if refused:
        with pytest.raises(CopyRefused, match="suspects too much"):
            run(room.open(Role.COPY), make_look=Suspects)
        nothing_left(room)
    else:
        assert run(room.open(Role.COPY), make_look=Suspects)


def test_few_suspicions_withhold_the_item(room: Any, export: Any, run: Any) -> None:
    class Suspects:
        def learn(self, *_: object) -> None:
            pass

        def check(self, table: str, _batch: pa.RecordBatch) -> LookResult:
            first = np.array([0] if table != "contact" else [], dtype=np.int64)
            return LookResult(suspicious_rows=first)

    export.fill(mails=60)
    identity = run(room.open(Role.COPY), make_look=Suspects)
    web = room.open(Role.WEB)
    assert get_copy(web, identity).withheld_items == 1
    assert [i.withheld for i in list_items(web, get_copy(web, identity))][:2] == ["suspicion", ""]


def test_a_look_that_errs_stops_the_copy_without_a_value(room: Any, export: Any, run: Any) -> None:
    class Errs:
        def learn(self, _table: str, batch: pa.RecordBatch) -> None:
            raise ValueError(str(batch.column("fullname")[0]))

        def check(self, *_: object) -> LookResult:
            return LookResult()

    with pytest.raises(Fault, match="ValueError") as caught:
        run(room.open(Role.COPY), make_look=Errs)
    assert "Exemplaria" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    nothing_left(room)


def test_a_broken_export_is_refused(room: Any, export: Any, run: Any) -> None:
    (export.folder / "model.json").write_text('{"name": "cdm", "entities": [')
    with pytest.raises(CopyRefused):
        run(room.open(Role.COPY))
    (copy,) = list_copies(room.open(Role.WEB))
    assert copy.state is CopyState.REFUSED
    nothing_left(room)


def test_a_source_that_changes_meanwhile_is_refused(room: Any, export: Any, run: Any) -> None:
    def change(step: str) -> None:
        if step == "copy.scanned":
            path = export.folder / "contact" / "2026-05.csv"
            path.write_text(path.read_text() * 2)

    end = steps.watch(change)
    try:
        with pytest.raises(Fault, match="source_changed"):
            run(room.open(Role.COPY))
    finally:
        end()
    nothing_left(room)


@pytest.mark.parametrize("step", ["copy.keys_made", "copy.part_registered", "copy.part_written", "copy.before_seal"])
@pytest.mark.parametrize("act", ["opt_out", "suspend"])
def test_an_opt_out_during_a_copy_ends_it_refused(room: Any, export: Any, run: Any, step: str, act: str) -> None:
    worker, done = room.open(Role.WORKER), []

    def leave(reached: str) -> None:
        if reached == step and not done:
            done.append(step)
            if act == "opt_out":
                opt_out(worker, "fabrikam", "admin@customer.example")
            else:
                suspend(worker, "fabrikam")

    end = steps.watch(leave)
    try:
        with pytest.raises(CopyRefused):
            run(room.open(Role.COPY))
    finally:
        end()
    (copy,) = list_copies(worker)
    assert copy.state is CopyState.REFUSED
    nothing_left(room)


def test_no_copy_before_opt_in_or_after_opt_out(room: Any, export: Any, run: Any) -> None:
    opt_out(room.open(Role.WORKER), "fabrikam", "admin@customer.example")
    with pytest.raises(Refusal):
        run(room.open(Role.COPY))
    assert list_copies(room.open(Role.WEB)) == ()


def test_only_the_copy_role_copies(room: Any, export: Any, run: Any) -> None:
    for role in (Role.WEB, Role.WORKER, Role.SUBJECTS):
        with pytest.raises(KeyFault):
            run(room.open(role))


def test_a_destroyed_key_during_the_run_refuses_the_copy(room: Any, export: Any, run: Any) -> None:
    worker = room.open(Role.WORKER)

    def destroy(step: str) -> None:
        if step == "copy.learnt":
            for copy in worker.place("us").keyring.list_copies():
                worker.place("us").keyring.destroy_copy(copy)

    end = steps.watch(destroy)
    try:
        with pytest.raises(KeyFault):
            run(room.open(Role.COPY))
    finally:
        end()
    nothing_left(room)


def test_two_workers_at_once_make_one_copy(room: Any, export: Any, run: Any) -> None:
    results: list[Any] = []
    barrier = threading.Barrier(2)
    houses = [room.open(Role.COPY), room.open(Role.COPY)]

    def work(house: Any) -> None:
        barrier.wait()
        try:
            results.append(run(house))
        except WrongState as error:
            results.append(error)

    threads = [threading.Thread(target=work, args=(house,)) for house in houses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    copies = list_copies(room.open(Role.WEB))
    sealed = [copy for copy in copies if copy.state is CopyState.SEALED]
    assert len(results) == 2
    assert len(sealed) == sum(1 for result in results if isinstance(result, str))
    assert len(sealed) >= 1
    assert not recover(room.open(Role.WORKER))


def test_withheld_people_are_not_in_the_next_copy(room: Any, export: Any, run: Any) -> None:
    house = room.open(Role.COPY)
    run(house)
    key = house.place("us").keyring.tag_key("fabrikam")
    person = next(iter(export.contacts))
    names = [subject_tag(key, "record", person), subject_tag(key, "name", "Adalgisa Exemplaria")]
    with unit_of_work(house.place("us").db, "fabrikam", house.clock) as unit:
        withheld.withhold_tags(unit, "fabrikam", names, reason=Reason.OBJECTED, request="req-1")
        unit.append(Event("subject.withheld", actor="subjects", tenant="fabrikam"))
    identity = run(house)
    web = room.open(Role.WEB)
    copy = get_copy(web, identity)
    assert copy.rows == 14  # one contact less
    bodies = [read_item(web, copy, item)["msdyncrm_emailbody"] for item in list_items(web, copy)]
    assert sum("[WITHHELD]" in body for body in bodies) == 4
    counts = {table["table"]: table for table in read_manifest(web, identity)["tables"]}
    assert counts["contact"]["withheld_rows"] == 1


def _withholding(house: Any, times: int) -> Any:
    """Withhold somebody at the end of each of the next `times` runs; call the answer to stop."""
    tags = iter([bytes([number] * 16) for number in range(times)])

    def add(step: str) -> None:
        tag = next(tags, None) if step == "copy.second_look_done" else None
        if tag is not None:
            with unit_of_work(house.place("us").db, "fabrikam", house.clock) as unit:
                withheld.withhold_tags(unit, "fabrikam", [tag], reason=Reason.ERASED, request="req-1")
                unit.append(Event("subject.withheld", actor="subjects", tenant="fabrikam"))

    return steps.watch(add)


def test_somebody_withheld_during_the_run_makes_it_run_again(room: Any, export: Any, run: Any) -> None:
    house = room.open(Role.COPY)
    end = _withholding(house, 1)
    try:
        identity = run(house)
    finally:
        end()
    states = {one.id == identity: (one.state, one.reason) for one in list_copies(house)}
    assert states[True] == (CopyState.SEALED, "")
    assert states[False][0] is CopyState.REFUSED
    assert "withheld list changed" in states[False][1]


def test_somebody_withheld_in_every_run_ends_it_refused(room: Any, export: Any, run: Any) -> None:
    house = room.open(Role.COPY)
    end = _withholding(house, 2)
    try:
        with pytest.raises(CopyRefused, match="withheld while the copy ran"):
            run(house)
    finally:
        end()
    nothing_left(room)
    assert run(house)


def test_a_deletion_at_the_source_is_noted_for_erasure(room: Any, export: Any, run: Any, clock: FixedClock) -> None:
    house = room.open(Role.COPY)
    run(house)
    assert open_triggers(house, "fabrikam") == ()
    person = next(iter(export.contacts))
    export.deleted = {person, "00000009-0000-4000-8000-000000000009"}
    export.contacts["00000009-0000-4000-8000-000000000009"] = ("x", "y", "never seen", "z@other.example", "")
    export.write()
    clock.advance(timedelta(days=1))
    second = run(house)
    (trigger,) = open_triggers(house, "fabrikam")  # the other one is in no live copy
    assert trigger.tag == subject_tag(house.place("us").keyring.tag_key("fabrikam"), "record", person)
    assert (trigger.source, trigger.seen_by) == ("contact", second)
    with unit_of_work(house.place("us").db, "fabrikam", house.clock) as unit:
        assert settle_triggers(unit, "fabrikam", [trigger.tag], request="req-1") == 1
        unit.append(Event("subject.erased", actor="subjects", tenant="fabrikam"))
    assert open_triggers(house, "fabrikam") == ()


def test_every_step_of_a_run_has_its_event(room: Any, export: Any, run: Any) -> None:
    identity = run(room.open(Role.COPY))
    with room.open(Role.WEB).place("us").db.read("fabrikam") as connection:
        chosen = select(PLACE_EVENTS.c.name).where(PLACE_EVENTS.c.copy == identity).order_by(PLACE_EVENTS.c.number)
        names = list(connection.scalars(chosen))
    assert names[0] == "copy.started"
    assert names[-1] == "copy.sealed"
    assert names.count("copy.part_registered") == names.count("copy.part_recorded") == 3  # contact, mail, links
