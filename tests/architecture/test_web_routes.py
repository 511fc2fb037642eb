"""Every route of the pages says whom it is for, and every change says that it is one (house style 28)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.routing import Mount

from readingroom import bootstrap
from readingroom.web.app import create_app
from readingroom.web.permissions import DECLARED, SAFE, Permission

SOURCE = Path(__file__).parent.parent.parent / "src" / "readingroom"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    root = tmp_path_factory.mktemp("routes") / "room"
    bootstrap.init(root, simulation=True)
    made = create_app(root)
    yield made
    house = made.state.house
    for database in (house.db, *(place.db for place in house.places.values())):
        database.close()


def _routes(found: list[Any]) -> Iterator[Any]:
    """The routes themselves: this version of FastAPI keeps an included router whole, inside a route of its own."""
    for route in found:
        inner = getattr(route, "original_router", None) or getattr(route, "router", None)
        if inner is not None and hasattr(inner, "routes"):
            yield from _routes(inner.routes)
        else:
            yield route


def _real(app: FastAPI) -> list[Any]:
    return [route for route in _routes(app.routes) if not isinstance(route, Mount)]


def _guards(route: Any) -> list[Any]:
    return [d.dependency for d in route.dependencies if getattr(d.dependency, "permission", None) is not None]


def test_the_walk_finds_the_routes(app: FastAPI) -> None:
    """So that the tests below do not pass over nothing."""
    found = {(method, route.path) for route in _real(app) for method in route.methods}
    assert {("GET", "/portal"), ("POST", "/work/label"), ("POST", "/desk/score"), ("GET", "/api/health")} <= found
    assert len(found) == len(DECLARED)


def test_every_route_was_declared_and_no_other(app: FastAPI) -> None:
    assert {(method, route.path) for route in _real(app) for method in route.methods} == set(DECLARED)


def test_every_route_runs_behind_the_guard_of_its_permission(app: FastAPI) -> None:
    for route in _real(app):
        (method,) = route.methods
        (guard,) = _guards(route)
        assert guard.permission is DECLARED[method, route.path], route.path


def test_every_change_asks_for_the_pages_token(app: FastAPI) -> None:
    for route in _real(app):
        (method,) = route.methods
        (guard,) = _guards(route)
        assert guard.changes is (method not in SAFE), route.path


def test_only_the_style_sheet_and_its_like_are_mounted(app: FastAPI) -> None:
    assert [route.path for route in _routes(app.routes) if isinstance(route, Mount)] == ["/static"]


def test_what_anybody_may_open_is_this_and_no_more() -> None:
    """Whoever adds to this list thinks about it."""
    anyone = {where for where, permission in DECLARED.items() if permission is Permission.ANYONE}
    entrance = {("GET", "/"), ("GET", "/sign-in"), ("GET", "/sign-in/{token}"), ("POST", "/sign-in/{token}")}
    provider = {("GET", "/sign-in/provider"), ("GET", "/sign-in/callback"), ("POST", "/sign-in/ended")}
    assert anyone == entrance | provider | {("GET", "/api/health")}


def test_no_page_is_reached_twice_by_different_permissions() -> None:
    """A customer's address never opens a page of the people of the room, and the other way round."""
    for (_, path), permission in DECLARED.items():
        assert (permission is Permission.CUSTOMER) == path.startswith("/portal"), path


def test_templates_and_modules_hold_no_inline_script_or_style() -> None:
    here = Path(create_app.__code__.co_filename).parent
    for template in (here / "templates").rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        for banned in (" style=", "<style", "javascript:", " onclick", " onload", "|safe", "http://", "https://"):
            assert banned not in text, f"{template.name}: {banned}"
        assert text.count("<script") == text.count('<script src="/static/'), template.name
    for module in (here / "static").glob("*.js"):
        text = module.read_text(encoding="utf-8")
        for banned in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
            assert banned not in text, f"{module.name}: {banned}"


def test_every_form_that_changes_something_sends_the_token() -> None:
    here = Path(create_app.__code__.co_filename).parent
    for template in (here / "templates").rglob("*.html"):
        for form in template.read_text(encoding="utf-8").split("<form")[1:]:
            body = form.partition("</form>")[0]
            assert 'name="csrf"' in body or "/sign-in/" in body, template.name


def test_pages_that_refusals_name_exist() -> None:
    """A command that says "use the page X" names one that is there, for somebody who may open it."""
    texts = [path.read_text(encoding="utf-8") for path in (SOURCE / "cli").glob("*.py")]
    named = {page for text in texts for page in re.findall(r'^(?:PAGE|ASK) = "[^"]*?(/[a-z/]+)', text, re.MULTILINE)}
    assert {"/portal", "/work", "/desk"} <= named
    assert {page for page in named if ("GET", page) not in DECLARED} == set()
