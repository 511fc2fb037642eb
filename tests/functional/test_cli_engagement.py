"""`init`, `notice`, `tenant`, `engagement`, `columns`: what each answers, and what each refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

WISH = ("--tenant", "alpha", "--category", "marketing", "--purpose", "review", "--hours", "8", "--why", "to see")
STAFF_ACTS = (
    ("access", "request", "--as", "ada", *WISH),
    ("access", "approve", "grant-0000000000000000", "--as", "cleo"),
    ("access", "deny", "grant-0000000000000000", "--as", "cleo"),
    ("access", "decide", "--as", "ada", "--copy", "copy-0000000000000000"),
    ("review", "next", "--as", "ada"),
    ("review", "label", "item-0000000000000000", "spam", "--as", "ada"),
    ("review", "flag", "item-0000000000000000", "--as", "ada"),
    ("review", "simulate", "--gold", "gold.csv"),
    ("model", "train", "spam-checker", "--as", "emil"),
    ("model", "gate", "model-0000000000000000", "--as", "emil"),
    ("model", "release", "model-0000000000000000", "--as", "finn"),
    ("person", "fact", "ada", "screening", "--until", "2030-01-01", "--by", "ben", "--confirmed-by", "cleo"),
    ("engagement", "opt-in", "alpha", "--by", "admin@alpha.example"),
    ("engagement", "opt-out", "alpha"),
    ("engagement", "opt-out", "alpha", "--by", "admin@alpha.example"),
    ("engagement", "suspend", "alpha"),
    ("engagement", "resume", "alpha"),
    ("clock", "advance", "31d"),
)


@pytest.fixture(scope="module")
def real_room(desk: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A room that is not a simulation."""
    root = tmp_path_factory.mktemp("real") / "room"
    assert desk("init", root, room=False).code == 0
    return type(desk)(root, desk.sources)


# the room


def test_init_says_what_it_made(desk: Any, tmp_path: Path) -> None:
    made = desk("init", tmp_path / "room", "--simulation", "--json", room=False).json
    assert made["simulation"] is True
    assert made["places"] == ["eu", "schema-us", "us"]
    assert made["room"].startswith("room-")


def test_init_never_overwrites(desk: Any, tmp_path: Path) -> None:
    before = sorted(desk.files())
    again = desk("init", desk.root, room=False)
    assert again.code == 2
    assert "never overwrites" in again.err
    assert sorted(desk.files()) == before
    (tmp_path / "note.txt").write_text("mine", encoding="utf-8")
    assert desk("init", tmp_path, "--simulation", room=False).code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


@pytest.mark.parametrize("vendor", ['Quoted "Vendor"', "two\nlines", ""])
def test_a_vendor_that_the_settings_cannot_hold_is_a_usage_error(desk: Any, tmp_path: Path, vendor: str) -> None:
    done = desk("init", tmp_path / "room", "--vendor", vendor, room=False)
    assert done.code in {0, 2}  # what is accepted must load
    if done.code == 0:
        assert type(desk)(tmp_path / "room", desk.sources)("tenant", "list").code == 0
    else:
        assert list(tmp_path.iterdir()) == []


