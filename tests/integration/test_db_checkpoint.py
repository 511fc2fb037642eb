"""A checkpoint empties the write-ahead log, and waits for whoever else is at it (SQLite answers "busy" at once)."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import text

from readingroom.db.engines import Database
from readingroom.db.schema import PLACE

ROUNDS = 60


def test_two_checkpoints_at_once_wait_for_each_other(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'db.sqlite'}"
    made = Database.create("us", url, PLACE)
    with made.engine.begin() as connection:
        connection.execute(text("CREATE TABLE probe (number INTEGER PRIMARY KEY, bytes BLOB)"))
    made.close()
    done: list[int] = []
    barrier = threading.Barrier(2)

    def work(first: int) -> None:
        database = Database.load("us", url, PLACE)
        barrier.wait()
        for number in range(first, first + ROUNDS):
            with database.engine.execution_options(readingroom_write=True).begin() as connection:
                connection.execute(text("INSERT INTO probe VALUES (:number, zeroblob(200000))"), {"number": number})
            database.checkpoint()
            done.append(number)
        database.close()

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, ROUNDS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 2 * ROUNDS
