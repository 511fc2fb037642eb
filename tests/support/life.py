"""A small room with two tenants in two places, the accidents that it meets, and what must be true of it all the same.

Made once and copied for each schedule. The invariants are asked of files, rows, keys and the gate itself; `obstacle`
says, from rows alone, why a view must be refused, and knows nothing of the policies.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select

from ground import copy_room, everything, unreachable, wanted
from readingroom.access.dossier import CLOCK_SLACK
from readingroom.access.gate import view_item
from readingroom.access.grant_states import GrantState
from readingroom.access.grants import list_grants
from readingroom.access.people import find_person
from readingroom.audit.tables import PLACE_EVENTS, ROOM_EVENTS
from readingroom.audit.verify import verify_all
from readingroom.bootstrap import open_house
from readingroom.cli.access import workstation_of
from readingroom.cli.main import execute
from readingroom.copies.reader import read_rows
from readingroom.copies.records import Copy, Item, get_copy, list_copies, list_items, list_parts
from readingroom.copies.states import CopyState
from readingroom.copies.tables import OBJECTS, WITHHELD, ObjectState
from readingroom.core.category import Category
from readingroom.core.clock import SimulatedClock, SystemClock
from readingroom.core.errors import ReadingroomError
from readingroom.core.ids import PlaceName
from readingroom.db.engines import EVERY_TENANT
from readingroom.db.schema import PLACE
from readingroom.engagement.optin import status
from readingroom.engagement.states import EngagementState
from readingroom.house import House
from readingroom.keys.roles import Role
from readingroom.simulation.fiction import Size, write_tenant

HOMES: Final = {"quillfen": "us", "marlowick": "eu"}
REVIEWERS: Final = {"quillfen": "ada", "marlowick": "ben"}
SIZE: Final = Size(contacts=10, leads=2, users=3, mails=6, records=6)
PURPOSE: Final = "spam-checker"
_STAFF: Final = {"ada": "reviewer", "ben": "reviewer", "cleo": "approver", "dora": "privacy-officer"}


class Launcher:
    """Commands in processes of their own, which meet an accident (doomed_cli.py)."""

    def __init__(self, temporary: Path) -> None:
        script = Path(__file__).with_name("doomed_cli.py")
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(script)],
            env={**os.environ, "TMPDIR": str(temporary)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, **order: object) -> Any:
        """Send an order; the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        """End the launcher."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@dataclass
class Life:
    """One room under test, and what is remembered of it."""

    root: Path
    sources: Path
    counts: Counter[str]
    raw: tuple[bytes, ...]
    events: dict[str, str] = field(default_factory=dict)  # id → hash of its leaf
    gone: set[str] = field(default_factory=set)  # copies that were refused as expired or purged: never again
    _seen: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    _houses: dict[Role, House] = field(default_factory=dict)

    def say(self, *words: object) -> tuple[int, str]:
        """Run a command in this process; its exit code and everything it said."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = execute(["-C", str(self.root), *map(str, words)])
        return code, out.getvalue()

    def do(self, *words: object) -> str:
        """Run a command that must succeed; what it said."""
        code, said = self.say(*words)
        assert code == 0, (words, said)
        return said

    def house(self, role: Role) -> House:
        """The room, opened in a role and kept open."""
        if role not in self._houses:
            self._houses[role] = open_house(self.root, role)
        return self._houses[role]

    def close(self) -> None:
        """Give back every connection."""
        for house in self._houses.values():
            house.close()
        self._houses.clear()

    def copy_to(self, root: Path) -> Life:
        """The same room for one schedule."""
        return Life(copy_room(self.root, root), self.sources, self.counts, self.raw)

    def now(self) -> datetime:
        """The room's instant."""
        return SimulatedClock(self.root / "clock.json").now()

    def move_clock(self, span: timedelta) -> None:
        """Move the clock, also back, as a machine's clock is moved: without a word to the room."""
        path = self.root / "clock.json"
        offset = json.loads(path.read_text(encoding="utf-8"))["offset_seconds"]
        path.write_text(json.dumps({"offset_seconds": offset + span.total_seconds()}), encoding="utf-8")

    def somebody(self, tenant: str, number: int) -> str:
        """The e-mail address of one of the tenant's contacts."""
        lines = _planted(self.sources / tenant)
        found = sorted({one["value"] for one in lines if one["kind"] == "email" and one["subject_type"] == "contact"})
        return found[number % len(found)]

    def person(self, name: str) -> Any:
        """Somebody's id."""
        return find_person(self.house(Role.WEB), name).id

    def items(self, tenant: str) -> list[tuple[Copy, Item]]:
        """The mails of every copy of the tenant that still has items, oldest copy first."""
        web = self.house(Role.WEB)
        copies = [c for c in list_copies(web) if c.tenant == tenant and c.category is Category.MARKETING]
        return [(copy, item) for copy in copies for item in list_items(web, copy)[:4]]

    def live(self, tenant: str) -> list[Copy]:
        """The tenant's sealed copies."""
        copies = list_copies(self.house(Role.WEB))
        return [one for one in copies if one.tenant == tenant and one.state is CopyState.SEALED]


