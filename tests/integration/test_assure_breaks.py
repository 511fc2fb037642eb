"""Every row of the promises that can read `kept` is broken here, on a room where things happened, and seen to turn.

The room is made once, by the real functions; each test tampers with a copy of its folder as somebody would who owns
the disk: rows, files, keys, certificates and signatures are changed behind the product's back.
"""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import inspect, update

from ground import copy_room, everything, rewrite, tamper, tampering
from readingroom.access.facts import FactKind, assert_fact, confirm_fact
from readingroom.access.grants import Wish, approve_grant, request_access
from readingroom.access.objections import object_to
from readingroom.access.people import Person, PersonRole, add_person
from readingroom.access.subprocessors import publish_list
from readingroom.access.workstations import enrol_workstation
from readingroom.assure.evidence import LOOKS, NEVER_KEPT
from readingroom.assure.finding import Status
from readingroom.assure.promises import PROMISES
from readingroom.assure.table import look, promise_table
from readingroom.audit.unit import Event, unit_of_work
from readingroom.bootstrap import init, open_house
from readingroom.copies.run import run_copy
from readingroom.core.canonical import digest
from readingroom.core.category import Category
from readingroom.core.clock import format_instant, parse_instant
from readingroom.core.ids import CopyId, PlaceName, RequestId, TenantName
from readingroom.db.engines import EVERY_TENANT
from readingroom.engagement.contact import register_contact
from readingroom.engagement.feedback import give_feedback
from readingroom.engagement.notice import publish_notice, template
from readingroom.engagement.optin import opt_in, opt_out, terminate
from readingroom.engagement.tenants import add_tenant, exclude_table, get_tenant
from readingroom.house import House
from readingroom.keys.roles import Role
from readingroom.models.dataset import Mail
from readingroom.models.spam_checker import Source, release_model, train_spam_checker
from readingroom.models.states import ModelState
from readingroom.models.tables import MODELS
from readingroom.review.flag import decide_flag, list_flags, raise_flag
from readingroom.review.labels import Mark, record_labels
from readingroom.review.queues import Reviewer, next_items
from readingroom.review.task_states import Answer
from readingroom.simulation.fiction import Size, write_tenant
from readingroom.sources import open_sources
from readingroom.subjects.erase import erase_subject
from readingroom.subjects.identifiers import parse_identifiers
from readingroom.worker import advance, run_round

STAYS, LEAVES = TenantName("northwind"), TenantName("adatum")
US, EU, SCHEMA = PlaceName("us"), PlaceName("eu"), PlaceName("schema-us")
ADMIN = "admin@customer.example"
SMALL = Size(contacts=24, leads=4, users=6, mails=14, records=16, sends_per_mail=1)


def _close(*houses: House) -> None:
    for house in houses:
        house.db.close()
        for place in house.places.values():
            place.db.close()


class Build:
    """Makes the room: two tenants, copies, reviewers, a model, an erasure, an opt-out, a termination."""

    def __init__(self, root: Path) -> None:
        init(root, simulation=True)
        self.root = root
        self.web, self.copy = open_house(root, Role.WEB), open_house(root, Role.COPY)
        self.subjects = open_house(root, Role.SUBJECTS)

    def tenant(self, name: TenantName, geo: str, seed: int) -> None:
        now = self.web.clock.now()
        paths = write_tenant(self.root.parent / name, name, seed=seed, geo=geo, as_of=now, size=SMALL)
        add_tenant(self.web, name, geo=geo, connection=paths, actor="officer")
        opt_in(self.web, name, ADMIN, contact_ok=True)

    def copies(self, name: TenantName, *categories: Category) -> None:
        tenant = get_tenant(self.copy, name)
        for category in categories:
            run_copy(
                self.copy,
                tenant=tenant,
                category=category,
                open_sources=lambda now: open_sources(tenant.connection, now),
                actor="copy",
            )

    def person(self, name: str, *roles: PersonRole) -> Person:
        return add_person(self.web, name, employer=self.web.settings.vendor, roles=roles, country="US")

    def review(self) -> tuple[Person, Person]:
        """Two reviewers label three mails each; the first of them and the approver are the answer."""
        vera, walter = (self.person(f"{one} Example", PersonRole.ADMINISTRATOR) for one in ("Vera", "Walter"))
        otto = self.person("Otto Example", PersonRole.APPROVER)
        crew = [self.person(f"{one} Example", PersonRole.REVIEWER, PersonRole.ML_ENGINEER) for one in ("Ada", "Bob")]
        until = self.web.clock.now() + timedelta(days=365)
        for number, one in enumerate(crew):
            for kind in FactKind:
                fact = assert_fact(self.web, one.id, kind, until=until, by=vera.id)
                confirm_fact(self.web, fact.id, by=walter.id)
            station = enrol_workstation(self.web, f"ws-{number}", person=one.id).workstation
            wish = Wish(STAYS, Category.MARKETING, "review", 8, "labels for the spam checker")
            approve_grant(self.web, request_access(self.web, one.id, wish).id, by=otto.id)
            seen = next_items(self.web, Reviewer(one.id, station.id, "review"), STAYS, count=3)
            record_labels(self.web, one.id, [Mark(view.item, Answer.HAM) for view in seen])
        raise_flag(self.web, crew[1].id, seen[0].item)
        return crew[0], otto

    def model(self, trainer: Person, releaser: Person) -> None:
        """Train and release for real; the gate, which has tests of its own and takes a minute, is noted as passed."""
        draws = np.random.default_rng(0)
        words = [f"word{number:03d}" for number in range(200)]
        mails = [Mail(f"item-{n}", "Subject", " ".join(draws.choice(words, 12))) for n in range(200)]
        labels = {mail.item: n % 3 == 0 for n, mail in enumerate(mails)}
        source = Source(mails, labels, {mail.item: (n % 90,) for n, mail in enumerate(mails)})
        model = train_spam_checker(self.web, source, person=trainer, tenants=[STAYS], seed=1)
        with unit_of_work(self.web.db, EVERY_TENANT, self.web.clock) as unit:
            row = unit.connection.execute(MODELS.select().where(MODELS.c.id == model)).mappings().one()
            gate = {"passed": True, "reasons": [], "checks": [{"check": "budget", "passed": True, "why": ""}]}
            values = {"state": ModelState.GATED, "gated_at": unit.at, "gate": gate}
            unit.connection.execute(update(MODELS).where(MODELS.c.id == model).values(**values))
            facts = {"model": model, "passed": True, "failed": [], "sha256": row["sha256"]}
            unit.append(Event("model.gated", actor="web", facts=facts))
        release_model(self.web, model, by=releaser)

    def erase(self) -> None:
        (gold,) = (self.root.parent / STAYS / "gold").glob("planted*")
        with gzip.open(gold, "rt") if gold.suffix == ".gz" else gold.open() as file:
            one = next(row["subject_id"] for row in csv.DictReader(file) if row["subject_type"] == "contact")
        identifiers = parse_identifiers(f"record: {one}")
        tenant, request = get_tenant(self.subjects, STAYS), RequestId("req-1")
        erase_subject(self.subjects, tenant, identifiers, request=request, attested_by="customer")

    def everything(self) -> None:
        publish_notice(self.web, actor="officer")
        publish_list(self.web, b'[[subprocessor]]\nname = "Contoso"\ncountry = "US"\nservice = "review"\n')
        self.tenant(STAYS, "US", 1)
        self.tenant(LEAVES, "EU", 2)
        self.copies(STAYS, *Category)
        self.copies(LEAVES, Category.QUERY)
        self.model(*self.review())
        self.erase()
        register_contact(self.web, STAYS, "how-it-goes", actor="officer")
        object_to(self.web, STAYS, "Contoso", by=ADMIN)
        give_feedback(self.web, STAYS, "the switch is easy to find", warranted=True)
        opt_out(self.web, LEAVES, ADMIN)
        assert run_round(self.root).failed == ()
        opt_in(self.web, LEAVES, ADMIN)
        self.copies(LEAVES, Category.QUERY)
        terminate(self.web, LEAVES, "the study is over", actor="officer")
        assert run_round(self.root).failed == ()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("assure") / "room"
    build = Build(root)
    try:
        build.everything()
    finally:
        _close(build.web, build.copy, build.subjects)
    return root


