"""Which process may touch what: by place and by role, through the product's own functions (P16-P18, P24, P25)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ground import copy_room, wanted
from readingroom import bootstrap
from readingroom.bootstrap import open_house
from readingroom.copies.opening import open_part
from readingroom.copies.purge import purge_copy
from readingroom.copies.reader import read_rows
from readingroom.copies.records import Copy, get_copy, list_copies, list_parts
from readingroom.copies.recover import recover
from readingroom.copies.rewrite import Withdrawal, withdraw_from_copies
from readingroom.copies.run import run_copy
from readingroom.copies.states import CopyState
from readingroom.copies.tables import PartKind
from readingroom.core.category import Category
from readingroom.core.clock import SystemClock
from readingroom.core.errors import DatabaseFault, KeyFault, ReadingroomError, Refusal, UnknownName, UsageError
from readingroom.core.ids import CopyId, PartName, PlaceName, RequestId, TenantName
from readingroom.core.settings import load
from readingroom.engagement.notice import publish_notice
from readingroom.engagement.optin import opt_in
from readingroom.engagement.tenants import Tenant, add_tenant, get_tenant
from readingroom.house import House
from readingroom.keys.roles import Role
from readingroom.simulation.fiction import Size, write_tenant
from readingroom.sources import SourceSet, open_sources
from readingroom.subjects.erase import erase_subject
from readingroom.subjects.find import find_subject
from readingroom.subjects.identifiers import parse_identifiers

US, EU, SCHEMA = PlaceName("us"), PlaceName("eu"), PlaceName("schema-us")
HARBOR, LINDEN = TenantName("harbor"), TenantName("linden")  # US and EU
SOMEBODY = parse_identifiers("email: ada@nowhere.example")


@contextmanager
def process(root: Path, role: Role, *places: PlaceName) -> Iterator[House]:
    """One process of `role` that holds `places`, or all."""
    house = open_house(root, role, places=places or None)
    try:
        yield house
    finally:
        for database in (house.db, *(place.db for place in house.places.values())):
            database.close()


def sources_of(tenant: Tenant) -> Callable[[datetime], SourceSet]:
    return lambda now: open_sources(tenant.connection, now)


def copy_of(house: House, name: TenantName, category: Category = Category.MARKETING) -> CopyId:
    tenant = get_tenant(house, name)
    opening = sources_of(tenant)
    return run_copy(house, tenant=tenant, category=category, open_sources=opening, actor="operator")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A room with a tenant of each geo, opted in, a marketing copy of each and a schema copy of the American one."""
    home = tmp_path_factory.mktemp("places")
    made = home / "room"
    bootstrap.init(made, simulation=True)
    as_of = SystemClock().now().astimezone(UTC) - timedelta(days=1)
    size = Size(contacts=10, leads=2, users=3, mails=6, records=4)
    with process(made, Role.WEB) as web:
        publish_notice(web, actor="operator")
        for name, geo in ((HARBOR, "US"), (LINDEN, "EU")):
            connection = write_tenant(home / name, name, seed=5, geo=geo, as_of=as_of, size=size)
            add_tenant(web, name, geo=geo, connection=connection, actor="operator")
            opt_in(web, name, f"admin@{name}.example")
    with process(made, Role.COPY) as house:
        for name in (HARBOR, LINDEN):
            copy_of(house, name)
        copy_of(house, HARBOR, Category.SCHEMA)
    return made


@pytest.fixture
def opened(root: Path) -> Iterator[Callable[..., House]]:
    """`opened(role, *places)`: a process for this test."""
    with ExitStack() as stack:
        yield lambda role, *places: stack.enter_context(process(root, role, *places))


def marketing(house: House, tenant: TenantName) -> Copy:
    return next(copy for copy in list_copies(house) if copy.tenant == tenant and copy.category is Category.MARKETING)


# places


def test_each_copy_is_in_the_place_of_its_geo(opened: Callable[..., House]) -> None:
    worker = opened(Role.WORKER)
    where = {(copy.tenant, copy.category): copy.place for copy in list_copies(worker)}
    assert where == {(HARBOR, "marketing"): US, (LINDEN, "marketing"): EU, (HARBOR, "schema"): SCHEMA}
    assert {path.split("/")[0] for path in worker.place(US).store.list("")} == {HARBOR}
    assert {path.split("/")[0] for path in worker.place(EU).store.list("")} == {LINDEN}


