"""No way out of the product leaves a connection behind: in use at the end, opened before a failure, refused.

What is counted is what the server sees, so that nothing depends on when Python collects its garbage.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select

from ground import server_url
from readingroom.bootstrap import init, open_house
from readingroom.core.errors import BadSetting, DatabaseFault, KeyFault
from readingroom.db.engines import EVERY_TENANT
from readingroom.db.schema import ROOM
from readingroom.keys.roles import Role
from readingroom.web.app import create_app
from readingroom.worker import run_round

pytestmark = pytest.mark.postgres


class Server:
    """A room on a server, and who is connected to its databases."""

    def __init__(self, url: str, root: Path, *, simulation: bool) -> None:
        self.root, self.stem = root, f"con_{secrets.token_hex(4)}"
        self.admin = psycopg.connect(server_url(url, "postgres"), autocommit=True)
        init(root, simulation=simulation, database=server_url(url, self.stem))

    def connections(self) -> int:
        query = "SELECT count(*) FROM pg_stat_activity WHERE starts_with(datname, %s)"
        return int((self.admin.execute(query, [self.stem]).fetchone() or (0,))[0])

    def left(self, wanted: int = 0) -> int:
        """How many stay: a backend needs a moment to go after its client has."""
        for _ in range(250):
            if self.connections() == wanted:
                break
            time.sleep(0.02)
        return self.connections()


@pytest.fixture(scope="module", params=[True, False], ids=["simulation", "real"])
def either(
    request: pytest.FixtureRequest, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    server = Server(postgres_url, tmp_path_factory.mktemp("con") / "room", simulation=request.param)
    yield server
    server.admin.close()


@pytest.fixture(scope="module")
def server(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(postgres_url, tmp_path_factory.mktemp("con") / "room", simulation=True)
    yield made
    made.admin.close()


def test_init_and_a_round_of_duties_leave_none(either: Server) -> None:
    assert either.left() == 0
    assert run_round(either.root).failed == ()
    assert either.left() == 0


def test_one_in_use_when_the_house_closes_is_closed_when_it_is_given_back(server: Server) -> None:
    house = open_house(server.root, Role.WEB)
    in_use, closed = threading.Event(), threading.Event()

    def read() -> None:
        with house.db.read(EVERY_TENANT) as connection:
            in_use.set()
            closed.wait(20)
            connection.execute(select(ROOM.tables["people"].c.id)).all()  # what was begun may still be finished

    thread = threading.Thread(target=read)
    thread.start()
    assert in_use.wait(20)
    house.close()
    try:
        assert server.left(1) == 1
    finally:
        closed.set()
        thread.join(20)
    assert server.left() == 0


def test_a_round_whose_second_role_cannot_be_opened_leaves_none(server: Server) -> None:
    hidden = []
    for role in (Role.WORKER, Role.SUBJECTS):
        path = server.root / "roles" / f"{role}.json"
        hidden.append(path.read_bytes())
        path.unlink()
        with pytest.raises(KeyFault) as caught:
            run_round(server.root)
        assert caught.tb is not None  # its traceback still holds what the function held
        assert server.left() == 0
        path.write_bytes(hidden.pop())
        path.chmod(0o600)


def test_a_place_that_cannot_be_entered_leaves_none(server: Server) -> None:
    path = server.root / "places" / "us" / "logins" / "web.pgpass"
    kept = path.read_bytes()
    path.write_bytes(kept.replace(b"_web:", b"_web:wrong"))
    with pytest.raises(DatabaseFault) as caught:
        open_house(server.root, Role.WEB)
    assert caught.tb is not None
    assert server.left() == 0
    path.write_bytes(kept)


def test_pages_that_are_refused_leave_none(either: Server) -> None:
    if (either.root / "clock.json").exists():
        create_app(either.root).state.house.close()
    else:
        with pytest.raises(BadSetting) as caught:
            create_app(either.root)
        assert caught.tb is not None
    assert either.left() == 0


def test_a_checkpoint_leaves_none(server: Server) -> None:
    house = open_house(server.root, Role.WORKER)
    house.db.checkpoint()
    house.close()
    assert server.left() == 0