def make_life(home: Path) -> Life:
    """The room that every schedule begins with: staffed, both tenants opted in, all copies sealed, grants given."""
    life = Life(home / "room", home / "sources", Counter(), ())
    with contextlib.redirect_stdout(io.StringIO()):
        assert execute(["init", str(life.root), "--simulation"]) == 0
    life.do("notice", "publish")
    until = (SystemClock().now() + timedelta(days=900)).date().isoformat()
    for name, role in _STAFF.items():
        life.do("person", "add", name, "--employer", "Example Vendor", "--role", role, "--country", "US")
    for name in REVIEWERS.values():
        for kind in ("screening", "training", "agreement"):
            life.do("person", "fact", name, kind, "--until", until, "--by", "cleo", "--confirmed-by", "dora")
        life.do("workstation", "enrol", f"desk-{name}", "--for", name)
    as_of = SystemClock().now() - timedelta(days=1)
    for number, (tenant, place) in enumerate(HOMES.items()):
        made = write_tenant(life.sources / tenant, tenant, seed=31 + number, geo=place.upper(), as_of=as_of, size=SIZE)
        options = [word for kind, path in made.items() for word in (f"--{kind.replace('_', '-')}", path)]
        life.do("tenant", "add", tenant, "--geo", place.upper(), *options)
        life.do("engagement", "opt-in", tenant, "--by", f"admin@{tenant}.example")
        life.do("copy", "run", tenant)
        grant(life, tenant)
    life.do("worker", "--once")
    life.close()
    life.raw = tuple(sorted({value for tenant in HOMES for value in _raw(life.sources / tenant)}))
    return life


def grant(life: Life, tenant: str) -> tuple[int, str]:
    """Ask for access to the tenant's mails for its reviewer, and approve it; how it ended."""
    wish = ("--tenant", tenant, "--category", "marketing", "--purpose", PURPOSE, "--hours", 8, "--why", "label mails")
    code, said = life.say("access", "request", "--as", REVIEWERS[tenant], *wish, "--json")
    if code == 0:
        return life.say("access", "approve", json.loads(said)["id"], "--as", "cleo")
    return code, said


def obstacle(life: Life, tenant: str, copy: Copy, item: Item) -> str:
    """Why the tenant's reviewer must not see the item now, by the rows alone; "" if nothing is in the way."""
    web, now = life.house(Role.WEB), life.now()
    engagement = status(web, tenant)
    if engagement.state not in {EngagementState.ACTIVE, EngagementState.OPTING_OUT}:
        return "engagement"
    if engagement.ends_at is not None and engagement.ends_at <= now:
        return "engagement ended"
    present = get_copy(web, copy.id)
    if present.state is not CopyState.SEALED or present.purge_started_at is not None:
        return "copy"
    if present.expires_at <= now:
        return "expired"
    began = engagement.began_at
    grants = [
        one
        for one in list_grants(web, copy.tenant)
        if one.person == life.person(REVIEWERS[tenant]) and one.state is GrantState.APPROVED
    ]
    if not [g for g in grants if began and g.requested_at >= began and g.starts_at and g.starts_at <= now < g.ends_at]:  # type: ignore[operator]  # an approved grant has both
        return "grant"
    with web.place(copy.place).db.read(copy.tenant) as connection:
        listed = (WITHHELD.c.item == item.id) & WITHHELD.c.lifted_at.is_(None)
        if item.withheld or connection.scalar(select(func.count()).select_from(WITHHELD).where(listed)):
            return "withheld"
        newest = connection.scalar(select(func.max(PLACE_EVENTS.c.at)))
    with web.db.read(copy.tenant) as connection:
        told = connection.scalar(select(func.max(ROOM_EVENTS.c.at)))
    return "clock" if max(one for one in (newest, told) if one is not None) > now + CLOCK_SLACK else ""


def look(life: Life, reviewer: str, item: Item) -> ReadingroomError | None:
    """Let a reviewer look at an item through the gate; the refusal, or None if it was shown."""
    web, person = life.house(Role.WEB), life.person(reviewer)
    life.counts["views tried"] += 1
    try:
        seen = view_item(web, person, workstation=workstation_of(web, person), purpose=PURPOSE, item=item.id)
    except ReadingroomError as error:
        return error
    life.counts["views served"] += 1
    assert not [one for one in life.raw if one.decode() in json.dumps(seen.cells, default=str, ensure_ascii=False)]
    return None