@dataclass
class Disk:
    """A copy of the room's folder, and the hands of somebody who owns it."""

    root: Path

    @contextmanager
    def house(self, role: Role = Role.WEB) -> Iterator[House]:
        opened = open_house(self.root, role)
        try:
            yield opened
        finally:
            _close(opened)

    def base(self, place: PlaceName | None) -> Path:
        return self.root / "places" / place if place else self.root / "room"

    def sql(self, place: PlaceName | None, statement: str, *values: object) -> None:
        """Change rows behind the product's back; the statement must change something."""
        with tampering(self.root, place) as connection:
            assert tamper(connection, statement, *values).rowcount > 0

    def ask(self, place: PlaceName | None, statement: str, *values: object) -> list[tuple[object, ...]]:
        with tampering(self.root, place) as connection:
            return [tuple(row) for row in tamper(connection, statement, *values)]

    def one(self, place: PlaceName | None, statement: str, *values: object) -> str:
        return str(self.ask(place, statement, *values)[0][0])

    def later(self, **span: float) -> str:
        with self.house() as house:
            return format_instant(house.clock.now() + timedelta(**span))

    def rewrite(self, place: PlaceName | None, table: str, column: str, old: str, new: str) -> None:
        with tampering(self.root, place) as connection:
            assert rewrite(connection, table, column, old, new) > 0

    def put(self, place: PlaceName, path: str, data: bytes = b"stray") -> None:
        with self.house() as house:
            house.place(place).store.put(path, data)

    def clone(self, place: PlaceName | None, table: str, source: str, changes: dict[str, str]) -> None:
        """Insert a copy of the row `source` with `changes` (column → SQL literal)."""
        with tampering(self.root, place) as connection:
            columns = [str(column["name"]) for column in inspect(connection).get_columns(table)]
            chosen = ", ".join(changes.get(name, f'"{name}"') for name in columns)
            tamper(connection, f"INSERT INTO {table} SELECT {chosen} FROM {table} WHERE id = ?", source)

    def view(self, **changes: str) -> None:
        """One more view in the place of the tenant that stays, with no event of its own."""
        self.clone(US, "views", self.one(US, "SELECT id FROM views"), {"id": "'view-forged'", **changes})

    def manifest(self, place: PlaceName, category: Category, old: str, new: str) -> None:
        """Rewrite a manifest and its hash on the row; the log still has the true one."""
        where = "WHERE category = ? AND state = 'sealed'"
        text = self.one(place, f"SELECT manifest FROM copies {where}", category)
        assert old in text
        changed = json.loads(text.replace(old, new))
        values = (json.dumps(changed), digest(changed), category)
        self.sql(place, f"UPDATE copies SET manifest = ?, manifest_sha256 = ? {where}", *values)

    def sealed(self, place: PlaceName, category: Category, old: str, new: str) -> None:
        """A manifest that was sealed like this: the log names it, too."""
        where = "WHERE category = ? AND state = 'sealed'"
        before = self.one(place, f"SELECT manifest_sha256 FROM copies {where}", category)
        self.manifest(place, category, old, new)
        after = self.one(place, f"SELECT manifest_sha256 FROM copies {where}", category)
        change = "UPDATE events SET leaf = CAST(replace(CAST(leaf AS TEXT), ?, ?) AS BLOB) WHERE name = 'copy.sealed'"
        self.sql(place, change, before, after)

    def spoil(self, place: PlaceName, kind: str, category: Category) -> None:
        """Other bytes in the place of a part's."""
        path = self.part(place, kind, category)
        with self.house() as house:
            house.place(place).store.delete(path)
            house.place(place).store.put(path, b"PAR1 something else PAR1")

    def lose(self, place: PlaceName, kind: str, category: Category) -> None:
        with self.house() as house:
            house.place(place).store.delete(self.part(place, kind, category))

    def part(self, place: PlaceName, kind: str, category: Category) -> str:
        query = "SELECT path FROM parts JOIN copies ON copies.id = parts.copy WHERE kind = ? AND category = ?"
        return self.one(place, query, kind, category)

    def purged(self, number: int = 0) -> str:
        """A purged copy of the tenant that left: 0 by opt-out, 1 by termination."""
        return str(self.ask(EU, "SELECT id FROM copies WHERE state = 'purged' ORDER BY created_at")[number][0])

    def restore(self, number: int = 0) -> None:
        """Put an object of a purged copy back, as from a backup."""
        text = self.one(EU, "SELECT document FROM certificates WHERE copy = ?", self.purged(number))
        self.put(EU, json.loads(text)["certificate"]["destroyed"]["objects"]["listed"][0]["path"])

    def forge(self, number: int = 0) -> None:
        """A certificate that says something else than what was signed."""
        where = "UPDATE certificates SET document = replace(document, '\"within_limit\": true', '\"within_limit\": 1')"
        self.sql(EU, f"{where} WHERE copy = ?", self.purged(number))

    def burn(self, number: int = 0) -> None:
        self.sql(EU, "DELETE FROM certificates WHERE copy = ?", self.purged(number))

    def revive(self) -> None:
        """Keys under the name of a purged copy."""
        with self.house(Role.COPY) as house:
            house.place(EU).keyring.create_copy(CopyId(self.purged()), LEAVES, "data", "2026-01-01")

    def forget_tag_key(self) -> None:
        query = "SELECT parts.copy, key FROM parts JOIN copies ON copies.id = parts.copy WHERE kind = 'tags'"
        copy, key = self.ask(US, query)[0]
        with self.house(Role.WORKER) as house:
            house.place(US).keyring.destroy_part(CopyId(str(copy)), key)  # type: ignore[arg-type]

    def keys(self, place: PlaceName) -> Path:
        return self.base(place) / "keyring"

    def key(self, name: str) -> Path:
        return min(self.keys(US).rglob(name))

    def cut(self, name: str) -> None:
        """Half of a key file."""
        path = self.key(name)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    def epoch_anew(self) -> None:
        """Another epoch key in the place of one that was there."""
        day = self.key("copy.key").parent.parent.name
        with self.house(Role.COPY) as house:
            house.place(US).keyring.create_epoch(STAYS, "data", day)

    def spend_time(self, hours: float) -> None:
        clock = self.root / "clock.json"
        body = json.loads(clock.read_text())
        clock.write_text(json.dumps({"offset_seconds": body["offset_seconds"] + hours * 3600}))

    def crowd(self) -> None:
        """Seven more people with a grant."""
        grant = self.one(None, "SELECT id FROM grants")
        for number in range(7):
            self.clone(None, "grants", grant, {"id": f"'grant-{number}'", "person": f"'person-{number}'"})

    def file(self, name: str) -> Path:
        (path,) = (self.root / "models").glob(f"*/{name}")
        return path

    def flip(self, path: Path, at: int = -1) -> None:
        data = bytearray(path.read_bytes())
        data[at] ^= 1
        path.write_bytes(bytes(data))


