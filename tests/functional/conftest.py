"""A fictional room driven by the command line alone: made once in a session, copied for whoever changes it."""

from __future__ import annotations

import base64
import contextlib
import csv
import gzip
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ground import copy_room
from readingroom.bootstrap import open_house
from readingroom.cli.main import execute
from readingroom.core.clock import SimulatedClock, SystemClock
from readingroom.house import House
from readingroom.keys.roles import Role, load_publics
from readingroom.simulation.fiction import Size, write_tenant
from readingroom.simulation.fiction_delta import write_delta_tenant
from readingroom.simulation.fiction_odd import write_odd_tenant

SMALL = Size(contacts=60, leads=10, users=8, mails=60, records=40)
TINY = Size(contacts=10, leads=2, users=3, mails=6, records=6)
STAFF = {
    "ada": "reviewer",
    "ben": "reviewer",
    "cleo": "approver",
    "dora": "privacy-officer",
    "emil": "ml-engineer",
    "finn": "ml-engineer",
}
KINDS = ("full_name", "email", "phone")


@dataclass(frozen=True)
class Answer:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object that it printed."""
        assert self.code in {0, 1, 3}, self.err
        return json.loads(self.out)


@dataclass(frozen=True)
class Cli:
    """One room, by the command line."""

    root: Path
    sources: Path

    def __call__(self, *arguments: object, room: bool = True) -> Answer:
        """Run one command in this process, through the door that the console script uses."""
        out, err = io.StringIO(), io.StringIO()
        where = ["-C", str(self.root)] if room else []
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = execute([*where, *map(str, arguments)])
        return Answer(code, out.getvalue(), err.getvalue())

    def do(self, *arguments: object) -> str:
        """Run a command that must succeed; what it printed."""
        done = self(*arguments)
        assert done.code == 0, f"{arguments}: {done.err}"
        return done.out

    def ask(self, *arguments: object) -> Any:
        """Run a command that must succeed, with --json; its object."""
        return json.loads(self.do(*arguments, "--json"))

    def copies(self, **like: str) -> list[dict[str, Any]]:
        """The copies as `copy list --json` gives them, of these properties."""
        found = self.ask("copy", "list")["copies"]
        return [copy for copy in found if all(copy[name] == value for name, value in like.items())]

    def grant(self, person: str, tenant: str = "alpha", purpose: str = "spam-checker") -> str:
        """An approved grant for marketing copies."""
        wish = ("--tenant", tenant, "--category", "marketing", "--purpose", purpose, "--hours", 8)
        asked = self.ask("access", "request", "--as", person, *wish, "--why", "label mails for the spam checker")
        self.do("access", "approve", asked["id"], "--as", "cleo")
        return str(asked["id"])

    def add_tenant(self, name: str, *, geo: str = "US") -> None:
        """Add a tenant whose sources lie under `self.sources`."""
        self.do("tenant", "add", name, "--geo", geo, *self.connection(name))

    def connection(self, name: str) -> list[str]:
        """The options that say where its sources are."""
        home = self.sources / name
        paths = {
            "--synapse": home / f"dataverse-prod-{name}",
            "--interactions": home / "interactions",
            "--activity-log": home / "activity-log",
            "--entity-definitions": home / "schema" / "EntityDefinitions.json",
        }
        return [word for option, path in paths.items() for word in (option, str(path))]

    def gold(self, tenant: str = "alpha") -> Path:
        """Where its people are named."""
        return self.sources / tenant / "gold"

    def planted(self, tenant: str = "alpha") -> list[dict[str, str]]:
        """The lines of planted.csv.gz."""
        text = gzip.decompress((self.gold(tenant) / "planted.csv.gz").read_bytes()).decode()
        return list(csv.DictReader(io.StringIO(text)))

    def somebody(self, kind: str, tenant: str = "alpha") -> str:
        """An identifier of a contact who is named somewhere."""
        lines = (line for line in self.planted(tenant) if line["subject_type"] == "contact")
        return next(line["value"] for line in lines if line["kind"] == kind)

    def raw(self, tenant: str = "alpha") -> list[bytes]:
        """Full names, addresses and telephones of the tenant's people: none may rest anywhere in the room."""
        values = {line["value"] for line in self.planted(tenant) if line["kind"] in KINDS}
        assert len(values) > 10
        return sorted(value.encode() for value in values if len(value) > 7)

    @contextlib.contextmanager
    def house(self, role: Role) -> Iterator[House]:
        """The room, opened in a role: to look at what a command left behind."""
        opened = open_house(self.root, role)
        try:
            yield opened
        finally:
            for database in (opened.db, *(place.db for place in opened.places.values())):
                database.close()

    def pass_time(self, **span: float) -> None:
        """Move the clock without the duties that `clock advance` does on the way."""
        SimulatedClock(self.root / "clock.json").advance(timedelta(**span))

    def worker_key(self) -> str:
        """The public key that certificates verify with, in base64."""
        return base64.b64encode(load_publics(self.root / "roles")[Role.WORKER].signing).decode()

    def files(self) -> dict[str, bytes]:
        """Every file of the room."""
        found = (path for path in self.root.rglob("*") if path.is_file())
        return {str(path.relative_to(self.root)): path.read_bytes() for path in found}

    def holding(self, needles: Sequence[bytes]) -> dict[str, int]:
        """How many of the needles each file of the room holds, in UTF-8 or UTF-16; files with none are left out."""
        wide = [needle.decode().encode("utf-16-le") for needle in needles if needle.isascii()]
        counts = {name: sum(one in data for one in (*needles, *wide)) for name, data in self.files().items()}
        return {name: count for name, count in counts.items() if count}

    def copy_to(self, root: Path) -> Cli:
        """The same room, for whoever changes it; its sources are shared and read only."""
        return Cli(copy_room(self.root, root), self.sources)


