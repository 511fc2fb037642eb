"""The portal over HTTP: notices, contact, feedback, subprocessors, requests, the preview, and the log to take home."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from readingroom.access.subprocessors import publish_list
from readingroom.audit.proofs import verify_proof
from readingroom.audit.verify import verify_log
from readingroom.core.ids import TenantName
from readingroom.engagement import contact, optin
from readingroom.engagement.feedback import list_feedback
from readingroom.engagement.notice import publish_notice, template
from readingroom.engagement.tenants import get_tenant
from readingroom.keys.roles import Role
from readingroom.review.queues import next_item
from readingroom.subjects.asks import list_asked
from readingroom.worker import run_round

Room = Any  # conftest's; test folders are no packages
HARBOR = TenantName("harbor")
INERT = "<script>alert(1)</script>"


def post(room: Room, client: httpx.Client, path: str, **values: Any) -> httpx.Response:
    return client.post(path, data={"csrf": room.csrf(client), **values}, timeout=120)


@pytest.fixture
def client(room: Room) -> httpx.Client:
    found: httpx.Client = room.client("harbor")
    return found


def test_a_wider_notice_is_seen_and_accepted_as_it_was_read(room: Room, client: httpx.Client) -> None:
    assert "waits for you" not in client.get("/portal").text
    wider = template().replace(b'services = ["', b'services = ["Chat", "')
    publish_notice(room.web, wider, actor="operator")
    assert "waits for you" in client.get("/portal").text
    page = client.get("/portal/notice").text
    assert "the service Chat is new" in page
    stale = post(room, client, "/portal/notice/accept", version="1")
    assert stale.status_code == 409
    assert post(room, client, "/portal/notice/accept", version="2").status_code == 303
    found = optin.status(room.web, HARBOR)
    assert (found.notice_version, found.pending) == (2, None)
    assert "waits for you" not in client.get("/portal").text
    assert optin.status(room.web, "linden").pending == 2  # somebody else's consent is theirs


def test_whom_to_ask_about_what(room: Room, client: httpx.Client) -> None:
    assert "contact is off" in client.get("/portal/contact").text
    chosen = post(room, client, "/portal/contact/choice", topics=["services"], who="ben@harbor.example")
    assert chosen.status_code == 303
    choice = contact.contact_choice(room.web, HARBOR)
    assert choice is not None
    assert (choice.allowed, choice.topics) == (True, (contact.ContactTopic.SERVICES,))
    assert "ben@harbor.example" in client.get("/portal/contact").text
    assert "ben@harbor.example" not in room.client("linden").get("/portal/contact").text
    assert post(room, client, "/portal/contact/choice", who="x").status_code == 400  # no address
    assert post(room, client, "/portal/contact/choice", topics=["everything"]).status_code == 400
    assert post(room, client, "/portal/contact/choice").status_code == 303
    assert not optin.status(room.web, HARBOR).contact_ok


def test_feedback_is_shown_to_its_giver_alone_inert_and_can_be_forgotten(room: Room, client: httpx.Client) -> None:
    assert post(room, client, "/portal/feedback", text=INERT).status_code == 400  # without the warranty
    assert post(room, client, "/portal/feedback", text=INERT, warranted="yes").status_code == 303
    page = client.get("/portal/notice").text
    assert INERT not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "alert(1)" not in room.client("linden").get("/portal/notice").text
    (entry,) = list_feedback(room.web, HARBOR)
    assert post(room, room.client("linden"), f"/portal/feedback/{entry.id}/erase").status_code == 404
    assert post(room, client, f"/portal/feedback/{entry.id}/erase").status_code == 303
    assert "alert(1)" not in client.get("/portal/notice").text


def test_a_subprocessor_is_announced_and_objected_to(room: Room, client: httpx.Client) -> None:
    entry = b'[[subprocessor]]\nname = "Example <Review>"\ncountry = "IE"\nservice = "review"\n'
    publish_list(room.web, entry)
    page = client.get("/portal/subprocessors").text
    assert "Example &lt;Review&gt;" in page
    assert "not before" in page
    asked = {"employer": "Example <Review>", "turn": "on", "why": INERT}
    assert post(room, client, "/portal/subprocessors", **asked).status_code == 303
    page = client.get("/portal/subprocessors").text
    assert ">you object<" in page
    assert INERT not in page
    assert ">you object<" not in room.client("linden").get("/portal/subprocessors").text
    assert post(room, client, "/portal/subprocessors", **asked).status_code == 409
    assert post(room, client, "/portal/subprocessors", **{**asked, "turn": "off"}).status_code == 303


def test_a_request_is_sealed_answered_by_the_worker_and_its_words_are_gone(room: Room, client: httpx.Client) -> None:
    words = "nobody.at.all@elsewhere.example"
    sent = {"kind": "erase", "identifiers": f"email: {words}", "name": "dsr-7"}
    assert post(room, client, "/portal/requests", **sent, attested="no").headers["location"].endswith("not-attested")
    assert post(room, client, "/portal/requests", **sent, attested="yes").status_code == 303
    assert post(room, client, "/portal/requests", **sent, attested="yes").status_code == 409
    bad = post(room, client, "/portal/requests", **{**sent, "name": "x", "identifiers": "email:"}, attested="yes")
    assert bad.status_code == 400
    tenant = get_tenant(room.web, HARBOR)
    assert [one.state for one in list_asked(room.web, tenant)] == ["waiting"]
    assert not any(words.encode() in path.read_bytes() for path in room.root.rglob("*") if path.is_file())
    done = run_round(room.root)
    assert "data subjects: request dsr-7 answered" in done.done, done
    assert "answered" in client.get("/portal/requests").text
    receipt = client.get("/portal/requests/dsr-7/receipt")
    assert receipt.json()["receipt"]["request"] == "dsr-7"
    assert room.client("linden").get("/portal/requests/dsr-7/receipt").status_code == 404
    assert not any(words.encode() in path.read_bytes() for path in room.root.rglob("*") if path.is_file())


def _somebody(room: Room) -> str:
    """The address of a contact of the tenant's."""
    home = Path(get_tenant(room.web, HARBOR).connection["synapse"]).parent
    text = gzip.decompress((home / "gold" / "planted.csv.gz").read_bytes()).decode()
    lines = list(csv.DictReader(io.StringIO(text)))
    return next(line["value"] for line in lines if line["kind"] == "email" and line["subject_type"] == "contact")