def _idle(disk: Disk) -> None:
    disk.spend_time(6)
    disk.sql(US, "UPDATE views SET \"grant\" = ''")


def _lapsed(disk: Disk) -> None:
    disk.sql(None, "UPDATE facts SET withdrawn_at = ?", disk.later(minutes=1))
    disk.spend_time(2)


def _wider_before(disk: Disk) -> None:
    """A notice that allows more was there before the copies, and nobody had accepted it."""
    with disk.house() as house:
        publish_notice(house, template().replace(b'services = ["', b'services = ["Chat", "'), actor="officer")
    disk.sql(None, "UPDATE notices SET published_at = '2020-01-01T00:00:00.000000Z' WHERE version = 2")


def _late_view(disk: Disk) -> None:
    disk.view(tenant=f"'{LEAVES}'", at=f"'{disk.later(hours=1)}'")


def _shift(disk: Disk, place: PlaceName, *columns: str, days: int = 60) -> None:
    """Instants of every copy of a place moved, as a plain UPDATE does it."""
    for identity, *values in disk.ask(place, f"SELECT id, {', '.join(columns)} FROM copies"):
        moved = [format_instant(parse_instant(str(one)) + timedelta(days=days)) for one in values]
        disk.sql(place, f"UPDATE copies SET {', '.join(f'{c} = ?' for c in columns)} WHERE id = ?", *moved, identity)


def _forget_tag(disk: Disk) -> None:
    """Of the first request: a later one may have fewer tags than it named, where an earlier one listed the same."""
    mine = "SELECT id FROM withheld WHERE request = 'req-1' AND tag IS NOT NULL ORDER BY tag LIMIT 1"
    disk.sql(US, f"DELETE FROM withheld WHERE id = ({mine})")


