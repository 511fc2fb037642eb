"""A small room on a folder, one process a role, and sealed copies made of fictional rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import readingroom.copies.tables
import readingroom.engagement.tables
from ground import make_databases
from readingroom.anonymize.normalize import subject_tag
from readingroom.anonymize.plans import ColumnPlan, TablePlan
from readingroom.anonymize.tagging import LINKS, TAGS
from readingroom.anonymize.treatments import Action, Treatment
from readingroom.copies import staging
from readingroom.copies.items import ItemMaker
from readingroom.copies.looks import LookFinding, LookResult
from readingroom.copies.part_writer import Writer
from readingroom.copies.records import Copy
from readingroom.copies.rewrite import Rewritten, Withdrawal, withdraw_from_copies
from readingroom.copies.run import run_copy
from readingroom.copies.runner import at_work
from readingroom.copies.withheld import withheld_tags
from readingroom.core.category import Category
from readingroom.core.clock import Clock, FixedClock
from readingroom.core.ids import PlaceName, RoomId, TenantName
from readingroom.core.settings import Limits, PlaceSettings, RoomSettings, load, render
from readingroom.db.addresses import load_database
from readingroom.engagement.notice import publish_notice
from readingroom.engagement.optin import opt_in
from readingroom.engagement.tenants import add_tenant, get_tenant
from readingroom.house import House, Place
from readingroom.keys.keyring import Keyring
from readingroom.keys.roles import Role, RoleKeys
from readingroom.sources import open_sources
from readingroom.stores.local import LocalStore

assert readingroom.copies.tables
assert readingroom.engagement.tables
US, EU, SCHEMA = PlaceName("us"), PlaceName("eu"), PlaceName("schema-us")
TENANT = TenantName("fabrikam")


def room_settings(root: Path) -> RoomSettings:
    return RoomSettings(
        root=root,
        room_id=RoomId("room-0123456789abcdef"),
        name="test",
        vendor="the vendor",
        simulation=True,
        database="",
        geos={"US": US, "EU": EU},
        schema_place=SCHEMA,
        places={name: PlaceSettings(name=name) for name in (US, EU, SCHEMA)},
        limits=Limits(),
        identity_provider={},
    )


@dataclass
class Room:
    """A room on a folder; `open` gives the house of one role."""

    root: Path
    clock: Clock
    opened: list[House] = field(default_factory=list)

    @property
    def settings(self) -> RoomSettings:
        return load(self.root) if (self.root / "room.toml").is_file() else room_settings(self.root)

    def create(self) -> None:
        RoleKeys.create_all(self.root / "roles")
        settings = make_databases(room_settings(self.root))
        if settings.database:  # another process must find them
            (self.root / "room.toml").write_text(render(settings), encoding="utf-8")
        for name in (US, EU, SCHEMA):
            home = self.root / "places" / name
            (home / "logs").mkdir()
            LocalStore.create(home / "objects")
            Keyring.create(home / "keyring", name)

    def open(self, role: Role) -> House:
        keys = RoleKeys.load(self.root / "roles", role)
        places = {}
        for name in (US, EU, SCHEMA):
            home = self.root / "places" / name
            places[name] = Place(
                name=name,
                db=load_database(self.settings, name, role),
                store=LocalStore.load(home / "objects"),
                keyring=Keyring.load(home / "keyring", name, keys),
                logs=home / "logs",
            )
        house = House(
            settings=self.settings,
            role=role,
            keys=keys,
            clock=self.clock,
            db=load_database(self.settings, None, role),
            logs=self.root / "room" / "log",
            places=places,
        )
        self.opened.append(house)
        return house

    def close(self) -> None:
        for house in self.opened:
            house.db.close()
            for place in house.places.values():
                place.db.close()

    def engage(self, tenant: str, *, geo: str, connection: Mapping[str, str]) -> None:
        web = self.open(Role.WEB)
        publish_notice(web, actor="privacy")
        add_tenant(web, tenant, geo=geo, connection=connection, actor="customer")
        opt_in(web, tenant, "admin@customer.example")

    def bytes_of(self, needle: bytes) -> list[str]:
        """Every file of the room that holds `needle`."""
        files = (path for path in self.root.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.root)) for path in files if needle in path.read_bytes())


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 1, 6, 0, tzinfo=UTC))


@pytest.fixture
def room(tmp_path: Path, clock: FixedClock) -> Iterator[Room]:
    made = Room(tmp_path / "room", clock)
    made.root.mkdir()
    made.create()
    source = tmp_path / "source"
    source.mkdir()
    made.engage(TENANT, geo="US", connection={"synapse": str(source)})
    yield made
    made.close()


def mail_plan() -> TablePlan:
    text = Treatment(Action.TEXT)
    columns = (
        ColumnPlan("mailid", Treatment(Action.PSEUDONYM, "record"), "shipped", "guid", "record", "row"),
        ColumnPlan("subject", text, "shipped", "string"),
        ColumnPlan("body", text, "shipped", "string"),
    )
    return TablePlan("mail", "dataverse", allowed=True, columns=columns, record="mailid", item_kind="mail")


def contact_plan() -> TablePlan:
    columns = (ColumnPlan("contactid", Treatment(Action.PSEUDONYM, "contact"), "shipped", "guid", "record", "row"),)
    return TablePlan("contact", "dataverse", allowed=True, columns=columns, record="contactid", person="contact")


@dataclass
class Staged:
    """A copy being made by hand: what the engine would hand over, without the engine."""

    house: House
    copy: Copy
    writer: Writer
    key: bytes

    def tag(self, kind: str, value: str) -> bytes:
        return subject_tag(self.key, kind, value)

    def mails(self, mails: Sequence[tuple[str, str, Sequence[tuple[int, int, str]]]]) -> None:
        """Mails (id, body, spans (start, end, name in the body))."""
        rows = [{"mailid": f"record_{name}", "subject": "hello", "body": body} for name, body, _ in mails]
        tags: list[dict[str, Any]] = []
        for row, (name, _, spans) in enumerate(mails):
            whole = {"row": row, "column": "", "start": -1, "end": -1}
            tags.append({**whole, "kind": "record", "tag": self.tag("record", name), "role": "record"})
            for start, end, person in spans:
                span = {"row": row, "column": "body", "start": start, "end": end}
                tags.append({**span, "kind": "name", "tag": self.tag("name", person), "role": "span"})
        schema = pa.schema([(name, pa.large_string()) for name in ("mailid", "subject", "body")])
        batch = pa.RecordBatch.from_pylist(rows, schema=schema)
        self.writer.start(mail_plan())
        self.writer.add(batch, pa.Table.from_pylist(tags, schema=TAGS), suspicious=np.zeros(0, np.int64))

    def contacts(self, names: Sequence[str]) -> None:
        """One contact a name, with links from its id to its name and e-mail."""
        rows = [{"contactid": f"contact_{number}"} for number, _ in enumerate(names)]
        tags = [
            {
                "row": n,
                "column": "",
                "start": -1,
                "end": -1,
                "kind": "record",
                "tag": self.tag("record", f"c{n}"),
                "role": "row",
            }
            for n, _ in enumerate(names)
        ]
        links = []
        for number, name in enumerate(names):
            person = self.tag("record", f"c{number}")
            links.append({"person": person, "kind": "record", "tag": person})
            links.append({"person": person, "kind": "name", "tag": self.tag("name", name)})
        self.writer.start(contact_plan())
        batch = pa.RecordBatch.from_pylist(rows, schema=pa.schema([("contactid", pa.large_string())]))
        self.writer.add(batch, pa.Table.from_pylist(tags, schema=TAGS), suspicious=np.zeros(0, np.int64))
        self.writer.add_links(pa.Table.from_pylist(links, schema=LINKS))

    def seal(self) -> Copy:
        self.writer.finish()
        with self.house.place(self.copy.place).db.read(self.copy.tenant) as connection:
            withheld = withheld_tags(connection, self.copy.tenant)
        return staging.seal(self.house, self.copy, {"made": "by hand"}, withheld=withheld)


Stage = Callable[[House], Staged]


def stage_copy(house: House, category: Category = Category.MARKETING) -> Staged:
    copy = staging.begin(house, US, TENANT, category=category, actor="worker")
    keyring = house.place(US).keyring
    keyring.create_copy(copy.id, TENANT, copy.category.retention_class, copy.day)
    keyring.create_tenant_keys(TENANT)
    key = keyring.tag_key(TENANT)
    return Staged(house, copy, Writer(house, copy, ItemMaker(copy, record_key=key)), key)


@contextmanager
def staged_copy(house: House, category: Category = Category.MARKETING) -> Iterator[Staged]:
    staged = stage_copy(house, category)
    with at_work(staged.copy.id):
        yield staged


MAILS = (
    ("m1", "Dear Ada Example, see you", [(5, 16, "ada example")]),
    ("m2", "Bob Sample wrote to Ada Example today", [(0, 10, "bob sample"), (20, 31, "ada example")]),
    ("m3", "nobody here", []),
)


@pytest.fixture
def sealed(room: Room) -> Staged:
    """A sealed copy with three mails and two contacts, Ada Example and Bob Sample."""
    with staged_copy(room.open(Role.COPY)) as staged:
        staged.contacts(["ada example", "bob sample"])
        staged.mails(MAILS)
        staged.copy = staged.seal()
    return staged


@pytest.fixture
def another() -> Callable[..., Any]:
    """`with another(house, category) as staged`: a further copy, made by hand."""
    return staged_copy


CONTACT = {
    "contactid": "guid",
    "firstname": "string",
    "lastname": "string",
    "fullname": "string",
    "emailaddress1": "string",
    "telephone1": "string",
}
MAIL = {
    "msdyncrm_marketingemailid": "guid",
    "msdyncrm_name": "string",
    "msdyncrm_subject": "string",
    "msdyncrm_emailbody": "string",
}
PEOPLE = (("Adalgisa", "Exemplaria"), ("Boromir", "Samplewick"), ("Cunegund", "Specimenta"))
RAW = ("Exemplaria", "Samplewick", "Specimenta", "@fabrikam.example", "202-555-01")


def guid(table: int, number: int) -> str:
    return f"{table:08x}-0000-4000-8000-{number:012x}"


@dataclass
class Export:
    """A Synapse Link export of a fictional tenant; written anew by `write`."""

    folder: Path
    contacts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    mails: dict[str, tuple[str, ...]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)

    def fill(self, *, mails: int = 12) -> None:
        for number, (first, last) in enumerate(PEOPLE):
            address = f"{first}.{last}@fabrikam.example".lower()
            full = f"{first} {last}"
            self.contacts[guid(1, number)] = (first, last, full, address, f"(202) 555-01{number:02d}")
        for number in range(mails):
            first, last = PEOPLE[number % len(PEOPLE)]
            body = f"<html><body><p>Dear {first} {last}, the meeting is on Monday. Number {number}.</p></body></html>"
            self.mails[guid(2, number)] = (f"news {number}", "the news of the week", body)
        self.write()

    def write(self) -> None:
        entities = []
        for table, columns, rows in (
            ("contact", CONTACT, self.contacts),
            ("msdyncrm_marketingemail", MAIL, self.mails),
        ):
            types = {"Id": "guid", "SinkCreatedOn": "dateTime", "SinkModifiedOn": "dateTime", **columns}
            types |= {"versionnumber": "int64", "createdon": "dateTimeOffset", "IsDelete": "boolean"}
            location = f"https://x.dfs.core.windows.net/dataverse-prod-fabrikam/{table}/2026-05.csv"
            entity = {"$type": "LocalEntity", "name": table, "description": table, "annotations": []}
            entity["attributes"] = [{"name": name, "dataType": kind} for name, kind in types.items()]
            entity["partitions"] = [{"name": "2026-05", "location": location}]
            entities.append(entity)
            path = self.folder / table / "2026-05.csv"
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text("".join(self._lines(rows)), encoding="utf-8", newline="")
        model = {"name": "cdm", "description": "cdm", "version": "1.0", "entities": entities}
        (self.folder / "model.json").write_text(json.dumps(model), encoding="utf-8")

    def _lines(self, rows: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
        version = 1_000_000
        for identity, cells in rows.items():
            for gone in (False, True) if identity in self.deleted else (False,):
                version += 1
                sink = f'"5/3/2026 9:{version % 60:02d}:58 AM"'
                body = ",".join("" if gone else f'"{cell}"' for cell in cells)
                flag = "True" if gone else ""
                created = '"2026-05-03T09:30:00.0000000+00:00"'
                yield f"{identity},{sink},{sink},{identity},{body},{version},{created},{flag}\n"


@pytest.fixture
def export(tmp_path: Path) -> Export:
    made = Export(tmp_path / "source")
    made.folder.mkdir(exist_ok=True)
    made.fill()
    return made


class Quiet:
    """A second look that sees nothing: for tests of everything else."""

    def learn(self, *_: object) -> None:
        pass

    def check(self, *_: object) -> LookResult:
        return LookResult()


class Alarmed:
    """A second look that finds something in every mail."""

    def learn(self, *_: object) -> None:
        pass

    def check(self, table: str, _batch: pa.RecordBatch) -> LookResult:
        if table == "contact":
            return LookResult()
        return LookResult(hard=(LookFinding(table, "msdyncrm_emailbody", "email", 2),))


def erase_first(house: House) -> tuple[Rewritten, ...]:
    """Erase the first contact of the export from every live copy."""
    tag = subject_tag(house.place(US).keyring.tag_key(TENANT), "record", guid(1, 0))
    return withdraw_from_copies(house, TENANT, Withdrawal(tags=frozenset({tag}), request="req-1"))


def copy_now(house: House, category: Category = Category.MARKETING, make_look: Callable[[], Any] = Quiet) -> str:
    """Run a copy of the fictional tenant from its export."""
    tenant = get_tenant(house, TENANT)
    return run_copy(
        house,
        tenant=tenant,
        category=category,
        open_sources=lambda now: open_sources(tenant.connection, now),
        actor="worker",
        make_look=make_look,
    )


@pytest.fixture
def run() -> Callable[..., str]:
    """`run(house, category, make_look)`: a copy run over the fictional export."""
    return copy_now


@pytest.fixture
def alarmed() -> type[Alarmed]:
    return Alarmed


@pytest.fixture
def erase() -> Callable[[House], tuple[Rewritten, ...]]:
    return erase_first