def check_always(life: Life, *, calm: bool) -> None:
    """What must be true at every instant; `calm`: nothing is broken, so what may be seen must be shown."""
    _check_no_raw_byte(life)
    _check_no_event_lost(life)
    _check_walls(life)
    _check_views(life, calm=calm)
    _check_unreadable(life)


def check_settled(life: Life) -> None:
    """What must be true after a round of the worker: no object, key or row that leads to no live copy."""
    life.counts["recoveries checked"] += 1
    worker = life.house(Role.WORKER)
    copies = list_copies(worker)
    assert all(copy.state is not CopyState.STAGING for copy in copies)
    ended = {tenant for tenant in HOMES if status(worker, tenant).state is EngagementState.ENDED}
    now = life.now()
    for copy in copies:
        if copy.state is CopyState.SEALED:
            assert copy.tenant not in ended, "a copy outlived its engagement"
            assert copy.purge_started_at is None, "a purge was begun and not finished"
            assert copy.purge_due > now, "a purge is overdue"
    for name in worker.places:
        _check_owners(worker, name, copies)
    for copy in copies:
        if copy.state is CopyState.SEALED:
            for part in list_parts(life.house(Role.WEB), copy):
                read_rows(life.house(Role.WEB), copy, part.name)
    for log in verify_all(worker):
        assert (log.problem, log.pending) == (None, 0), log


def _check_owners(house: House, name: str, copies: Sequence[Copy]) -> None:
    """Store, keyring and database of one place tell the same story."""
    place = house.places[name]  # type: ignore[index]  # a plain str is a place's name here
    sealed = {copy.id for copy in copies if copy.place == name and copy.state is CopyState.SEALED}
    with place.db.read(EVERY_TENANT) as connection:
        objects = connection.execute(select(OBJECTS)).all()
        told = {(row.name, row.copy) for row in connection.execute(select(PLACE_EVENTS.c.name, PLACE_EVENTS.c.copy))}
        for table in PLACE.sorted_tables:
            if table.name in {"items", "parts"}:
                assert set(connection.scalars(select(table.c.copy).distinct())) <= sealed, f"{table.name} of no copy"
    live = [one for one in objects if one.state == ObjectState.LIVE]
    assert {one.state for one in objects} <= {ObjectState.LIVE, ObjectState.DELETED}
    assert set(place.store.list("")) == {one.path for one in live}, "an orphan object, or a missing one"
    assert {one.copy for one in live} == sealed
    assert set(place.keyring.list_copies()) == sealed, "a key without a copy, or a copy without a key"
    for copy in sealed:
        assert set(place.keyring.list_parts(copy)) == {one.key for one in live if one.copy == copy}
    for found in copies:
        if found.place == name:
            assert (f"copy.{found.state}", found.id) in told, "a state that no event announced"
    unfinished = [p for p in (house.settings.root / "places" / name).rglob("*") if p.name.endswith(".new")]
    assert not unfinished, "half a file"


def _check_no_raw_byte(life: Life) -> None:
    """No file of the room holds a name, address or telephone of anybody, in UTF-8 or UTF-16."""
    life.counts["invariant: no raw byte"] += 1
    wide = [one.decode().encode("utf-16-le") for one in life.raw if one.isascii()]
    for path in _files(life.root):
        with contextlib.suppress(FileNotFoundError):
            stat = path.stat()
            mark = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if life._seen.get(str(path)) == mark:  # noqa: SLF001 - this module's own
                continue
            data = path.read_bytes()
            assert not [one for one in (*life.raw, *wide) if one in data], f"raw data at rest: {path.name}"
            life._seen[str(path)] = mark  # noqa: SLF001 - this module's own
    for place in (None, *life.house(Role.WORKER).places) if wanted() else ():
        data = everything(life.root, place)
        assert not [one for one in life.raw if one in data], f"raw data at rest: database {place or 'room'}"


def _check_no_event_lost(life: Life) -> None:
    """Every event that ever was is still there, unchanged."""
    life.counts["invariant: no event lost"] += 1
    worker, found = life.house(Role.WORKER), {}
    databases = [(worker.db, ROOM_EVENTS), *((place.db, PLACE_EVENTS) for place in worker.places.values())]
    for db, table in databases:
        with db.read(EVERY_TENANT) as connection:
            for identity, leaf in connection.execute(select(table.c.id, table.c.leaf)):
                found[identity] = hashlib.sha256(leaf).hexdigest()
    lost = [one for one, leaf in life.events.items() if found.get(one) != leaf]
    assert not lost, f"{len(lost)} events are lost or changed"
    life.events = found


