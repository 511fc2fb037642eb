"""The other queues on the bench: grades of queries and categories of columns by keys, two judges, a third decides."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from readingroom.access.grants import Grant, Wish, approve_grant, request_access
from readingroom.bootstrap import open_house
from readingroom.copies.run import run_copy
from readingroom.core.category import Category
from readingroom.core.ids import TenantName
from readingroom.engagement.tenants import get_tenant
from readingroom.keys.roles import Role
from readingroom.review import TaskState, review_stats
from readingroom.review.flag import list_flags
from readingroom.review.labels import labels_for_training, list_labels
from readingroom.review.tasks import list_tasks
from readingroom.sources import open_sources
from readingroom.web.workbench.screens import screen

Room = Any  # conftest's; test folders are no packages
Visit = Any
HARBOR = TenantName("harbor")
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


@pytest.fixture(scope="module", autouse=True)
def _copies(room: Room) -> None:
    """A query copy and a schema copy of harbor."""
    copy = open_house(room.root, Role.COPY)
    tenant = get_tenant(copy, HARBOR)
    for category in (Category.QUERY, Category.SCHEMA):
        run_copy(
            copy,
            tenant=tenant,
            category=category,
            open_sources=lambda now: open_sources(tenant.connection, now),
            actor="operator",
        )
    copy.db.close()
    for place in copy.places.values():
        place.db.close()


def grant(room: Room, name: str, category: Category) -> Grant:
    wish = Wish(HARBOR, category, "query-assist", 4, "grades for the query assist")
    asked = request_access(room.web, room.person(name).id, wish)
    return approve_grant(room.web, asked.id, by=room.person("Cleo").id)


def call(room: Room, client: Any, path: str, **body: Any) -> Any:
    return client.post(path, json=body, headers={"x-csrf": room.csrf(client), "accept": "application/json"})


@pytest.mark.parametrize(("kind", "category"), [("query", Category.QUERY), ("schema", Category.SCHEMA)])
def test_two_judges_agree_or_a_third_decides(room: Room, kind: str, category: Category) -> None:
    answers = {"query": ("3", "1", "2"), "schema": ("email", "name", "id")}[kind]
    clients, grants = {}, {}
    for name in ("Ada", "Ben", "Cora"):
        clients[name], grants[name] = room.client(name), grant(room, name, category)
    items = []
    for said in (answers[0], answers[0]), (answers[0], answers[1]):
        for name, answer in zip(("Ada", "Ben"), said, strict=True):
            found = call(room, clients[name], f"/work/queue/{kind}/{grants[name].id}/next", held=[]).json()
            assert clients[name].get(found["frame"]).status_code == 200
            items.append(found["item"])
            wrong = call(room, clients[name], "/work/label", item=found["item"], answer="spam")
            assert wrong.status_code == 400
            done = call(room, clients[name], "/work/label", item=found["item"], answer=answer)
            assert done.status_code == 204
    assert items[0] == items[1]
    assert items[2] == items[3]
    states = {task.item: task for task in list_tasks(room.web, HARBOR)}
    assert (states[items[0]].state, states[items[0]].answer) == (TaskState.AGREED, answers[0])
    assert states[items[2]].state is TaskState.DISPUTED
    for name in ("Ada", "Ben"):
        none = call(room, clients[name], f"/work/disputes/{kind}/{grants[name].id}/next", held=[]).json()
        assert none == {"item": None}
    found = call(room, clients["Cora"], f"/work/disputes/{kind}/{grants['Cora'].id}/next", held=[]).json()
    assert found["item"] == items[2]
    assert call(room, clients["Cora"], "/work/adjudicate", item=items[2], answer="unsure").status_code == 400
    assert call(room, clients["Cora"], "/work/adjudicate", item=items[2], answer=answers[2]).status_code == 204
    decided = next(task for task in list_tasks(room.web, HARBOR) if task.item == items[2])
    assert (decided.state, decided.answer) == (TaskState.ADJUDICATED, answers[2])
    assert labels_for_training(room.web, HARBOR) == {}  # the spam checker learns from mails alone
    if kind == "query":
        [(pair, figure)] = review_stats(room.web, HARBOR).relevance.items()
        assert " · " in pair
        assert figure.over == 2


def test_a_grant_of_one_category_opens_no_other_queue(room: Room) -> None:
    client, mails = room.client("Ada"), room.grant("Ada")
    for path in (f"/work/queue/query/{mails.id}", f"/work/queue/none/{mails.id}", f"/work/disputes/schema/{mails.id}"):
        assert client.get(path).status_code == 404
        assert call(room, client, f"{path}/next", held=[]).status_code == 404


@pytest.mark.browser
def test_queries_are_graded_by_keys_alone(room: Room, visit: Visit) -> None:
    given = grant(room, "Ada", Category.QUERY)
    before = {one.id for one in list_labels(room.web, HARBOR)}
    visitor = visit("Ada", viewport={"width": 320, "height": 640}, color_scheme="dark")
    page = visitor.open(f"/work/queue/query/{given.id}")
    shown = page.locator("#frames iframe:not([hidden])")
    expect(shown).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert Axe().run(page, options=WCAG).violations_count == 0
    first = page.evaluate("document.body.dataset.item")
    page.keyboard.press("3")
    expect(page.locator("#status")).to_have_text("Exactly what was asked.")
    page.wait_for_selector(f'body:not([data-item="{first}"])')
    page.keyboard.press("p")
    expect(page.locator("#status")).to_have_text("Flagged and withheld.")
    page.wait_for_load_state("networkidle")
    labels = [one for one in list_labels(room.web, HARBOR) if one.id not in before]
    assert [one.answer.value for one in labels] == ["3", "personal"]
    assert [flag.item for flag in list_flags(room.web, HARBOR)] == [labels[1].item]
    assert visitor.complaints == []


def test_cells_are_shown_and_never_obeyed() -> None:
    rows = '[{"@odata.etag":"x","name":"<img src=x onerror=alert(1)>","big":{"a":[1]}}]'
    shown = screen("query", {"Query": "q\u202e", "ReturnedRows": rows, "AdditionalInfo": '{"RowCount":1}'}, {})
    assert "<img" not in shown.document
    assert "&lt;img" in shown.document
    assert "etag" not in shown.document
    assert "\u202e" not in shown.subject
    assert shown.facts["Rows"] == "1"
    for broken in ("[", "7", "[7]", '{"a":1}', "[" * 100_000):
        assert "no rows" in screen("query", {"ReturnedRows": broken, "AdditionalInfo": broken}, {}).document
    column = screen("schema", {"TableLogicalName": "<b>", "ColumnLogicalName": "x", "Note": "<i>"}, {})
    assert "<i>" not in column.document
    assert column.subject == "<b>.x"  # text, not markup: the page sets it as text
