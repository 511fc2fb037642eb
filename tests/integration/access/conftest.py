"""A room with one tenant opted in, one sealed copy of made-up mails, and eligible people: for access and review."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import select

import readingroom.review.tables
from ground import make_databases
from readingroom.access.facts import FactKind, assert_fact, confirm_fact
from readingroom.access.grants import Grant, Wish, approve_grant, request_access
from readingroom.access.people import Person, PersonRole, add_person
from readingroom.access.workstations import Workstation, enrol_workstation
from readingroom.audit.tables import PLACE_EVENTS
from readingroom.copies import staging
from readingroom.copies.part_names import ROW, draft_part, seal_context
from readingroom.copies.records import Copy, Item, list_items
from readingroom.copies.seal import write_part
from readingroom.copies.tables import PartKind
from readingroom.core.canonical import parse_object
from readingroom.core.category import Category
from readingroom.core.clock import FixedClock
from readingroom.core.ids import ItemId, PersonId, PlaceName, RoomId, TenantName, WorkstationId, new_id
from readingroom.core.settings import Limits, PlaceSettings, RoomSettings
from readingroom.db.addresses import load_database
from readingroom.db.engines import EVERY_TENANT, Database
from readingroom.engagement.notice import publish_notice
from readingroom.engagement.optin import opt_in
from readingroom.engagement.tenants import add_tenant
from readingroom.house import House, Place
from readingroom.keys.keyring import Keyring
from readingroom.keys.roles import Role, RoleKeys
from readingroom.stores.local import LocalStore

ACME = TenantName("acme")
US, SCHEMA_US = PlaceName("us"), PlaceName("schema-us")
VENDOR = "Vendor Example"
REVIEW = "review"
TABLES = readingroom.review.tables  # imported for the tables it defines


@dataclass
class Stage:
    """What a test acts on: the same room opened in several roles, and short ways to arrange people and copies."""

    web: House
    copy: House
    subjects: House
    worker: House
    clock: FixedClock
    people: dict[str, Person] = field(default_factory=dict)
    workstations: dict[str, Workstation] = field(default_factory=dict)

    def person(self, name: str, *roles: PersonRole, employer: str = VENDOR) -> PersonId:
        """Somebody with no facts."""
        if name not in self.people:
            chosen = roles or (PersonRole.REVIEWER,)
            self.people[name] = add_person(self.web, name, employer=employer, roles=chosen, country="US")
        return self.people[name].id

    def eligible(self, name: str, *roles: PersonRole, employer: str = VENDOR) -> PersonId:
        """Somebody with every fact, for a year, and a workstation."""
        person = self.person(name, *roles, employer=employer)
        asserter, confirmer = self.person("Vera Example"), self.person("Walter Example")
        until = self.clock.now() + timedelta(days=365)
        for kind in FactKind:
            fact = assert_fact(self.web, person, kind, until=until, by=asserter)
            confirm_fact(self.web, fact.id, by=confirmer)
        enrolment = enrol_workstation(self.web, f"ws-{len(self.workstations) + 1}", person=person)
        self.workstations[name] = enrolment.workstation
        return person

    def station(self, name: str) -> WorkstationId:
        """That person's workstation."""
        return self.workstations[name].id

    def grant(
        self, name: str, *, purpose: str = REVIEW, hours: int = 8, category: Category = Category.MARKETING
    ) -> Grant:
        """An approved grant."""
        wish = Wish(ACME, category, purpose, hours, "labels for the spam checker")
        approver = self.person("Otto Example", PersonRole.APPROVER)
        return approve_grant(self.web, request_access(self.web, self.person(name), wish).id, by=approver)

    def reviewer(self, name: str) -> PersonId:
        """Somebody who may look at items now."""
        person = self.eligible(name)
        self.grant(name)
        return person

    def mails(self, texts: Sequence[str], *, twins: Mapping[int, bytes] | None = None) -> Copy:
        """A sealed marketing copy with these mails."""
        house, keyring = self.copy, self.copy.place(US).keyring
        copy = staging.begin(house, US, ACME, category=Category.MARKETING, actor="copy")
        keyring.create_copy(copy.id, ACME, Category.MARKETING.retention_class, copy.day)
        draft = draft_part(copy, PartKind.DATA, 1)
        rows = list(range(10, 10 + len(texts)))
        subjects = [f"Subject {number}" for number in rows]
        table = pa.table({ROW: pa.array(rows, pa.int64()), "subject": subjects, "description": list(texts)})
        staging.register_parts(house, copy, [draft])
        data = write_part(table, keyring.new_part_key(copy.id, draft.key), seal_context(copy, draft))
        house.place(US).store.put(draft.path, data)
        sha256 = hashlib.sha256(data).hexdigest()
        written = staging.Written(draft, "email", len(texts), len(data), sha256)
        items = [self._item(copy, draft.name, row, twin=(twins or {}).get(at, b"")) for at, row in enumerate(rows)]
        staging.record_parts(house, copy, [written], items=items)
        return staging.seal(house, copy, {}, withheld=frozenset())

    def items(self, copy: Copy) -> tuple[Item, ...]:
        """The items of a copy, in order of rows."""
        return list_items(self.web, copy)

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """The leaves of the place's events, oldest first, of one name or all."""
        with self.web.place(US).db.read(EVERY_TENANT) as connection:
            leaves = connection.execute(select(PLACE_EVENTS.c.leaf).order_by(PLACE_EVENTS.c.number)).scalars().all()
        found = [dict(parse_object(leaf, what="a leaf")) for leaf in leaves]
        return [leaf for leaf in found if not name or leaf["name"] == name]

    @staticmethod
    def _item(copy: Copy, part: str, row: int, *, twin: bytes) -> dict[str, Any]:
        base = {"id": ItemId(new_id("item")), "copy": copy.id, "tenant": ACME, "part": part, "row": row}
        return {**base, "kind": "mail", "table_name": "email", "withheld": "", "twin": twin, "record": b""}