def test_no_room_named_and_no_room_there(desk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("READINGROOM_ROOM", raising=False)
    assert desk("tenant", "list", room=False).code == 2
    nothing = desk("-C", tmp_path / "absent", "tenant", "list", room=False)
    assert nothing.code == 2
    assert "readingroom init" in nothing.err


def test_the_room_may_be_named_by_the_environment(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READINGROOM_ROOM", str(desk.root))
    assert [t["tenant"] for t in desk("tenant", "list", "--json", room=False).json["tenants"]] == ["alpha", "beta"]


@pytest.mark.parametrize("arguments", [("nonsense",), ("copy",), ("copy", "burn"), ("copy", "run"), ("tenant", "add")])
def test_a_wrong_command_is_a_usage_error(desk: Any, arguments: tuple[str, ...]) -> None:
    assert desk(*arguments).code == 2


def test_help_and_version_need_no_room(desk: Any) -> None:
    assert desk("--version", room=False).out.startswith("readingroom ")
    assert desk("--help", room=False).code == 0


@pytest.mark.parametrize("arguments", STAFF_ACTS, ids=lambda words: "-".join(words[:2]))
def test_acting_for_another_is_refused_in_a_real_room(real_room: Any, arguments: tuple[str, ...]) -> None:
    done = real_room(*arguments)
    assert done.code == 3, done.err
    assert "simulation rooms only" in done.err
    assert "use" in done.err  # names the page, or the wall clock


def test_a_real_room_takes_a_letter_and_no_toggle(real_room: Any) -> None:
    done = real_room("engagement", "opt-out", "alpha", "--received", "2026-01-01", "--by", "admin@alpha.example")
    assert done.code == 3
    assert "/portal" in done.err
    assert real_room("engagement", "opt-out", "alpha", "--received", "2026-01-01").code == 2  # no such tenant


def test_a_real_room_serves_nothing_without_an_identity_provider(real_room: Any) -> None:
    done = real_room("serve", "--port", "0")
    assert done.code in {2, 3}
    assert "identity_provider" in done.err


# the notice


def test_the_notice_is_listed_and_shown_word_for_word(desk: Any) -> None:
    (first, *_) = desk.ask("notice", "list")["notices"]
    assert set(first) >= {"version", "sha256", "published_at"}
    assert "Exhibit" in desk.do("notice", "show", first["version"])
    assert desk("notice", "show", 99).code == 2
    assert desk("notice", "show", "one").code == 2


def test_a_notice_of_ones_own(fresh: Any, tmp_path: Path) -> None:
    from readingroom.engagement.notice import template

    text = template().decode()
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    assert fresh.ask("notice", "publish", tmp_path / "own.toml")["version"] == 1  # the same words again
    (tmp_path / "own.toml").write_text("# our own\n" + text, encoding="utf-8")
    assert fresh.ask("notice", "publish", tmp_path / "own.toml")["version"] == 2
    (tmp_path / "broken.toml").write_text(text[: len(text) // 2] + "\n[", encoding="utf-8")
    assert fresh("notice", "publish", tmp_path / "broken.toml").code == 2
    assert fresh("notice", "publish", tmp_path / "absent.toml").code == 2


# tenants


def test_tenants_are_listed_with_their_place_and_engagement(desk: Any) -> None:
    alpha, beta = desk.ask("tenant", "list")["tenants"]
    assert (alpha["tenant"], alpha["geo"], alpha["place"], alpha["engagement"]) == ("alpha", "US", "us", "active")
    assert (beta["tenant"], beta["place"], beta["engagement"]) == ("beta", "eu", "none")


def test_a_tenant_is_added_once_and_its_formats_are_shown(fresh: Any) -> None:
    where = fresh.connection("alpha")
    added = fresh.ask("tenant", "add", "gamma", "--geo", "US", *where)
    assert added["place"] == "us"
    assert len(added["formats"]) == 4
    assert fresh("tenant", "add", "gamma", "--geo", "US", *where).code in {2, 3}
    assert fresh("tenant", "add", "gamma", "--geo", "EU", *where).code in {2, 3}


@pytest.mark.parametrize("name", ["Gamma", "../gamma", "gam ma", "", "-x", "a" * 65, "γάμμα", "a'; drop"])
def test_a_bad_name_is_a_usage_error(desk: Any, name: str) -> None:
    done = desk("tenant", "add", "--geo", "US", *desk.connection("alpha"), "--", name)
    assert done.code == 2, done.err
    assert len(desk.ask("tenant", "list")["tenants"]) == 2


def test_a_bad_geo_or_source_is_named(desk: Any, tmp_path: Path) -> None:
    assert desk("tenant", "add", "gamma", "--geo", "MARS", *desk.connection("alpha")).code == 2
    assert desk("tenant", "add", "gamma", "--geo", "US").code == 2
    assert desk("tenant", "add", "gamma", "--geo", "US", "--synapse", tmp_path / "absent").code == 2
    assert len(desk.ask("tenant", "list")["tenants"]) == 2


def test_an_empty_folder_is_shown_as_what_it_is_and_copied_never(fresh: Any, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    added = fresh.ask("tenant", "add", "gamma", "--geo", "US", "--synapse", empty)
    assert "no model.json" in added["formats"][0]["format"]
    fresh.do("engagement", "opt-in", "gamma", "--by", "admin@gamma.example")
    assert fresh("copy", "run", "gamma", "--category", "marketing").code == 3
    assert [copy["state"] for copy in fresh.copies(tenant="gamma")] == ["refused"]


def test_an_excluded_table_is_in_no_later_copy(fresh: Any) -> None:
    assert fresh.ask("tenant", "exclude", "alpha", "--table", "lead")["excluded"] == ["lead"]
    made = fresh.ask("copy", "run", "alpha", "--category", "marketing")["copies"][0]
    tables = json.dumps(fresh.ask("copy", "show", made["id"])["manifest"]["tables"])
    assert '"contact"' in tables
    assert '"lead"' not in tables
    assert fresh("tenant", "exclude", "nobody", "--table", "lead").code == 2


# the engagement


def test_a_copy_before_the_opt_in_is_refused(desk: Any) -> None:
    done = desk("copy", "run", "beta")
    assert done.code == 3, done.err
    assert desk.copies(tenant="beta") == []


def test_a_second_opt_in_is_refused(desk: Any) -> None:
    again = desk("engagement", "opt-in", "alpha", "--by", "admin@alpha.example")
    assert again.code == 3
    assert desk.ask("engagement", "status", "alpha")["state"] == "active"


def test_unknown_tenants_and_bad_addresses(desk: Any) -> None:
    for verb in ("status", "receipt", "suspend", "resume", "opt-out"):
        assert desk("engagement", verb, "nobody").code == 2, verb
    assert desk("engagement", "opt-in", "nobody", "--by", "admin@nobody.example").code == 2
    assert desk("engagement", "opt-in", "beta", "--by", "not an address").code == 2
    assert desk("engagement", "terminate", "nobody", "--why", "no more").code == 2
    assert desk("copy", "run", "nobody").code == 2


def test_nothing_can_be_stopped_that_never_began(desk: Any) -> None:
    for words in (("suspend", "beta"), ("resume", "beta"), ("opt-out", "beta"), ("terminate", "beta", "--why", "x")):
        assert desk("engagement", *words).code == 3, words
    assert desk.ask("engagement", "status", "beta")["state"] == "none"
    assert desk("engagement", "receipt", "beta").code in {2, 3}


def test_status_and_receipt(desk: Any) -> None:
    status = desk.ask("engagement", "status", "alpha")
    assert set(status) >= {"tenant", "state", "since", "ends_at", "notice_version", "purposes", "contact_ok"}
    assert "spam-checker" in status["purposes"]
    receipt = json.loads(desk.do("engagement", "receipt", "alpha"))
    assert receipt["signature"]["algorithm"] == "Ed25519"
    log = receipt["receipt"]["readingroom:log"]
    assert set(log) == {"readingroom:origin", "readingroom:publicKey", "readingroom:checkpoint"}
    assert "admin@alpha.example" not in json.dumps(receipt)


def test_suspension_stops_copies_and_views_until_it_is_lifted(fresh: Any) -> None:
    fresh.grant("ada")
    copy = fresh.copies(category="marketing")[0]["id"]
    assert fresh.ask("access", "decide", "--as", "ada", "--copy", copy)["decision"] == "permit"
    assert fresh.ask("engagement", "suspend", "alpha")["state"] == "suspended"
    assert fresh("copy", "run", "alpha", "--category", "schema").code == 3
    assert fresh("review", "next", "--as", "ada").code == 3
    assert fresh("access", "decide", "--as", "ada", "--copy", copy).code == 3
    assert fresh("engagement", "suspend", "alpha").code == 3
    assert fresh.ask("engagement", "resume", "alpha")["state"] == "active"
    assert fresh("engagement", "resume", "alpha").code == 3
    fresh.do("review", "next", "--as", "ada")


def test_an_opt_out_ends_views_at_once_and_purges(fresh: Any) -> None:
    fresh.grant("ada")
    ids = {copy["id"] for copy in fresh.copies(state="sealed")}
    fresh.do("review", "next", "--as", "ada")
    done = fresh.ask("engagement", "opt-out", "alpha", "--by", "admin@alpha.example")
    assert (done["state"], set(done["purged"])) == ("ended", ids)
    after = fresh("review", "next", "--as", "ada", "--json")
    assert after.code == 3 or after.json == {"item": None}
    assert {copy["state"] for copy in fresh.copies()} == {"purged"}
    assert fresh("access", "decide", "--as", "ada", "--copy", min(ids)).code == 3
    assert fresh("copy", "run", "alpha").code == 3
    assert fresh("engagement", "opt-out", "alpha").code == 3
    assert fresh.ask("engagement", "opt-in", "alpha", "--by", "admin@alpha.example")["state"] == "active"


def test_a_letter_runs_thirty_days_and_no_new_copy_is_made(fresh: Any) -> None:
    now = fresh.ask("clock", "now")["now"][:10]
    done = fresh.ask("engagement", "opt-out", "alpha", "--received", now)
    assert (done["state"], done["purged"]) == ("opting_out", [])
    assert fresh("copy", "run", "alpha", "--category", "schema").code == 3
    assert {copy["state"] for copy in fresh.copies()} == {"sealed"}
    assert fresh("engagement", "opt-out", "alpha", "--received", "yesterday").code == 2
    fresh.do("clock", "advance", "30d")
    assert fresh.ask("engagement", "status", "alpha")["state"] == "ended"
    assert {copy["state"] for copy in fresh.copies()} == {"purged"}
    for copy in fresh.copies():
        certificate = json.loads(fresh.do("purge", "certificate", copy["id"]))["certificate"]
        assert certificate["within_limit"] is True
        assert certificate["purged_at"] <= done["ends_at"]


def test_termination_acts_like_an_opt_out(fresh: Any) -> None:
    done = fresh.ask("engagement", "terminate", "alpha", "--why", "the programme ends")
    assert done["state"] == "ended"
    assert len(done["purged"]) == 3
    assert fresh("copy", "run", "alpha").code == 3
    assert fresh("engagement", "terminate", "alpha", "--why", "again").code == 3


# columns


def test_columns_are_listed_with_what_happens_to_them(desk: Any) -> None:
    columns = desk.ask("columns", "list", "alpha")["columns"]
    found = {(one["table"], one["column"]): one["treatment"] for one in columns}
    assert found["contact", "emailaddress1"] != "keep"
    assert found["msdyncrm_marketingemail", "msdyncrm_emailbody"] == "html"
    assert found["account", "new_salesregion"] == "withhold"
    withheld = desk.ask("columns", "list", "alpha", "--withheld")["columns"]
    assert {one["treatment"] for one in withheld} == {"withhold"}
    assert desk("columns", "list", "nobody").code == 2


def test_a_confirmed_column_is_copied_and_a_withheld_one_is_not(fresh: Any) -> None:
    def shown(name: str) -> str:
        columns = fresh.ask("columns", "list", "alpha")["columns"]
        return next(str(one["treatment"]) for one in columns if f"{one['table']}.{one['column']}" == name)

    assert fresh.ask("columns", "confirm", "alpha", "account.new_salesregion", "text")["treatment"] == "text"
    assert shown("account.new_salesregion") == "text"
    fresh.do("columns", "withhold", "alpha", "account.new_salesregion")
    assert shown("account.new_salesregion") == "withhold"
    fresh.do("columns", "withhold", "alpha", "contact.jobtitle")
    assert shown("contact.jobtitle") == "withhold"


@pytest.mark.parametrize(
    ("column", "treatment"),
    [
        ("account.new_salesregion", "keepp"),
        ("account.new_salesregion", "pseudonym(dragon)"),
        ("account.new_salesregion", ""),
        ("nodot", "keep"),
        ("", "keep"),
        (".", "keep"),
        ("account." + "x" * 300, "keep"),
    ],
)
def test_a_treatment_that_is_none_is_a_usage_error(desk: Any, column: str, treatment: str) -> None:
    assert desk("columns", "confirm", "alpha", column, treatment).code == 2