def test_somebody_is_found_and_counted_and_nobody_is_named(room: Room, client: httpx.Client) -> None:
    address = _somebody(room)
    sent = {"kind": "find", "identifiers": f"email: {address}", "name": "dsr-8", "attested": "yes"}
    assert post(room, client, "/portal/requests", **sent).status_code == 303
    run_round(room.root)
    asked = {one.id: one for one in list_asked(room.web, get_tenant(room.web, HARBOR))}
    found = asked["dsr-8"]  # type: ignore[index]
    assert (found.state, found.answer["people"]) == ("answered", 1)
    assert found.answer["total"] > 0
    page = client.get("/portal/requests").text
    assert f"{found.answer['total']} places" in page
    assert "marketing contact" in page
    assert address not in page


def test_the_preview_shows_before_and_after_to_its_administrator_and_leaves_one_event(room: Room) -> None:
    client = room.client("harbor")
    before = {path: path.stat().st_size for path in room.root.rglob("*.parquet")}
    page = post(room, client, "/portal/preview")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "emailaddress1" in page.text
    shown = dict(re.findall(r'<th scope="row">(\w+)</th><td>([^<]*)</td>', page.text))
    assert any("@" in value for value in shown.values())  # the customer's own value, before
    after = re.findall(r'class="changed">([^<]*)</td>', page.text)
    assert after
    assert not any(re.search(r"\w@\w", value) for value in after)
    (event,) = room.events("engagement.previewed")
    assert event["facts"]["tables"] > 5
    assert set(event["facts"]) == {"tables", "columns", "withheld", "left_out", "records_shown"}
    assert {path: path.stat().st_size for path in room.root.rglob("*.parquet")} == before
    values = [value for value in shown.values() if "@" in value]
    assert not any(
        value.encode() in path.read_bytes() for path in room.root.rglob("*") if path.is_file() for value in values
    )
    assert room.client("Dora").post("/portal/preview").status_code == 403


def test_the_log_taken_home_verifies_without_the_room(room: Room, tmp_path: Path) -> None:
    room.grant("Ada")
    next_item(room.web, room.person("Ada").id, workstation=room.station("Ada"), purpose="spam-checker")
    run_round(room.root)
    client = room.client("harbor")
    answer = client.get("/portal/log.zip")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path)
    public = room.web.keys.public(Role.WORKER)
    origin = room.web.log_origin("us", HARBOR)
    (tmp_path / "us" / "key").unlink()
    found = verify_log(tmp_path / "us", origin, public)
    assert found.size > 5
    (proof, *_rest) = sorted((tmp_path / "proofs").glob("us-*.tlog-proof"))
    proven = verify_proof(proof.read_text(encoding="utf-8"), origin=origin, public=public)
    assert json.loads(proven.entry)["name"].startswith("engagement.")
    assert json.loads((tmp_path / "receipts" / "1.json").read_bytes())["signature"]["algorithm"] == "Ed25519"
    assert b"linden" not in answer.content


@pytest.mark.parametrize(
    "path",
    [
        "/portal/log/data/entries/99?size=1",
        "/portal/log/data/entries/0?size=999999",
        "/portal/log/data/entries/-1?size=1",
        "/portal/log/data/entries/0?size=0",
        "/portal/log/other/checkpoint",
        "/portal/log/..%2fdata/checkpoint",
    ],
)
def test_there_is_nothing_beyond_the_head(room: Room, path: str) -> None:
    assert room.client("harbor").get(path).status_code == 404


def test_each_customer_reads_its_own_log(room: Room) -> None:
    run_round(room.root)
    for name in ("harbor", "linden"):
        assert room.client(name).get("/portal/log/data/checkpoint").text.split("\n")[0].endswith(f"/{name}")
