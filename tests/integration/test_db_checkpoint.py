"""A checkpoint empties the write-ahead log, and waits for whoever else is at it (SQLite answers "busy" at once)."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, insert

from readingroom.db.engines import Database

SCHEMA = MetaData()
NUMBERS = Table("numbers", SCHEMA, Column("number", Integer, primary_key=True), Column("bytes", LargeBinary))
ROUNDS = 60


def test_two_checkpoints_at_once_wait_for_each_other(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'db.sqlite'}"
    Database.create("us", url, SCHEMA).close()
    done: list[int] = []
    barrier = threading.Barrier(2)

    def work(first: int) -> None:
        database = Database.load("us", url, SCHEMA)
        barrier.wait()
        for number in range(first, first + ROUNDS):
            with database.engine.execution_options(readingroom_write=True).begin() as connection:
                connection.execute(insert(NUMBERS).values(number=number, bytes=bytes(200_000)))
            database.checkpoint()
            done.append(number)
        database.close()

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, ROUNDS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 2 * ROUNDS
