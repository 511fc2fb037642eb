"""How long after an opt-out by the switch the last view is served and the last copy is purged: prints JSON.

    python benchmarks/opt_out.py [--copies 10]

A fictional tenant with that many sealed copies of its mails; a reviewer in another process looks at item after item
through the gate without a pause. Then the customer opts out, by the same act as the switch, and the copies are purged.
Seconds count from the moment before the act: to the last view that was served, to the first that was refused, to the
first and the last purge certificate that was signed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import multiprocessing
import tempfile
import time
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from sqlalchemy import select

from readingroom.access.gate import view_item
from readingroom.access.people import find_person
from readingroom.bootstrap import open_house
from readingroom.cli.access import workstation_of
from readingroom.cli.main import execute
from readingroom.copies.records import list_copies, list_items
from readingroom.copies.states import CopyState
from readingroom.copies.tables import CERTIFICATES
from readingroom.core.clock import SystemClock
from readingroom.core.errors import Refusal
from readingroom.core.ids import PlaceName
from readingroom.db.engines import EVERY_TENANT
from readingroom.keys.roles import Role
from readingroom.simulation.fiction import Size, write_tenant

TENANT = "quillfen"
SIZE = Size(contacts=60, leads=10, users=8, mails=60, records=10)


def main() -> None:
    """Make the room, let the reviewer look, opt out, and print."""
    parser = argparse.ArgumentParser(description="opt-out to last view and last purge")
    parser.add_argument("--copies", type=int, default=10)
    copies: int = parser.parse_args().copies
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "room"
        make_room(root, Path(folder) / "sources", copies)
        spawn = multiprocessing.get_context("spawn")
        mine, theirs = spawn.Pipe()
        reviewer = spawn.Process(target=look, args=(root, theirs))
        reviewer.start()
        mine.recv()  # the first view was served
        time.sleep(2)
        switched = SystemClock().now().timestamp()
        do(root, "engagement", "opt-out", TENANT)
        returned = SystemClock().now().timestamp()
        views, last, refused = mine.recv()
        reviewer.join()
        signed = certificates(root)
        assert len(signed) == copies
        print(
            json.dumps(
                {
                    "copies": copies,
                    "views_served": views,
                    "views_per_s_before": round(views / (last - mine.recv()), 1),
                    "to_last_view_s": round(last - switched, 3),
                    "to_first_refusal_s": round(refused - switched, 3),
                    "to_first_certificate_s": round(signed[0] - switched, 3),
                    "to_last_certificate_s": round(signed[-1] - switched, 3),
                    "command_s": round(returned - switched, 3),
                },
                indent=1,
            )
        )


def do(root: Path, *words: object) -> str:
    """Run a command that must succeed; what it printed."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = execute(["-C", str(root), *map(str, words)])
    assert code == 0, words
    return out.getvalue()


def make_room(root: Path, sources: Path, copies: int) -> None:
    """A staffed room with one tenant, its copies, and a reviewer who may look."""
    execute(["init", str(root), "--simulation"])
    do(root, "notice", "publish")
    for name, role in {"ada": "reviewer", "cleo": "approver", "dora": "privacy-officer"}.items():
        do(root, "person", "add", name, "--employer", "Example Vendor", "--role", role, "--country", "US")
    until = (SystemClock().now() + timedelta(days=90)).date().isoformat()
    for kind in ("screening", "training", "agreement"):
        do(root, "person", "fact", "ada", kind, "--until", until, "--by", "cleo", "--confirmed-by", "dora")
    do(root, "workstation", "enrol", "desk-ada", "--for", "ada")
    as_of = SystemClock().now() - timedelta(days=1)
    made = write_tenant(sources, TENANT, seed=5, geo="US", as_of=as_of, size=SIZE)
    options = [word for kind, path in made.items() for word in (f"--{kind.replace('_', '-')}", path)]
    do(root, "tenant", "add", TENANT, "--geo", "US", *options)
    do(root, "engagement", "opt-in", TENANT, "--by", f"admin@{TENANT}.example")
    for _ in range(copies):
        do(root, "copy", "run", TENANT, "--category", "marketing")
    wish = ("--tenant", TENANT, "--category", "marketing", "--purpose", "spam-checker", "--hours", 8)
    asked = json.loads(do(root, "access", "request", "--as", "ada", *wish, "--why", "label mails", "--json"))
    do(root, "access", "approve", asked["id"], "--as", "cleo")


def look(root: Path, pipe: Connection) -> None:
    """Look at item after item until the gate refuses; when that was, and when the last view was served."""
    house = open_house(root, Role.WEB)
    person = find_person(house, "ada").id
    desk = workstation_of(house, person)
    sealed = [copy for copy in list_copies(house) if copy.state is CopyState.SEALED]
    items = [item.id for copy in sealed for item in list_items(house, copy) if not item.withheld]
    views, first, last = 0, 0.0, 0.0
    with contextlib.suppress(Refusal):
        while True:
            view_item(house, person, workstation=desk, purpose="spam-checker", item=items[views % len(items)])
            last = house.clock.now().timestamp()
            views += 1
            if views == 1:
                first = last
                pipe.send("looking")
    pipe.send((views, last, house.clock.now().timestamp()))
    pipe.send(first)
    house.close()


def certificates(root: Path) -> list[float]:
    """When each purge certificate was signed."""
    with (
        contextlib.closing(open_house(root, Role.WORKER)) as house,
        house.place(PlaceName("us")).db.read(EVERY_TENANT) as connection,
    ):
        return sorted(at.timestamp() for at in connection.scalars(select(CERTIFICATES.c.signed_at)))


if __name__ == "__main__":
    main()
