"""Nobody asks faster than the room answers: counted by session, and at the door by address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from limits import RateLimitItemPerMinute

from ground import copy_room
from readingroom.web.cookies import COOKIE
from readingroom.web.pace import Pace

Room = Any  # conftest's; test folders are no packages


@pytest.fixture(scope="module")
def slow(fictional_room: Path, tmp_path_factory: pytest.TempPathFactory, serve: Any) -> Room:
    """The fictional room with small allowances."""
    pace = Pace(*(RateLimitItemPerMinute(number) for number in (8, 6, 5)))
    root = copy_room(fictional_room, tmp_path_factory.mktemp("pace") / "room")
    return serve(root, lambda app: setattr(app.state, "pace", pace))


def test_a_visitor_who_asks_too_fast_is_told_how_long_to_wait(slow: Room) -> None:
    client = slow.client("Ada")
    answers = [client.get("/work") for _ in range(9)]
    assert [a.status_code for a in answers] == [200] * 8 + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert answers[-1].headers["cache-control"] == "no-store"
    assert slow.client("Ben").get("/work").status_code == 200  # somebody else is not held up
    assert client.get("/static/room.css").status_code == 200


def test_a_made_up_cookie_buys_no_new_try_at_the_door(slow: Room) -> None:
    client = slow.client()
    codes = set()
    for at in range(6):
        client.cookies.set(COOKIE, f"made-up-{at}")
        codes.add(client.post(f"/sign-in/guess-{at}").status_code)
    assert 429 in codes
    assert codes <= {403, 429}


def test_strangers_are_counted_by_address(slow: Room) -> None:
    client = slow.client()
    assert [client.get("/sign-in").status_code for _ in range(7)][-1] == 429