def _exclude(disk: Disk) -> None:
    """The customer had excluded a table before the copy was made; nobody heeded it."""
    with disk.house() as house:
        exclude_table(house, STAYS, "contact", actor="customer")
    leaf = 'CAST(replace(CAST(leaf AS TEXT), \'"at":"20\', \'"at":"19\') AS BLOB)'
    disk.sql(None, f"UPDATE events SET leaf = {leaf} WHERE name = 'tenant.table_excluded'")


Break = Callable[[Disk], object]

# promise → what somebody might do to the room, each of which must turn the row
BREAKS: dict[str, dict[str, Break]] = {
    "P01": {
        "notice reworded": lambda d: d.sql(None, "UPDATE notices SET text = text || '\n# and more'"),
        "notice reworded with its hash": lambda d: d.sql(None, "UPDATE notices SET sha256 = ?", "0" * 64),
        "receipt changed": lambda d: d.rewrite(
            None, "receipts", "document", '"dct:language": "en"', '"dct:language": "de"'
        ),
        "receipt lost": lambda d: d.sql(None, "DELETE FROM receipts WHERE number = 1 AND tenant = ?", LEAVES),
        "copied while a wider notice waited": _wider_before,
    },
    "P02": {
        "read after the end": _late_view,
        "copy before the opt-in": lambda d: d.sql(US, "UPDATE copies SET created_at = '2020-01-01T00:00:00.000000Z'"),
        "copies said to be younger": lambda d: _shift(d, US, "created_at", "sealed_at", "expires_at", "purge_due"),
        "receipts hidden": lambda d: d.sql(None, "DELETE FROM receipts"),
        "engagement revived": lambda d: d.sql(None, "UPDATE engagements SET state = 'active' WHERE tenant = ?", LEAVES),
    },
    "P03": {
        "read after the end": _late_view,
        "certificate forged": lambda d: d.forge(0),
        "certificate lost": lambda d: d.burn(0),
        "object restored": lambda d: d.restore(0),
    },
    "P04": {
        "permission turned": lambda d: d.sql(None, "UPDATE engagements SET contact_ok = NOT contact_ok"),
        "contact hidden": lambda d: d.sql(None, "DELETE FROM contact_register"),
        "contact after the end": lambda d: d.sql(
            None, "UPDATE contact_register SET tenant = ?, at = ?", LEAVES, d.later(days=1)
        ),
        "contact without a trace": lambda d: d.sql(None, "UPDATE contact_register SET at = ?", d.later(days=40)),
    },
    "P06": {
        "certificate lost": lambda d: d.burn(1),
        "certificate forged": lambda d: d.forge(1),
        "object restored": lambda d: d.restore(1),
    },
    "P07": {"notice reworded": lambda d: d.rewrite(None, "notices", "text", "no_charge", "some_charge")},
    "P08": {
        "other terms": lambda d: d.sql(None, "UPDATE feedback SET licence = 'all rights'"),
        "no warranty": lambda d: d.sql(None, "UPDATE feedback SET warranty = ''"),
        "hidden": lambda d: d.sql(None, "DELETE FROM feedback"),
        "put in the giver's mouth": lambda d: d.sql(None, "UPDATE feedback SET id = 'fb-forged'"),
    },
    "P09": {
        "copy claimed": lambda d: d.sql(US, "UPDATE copies SET owner = 'vendor'"),
        "label unclassed": lambda d: d.sql(US, "UPDATE labels SET confidentiality = 'public'"),
        "model given away": lambda d: d.sql(None, "UPDATE models SET owner = 'nobody'"),
    },
    "P10": {
        "event deleted": lambda d: d.sql(US, "DELETE FROM events WHERE name = 'item.viewed'"),
        "event edited": lambda d: d.rewrite(US, "events", "name", "item.viewed", "item.glanced"),
        "view without an event": lambda d: d.view(event="'ev-forged'"),
        "view hidden": lambda d: d.sql(US, "DELETE FROM views"),
        "tile flipped": lambda d: d.flip(next((d.base(US) / "logs" / STAYS / "tile" / "entries").rglob("*.p/*"))),
    },
    "P11": {
        "sealed with an uncleared table": lambda d: d.sealed(
            US, Category.MARKETING, '"table": "msevtmgt_event"', '"table": "salary"'
        ),
        "sealed with an excluded table": _exclude,
        "manifest rewritten": lambda d: d.manifest(US, Category.MARKETING, '"contact"', '"salary"'),
        "another table in a part": lambda d: d.sql(
            US, "UPDATE parts SET table_name = 'salary' WHERE table_name = 'contact'"
        ),
    },
    "P12": {
        "sealed with another store": lambda d: d.sealed(US, Category.QUERY, '"activity-log"', '"dataverse"'),
        "manifest rewritten": lambda d: d.manifest(US, Category.QUERY, '"activity-log"', '"dataverse"'),
    },
    "P13": {
        "sealed with another column": lambda d: d.sealed(SCHEMA, Category.SCHEMA, "ColumnType", "DisplayName"),
        "manifest rewritten": lambda d: d.manifest(SCHEMA, Category.SCHEMA, "ColumnType", "DisplayName"),
        "another table in a part": lambda d: d.sql(SCHEMA, "UPDATE parts SET table_name = 'contact'"),
    },
    "P14": {
        "part replaced": lambda d: d.spoil(US, "data", Category.MARKETING),
        "sealed with hard findings": lambda d: d.sealed(US, Category.QUERY, '"hard": 0', '"hard": 1'),
        "sealed without a treatment": lambda d: d.sealed(
            US, Category.QUERY, '"treatment": "query(auto)"', '"treatment": ""'
        ),
        "sealed with people alone": lambda d: d.sealed(
            US, Category.MARKETING, '"classes": 1, "k_reached": ', '"classes": 2, "k_reached": -'
        ),
        "part and its hash replaced": lambda d: (
            d.spoil(US, "data", Category.QUERY),
            d.sql(US, "UPDATE parts SET sha256 = ?", "0" * 64),
        ),
        "second look left out": lambda d: d.manifest(US, Category.QUERY, '"hard": 0', '"hard": 1'),
        "read from somewhere else": lambda d: d.view(copy="'copy-forged'"),
        "sealed at another time": lambda d: _shift(d, US, "sealed_at", days=-1),
        "items hidden": lambda d: d.sql(US, "DELETE FROM items"),
        "an item hidden": lambda d: d.sql(US, "DELETE FROM items WHERE id = (SELECT max(id) FROM items)"),
        "items shown again": lambda d: d.sql(US, "UPDATE items SET withheld = '' WHERE withheld != ''"),
        "items shown again, counts too": lambda d: (
            d.sql(US, "UPDATE items SET withheld = '' WHERE withheld != ''"),
            d.sql(US, "UPDATE copies SET withheld_items = 0"),
        ),
        "list emptied": lambda d: d.sql(US, "DELETE FROM withheld"),
        "flag lifted": lambda d: d.sql(US, "UPDATE withheld SET lifted_at = since WHERE reason = 'flagged'"),
        "flag dismissed by nobody": lambda d: d.sql(US, "UPDATE flags SET state = 'dismissed'"),
        "flag hidden": lambda d: d.sql(US, "DELETE FROM flags"),
        "fewer items": lambda d: d.sql(US, "UPDATE copies SET items = items - 1"),
    },
    "P15": {
        "object restored": lambda d: d.restore(),
        "certificate lost": lambda d: d.burn(),
        "certificate forged": lambda d: d.forge(),
        "copy hidden": lambda d: d.sql(EU, "DELETE FROM copies"),
        "keys revived": lambda d: d.revive(),
        "life extended": lambda d: d.sql(US, "UPDATE copies SET expires_at = ?", d.later(days=31)),
        "nobody purged": lambda d: d.spend_time(31 * 24),
        "all instants moved": lambda d: _shift(d, US, "created_at", "sealed_at", "expires_at", "purge_due"),
        "beginning moved": lambda d: _shift(d, US, "created_at"),
        "beginning moved by a day": lambda d: _shift(d, US, "created_at", days=1),
        "sealing moved": lambda d: _shift(d, US, "sealed_at"),
        "purge put off": lambda d: _shift(d, US, "purge_due"),
        "end put off": lambda d: _shift(d, US, "expires_at", "purge_due"),
        "keys backed up": lambda d: shutil.copytree(d.keys(EU) / "tenants", d.keys(EU) / "backup"),
        "keys backed up as a file": lambda d: (d.keys(EU) / "tenants" / "keys.tar").write_bytes(b"tar"),
        "keys of no copy": lambda d: shutil.copytree(
            d.keys(US) / "epochs", d.keys(US) / "epochs" / LEAVES, ignore=shutil.ignore_patterns("copy.key")
        ),
        "database backed up": lambda d: (d.base(US) / "db.sqlite.bak").write_bytes(everything(d.root, US)),
        "rows understated": lambda d: d.sql(US, "UPDATE copies SET rows = rows - 1"),
        "said to be refused": lambda d: d.sql(US, "UPDATE copies SET state = 'refused'"),
        "said to be a schema": lambda d: d.sql(US, "UPDATE copies SET category = 'schema' WHERE category = 'query'"),
        "clock turned back": lambda d: d.spend_time(-24),
        "moved and purged late": lambda d: (_shift(d, US, "created_at", "expires_at"), d.spend_time(40 * 24)),
        "worker's key changed": lambda d: d.rewrite(
            EU, "certificates", "document", '"signature": "', '"signature": "A'
        ),
    },
    "P16": {
        "index lost": lambda d: d.lose(US, "tags", Category.MARKETING),
        "links replaced": lambda d: d.spoil(US, "links", Category.MARKETING),
        "index unregistered": lambda d: d.sql(US, "DELETE FROM parts WHERE kind = 'tags'"),
        "key of the index lost": lambda d: d.forget_tag_key(),
        "list emptied": lambda d: d.sql(US, "DELETE FROM withheld"),
        "a tag off the list": _forget_tag,
        "items hidden": lambda d: d.sql(US, "DELETE FROM items"),
        "tag key lost": lambda d: d.key("tags.key").unlink(),
        "tag key cut": lambda d: d.cut("tags.key"),
        "tag key emptied": lambda d: d.key("tags.key").write_bytes(b""),
        "epoch key lost": lambda d: d.key("epoch.key").unlink(),
        "epoch key cut": lambda d: d.cut("epoch.key"),
        "part key cut": lambda d: d.cut("tags-00001*.part"),
    },
    "P17": {
        "copy moved": lambda d: d.sql(US, "UPDATE copies SET place = 'eu' WHERE category = 'query'"),
        "row of another geo": lambda d: d.sql(US, "UPDATE labels SET tenant = ?", LEAVES),
        "stray object": lambda d: d.put(EU, f"{STAYS}/marketing/2026-01-01/copy-1/p-00001.parquet"),
        "geo changed": lambda d: d.sql(None, "UPDATE tenants SET geo = 'EU', place = 'eu' WHERE tenant = ?", STAYS),
    },
    "P18": {
        "object of nobody": lambda d: d.put(US, f"{LEAVES}/query/2026-01-01/copy-1/p-00001.parquet"),
        "row of another tenant": lambda d: d.sql(US, "UPDATE parts SET tenant = ?", LEAVES),
        "epoch key lost": lambda d: d.key("epoch.key").unlink(),
        "epoch key made anew": lambda d: (d.key("epoch.key").unlink(), d.epoch_anew()),
        "copy key cut": lambda d: d.cut("copy.key"),
        "keys in two tenants' folders": lambda d: shutil.copytree(
            d.keys(US) / "epochs" / STAYS, d.keys(US) / "epochs" / LEAVES
        ),
        "object in another's folder": lambda d: d.sql(US, "UPDATE copies SET tenant = ?", LEAVES),
    },
    "P19": {
        "a file beside the objects": lambda d: (d.base(EU) / "contacts.csv").write_text("name"),
        "a link to elsewhere": lambda d: (d.base(US) / "logs.d").symlink_to("/tmp"),  # noqa: S108 - never followed
    },
    "P20": {
        "grants hidden": lambda d: d.sql(None, "DELETE FROM grants"),
        "somebody else's grant": lambda d: d.sql(None, "UPDATE grants SET person = 'person-forged'"),
        "a crowd": lambda d: d.crowd(),
        "grant without approval": lambda d: d.sql(
            None, "UPDATE grants SET id = 'grant-forged' WHERE id = (SELECT min(id) FROM grants)"
        ),
    },
    "P21": {
        "from anywhere": lambda d: d.sql(US, "UPDATE views SET workstation = ''"),
        "before it was enrolled": lambda d: d.sql(None, "UPDATE workstations SET enrolled_at = ?", d.later(hours=1)),
        "somebody else's": lambda d: d.sql(None, "UPDATE workstations SET person = 'person-forged'"),
    },
    "P22": {
        "no reason": lambda d: d.sql(None, "UPDATE grants SET why = ' '"),
        "own approval": lambda d: d.sql(None, "UPDATE grants SET decided_by = person"),
        "endless": lambda d: d.sql(None, "UPDATE grants SET ends_at = ?", d.later(days=20)),
        "another reason": lambda d: d.sql(None, "UPDATE grants SET why = why || ' and more'"),
        "salt of the reason lost": lambda d: d.sql(None, "DELETE FROM event_salts WHERE field = 'why'"),
        "longer hours": lambda d: d.sql(None, "UPDATE grants SET hours = hours + 1"),
        "an hour more": lambda d: d.sql(None, "UPDATE grants SET ends_at = ?", d.later(hours=9)),
        "begun before": lambda d: d.sql(None, "UPDATE grants SET starts_at = '2020-01-01T00:00:00.000000Z'"),
        "another approver": lambda d: d.sql(
            None, "UPDATE grants SET decided_by = (SELECT min(id) FROM people WHERE id NOT IN (decided_by, person))"
        ),
        "never refused": lambda d: d.sql(None, "UPDATE grants SET state = 'denied'"),
        "outside of it": lambda d: d.sql(US, "UPDATE views SET at = ?", d.later(hours=12)),
    },
    "P23": {
        "view for another purpose": lambda d: d.sql(US, "UPDATE views SET purpose = 'advertising'"),
        "grant for another purpose of the notice": lambda d: d.sql(None, "UPDATE grants SET purpose = 'training'"),
        "grant for another category": lambda d: d.sql(None, "UPDATE grants SET category = 'query'"),
        "label for another purpose": lambda d: d.sql(US, "UPDATE labels SET purpose = 'advertising'"),
        "model for another purpose": lambda d: d.sql(None, "UPDATE models SET purpose = 'credit-scoring'"),
    },
    "P24": {
        "life extended": lambda d: d.sql(SCHEMA, "UPDATE copies SET expires_at = ?", d.later(days=366)),
        "nobody purged": lambda d: d.spend_time(366 * 24),
        "copy hidden": lambda d: d.sql(SCHEMA, "DELETE FROM copies"),
        "all instants moved": lambda d: _shift(d, SCHEMA, "created_at", "sealed_at", "expires_at", "purge_due"),
        "beginning moved": lambda d: _shift(d, SCHEMA, "created_at"),
        "kept elsewhere": lambda d: d.sql(SCHEMA, "UPDATE copies SET place = 'us'"),
    },
    "P25": {
        "stray object": lambda d: d.put(SCHEMA, f"{STAYS}/marketing/2026-01-01/copy-1/p-00001.parquet"),
        "another category": lambda d: d.sql(SCHEMA, "UPDATE copies SET category = 'marketing'"),
        "a file beside the objects": lambda d: (d.base(SCHEMA) / "contacts.csv").write_text("name"),
        "a folder beside the objects": lambda d: (d.base(SCHEMA) / "export").mkdir(),
        "mails as items": lambda d: d.sql(SCHEMA, "UPDATE items SET kind = 'mail'"),
    },
    "P26": {
        "sealed with hard findings": lambda d: d.sealed(SCHEMA, Category.SCHEMA, '"hard": 0', '"hard": 1'),
        "sealed with data": lambda d: d.sealed(SCHEMA, Category.SCHEMA, '"store": "schema"', '"store": "dataverse"'),
        "scan rewritten": lambda d: d.manifest(SCHEMA, Category.SCHEMA, "withheld: name of", "passed: name of"),
        "part replaced": lambda d: d.spoil(SCHEMA, "data", Category.SCHEMA),
    },
    "P27": {
        "another employer": lambda d: d.sql(None, "UPDATE people SET employer = 'Elsewhere Example'"),
        "another list on the grant": lambda d: d.sql(None, "UPDATE grants SET list_version = 7"),
        "objection hidden": lambda d: d.sql(None, "DELETE FROM subprocessor_objections"),
        "list edited": lambda d: d.rewrite(None, "subprocessor_lists", "entries", "Contoso", "Fabrikam"),
    },
    "P28": {
        "confirmed by the asserter": lambda d: d.sql(None, "UPDATE facts SET confirmed_by = asserted_by"),
        "fact ended before": lambda d: d.sql(
            None, "UPDATE facts SET until = '2020-01-01T00:00:00.000000Z' WHERE kind = 'training'"
        ),
        "fact prolonged": lambda d: d.sql(None, "UPDATE facts SET until = '2099-01-01T00:00:00.000000Z'"),
        "fact of another kind": lambda d: d.sql(
            None, "UPDATE facts SET kind = CASE kind WHEN 'training' THEN 'agreement' ELSE 'training' END"
        ),
        "fact of another person": lambda d: d.sql(
            None, "UPDATE facts SET person = (SELECT min(id) FROM people WHERE id NOT IN (SELECT person FROM facts))"
        ),
        "confirmed earlier": lambda d: d.sql(None, "UPDATE facts SET confirmed_at = '2020-01-01T00:00:00.000000Z'"),
        "confirmed by somebody else": lambda d: d.sql(None, "UPDATE facts SET confirmed_by = 'person-forged'"),
        "fact missing": lambda d: d.sql(None, "DELETE FROM facts WHERE kind = 'screening'"),
    },
    "P29": {
        "unused grant kept": _idle,
        "lapsed grant kept": _lapsed,
        "fact prolonged": lambda d: d.sql(None, "UPDATE facts SET until = '2099-01-01T00:00:00.000000Z'"),
    },
    "P30": {
        "labels hidden": lambda d: d.sql(US, "DELETE FROM labels"),
        "label without an entry": lambda d: d.sql(US, "UPDATE labels SET id = 'label-' || id"),
        "label without a view": lambda d: d.sql(US, "UPDATE labels SET item = 'item-forged'"),
        "answers turned": lambda d: d.sql(US, "UPDATE labels SET answer = 'spam'"),
        "answers exchanged with their salts lost": lambda d: (
            d.sql(US, "UPDATE labels SET answer = 'spam'"),
            d.sql(US, "DELETE FROM event_salts"),
        ),
        "label of somebody else's": lambda d: d.sql(US, "UPDATE labels SET purpose = 'training'"),
        "label taken back by nobody": lambda d: d.sql(US, "UPDATE labels SET undone_at = at"),
        "tasks hidden": lambda d: d.sql(US, "DELETE FROM tasks"),
        "model from nowhere": lambda d: d.sql(None, "UPDATE models SET id = 'model-forged'"),
    },
    "P31": {
        "file replaced": lambda d: d.flip(d.file("model.bin")),
        "card changed": lambda d: d.file("card.json").write_text(
            d.file("card.json").read_text().replace("vendor", "nobody")
        ),
        "budget lost": lambda d: d.sql(None, "DELETE FROM privacy_ledger"),
        "budget understated": lambda d: d.sql(None, "UPDATE privacy_ledger SET epsilon = 0.1"),
        "overspent": lambda d: d.sql(None, "UPDATE privacy_ledger SET mu = 100"),
        "gate not passed": lambda d: d.rewrite(None, "models", "gate", '"passed": true', '"passed": false'),
        "noise said to be secure": lambda d: d.rewrite(
            None, "models", "record", '"secure_noise": false', '"secure_noise": true'
        ),
        "figures improved": lambda d: d.rewrite(
            None, "models", "record", '"held_out": {', '"held_out": {"perfect": 1.0, '
        ),
        "released earlier": lambda d: d.sql(None, "UPDATE models SET released_at = '2020-01-01T00:00:00.000000Z'"),
        "released by the trainer": lambda d: d.sql(None, "UPDATE models SET released_actor = trained_actor"),
        "model hidden": lambda d: d.sql(None, "DELETE FROM models"),
        "a pickle beside it": lambda d: (d.file("model.bin").parent / "model.pkl").write_bytes(b"\x80\x04."),
    },
    "P34": {
        "answered late": lambda d: d.sql(US, "UPDATE subject_requests SET done_at = ?", d.later(days=40)),
        "receipt forged": lambda d: d.rewrite(US, "subject_requests", "receipt", '"copies": ', '"copies": 1'),
        "receipt lost": lambda d: d.sql(US, "UPDATE subject_requests SET receipt = NULL"),
        "list emptied": lambda d: d.sql(US, "DELETE FROM withheld"),
        "a tag off the list": _forget_tag,
        "suppression lifted": lambda d: d.sql(US, "UPDATE withheld SET lifted_at = since WHERE reason = 'erased'"),
        "another reason": lambda d: d.sql(US, "UPDATE withheld SET reason = 'objected' WHERE reason = 'erased'"),
        "items shown again": lambda d: d.sql(US, "UPDATE items SET withheld = '' WHERE withheld != ''"),
        "items hidden": lambda d: d.sql(US, "DELETE FROM items"),
        "request lost": lambda d: d.sql(US, "DELETE FROM subject_requests"),
        "never answered": lambda d: (
            d.sql(US, "UPDATE subject_requests SET done_at = NULL, state = 'running'"),
            d.spend_time(31 * 24),
        ),
    },
    "P35": {
        "read after the end": _late_view,
        "certificate lost": lambda d: d.burn(1),
        "object restored": lambda d: d.restore(1),
        "certificate not in the log": lambda d: d.sql(EU, "DELETE FROM events WHERE name = 'copy.purged'"),
        "copies said to be later": lambda d: _shift(d, EU, "created_at"),
        "purged at another time": lambda d: _shift(d, EU, "purged_at", days=-1),
        "copy alive": lambda d: (d.sql(EU, "UPDATE copies SET state = 'sealed'"), d.spend_time(48)),
    },
}
CASES = [(promise, what) for promise, breaks in BREAKS.items() for what in breaks]


