"""From keydown to the next mail on the screen, in Debian's chromium, over the real room: prints JSON.

    python scripts/measure_keys.py [--items 60] [--delay 80]

With --delay every request of the browser waits so many milliseconds, as over a network.

The room is made here (fictional people and mails), with its database, policies, sealed copy and register behind every
item. A time is from the keydown event to the changed page plus two animation frames (about 33 ms of it are frames).
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import platform
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from fictional_room import ARGUMENTS, CHROMIUM, Served, served_room
from playwright.sync_api import Page, expect, sync_playwright

from readingroom.cli.demo_story import STAYS, Story

WATCH = """() => {
  window.times = [];
  let begun = 0;
  document.addEventListener("keydown", (event) => { begun = event.timeStamp; }, true);
  const frame = () => new Promise(requestAnimationFrame);
  new MutationObserver(async () => {
    const from = begun;
    await frame();
    await frame();
    window.times.push(performance.now() - from);
  }).observe(document.body, { attributes: true, attributeFilter: ["data-item"] });
}"""


def main() -> None:
    """Measure at two paces and print."""
    parser = argparse.ArgumentParser(description="keydown to next item")
    parser.add_argument("--items", type=int, default=60)
    parser.add_argument("--delay", type=int, default=0, metavar="MS")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepare = functools.partial(Story.grant, person="ada", tenant=STAYS)
        tell = functools.partial(print, file=sys.stderr)
        with served_room(Path(folder) / "room", prepare, tell=tell) as room:
            found = {"items": wanted.items, "machine": platform.machine(), "delay_ms": wanted.delay}
            found["paces"] = _measure(room, wanted.items, wanted.delay)
    print(json.dumps(found, indent=1))


def _measure(room: Served, items: int, delay: int) -> dict[str, Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(base_url=room.base, viewport={"width": 1280, "height": 860})
        if delay:
            slow = {"offline": False, "latency": delay, "downloadThroughput": -1, "uploadThroughput": -1}
            page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
        page.goto(room.link("ada"))
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="Review mails").click()
        expect(page.locator("#frames iframe")).to_have_count(3)
        page.evaluate(WATCH)
        found = {name: _at_pace(page, items, pause) for name, pause in (("one a second", 1000), ("five a second", 200))}
        found["without pause"] = _at_pace(page, items, 0)
        browser.close()
    return found


def _at_pace(page: Page, items: int, pause: int) -> dict[str, Any]:
    page.wait_for_load_state("networkidle")
    page.evaluate("() => { window.times.length = 0; }")
    for number in range(items):
        page.keyboard.press("sn"[number % 2])
        while page.evaluate("() => window.times.length") <= number:
            if page.locator("#trouble").is_visible():
                raise SystemExit(page.locator("#trouble").inner_text())
            page.wait_for_timeout(2)
        if pause:
            page.wait_for_timeout(pause)
    times = sorted(page.evaluate("() => window.times"))
    rounded = {"median": statistics.median(times), "p95": times[math.ceil(0.95 * len(times)) - 1], "max": times[-1]}
    return {f"{name}_ms": round(value, 1) for name, value in rounded.items()}


if __name__ == "__main__":
    main()
