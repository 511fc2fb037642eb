"""Signing in through a real OpenID Connect provider (npm oidc-provider), in a room that is no simulation."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from playwright.sync_api import Browser

from ground import copy_room
from readingroom.access.identities import bind_identity, end_identity, list_identities
from readingroom.access.sessions import Who
from readingroom.access.workstations import enrol_workstation
from readingroom.core.ids import TenantName
from readingroom.web.cookies import COOKIE

PROVIDER = Path(__file__).parents[3] / ".venv" / "provider"
SECRET = "a-secret-of-the-tests-only"  # noqa: S105 - of a provider that lives as long as the tests
ADMIN = "admin@harbor.example"

Room = Any  # conftest's; test folders are no packages


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def real(fictional_room: Path, tmp_path_factory: pytest.TempPathFactory, serve: Any) -> Iterator[Room]:
    """The fictional room as a real one: no links, people sign in at a provider on loopback."""
    if not (PROVIDER / "node_modules").is_dir():
        pytest.skip("the identity provider of the tests is not installed: npm was missing when `make test` set up")
    issuer, own = free_port(), free_port()
    root = tmp_path_factory.mktemp("identity") / "room"
    copy_room(fictional_room, root)
    text = (root / "room.toml").read_text().replace("simulation = true", "simulation = false")
    provider = (
        f'issuer = "http://127.0.0.1:{issuer}"\nclient_id = "readingroom"\nclient_secret_file = "provider.secret"\n'
        f'address = "http://127.0.0.1:{own}"\n'
    )
    text = re.sub(r"view_budget = \d+", "view_budget = 2000", text)
    (root / "room.toml").write_text(text.replace("[identity_provider]\n", f"[identity_provider]\n{provider}"))
    (root / "provider.secret").write_text(SECRET)
    (root / "provider.secret").chmod(0o600)
    node = shutil.which("node") or "node"
    command = [node, str(PROVIDER / "provider.mjs"), str(issuer), f"http://127.0.0.1:{own}", SECRET]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield serve(root, port=own)
        process.terminate()


@pytest.fixture(scope="module")
def bound(real: Room) -> dict[str, str]:
    """Accounts of the provider, bound: subject → key."""
    found = {}
    for subject, name in (("sub-ada", "Ada"), ("sub-ben", "Ben"), ("sub-dora", "Dora")):
        found[subject] = bind_identity(real.web, subject, Who.staff(real.person(name).id)).key
    found["sub-admin"] = bind_identity(real.web, "sub-admin", Who.customer(TenantName("harbor"), ADMIN)).key
    return found


@pytest.fixture
def visitor(real: Room) -> Iterator[Any]:
    """Makes clients, each a browser of its own, that follow no redirect."""
    made: list[httpx.Client] = []

    def make() -> httpx.Client:
        made.append(httpx.Client(base_url=real.base, headers={"accept": "text/html"}, timeout=30))
        return made[-1]

    yield make
    for client in made:
        client.close()


def at_provider(client: httpx.Client, subject: str) -> str:
    """Sign in at the provider's own pages; the address to which it sends the browser back."""
    address = client.get("/sign-in/provider").headers["location"]
    base = address.partition("/auth")[0]
    for _ in range(12):
        answer = client.get(address)
        if answer.status_code == 200:
            form = re.search(r'action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="([^"]+)"', answer.text)
            assert form is not None
            assert prompt is not None
            data = {"prompt": prompt[1], "login": subject, "password": "any"}
            answer = client.post(urljoin(base, form[1]), data=data)
        address = urljoin(base, answer.headers["location"])
        if "/sign-in/callback" in address:
            return address
    raise AssertionError("the provider sent nobody back")


def sign_in(client: httpx.Client, subject: str) -> httpx.Response:
    return client.get(at_provider(client, subject))


def test_a_bound_account_comes_in_and_is_who_it_is(real: Room, bound: dict[str, str], visitor: Any) -> None:
    client = visitor()
    assert client.get("/", follow_redirects=True).url.path == "/sign-in"
    assert sign_in(client, "sub-ada").status_code == 200
    assert client.get("/").headers["location"] == "/work"
    assert "Ada Example" in client.get("/work").text
    assert "not at an enrolled workstation" in client.get("/work").text
    assert client.get("/portal").status_code == 403


def test_an_administrator_comes_into_their_own_portal(real: Room, bound: dict[str, str], visitor: Any) -> None:
    client = visitor()
    assert sign_in(client, "sub-admin").status_code == 200
    assert client.get("/").headers["location"] == "/portal"
    page = client.get("/portal").text
    assert ADMIN in page
    assert "linden" not in page


def test_an_account_that_nobody_bound_is_nobody(real: Room, bound: dict[str, str], visitor: Any) -> None:
    client = visitor()
    before = len(real.events("session.refused", place=""))
    answer = sign_in(client, "sub-stranger")
    assert answer.status_code == 403
    assert "identity bind" in answer.text
    assert "sub-stranger" not in answer.text
    assert COOKIE not in client.cookies
    assert len(real.events("session.refused", place="")) == before + 1


