"""Tasks as rows: how a label, a flag or a decision moves them, always by the table of `task_states`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.core.ids import CopyId, ItemId, TenantName
from readingroom.house import House
from readingroom.review.tables import LABELS, TASKS
from readingroom.review.task_states import Answer, TaskState, TaskStep, next_state, settle

_CHUNK = 500  # values in one statement; every database takes that many


@dataclass(frozen=True)
class Task:
    """One task and where it stands."""

    item: ItemId
    tenant: TenantName
    copy: CopyId
    kind: str
    priority: int
    state: TaskState
    answer: str

    def public(self) -> dict[str, Any]:
        """The task as lists show it."""
        return {"item": self.item, "copy": self.copy, "kind": self.kind, "state": self.state.value}


def list_tasks(house: House, tenant: TenantName, *, state: TaskState | None = None) -> tuple[Task, ...]:
    """The tasks of a tenant, in order of the queue."""
    statement = select(TASKS).where(TASKS.c.tenant == tenant).order_by(TASKS.c.priority.desc(), TASKS.c.item)
    if state is not None:
        statement = statement.where(TASKS.c.state == state.value)
    found: list[Task] = []
    for place in house.places.values():
        with place.db.read(tenant) as connection:
            found += [_task(row) for row in connection.execute(statement)]
    return tuple(found)


def read_task(unit: Unit, item: ItemId) -> Task | None:
    """The task of an item as this transaction sees it."""
    row = unit.connection.execute(select(TASKS).where(TASKS.c.item == item)).one_or_none()
    return None if row is None else _task(row)


def read_tasks(unit: Unit, items: Collection[ItemId]) -> dict[ItemId, Task]:
    """The tasks of these items, as far as they have one, as this transaction sees them."""
    return {task.item: task for task in _tasks(unit, sorted(items))}


def settle_many(unit: Unit, moves: Mapping[ItemId, tuple[TaskStep, Answer | None]]) -> None:
    """Take these steps with open tasks, in one statement."""
    if moves:
        change = update(TASKS).where(TASKS.c.item == bindparam("of"), TASKS.c.state == TaskState.OPEN.value)
        rows = [
            {"of": item, "to": next_state(TaskState.OPEN, step).value, "said": answer.value if answer else ""}
            for item, (step, answer) in moves.items()
        ]
        unit.connection.execute(change.values(state=bindparam("to"), answer=bindparam("said")), rows)


def set_priorities(house: House, tenant: TenantName, priorities: Mapping[ItemId, int]) -> int:
    """Write the priority of tasks (higher first): the worker's column, from whatever upper rooms know."""
    changed = 0
    for place in house.places.values():
        with unit_of_work(place.db, tenant, house.clock) as unit:
            known = sorted(read_tasks(unit, list(priorities)))
            if known:
                change = update(TASKS).where(TASKS.c.item == bindparam("of")).values(priority=bindparam("rank"))
                unit.connection.execute(change, [{"of": item, "rank": priorities[item]} for item in known])
                unit.append(Event("queue.ordered", actor=house.role.value, tenant=tenant, facts={"tasks": len(known)}))
            changed += len(known)
    return changed


def move_task(unit: Unit, task: Task, step: TaskStep, *, answer: Answer | None = None) -> TaskState:
    """Take one step with a task; WrongState if the table has none."""
    state = next_state(task.state, step)
    values = {"state": state.value, "answer": answer.value if answer else ""}
    unit.connection.execute(update(TASKS).where(TASKS.c.item == task.item).values(**values))
    return state


def move_tasks(unit: Unit, items: Collection[ItemId], step: TaskStep) -> tuple[ItemId, ...]:
    """Take the same step with the tasks of these items, as far as they have one and the table allows it."""
    moved = []
    for task in _tasks(unit, sorted(items)):
        allowed = step is TaskStep.WITHHOLD and task.state not in {TaskState.WITHHELD, TaskState.ENDED}
        if allowed or (step is TaskStep.RELEASE and task.state is TaskState.WITHHELD):
            move_task(unit, task, step)
            moved.append(task.item)
    return tuple(moved)


def settle_task(unit: Unit, item: ItemId) -> None:
    """Move an open task on, as far as its labels say."""
    task = read_task(unit, item)
    statement = select(LABELS.c.answer).where(LABELS.c.item == item, LABELS.c.undone_at.is_(None))
    answers = [Answer(answer) for answer in unit.connection.execute(statement.order_by(LABELS.c.at)).scalars()]
    step, answer = settle(answers)
    if task is not None and step is not None:
        move_task(unit, task, step, answer=answer)


def _tasks(unit: Unit, items: list[ItemId]) -> Iterator[Task]:
    for at in range(0, len(items), _CHUNK):
        statement = select(TASKS).where(TASKS.c.item.in_(items[at : at + _CHUNK]))
        yield from [_task(row) for row in unit.connection.execute(statement)]


def _task(row: Row[Any]) -> Task:
    values = row._asdict()
    return Task(**{**values, "state": TaskState(values["state"])})
