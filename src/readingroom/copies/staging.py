"""The acts of a copy run on the place's database, each one transaction with its event (rule 5).

Rule 4: an object is registered before its first byte is written.
P02: the state of the engagement is read inside every one of these transactions, the sealing one included.
P18: one running copy per tenant and category; the database itself admits no second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.copies import retention
from readingroom.copies.part_names import Draft
from readingroom.copies.records import Copy, read_copy
from readingroom.copies.runner import is_alive, this_process
from readingroom.copies.states import CopyState, check_transition
from readingroom.copies.tables import COPIES, ITEMS, OBJECTS, PARTS, ObjectState, PartKind
from readingroom.copies.withheld import withheld_tags
from readingroom.core.canonical import digest
from readingroom.core.category import Category
from readingroom.core.errors import CopyRefused, Fault, UnknownName, WrongState
from readingroom.core.ids import CopyId, PlaceName, TenantName, new_id
from readingroom.engagement.mirror import check_mirror_may_copy, mirror_state
from readingroom.house import House

ITEM_ROWS = 1000  # items inserted by one statement
LIST_CHANGED = ("withheld list changed",)  # why a copy is refused that another run can make


@dataclass(frozen=True)
class Written:
    """A part whose bytes are in the store."""

    draft: Draft
    table: str
    rows: int
    bytes: int
    sha256: str


def begin(house: House, place: PlaceName, tenant: TenantName, *, category: Category, actor: str) -> Copy:
    """Open a staging copy, if the engagement is in force there and no other run is alive."""
    where = house.place(place)
    copy = CopyId(new_id("copy"))
    with unit_of_work(where.db, tenant, house.clock) as unit:
        notice = check_in_force(unit, tenant)
        _check_alone(unit, tenant, category)
        life = retention.window(unit.at, category, limits=house.settings.limits)
        row = {"id": copy, "tenant": tenant, "category": category.value, "place": place, "actor": actor}
        row |= {"state": CopyState.STAGING.value, "day": unit.at.date().isoformat(), "notice": notice}
        times: dict[str, Any] = {"created_at": unit.at, "expires_at": life.expires_at, "purge_due": life.purge_due}
        times |= {"runner": this_process(), "heartbeat": unit.at}
        unit.connection.execute(insert(COPIES).values(**row, **times))
        facts = {"category": category.value, "place": place, "notice": notice}
        unit.append(Event("copy.started", actor=actor, tenant=tenant, copy=copy, facts=facts))
        return known_copy(unit, copy)


def check_in_force(unit: Unit, tenant: TenantName) -> str:
    """Raise CopyRefused unless the engagement is active by this place's mirror; the notice's version if it is (P02)."""
    try:
        check_mirror_may_copy(unit.connection, tenant, now=unit.at)
    except WrongState as error:
        raise CopyRefused(str(error), reasons=error.reasons) from None
    mirror = mirror_state(unit.connection, tenant)
    return str(mirror.notice) if mirror else ""


def _check_alone(unit: Unit, tenant: TenantName, category: Category) -> None:
    running = select(COPIES.c.id, COPIES.c.runner, COPIES.c.heartbeat).where(
        COPIES.c.tenant == tenant,
        COPIES.c.category == category.value,
        COPIES.c.state == CopyState.STAGING.value,
    )
    for copy, runner, heartbeat in unit.connection.execute(running).all():
        state = (
            "under way" if is_alive(runner, copy, heartbeat=heartbeat, now=unit.at) else "dead and not yet recovered"
        )
        raise WrongState(f"a copy run of this tenant and category is {state}: {copy}")


def known_copy(unit: Unit, copy: CopyId) -> Copy:
    """The copy as this transaction sees it; UnknownName otherwise."""
    found = read_copy(unit.connection, copy)
    if found is None:
        raise UnknownName(f"no copy {copy!r} in this place")
    return found


def own_staging(unit: Unit, copy: CopyId) -> Copy:
    """The copy, if it is still staging and still this process's; WrongState when somebody recovered it meanwhile."""
    found = known_copy(unit, copy)
    if found.state is not CopyState.STAGING or found.runner != this_process():
        raise WrongState("the copy run was ended by another process")
    return found


def register_parts(house: House, copy: Copy, drafts: Sequence[Draft]) -> None:
    """Register the objects that are about to be written; from here on a crash leaves nothing unknown (rule 4)."""
    with unit_of_work(house.place(copy.place).db, copy.tenant, house.clock) as unit:
        own_staging(unit, copy.id)
        check_in_force(unit, copy.tenant)  # P02: before each part
        unit.connection.execute(insert(OBJECTS), [object_row(copy, draft, at=unit.at) for draft in drafts])
        unit.append(_event("copy.part_registered", copy, {"parts": [draft.key for draft in drafts]}))


