"""The portal's newer pages in a real browser: the log counted again and found wrong when it lies, axe, 320 pixels."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from readingroom.access.subprocessors import publish_list
from readingroom.core.ids import TenantName
from readingroom.engagement import contact, optin
from readingroom.engagement.feedback import give_feedback
from readingroom.engagement.notice import publish_notice, template
from readingroom.engagement.tenants import get_tenant
from readingroom.review.queues import next_item
from readingroom.subjects.asks import ask
from readingroom.subjects.states import RequestKind
from readingroom.worker import run_round

pytestmark = pytest.mark.browser
Room = Any  # conftest's; test folders are no packages
Visit = Any
HARBOR = TenantName("harbor")
TAGS = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
PAGES = ("", "/views", "/contact", "/subprocessors", "/requests", "/notice", "/preview")


@pytest.fixture(scope="module", autouse=True)
def _something_on_every_page(room: Room) -> None:
    room.grant("Ada")
    for _ in range(3):
        next_item(room.web, room.person("Ada").id, workstation=room.station("Ada"), purpose="spam-checker")
    run_round(room.root)
    next_item(room.web, room.person("Ada").id, workstation=room.station("Ada"), purpose="spam-checker")
    publish_notice(room.web, template().replace(b'services = ["', b'services = ["Chat", "'), actor="operator")
    publish_list(room.web, b'[[subprocessor]]\nname = "Example Review"\ncountry = "IE"\nservice = "review"\n')
    contact.set_contact(room.web, HARBOR, allowed=True, who="admin@harbor.example")
    contact.register_contact(room.web, HARBOR, "how-it-goes", actor="officer")
    give_feedback(room.web, HARBOR, "The switch is easy to find.", warranted=True)
    ask(room.web, get_tenant(room.web, HARBOR), RequestKind.FIND, identifiers="email: a@b.example")


def _verdict(page: Page, words: str) -> None:
    expect(page.locator("#verdict")).to_contain_text(words)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(visit: Visit, path: str, scheme: str) -> None:
    visitor = visit("harbor", color_scheme=scheme, viewport={"width": 320, "height": 800})
    page = visitor.open(f"/portal{path}")
    if path == "/views":
        _verdict(page, "Verified here")
    _sound(page, visitor)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_preview_itself_is_as_sound(visit: Visit, scheme: str) -> None:
    visitor = visit("harbor", color_scheme=scheme, viewport={"width": 320, "height": 800})
    page = visitor.open("/portal/preview")
    page.get_by_role("button", name="Show me").click(timeout=60_000)
    expect(page.get_by_role("heading", name="contact", exact=True)).to_be_visible(timeout=60_000)
    for summary in page.locator("summary").all()[:3]:
        summary.click()
    _sound(page, visitor)


def _sound(page: Page, visitor: Any) -> None:
    found = Axe().run(page, options=TAGS)
    assert found.violations_count == 0, found.generate_report()
    assert found.response["passes"]
    assert visitor.complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_browser_counts_again_and_says_what_the_log_does_not_hold_yet(visit: Visit) -> None:
    page = visit("harbor").open("/portal/views")
    _verdict(page, "looks at items by 1 people")
    row = page.locator("tr[data-line]", has_text="looked at items")
    waiting = int(row.get_attribute("data-waiting") or "")
    assert waiting == 1
    expect(row.locator(".recount")).to_have_text(str(int(row.get_attribute("data-count") or "") - waiting))


def test_a_head_that_was_kept_shows_that_the_log_has_only_grown(room: Room, visit: Visit, tmp_path: Path) -> None:
    kept, receipt, other = tmp_path / "kept.txt", tmp_path / "receipt.json", tmp_path / "other.json"
    kept.write_text(room.client("harbor").get("/portal/log/data/checkpoint").text, encoding="utf-8")
    receipt.write_text(json.dumps(optin.receipt(room.web, HARBOR)), encoding="utf-8")
    other.write_text(json.dumps(optin.receipt(room.web, "linden")), encoding="utf-8")
    run_round(room.root)
    page = visit("harbor").open("/portal/views")
    _verdict(page, "Verified here")
    for file, words in ((kept, "has only grown"), (receipt, "has only grown"), (other, "No: what you kept quotes no")):
        page.locator("#kept").set_input_files(file)
        expect(page.locator("#kept-answer")).to_contain_text(words)


def _flip(route: Route) -> None:
    """One letter of one line: an employer becomes another."""
    answer = route.fetch()
    route.fulfill(response=answer, body=answer.body().replace(b"Vendor Example", b"Vendor Exemple"))


def _short(route: Route) -> None:
    answer = route.fetch()
    body = answer.body()
    route.fulfill(response=answer, body=body[: -2 - int.from_bytes(body[:2])] if body else body)


def _unsigned(route: Route) -> None:
    answer = route.fetch()
    text = answer.text()
    route.fulfill(response=answer, body=text[:-12] + ("A" if text[-12] != "A" else "B") + text[-11:])


def _other_size(route: Route) -> None:
    answer = route.fetch()
    lines = answer.text().split("\n")
    route.fulfill(response=answer, body="\n".join([lines[0], str(int(lines[1]) - 1), *lines[2:]]))


@pytest.mark.parametrize(
    ("where", "lie", "words"),
    [
        ("**/portal/log/data/entries/**", _flip, "do not give the signed head"),
        ("**/portal/log/data/entries/**", _short, "Not verified"),
        ("**/portal/log/data/checkpoint", _unsigned, "signature of the head is wrong"),
        ("**/portal/log/data/checkpoint", _other_size, "signature of the head is wrong"),
    ],
)
def test_a_log_that_lies_is_found_out(visit: Visit, where: str, lie: Any, words: str) -> None:
    visitor = visit("harbor")
    visitor.page.route(where, lie)
    _verdict(visitor.open("/portal/views"), words)


def test_a_page_that_says_more_or_less_than_the_log_is_found_out(visit: Visit) -> None:
    def lie(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=re.sub(r'data-count="(\d+)"', 'data-count="1\\1"', answer.text()))

    visitor = visit("harbor")
    visitor.page.route("**/portal/views", lie)
    _verdict(visitor.open("/portal/views"), "the page says")