def test_every_row_that_can_read_kept_has_a_breaking_test() -> None:
    assert set(PROMISES) == set(LOOKS)
    assert set(PROMISES) - NEVER_KEPT <= set(BREAKS)


def test_on_a_room_where_things_happened_everything_is_shown(scene: Path) -> None:
    house = open_house(scene, Role.WEB)
    try:
        rows = promise_table(house)
    finally:
        _close(house)
    assert [row.id for row in rows] == [f"P{number:02d}" for number in range(1, 36)]
    found = {row.id: (row.status, row.evidence) for row in rows}
    for promise, (status, evidence) in found.items():
        wanted = {Status.PARTLY, Status.NOT_YET} if promise in NEVER_KEPT else {Status.KEPT}
        assert status in wanted, f"{promise}: {status}: {evidence}"
    assert found["P33"][0] is Status.NOT_YET


@pytest.mark.parametrize(("promise", "what"), CASES, ids=[f"{promise}: {what}" for promise, what in CASES])
def test_a_broken_enforcement_turns_the_row(scene: Path, tmp_path: Path, promise: str, what: str) -> None:
    disk = Disk(tmp_path / "room")
    copy_room(scene, disk.root)
    BREAKS[promise][what](disk)
    with disk.house() as house:
        found = look(house, promise)
    assert found.status is Status.BROKEN, found.evidence
    # the row itself must tell what is wrong; only a notice that lost a clause cannot be parsed any more
    assert promise == "P07" or "cannot be read" not in found.evidence, found.evidence