MakeStage = Callable[..., Stage]


@pytest.fixture
def make_stage(tmp_path: Path, clock: FixedClock) -> Iterator[MakeStage]:
    """Makes the room; `limits` and `simulation` may be given."""
    made: list[Database] = []

    def make(*, limits: Limits | None = None, simulation: bool = True) -> Stage:
        places = {name: PlaceSettings(name=name) for name in (US, SCHEMA_US)}
        settings = RoomSettings(
            root=tmp_path,
            room_id=RoomId("room-1"),
            name="test",
            vendor=VENDOR,
            simulation=simulation,
            database="",
            geos={"US": US},
            schema_place=SCHEMA_US,
            places=places,
            limits=limits or Limits(),
            identity_provider={},
        )
        RoleKeys.create_all(tmp_path / "roles")
        settings = make_databases(settings)
        for name in places:
            LocalStore.create(tmp_path / name / "objects")
            Keyring.create(tmp_path / name / "keyring", name)
            (tmp_path / name / "logs").mkdir()

        def opened(role: Role) -> House:
            room = load_database(settings, None, role)
            dbs = {name: load_database(settings, name, role) for name in places}
            made.extend((room, *dbs.values()))
            keys = RoleKeys.load(tmp_path / "roles", role)
            held = {
                name: Place(
                    name=name,
                    db=dbs[name],
                    store=LocalStore.load(tmp_path / name / "objects"),
                    keyring=Keyring.load(tmp_path / name / "keyring", name, keys),
                    logs=tmp_path / name / "logs",
                )
                for name in places
            }
            logs = tmp_path / "log"
            return House(settings=settings, role=role, keys=keys, clock=clock, db=room, logs=logs, places=held)

        stage = Stage(opened(Role.WEB), opened(Role.COPY), opened(Role.SUBJECTS), opened(Role.WORKER), clock)
        publish_notice(stage.web, actor="officer")
        add_tenant(stage.web, ACME, geo="US", connection={"synapse": "data/acme"}, actor="officer")
        opt_in(stage.web, ACME, "admin@customer.example")
        return stage

    yield make
    for database in made:
        database.close()


@pytest.fixture
def stage(make_stage: MakeStage) -> Stage:
    """A simulation room with the usual limits."""
    return make_stage()
