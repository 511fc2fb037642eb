"""A clock that goes back: what had expired is not shown again, and in time the room goes on."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any


def set_clock(room: Any, span: timedelta) -> None:
    """Move the clock as a machine's is moved, without a word to the room."""
    path = room.root / "clock.json"
    offset = json.loads(path.read_text(encoding="utf-8"))["offset_seconds"]
    path.write_text(json.dumps({"offset_seconds": offset + span.total_seconds()}), encoding="utf-8")


def test_a_clock_that_went_back_revives_nothing(fresh: Any) -> None:
    fresh.grant("ada")
    fresh.do("review", "next", "--as", "ada")
    later = timedelta(days=31)
    set_clock(fresh, later)  # no worker: the copies have expired and are not purged
    fresh.grant("ada")
    assert fresh.ask("review", "next", "--as", "ada")["item"] is None
    set_clock(fresh, -later)
    done = fresh("review", "next", "--as", "ada")
    assert done.code == 3
    assert "the clock is behind" in done.err
    assert [one for one in fresh("doctor", "--json").json["findings"] if "clock" in one["what"]]
    set_clock(fresh, later)
    fresh.do("worker", "--once")
    assert {copy["state"] for copy in fresh.copies(category="marketing")} == {"purged"}


def test_a_clock_put_right_by_seconds_stops_nobody(fresh: Any) -> None:
    fresh.grant("ada")
    set_clock(fresh, timedelta(seconds=30))
    fresh.do("review", "next", "--as", "ada")
    set_clock(fresh, timedelta(seconds=-20))
    fresh.do("review", "next", "--as", "ada")
