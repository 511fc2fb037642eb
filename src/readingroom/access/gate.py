"""The one gate: every read of a sealed copy by a person or a process passes here (house rule 3).

Rule 1: one decision an item, on facts read afresh, inside the transaction that writes its event.
Rule 2: the event, permitted or denied, is on disk before the first byte is read.
Rule 3: what follows a permit can only be refused (expired, purged, rewritten in between), never widened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import insert, select

from readingroom.access.dossier import (
    Dossier,
    Visit,
    copy_standing,
    count_views,
    read_dossier,
    withheld_reasons,
)
from readingroom.access.item_view import ItemView, count_placeholders
from readingroom.access.policy import Decision, load_policies
from readingroom.access.standing import Action, Ask
from readingroom.access.tables import VIEWS
from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.copies.part_names import ROW
from readingroom.copies.reader import read_item, read_rows
from readingroom.copies.records import Copy, Item, get_copy, get_item, item_of, read_copy
from readingroom.copies.tables import ITEMS
from readingroom.core.clock import format_instant
from readingroom.core.errors import AccessDenied, UnknownName
from readingroom.core.ids import (
    CopyId,
    EventId,
    ItemId,
    PartName,
    PersonId,
    PlaceName,
    TenantName,
    WorkstationId,
    new_id,
)
from readingroom.house import House

WITHHELD_ONLY: Final = ("item-not-withheld",)


class Picker(Protocol):
    """Says, inside the gate's transaction, which items a visit is about, and hears which of them were permitted.

    Both calls may change rows of their own room through the unit; what they change is committed with the gate's
    events or not at all.
    """

    def pick(self, unit: Unit, actor: str) -> Sequence[ItemId]:
        """The items to decide about, in order; none is an answer."""
        ...

    def admitted(self, unit: Unit, actor: str, items: Sequence[ItemId]) -> None:
        """These, one or more of the picked, were permitted and will be handed out."""
        ...


@dataclass(frozen=True)
class These:
    """A Picker of given items."""

    items: Sequence[ItemId]

    def pick(self, unit: Unit, actor: str) -> Sequence[ItemId]:
        """Those items."""
        del unit, actor
        return self.items

    def admitted(self, unit: Unit, actor: str, items: Sequence[ItemId]) -> None:
        """Nothing to note."""


@dataclass(frozen=True)
class Request:
    """A question for the gate about one copy, or one item of it."""

    visit: Visit
    copy: CopyId
    item: ItemId | None = None


@dataclass(frozen=True)
class _Admitted:
    """One permitted read, its event durable as soon as the transaction is."""

    ask: Ask
    copy: Copy
    item: Item
    event: EventId
    views_left: int


def decide(house: House, request: Request) -> Decision:
    """What the gate would say now; asks only, opens nothing, counts nothing."""
    copy = get_copy(house, request.copy)
    place, now = house.place(copy.place), house.clock.now()
    with place.db.read(copy.tenant) as connection:
        dossier = read_dossier(house, request.visit, copy.tenant, place=connection, now=now)
        present = read_copy(connection, copy.id) or copy
        actor = dossier.person.actor if dossier.person else dossier.process
        views = count_views(connection, copy.tenant, actor=actor, now=now)
        withheld = withheld_reasons(connection, [request.item])[request.item] if request.item else ""
        standing = copy_standing(present, request.item, withheld=withheld)
        return load_policies().decide(dossier.ask_about(standing, views=views))


def view_item(
    house: House, person: PersonId, *, workstation: WorkstationId | None, purpose: str, item: ItemId
) -> ItemView:
    """One item, for one person to look at; AccessDenied with the reasons otherwise. Either way there is an event."""
    found = get_item(house, item)
    visit = Visit(purpose, Action.VIEW, person=person, workstation=workstation)
    place = get_copy(house, found.copy).place
    return view_items(house, visit, found.tenant, place=place, picker=These([item]))[0]


def view_items(
    house: House, visit: Visit, tenant: TenantName, *, place: PlaceName, picker: Picker
) -> tuple[ItemView, ...]:
    """The items of a tenant in a place that `picker` names inside the gate's transaction, each decided alone.

    What is denied is left out, with an event; AccessDenied with the reasons if nothing is left.
    """
    with unit_of_work(house.place(place).db, tenant, house.clock) as unit:
        dossier = read_dossier(house, visit, tenant, place=unit.connection, now=unit.at)
        actor = dossier.person.actor if dossier.person else dossier.process
        items = _items(unit, picker.pick(unit, actor))
        admitted, denied = _admit(unit, dossier, items, actor=actor)
        if admitted:
            rows = [view_row(unit, one.ask, one.event, part=one.item.part, item=one.item.id) for one in admitted]
            unit.connection.execute(insert(VIEWS), rows)
            picker.admitted(unit, actor, [one.item.id for one in admitted])
    if denied and not admitted:
        raise refusal(denied[0])
    return tuple(_read(house, admitted))


def _admit(
    unit: Unit, dossier: Dossier, items: Sequence[Item], *, actor: str
) -> tuple[list[_Admitted], list[Decision]]:
    """Decide about each item and append its event; the permitted ones, and the denials."""
    admitted: list[_Admitted] = []
    denied: list[Decision] = []
    views = count_views(unit.connection, dossier.tenant.name, actor=actor, now=unit.at) if items else 0
    withheld = withheld_reasons(unit.connection, [item.id for item in items])
    copies = {copy: _copy(unit, copy) for copy in {item.copy for item in items}}
    for item in items:
        copy = copies[item.copy]
        ask = dossier.ask_about(copy_standing(copy, item.id, withheld=withheld[item.id]), views=views)
        decision = load_policies().decide(ask)
        event = record(unit, ask, decision, item=item.id)
        if decision.permit:
            views += 1
            admitted.append(_Admitted(ask, copy, item, event, ask.numbers.view_budget - views))
            continue
        denied.append(decision)
        if decision.policies != WITHHELD_ONLY:
            break  # what stands in the way of one stands in the way of the next
    return admitted, denied


def record(
    unit: Unit, ask: Ask, decision: Decision, *, item: ItemId | None = None, extra: Mapping[str, Any] | None = None
) -> EventId:
    """Append the event of one decision: who (a pseudonym), from where, what for, by which policies (P10)."""
    facts: dict[str, Any] = {
        "action": ask.action.value,
        "purpose": ask.purpose,
        "category": ask.copy.category.value,
        "decision": "permit" if decision.permit else "deny",
        "policies": list(decision.policies),
    }
    facts |= extra or {}
    actor = ask.process
    if ask.person is not None:
        actor = ask.person.actor
        facts |= {"employer": ask.person.employer, "country": ask.person.country}
        facts |= {"workstation": ask.workstation.id} if ask.workstation else {}
    if ask.grant is not None:
        facts |= {"grant": ask.grant.id, "approver": ask.grant.approver_actor, "list_version": ask.grant.list_version}
        facts |= {"grant_ends_at": format_instant(ask.grant.ends)}
    names = {Action.VIEW: "item.viewed", Action.JUDGE: "item.viewed"}
    name = names.get(ask.action, "part.opened") if decision.permit else "access.denied"
    sealed = {"item": item} if item else {}
    return unit.append(Event(name, actor=actor, tenant=ask.tenant.name, copy=ask.copy.id, facts=facts, sealed=sealed))


def refusal(decision: Decision) -> AccessDenied:
    """The error that says why the gate said no."""
    return AccessDenied(f"access denied: {'; '.join(decision.reasons)}", reasons=decision.reasons)


def view_row(unit: Unit, ask: Ask, event: EventId, *, part: PartName, item: str = "", rows: int = 1) -> dict[str, Any]:
    """The row of VIEWS for what is handed out: one item, or so many rows of a part."""
    return {
        "id": new_id("view"),
        "tenant": ask.tenant.name,
        "copy": ask.copy.id,
        "part": part,
        "item": item,
        "rows": rows,
        "actor": ask.person.actor if ask.person else ask.process,
        "workstation": ask.workstation.id if ask.workstation else "",
        "grant": ask.grant.id if ask.grant else "",
        "purpose": ask.purpose,
        "action": ask.action.value,
        "at": unit.at,
        "event": event,
    }


def _items(unit: Unit, chosen: Sequence[ItemId]) -> list[Item]:
    if not chosen:
        return []
    rows = unit.connection.execute(select(ITEMS).where(ITEMS.c.id.in_(list(chosen)))).all()
    known = {ItemId(row.id): item_of(row) for row in rows}
    if not known.keys() >= set(chosen):
        raise UnknownName("no such item in this place")
    return [known[item] for item in chosen]


def _copy(unit: Unit, copy: CopyId) -> Copy:
    found = read_copy(unit.connection, copy)
    if found is None:
        raise UnknownName("no such copy in this place")
    return found


def _read(house: House, admitted: Sequence[_Admitted]) -> Iterable[ItemView]:
    """The rows of what was admitted: one by one, or a part at once where several items come from it."""
    by_part: dict[tuple[CopyId, PartName], list[_Admitted]] = {}
    for one in admitted:
        by_part.setdefault((one.copy.id, one.item.part), []).append(one)
    cells: dict[ItemId, Mapping[str, Any]] = {}
    for (_, part), group in by_part.items():
        if len(group) == 1:
            cells[group[0].item.id] = read_item(house, group[0].copy, group[0].item)
        else:
            cells |= _pick(read_rows(house, group[0].copy, part), group)
    for one in admitted:
        yield _view(one, cells[one.item.id])


def _pick(table: pa.Table, group: Sequence[_Admitted]) -> dict[ItemId, Mapping[str, Any]]:
    wanted = pa.array([one.item.row for one in group], pa.int64())
    places = pc.index_in(wanted, value_set=table[ROW].combine_chunks().cast(pa.int64()))
    if places.null_count:
        raise UnknownName("the row of an item is no longer there")
    rows = table.drop_columns([ROW]).take(places).to_pylist()
    return {one.item.id: row for one, row in zip(group, rows, strict=True)}


def _view(one: _Admitted, cells: Mapping[str, Any]) -> ItemView:
    grant = one.ask.grant
    if grant is None:
        raise AccessDenied("a view without a grant")  # no policy permits it; a second lock on the door
    return ItemView(
        item=one.item.id,
        tenant=one.item.tenant,
        copy=one.copy.id,
        category=one.copy.category,
        kind=one.item.kind,
        table=one.item.table_name,
        cells=cells,
        placeholders=count_placeholders(cells),
        copy_expires_at=one.copy.expires_at,
        grant=grant.id,
        grant_ends_at=grant.ends,
        event=one.event,
        views_left=one.views_left,
    )
