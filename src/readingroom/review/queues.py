"""The queues (mail, query, schema): what a reviewer gets next, through the gate; no item is given out too often.

Rule 1: an item is leased to one reviewer for ten minutes; labels and live leases of an item are never more than two.
Rule 2: every item handed out, also one fetched ahead, is an access: decided, counted and written down by the gate.
Rule 3: a withheld item, or one of a copy that is not sealed and live, is never in a queue.
Order: priority (a column that the worker writes), then id.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, delete, func, insert, literal, select

from readingroom.access.dossier import Visit
from readingroom.access.gate import view_items
from readingroom.access.grants import Grant, active_grants, list_grants
from readingroom.access.item_view import ItemView
from readingroom.access.standing import Action
from readingroom.audit.unit import Event, Unit
from readingroom.copies.states import CopyState
from readingroom.copies.tables import COPIES, ITEMS
from readingroom.core.category import Category
from readingroom.core.errors import AccessDenied, Refusal, UsageError
from readingroom.core.ids import ItemId, PersonId, PlaceName, TenantName, WorkstationId
from readingroom.engagement.tenants import get_tenant
from readingroom.house import House
from readingroom.review.tables import LABELS, LEASES, QUEUED_COPIES, TASKS
from readingroom.review.task_states import LABELS_A_TASK, TaskState
from readingroom.stores.places import place_for

LEASE: Final = timedelta(minutes=10)
AHEAD: Final = 3  # items fetched ahead of the one on the screen
MAIL: Final = "mail"
QUERY: Final = "query"
SCHEMA: Final = "schema"
CATEGORY_OF: Final = {MAIL: Category.MARKETING, QUERY: Category.QUERY, SCHEMA: Category.SCHEMA}


@dataclass(frozen=True)
class Reviewer:
    """Who reviews, from where, what for."""

    person: PersonId
    workstation: WorkstationId | None
    purpose: str


def next_item(  # noqa: PLR0913 - who, from where, what for, and what of
    house: House,
    person: PersonId,
    *,
    workstation: WorkstationId | None,
    purpose: str,
    tenant: TenantName | None = None,
    holding: Collection[ItemId] = (),
    kind: str = MAIL,
) -> ItemView | None:
    """The next item of a kind for a reviewer, or None when the queue is empty; AccessDenied with the reasons.

    `holding` are the items that the caller has on the screen or fetched ahead (at most three); what was leased to the
    reviewer and is not among them (a page was reloaded) comes first.
    """
    if len(holding) > AHEAD:
        raise Refusal(f"at most {AHEAD} items are fetched ahead; label what you have first")
    reviewer = Reviewer(person, workstation, purpose)
    for grant in _grants(house, reviewer, tenant, kind=kind):
        found = next_items(house, reviewer, grant.tenant, count=1, holding=holding, kind=kind)
        if found:
            return found[0]
    return None


def next_items(
    house: House,
    reviewer: Reviewer,
    tenant: TenantName,
    *,
    count: int = 1,
    holding: Collection[ItemId] = (),
    kind: str = MAIL,
) -> tuple[ItemView, ...]:
    """Up to `count` items of a tenant in one transaction; more than three at once in simulation rooms only."""
    if count > AHEAD and not house.settings.simulation:
        raise Refusal(f"at most {AHEAD} items are fetched at once")
    visit = Visit(reviewer.purpose, Action.VIEW, person=reviewer.person, workstation=reviewer.workstation)
    picker = _Queue(tenant, kind, count=count, holding=frozenset(holding))
    return view_items(house, visit, tenant, place=queue_place(house, tenant, kind), picker=picker)


def queue_place(house: House, tenant: TenantName, kind: str) -> PlaceName:
    """Where the copies are whose items are of that kind; UsageError for a kind that has no queue."""
    if kind not in CATEGORY_OF:
        raise UsageError(f"a queue is one of {', '.join(CATEGORY_OF)}")
    return place_for(house.settings, CATEGORY_OF[kind], get_tenant(house, tenant).geo)


def release_leases(unit: Unit, items: Collection[ItemId], *, actor: str) -> None:
    """Give leases back, inside the unit that records the labels."""
    unit.connection.execute(delete(LEASES).where(LEASES.c.item.in_(items), LEASES.c.actor == actor))


@dataclass(frozen=True)
class _Queue:
    """The gate's Picker for one tenant's tasks of one kind."""

    tenant: TenantName
    kind: str
    count: int
    holding: frozenset[ItemId]

    def pick(self, unit: Unit, actor: str) -> Sequence[ItemId]:
        """What is leased to this reviewer already, then what comes next in the queue."""
        _fill(unit, self.tenant, self.kind)
        free = _free(self.tenant, self.kind, actor, now=unit.at)
        mine = select(LEASES.c.item).where(LEASES.c.actor == actor, LEASES.c.until > unit.at)
        held = free.where(TASKS.c.item.in_(mine), TASKS.c.item.not_in(self.holding)).limit(self.count)
        again = [ItemId(item) for item in unit.connection.execute(held).scalars()]
        more = free.where(TASKS.c.item.not_in(mine), TASKS.c.item.not_in(self.holding)).limit(self.count - len(again))
        fresh = [ItemId(item) for item in unit.connection.execute(more).scalars()] if len(again) < self.count else []
        return (*again, *fresh)

    def admitted(self, unit: Unit, actor: str, items: Sequence[ItemId]) -> None:
        """Lease the items to this reviewer, from now."""
        release_leases(unit, items, actor=actor)
        row = {"actor": actor, "tenant": self.tenant, "until": unit.at + LEASE}
        unit.connection.execute(insert(LEASES), [{**row, "item": item} for item in items])


def _grants(house: House, reviewer: Reviewer, tenant: TenantName | None, *, kind: str) -> tuple[Grant, ...]:
    def fits(grant: Grant) -> bool:
        same = grant.purpose == reviewer.purpose and grant.category is CATEGORY_OF.get(kind)
        return same and tenant in {None, grant.tenant}

    found = tuple(grant for grant in active_grants(house, reviewer.person) if fits(grant))
    if found:
        return found
    # nothing is active: let the gate say why, of the latest that was, and write it down
    latest = [grant for grant in list_grants(house, person=reviewer.person) if fits(grant)][-1:]
    if not latest:
        raise AccessDenied(
            "access denied: there is no grant", reasons=("there is no grant for this tenant, category and purpose",)
        )
    return tuple(latest)


def _fill(unit: Unit, tenant: TenantName, kind: str) -> None:
    """Queue the items of every live copy that is not queued yet."""
    known = select(QUEUED_COPIES.c.copy)
    live = (COPIES.c.tenant == tenant) & (COPIES.c.category == CATEGORY_OF[kind].value) & is_live(unit.at)
    fresh = unit.connection.execute(select(COPIES.c.id).where(live, COPIES.c.id.not_in(known))).scalars().all()
    for copy in fresh:
        values = (ITEMS.c.id, ITEMS.c.tenant, ITEMS.c.copy, ITEMS.c.kind)
        rest = (literal(0), literal(TaskState.OPEN.value), literal(""))
        items = select(*values, *rest).where(ITEMS.c.copy == copy, ITEMS.c.kind == kind)
        names = ["item", "tenant", "copy", "kind", "priority", "state", "answer"]
        fill = insert(TASKS).from_select(names, items).execution_options(preserve_rowcount=True)  # else -1 (psycopg)
        count = unit.connection.execute(fill).rowcount
        unit.connection.execute(insert(QUEUED_COPIES).values(copy=copy, tenant=tenant, queued_at=unit.at))
        unit.append(Event("queue.filled", actor="web", tenant=tenant, copy=copy, facts={"kind": kind, "tasks": count}))


def _free(tenant: TenantName, kind: str, actor: str, *, now: datetime) -> Select[Any]:
    """The open tasks that this reviewer may still take, in order."""
    labels = select(func.count()).select_from(LABELS).where(LABELS.c.item == TASKS.c.item, LABELS.c.undone_at.is_(None))
    others = and_(LEASES.c.item == TASKS.c.item, LEASES.c.until > now, LEASES.c.actor != actor)
    leases = select(func.count()).select_from(LEASES).where(others)
    own = and_(LABELS.c.item == TASKS.c.item, LABELS.c.actor == actor, LABELS.c.undone_at.is_(None))
    return (
        select(TASKS.c.item)
        .join(ITEMS, ITEMS.c.id == TASKS.c.item)
        .join(COPIES, COPIES.c.id == ITEMS.c.copy)
        .where(TASKS.c.tenant == tenant, TASKS.c.kind == kind, TASKS.c.state == TaskState.OPEN.value)
        .where(ITEMS.c.withheld == "", is_live(now))
        .where(~select(LABELS.c.id).where(own).exists())
        .where(labels.scalar_subquery() + leases.scalar_subquery() < LABELS_A_TASK)
        .order_by(TASKS.c.priority.desc(), TASKS.c.item)
    )


def is_live(now: datetime) -> ColumnElement[bool]:
    """Which copies may be handed out at `now` (the gate decides all the same)."""
    sealed = and_(COPIES.c.state == CopyState.SEALED.value, COPIES.c.purge_started_at.is_(None))
    return and_(sealed, COPIES.c.expires_at > now)