def object_row(copy: Copy, draft: Draft, *, at: datetime) -> dict[str, Any]:
    """The row that registers one object."""
    row: dict[str, Any] = {
        "path": draft.path,
        "tenant": copy.tenant,
        "copy": copy.id,
        "part": draft.name,
        "key": draft.key,
    }
    row |= {"generation": draft.generation, "state": ObjectState.REGISTERED.value, "runner": this_process()}
    return {**row, "registered_at": at}


def record_parts(
    house: House, copy: Copy, written: Sequence[Written], *, items: Sequence[Mapping[str, Any]] = ()
) -> None:
    """The bytes are durable: write down the parts, their hashes and their items."""
    with unit_of_work(house.place(copy.place).db, copy.tenant, house.clock) as unit:
        own_staging(unit, copy.id)
        check_in_force(unit, copy.tenant)
        for part in written:
            _record(unit, copy, part)
        for at in range(0, len(items), ITEM_ROWS):
            unit.connection.execute(insert(ITEMS), list(items[at : at + ITEM_ROWS]))
        data = [part for part in written if part.draft.kind is PartKind.DATA]
        more = {
            "rows": COPIES.c["rows"] + sum(part.rows for part in data),
            "bytes": COPIES.c.bytes + sum(part.bytes for part in written),
            "items": COPIES.c["items"] + len(items),
            "withheld_items": COPIES.c.withheld_items + sum(1 for item in items if item["withheld"]),
        }
        unit.connection.execute(update(COPIES).where(COPIES.c.id == copy.id).values(**more, heartbeat=unit.at))
        sums = [{"part": part.draft.name, "rows": part.rows, "sha256": part.sha256} for part in written]
        unit.append(_event("copy.part_recorded", copy, {"parts": sums, "items": len(items)}))


def _record(unit: Unit, copy: Copy, part: Written) -> None:
    draft = part.draft
    size: dict[str, Any] = {"bytes": part.bytes, "sha256": part.sha256}
    row: dict[str, Any] = {
        "copy": copy.id,
        "name": draft.name,
        "tenant": copy.tenant,
        "kind": draft.kind.value,
        "key": draft.key,
    }
    row |= {"position": draft.position, "generation": draft.generation, "path": draft.path, "table_name": part.table}
    unit.connection.execute(insert(PARTS).values(**row, **size, rows=part.rows))
    live = update(OBJECTS).where(OBJECTS.c.path == draft.path, OBJECTS.c.state == ObjectState.REGISTERED.value)
    if unit.connection.execute(live.values(**size, state=ObjectState.LIVE.value)).rowcount != 1:
        raise Fault("an object was written that is not registered")


def seal(house: House, copy: Copy, manifest: Mapping[str, Any], *, withheld: frozenset[bytes]) -> Copy:
    """Make the copy readable: one transaction that reads the engagement and the withheld list once more (P02)."""
    with unit_of_work(house.place(copy.place).db, copy.tenant, house.clock) as unit:
        present = own_staging(unit, copy.id)
        check_transition(present.state, to=CopyState.SEALED)
        check_in_force(unit, copy.tenant)
        if unit.at >= present.purge_due:
            raise CopyRefused("the copy run outlasted the copy's life", reasons=("too slow",))
        sha256 = digest(dict(manifest))
        values = {"state": CopyState.SEALED.value, "sealed_at": unit.at, "runner": "", "manifest": dict(manifest)}
        change = update(COPIES).where(COPIES.c.id == copy.id)
        unit.connection.execute(change.values(**values, manifest_sha256=sha256))
        facts: dict[str, Any] = {"rows": present.rows, "items": present.items, "withheld_items": present.withheld_items}
        facts |= {"bytes": present.bytes, "manifest_sha256": sha256, "category": copy.category.value}
        unit.append(_event("copy.sealed", copy, facts))
        if copy.category is not Category.SCHEMA and withheld_tags(unit.connection, copy.tenant) != withheld:
            raise CopyRefused("people were withheld while the copy ran", reasons=LIST_CHANGED)
        return known_copy(unit, copy.id)


def _event(name: str, copy: Copy, facts: Mapping[str, Any]) -> Event:
    return Event(name, actor="copy", tenant=copy.tenant, copy=copy.id, facts=facts)
