"""Every page with axe in light and dark, at 320 pixels, by keyboard alone, and without a word of the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from readingroom.access.facts import FactKind, assert_fact
from readingroom.access.grants import Wish, active_grants, request_access
from readingroom.copies.records import list_copies
from readingroom.core.category import Category
from readingroom.core.ids import TenantName
from readingroom.review.checks import next_check, record_check
from readingroom.review.flag import list_flags, raise_flag
from readingroom.review.queues import Reviewer, next_item
from readingroom.review.task_states import Answer

pytestmark = pytest.mark.browser
Room = Any  # conftest's; test folders are no packages
Visit = Any
HARBOR = TenantName("harbor")
TAGS = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


def _copy(room: Room) -> str:
    return f"/portal/copies/{list_copies(room.web, HARBOR)[0].id}"


def _mail(room: Room) -> str:
    return f"/work/mail/{active_grants(room.web, room.person('Ada').id)[0].id}"


def _check(room: Room) -> str:
    return _mail(room).replace("/work/mail/", "/work/check/")


def _flag(room: Room) -> str:
    return f"/desk/flags/{list_flags(room.web, HARBOR)[0].id}"


PAGES: dict[str, tuple[str, str | Callable[[Room], str]]] = {
    "sign-in": ("", "/sign-in"),
    "redeem": ("", "/sign-in/a-link"),
    "overview": ("harbor", "/portal"),
    "copies": ("harbor", "/portal/copies"),
    "copy": ("harbor", _copy),
    "views": ("harbor", "/portal/views"),
    "requests": ("harbor", "/portal/requests"),
    "notice": ("harbor", "/portal/notice"),
    "workbench": ("Ada", "/work"),
    "mail": ("Ada", _mail),
    "today": ("Cleo", "/desk/today"),
    "the officer's today": ("Dora", "/desk/today"),
    "approvals": ("Cleo", "/desk"),
    "flags": ("Dora", "/desk/flags"),
    "check": ("Ada", _check),
    "flag": ("Dora", _flag),
    "checks": ("Dora", "/desk/checks"),
    "promises": ("Dora", "/desk/promises"),
    "models": ("Emil", "/desk/models"),
}


@pytest.fixture(scope="module", autouse=True)
def _something_on_every_page(room: Room) -> None:
    room.grant("Ada")
    ada, ben, dora = (room.person(name).id for name in ("Ada", "Ben", "Dora"))
    request_access(room.web, ben, Wish(HARBOR, Category.MARKETING, "spam-checker", 2, "second labels"))
    until = room.web.clock.now().replace(year=room.web.clock.now().year + 1)
    assert_fact(room.web, ben, FactKind.TRAINING, until=until, by=dora)
    view = next_item(room.web, ada, workstation=room.station("Ada"), purpose="spam-checker")
    raise_flag(room.web, ada, view.item)
    given = next_check(room.web, Reviewer(ada, room.station("Ada"), "spam-checker"), HARBOR, plant=lambda: True)
    assert given is not None
    record_check(room.web, ada, given[0].item, answer=Answer.PERSONAL, tenant=HARBOR)


def _open(room: Room, visit: Visit, name: str, **options: Any) -> tuple[Page, Any]:
    who, where = PAGES[name]
    visitor = visit(who, **options)
    page = visitor.open(where if isinstance(where, str) else where(room))
    if name in {"mail", "check"}:
        expect(page.locator("#frames iframe:not([hidden])")).to_have_count(1)
    return page, visitor


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_the_console_is_silent(room: Room, visit: Visit, name: str, scheme: str) -> None:
    page, visitor = _open(room, visit, name, color_scheme=scheme)
    found = Axe().run(page, options=TAGS)
    assert found.violations_count == 0, found.generate_report()
    assert found.response["passes"]  # it did look
    assert visitor.complaints == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_needs_no_sideways_scrolling_at_320_pixels(room: Room, visit: Visit, name: str) -> None:
    page, _ = _open(room, visit, name, viewport={"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_whole_way_by_keyboard(room: Room, visit: Visit) -> None:
    page = visit().page
    page.goto(room.link("Ben"))
    _tab_to(page, "Sign in")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Workbench")).to_be_visible()
    page.keyboard.press("Tab")
    assert _focused(page) == "Skip to content"
    page.keyboard.press("Enter")
    _tab_to(page, "why")
    page.keyboard.type("third labels")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("waits for somebody else")


def test_focus_is_always_to_be_seen(room: Room, visit: Visit) -> None:
    page, _ = _open(room, visit, "overview")
    for _ in range(12):
        page.keyboard.press("Tab")
        style = page.evaluate(
            "(() => { const e = document.activeElement; const s = getComputedStyle(e);"
            " return e === document.body ? 'solid 3px' : s.outlineStyle + ' ' + s.outlineWidth })()"
        )
        assert style == "solid 3px"


def _focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.innerText.trim().split('\\n')[0]"))


def _tab_to(page: Page, wanted: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if _focused(page) == wanted:
            return
    raise AssertionError(f"{wanted} is not reached by the keyboard")