@pytest.mark.parametrize("role", list(Role))
def test_a_european_process_holds_no_american_place(opened: Callable[..., House], role: Role) -> None:
    house = opened(role, EU, SCHEMA)
    assert set(house.places) == {EU, SCHEMA}
    with pytest.raises(UsageError, match="does not hold"):
        house.place(US)
    with pytest.raises(UnknownName):
        house.place(PlaceName("moon"))
    assert {copy.place for copy in list_copies(house)} <= {EU, SCHEMA}


def test_a_european_process_reads_nothing_american(root: Path, opened: Callable[..., House]) -> None:
    with process(root, Role.WEB) as everywhere:
        american = marketing(everywhere, HARBOR)
        part = list_parts(everywhere, american)[0].name
        assert read_rows(everywhere, american, part).num_rows > 0
    web = opened(Role.WEB, EU, SCHEMA)
    with pytest.raises(UnknownName):
        get_copy(web, american.id)
    with pytest.raises(UsageError):
        read_rows(web, american, part)
    with pytest.raises(UsageError):
        list_parts(web, american)
    own = marketing(web, LINDEN)
    assert read_rows(web, own, list_parts(web, own)[0].name).num_rows > 0


def test_a_european_process_copies_purges_and_erases_nothing_american(opened: Callable[..., House]) -> None:
    american = marketing(opened(Role.WORKER), HARBOR)
    with pytest.raises(UsageError):
        copy_of(opened(Role.COPY, EU, SCHEMA), HARBOR)
    with pytest.raises(UnknownName):
        purge_copy(opened(Role.WORKER, EU, SCHEMA), american.id, "test")
    subjects = opened(Role.SUBJECTS, EU, SCHEMA)
    with pytest.raises(UsageError):
        find_subject(subjects, get_tenant(subjects, HARBOR), SOMEBODY, request=RequestId("r-1"), attested_by="customer")
    assert get_copy(opened(Role.WORKER), american.id).state is CopyState.SEALED


def test_a_recovery_in_europe_leaves_america_alone(opened: Callable[..., House]) -> None:
    worker = opened(Role.WORKER)
    before = (list(worker.place(US).store.list("")), worker.place(US).keyring.list_copies())
    recover(opened(Role.WORKER, EU, SCHEMA))
    assert (list(worker.place(US).store.list("")), worker.place(US).keyring.list_copies()) == before


def test_a_write_only_schema_place_takes_and_gives_nothing_back(root: Path, tmp_path: Path) -> None:
    room = tmp_path / "room"
    copy_room(root, room)
    text = (room / "room.toml").read_text(encoding="utf-8")
    head, mark, tail = text.partition("[places.schema-us]")
    (room / "room.toml").write_text(head + mark + tail.replace("write_only = false", "write_only = true", 1), "utf-8")
    assert load(room).places[SCHEMA].write_only
    with process(room, Role.COPY, EU, SCHEMA) as house:
        copy = get_copy(house, copy_of(house, LINDEN, Category.SCHEMA))
        assert (copy.place, copy.state) == (SCHEMA, CopyState.SEALED)
        store = house.place(SCHEMA).store
        path = list_parts(house, copy)[0].path
        for read in (lambda: store.get(path), lambda: list(store.list("")), lambda: store.size(path)):
            with pytest.raises(Refusal, match="P25"):
                read()
        with pytest.raises(Refusal):
            open_part(house, copy, list_parts(house, copy)[0])
    with process(room, Role.WEB, EU, SCHEMA) as house, pytest.raises(ReadingroomError):
        read_rows(house, copy, PartName("p-00001"))
    with process(root, Role.WEB, US, SCHEMA) as house:  # where reading is right, it works
        own = next(copy for copy in list_copies(house) if copy.category is Category.SCHEMA)
        assert read_rows(house, own, list_parts(house, own)[0].name).num_rows > 0


# roles


def parts_of(house: House, copy: Copy, kind: PartKind) -> list[PartName]:
    return [part.key for part in list_parts(house, copy, kind=kind)]


@pytest.mark.parametrize(
    ("role", "data", "tags"),
    [(Role.COPY, True, True), (Role.WEB, True, False), (Role.SUBJECTS, True, True), (Role.WORKER, False, False)],
)
def test_which_role_opens_which_keys(opened: Callable[..., House], role: Role, *, data: bool, tags: bool) -> None:
    house = opened(role)
    copy = marketing(house, HARBOR)
    keyring = house.place(US).keyring
    for kind, may in ((PartKind.DATA, data), (PartKind.TAGS, tags), (PartKind.LINKS, tags)):
        keys = parts_of(house, copy, kind)
        assert keys
        for key in keys:
            if may:
                assert len(keyring.part_key(copy.id, key)) == 32
            else:
                with pytest.raises(KeyFault):
                    keyring.part_key(copy.id, key)
    if tags:
        assert len(keyring.tag_key(HARBOR)) == 32
    else:
        with pytest.raises(KeyFault):
            keyring.tag_key(HARBOR)