@pytest.mark.parametrize("role", [Role.WEB, Role.WORKER])
def test_no_personal_value_stands_in_the_evidence(scene: Path, role: Role) -> None:
    house = open_house(scene, role)
    try:
        text = json.dumps([row.public() for row in promise_table(house)]).casefold()
    finally:
        _close(house)
    for tenant in (STAYS, LEAVES):
        (gold,) = (scene.parent / tenant / "gold").glob("planted*")
        with gzip.open(gold, "rt") if gold.suffix == ".gz" else gold.open() as file:
            values = {row["value"].casefold() for row in csv.DictReader(file) if len(row["value"]) > 5}
        assert [value for value in values if value in text] == []
    assert "example" not in text  # the staff's names, and the administrator's address


def test_an_empty_room_shows_nothing_and_breaks_nothing(tmp_path: Path) -> None:
    init(tmp_path / "room", simulation=True)
    house = open_house(tmp_path / "room", Role.WEB)
    try:
        assert {row.status for row in promise_table(house)} == {Status.NOT_YET}
    finally:
        _close(house)


def test_a_process_that_holds_one_place_says_what_it_does_not_see(scene: Path) -> None:
    house = open_house(scene, Role.WEB, places=[US])
    try:
        assert look(house, "P17").status is Status.PARTLY
        assert look(house, "P25").status is Status.NOT_YET
        assert look(house, "P15").status is Status.KEPT
    finally:
        _close(house)


