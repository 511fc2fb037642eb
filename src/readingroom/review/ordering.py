"""The worker's part in the queues: which tasks come first, and that tasks end with their copy.

Rule: what one person has labelled waits for one label only, and what is purged soon cannot wait; both come first.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, or_, select, update

from readingroom.audit.unit import Event, unit_of_work
from readingroom.copies.states import CopyState
from readingroom.copies.tables import COPIES
from readingroom.core.ids import ItemId, TenantName
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House
from readingroom.review.tables import LABELS, LEASES, TASKS
from readingroom.review.task_states import TRANSITIONS, TaskState, TaskStep
from readingroom.review.tasks import set_priorities

_HALF_DONE: Final = 100
_LONGEST: Final = 30  # days that a copy lives


def priority(labels: int, expires: datetime, now: datetime) -> int:
    """How urgent an open task is; higher first. Pure."""
    days = max(0, (expires - now) // timedelta(days=1))
    return labels * _HALF_DONE + max(0, _LONGEST - days)


def order_queues(house: House) -> int:
    """Write the priority of every open task of a live copy whose priority has changed; how many."""
    now = house.clock.now()
    counted = select(LABELS.c.item, func.count().label("labels")).where(LABELS.c.undone_at.is_(None))
    given = counted.group_by(LABELS.c.item).subquery()
    statement = (
        select(TASKS.c.item, TASKS.c.tenant, TASKS.c.priority, COPIES.c.purge_due, func.coalesce(given.c.labels, 0))
        .join(COPIES, COPIES.c.id == TASKS.c.copy)
        .outerjoin(given, given.c.item == TASKS.c.item)
        .where(TASKS.c.state == TaskState.OPEN.value, COPIES.c.state == CopyState.SEALED.value)
    )
    wanted: dict[TenantName, dict[ItemId, int]] = defaultdict(dict)
    for place in house.places.values():
        with place.db.read(EVERY_TENANT) as connection:
            for item, tenant, rank, due, labels in connection.execute(statement):
                fresh = priority(int(labels), due, now)
                if fresh != rank:
                    wanted[TenantName(tenant)][ItemId(item)] = fresh
    return sum(set_priorities(house, tenant, ranks) for tenant, ranks in wanted.items())


def end_tasks(house: House) -> int:
    """End what was not decided before its copy was purged; how many tasks."""
    gone = or_(COPIES.c.state == CopyState.PURGED.value, COPIES.c.purge_started_at.is_not(None))
    unfinished = TASKS.c.state.in_([state.value for state, step in TRANSITIONS if step is TaskStep.END])
    statement = select(TASKS.c.copy, TASKS.c.tenant).join(COPIES, COPIES.c.id == TASKS.c.copy).where(gone, unfinished)
    ended = 0
    for place in house.places.values():
        with place.db.read(EVERY_TENANT) as connection:
            copies = connection.execute(statement.distinct()).all()
        for copy, tenant in copies:
            with unit_of_work(place.db, TenantName(tenant), house.clock) as unit:
                mine = (TASKS.c.copy == copy) & unfinished
                leased = LEASES.c.item.in_(select(TASKS.c.item).where(mine))
                unit.connection.execute(LEASES.delete().where(leased))
                change = update(TASKS).where(mine).values(state=TaskState.ENDED.value)
                count = unit.connection.execute(change).rowcount
                unit.append(Event("queue.ended", house.role.value, tenant=tenant, copy=copy, facts={"tasks": count}))
            ended += count
    return ended
