"""Signing in and out, and the headers of every answer, over HTTP."""

from __future__ import annotations

import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ground import copy_room, everything
from readingroom import bootstrap
from readingroom.access.sessions import SESSION_LIFE, redeem_link
from readingroom.core.errors import BadSetting, SimulationOnly
from readingroom.keys.roles import Role
from readingroom.web.app import create_app
from readingroom.web.cookies import COOKIE

Room = Any  # conftest's; test folders are no packages


def test_a_link_signs_in_once_and_looking_at_it_does_not_use_it_up(room: Room) -> None:
    link, client = room.link("Ada"), room.client()
    for _ in range(3):
        assert "Sign in" in client.get(link).text  # a mail scanner, a preview
    answer = client.post(link)
    assert answer.status_code == 303
    assert client.get("/work").status_code == 200
    second = room.client().post(link)
    assert second.status_code == 403
    assert COOKIE not in second.cookies


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(room: Room) -> None:
    answer = room.client().post(room.link("Ada"))
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert f"Max-Age={int(SESSION_LIFE.total_seconds())}" in cookie


def test_the_token_is_nowhere_in_the_database(room: Room) -> None:
    token = room.client("Ada").cookies[COOKIE]
    assert token.encode() not in everything(room.root, None)


def test_a_session_given_to_a_visitor_beforehand_is_not_taken_over(room: Room) -> None:
    client = room.client()
    client.cookies.set(COOKIE, "chosen-by-somebody-else")
    answer = client.post(room.link("Ada"))
    assert answer.cookies[COOKIE] != "chosen-by-somebody-else"


def test_a_link_posted_from_another_site_is_refused_and_stays_usable(room: Room) -> None:
    link = room.link("Ada")
    assert room.client().post(link, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert room.client().post(link).status_code == 303


def test_sign_out_ends_the_session_at_once(room: Room) -> None:
    client = room.client("Ada")
    token = client.cookies[COOKIE]
    answer = client.post("/sign-out", data={"csrf": room.csrf(client)})
    assert answer.status_code == 303
    client.cookies.set(COOKIE, token)  # somebody kept it
    assert client.get("/work").headers["location"] == "/sign-in"


def test_nobody_signed_in_is_sent_to_sign_in_and_the_calls_say_no(room: Room) -> None:
    client = room.client()
    for path in ("/portal", "/work", "/desk", "/desk/flags", "/desk/models", "/desk/promises"):
        assert client.get(path).headers["location"] == "/sign-in"
    answer = client.post("/work/label", json={"item": "x", "answer": "spam"}, headers={"accept": "application/json"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("", "/sign-in"),
        ("", "/nowhere"),
        ("", "/api/health"),
        ("", "/static/room.css"),
        ("harbor", "/portal"),
        ("harbor", "/portal/receipt"),
        ("harbor", "/portal/copies/copy-none"),
        ("Ada", "/work"),
        ("Ada", "/work/frame/none"),
        ("Ada", "/desk"),
        ("Dora", "/desk/flags"),
    ],
)
def test_every_answer_has_the_headers(room: Room, who: str, path: str) -> None:
    check_headers(room.client(who).get(path), path)


def test_answers_to_a_wrong_method_and_to_a_broken_body_have_the_headers(room: Room) -> None:
    client = room.client("Ada")
    check_headers(client.delete("/work"), "/work")
    broken = client.post("/work/label", content=b"{", headers={"content-type": "application/json"})
    assert broken.status_code == 400
    check_headers(broken, "/work/label")


def check_headers(answer: httpx.Response, path: str) -> None:
    headers = answer.headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    if path.startswith("/work/frame/"):
        assert "sandbox allow-same-origin" in policy
        assert "allow-scripts" not in policy
        assert "script-src" not in policy  # so default-src 'none' counts
        assert "frame-ancestors 'self'" in policy
    else:
        assert "frame-ancestors 'none'" in policy
        assert "'unsafe-inline'" not in policy
        assert "'unsafe-eval'" not in policy
        assert "require-trusted-types-for 'script'" in policy
        assert headers["x-frame-options"] == "DENY"
    kept = "public, max-age=3600" if path.startswith("/static/") and answer.is_success else "no-store"
    assert headers["cache-control"] == kept


def test_health_says_that_the_databases_answer_and_nothing_else(room: Room) -> None:
    answer = room.client().get("/api/health").json()
    assert answer == {"status": "ok", "databases": dict.fromkeys(("room", "us", "eu", "schema-us"), "ok")}


def test_what_was_sent_is_not_shown_back(room: Room) -> None:
    client = room.client("Ada")
    answer = client.post("/work/request", data={"csrf": room.csrf(client), "hours": "MARKER-4711"})
    assert answer.status_code == 400
    assert "MARKER-4711" not in answer.text


def test_a_real_room_is_not_served_before_people_can_sign_in(tmp_path: Path) -> None:
    bootstrap.init(tmp_path / "real", simulation=False)
    with pytest.raises(BadSetting, match="identity_provider"):
        create_app(tmp_path / "real")
    path = tmp_path / "real" / "room.toml"
    provider = 'issuer = "https://id.example"\nclient_id = "room"\nclient_secret_file = "secret"\n'
    provider += 'address = "https://room.example"\n'
    path.write_text(path.read_text().replace("[identity_provider]\n", f"[identity_provider]\n{provider}"))
    with pytest.raises(BadSetting, match="client_secret_file"):
        create_app(tmp_path / "real")
    (tmp_path / "real" / "secret").write_text("hidden-words")
    (tmp_path / "real" / "secret").chmod(0o600)
    create_app(tmp_path / "real").state.house.close()


def test_a_real_room_takes_no_links(room: Room, tmp_path: Path) -> None:
    """Also one that was a simulation when the link was made."""
    link = room.link("Ada").rpartition("/")[2]
    root = tmp_path / "real"
    copy_room(room.root, root)
    path = root / "room.toml"
    path.write_text(path.read_text().replace("simulation = true", "simulation = false"))
    with pytest.raises(SimulationOnly):
        redeem_link(bootstrap.open_house(root, Role.WEB), link)


def test_a_change_without_a_body_is_no_long_request(room: Room) -> None:
    """No length and nothing streamed is an empty body (RFC 9112, 6.3)."""
    host, _, port = room.base.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as raw:
        raw.sendall(f"POST /sign-out HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        with raw.makefile("rb") as lines:
            status = lines.readline().decode()
    assert status.split()[1] == "403"


def test_a_session_ends_after_twelve_hours(room: Room) -> None:
    client = room.client("Ben")
    assert client.get("/work").status_code == 200
    bootstrap.simulated_clock(room.web).advance(SESSION_LIFE + timedelta(seconds=1))
    assert client.get("/work").headers["location"] == "/sign-in"
