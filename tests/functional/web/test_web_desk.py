"""The desk's models and facts, what no GET may do, and what a fault tells."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from readingroom.access.facts import FactKind, assert_fact, list_facts
from readingroom.audit.tables import PLACE_EVENTS, ROOM_EVENTS
from readingroom.copies.records import list_copies
from readingroom.core.ids import TenantName
from readingroom.db.engines import EVERY_TENANT
from readingroom.models.dataset import Mail
from readingroom.models.spam_checker import Source, gate_model, list_models, train_spam_checker
from readingroom.web.permissions import DECLARED, SAFE, Permission

Room = Any  # conftest's; test folders are no packages
HARBOR = TenantName("harbor")
SPAM = "Subject: a cheap offer\n\nfree money offer now, a cheap price to win, MARKER-4711"


def post(room: Room, client: Any, path: str, **values: str) -> Any:
    return client.post(path, data={"csrf": room.csrf(client), **values})


def _source() -> Source:
    generator = np.random.default_rng(5)
    letters = "abcdefghijklmnopqrst"
    common = ["word" + letters[n // 20] + letters[n % 20] for n in range(300)]
    mails, labels, persons = [], {}, {}
    for n in range(500):
        spam = n % 5 < 2
        kind = ["free money offer now", "cheap price win"] if spam else ["meeting attached please", "project report"]
        words = [*generator.choice(common, 10), *generator.choice(kind, 4)]
        item = f"item-{n:04d}"
        mails.append(Mail(item, "Subject", f"<p>{' '.join(words)}</p>"))
        labels[item], persons[item] = spam, (int(generator.integers(0, 400)),)
    return Source(mails, labels, persons)


def test_an_engineer_releases_what_somebody_else_trained_and_tries_it_on_a_mail(room: Room) -> None:
    emil, finn = room.client("Emil"), room.client("Finn")
    assert "No model has been released yet" in emil.get("/desk/models").text
    assert post(room, emil, "/desk/score", mail=SPAM).status_code == 404
    source = _source()
    model = train_spam_checker(room.web, source, person=room.person("Emil"), tenants=(HARBOR,), seed=3)
    assert gate_model(room.web, model, source, seed=3).passed
    assert "Release" not in emil.get("/desk/models").text  # nobody releases what they trained
    assert post(room, emil, f"/desk/models/{model}/release").status_code == 409
    assert "Release" in finn.get("/desk/models").text
    assert post(room, finn, f"/desk/models/{model}/release").status_code == 303
    assert list_models(room.web)[0]["state"] == "released"
    answer = post(room, emil, "/desk/score", mail=SPAM)
    assert answer.status_code == 200
    assert "of 100" in answer.text
    for path in room.root.rglob("*"):  # tried, and not kept
        if path.is_file():
            assert b"MARKER-4711" not in path.read_bytes(), path


def test_a_fact_is_confirmed_by_another_than_who_asserted_it(room: Room) -> None:
    until = room.web.clock.now() + timedelta(days=90)
    cleo, dora, ben = (room.person(name).id for name in ("Cleo", "Dora", "Ben"))
    fact = assert_fact(room.web, ben, FactKind.TRAINING, until=until, by=dora)
    own = assert_fact(room.web, ben, FactKind.SCREENING, until=until, by=cleo)
    page = room.client("Cleo").get("/desk").text
    assert f"/desk/facts/{fact.id}" in page
    assert f"/desk/facts/{own.id}" not in page
    assert post(room, room.client("Dora"), f"/desk/facts/{fact.id}").status_code == 403
    assert post(room, room.client("harbor"), f"/desk/facts/{fact.id}").status_code == 403
    assert post(room, room.client("Cleo"), f"/desk/facts/{fact.id}").status_code == 303
    assert next(one for one in list_facts(room.web) if one.id == fact.id).confirmed_by == cleo


def _register(room: Room) -> int:
    """How many events the room and its places hold."""
    total = 0
    for database in (room.web.db, *(place.db for place in room.web.places.values())):
        table = ROOM_EVENTS if database is room.web.db else PLACE_EVENTS
        with database.read(EVERY_TENANT) as connection:
            total += connection.execute(select(func.count()).select_from(table)).scalar_one()
    return total


def test_no_get_changes_anything(room: Room) -> None:
    """Every change has an event (house rule 5), so that no new event means no change."""
    who = {
        **dict.fromkeys((Permission.ANYONE, Permission.REVIEWER, Permission.SIGNED_IN), "Ada"),
        Permission.CUSTOMER: "harbor",
        Permission.APPROVER: "Cleo",
        Permission.OFFICER: "Dora",
        Permission.ENGINEER: "Emil",
        Permission.STAFF: "Dora",
    }
    grant, copy = room.grant("Ada").id, list_copies(room.web, HARBOR)[0].id
    values = {"{grant}": grant, "{copy}": copy, "{item}": "item-none", "{token}": "a-link"}
    values |= {"{index}": "0", "{which}": "none", "{kind}": "none", "{flag}": "flag-none"}
    clients = {name: room.client(name) for name in set(who.values())}
    before, asked = _register(room), 0
    for (method, path), permission in DECLARED.items():
        if method in SAFE:
            for name, value in values.items():
                path = path.replace(name, value)  # noqa: PLW2901 - the address that is asked for
            assert clients[who[permission]].get(path).status_code in {200, 303, 400, 404}, path
            asked += 1
    assert asked > 12
    assert _register(room) == before


def test_a_fault_tells_its_kind_and_place_and_nothing_else(
    room: Room, serve: Any, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise ValueError("MARKER-4711 of a foreign library")

    def add(app: FastAPI) -> None:
        app.router.add_api_route("/broken", broken, methods=["GET"])

    client = serve(room.root, change=add).client()
    with caplog.at_level(logging.ERROR):
        answer = client.get("/broken")
    assert answer.status_code == 500
    assert "ValueError" in answer.text
    assert "content-security-policy" in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert "MARKER-4711" not in answer.text + caplog.text
    assert "ValueError at test_web_desk.py" in caplog.text
