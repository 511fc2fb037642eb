"""The sequencer and its verification keep their promises on SQLite and on a real PostgreSQL 15, whatever crashes."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, update

from readingroom.audit import sequencer
from readingroom.audit.logs import Log
from readingroom.audit.merkle import leaf_hash
from readingroom.audit.proofs import check_extends, write_proof
from readingroom.audit.sequencer import create_log, read_head, sequence
from readingroom.audit.tables import PLACE_EVENTS
from readingroom.audit.tiles import CHECKPOINT, Tiles, pack
from readingroom.audit.unit import Event, unit_of_work
from readingroom.audit.verify import LogResult, verify_log, verify_one
from readingroom.core import steps
from readingroom.core.clock import FixedClock
from readingroom.core.errors import KeyFault, LogFault
from readingroom.core.ids import TenantName
from readingroom.db.engines import EVERY_TENANT, Database
from readingroom.db.migrating import VERSION
from readingroom.db.schema import PLACE
from readingroom.keys.roles import Role, RoleKeys
from readingroom.stores.durable import UNFINISHED

ACME, BETA = TenantName("acme"), TenantName("beta")
ORIGIN = "readingroom/room-1/us/acme"
STEPS = (sequencer.TILES_WRITTEN, sequencer.CHECKPOINT_WRITTEN, sequencer.ROWS_INDEXED)


class Crash(BaseException):
    """A power cut, as far as the program can tell."""


@dataclass
class Bench:
    """A place's database, the worker's keys, and the log of one tenant."""

    db: Database
    keys: RoleKeys
    clock: FixedClock
    folder: Path

    @property
    def public(self) -> bytes:
        return self.keys.public(Role.WORKER)

    def append(self, count: int, tenant: TenantName = ACME) -> None:
        with unit_of_work(self.db, tenant, self.clock) as unit:
            for number in range(count):
                unit.append(Event("item.viewed", actor="rev-1", tenant=tenant, facts={"n": number}))

    def sequence(self) -> int:
        return sequence(self.db, ACME, self.folder, origin=ORIGIN, keys=self.keys, clock=self.clock)

    def result(self) -> LogResult:
        return verify_one(Log(None, ACME, self.db, self.folder, ORIGIN), self.public)

    def leaves(self) -> list[bytes]:
        with self.db.read(ACME) as connection:
            query = select(PLACE_EVENTS.c.leaf).where(PLACE_EVENTS.c.tenant == ACME).order_by(PLACE_EVENTS.c.number)
            return list(connection.execute(query).scalars())

    def logged(self) -> list[bytes]:
        head, _note = read_head(self.folder, ORIGIN, self.public)
        return list(Tiles(self.folder, head.size).entries())


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/db.sqlite"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def bench(url: str, tmp_path: Path, clock: FixedClock) -> Iterator[Bench]:
    RoleKeys.create_all(tmp_path / "roles")
    db = Database.create("us", url, PLACE)
    yield Bench(db, RoleKeys.load(tmp_path / "roles", Role.WORKER), clock, tmp_path / "logs" / "acme")
    PLACE.drop_all(db.engine)
    VERSION.drop(db.engine)
    db.close()


def test_every_event_is_logged_once_in_order_and_nothing_of_another_tenant(bench: Bench) -> None:
    for count in (0, 1, 3, 256, 1, 300):
        bench.append(count) if count else None
        bench.append(2, BETA)
        assert bench.sequence() == count
        assert bench.sequence() == 0
        assert bench.logged() == bench.leaves()
        assert bench.result().problem is None
    verified = verify_log(bench.folder, ORIGIN, bench.public)
    assert (verified.size, bench.result().size) == (561, 561)


def test_a_log_can_begin_empty_and_only_by_the_worker(bench: Bench, tmp_path: Path) -> None:
    web = RoleKeys.load(tmp_path / "roles", Role.WEB)
    with pytest.raises(KeyFault):
        create_log(bench.folder, ORIGIN, web)
    assert not (bench.folder / CHECKPOINT).exists()
    create_log(bench.folder, ORIGIN, bench.keys)
    before = (bench.folder / CHECKPOINT).read_bytes()
    create_log(bench.folder, ORIGIN, bench.keys)
    assert (bench.folder / CHECKPOINT).read_bytes() == before
    assert verify_log(bench.folder, ORIGIN, bench.public).size == 0
    bench.append(1)
    with pytest.raises(KeyFault):
        replace(bench, keys=web).sequence()
    assert verify_log(bench.folder, ORIGIN, bench.public).size == 0
    assert bench.result().pending == 1
    assert bench.sequence() == 1


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("more", [0, 1, 300])
def test_a_crash_at_any_step_loses_nothing_and_doubles_nothing(bench: Bench, step: str, more: int) -> None:
    bench.append(255)
    bench.sequence()
    bench.append(5)

    def crash(name: str) -> None:
        if name == step:
            raise Crash

    stop = steps.watch(crash)
    try:
        with pytest.raises(Crash):
            bench.sequence()
    finally:
        stop()
    assert bench.result().problem is None  # what is signed verifies at every moment
    if more:
        bench.append(more)
    bench.sequence()
    assert bench.logged() == bench.leaves()
    result = bench.result()
    assert (result.problem, result.pending, result.size) == (None, 0, 260 + more)


def test_what_an_unfinished_write_left_is_replaced_even_if_other_events_come_first(bench: Bench) -> None:
    bench.append(3)
    bench.sequence()
    bench.append(5)

    def crash(name: str) -> None:
        if name == sequencer.TILES_WRITTEN:
            raise Crash

    stop = steps.watch(crash)
    with pytest.raises(Crash):
        bench.sequence()
    stop()
    (bench.folder / f".half{UNFINISHED}").write_bytes(b"half")
    with unit_of_work(bench.db, ACME, bench.clock) as unit:  # a transaction that committed late, with an early number
        identity = unit.append(Event("item.viewed", actor="rev-2", tenant=ACME))
        unit.connection.execute(update(PLACE_EVENTS).where(PLACE_EVENTS.c.id == identity).values(number=-1))
    bench.append(10)
    bench.sequence()
    assert bench.result().problem is None
    assert sorted(bench.logged()) == sorted(bench.leaves())
    assert not (bench.folder / f".half{UNFINISHED}").exists()


def test_a_killed_worker_leaves_a_log_that_the_next_one_finishes(bench: Bench) -> None:
    bench.append(300)
    bench.db.close()  # no connection is shared with the child
    child = os.fork()
    if child == 0:  # pragma: no cover - dies on the way

        def kill(name: str) -> None:
            if name == sequencer.CHECKPOINT_WRITTEN:
                os.kill(os.getpid(), signal.SIGKILL)

        steps.watch(kill)
        bench.sequence()
        os._exit(0)
    _pid, ended = os.waitpid(child, 0)
    assert os.WTERMSIG(ended) == signal.SIGKILL
    result = bench.result()
    assert (result.problem, result.size, result.pending) == (None, 300, 300)
    assert bench.sequence() == 300  # adopted, not written again
    assert bench.logged() == bench.leaves()


def test_two_workers_at_once_write_each_event_once(bench: Bench) -> None:
    bench.append(700)
    totals: list[int] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        totals.append(bench.sequence())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(totals) == 700
    assert sorted(bench.logged()) == sorted(bench.leaves())
    assert bench.result().problem is None


def test_the_log_goes_on_over_more_than_one_batch(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer, "BATCH", 100)
    bench.append(1050)
    assert bench.sequence() == 1050
    assert bench.logged() == bench.leaves()
    assert bench.result().problem is None
    for level in ("0", "entries"):
        assert not list(bench.folder.glob(f"tile/{level}/000.p/*"))  # dropped when the tile was full


def change_leaf(bench: Bench) -> None:
    with unit_of_work(bench.db, ACME, bench.clock) as unit:
        unit.connection.execute(update(PLACE_EVENTS).where(PLACE_EVENTS.c.log_index == 2).values(leaf=b"{}"))


def change_column(bench: Bench) -> None:
    with unit_of_work(bench.db, ACME, bench.clock) as unit:
        unit.connection.execute(update(PLACE_EVENTS).where(PLACE_EVENTS.c.log_index == 2).values(name="item.shown"))


def delete_row(bench: Bench) -> None:
    with unit_of_work(bench.db, ACME, bench.clock) as unit:
        unit.connection.execute(delete(PLACE_EVENTS).where(PLACE_EVENTS.c.log_index == 2))


def delete_last_row(bench: Bench) -> None:
    with unit_of_work(bench.db, ACME, bench.clock) as unit:
        unit.connection.execute(delete(PLACE_EVENTS).where(PLACE_EVENTS.c.log_index == 4))


def invent_row(bench: Bench) -> None:
    row = {"id": "ev-invented", "tenant": ACME, "at": bench.clock.now(), "name": "item.viewed", "copy": ""}
    with unit_of_work(bench.db, ACME, bench.clock) as unit:
        unit.connection.execute(insert(PLACE_EVENTS).values(**row, leaf=b"{}", log_index=5))


def swap_rows(bench: Bench) -> None:
    with unit_of_work(bench.db, ACME, bench.clock) as unit:
        for before, after in ((1, 99), (2, 1), (99, 2)):
            change = update(PLACE_EVENTS).where(PLACE_EVENTS.c.log_index == before)
            unit.connection.execute(change.values(log_index=after))


def lose_checkpoint(bench: Bench) -> None:
    (bench.folder / CHECKPOINT).unlink()


def corrupt_tile(bench: Bench) -> None:
    path = bench.folder / "tile/0/000.p/5"
    path.write_bytes(bytes(32) + path.read_bytes()[32:])


@pytest.mark.parametrize(
    "harm",
    [change_leaf, change_column, delete_row, delete_last_row, invent_row, swap_rows, lose_checkpoint, corrupt_tile],
)
def test_a_database_and_a_log_that_contradict_each_other_are_found(bench: Bench, harm: Callable[[Bench], None]) -> None:
    bench.append(5)
    bench.sequence()
    assert bench.result().problem is None
    harm(bench)
    assert bench.result().problem is not None


def test_nothing_is_signed_over_a_log_that_is_broken(bench: Bench) -> None:
    bench.append(5)
    bench.sequence()
    note = (bench.folder / CHECKPOINT).read_bytes()
    bench.append(1)
    tile, entries = bench.folder / "tile/0/000.p/5", bench.folder / "tile/entries/000.p/5"
    for path in (tile, entries):
        before = path.read_bytes()
        path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        with pytest.raises(LogFault):
            bench.sequence()
        assert (bench.folder / CHECKPOINT).read_bytes() == note
        path.write_bytes(before)
    true = {path: path.read_bytes() for path in (tile, entries)}
    rewritten = [*bench.logged()[:4], b'{"id":"ev-other"}']
    entries.write_bytes(pack(rewritten))  # rewritten so that entries and tile agree with each other
    tile.write_bytes(b"".join(map(leaf_hash, rewritten)))
    with pytest.raises(LogFault, match="root"):
        bench.sequence()
    for path, before in true.items():
        path.write_bytes(before)
    (bench.folder / CHECKPOINT).unlink()
    with pytest.raises(LogFault, match="no checkpoint"):
        bench.sequence()
    (bench.folder / CHECKPOINT).write_bytes(note)
    assert bench.sequence() == 1


def test_a_log_that_was_cut_back_is_not_continued(bench: Bench, tmp_path: Path) -> None:
    bench.append(3)
    bench.sequence()
    old = (bench.folder / CHECKPOINT).read_bytes()
    bench.append(3)
    bench.sequence()
    new = (bench.folder / CHECKPOINT).read_text()
    assert check_extends(bench.folder, old.decode(), origin=ORIGIN, public=bench.public).size == 6
    (bench.folder / CHECKPOINT).write_bytes(old)
    assert bench.result().problem is not None
    bench.append(1)
    with pytest.raises(LogFault, match="covers 3"):
        bench.sequence()
    with pytest.raises(LogFault):  # whoever kept the newer checkpoint sees it without the database
        check_extends(bench.folder, new, origin=ORIGIN, public=bench.public)


def test_a_log_that_holds_what_the_database_does_not_is_not_adopted(bench: Bench) -> None:
    bench.append(3)
    bench.sequence()
    with unit_of_work(bench.db, ACME, bench.clock) as unit:
        unit.connection.execute(delete(PLACE_EVENTS).where(PLACE_EVENTS.c.log_index == 2))
    with pytest.raises(LogFault, match="not in the database"):
        bench.sequence()


def test_the_log_of_everything_holds_every_tenant(bench: Bench) -> None:
    bench.append(2)
    bench.append(2, BETA)
    folder = bench.folder.parent / "all"
    assert sequence(bench.db, EVERY_TENANT, folder, origin="all", keys=bench.keys, clock=bench.clock) == 4
    assert verify_log(folder, "all", bench.public).size == 4


def test_a_proof_of_a_small_and_of_a_large_log(bench: Bench) -> None:
    bench.append(1)
    bench.sequence()
    assert write_proof(bench.folder, 0, origin=ORIGIN, public=bench.public).count("\n\n") == 2
    bench.append(700)
    bench.sequence()
    with pytest.raises(LogFault):
        write_proof(bench.folder, 701, origin=ORIGIN, public=bench.public)
