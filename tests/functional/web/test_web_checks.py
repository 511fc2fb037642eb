"""The privacy check over HTTP: a planted item is answered and shown as any other, and only the officer sees recall."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from readingroom.core.ids import PlaceName, TenantName
from readingroom.review import checks as review_checks
from readingroom.review.checks import recalls
from readingroom.review.flag import list_flags
from readingroom.review.tables import PLANTED

Room = Any  # conftest's; test folders are no packages
HARBOR = TenantName("harbor")


def call(room: Room, client: Any, path: str, **body: Any) -> Any:
    return client.post(path, json=body, headers={"x-csrf": room.csrf(client), "accept": "application/json"})


@pytest.fixture(scope="module")
def answers(room: Room) -> list[tuple[Any, Any, Any]]:
    """Ada checks until something planted was among it: what she was given, its frame, and the room's answer."""
    ada, grant = room.client("Ada"), room.grant("Ada")
    found: list[tuple[Any, Any, Any]] = []
    for _ in range(400):  # what is not answered comes again, until something planted stands in its place
        given = call(room, ada, f"/work/check/{grant.id}/next", held=[]).json()
        with room.web.place(PlaceName("us")).db.read(HARBOR) as connection:
            planted = set(connection.scalars(select(PLANTED.c.id)))
        if given["item"] in planted or len(found) < 3:
            frame = ada.get(given["frame"])
            said = call(room, ada, f"/work/check/{grant.id}", item=given["item"], answer="clean")
            found.append((given, frame, said))
        if given["item"] in planted and len(found) > 2:
            break
    return found


def test_a_planted_item_is_answered_as_any_other(room: Room, answers: Any) -> None:
    [ada] = recalls(room.web)
    assert ada.planted > 0
    assert (ada.found, ada.checked) == (0, len(answers) - ada.planted)
    assert review_checks.EVERY < 50
    assert {frame.status_code for _, frame, _ in answers} == {200}
    assert {said.status_code for _, _, said in answers} == {204}
    assert len({frozenset(given) for given, _, _ in answers}) == 1
    assert len({frozenset(given["facts"]) for given, _, _ in answers}) == 1
    assert len({frozenset(frame.headers) for _, frame, _ in answers}) == 1
    assert list_flags(room.web, HARBOR) == ()


def test_only_the_officer_sees_how_well_somebody_does(room: Room, answers: Any) -> None:
    assert answers
    page = room.client("Dora").get("/desk/checks").text
    assert "Ada Example" in page
    assert "0%" in page
    for name in ("Ada", "Cleo", "Emil", "harbor"):
        assert room.client(name).get("/desk/checks").status_code == 403