def furnish(root: Path, sources: Path, size: Size, geos: dict[str, str]) -> Cli:
    """A simulation room with a notice and the tenants `geos`, nobody opted in."""
    cli = Cli(root, sources)
    assert cli("init", root, "--simulation", room=False).code == 0
    cli.do("notice", "publish")
    as_of = SystemClock().now() - timedelta(days=1)
    for number, (name, geo) in enumerate(geos.items()):
        write_tenant(sources / name, name, seed=3 + number, geo=geo, as_of=as_of, size=size)
        cli.add_tenant(name, geo=geo)
    return cli


def admit(cli: Cli) -> None:
    """Vetted people, each with a workstation; nobody has a grant."""
    for name, role in STAFF.items():
        cli.do("person", "add", name, "--employer", "Example Vendor", "--role", role, "--country", "US")
    until = (SystemClock().now() + timedelta(days=400)).date().isoformat()
    for name in STAFF:
        first, second = [other for other in STAFF if other != name][:2]
        for kind in ("screening", "training", "agreement"):
            facts = ("--until", until, "--by", first, "--confirmed-by", second)
            cli.do("person", "fact", name, kind, *facts)
        cli.do("workstation", "enrol", f"desk-{name}", "--for", name)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A staffed room with tenant alpha opted in and three sealed copies, and beta (EU), which has not opted in."""
    home = tmp_path_factory.mktemp("template")
    cli = furnish(home / "room", home / "sources", SMALL, {"alpha": "US", "beta": "EU"})
    admit(cli)
    cli.do("engagement", "opt-in", "alpha", "--by", "admin@alpha.example")
    cli.do("copy", "run", "alpha")
    return cli


@pytest.fixture(scope="session")
def tiny_template(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A room with the smallest tenant, opted in; no copy yet."""
    home = tmp_path_factory.mktemp("tiny")
    cli = furnish(home / "room", home / "sources", TINY, {"alpha": "US"})
    cli.do("engagement", "opt-in", "alpha", "--by", "admin@alpha.example")
    return cli