def _check_walls(life: Life) -> None:
    """Each place has the rows, objects, keys and logs of its own tenants only, and no byte names another's."""
    life.counts["invariant: no tenant crossed"] += 1
    worker = life.house(Role.WORKER)
    for name, place in worker.places.items():
        ours = {tenant for tenant, home in HOMES.items() if name in {home, "schema-us"}}
        with place.db.read(EVERY_TENANT) as connection:
            for table in PLACE.sorted_tables:
                if "tenant" in table.c:
                    rows = set(connection.scalars(select(table.c.tenant).distinct()))
                    assert rows <= {*ours, "", "*"}, (name, table.name)
            owners = {row.copy: row.tenant for row in connection.execute(select(OBJECTS.c.copy, OBJECTS.c.tenant))}
        for path in place.store.list(""):
            assert path.split("/")[0] in ours, (name, path)
            assert owners.get(path.split("/")[3], path.split("/")[0]) == path.split("/")[0], path
        assert {one.name for one in place.logs.iterdir() if one.is_dir()} <= {str(one) for one in ours}
    for tenant, stranger in (("quillfen", "ben"), ("marlowick", "ada")):
        for _copy, item in life.items(tenant)[:1]:
            assert look(life, stranger, item) is not None, "a reviewer saw another tenant's item"


def _check_views(life: Life, *, calm: bool) -> None:
    """The gate shows nothing that the rows forbid, and in calm everything that they allow."""
    for tenant, reviewer in REVIEWERS.items():
        items = life.items(tenant)
        for copy, item in [*items[:1], *items[-1:]]:
            life.counts["invariant: nothing shown that is forbidden"] += 1
            before = obstacle(life, tenant, copy, item)
            refused = look(life, reviewer, item)
            if before:
                assert refused is not None, f"shown in spite of: {before}"
            if refused is None:
                assert copy.id not in life.gone, "what had expired can be read again"
            if before in {"expired", "copy"} and copy.state is not CopyState.STAGING:
                life.gone.add(copy.id)
            assert before or not calm or refused is None, f"refused without a reason: {refused}"


def _check_unreadable(life: Life) -> None:
    """Nothing expired, purged or refused opens, through whatever door."""
    life.counts["invariant: nothing expired readable"] += 1
    web, now = life.house(Role.WEB), life.now()
    for copy in list_copies(web):
        over = copy.state is not CopyState.SEALED or copy.purge_started_at is not None or copy.expires_at <= now
        if not over:
            continue
        for part in list_parts(web, copy):
            try:
                read_rows(web, copy, part.name)
            except ReadingroomError:
                continue
            raise AssertionError(f"a part of a copy that is {copy.state} can be read")
        if copy.state in {CopyState.PURGED, CopyState.REFUSED}:
            assert not web.place(copy.place).keyring.list_parts(copy.id), "the key of a copy that is gone"


@contextlib.contextmanager
def away(root: Path, which: str) -> Iterator[None]:
    """A folder, file or database of the room that is not there for a moment."""
    path = root / which
    if wanted() and path.name == "db.sqlite":
        with unreachable(root, None if path.parent.name == "room" else PlaceName(path.parent.name)):
            yield
        assert not path.exists(), "a file was made in the place of a database"
        return
    hidden = path.with_name(f"{path.name}.away")
    path.rename(hidden)
    try:
        yield
        assert not path.exists(), f"{path.name} was made anew"
    finally:
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        hidden.rename(path)


@contextlib.contextmanager
def flipped(path: Path, at: int) -> Iterator[None]:
    """A file with one other bit, put right afterwards (from a backup, say) unless it is gone by then."""
    data, mode = path.read_bytes(), path.stat().st_mode
    wrong = bytearray(data)
    wrong[at % len(wrong)] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(wrong))
    try:
        yield
    finally:
        if path.exists():
            path.write_bytes(data)
            path.chmod(mode)


def settle(launcher: Launcher, pid: int, *, seconds: float) -> list[Any] | None:
    """How a command ended, or None if it has not after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended: list[Any] | None = launcher.tell(poll=pid)
        if ended is not None:
            return ended
        time.sleep(0.01)
    return None


def _files(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        yield from (Path(folder, name) for name in names)


def _planted(source: Path) -> list[dict[str, str]]:
    text = gzip.decompress((source / "gold" / "planted.csv.gz").read_bytes()).decode()
    return list(csv.DictReader(io.StringIO(text)))


def _raw(source: Path) -> set[bytes]:
    kinds = {"full_name", "email", "phone"}
    return {one["value"].encode() for one in _planted(source) if one["kind"] in kinds and len(one["value"]) > 7}
