"""Takes docs/images/{portal,views,notice,preview,workbench,desk}.png from a fictional room: nobody in them is real."""

from __future__ import annotations

import tempfile
from pathlib import Path

from fictional_room import ARGUMENTS, CHROMIUM, Served, served_room
from playwright.sync_api import Browser, Page, expect, sync_playwright

from readingroom.access.grants import Wish, request_access
from readingroom.cli.access import workstation_of
from readingroom.cli.demo_story import STAYS, WHY, Story
from readingroom.cli.training import MODEL_PURPOSE
from readingroom.core.category import Category
from readingroom.core.ids import TenantName
from readingroom.engagement.notice import publish_notice, template
from readingroom.keys.roles import Role
from readingroom.review.labels import Mark, record_label
from readingroom.review.queues import next_item
from readingroom.review.task_states import Answer
from readingroom.worker import run_round

IMAGES = Path(__file__).parent.parent / "docs" / "images"
VIEW = {"width": 1200, "height": 800}
LARGEST = 200_000


def prepare(story: Story) -> None:
    """Some looks and labels by two people, and a request that waits."""
    web = story.house(Role.WEB)
    for name, count in (("ada", 9), ("ben", 5)):
        story.grant(name, STAYS)
        person = story.people[name].id
        for _ in range(count):
            view = next_item(web, person, workstation=workstation_of(web, person), purpose=MODEL_PURPOSE)
            if view is not None:
                record_label(web, person, Mark(view.item, Answer.HAM))
    wish = Wish(TenantName(STAYS), Category.MARKETING, MODEL_PURPOSE, hours=4, why=WHY)
    request_access(web, story.people["emil"].id, wish)
    run_round(story.root)


def main() -> None:
    """Take the pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        served_room(Path(folder) / "room", prepare) as room,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        customer = _signed_in(browser, room, STAYS)
        _take(customer, "portal")
        customer.get_by_role("link", name="Who saw what").first.click()
        expect(customer.locator("#verdict")).to_contain_text("Verified here")
        _take(customer, "views")
        _consent(room, customer)
        reviewer = _signed_in(browser, room, "ada")
        reviewer.get_by_role("link", name="Review mails").click()
        expect(reviewer.locator("#frames iframe")).to_have_count(3)
        reviewer.keyboard.press("n")
        _take(reviewer, "workbench")
        _take(_signed_in(browser, room, "cleo"), "desk")
        browser.close()


def _consent(room: Served, customer: Page) -> None:
    """A notice that waits for the customer, and the preview of its data."""
    wider = template().replace(b'services = ["', b'services = ["Chat", "')
    publish_notice(room.web, wider, actor="operator")
    customer.get_by_role("link", name="Notice", exact=True).click()
    _take(customer, "notice")
    customer.get_by_role("link", name="Preview").click()
    customer.get_by_role("button", name="Show me").click(timeout=90_000)
    expect(customer.get_by_role("heading", name="contact", exact=True)).to_be_visible(timeout=90_000)
    customer.get_by_role("heading", name="contact", exact=True).evaluate("heading => heading.scrollIntoView()")
    _take(customer, "preview")


def _signed_in(browser: Browser, room: Served, name: str) -> Page:
    page = browser.new_context(base_url=room.base, viewport=VIEW).new_page()
    page.goto(room.link(name))
    page.get_by_role("button", name="Sign in").click()
    return page


def _take(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    size = len(page.screenshot(path=IMAGES / f"{name}.png"))
    print(f"{name}.png  {size:,} bytes")
    if size > LARGEST:
        raise SystemExit(f"{name}.png is larger than {LARGEST:,} bytes")


if __name__ == "__main__":
    main()
