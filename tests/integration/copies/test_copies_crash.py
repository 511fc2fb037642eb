"""kill -9 at every registered step of copy run, refusal, erase and purge; then recovery, and all is in order."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import select

import readingroom.copies.run as run_module
from readingroom.audit.tables import PLACE_EVENTS
from readingroom.copies import part_writer, purge, refuse, rewrite
from readingroom.copies.purge import purge_due
from readingroom.copies.reader import read_rows
from readingroom.copies.records import list_copies, list_parts
from readingroom.copies.recover import recover
from readingroom.copies.states import CopyState
from readingroom.copies.tables import OBJECTS, ObjectState
from readingroom.core.clock import FixedClock
from readingroom.core.errors import WrongState
from readingroom.core.steps import STEPS
from readingroom.keys.roles import Role


def steps_of(*modules: ModuleType) -> list[str]:
    """The steps that these modules register; other rooms may register some of the same job."""
    named = {value for module in modules for value in vars(module).values() if isinstance(value, str)}
    return sorted(named & set(STEPS))


COPY = steps_of(run_module, part_writer)
REFUSAL = steps_of(refuse)
ERASE = steps_of(rewrite)
PURGE = steps_of(purge)
RAW = (b"Exemplaria", b"exemplaria", b"Samplewick", b"Specimenta", b"@fabrikam.example", b"555-01")


def killed(room: Any, job: str, step: str) -> None:
    script = Path(__file__).with_name("crash_job.py")
    command = [sys.executable, str(script), str(room.root), job, step]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == -9, f"{job} never reached {step}: {done.stderr.decode()[-2000:]}"
    for needle in RAW:
        assert needle not in done.stdout + done.stderr
        assert room.bytes_of(needle) == [], "raw data at rest"


def in_order(room: Any) -> None:
    """What stands in store, keyring and database is the same story, and a second recovery finds nothing to do."""
    worker = room.open(Role.WORKER)
    assert not recover(worker)
    place = worker.place("us")
    copies = list_copies(worker)
    sealed = {copy.id for copy in copies if copy.state is CopyState.SEALED}
    assert all(copy.state is not CopyState.STAGING for copy in copies)
    assert set(place.keyring.list_copies()) == sealed
    with place.db.read("fabrikam") as connection:
        objects = connection.execute(select(OBJECTS.c.path, OBJECTS.c.state, OBJECTS.c.copy, OBJECTS.c.key)).all()
        names = connection.execute(select(PLACE_EVENTS.c.name, PLACE_EVENTS.c.copy)).all()
    assert set(place.store.list("")) == {o.path for o in objects if o.state == ObjectState.LIVE}
    assert {o.state for o in objects} <= {ObjectState.LIVE, ObjectState.DELETED}
    for copy in sealed:
        keys = {o.key for o in objects if o.copy == copy and o.state == ObjectState.LIVE}
        assert set(place.keyring.list_parts(copy)) == keys
    for copy in copies:  # no lost event: every state was announced
        assert (f"copy.{copy.state}", copy.id) in {(name, about) for name, about in names}
    web = room.open(Role.WEB)
    for copy in copies:
        if copy.state is CopyState.SEALED:
            for part in list_parts(web, copy):
                read_rows(web, copy, part.name)


@pytest.mark.parametrize("step", COPY)
def test_a_copy_run_killed_at_any_step(room: Any, export: Any, run: Any, step: str) -> None:
    killed(room, "copy", step)
    worker = room.open(Role.WORKER)
    done = recover(worker)
    sealed = step in {"copy.sealed", "copy.deletions_noted"}
    assert len(done.refused) == (not sealed)
    in_order(room)
    run(room.open(Role.COPY))
    in_order(room)


def test_the_next_copy_run_recovers_a_dead_one_by_itself(room: Any, export: Any, run: Any) -> None:
    killed(room, "copy", "copy.part_written")
    run(room.open(Role.COPY))
    assert sorted(copy.state for copy in list_copies(room.open(Role.WEB))) == [CopyState.REFUSED, CopyState.SEALED]


@pytest.mark.parametrize("step", REFUSAL)
def test_a_refusal_killed_at_any_step(room: Any, export: Any, step: str) -> None:
    killed(room, "refuse", step)
    recover(room.open(Role.WORKER))
    in_order(room)
    (copy,) = list_copies(room.open(Role.WEB))
    assert copy.state is CopyState.REFUSED


@pytest.mark.parametrize("step", ERASE)
def test_an_erasure_killed_at_any_step(room: Any, export: Any, run: Any, erase: Any, step: str) -> None:
    run(room.open(Role.COPY))
    killed(room, "erase", step)
    recover(room.open(Role.WORKER))
    in_order(room)
    subjects = room.open(Role.SUBJECTS)
    erase(subjects)
    assert sum(done.parts for done in erase(subjects)) == 0
    in_order(room)
    (copy,) = list_copies(subjects)
    assert copy.rows == 14


@pytest.mark.parametrize("step", PURGE)
def test_a_purge_killed_at_any_step(room: Any, export: Any, run: Any, clock: FixedClock, step: str) -> None:
    run(room.open(Role.COPY))
    killed(room, "purge", step)
    clock.advance(timedelta(days=29))
    web = room.open(Role.WEB)
    (copy,) = list_copies(web)
    for part in list_parts(web, copy):  # unreadable from the first step on
        with pytest.raises(WrongState):
            read_rows(web, copy, part.name)
    worker = room.open(Role.WORKER)
    recover(worker)
    in_order(room)
    (copy,) = list_copies(worker)
    assert copy.state is CopyState.PURGED
    assert purge_due(worker) == []


def test_an_object_that_nobody_knows_is_deleted_and_one_in_use_is_not(room: Any, export: Any, run: Any) -> None:
    run(room.open(Role.COPY))
    worker = room.open(Role.WORKER)
    known = list(worker.place("us").store.list(""))
    worker.place("us").store.put("fabrikam/marketing/2026-11-01/copy-gone/p-00001.parquet", b"left over")
    assert recover(worker).objects == 1
    assert list(worker.place("us").store.list("")) == known
