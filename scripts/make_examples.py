"""Run every command that shows something with --json on a small fictional room; keep the answers for docs/cli.md.

Usage: .venv/bin/python scripts/make_examples.py      writes docs/examples.json
Long lists and texts are cut, so that an example stays an example; everybody in it is fictional.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from readingroom.bootstrap import open_house
from readingroom.cli.main import execute
from readingroom.keys.roles import Role
from readingroom.simulation.fiction import Size, write_tenant

OUT = Path(__file__).parent.parent / "docs" / "examples.json"
SIZE = Size(contacts=120, leads=20, users=20, mails=260, records=60)
PEOPLE = {"ada": "reviewer", "ben": "reviewer", "cleo": "approver", "dora": "privacy-officer", "emil": "ml-engineer"}
LIST_LIMIT, TEXT_LIMIT = 2, 120


class Room:
    """One fictional room, and the answers so far."""

    def __init__(self, folder: Path) -> None:
        """Begin with nothing."""
        self.root = folder / "room"
        self.folder = folder
        self.examples: dict[str, str] = {}

    def run(self, *words: str, example: str = "", ok: tuple[int, ...] = (0,), feed: str = "") -> Any:
        """Run a command; its JSON answer, which is kept as the example of `example`."""
        out, err = io.StringIO(), io.StringIO()
        before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(feed.encode()))
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = execute(["-C", str(self.root), *words])
        finally:
            sys.stdin = before
        if code not in ok:
            sys.exit(f"{' '.join(words)}: exit {code}\n{out.getvalue()}{err.getvalue()}")
        print(f"[{code}] {' '.join(words)[:100]}", flush=True)
        try:
            answer = json.loads(out.getvalue())
        except ValueError:
            return out.getvalue()
        if example:
            shown = json.dumps(_cut(answer), indent=1, ensure_ascii=False).replace(str(self.folder), "")
            self.examples[example] = shown
        return answer

    def tell(self, example: str, *words: str, **how: Any) -> Any:
        """Run a command with --json and keep its answer."""
        return self.run(*words, "--json", example=example, **how)


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        keys = list(value)[:14]
        cut = {key: _cut(value[key]) for key in keys}
        return cut | ({"…": f"{len(value) - len(keys)} more"} if len(value) > len(keys) else {})
    if isinstance(value, list):
        rest = [f"… {len(value) - LIST_LIMIT} more"] if len(value) > LIST_LIMIT else []
        return [_cut(one) for one in value[:LIST_LIMIT]] + rest
    if isinstance(value, str) and len(value) > TEXT_LIMIT:
        return value[:TEXT_LIMIT] + "…"
    return value


def _people(room: Room) -> None:
    room.tell("person add", "person", "add", "finn", "--employer", "Example Vendor", "--role", "ml-engineer")
    for name, role in PEOPLE.items():
        room.run("person", "add", name, "--employer", "Example Vendor", "--role", role)
    for name in (*PEOPLE, "finn"):
        by, confirmed = [one for one in PEOPLE if one != name][:2]
        for kind in ("screening", "training", "agreement"):
            words = ("person", "fact", name, kind, "--until", "2030-01-01", "--by", by, "--confirmed-by", confirmed)
            room.tell("person fact", *words)
        room.tell("workstation enrol", "workstation", "enrol", f"desk-{name}", "--for", name)
    room.examples["workstation enrol"] = json.dumps(
        json.loads(room.examples["workstation enrol"]) | {"device_key": "(shown once)"}, indent=1
    )
    room.tell("person list", "person", "list")
    room.tell("workstation list", "workstation", "list")


def _access(room: Room) -> None:
    for name in ("ada", "ben", "emil"):
        ask = ("access", "request", "--as", name, "--tenant", "harborlight", "--category", "marketing")
        ask += ("--purpose", "spam-checker", "--hours", "8", "--why", "label mails for the spam checker")
        grant = room.tell("access request", *ask)["id"]
        room.tell("access approve", "access", "approve", grant, "--as", "cleo")
    room.tell("access list", "access", "list")


def _work(room: Room, copies: dict[str, str]) -> None:
    room.tell("access decide", "access", "decide", "--as", "ada", "--copy", copies["marketing"])
    item = room.tell("review next", "review", "next", "--as", "ada")["item"]
    room.tell("review label", "review", "label", item, "ham", "--as", "ada")
    gold = str(room.folder / "tenant" / "gold" / "spam_labels.csv")
    room.tell("review simulate", "review", "simulate", "--gold", gold)
    room.tell("review stats", "review", "stats")
    model = room.tell("model train", "model", "train", "spam-checker", "--as", "emil")["id"]
    room.tell("model gate", "model", "gate", model, ok=(0, 3))
    room.tell("model release", "model", "release", model, "--as", "finn", ok=(0, 3))
    room.tell("model list", "model", "list")
    room.tell("model show", "model", "show", model)
    mail = room.folder / "mail.eml"
    mail.write_text("Subject: You have WON\n\nClaim your FREE prize: http://win.example\n", encoding="utf-8")
    room.tell("model score", "model", "score", model, str(mail), ok=(0, 3))
    flagged = room.run("review", "next", "--as", "ada", "--json")["item"]
    if flagged:
        room.tell("review flag", "review", "flag", flagged, "--as", "ada")


def _end(room: Room, copies: dict[str, str]) -> None:
    words = ("--tenant", "harborlight", "--identifiers", str(room.folder / "who.txt"))
    room.tell("subject find", "subject", "find", *words, "--request", "case-1")
    room.tell("subject erase", "subject", "erase", *words, "--request", "case-2")
    room.tell("subject list", "subject", "list")
    room.tell("audit verify", "audit", "verify")
    room.tell("engagement opt-out", "engagement", "opt-out", "harborlight")
    certificate = room.run("purge", "certificate", copies["marketing"], example="purge certificate")
    path = room.folder / "certificate.json"
    path.write_text(json.dumps(certificate), encoding="utf-8")
    key = str(room.root / "roles" / "public.json")
    room.tell("purge verify", "purge", "verify", str(path), "--key", key)
    room.tell("clock advance", "clock", "advance", "31d")
    room.tell("purge run", "purge", "run")
    room.tell("worker", "worker", "--once")
    room.tell("assure", "assure", ok=(0, 1))


def main() -> None:
    """Run the room and write the examples."""
    with tempfile.TemporaryDirectory() as name:
        room = Room(Path(name))
        room.run("init", str(room.root), "--simulation", "--json", example="init")
        room.tell("notice publish", "notice", "publish")
        room.tell("notice list", "notice", "list")
        listed = room.folder / "list.toml"
        listed.write_text('[[subprocessor]]\nname = "Example Review"\ncountry = "IE"\nservice = "review"\n', "utf-8")
        room.tell("subprocessor publish", "subprocessor", "publish", str(listed))
        room.tell("subprocessor list", "subprocessor", "list")
        house = open_house(room.root, Role.WEB)
        as_of = house.clock.now().replace(microsecond=0) - timedelta(days=1)
        connection = write_tenant(room.folder / "tenant", "harborlight", seed=3, geo="US", as_of=as_of, size=SIZE)
        where = [word for key, path in connection.items() for word in (f"--{key.replace('_', '-')}", path)]
        room.tell("tenant add", "tenant", "add", "harborlight", "--geo", "US", *where)
        room.tell("engagement opt-in", "engagement", "opt-in", "harborlight", "--by", "admin@harborlight.example")
        room.tell("tenant list", "tenant", "list")
        room.tell("engagement status", "engagement", "status", "harborlight")
        room.run("engagement", "receipt", "harborlight", example="engagement receipt")
        room.tell("columns list", "columns", "list", "harborlight")
        room.tell("copy run", "copy", "run", "harborlight")
        listing = room.tell("copy list", "copy", "list")["copies"]
        copies = {one["category"]: one["id"] for one in listing}
        room.tell("copy show", "copy", "show", copies["query"])
        gold = str(room.folder / "tenant" / "gold" / "planted.csv.gz")
        room.tell("copy check", "copy", "check", copies["marketing"], "--gold", gold)
        contact = next((room.folder / "tenant").rglob("contact/*.csv")).read_text(encoding="utf-8").split(",")[0]
        (room.folder / "who.txt").write_text(f"record: {contact}\n", encoding="utf-8")
        _people(room)
        _access(room)
        _work(room, copies)
        _end(room, copies)
    OUT.write_text(json.dumps(dict(sorted(room.examples.items())), indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
