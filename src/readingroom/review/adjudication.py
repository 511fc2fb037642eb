"""A third person decides where two labels do not (rule 1 of `task_states`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import insert, select

from readingroom.access.gate import view_item
from readingroom.access.item_view import ItemView
from readingroom.access.people import check_present, get_person
from readingroom.access.tables import VIEWS
from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.copies.records import get_item, place_of
from readingroom.core.errors import Refusal, UsageError
from readingroom.core.ids import ItemId, PersonId, TenantName
from readingroom.house import House
from readingroom.review.queues import Reviewer
from readingroom.review.standing import check_usable
from readingroom.review.tables import ADJUDICATIONS, CONFIDENTIALITY, LABELS, OWNER
from readingroom.review.task_states import ANSWERS, Answer, TaskState, TaskStep
from readingroom.review.tasks import Task, list_tasks, move_task, read_task


def disputes(house: House, person: PersonId, tenant: TenantName, *, kind: str = "") -> tuple[Task, ...]:
    """The disputed tasks of a tenant (of one kind) that this person may decide: those they did not label."""
    actor = get_person(house, person).actor
    mine: set[ItemId] = set()
    statement = select(LABELS.c.item).where(LABELS.c.tenant == tenant, LABELS.c.actor == actor)
    for place in house.places.values():
        with place.db.read(tenant) as connection:
            labelled = connection.execute(statement.where(LABELS.c.undone_at.is_(None))).scalars()
            mine |= {ItemId(item) for item in labelled}
    disputed = list_tasks(house, tenant, state=TaskState.DISPUTED)
    return tuple(task for task in disputed if task.item not in mine and kind in {"", task.kind})


def next_dispute(
    house: House, reviewer: Reviewer, tenant: TenantName, *, kind: str = "", holding: Collection[ItemId] = ()
) -> ItemView | None:
    """The next disputed item for this person that is not among `holding`, through the gate; None if there is none."""
    open_tasks = [task for task in disputes(house, reviewer.person, tenant, kind=kind) if task.item not in holding]
    if not open_tasks:
        return None
    return view_item(
        house,
        reviewer.person,
        workstation=reviewer.workstation,
        purpose=reviewer.purpose,
        item=open_tasks[0].item,
    )


def adjudicate(house: House, person: PersonId, item: ItemId, *, answer: Answer) -> None:
    """Decide a disputed task as a third person, who has looked at the item; UsageError where one says nothing."""
    adjudicate_many(house, person, {item: answer})


def adjudicate_many(house: House, person: PersonId, decisions: Mapping[ItemId, Answer]) -> None:
    """Decide several disputed tasks of one tenant in one unit of work, all or none."""
    if not decisions:
        return
    judge = get_person(house, person)
    check_present(judge)
    first = get_item(house, next(iter(decisions)))
    with unit_of_work(place_of(house, first.copy).db, first.tenant, house.clock) as unit:
        check_usable(unit, list(decisions), first.tenant)
        for item, answer in decisions.items():
            _decide(unit, item, answer, actor=judge.actor)


def _decide(unit: Unit, item: ItemId, answer: Answer, *, actor: str) -> None:
    task = read_task(unit, item)
    if task is None:
        raise Refusal("there is no task for that item")
    if answer not in ANSWERS.get(task.kind, frozenset()):
        raise UsageError(f"a decision about a {task.kind} says {', '.join(sorted(ANSWERS.get(task.kind, ())))}")
    own = select(LABELS.c.id).where(LABELS.c.item == item, LABELS.c.actor == actor)
    if unit.connection.execute(own.where(LABELS.c.undone_at.is_(None))).first():
        raise Refusal("a third person decides: you have labelled this item yourself")
    seen = select(VIEWS.c.id).where(VIEWS.c.item == item, VIEWS.c.actor == actor)
    if unit.connection.execute(seen).first() is None:
        raise Refusal("only an item that was handed out to you can be decided by you")
    move_task(unit, task, TaskStep.ADJUDICATE, answer=answer)
    row = {"item": item, "tenant": task.tenant, "actor": actor, "answer": answer.value, "at": unit.at}
    unit.connection.execute(insert(ADJUDICATIONS).values(**row))
    facts = {"owner": OWNER, "class": CONFIDENTIALITY}
    sealed = {"item": item, "answer": answer.value}
    unit.append(Event("label.adjudicated", actor, tenant=task.tenant, copy=task.copy, facts=facts, sealed=sealed))
