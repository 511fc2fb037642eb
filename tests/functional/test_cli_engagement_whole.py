"""New notices, contact, feedback, subprocessors, the preview and the end of an engagement, by the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from readingroom.engagement import optin
from readingroom.keys.roles import Role

ADMIN = "admin@alpha.example"
WIDER = 'services = ["Chat", "'


def _notice(cli: Any, tmp_path: Path, *, old: str, new: str) -> Path:
    file = tmp_path / f"notice-{len(new)}.toml"
    text = cli.do("notice", "show", "1")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    return file


def test_a_wider_notice_stops_copies_until_it_is_accepted(sealed: Any, tmp_path: Path) -> None:
    wider = _notice(sealed, tmp_path, old='services = ["', new=WIDER)
    compared = sealed.ask("notice", "compare", wider)
    assert (compared["needs_acceptance"], compared["wider"]) == (True, ["the service Chat is new"])
    sealed.do("notice", "publish", wider)
    status = sealed.ask("engagement", "status", "alpha")
    assert (status["state"], status["pending_notice"], status["wider"]) == ("active", 2, ["the service Chat is new"])
    before = sealed.copies()
    refused = sealed("copy", "run", "alpha", "--category", "marketing")
    assert refused.code == 3
    assert "notice 2" in refused.err
    assert sealed.copies() == before
    first = {row["id"]: row for row in sealed("assure", "--json").json["promises"]}["P01"]
    assert first["status"] == "partly"
    assert "must accept a wider notice" in first["evidence"]
    assert sealed("engagement", "accept", "alpha", "--notice", 1, "--by", ADMIN).code == 3
    receipt = sealed.ask("engagement", "accept", "alpha", "--notice", 2, "--by", ADMIN)["receipt"]["receipt"]
    assert receipt["dpv:hasNotice"]["readingroom:version"] == 2
    sealed.do("copy", "run", "alpha", "--category", "marketing")


def test_a_narrower_notice_stops_nothing(sealed: Any, tmp_path: Path) -> None:
    narrower = _notice(sealed, tmp_path, old=', "Business application platform"', new="")
    sealed.do("notice", "publish", narrower)
    status = sealed.ask("engagement", "status", "alpha")
    assert (status["pending_notice"], status["newer_notice"], status["wider"]) == (None, 2, [])
    sealed.do("copy", "run", "alpha", "--category", "marketing")


def test_contact_is_off_until_it_is_allowed_for_a_topic(sealed: Any) -> None:
    assert sealed.ask("engagement", "contact", "alpha")["allowed"] is False
    chosen = sealed.ask("engagement", "contact", "alpha", "--allow", "--topic", "services", "--who", ADMIN)
    assert (chosen["allowed"], chosen["topics"]) == (True, ["services"])
    refused = sealed.ask("engagement", "contact", "alpha", "--refuse")
    assert [one["allowed"] for one in refused["choices"]] == [True, False]
    assert sealed.ask("engagement", "feedback", "alpha") == {"feedback": []}
    assert sealed("engagement", "contact", "nobody").code == 2


def test_a_subprocessor_is_announced_and_objected_to(sealed: Any, tmp_path: Path) -> None:
    file = tmp_path / "list.toml"
    file.write_text('[[subprocessor]]\nname = "Example Review"\ncountry = "IE"\nservice = "review"\n', encoding="utf-8")
    sealed.do("subprocessor", "publish", file)
    (one,) = sealed.ask("subprocessor", "status", "alpha")["subprocessors"]
    assert (one["effective"], one["objected"]) == (False, False)
    sealed.do("subprocessor", "object", "alpha", "Example Review", "--by", ADMIN, "--why", "a competitor")
    assert sealed("subprocessor", "object", "alpha", "Example Review", "--by", ADMIN).code == 3
    sealed.do("clock", "advance", "30d")
    (one,) = sealed.ask("subprocessor", "status", "alpha")["subprocessors"]
    assert (one["effective"], one["objected"]) == (True, True)
    sealed.do("subprocessor", "object", "alpha", "Example Review", "--by", ADMIN, "--withdraw")
    assert not sealed.ask("subprocessor", "status", "alpha")["subprocessors"][0]["objected"]


def test_the_preview_shows_records_to_the_administrator_only_and_leaves_nothing(tiny: Any) -> None:
    before = {name for name in tiny.files() if "/logs/" not in name}
    names = tiny.ask("engagement", "preview", "alpha")
    assert names["counts"]["records_shown"] == 0
    assert not any(raw.decode() in json.dumps(names) for raw in tiny.raw())
    shown = tiny.ask("engagement", "preview", "alpha", "--by", ADMIN)
    cells = [cell for table in shown["tables"] for record in table["records"] for cell in record]
    raw = [one.decode() for one in tiny.raw()]
    assert any(one in cell["before"] for one in raw for cell in cells)
    assert not any(one in (cell["after"] or "") for one in raw for cell in cells)
    assert {name for name in tiny.files() if "/logs/" not in name} == before
    assert tiny.holding(tiny.raw()) == {}
    assert tiny("engagement", "preview", "nobody").code == 2


def test_a_termination_stops_everything_and_a_new_engagement_begins_afresh(sealed: Any) -> None:
    sealed.do("engagement", "terminate", "alpha", "--why", "the programme ends")
    assert {copy["state"] for copy in sealed.copies()} == {"purged"}
    assert sealed("copy", "run", "alpha", "--category", "marketing").code == 3
    for copy in sealed.copies():
        certificate = json.loads(sealed.do("purge", "certificate", copy["id"]))["certificate"]
        assert certificate["within_limit"] is True
    again = sealed.ask("engagement", "opt-in", "alpha", "--by", ADMIN)["receipt"]["receipt"]
    assert again["readingroom:record"] == "alpha/3"
    assert again["dpv:hasConsentStatus"]["readingroom:step"] == "opt_in"
    sealed.do("copy", "run", "alpha", "--category", "marketing")
    assert sorted(copy["state"] for copy in sealed.copies()) == ["purged", "sealed"]


def test_a_new_engagement_does_not_revive_copies_even_where_it_was_paused_since(sealed: Any) -> None:
    (old,) = sealed.copies()
    with sealed.house(Role.WEB) as web:  # between two rounds of the worker
        optin.opt_out(web, "alpha", ADMIN)
        optin.opt_in(web, "alpha", ADMIN)
        optin.suspend(web, "alpha")
        optin.resume(web, "alpha")
    sealed.do("clock", "advance", "1h")
    assert [(copy["id"], copy["state"]) for copy in sealed.copies()] == [(old["id"], "purged")]
