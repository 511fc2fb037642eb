"""`kill -9` at every registered step of every job, by the command line; after one round of the worker all is in order.

The steps are read from the sources, so that a new one cannot be forgotten: it lands in a job below or fails a test.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import readingroom
from readingroom.audit.tables import PLACE_EVENTS, ROOM_EVENTS
from readingroom.copies.reader import read_rows
from readingroom.copies.records import Copy, list_copies, list_parts
from readingroom.copies.states import CopyState
from readingroom.copies.tables import OBJECTS, ObjectState
from readingroom.core.errors import KeyFault, ReadingroomError
from readingroom.core.ids import CopyId, PartName
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House
from readingroom.keys.roles import Role

KILLED = -9


def steps_in_sources() -> set[str]:
    """Every step that any file of the product registers."""
    pattern = re.compile(r'\bregister\(\s*"([a-z_]+\.[a-z_]+)"')
    files = Path(readingroom.__file__).parent.rglob("*.py")
    return {name for file in files for name in pattern.findall(file.read_text(encoding="utf-8"))}


def job_of(step: str) -> str:
    return "refusal" if step.startswith("copy.refus") else step.partition(".")[0]


STEPS = sorted(steps_in_sources())
JOBS = {job: [step for step in STEPS if job_of(step) == job] for job in sorted({job_of(step) for step in STEPS})}


def test_every_registered_step_belongs_to_a_job_that_is_killed_here() -> None:
    assert set(JOBS) == {"copy", "refusal", "erase", "purge", "audit"}
    assert min(len(steps) for steps in JOBS.values()) >= 3


def every_event(house: House) -> set[str]:
    """The id of every event row, in every database."""
    found: set[str] = set()
    for db, table in [(house.db, ROOM_EVENTS), *((place.db, PLACE_EVENTS) for place in house.places.values())]:
        with db.read(EVERY_TENANT) as connection:
            found |= set(connection.scalars(select(table.c.id)))
    return found


def events_now(cli: Any) -> set[str]:
    with cli.house(Role.WORKER) as worker:
        return every_event(worker)


def check_place(house: House, name: str, copies: tuple[Copy, ...]) -> None:
    """Store, keyring and database of one place tell the same story."""
    place = house.places[name]  # type: ignore[index]
    sealed = {copy.id for copy in copies if copy.place == name and copy.state is CopyState.SEALED}
    with place.db.read(EVERY_TENANT) as connection:
        objects = connection.execute(select(OBJECTS)).all()
        told = connection.execute(select(PLACE_EVENTS.c.name, PLACE_EVENTS.c.copy)).all()
    live = [one for one in objects if one.state == ObjectState.LIVE]
    assert {one.state for one in objects} <= {ObjectState.LIVE, ObjectState.DELETED}
    assert set(place.store.list("")) == {one.path for one in live}, "an orphan object, or a missing one"
    assert {one.copy for one in live} == sealed
    assert set(place.keyring.list_copies()) == sealed, "a key without a copy, or a copy without a key"
    for one_sealed in sealed:
        assert set(place.keyring.list_parts(one_sealed)) == {one.key for one in live if one.copy == one_sealed}
    for copy in copies:
        if copy.place == name:
            assert (f"copy.{copy.state}", copy.id) in {(one.name, one.copy) for one in told}, (
                "a state that no event announced"
            )


def check_unreadable(house: House, copy: Copy, parts: list[tuple[PartName, PartName]]) -> None:
    """No part of the copy can be read, nor its keys opened."""
    for name, key in parts:
        with pytest.raises(ReadingroomError):
            read_rows(house, copy, name)
        with pytest.raises(KeyFault):
            house.place(copy.place).keyring.part_key(copy.id, key)


def check_in_order(cli: Any, before: set[str], raw: list[bytes]) -> None:
    """After the recovery round: no orphan, no stray key, no lost event, no raw byte, and all of it verifies."""
    with cli.house(Role.WORKER) as worker:
        copies = list_copies(worker)
        assert all(copy.state is not CopyState.STAGING for copy in copies)
        for name in worker.places:
            check_place(worker, name, copies)
        assert before <= every_event(worker), "an event is lost"
    with cli.house(Role.WEB) as web:
        for copy in copies:
            parts = [(part.name, part.key) for part in list_parts(web, copy)]
            assert bool(parts) == (copy.state is CopyState.SEALED)
            for name, _ in parts:
                read_rows(web, copy, name)
    assert cli.holding(raw) == {}, "raw data at rest"
    logs = cli.ask("audit", "verify")["logs"]
    assert [(log["valid"], log["pending"]) for log in logs] == [(True, 0)] * len(logs)
    again = cli.ask("worker", "--once")
    assert again["failed"] == []
    assert [line for line in again["done"] if "recover" in line or "mirror" in line] == []


def recover(cli: Any) -> list[str]:
    """One round of the worker; what it did."""
    done = cli.ask("worker", "--once")
    assert done["failed"] == []
    return list(done["done"])


def killed(launcher: Any, cli: Any, *arguments: object, step: str) -> set[str]:
    """Kill a command at a step: it says nothing of anybody and nothing raw rests; the events there are."""
    code, said = launcher.run(cli, *arguments, kill=step)
    assert code == KILLED, f"never reached {step}: {said}"
    raw = cli.raw()
    assert not [one for one in raw if one.decode() in said]
    assert cli.holding(raw) == {}, "raw data at rest after the crash"
    return events_now(cli)


@pytest.mark.parametrize("step", JOBS["copy"])
def test_a_copy_run_killed(tiny: Any, launcher: Any, step: str) -> None:
    words = ("copy", "run", "alpha", "--category", "marketing")
    before = killed(launcher, tiny, *words, step=step)
    was_sealed = bool(tiny.copies(state="sealed"))
    done = recover(tiny)
    assert was_sealed == (step in {"copy.sealed", "copy.deletions_noted"})
    assert any("refused, its process had died" in line for line in done) is not was_sealed
    check_in_order(tiny, before, tiny.raw())


@pytest.mark.parametrize("step", JOBS["refusal"])
def test_a_refusal_killed(tiny: Any, launcher: Any, step: str) -> None:
    words = ("copy", "run", "alpha", "--category", "marketing")
    running = launcher.start(tiny, *words, pause="copy.part_written", kill=step)
    running.arrived()
    tiny.do("engagement", "opt-out", "alpha")
    code, said = running.wait()
    assert code == KILLED, f"never reached {step}: {said}"
    before = events_now(tiny)
    recover(tiny)
    assert [copy["state"] for copy in tiny.copies()] == ["refused"]
    check_in_order(tiny, before, tiny.raw())


@pytest.mark.parametrize("step", JOBS["erase"])
def test_an_erasure_killed(sealed: Any, launcher: Any, tmp_path: Path, step: str) -> None:
    (tmp_path / "who").write_text(f"email: {sealed.somebody('email')}\n", encoding="utf-8")
    words = ("--tenant", "alpha", "--identifiers", tmp_path / "who", "--request")
    assert sealed.ask("subject", "find", *words, "request-0")["total"] > 0
    before = killed(launcher, sealed, "subject", "erase", *words, "request-1", step=step)
    recover(sealed)
    assert {one["state"] for one in sealed.ask("subject", "list")["requests"]} == {"done"}
    assert sealed.ask("subject", "find", *words, "request-2")["total"] == 0
    check_in_order(sealed, before, sealed.raw())


@pytest.mark.parametrize("step", JOBS["purge"])
def test_a_purge_killed(sealed: Any, launcher: Any, step: str) -> None:
    (copy_id,) = (copy["id"] for copy in sealed.copies())
    with sealed.house(Role.WEB) as web:
        (copy,) = list_copies(web)
        parts = [(part.name, part.key) for part in list_parts(web, copy)]
        read_rows(web, copy, parts[0][0])
    sealed.pass_time(days=29, hours=1)
    before = killed(launcher, sealed, "purge", "run", step=step)
    with sealed.house(Role.WEB) as web:  # from the first step on, before any recovery
        for name, _ in parts:
            with pytest.raises(ReadingroomError):
                read_rows(web, copy, name)
    recover(sealed)
    with sealed.house(Role.WEB) as web:
        check_unreadable(web, copy, parts)
    assert sealed("purge", "run").code == 0
    (state,) = (one["state"] for one in sealed.copies())
    assert state == "purged"
    certificate = sealed.root.parent / "certificate.json"
    certificate.write_text(sealed.do("purge", "certificate", copy_id), encoding="utf-8")
    sealed.do("purge", "verify", certificate, "--key", sealed.worker_key())
    check_in_order(sealed, before, sealed.raw())


@pytest.mark.parametrize("words", [("worker", "--once"), ("audit", "verify")], ids=lambda words: words[0])
@pytest.mark.parametrize("step", JOBS["audit"])
def test_a_sequencer_killed(sealed: Any, launcher: Any, step: str, words: tuple[str, ...]) -> None:
    before = killed(launcher, sealed, *words, step=step)
    recover(sealed)
    check_in_order(sealed, before, sealed.raw())


def test_a_copy_that_expired_while_its_purge_was_dead_is_not_readable(sealed: Any, launcher: Any) -> None:
    """The worker was away until after the limit: nothing is shown, whatever still lies there."""
    with sealed.house(Role.WEB) as web:
        (copy,) = list_copies(web)
        parts = [part.name for part in list_parts(web, copy)]
    sealed.pass_time(days=31)
    with sealed.house(Role.WEB) as web:
        assert web.place(copy.place).keyring.list_copies() == [CopyId(copy.id)]
        for name in parts:
            with pytest.raises(ReadingroomError, match="expired"):
                read_rows(web, copy, name)
    recover(sealed)
    (late,) = sealed.copies()
    assert late["state"] == "purged"
    assert sealed("assure").code == 1  # P15 was broken, and the room says so
