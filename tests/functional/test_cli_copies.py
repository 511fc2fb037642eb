"""`copy`, `subject`, `purge`, `audit`, `clock`, `worker`, `assure`: from a sealed copy to its certificate."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ground import tamper, tampering
from readingroom.core.ids import PlaceName

SHOWN = {"id", "tenant", "category", "place", "state", "rows", "items", "sealed_at", "expires_at"}
UNKNOWN = "copy-0000000000000000"


@pytest.fixture
def who(tmp_path: Path, desk: Any) -> Path:
    """A file with one contact's strong identifier."""
    path = tmp_path / "who.txt"
    path.write_text(f"email: {desk.somebody('email')}\n", encoding="utf-8")
    return path


def to_file(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


# copies


def test_copies_are_listed_as_promised(desk: Any) -> None:
    answer = desk.ask("copy", "list")
    assert set(answer) == {"copies"}
    assert len(answer["copies"]) == 3
    for copy in answer["copies"]:
        assert set(copy) >= SHOWN
        assert copy["state"] == "sealed"
        assert copy["sealed_at"] < copy["expires_at"]
    places = {copy["category"]: copy["place"] for copy in answer["copies"]}
    assert places == {"marketing": "us", "query": "us", "schema": "schema-us"}


def test_a_copy_is_shown_with_its_manifest(desk: Any) -> None:
    (copy,) = desk.copies(category="marketing")
    shown = desk.ask("copy", "show", copy["id"])
    assert set(shown) >= SHOWN | {"manifest"}
    assert shown["manifest"]["tables"]
    assert "contact" in desk.do("copy", "show", copy["id"])
    assert not [one for one in desk.raw() if one.decode() in json.dumps(shown, ensure_ascii=False)]


@pytest.mark.parametrize("words", [("copy", "show"), ("purge", "certificate")])
def test_an_unknown_copy(desk: Any, words: tuple[str, ...]) -> None:
    assert desk(*words, UNKNOWN).code == 2
    assert desk(*words, "../../etc").code == 2


def test_what_the_gold_file_names_is_not_readable(desk: Any, tmp_path: Path) -> None:
    for copy in desk.copies():
        if copy["category"] == "schema":
            continue
        report = desk.ask("copy", "check", copy["id"], "--gold", desk.gold() / "planted.csv.gz")
        assert report["copy"] == copy["id"]
        assert report["checked"] > 0
        assert report["by_certainty"]["planted"]["readable"] == 0
    assert desk("copy", "check", UNKNOWN, "--gold", desk.gold() / "planted.csv.gz").code == 2
    assert desk("copy", "check", copy["id"], "--gold", tmp_path / "absent.csv").code == 2
    assert desk("copy", "check", copy["id"], "--gold", to_file(tmp_path / "x.csv", "a,b\n1,2\n")).code == 2


def test_a_wrong_category_is_a_usage_error(desk: Any) -> None:
    assert desk("copy", "run", "alpha", "--category", "gossip").code == 2


# data subjects


def test_find_erase_and_find_again(fresh: Any, who: Path) -> None:
    words = ("--tenant", "alpha", "--identifiers", who)
    found = fresh.ask("subject", "find", *words, "--request", "r-1")
    assert found["total"] == sum(one["count"] for one in found["found"]) > 0
    assert found["people"] >= 1
    erased = fresh.ask("subject", "erase", *words, "--request", "r-2")
    assert erased["receipt"]["rows"] > 0
    assert erased["role"] == "subjects"
    again = fresh.ask("subject", "find", *words, "--request", "r-3")
    assert (again["total"], again["found"]) == (0, [])
    assert fresh("subject", "erase", *words, "--request", "r-2").code == 3  # answered already
    register = fresh.ask("subject", "list")["requests"]
    assert {one["request"] for one in register} == {"r-1", "r-2", "r-3"}
    assert {one["state"] for one in register} == {"done"}


def test_who_is_erased_is_in_no_later_copy(fresh: Any, who: Path) -> None:
    words = ("--tenant", "alpha", "--identifiers", who)
    fresh.do("subject", "erase", *words, "--request", "r-1")
    fresh.do("copy", "run", "alpha", "--category", "marketing")
    assert fresh.ask("subject", "find", *words, "--request", "r-2")["total"] == 0


def test_identifiers_by_standard_input(desk: Any, who: Path) -> None:
    start = "from readingroom.cli.main import run; run()"
    command = [sys.executable, "-c", start, "-C", str(desk.root), "subject", "find", "--tenant", "alpha"]
    done = subprocess.run(
        [*command, "--identifiers", "-", "--request", "r-stdin", "--json"],
        input=who.read_bytes(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["total"] > 0


@pytest.mark.parametrize("text", ["", "\n\n", "email:\n", "name:   \n", "\xff\xfe", "email: a@b.example\n" * 300])
def test_identifiers_that_are_none(desk: Any, tmp_path: Path, text: str) -> None:
    path = tmp_path / "who.txt"
    path.write_bytes(text.encode("latin-1"))
    done = desk("subject", "find", "--tenant", "alpha", "--identifiers", path, "--request", "r-9")
    assert done.code == 2, done.err
    assert desk("subject", "erase", "--tenant", "alpha", "--identifiers", path, "--request", "r-9").code == 2


def test_who_is_unknown_stands_nowhere(desk: Any, tmp_path: Path, who: Path) -> None:
    nobody = to_file(tmp_path / "nobody.txt", "email: nobody.at.all@elsewhere.example\n")
    assert desk.ask("subject", "find", "--tenant", "alpha", "--identifiers", nobody, "--request", "r-10")["total"] == 0
    assert desk("subject", "find", "--tenant", "nobody", "--identifiers", who, "--request", "r-11").code == 2
    for request in ("", "../x", "R 1"):
        assert desk("subject", "find", "--tenant", "alpha", "--identifiers", who, "--request", request).code == 2
    assert desk("subject", "find", "--tenant", "alpha", "--identifiers", tmp_path, "--request", "r-12").code == 2
    done = desk("subject", "find", "--tenant", "beta", "--identifiers", who, "--request", "r-13")
    assert done.code in {0, 1, 3}  # no copy was ever made, so there is nobody to find
    assert done.code != 0 or '"total": 0' in done.out or "0 places" in done.out


# purge and certificates


@pytest.fixture(scope="module")
def purged(template: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A room after thirty-one days, with what the clock said on the way."""
    cli = template.copy_to(tmp_path_factory.mktemp("purged") / "room")
    cli.grant("ada")
    stops = cli.ask("clock", "advance", "31d")["stops"]
    (cli.root.parent / "stops.json").write_text(json.dumps(stops), encoding="utf-8")
    return cli


def certificate(cli: Any, tmp_path: Path, category: str = "marketing") -> tuple[Path, dict[str, Any]]:
    (copy,) = cli.copies(category=category)
    text = cli.do("purge", "certificate", copy["id"])
    return to_file(tmp_path / "certificate.json", text), json.loads(text)


def test_the_clock_stops_at_every_deadline(purged: Any) -> None:
    stops = json.loads((purged.root.parent / "stops.json").read_text(encoding="utf-8"))
    assert stops == sorted(stops, key=lambda stop: stop["at"])
    whys = " ".join(stop["why"] for stop in stops)
    assert "purge due in us" in whys
    assert "grant" in whys
    assert stops[-1]["why"] == "arrived"
    assert not [line for stop in stops for line in stop["done"] if line.startswith("FAILED")]
    states = {copy["category"]: copy["state"] for copy in purged.copies()}
    assert states == {"marketing": "purged", "query": "purged", "schema": "sealed"}  # P24: a year


@pytest.mark.parametrize("span", ["31", "d", "-1d", "1y", "31 d", "999999d", ""])
def test_a_span_that_is_none(desk: Any, span: str) -> None:
    before = (desk.root / "clock.json").read_bytes()
    assert desk("clock", "advance", "--", span).code == 2
    assert (desk.root / "clock.json").read_bytes() == before


def test_a_certificate_verifies_with_the_key_alone(purged: Any, tmp_path: Path) -> None:
    path, document = certificate(purged, tmp_path)
    told = document["certificate"]
    assert told["within_limit"] is True
    assert told["purged_at"] < told["limit"]
    keys = [purged.worker_key(), to_file(tmp_path / "key", purged.worker_key() + "\n")]
    keys += [purged.root / "roles" / "public.json"]
    for key in keys:
        done = purged("purge", "verify", path, "--key", key, "--json", room=False)
        assert done.code == 0, done.err
        assert done.json["valid"] is True


def test_a_tampered_certificate_fails(purged: Any, tmp_path: Path) -> None:
    _, document = certificate(purged, tmp_path)
    key = purged.worker_key()

    def verify(changed: Any) -> int:
        path = to_file(tmp_path / "changed.json", json.dumps(changed))
        return int(purged("purge", "verify", path, "--key", key, room=False).code)

    assert verify(document) == 0
    told = document["certificate"]
    for name in told:
        assert verify({**document, "certificate": {**told, name: "another"}}) in {1, 2}, name
        assert verify({**document, "certificate": {k: v for k, v in told.items() if k != name}}) in {1, 2}, name
    assert verify({**document, "signature": base64.b64encode(bytes(64)).decode()}) == 1
    assert verify({**document, "signature": "###"}) == 2
    assert verify({}) == 2
    assert verify([document]) == 2


def test_a_certificate_does_not_verify_with_another_key(purged: Any, desk: Any, tmp_path: Path) -> None:
    path, _ = certificate(purged, tmp_path)
    publics = json.loads((purged.root / "roles" / "public.json").read_text(encoding="utf-8"))["roles"]
    assert purged("purge", "verify", path, "--key", publics["web"]["ed25519"], room=False).code == 1
    for key in ("", "nonsense", "AAAA", "name+01234567+AAAA", "a+b+c", str(tmp_path), "{}", '{"roles": 1}'):
        assert purged("purge", "verify", path, "--key", key, room=False).code == 2, key
    for text in ("{}", '{"roles": {}}', "[1]", '{"roles": {"worker": 3}}', "{"):
        broken = to_file(tmp_path / "public.json", text)
        assert purged("purge", "verify", path, "--key", broken, room=False).code == 2, text


def test_a_live_copy_has_no_certificate(desk: Any) -> None:
    assert desk("purge", "certificate", desk.copies()[0]["id"]).code == 2
    assert desk.ask("purge", "run") == {"purged": []}


def test_purge_run_purges_what_is_due_once(fresh: Any) -> None:
    fresh.pass_time(days=29, hours=1)
    purged = fresh.ask("purge", "run")["purged"]
    assert {one["category"] for one in purged} == {"marketing", "query"}
    assert fresh.ask("purge", "run") == {"purged": []}


def test_a_purged_copy_is_neither_shown_nor_checked(purged: Any) -> None:
    (copy,) = purged.copies(category="marketing")
    assert purged("access", "decide", "--as", "ada", "--copy", copy["id"]).code == 3
    assert purged("copy", "check", copy["id"], "--gold", purged.gold() / "planted.csv.gz").code in {1, 3}
    assert purged("review", "next", "--as", "ada", "--json").code in {0, 3}


# the register, the worker, the promises


def test_the_register_verifies_and_proves_an_event(desk: Any, tmp_path: Path) -> None:
    logs = desk.ask("audit", "verify")["logs"]
    assert {log["place"] for log in logs} == {None, "us", "eu", "schema-us"}
    assert all(log["valid"] for log in logs)
    proof = desk.ask("audit", "proof", event_of(desk))
    assert proof["proof"].startswith("c2sp.org/tlog-proof@v1")
    assert desk("audit", "proof", "ev-0000000000000000").code == 2
    assert desk("audit", "proof", "../x").code == 2


def test_an_edited_event_row_breaks_the_register(fresh: Any) -> None:
    fresh.do("audit", "verify")
    with tampering(fresh.root, PlaceName("us")) as connection:
        tamper(connection, "UPDATE events SET name = 'copy.purged' WHERE name = 'copy.sealed'")
    broken = fresh("audit", "verify")
    assert broken.code == 1
    assert "does not verify" in broken.err


def event_of(cli: Any) -> str:
    from sqlalchemy import select

    from readingroom.audit.tables import PLACE_EVENTS
    from readingroom.core.ids import TenantName
    from readingroom.keys.roles import Role

    with cli.house(Role.WEB) as web, web.places["us"].db.read(TenantName("alpha")) as connection:
        return str(connection.scalar(select(PLACE_EVENTS.c.id).where(PLACE_EVENTS.c.name == "copy.sealed")))


def test_the_worker_is_idempotent(fresh: Any) -> None:
    first = fresh.ask("worker", "--once")
    assert first["failed"] == []
    assert fresh.ask("worker", "--once") == {"done": [], "failed": []}
    assert fresh.do("worker", "--once").strip() == "nothing was due"


def test_assure_lists_every_promise_and_ends_by_what_it_found(fresh: Any) -> None:
    told = fresh.ask("assure")["promises"]
    assert [one["id"] for one in told] == [f"P{number:02d}" for number in range(1, 36)]
    assert all(set(one) >= {"id", "status", "kind", "evidence"} for one in told)
    fresh.pass_time(days=32)
    late = fresh("assure", "--json")
    assert late.code == 1
    assert "P15" in late.err