def test_an_answer_counts_once_and_in_the_browser_that_asked(real: Room, bound: dict[str, str], visitor: Any) -> None:
    mine, other = visitor(), visitor()
    address = at_provider(mine, "sub-ada")
    assert other.get(address).status_code == 403  # somebody was made to follow a foreign answer
    assert mine.get(re.sub(r"state=[^&]+", "state=guessed", address)).status_code == 403
    assert mine.get(re.sub(r"iss=[^&]+", "iss=https%3A%2F%2Fother.example", address)).status_code == 403
    kept = mine.cookies["readingroom_sign_in"]
    assert mine.get(address).status_code == 200
    mine.cookies.set("readingroom_sign_in", kept, domain="127.0.0.1", path="/sign-in")
    assert mine.get(address).status_code == 403  # the provider gives nothing for a code that was used


def test_the_providers_refusal_is_a_refusal(real: Room, visitor: Any) -> None:
    client = visitor()
    client.get("/sign-in/provider")
    state = client.cookies["readingroom_sign_in"].partition(".")[0]
    answer = client.get("/sign-in/callback", params={"error": "access_denied", "state": state})
    assert answer.status_code == 403
    assert "did not sign you in" in answer.text


def test_an_old_session_is_never_taken_on(real: Room, bound: dict[str, str], visitor: Any) -> None:
    client = visitor()
    client.cookies.set(COOKIE, "chosen-by-somebody-else", domain="127.0.0.1", path="/")
    answer = sign_in(client, "sub-ada")
    assert answer.cookies[COOKIE] != "chosen-by-somebody-else"


def test_sign_out_everywhere_ends_every_session(real: Room, bound: dict[str, str], visitor: Any) -> None:
    first, second, other = visitor(), visitor(), visitor()
    for client, subject in ((first, "sub-dora"), (second, "sub-dora"), (other, "sub-ben")):
        assert sign_in(client, subject).status_code == 200
    token = re.search(r'name="csrf" content="(\w+)"', first.get("/desk/flags").text)
    assert token is not None
    assert first.post("/sign-out/everywhere", data={"csrf": "x"}).status_code == 403
    answer = first.post("/sign-out/everywhere", data={"csrf": token[1]})
    assert "2 sessions of yours ended" in answer.text
    assert "/session/end" in answer.text
    assert second.get("/desk/flags").headers["location"] == "/sign-in"
    assert other.get("/work").status_code == 200


def test_signing_out_at_the_provider_ends_the_session_here(real: Room, bound: dict[str, str], visitor: Any) -> None:
    client = visitor()
    assert sign_in(client, "sub-ben").status_code == 200
    issuer = real.web.settings.identity_provider["issuer"]
    asked = client.get(f"{issuer}/session/end")
    secret = re.search(r'name="xsrf" value="([^"]+)"', asked.text)
    assert secret is not None
    client.post(f"{issuer}/session/end/confirm", data={"xsrf": secret[1], "logout": "yes"})
    assert client.get("/work").headers["location"] == "/sign-in"


@pytest.mark.parametrize("token", ["", "no.token.here", "eyJhbGciOiJub25lIn0.e30."])
def test_a_forged_logout_ends_nothing(real: Room, bound: dict[str, str], visitor: Any, token: str) -> None:
    client = visitor()
    assert sign_in(client, "sub-ada").status_code == 200
    assert httpx.post(f"{real.base}/sign-in/ended", data={"logout_token": token}).status_code == 400
    assert client.get("/work").status_code == 200


def test_the_end_of_a_binding_ends_its_sessions(real: Room, visitor: Any) -> None:
    key = bind_identity(real.web, "sub-emil", Who.staff(real.person("Emil").id)).key
    client = visitor()
    assert sign_in(client, "sub-emil").status_code == 200
    assert end_identity(real.web, key) == 1
    assert client.get("/desk/models").headers["location"] == "/sign-in"
    assert sign_in(visitor(), "sub-emil").status_code == 403
    assert key not in {one.key for one in list_identities(real.web)}


def test_links_do_not_open_a_real_room(real: Room, visitor: Any) -> None:
    client = visitor()
    assert client.post("/sign-in/some-link").status_code == 403


def test_a_workstation_proves_itself_in_the_browser(real: Room, bound: dict[str, str], browser: Browser) -> None:
    """The key is put in once; at the next sign-in the browser proves the workstation by itself, and never shows it."""
    enrolment = enrol_workstation(real.web, "desk-browser", person=real.person("Ada").id)
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(20_000)
    for again in (False, True):
        page.goto(f"{real.base}/sign-in")
        page.click("main a.button")
        if not again:
            page.fill("input[name=login]", "sub-ada")
            page.fill("input[name=password]", "any")
            page.click("button[type=submit]")
            page.wait_for_selector("input[name=prompt][value=consent]", state="attached")
            page.click("button[type=submit]")
        page.wait_for_selector("a[href='/work/device']")
        page.click("a[href='/work/device']")
        if not again:
            page.fill("#workstation", "desk-browser")
            page.fill("#key", enrolment.private_key)
            page.click("#device button")
        page.wait_for_selector(f"main code:has-text('{enrolment.workstation.id}')")
        assert page.url == f"{real.base}/work"
        page.click("button:has-text('everywhere')")
        page.wait_for_selector("text=Signed out everywhere")
    held = "async () => JSON.stringify(await new Promise(r => { const o = indexedDB.open('readingroom-device', 1); "
    held += "o.onsuccess = () => { const g = o.result.transaction('keys').objectStore('keys').get('device'); "
    held += "g.onsuccess = () => r(g.result && g.result.key.extractable); }; }))"
    assert page.evaluate(held) in {"false", None, "null"}
