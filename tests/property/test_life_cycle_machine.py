"""Every accident at every moment of the life of two tenants in one room, in schedules that hypothesis draws.

A step is an act (opt-in … purge, erasure, grant, flag) that meets an accident: killed at a registered step, the disk
full from a step on or for files beyond a length, database or keyring gone, a store that loses answers or lists half,
a second process in the middle, a flipped bit, the clock set back. After each step the invariants of `life.py` hold;
after a round of the worker nothing is without an owner.

READINGROOM_SCHEDULES and READINGROOM_STEPS ask for more than the few that are always the same.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from typing_extensions import override

from ground import drop_databases, wanted
from life import (
    HOMES,
    REVIEWERS,
    Launcher,
    Life,
    away,
    check_always,
    check_settled,
    flipped,
    grant,
    look,
    make_life,
    settle,
)
from readingroom.access.grants import active_grants
from readingroom.copies.purge import purge_all
from readingroom.copies.recover import recover
from readingroom.copies.run import run_copy
from readingroom.core.category import Category
from readingroom.core.errors import ReadingroomError
from readingroom.core.ids import RequestId
from readingroom.engagement.optin import opt_out
from readingroom.engagement.tenants import get_tenant
from readingroom.house import House
from readingroom.keys.roles import Role
from readingroom.sources import open_sources
from readingroom.subjects.erase import erase_subject
from readingroom.subjects.identifiers import parse_identifiers
from readingroom.worker import DUTIES
from trouble import FailingStore, Trouble, with_stores

# on a server every look at everything takes several times as long, and the accidents are the same
SCHEDULES = int(os.environ.get("READINGROOM_SCHEDULES", "6" if wanted() else "20"))
STEPS = int(os.environ.get("READINGROOM_STEPS", "6"))
FEW = SCHEDULES <= 20
KILLED = -9
TENANTS = st.sampled_from(sorted(HOMES))
ACTS = ("opt-in", "opt-out", "letter", "suspend", "resume", "terminate", "query", "schema", "erase", "round", "revoke")
SPANS = {"an hour": 1, "a shift": 9, "five days": 120, "to the purge": 29 * 24 + 1, "past the limit": 31 * 24}
GONE = ("room/db.sqlite", "places/us/db.sqlite", "places/us/keyring", "places/eu/keyring", "places/eu/objects")


class Machine(RuleBasedStateMachine):
    """One schedule, in a room of its own."""

    def __init__(self, template: Life, launcher: Launcher, home: Path) -> None:
        super().__init__()
        self.template, self.launcher = template, launcher
        template.counts["schedules"] += 1
        self.home = home / str(template.counts["schedules"])
        self.life = template.copy_to(self.home / "room")
        self.number = 0
        self.calm = True  # nothing is broken and nothing half-done

    @initialize()
    def begin(self) -> None:
        """The room as it is made."""
        check_always(self.life, calm=True)

    @rule(act=st.sampled_from(ACTS), tenant=TENANTS)
    def act(self, act: str, tenant: str) -> None:
        """An act, by command, in peace."""
        self.count("in peace")
        self.ended(self.life.say(*self.words(act, tenant)), act)

    @rule(act=st.sampled_from(ACTS), tenant=TENANTS, at=st.integers(1, 24))
    def killed(self, act: str, tenant: str, at: int) -> None:
        """An act whose process is killed at a registered step."""
        self.accident(act, tenant, kill=at)

    @rule(act=st.sampled_from(ACTS), tenant=TENANTS, at=st.integers(0, 16))
    def disk_full(self, act: str, tenant: str, at: int) -> None:
        """An act that can write nothing more from a registered step on."""
        self.accident(act, tenant, full=at)

    @rule(act=st.sampled_from(ACTS), tenant=TENANTS, size=st.sampled_from([200, 3_000, 20_000, 70_000, 200_000]))
    def disk_nearly_full(self, act: str, tenant: str, size: int) -> None:
        """An act that can write no file beyond a length."""
        self.accident(act, tenant, fuller=size)

    @rule(act=st.sampled_from(ACTS), tenant=TENANTS, which=st.sampled_from(GONE))
    def gone(self, act: str, tenant: str, which: str) -> None:
        """An act while a database, a keyring or a store is not there: refused, and nothing is made in its place."""
        self.count(f"gone: {which.rpartition('/')[2]}")
        words = self.words(act, tenant)
        self.calm = False
        self.life.close()
        with away(self.life.root, which):
            answer = self.life.say(*words)
            self.life.close()
        assert answer[0], (words, answer)  # no command opens half a house
        self.ended(answer, act)

    @rule(
        act=st.sampled_from(["query", "opt-out", "erase", "round"]),
        tenant=TENANTS,
        trouble=st.sampled_from(sorted(Trouble)),
        at=st.integers(1, 6),
    )
    def store_fails(self, act: str, tenant: str, trouble: Trouble, at: int) -> None:
        """An act while the place's store loses answers, comes too late, or lists half."""
        self.count(f"store: {trouble}")
        self.calm = False
        failing = FailingStore(self.life.house(Role.WORKER).places[HOMES[tenant]].store, trouble, at)  # type: ignore[index]
        open_house = partial(self.failing_house, {HOMES[tenant]: failing})
        try:
            self.by_function(act, tenant, open_house)
        except ReadingroomError:
            self.count("store: refused or failed")

    @rule(
        first=st.sampled_from(["query", "opt-out", "erase", "terminate"]),
        at=st.integers(1, 8),
        second=st.sampled_from(["round", "opt-out", "suspend", "erase", "query", "opt-in", "revoke"]),
        tenant=TENANTS,
    )
    def beside(self, first: str, at: int, second: str, tenant: str) -> None:
        """Two processes in one room: one held in the middle of its act, the other overtakes it; a reviewer looks on."""
        self.count("beside")
        self.life.close()
        pause = str(self.home / f"pause-{self.life.counts['beside']}")
        one = self.start(first, tenant, pause=pause, at=at)
        ended = None
        while not Path(f"{pause}.at").exists() and ended is None:
            ended = settle(self.launcher, one, seconds=0.02)
        other = None
        if ended is None:
            self.count("held")
            check_always(self.life, calm=False)
            self.life.close()
            other = self.start(second, tenant)
            done = settle(self.launcher, other, seconds=1.5)  # it may have to wait for the one that is held
            Path(f"{pause}.go").touch()
            self.ended(done or self.launcher.tell(wait=other), second)
            ended = self.launcher.tell(wait=one)
        self.ended(ended, first)
        self.calm = False

    @rule(span=st.sampled_from(sorted(SPANS)), back=st.booleans(), rounds=st.booleans())
    def clock(self, span: str, back: bool, rounds: bool) -> None:
        """The clock is moved, and perhaps back again, with or without a worker in between."""
        self.count("clock back" if back else "clock forward")
        hours = timedelta(hours=SPANS[span])
        self.life.move_clock(hours)
        check_always(self.life, calm=False)  # what has expired is asked for, and refused
        if rounds:
            self.round()
        if back:
            self.life.move_clock(-hours)
            self.calm = False

    @rule(tenant=TENANTS, kind=st.sampled_from(["part", "tags", "keys", "tile", "checkpoint"]), at=st.integers(0, 9999))
    def bit(self, tenant: str, kind: str, at: int) -> None:
        """A flipped bit in a part, an index, a key or the log: told, nothing shown for it, and put right afterwards."""
        files = self.damageable(tenant, kind)
        if not files:
            return
        self.count(f"bit: {kind}")
        self.life.close()
        with flipped(files[at % len(files)], at):
            check_always(self.life, calm=False)
            code, said = self.life.say("audit", "verify")
            assert code == int(kind in {"tile", "checkpoint"}), said
            self.ended(self.life.say("worker", "--once"), "round")
        self.calm = False

    @rule(tenant=TENANTS, number=st.integers(0, 3))
    def flag(self, tenant: str, number: int) -> None:
        """A reviewer says that an item still holds personal data: nobody sees it again."""
        items = self.life.items(tenant)
        shown = [item for _, item in items if look(self.life, REVIEWERS[tenant], item) is None]
        if shown:
            self.count("flag")
            item = shown[number % len(shown)]
            self.ended(self.life.say("review", "flag", item.id, "--as", REVIEWERS[tenant]), "flag")
            assert look(self.life, REVIEWERS[tenant], item) is not None, "a flagged item is shown"

    @rule(tenant=TENANTS)
    def grant(self, tenant: str) -> None:
        """The reviewer asks for access and gets it, if it may be."""
        self.count("grant")
        self.ended(grant(self.life, tenant), "grant")

    @rule()
    def round(self) -> None:
        """A round of the worker in peace: everything half-done is put right, and nothing is without an owner."""
        self.count("rounds")
        code, said = self.life.say("worker", "--once")
        assert code == 0, said
        check_settled(self.life)
        assert not recover(self.life.house(Role.WORKER)), "a second recovery found something"
        self.calm = True

    @invariant()
    def always(self) -> None:
        """What must be true after every step."""
        self.life.counts["steps"] += 1
        check_always(self.life, calm=self.calm)

    @override
    def teardown(self) -> None:
        """At the end everything is put right, everybody opts out, and nothing is left."""
        try:
            self.round()
            for tenant in HOMES:
                self.ended(self.life.say("engagement", "opt-out", tenant), "opt-out")
            for name, place in self.life.house(Role.WORKER).places.items():
                assert list(place.store.list("")) == [], name
                assert place.keyring.list_copies() == [], name
            check_always(self.life, calm=True)
        finally:
            self.life.close()
            if wanted():
                drop_databases(self.life.root)
            shutil.rmtree(self.home, ignore_errors=True)

    # what the rules are made of

    def words(self, act: str, tenant: str) -> tuple[object, ...]:
        """The command of an act."""
        self.number += 1
        if act == "erase":
            who = self.home / f"who-{self.number}"
            who.write_text(f"email: {self.life.somebody(tenant, self.number)}\n", encoding="utf-8")
            return ("subject", "erase", "--tenant", tenant, "--identifiers", who, "--request", f"r-{self.number}")
        if act == "revoke":
            web = self.life.house(Role.WEB)
            found = active_grants(web, self.life.person(REVIEWERS[tenant]))
            return ("access", "revoke", found[0].id if found else "gr-none", "--as", "cleo")
        if act in set(Category):
            return ("copy", "run", tenant, "--category", act)
        simple: dict[str, tuple[object, ...]] = {
            "round": ("worker", "--once"),
            "opt-in": ("engagement", "opt-in", tenant, "--by", f"admin@{tenant}.example"),
            "letter": ("engagement", "opt-out", tenant, "--received", self.life.now().date().isoformat()),
            "terminate": ("engagement", "terminate", tenant, "--why", "the programme ends"),
        }
        return simple.get(act, ("engagement", act, tenant))

    def by_function(self, act: str, tenant: str, open_house: Callable[[Role], House]) -> None:
        """An act in a house whose stores fail."""
        self.number += 1
        if act == "round":
            for duty in DUTIES:
                try:
                    duty.act(open_house(duty.role))
                except ReadingroomError:
                    self.count("store: a duty failed")
            return
        if act == "opt-out":
            opt_out(open_house(Role.WEB), tenant)
            purge_all(open_house(Role.WORKER), get_tenant(open_house(Role.WEB), tenant).name, "opt-out")
            return
        if act == "erase":
            house = open_house(Role.SUBJECTS)
            who = parse_identifiers(f"email: {self.life.somebody(tenant, self.number)}\n")
            request = RequestId(f"r-{self.number}")
            erase_subject(house, get_tenant(house, tenant), who, request=request, attested_by="customer")
            return
        house = open_house(Role.COPY)
        found = get_tenant(house, tenant)
        run_copy(
            house,
            tenant=found,
            category=Category(act),
            open_sources=lambda now: open_sources(found.connection, now),
            actor="operator",
        )

    def failing_house(self, failing: dict[str, FailingStore], role: Role) -> House:
        """The room in a role, with these stores."""
        return with_stores(self.life.house(role), failing)

    def accident(self, act: str, tenant: str, **accident: int) -> None:
        """An act in a process of its own, which meets an accident."""
        self.count(f"accident: {next(iter(accident))}")
        self.calm = False
        code, said = self.launcher.tell(wait=self.start(act, tenant, **accident))
        self.count("accident struck" if code in {KILLED, 1} else "accident missed")
        self.ended((code, said), act)

    def start(self, act: str, tenant: str, **accident: object) -> int:
        """Start an act in a process of its own."""
        words = self.words(act, tenant)
        self.life.close()
        pid: int = self.launcher.tell(run=["-C", str(self.life.root), *map(str, words)], **accident)
        return pid

    def ended(self, answer: Any, act: str) -> None:
        """A command ended as commands end: done, refused, a fault that we know, or killed; and it named nobody."""
        code, said = answer
        self.count(f"ended: {code}")
        assert code in {0, 1, 2, 3, KILLED}, (act, code, said)
        assert "fault: " not in said, (act, said)
        assert not [one for one in self.life.raw if one.decode() in said]

    def damageable(self, tenant: str, kind: str) -> list[Path]:
        """Files of that kind that are there now."""
        home = self.life.root / "places" / HOMES[tenant]
        if kind in {"tile", "checkpoint"}:
            log = home / "logs" / tenant
            found = [log / "checkpoint"] if kind == "checkpoint" else log.glob("tile/0/**/*")
        elif kind == "keys":
            found = home.glob(f"keyring/**/{self.newest(tenant)}/*")
        else:
            pattern = "p-*" if kind == "part" else "tags-*"
            found = home.glob(f"objects/{tenant}/**/{self.newest(tenant)}/{pattern}")
        return sorted(path for path in found if path.is_file())

    def newest(self, tenant: str) -> str:
        """The tenant's newest live copy of mails."""
        found = [one.id for one in self.life.live(tenant) if one.category is Category.MARKETING]
        return found[-1] if found else "none"

    def count(self, what: str) -> None:
        """One more of these."""
        self.life.counts[what] += 1


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    made = Launcher(tmp_path_factory.mktemp("launched"))
    yield made
    made.close()


@pytest.mark.timeout(600 if FEW else 0)
def test_whatever_happens_the_promises_hold(
    tmp_path_factory: pytest.TempPathFactory, launcher: Launcher, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path_factory.mktemp("life")
    template = make_life(home / "template")

    def machine() -> Machine:
        return Machine(template, launcher, home)

    run_state_machine_as_test(
        machine,  # type: ignore[arg-type]  # it may be any function that makes one
        settings=settings(
            max_examples=SCHEDULES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=FEW,
            phases=[Phase.generate] if FEW else [Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )
    with capsys.disabled():
        print("\n" + "\n".join(f"  {count:7,} {what}" for what, count in sorted(template.counts.items())))
    assert template.counts["schedules"] >= SCHEDULES
