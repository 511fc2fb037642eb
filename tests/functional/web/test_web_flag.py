"""The officer's page of one flag: nothing before the look, the item after it, and what the customer is told."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from readingroom.core.ids import TenantName
from readingroom.review.flag import list_flags, raise_flag
from readingroom.review.flag_states import FlagState
from readingroom.review.queues import next_item
from readingroom.subjects.flagged import remove_flagged

Room = Any  # conftest's; test folders are no packages
HARBOR = TenantName("harbor")


@pytest.fixture(scope="module")
def flag(room: Room) -> Any:
    """Ada has flagged a mail."""
    room.grant("Ada")
    view = next_item(room.web, room.person("Ada").id, workstation=room.station("Ada"), purpose="spam-checker")
    assert view is not None
    return raise_flag(room.web, room.person("Ada").id, view.item)


def post(room: Room, client: Any, path: str, **values: str) -> Any:
    return client.post(path, data={"csrf": room.csrf(client), **values})


def test_the_item_is_on_the_page_only_after_the_look_and_once(room: Room, flag: Any) -> None:
    dora, before = room.client("Dora"), len(room.events("item.viewed"))
    first = dora.get(f"/desk/flags/{flag.id}").text
    assert "<iframe" not in first
    assert len(room.events("item.viewed")) == before
    looked = post(room, dora, f"/desk/flags/{flag.id}/look")
    assert looked.status_code == 200
    [address] = re.findall(r'<iframe [^>]*src="([^"]+)"', looked.text)
    assert room.events("item.viewed")[-1]["facts"]["purpose"] == "check"
    frame = dora.get(address)
    assert frame.status_code == 200
    assert frame.headers["content-security-policy"].startswith("sandbox allow-same-origin; default-src 'none'")
    assert dora.get(address).status_code == 404
    assert len(room.events("item.viewed")) == before + 1


def test_nobody_but_the_officer_opens_it(room: Room, flag: Any) -> None:
    for name in ("Ada", "Cleo", "Emil", "harbor"):
        client = room.client(name)
        assert client.get(f"/desk/flags/{flag.id}").status_code == 403
        assert post(room, client, f"/desk/flags/{flag.id}/look").status_code == 403
        assert client.get(f"/desk/frame/{flag.item}").status_code == 403
    assert post(room, room.client("Dora"), "/desk/flags/flag-none/look").status_code == 404


def test_a_confirmed_flag_is_removed_and_its_customer_alone_is_told(room: Room, flag: Any) -> None:
    dora, title = room.client("Dora"), "What anonymization had missed"
    assert title not in room.client("harbor").get("/portal").text
    wrong = post(room, dora, f"/desk/flags/{flag.id}", answer="confirm", values="email:")
    assert wrong.status_code == 400
    said = {"answer": "confirm", "values": "name: MARKER-4711 Example"}
    assert post(room, dora, f"/desk/flags/{flag.id}", **said).status_code == 303
    assert "due by" in dora.get("/desk/flags").text
    assert len(remove_flagged(room.subjects)) == 1
    [known] = list_flags(room.web, HARBOR)
    assert known.state is FlagState.REMOVED
    assert known.decided_at is not None
    assert known.decided_at - known.raised_at < timedelta(hours=24)
    assert title in room.client("harbor").get("/portal").text
    assert title not in room.client("linden").get("/portal").text
    for path in room.root.rglob("*"):  # what the officer typed is nowhere
        if path.is_file():
            assert b"MARKER-4711" not in path.read_bytes(), path
