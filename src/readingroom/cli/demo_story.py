"""The demo's story, step by step, through the same functions as the command line and the pages.

Nothing is faked: each step opens the room in the role it needs, and what it says is read back from the room.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from readingroom.access.facts import FactKind, assert_fact, confirm_fact
from readingroom.access.grants import Grant, Wish, approve_grant, request_access
from readingroom.access.people import Person, PersonRole, add_person
from readingroom.access.subprocessors import publish_list
from readingroom.access.workstations import enrol_workstation
from readingroom.assure.table import promise_table
from readingroom.audit.sequencer import open_log, sequence_all
from readingroom.audit.verify import verify_all
from readingroom.bootstrap import open_house
from readingroom.cli.access import workstation_of
from readingroom.cli.show import Bar
from readingroom.cli.training import MODEL_PURPOSE, material
from readingroom.copies.certificate import read_certificate, verify_certificate
from readingroom.copies.purge import purge_all
from readingroom.copies.records import get_copy, list_copies
from readingroom.copies.run import run_copy
from readingroom.copies.states import CopyState
from readingroom.core.category import Category
from readingroom.core.errors import LogFault
from readingroom.core.ids import RequestId
from readingroom.engagement import optin
from readingroom.engagement.notice import publish_notice
from readingroom.engagement.tenants import Tenant, add_tenant, get_tenant
from readingroom.house import House
from readingroom.keys.roles import Role
from readingroom.models.spam_checker import gate_model, release_model, score_mail, train_spam_checker
from readingroom.review.queues import Reviewer
from readingroom.review.simulate import SimulatedReviewer, simulate_reviews
from readingroom.review.stats import review_stats
from readingroom.simulation.fiction import write_tenant
from readingroom.simulation.fiction_delta import write_delta_tenant
from readingroom.simulation.gold_items import gold_items, read_gold
from readingroom.sources import open_sources
from readingroom.subjects.erase import erase_subject
from readingroom.subjects.identifiers import parse_identifiers
from readingroom.worker import advance, run_round

STAYS, LEAVES = "harborlight", "lindenhof"  # fictional customers: one stays, one opts out
PEOPLE = (
    ("ada", "US", (PersonRole.REVIEWER,)),
    ("ben", "US", (PersonRole.REVIEWER,)),
    ("cleo", "US", (PersonRole.APPROVER,)),
    ("dora", "DE", (PersonRole.PRIVACY_OFFICER,)),
    ("emil", "US", (PersonRole.ML_ENGINEER,)),
    ("finn", "US", (PersonRole.ML_ENGINEER,)),
)
SUBPROCESSORS = (
    b'[[subprocessor]]\nname = "Example Review Services"\ncountry = "IE"\nservice = "human review of mails"\n'
)
ERRORS = (0.02, 0.05)  # how often each simulated reviewer errs: stated, seeded
WHY = "label mails so that the spam checker learns what customers send"
MAIL = b"Subject: You have WON!!!\n\nDear winner, claim your FREE prize today: click here http://win.example/now $$$"


@dataclass
class Story:
    """One run of the demo in the room at `root`."""

    root: Path
    seed: int
    tell: Callable[[str], object]
    houses: dict[Role, House] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)

    def run(self) -> None:
        """Tell the whole story; any error ends it."""
        self.notice_and_people()
        for name in (STAYS, LEAVES):
            self.tenant(name)
        for name in (STAYS, LEAVES):
            self.copies(name)
        self.review(STAYS)
        self.model()
        self.erasure()
        self.opt_out()
        self.time_passes()
        self.certificates()
        self.log()
        self.promises()
        self.fresh_copy()

    def house(self, role: Role) -> House:
        """The room in `role`."""
        if role not in self.houses:
            self.houses[role] = open_house(self.root, role)
        return self.houses[role]

    def close(self) -> None:
        """Give back every connection."""
        while self.houses:
            self.houses.popitem()[1].close()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Tell the title before the step and its time after it."""
        clock = self.house(Role.WORKER).clock
        begun = clock.now()
        self.tell(f"\n▸ {title}")
        yield
        spent = clock.now() - begun
        if spent < timedelta(hours=1):
            self.tell(f"    ({spent.total_seconds():.1f} s)")

    def say(self, line: str) -> None:
        """One line under the present step."""
        self.tell(f"    {line}")

    def notice_and_people(self) -> None:
        """Publish the notice and admit people: nobody has access yet."""
        web = self.house(Role.WEB)
        with self.step("The notice is published, and people are vetted"):
            notice = publish_notice(web, actor="operator")
            self.say(f"notice {notice.version}, sha256 {notice.sha256[:16]}…")
            publish_list(web, SUBPROCESSORS)
            for name, country, roles in PEOPLE:
                self.people[name] = add_person(web, name, employer=web.settings.vendor, roles=roles, country=country)
            until = web.clock.now() + timedelta(days=400)
            for name in self.people:
                first, second = [p for p in self.people if p != name][:2]
                for kind in FactKind:
                    fact = assert_fact(web, self.people[name].id, kind, until=until, by=self.people[first].id)
                    confirm_fact(web, fact.id, by=self.people[second].id)
                enrol_workstation(web, f"desk-{name}", person=self.people[name].id)
            self.say(
                f"{len(self.people)} people: screened, trained, bound; each fact asserted by one, confirmed by another"
            )

    def tenant(self, name: str) -> None:
        """Write a fictional tenant in the real layout and let its administrator opt in."""
        web = self.house(Role.WEB)
        geo = "US" if name == STAYS else "EU"
        with self.step(f"{name} ({geo}) opts in"):
            folder = self.root / "fictional-sources" / name
            as_of = web.clock.now().replace(microsecond=0) - timedelta(days=1)
            write = write_tenant if name == STAYS else write_delta_tenant
            connection = write(folder, name, seed=self.seed, geo=geo, as_of=as_of)
            tenant = add_tenant(web, name, geo=geo, connection=connection, actor="operator")
            open_log(self.house(Role.WORKER), tenant.place, tenant.name)
            receipt = optin.opt_in(web, name, f"admin@{name}.example")
            self.say(f"the administrator's receipt is signed: {len(json.dumps(receipt, default=str)):,} bytes")

    def copies(self, name: str, categories: tuple[Category, ...] = tuple(Category)) -> None:
        """Copy, anonymize, look twice, seal."""
        house = self.house(Role.COPY)
        tenant = get_tenant(house, name)
        with self.step(f"Copies of {name}: anonymized at the border, checked twice, sealed in the geo"):
            for category in categories:
                bar = Bar()
                copy = run_copy(
                    house,
                    tenant=tenant,
                    category=category,
                    open_sources=lambda now: open_sources(tenant.connection, now),
                    actor="operator",
                    progress=bar,
                )
                bar.close()
                found = get_copy(house, copy)
                self.say(
                    f"{category.value:<9} {found.rows:>6,} rows, {found.items:>4} items "
                    f"({found.withheld_items} withheld) in {found.place}, purge due {found.purge_due:%Y-%m-%d %H:%M}"
                )

    def grant(self, person: str, tenant: str) -> Grant:
        """Ask for access and have somebody else approve it."""
        web = self.house(Role.WEB)
        wish = Wish(get_tenant(web, tenant).name, Category.MARKETING, MODEL_PURPOSE, hours=8, why=WHY)
        asked = request_access(web, self.people[person].id, wish)
        return approve_grant(web, asked.id, by=self.people["cleo"].id)

    def review(self, name: str) -> None:
        """Two simulated reviewers label every mail, with stated error rates."""
        web = self.house(Role.WEB)
        with self.step("Reviewers ask for access, another person approves; two of them label every mail"):
            for person in ("ada", "ben", "emil"):
                granted = self.grant(person, name)
                self.say(f"{person}: {granted.purpose} until {granted.ends_at:%H:%M}, approved by cleo")
            tenant = get_tenant(web, name)
            gold = read_gold((self.root / "fictional-sources" / name / "gold" / "spam_labels.csv").read_bytes())
            items = gold_items(self.house(Role.SUBJECTS), tenant, gold)
            reviewers = [
                SimulatedReviewer(self._at_desk(person), error_rate=rate)
                for person, rate in zip(("ada", "ben"), ERRORS, strict=True)
            ]
            bar = Bar()
            done = simulate_reviews(web, reviewers, items, tenant=tenant.name, seed=self.seed, progress=bar)
            bar.close()
            stats = review_stats(web, tenant.name).public()
            self.say(f"{done.views:,} views through the gate, {done.labels:,} labels, error rates {ERRORS} stated")
            agreed = stats["agreement"]["percent"]["value"]
            self.say(f"they agree on {agreed:.1%}; a third person decides the rest")

    def model(self) -> None:
        """Train under a budget, gate, release by a second person, try."""
        web = self.house(Role.WEB)
        with self.step("The spam checker is trained with a privacy budget, gated, released by a second person"):
            source, tenants = material(web, self.house(Role.SUBJECTS), self.people["emil"])
            model = train_spam_checker(web, source, person=self.people["emil"], tenants=tenants, seed=self.seed)
            bar = Bar()
            report = gate_model(web, model, source, seed=self.seed, progress=bar)
            bar.close()
            for check in report.public()["checks"]:
                self.say(f"{'pass' if check['passed'] else 'FAIL'}  {check['check']}")
            if report.passed:
                release_model(web, model, by=self.people["finn"])
                score = score_mail(web, model, MAIL).public()
                self.say(
                    f"released by finn; a mail that shouts about a prize scores {score['score']} ({score['band']})"
                )

    def erasure(self) -> None:
        """Erase one data subject everywhere."""
        house = self.house(Role.SUBJECTS)
        tenant = get_tenant(house, STAYS)
        with self.step("A data subject asks to be erased; the customer passes the request on"):
            email = self._somebody(tenant)
            who = parse_identifiers(f"email: {email}")
            receipt = erase_subject(house, tenant, who, request=RequestId("request-1"), attested_by="customer")
            body = receipt["receipt"]
            self.say(f"{body['rows']} rows and {body['spans']} passages gone from {body['copies']} copies")

    def opt_out(self) -> None:
        """One customer turns the toggle off."""
        web = self.house(Role.WEB)
        with self.step(f"{LEAVES} opts out"):
            optin.opt_out(web, LEAVES, f"admin@{LEAVES}.example")
            purged = purge_all(self.house(Role.WORKER), get_tenant(web, LEAVES).name, why="opt-out")
            self.say(f"nobody can look from this moment; {len(purged)} copies purged")

    def time_passes(self) -> None:
        """Thirty-one days, stopping at every deadline."""
        with self.step("The clock goes on 31 days, stopping at every deadline"):
            for stop in advance(self.root, timedelta(days=31)):
                self.say(f"{stop.at:%Y-%m-%d %H:%M}  {stop.why}")
                for line in stop.done:
                    self.say(f"    {line}")

    def certificates(self) -> None:
        """Verify every certificate with the public key alone, and that each is dated within its limit."""
        worker = self.house(Role.WORKER)
        with self.step("Every purged copy has a certificate, verified with the public key alone"):
            public = worker.keys.public(Role.WORKER)
            for copy in list_copies(worker):
                if copy.state is not CopyState.PURGED:
                    continue
                certificate = verify_certificate(read_certificate(worker, copy.id), public)
                gone = datetime.fromisoformat(str(certificate["purged_at"]))
                if gone > copy.expires_at:
                    raise LogFault(f"copy {copy.id} was purged after its limit")
                age = gone - copy.created_at
                self.say(f"{copy.id} {copy.category.value:<9} purged after {age.days} d {age.seconds // 3600} h")

    def log(self) -> None:
        """Recompute every Merkle log from its entries."""
        worker = self.house(Role.WORKER)
        with self.step("The log is verified: every entry, hash and signature recomputed"):
            sequence_all(worker)
            for result in verify_all(worker):
                shown = result.public()
                self.say(f"{'valid' if shown['valid'] else 'BROKEN'}  {shown['origin']}  {shown.get('size', '')}")

    def promises(self) -> None:
        """The promises with live evidence."""
        with self.step("The promises"):
            for row in promise_table(self.house(Role.WORKER)):
                self.say(f"{row.id}  {row.status:<8} {row.kind:<10} {row.promise}")

    def fresh_copy(self) -> None:
        """A fresh copy with an approved grant, so that the pages lead to something to do."""
        self.copies(STAYS)
        with self.step("Something to do on the pages"):
            web = self.house(Role.WEB)
            for person in ("ada", "emil"):
                self.grant(person, STAYS)
            wish = Wish(get_tenant(web, STAYS).name, Category.MARKETING, MODEL_PURPOSE, hours=4, why=WHY)
            request_access(web, self.people["ben"].id, wish)
            run_round(self.root)
            self.say("ada may review, ben's request waits for cleo, emil may train")

    def _at_desk(self, person: str) -> Reviewer:
        found = self.people[person]
        return Reviewer(found.id, workstation_of(self.house(Role.WEB), found.id), MODEL_PURPOSE)

    def _somebody(self, tenant: Tenant) -> str:
        """An address of a fictional contact, read from the fictional source itself."""
        sources = open_sources(tenant.connection, self.house(Role.WORKER).clock.now())
        sources.scan(Bar())
        table = next(t for t in sources.tables(Category.MARKETING) if t.name == "contact")
        for batch in sources.read(table, columns=("emailaddress1",)):
            for address in batch.column("emailaddress1").to_pylist():
                if address:
                    return str(address)
        raise LogFault("the fictional tenant has no contact with an address")
