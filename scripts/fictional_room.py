"""A fictional room with something to do on every page, served on loopback; for the pictures and the key measure."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from readingroom import bootstrap
from readingroom.access.sessions import Who, create_link
from readingroom.cli.access import workstation_of
from readingroom.cli.demo_story import STAYS, Story
from readingroom.core.category import Category
from readingroom.core.ids import TenantName, WorkstationId
from readingroom.house import House
from readingroom.keys.roles import Role
from readingroom.web.app import create_app
from readingroom.web.pace import Pace

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
]


@dataclass(frozen=True)
class Served:
    """A served room and its story."""

    base: str
    story: Story
    web: House

    def link(self, name: str) -> str:
        """A sign-in link for one of the story's people, or for the administrator of a tenant."""
        if name in self.story.people:
            person = self.story.people[name].id
            who = Who.staff(person, workstation_of(self.web, person) or WorkstationId(""))
        else:
            who = Who.customer(TenantName(name), f"admin@{name}.example")
        return f"{self.base}/sign-in/{create_link(self.web, who)}"


@contextmanager
def served_room(
    root: Path, prepare: Callable[[Story], object], *, tell: Callable[[str], object] = print, pace: Pace | None = None
) -> Iterator[Served]:
    """Make a room at `root`, with people and one customer with a marketing copy; prepare it further; serve it.

    `pace` says how fast a visitor may ask, where a measure asks faster than people do.
    """
    bootstrap.init(root, simulation=True, vendor="Example Vendor", name="Demo room")
    story = Story(root, seed=7, tell=tell)
    story.notice_and_people()
    story.tenant(STAYS)
    story.copies(STAYS, (Category.MARKETING,))
    prepare(story)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = create_app(root)
    app.state.pace = pace or app.state.pace
    config: Any = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield Served(f"http://127.0.0.1:{port}", story, story.house(Role.WEB))
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        story.close()
