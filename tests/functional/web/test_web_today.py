"""The desk's start page: the most urgent first, and only what the visitor's roles may decide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from readingroom.access.facts import FactKind, assert_fact
from readingroom.access.grants import Wish, request_access
from readingroom.assure.finding import Status
from readingroom.assure.promises import Kind
from readingroom.assure.table import Row
from readingroom.core.category import Category
from readingroom.core.ids import TenantName
from readingroom.review.flag import raise_flag
from readingroom.review.queues import next_item
from readingroom.web.desk.agenda import Line, agenda, broken

Room = Any  # conftest's; test folders are no packages
HARBOR = TenantName("harbor")
NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def _waiting(room: Room) -> None:
    room.grant("Ada")
    ada, ben, dora, cora = (room.person(name).id for name in ("Ada", "Ben", "Dora", "Cora"))
    view = next_item(room.web, ada, workstation=room.station("Ada"), purpose="spam-checker")
    assert view is not None
    raise_flag(room.web, ada, view.item)
    for person, why in ((ben, "second labels"), (cora, "her own")):
        request_access(room.web, person, Wish(HARBOR, Category.MARKETING, "spam-checker", 2, why))
    assert_fact(room.web, ben, FactKind.TRAINING, until=room.web.clock.now() + timedelta(days=90), by=dora)


def test_a_line_is_overdue_due_today_or_later() -> None:
    for due, urgency in (
        (None, "today"),
        (NOW, "overdue"),
        (NOW + timedelta(hours=24), "today"),
        (NOW + timedelta(hours=25), "later"),
    ):
        assert Line("x", "y", due).urgency(NOW) == urgency


def test_everybody_sees_what_they_may_decide_the_earliest_first(room: Room) -> None:
    seen = {name: agenda(room.web, room.person(name)) for name in ("Ada", "Cleo", "Cora", "Dora", "Emil")}
    whats = {name: {line.what for line in lines} for name, lines in seen.items()}
    assert whats["Ada"] == set()
    assert whats["Cleo"] == {"Request for access", "Fact to confirm"}
    assert sum(line.what == "Request for access" for line in seen["Cleo"]) == 2
    assert sum(line.what == "Request for access" for line in seen["Cora"]) == 1  # not her own
    assert "Flag to decide" in whats["Dora"]
    assert "Request for access" not in whats["Dora"]
    for lines in seen.values():
        dues = [line.due or room.web.clock.now() for line in lines]
        assert all(a <= b + timedelta(seconds=5) for a, b in pairwise(dues))


def test_the_page_is_where_the_desk_begins(room: Room) -> None:
    for name, told in (("Cleo", "Request for access"), ("Dora", "Flag to decide"), ("Emil", "Nothing waits")):
        client = room.client(name)
        assert client.get("/").headers["location"] == "/desk/today"
        assert told in client.get("/desk/today").text
    assert room.client("Ada").get("/").headers["location"] == "/work"
    assert room.client("harbor").get("/desk/today").status_code == 403


def test_a_broken_promise_is_a_line() -> None:
    rows = [
        Row(
            id=f"P0{at}",
            promise="words",
            status=status,
            kind=next(iter(Kind)),
            evidence="",
            enforced_by=(),
            how_a_lie_shows="",
        )
        for at, status in enumerate((Status.KEPT, Status.BROKEN))
    ]
    assert [line.about for line in broken(rows)] == ["P01: words"]