@pytest.fixture(scope="session")
def tiny_sealed(tiny_template: Cli, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The smallest tenant's room with a sealed marketing copy."""
    cli = tiny_template.copy_to(tmp_path_factory.mktemp("tiny-sealed") / "room")
    cli.do("copy", "run", "alpha", "--category", "marketing")
    return cli


@pytest.fixture(scope="session")
def walled_template(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """Three tenants with all their copies: harbor (US), linden (EU, Delta tables), sonder (EU, as nobody exports)."""
    home = tmp_path_factory.mktemp("walled")
    cli = furnish(home / "room", home / "sources", SMALL, {"harbor": "US"})
    as_of = SystemClock().now() - timedelta(days=1)
    write_delta_tenant(home / "sources/linden", "linden", seed=21, geo="EU", as_of=as_of, size=SMALL)
    write_odd_tenant(home / "sources/sonder", "sonder", seed=22, geo="EU", as_of=as_of, size=SMALL)
    admit(cli)
    for name in ("harbor", "linden", "sonder"):
        if name != "harbor":
            cli.add_tenant(name, geo="EU")
        cli.do("engagement", "opt-in", name, "--by", f"admin@{name}.example")
        cli.do("copy", "run", name)
    return cli


@pytest.fixture(scope="module")
def desk(template: Cli, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """This module's own copy of the staffed room."""
    return template.copy_to(tmp_path_factory.mktemp("desk") / "room")


@pytest.fixture
def fresh(template: Cli, tmp_path: Path) -> Cli:
    """This test's own copy of the staffed room."""
    return template.copy_to(tmp_path / "room")


@pytest.fixture
def tiny(tiny_template: Cli, tmp_path: Path) -> Cli:
    """This test's own copy of the smallest room, without a copy of data."""
    return tiny_template.copy_to(tmp_path / "room")


@pytest.fixture
def sealed(tiny_sealed: Cli, tmp_path: Path) -> Cli:
    """This test's own copy of the smallest room, with a sealed marketing copy."""
    return tiny_sealed.copy_to(tmp_path / "room")


class Launcher:
    """Commands in processes of their own, which can be killed or held at a registered step (crash_cli.py)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        self.temporary = folder / "tmp"  # where a library would put a temporary file
        self.temporary.mkdir()
        script = Path(__file__).with_name("crash_cli.py")
        command = [sys.executable, "-W", "ignore", str(script)]
        environment = {**os.environ, "TMPDIR": str(self.temporary)}
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, cli: Cli, *arguments: object, kill: str = "", pause: str = "") -> Running:
        """Start a command; it is killed at step `kill`, held at step `pause`."""
        self.count += 1
        out = self.folder / str(self.count)
        order = {"run": ["-C", str(cli.root), *map(str, arguments)], "out": str(out), "kill": kill, "pause": pause}
        return Running(self, int(self._tell(order)), out)

    def run(self, cli: Cli, *arguments: object, kill: str = "") -> tuple[int, str]:
        """Run a command to its end; (exit code or negative signal, everything it wrote)."""
        return self.start(cli, *arguments, kill=kill).wait()

    def wait(self, pid: int) -> int:
        """How the process ended."""
        return int(self._tell({"wait": pid}))

    def close(self) -> None:
        """End the launcher."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()

    def _tell(self, order: object) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()


@dataclass(frozen=True)
class Running:
    """One command at work."""

    launcher: Launcher
    pid: int
    out: Path

    def arrived(self) -> None:
        """Wait until it is held at its step."""
        at = Path(f"{self.out}.at")
        for _ in range(6000):
            if at.exists():
                return
            time.sleep(0.01)
        raise AssertionError(f"it never came to its step: {self.out.read_text(encoding='utf-8')}")

    def wait(self) -> tuple[int, str]:
        """Let it go on; how it ended, and everything it wrote."""
        Path(f"{self.out}.go").touch()
        code = self.launcher.wait(self.pid)
        return code, self.out.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """Starts commands in processes of their own, for this session."""
    made = Launcher(tmp_path_factory.mktemp("launched"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def reviewed_template(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A room with enough labelled mails to pass the release gate; ada and ben reviewed, emil may train."""
    home = tmp_path_factory.mktemp("reviewed")
    size = Size(contacts=190, leads=2, users=8, mails=290, records=2)
    cli = furnish(home / "room", home / "sources", size, {"alpha": "US"})
    admit(cli)
    cli.do("engagement", "opt-in", "alpha", "--by", "admin@alpha.example")
    cli.do("copy", "run", "alpha", "--category", "marketing")
    for person in ("ada", "ben", "emil"):
        cli.grant(person)
    cli.do("review", "simulate", "--gold", cli.gold() / "spam_labels.csv")
    return cli


@pytest.fixture(scope="session")
def by_command() -> type[Cli]:
    """Drives a room that a test has from elsewhere."""
    return Cli


@pytest.fixture
def tiny_made(tmp_path: Path) -> Callable[[], Cli]:
    """Makes a staffed room with the smallest tenants, alpha (US) and beta (EU), from `init` on; nobody opted in."""

    def make() -> Cli:
        cli = furnish(tmp_path / "room", tmp_path / "sources", TINY, {"alpha": "US", "beta": "EU"})
        admit(cli)
        return cli

    return make
