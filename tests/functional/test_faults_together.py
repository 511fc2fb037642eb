"""Two commands at once: an opt-out during a copy, two workers, two copy runs, two opt-ins."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from sqlalchemy import select

from readingroom.audit.tables import PLACE_EVENTS
from readingroom.copies.tables import CERTIFICATES, OBJECTS, ObjectState
from readingroom.db.engines import EVERY_TENANT
from readingroom.keys.roles import Role

COPY = ("copy", "run", "alpha", "--category", "marketing")


def nothing_left(cli: Any) -> None:
    """No object, no key, no raw byte; and the register verifies."""
    with cli.house(Role.WORKER) as worker:
        for place in worker.places.values():
            assert list(place.store.list("")) == []
            assert place.keyring.list_copies() == []
            with place.db.read(EVERY_TENANT) as connection:
                states = set(connection.scalars(select(OBJECTS.c.state)))
            assert states <= {ObjectState.DELETED}
    assert cli.holding(cli.raw()) == {}
    cli.do("audit", "verify")


def count_events(cli: Any, name: str) -> Counter[str]:
    """How often each copy has an event of that name."""
    found: Counter[str] = Counter()
    with cli.house(Role.WORKER) as worker:
        for place in worker.places.values():
            with place.db.read(EVERY_TENANT) as connection:
                statement = select(PLACE_EVENTS.c.copy).where(PLACE_EVENTS.c.name == name)
                found.update(connection.scalars(statement))
    return found


@pytest.mark.parametrize("step", ["copy.started", "copy.learnt", "copy.part_written", "copy.before_seal"])
def test_an_opt_out_during_a_copy(tiny: Any, launcher: Any, step: str) -> None:
    running = launcher.start(tiny, *COPY, pause=step)
    running.arrived()
    tiny.do("engagement", "opt-out", "alpha")
    code, said = running.wait()
    assert code == 3, said
    assert "refused" in said
    assert [copy["state"] for copy in tiny.copies()] == ["refused"]
    nothing_left(tiny)
    assert tiny.ask("worker", "--once")["failed"] == []


@pytest.mark.parametrize("words", [("suspend", "alpha"), ("terminate", "alpha", "--why", "the programme ends")])
def test_any_other_end_during_a_copy(tiny: Any, launcher: Any, words: tuple[str, ...]) -> None:
    running = launcher.start(tiny, *COPY, pause="copy.second_look_done")
    running.arrived()
    tiny.do("engagement", *words)
    code, said = running.wait()
    assert code == 3, said
    assert [copy["state"] for copy in tiny.copies()] == ["refused"]
    nothing_left(tiny)


def test_an_opt_out_right_after_the_seal_purges_the_copy(tiny: Any, launcher: Any) -> None:
    running = launcher.start(tiny, *COPY, pause="copy.sealed")
    running.arrived()
    purged = tiny.ask("engagement", "opt-out", "alpha")["purged"]
    assert len(purged) == 1
    running.wait()  # what it still notes of deletions at the source changes nothing
    assert [copy["state"] for copy in tiny.copies()] == ["purged"]
    nothing_left(tiny)


def test_a_second_copy_of_the_same_is_refused_while_one_runs(tiny: Any, launcher: Any) -> None:
    running = launcher.start(tiny, *COPY, pause="copy.learnt")
    running.arrived()
    second = tiny(*COPY)
    assert second.code == 3, second.err
    assert tiny.ask("worker", "--once")["failed"] == []  # a live run is nobody's orphan
    code, said = running.wait()
    assert code == 0, said
    assert [copy["state"] for copy in tiny.copies()] == ["sealed"]


@pytest.mark.parametrize("step", ["purge.started", "purge.keys_destroyed", "purge.rows_deleted", "purge.probed"])
def test_a_worker_held_in_a_purge_and_another_that_overtakes_it(sealed: Any, launcher: Any, step: str) -> None:
    sealed.pass_time(days=29, hours=1)
    slow = launcher.start(sealed, "purge", "run", pause=step)
    slow.arrived()
    assert sealed("purge", "run").code == 0
    assert slow.wait()[0] == 0
    one_purge_each(sealed)


def test_workers_at_once(sealed: Any, launcher: Any) -> None:
    sealed.do("copy", "run", "alpha", "--category", "query")
    sealed.pass_time(days=29, hours=1)
    commands = [("worker", "--once"), ("purge", "run"), ("worker", "--once"), ("purge", "run")]
    for running in [launcher.start(sealed, *words) for words in commands]:
        code, said = running.wait()
        assert code == 0, said
    one_purge_each(sealed)


def one_purge_each(cli: Any) -> None:
    """Every copy was purged once, with one certificate, the same for everybody."""
    ids = {copy["id"] for copy in cli.copies()}
    assert {copy["state"] for copy in cli.copies()} == {"purged"}
    assert count_events(cli, "copy.purged") == Counter(ids)
    assert count_events(cli, "copy.purge_started") == Counter(ids)
    with cli.house(Role.WORKER) as worker, worker.places["us"].db.read(EVERY_TENANT) as connection:
        assert Counter(connection.scalars(select(CERTIFICATES.c.copy))) == Counter(ids)
    nothing_left(cli)


def test_two_erasures_of_one_person_at_once(sealed: Any, launcher: Any) -> None:
    who = sealed.root.parent / "who"
    who.write_text(f"email: {sealed.somebody('email')}\n", encoding="utf-8")
    words = ("--tenant", "alpha", "--identifiers", who, "--request")
    first = launcher.start(sealed, "subject", "erase", *words, "r-1", pause="erase.written")
    first.arrived()
    second = sealed("subject", "erase", *words, "r-2")
    assert second.code == 0, second.err
    code, said = first.wait()
    assert code == 0, said
    assert sealed.ask("subject", "find", *words, "r-3")["total"] == 0
    assert {one["state"] for one in sealed.ask("subject", "list")["requests"]} == {"done"}
    assert sealed.ask("worker", "--once")["failed"] == []


def test_two_opt_ins_at_once(tiny: Any, launcher: Any) -> None:
    tiny.do("engagement", "opt-out", "alpha")
    words = ("engagement", "opt-in", "alpha", "--by", "admin@alpha.example")
    codes = [running.wait()[0] for running in [launcher.start(tiny, *words) for _ in range(3)]]
    assert sorted(codes) == [0, 3, 3]
    assert tiny.ask("engagement", "status", "alpha")["state"] == "active"
    tiny.do("audit", "verify")
