"""A fictional room made by the product's own functions, served on loopback, and Debian's chromium to look at it.

The room is made once in a session; each module gets a copy of it, so that what one does to it no other sees.
"""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright
from sqlalchemy import select

from ground import copy_room
from readingroom import bootstrap
from readingroom.access.facts import FactKind, assert_fact, confirm_fact
from readingroom.access.grants import Grant, Wish, approve_grant, request_access
from readingroom.access.people import Person, PersonRole, add_person, find_person
from readingroom.access.sessions import Who, create_link
from readingroom.access.workstations import enrol_workstation, list_workstations
from readingroom.audit.sequencer import open_log
from readingroom.audit.tables import PLACE_EVENTS, ROOM_EVENTS
from readingroom.bootstrap import open_house
from readingroom.copies.run import run_copy
from readingroom.core.canonical import parse_object
from readingroom.core.category import Category
from readingroom.core.ids import PlaceName, TenantName, WorkstationId
from readingroom.db.engines import EVERY_TENANT
from readingroom.engagement import optin
from readingroom.engagement.notice import publish_notice
from readingroom.engagement.tenants import add_tenant, get_tenant
from readingroom.house import House
from readingroom.keys.roles import Role
from readingroom.simulation.fiction import Size, write_tenant
from readingroom.sources import open_sources
from readingroom.web.app import create_app
from readingroom.web.cookies import COOKIE

CHROMIUM = shutil.which("chromium") or ""
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
]
HARBOR, LINDEN = TenantName("harbor"), TenantName("linden")
PURPOSE = "spam-checker"
PEOPLE: Mapping[str, tuple[PersonRole, ...]] = {
    "Ada Example": (PersonRole.REVIEWER,),
    "Ben Example": (PersonRole.REVIEWER,),
    "Cleo Example": (PersonRole.APPROVER,),
    "Cora Example": (PersonRole.APPROVER, PersonRole.REVIEWER),
    "Dora Example": (PersonRole.PRIVACY_OFFICER,),
    "Emil Example": (PersonRole.ML_ENGINEER,),
    "Finn Example": (PersonRole.ML_ENGINEER,),
}
SIZE = Size(contacts=60, leads=8, users=12, mails=60, records=20, sends_per_mail=1)


@dataclass
class Room:
    """A served room: its address, the house behind it, and short ways to sign in and to read the register."""

    root: Path
    base: str
    web: House
    subjects: House
    clients: list[httpx.Client] = field(default_factory=list)

    def person(self, name: str) -> Person:
        """The person whose first name that is."""
        return find_person(self.web, f"{name} Example")

    def station(self, name: str) -> WorkstationId:
        """Their workstation."""
        mine = self.person(name).id
        return next(w.id for w in list_workstations(self.web) if w.person == mine and w.retired_at is None)

    def link(self, name: str) -> str:
        """A sign-in link for a person (on their workstation), or for the administrator of a tenant."""
        if name in {HARBOR, LINDEN}:
            who = Who.customer(TenantName(name), f"admin@{name}.example")
        else:
            who = Who.staff(self.person(name).id, self.station(name))
        return f"{self.base}/sign-in/{create_link(self.web, who)}"

    def client(self, name: str = "") -> httpx.Client:
        """A client without a browser, signed in as `name`."""
        client = httpx.Client(base_url=self.base, headers={"accept": "text/html"}, timeout=30)
        self.clients.append(client)
        if name:
            assert client.post(self.link(name)).status_code == 303
        return client

    def csrf(self, client: httpx.Client) -> str:
        """The token of the client's session, from a page of its."""
        text = client.get("/", follow_redirects=True).text
        return text.partition('<meta name="csrf" content="')[2].partition('"')[0]

    def grant(self, name: str, tenant: TenantName = HARBOR) -> Grant:
        """An approved grant."""
        wish = Wish(tenant, Category.MARKETING, PURPOSE, 4, "labels for the spam checker")
        asked = request_access(self.web, self.person(name).id, wish)
        return approve_grant(self.web, asked.id, by=self.person("Cleo").id)

    def events(self, name: str, *, place: str = "us") -> list[dict[str, Any]]:
        """The leaves of that name, oldest first; of the room itself where `place` is empty."""
        table = PLACE_EVENTS if place else ROOM_EVENTS
        database = self.web.place(PlaceName(place)).db if place else self.web.db
        with database.read(EVERY_TENANT) as connection:
            leaves = connection.execute(select(table.c.leaf).where(table.c.name == name).order_by(table.c.number))
            return [dict(parse_object(leaf, what="a leaf")) for leaf in leaves.scalars()]