@pytest.mark.parametrize("role", [Role.WEB, Role.SUBJECTS, Role.WORKER])
def test_only_the_copy_process_opens_pseudonyms_and_makes_copies(opened: Callable[..., House], role: Role) -> None:
    house = opened(role)
    copy = marketing(house, HARBOR)
    with pytest.raises(KeyFault):
        house.place(US).keyring.pseudonym_key(HARBOR, copy.day)
    with pytest.raises(KeyFault, match="makes no copies"):
        copy_of(house, HARBOR)
    with pytest.raises(KeyFault):
        house.place(US).keyring.create_copy(CopyId("copy-x"), HARBOR, "data", copy.day)


def test_the_web_process_reads_no_tag_part(opened: Callable[..., House]) -> None:
    web = opened(Role.WEB)
    copy = marketing(web, HARBOR)
    for kind in (PartKind.TAGS, PartKind.LINKS):
        for part in list_parts(web, copy, kind=kind):
            with pytest.raises(KeyFault):
                open_part(web, copy, part)
            with pytest.raises(ReadingroomError):
                read_rows(web, copy, part.name)


@pytest.mark.parametrize("role", [Role.COPY, Role.WEB, Role.SUBJECTS])
def test_only_the_worker_purges(opened: Callable[..., House], role: Role) -> None:
    house = opened(role)
    copy = marketing(house, HARBOR)
    with pytest.raises(KeyFault, match="does not purge"):
        purge_copy(house, copy.id, "test")
    assert get_copy(house, copy.id).purge_started_at is None


@pytest.mark.parametrize("role", [Role.WEB])
def test_the_web_process_destroys_nothing(opened: Callable[..., House], role: Role) -> None:
    house = opened(role)
    copy = marketing(house, HARBOR)
    keyring = house.place(US).keyring
    for destroy in (
        lambda: keyring.destroy_copy(copy.id),
        lambda: keyring.destroy_part(copy.id, PartName("p-00001")),
        lambda: keyring.destroy_tenant_keys(HARBOR),
        keyring.sweep,
        lambda: recover(house),
    ):
        with pytest.raises(KeyFault):
            destroy()
    assert keyring.copy_exists(copy.id)


@pytest.mark.parametrize("role", [Role.COPY, Role.WEB, Role.WORKER])
def test_only_the_subjects_process_finds_and_erases(opened: Callable[..., House], role: Role) -> None:
    house = opened(role)
    tenant = get_tenant(house, HARBOR)
    request = RequestId("r-role")
    with pytest.raises(KeyFault):
        find_subject(house, tenant, SOMEBODY, request=request, attested_by="customer")
    with pytest.raises(KeyFault):
        erase_subject(house, tenant, SOMEBODY, request=request, attested_by="customer")
    with pytest.raises(KeyFault):
        withdraw_from_copies(house, HARBOR, Withdrawal(tags=frozenset({bytes(16)})))


@pytest.mark.parametrize("role", [Role.COPY, Role.WEB, Role.SUBJECTS])
def test_only_the_worker_signs_the_log(opened: Callable[..., House], role: Role) -> None:
    from readingroom.audit.sequencer import sequence_all

    # the login of `copy` may not even read the register of the room
    with pytest.raises(DatabaseFault if wanted() and role is Role.COPY else KeyFault):
        sequence_all(opened(role))


def test_no_process_holds_the_private_keys_of_another(root: Path, tmp_path: Path) -> None:
    """With the other roles' files gone, each role opens the room and works on."""
    for role in Role:
        room = tmp_path / role
        copy_room(root, room)
        for other in Role:
            if other is not role:
                (room / "roles" / f"{other}.json").unlink()
        with process(room, role) as house:
            assert list_copies(house)
        for other in Role:
            if other is not role:
                with pytest.raises(KeyFault):
                    open_house(room, other)


def test_one_place_opens_no_part_of_another(opened: Callable[..., House]) -> None:
    """A copy's keys and parts are bound to their place: carried elsewhere they stay shut."""
    house = opened(Role.COPY)
    copy = marketing(house, HARBOR)
    key = parts_of(house, copy, PartKind.DATA)[0]
    with pytest.raises(KeyFault):
        house.place(EU).keyring.part_key(copy.id, key)
    with pytest.raises(KeyFault):
        house.place(EU).keyring.tag_key(HARBOR)