def test_a_month_later_after_a_letter_nothing_is_broken(scene: Path, tmp_path: Path) -> None:
    disk = Disk(tmp_path / "room")
    copy_room(scene, disk.root)
    with disk.house() as house:
        opt_out(house, STAYS, ADMIN, received=house.clock.now())
    advance(disk.root, timedelta(days=31))
    with disk.house() as house:
        found = {row.id: (row.status, row.evidence) for row in promise_table(house)}
    assert {promise: said for promise, said in found.items() if said[0] is Status.BROKEN} == {}
    assert {found[promise][0] for promise in ("P02", "P03", "P15", "P24", "P29", "P35")} == {Status.KEPT}
    assert found["P15"][1].startswith("0 live copies")
    assert found["P16"][0] is Status.NOT_YET


@pytest.mark.parametrize("confirm", [False, True])
def test_what_the_officer_and_further_requests_do_breaks_nothing(scene: Path, tmp_path: Path, confirm: bool) -> None:
    disk = Disk(tmp_path / "room")
    copy_room(scene, disk.root)
    with disk.house() as house:
        roles = (PersonRole.PRIVACY_OFFICER,)
        officer = add_person(house, "Olga Example", employer=house.settings.vendor, roles=roles, country="US")
        (flag,) = list_flags(house)
        decide_flag(house, flag.id, by=officer.id, confirm=confirm)
    with disk.house(Role.SUBJECTS) as house:
        tenant, (gold,) = get_tenant(house, STAYS), (scene.parent / STAYS / "gold").glob("planted*")
        with gzip.open(gold, "rt") if gold.suffix == ".gz" else gold.open() as file:
            ids = {row["subject_id"]: None for row in csv.DictReader(file) if row["subject_type"] == "contact"}
        for number, one in enumerate([*ids][:4]):  # the first was erased already
            request = RequestId(f"req-again-{number}")
            erase_subject(house, tenant, parse_identifiers(f"record: {one}"), request=request, attested_by="customer")
    assert run_round(disk.root).failed == ()
    with disk.house() as house:
        found = {row.id: (row.status, row.evidence) for row in promise_table(house)}
    assert {promise: said for promise, said in found.items() if said[0] is Status.BROKEN} == {}