@pytest.fixture(scope="session")
def fictional_room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A room with two customers opted in, a marketing copy each, and vetted people; nobody has a grant."""
    root = tmp_path_factory.mktemp("web") / "room"
    bootstrap.init(root, simulation=True, vendor="Vendor Example", name="Fictional room")
    web, copy, worker = (open_house(root, role) for role in (Role.WEB, Role.COPY, Role.WORKER))
    publish_notice(web, actor="operator")
    people = [
        add_person(web, name, employer="Vendor Example", roles=roles, country="US") for name, roles in PEOPLE.items()
    ]
    until = web.clock.now() + timedelta(days=300)
    for at, person in enumerate(people):
        asserter, confirmer = people[at - 1], people[at - 2]
        for kind in FactKind:
            confirm_fact(web, assert_fact(web, person.id, kind, until=until, by=asserter.id).id, by=confirmer.id)
        enrol_workstation(web, f"desk-{at}", person=person.id)
    for name, geo in ((HARBOR, "US"), (LINDEN, "EU")):
        as_of = web.clock.now().replace(microsecond=0) - timedelta(days=1)
        connection = write_tenant(root.parent / name, name, seed=3, geo=geo, as_of=as_of, size=SIZE)
        tenant = add_tenant(web, name, geo=geo, connection=connection, actor="operator")
        open_log(worker, tenant.place, tenant.name)
        optin.opt_in(web, name, f"admin@{name}.example")
        found = get_tenant(copy, name)
        run_copy(
            copy,
            tenant=found,
            category=Category.MARKETING,
            open_sources=lambda now, found=found: open_sources(found.connection, now),  # type: ignore[misc]
            actor="operator",
        )
    for house in (web, copy, worker):
        close(house)
    return root


def close(house: House) -> None:
    """Let go of the databases."""
    for database in (house.db, *(place.db for place in house.places.values())):
        database.close()


Serve = Callable[..., Room]


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    """Serves a room on a free loopback port until the module is over."""
    running: list[tuple[uvicorn.Server, threading.Thread, Room]] = []

    def begin(root: Path, change: Callable[[FastAPI], object] = lambda _app: None, port: int = 0) -> Room:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            port = probe.getsockname()[1]
        app = create_app(root)
        change(app)
        config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        room = Room(root, f"http://127.0.0.1:{port}", open_house(root, Role.WEB), open_house(root, Role.SUBJECTS))
        running.append((server, thread, room))
        return room

    yield begin
    for server, thread, room in running:
        for client in room.clients:
            client.close()
        server.should_exit = True
        thread.join(timeout=20)
        close(room.web)
        close(room.subjects)


@pytest.fixture(scope="module")
def room(fictional_room: Path, tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> Room:
    """The fictional room, served; this module's own copy."""
    root = tmp_path_factory.mktemp("served") / "room"
    return serve(copy_room(fictional_room, root))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium, headless; skipped where it is absent."""
    if not CHROMIUM:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, headless=True)
        yield opened
        opened.close()


@dataclass
class Visitor:
    """Somebody at a browser, and what the browser complained about and asked for."""

    page: Page
    complaints: list[str]
    requests: list[str]

    def open(self, address: str) -> Page:
        """Go to a page of the room."""
        self.page.goto(address, wait_until="networkidle")
        return self.page


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(browser: Browser, room: Room) -> Iterator[Visit]:
    """Opens the browser as somebody: `visit("Ada", color_scheme="dark")`."""
    opened: list[BrowserContext] = []

    def begin(name: str = "", **options: Any) -> Visitor:
        context = browser.new_context(base_url=room.base, **options)
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        visitor = Visitor(page, [], [])
        page.on("console", lambda m: visitor.complaints.append(m.text) if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: visitor.complaints.append(str(error)))

        def note(request: Request) -> None:
            visitor.requests.append(request.url)

        context.on("request", note)
        if name:
            token = room.client(name).cookies[COOKIE]
            cookie = {"name": COOKIE, "value": token, "url": room.base, "httpOnly": True, "sameSite": "Strict"}
            context.add_cookies([cookie])  # type: ignore[list-item]
        return visitor

    yield begin
    for context in opened:
        context.close()
