"""Who sees what over HTTP: one's own tenant, one's own pages, for as long as one may; changes with the page's token."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from readingroom.access.grants import Wish, list_grants, request_access, revoke_grant
from readingroom.access.leaving import retire_workstation
from readingroom.access.sessions import Who, create_link
from readingroom.access.workstations import enrol_workstation
from readingroom.copies.records import list_copies, list_items
from readingroom.copies.states import CopyState
from readingroom.core.category import Category
from readingroom.core.ids import TenantName
from readingroom.engagement import optin
from readingroom.review.flag import list_flags
from readingroom.review.flag_states import FlagState
from readingroom.web.cookies import COOKIE

Room = Any  # conftest's; test folders are no packages
HARBOR, LINDEN = TenantName("harbor"), TenantName("linden")
JSON = {"accept": "application/json"}


def post(room: Room, client: httpx.Client, path: str, **values: Any) -> httpx.Response:
    """A change as a page of this session sends it: a form, or JSON where `json` is given."""
    token = room.csrf(client)
    if "json" in values:
        return client.post(path, json=values["json"], headers={"x-csrf": token, **JSON})
    return client.post(path, data={"csrf": token, **values})


def fetch(room: Room, client: httpx.Client, grant: str, held: list[str] | None = None) -> httpx.Response:
    return post(room, client, f"/work/next/{grant}", json={"held": held or []})


# one's own tenant, one's own pages


def test_a_customer_sees_its_own_copies_and_not_that_others_exist(room: Room) -> None:
    client = room.client("harbor")
    (own,), (other,) = list_copies(room.web, HARBOR), list_copies(room.web, LINDEN)
    assert own.id in client.get("/portal/copies").text
    assert client.get(f"/portal/copies/{own.id}").status_code == 200
    for page in ("", "/certificate"):
        foreign = client.get(f"/portal/copies/{other.id}{page}")
        nowhere = client.get(f"/portal/copies/copy-nowhere{page}")
        assert foreign.status_code == nowhere.status_code == 404
    assert other.id not in client.get("/portal/copies").text
    assert "linden" not in client.get("/portal").text


def test_no_address_of_the_portal_names_a_tenant(room: Room) -> None:
    client = room.client("harbor")
    assert "linden" not in client.get("/portal?tenant=linden").text
    assert post(room, client, "/portal/contact", turn="on", tenant="linden").status_code == 303
    assert optin.status(room.web, HARBOR).contact_ok
    assert not optin.status(room.web, LINDEN).contact_ok


@pytest.mark.parametrize("path", ["/work", "/desk", "/desk/flags", "/desk/models", "/desk/promises", "/work/frame/x"])
def test_a_customer_does_not_reach_the_pages_of_the_room(room: Room, path: str) -> None:
    assert room.client("harbor").get(path).status_code == 403


@pytest.mark.parametrize("path", ["/portal", "/portal/copies", "/portal/views", "/portal/receipt"])
def test_the_people_of_the_room_do_not_reach_the_portal(room: Room, path: str) -> None:
    assert room.client("Dora").get(path).status_code == 403


@pytest.mark.parametrize(
    ("who", "path"),
    [
        *(("Ada", "/desk"), ("Ada", "/desk/flags"), ("Ada", "/desk/models")),
        *(("Cleo", "/work"), ("Cleo", "/desk/flags"), ("Dora", "/desk"), ("Emil", "/work")),
    ],
)
def test_a_role_opens_its_own_pages_only(room: Room, who: str, path: str) -> None:
    answer = room.client(who).get(path)
    assert answer.status_code == 403
    assert "The room says no" in answer.text


# changes come from a page of the same session


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "null"},
    ],
)
def test_a_change_from_another_site_is_refused(room: Room, headers: dict[str, str]) -> None:
    client = room.client("harbor")
    values = {"csrf": room.csrf(client), "turn": "on"}
    assert client.post("/portal/pause", data=values, headers=headers).status_code == 403
    assert optin.status(room.web, HARBOR).state == "active"


def test_a_change_without_a_token_or_with_anothers_is_refused(room: Room) -> None:
    client, other = room.client("harbor"), room.client("linden")
    for token in ({}, {"csrf": ""}, {"csrf": room.csrf(other)}, {"csrf": "\u00e9"}):
        assert client.post("/portal/pause", data={**token, "turn": "on"}).status_code == 403
    grant = room.grant("Ben").id
    ben = room.client("Ben")
    for headers in ({}, {"x-csrf": room.csrf(other)}):
        assert ben.post(f"/work/next/{grant}", json={"held": []}, headers=headers | JSON).status_code == 403
    assert optin.status(room.web, HARBOR).state == "active"


def test_a_change_of_mind_about_the_method_changes_nothing(room: Room) -> None:
    client = room.client("harbor")
    assert client.get("/portal/sharing?turn=off").status_code == 405
    assert optin.status(room.web, HARBOR).state == "active"


def test_a_body_that_is_too_long_is_not_read(room: Room) -> None:
    client = room.client("harbor")
    answer = client.post("/portal/feedback", data={"csrf": room.csrf(client), "text": "x" * 600_000})
    assert answer.status_code == 413
    assert "content-security-policy" in answer.headers


# the workbench


def test_an_item_is_written_down_before_it_is_sent_and_its_frame_is_given_once(room: Room) -> None:
    client, grant = room.client("Ada"), room.grant("Ada")
    before = len(room.events("item.viewed"))
    first = fetch(room, client, grant.id).json()
    second = fetch(room, client, grant.id, [first["item"]]).json()
    assert first["item"] != second["item"]
    seen = room.events("item.viewed")[before:]
    assert len(seen) == 2  # the second was fetched ahead, and counts
    assert {event["facts"]["purpose"] for event in seen} == {"spam-checker"}
    assert "Ada" not in str(seen)
    frame = client.get(first["frame"])
    assert frame.status_code == 200
    assert "frame-ancestors 'self'" in frame.headers["content-security-policy"]
    assert client.get(first["frame"]).status_code == 404
    assert room.client("Ben").get(second["frame"]).status_code == 404  # waits for Ada alone


def test_a_label_of_an_item_that_was_not_handed_out_is_refused(room: Room) -> None:
    (copy,) = list_copies(room.web, HARBOR)
    item = list_items(room.web, copy)[-1].id
    client = room.client("Cora")
    said = {"item": item, "answer": "spam"}
    answer = post(room, client, "/work/label", json=said)
    assert answer.status_code == 403
    assert "handed out" in answer.json()["detail"]


def test_more_than_three_items_are_not_fetched_ahead(room: Room) -> None:
    client, grant = room.client("Ben"), room.grant("Ben")
    answer = fetch(room, client, grant.id, ["a", "b", "c", "d"])
    assert answer.status_code == 403


def test_anothers_grant_opens_nothing(room: Room) -> None:
    grant = room.grant("Ada")
    assert room.client("Cora").get(f"/work/mail/{grant.id}").status_code == 403
    assert fetch(room, room.client("Cora"), grant.id).status_code == 403


def test_a_flag_withholds_the_item_at_once_and_the_officer_decides(room: Room) -> None:
    ada, grant = room.client("Ada"), room.grant("Ada")
    item = fetch(room, ada, grant.id).json()["item"]
    assert post(room, ada, "/work/label", json={"item": item, "answer": "personal"}).status_code == 204
    found = next(f for f in list_flags(room.web) if f.item == item)
    assert item not in [fetch(room, room.client("Ada"), grant.id).json()["item"] for _ in range(3)]
    dora = room.client("Dora")
    assert found.id in dora.get("/desk/flags").text
    assert post(room, dora, f"/desk/flags/{found.id}", answer="perhaps").status_code == 400
    assert post(room, dora, f"/desk/flags/{found.id}", answer="confirm").status_code == 303
    assert next(f for f in list_flags(room.web) if f.id == found.id).state is FlagState.CONFIRMED
    assert post(room, dora, f"/desk/flags/{found.id}", answer="dismiss").status_code == 409
    assert post(room, room.client("Ada"), f"/desk/flags/{found.id}", answer="dismiss").status_code == 403


def test_a_revoked_grant_ends_the_views_and_the_session_at_once(room: Room) -> None:
    client, grant = room.client("Ben"), room.grant("Ben")
    item = fetch(room, client, grant.id).json()
    assert item["item"]
    revoke_grant(room.web, grant.id)
    token = client.cookies[COOKIE]
    assert client.get(f"/work/mail/{grant.id}").headers["location"] == "/sign-in"
    assert client.get(item["frame"], headers=JSON).status_code == 403  # also what was fetched ahead
    again = room.client("Ben")
    assert again.cookies[COOKIE] != token
    assert again.get(f"/work/mail/{grant.id}").status_code == 403


def test_a_retired_workstation_ends_the_session_and_without_one_no_item_opens(room: Room) -> None:
    person = room.person("Cora")
    extra = enrol_workstation(room.web, "desk-extra", person=person.id).workstation
    client = room.client()
    link = create_link(room.web, Who.staff(person.id, extra.id))
    assert client.post(f"/sign-in/{link}").status_code == 303
    grant = room.grant("Cora")
    assert fetch(room, client, grant.id).json()["item"]
    retire_workstation(room.web, extra.id)
    assert client.get("/work").headers["location"] == "/sign-in"
    bare = room.client()
    assert bare.post(f"/sign-in/{create_link(room.web, Who.staff(person.id))}").status_code == 303
    assert "not at an enrolled workstation" in bare.get("/work").text
    answer = fetch(room, bare, grant.id)
    assert answer.status_code == 403
    assert any("workstation" in reason for reason in answer.json()["reasons"])


# asking and approving


def test_a_reviewer_asks_on_the_page_and_somebody_else_approves(room: Room) -> None:
    cora, cleo = room.client("Cora"), room.client("Cleo")
    wish = {"tenant": "harbor", "purpose": "spam-checker", "hours": "2", "why": "second labels"}
    assert post(room, cora, "/work/request", **wish).status_code == 303
    grant = list_grants(room.web, person=room.person("Cora").id)[-1]
    assert "second labels" in cleo.get("/desk").text
    own = post(room, cora, f"/desk/grants/{grant.id}", answer="approve")
    assert own.status_code == 403
    assert "their own request" in own.text
    assert post(room, cleo, f"/desk/grants/{grant.id}", answer="approve").status_code == 303
    assert cora.get(f"/work/mail/{grant.id}").status_code == 200
    assert post(room, cleo, f"/desk/grants/{grant.id}", answer="approve").status_code == 409


def test_an_approver_denies(room: Room) -> None:
    wish = Wish(HARBOR, Category.MARKETING, "spam-checker", 2, "more labels")
    asked = request_access(room.web, room.person("Ben").id, wish)
    assert post(room, room.client("Cleo"), f"/desk/grants/{asked.id}", answer="deny").status_code == 303
    assert list_grants(room.web, person=room.person("Ben").id)[-1].state == "denied"


# the customer's switch, last: it ends the engagement


def test_the_customer_sees_who_looked_and_can_stop_it_at_once(room: Room) -> None:
    ada, grant = room.client("Ada"), room.grant("Ada")
    item = fetch(room, ada, grant.id).json()
    harbor = room.client("harbor")
    views = harbor.get("/portal/views").text
    assert room.person("Ada").actor in views
    assert "Vendor Example" in views
    assert "Ada Example" not in views  # pseudonyms only
    assert post(room, harbor, "/portal/pause", turn="on").status_code == 303
    late = ada.get(item["frame"], headers=JSON)  # handed out before, not fetched yet
    assert late.status_code == 403
    assert any("engagement" in reason for reason in late.json()["reasons"])
    refused = fetch(room, ada, grant.id, [item["item"]])
    assert refused.status_code == 403
    assert post(room, harbor, "/portal/pause", turn="off").status_code == 303
    assert fetch(room, ada, grant.id, [item["item"]]).status_code == 200
    assert post(room, harbor, "/portal/sharing", turn="off").status_code == 303
    answer = fetch(room, ada, grant.id)
    assert answer.status_code == 403
    assert answer.json()["reasons"]
    assert optin.status(room.web, HARBOR).state == "ended"
    assert ">Ended<" in harbor.get("/portal").text
    assert [copy.state for copy in list_copies(room.web, LINDEN)] == [CopyState.SEALED]
    assert fetch(room, ada, room.grant("Ada", LINDEN).id).json()["item"]  # the other customer's goes on
    assert post(room, harbor, "/portal/sharing", turn="on").status_code == 303
    assert optin.status(room.web, HARBOR).state == "active"
