"""Labels: what a reviewer said about an item, one unit of work each, undone only by themselves.

Rule 1: only what was handed out to a reviewer by the gate can be labelled by them, once.
Rule 2: a label names an item id and holds no customer data, so it may outlive the copy (P09, P31); a comment is
anonymized before it is stored, or refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from readingroom.access.people import check_present, get_person
from readingroom.access.standing import Action
from readingroom.access.tables import VIEWS
from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.copies.records import get_item, place_of
from readingroom.core.clock import format_instant
from readingroom.core.errors import Refusal, UsageError, WrongState
from readingroom.core.ids import CopyId, ItemId, PersonId, PlaceName, TenantName, new_id
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House
from readingroom.review.comments import clean_comment
from readingroom.review.flag import raise_in
from readingroom.review.queues import release_leases
from readingroom.review.standing import check_usable
from readingroom.review.tables import CONFIDENTIALITY, LABELS, OWNER, TASKS
from readingroom.review.task_states import ANSWERS, Answer, TaskState, TaskStep, check_answer, settle
from readingroom.review.tasks import Task, move_task, read_task, read_tasks, settle_many


@dataclass(frozen=True)
class Mark:
    """What a reviewer says about one item."""

    item: ItemId
    answer: Answer
    comment: str = ""


@dataclass(frozen=True)
class Label:
    """One recorded label."""

    id: str
    tenant: TenantName
    copy: CopyId
    item: ItemId
    actor: str
    purpose: str
    answer: Answer
    comment: str
    at: datetime
    undone_at: datetime | None
    owner: str
    confidentiality: str

    def public(self) -> dict[str, Any]:
        """The label as `review label --json` shows it."""
        return {
            "id": self.id,
            "item": self.item,
            "answer": self.answer.value,
            "actor": self.actor,
            "at": format_instant(self.at),
            "undone": self.undone_at is not None,
            "owner": self.owner,
            "confidentiality": self.confidentiality,
        }


def record_label(house: House, person: PersonId, mark: Mark) -> Label:
    """Record one label; `personal` also raises the privacy flag. Refusal if the item was not handed out to them."""
    return record_labels(house, person, [mark])[0]


def record_labels(house: House, person: PersonId, marks: Sequence[Mark]) -> tuple[Label, ...]:
    """Record several labels of one tenant in one unit of work, all or none."""
    if not marks:
        return ()
    reviewer = get_person(house, person)
    check_present(reviewer)
    comments = {mark.item: clean_comment(mark.comment) for mark in marks}
    if len(comments) < len(marks):
        raise UsageError("an item is labelled once")
    first = get_item(house, marks[0].item)
    with unit_of_work(place_of(house, first.copy).db, first.tenant, house.clock) as unit:
        check_usable(unit, list(comments), first.tenant)
        known = _read_known(unit, list(comments), actor=reviewer.actor)
        labels = [_label_of(unit, mark, known, comment=comments[mark.item]) for mark in marks]
        unit.connection.execute(insert(LABELS), [_columns(label) for label in labels])
        release_leases(unit, list(comments), actor=reviewer.actor)
        for label in labels:
            unit.append(_event(label))
        settle_many(unit, _moves(known, labels))
        for label in labels:
            if label.answer is Answer.PERSONAL:
                raise_in(unit, label.item, actor=reviewer.actor)
        return tuple(labels)


def undo_last(house: House, person: PersonId) -> Label:
    """Take back one's own last label; Refusal if there is none, or somebody has decided on it since."""
    actor = get_person(house, person).actor
    last = _last(house, actor)
    if last is None:
        raise Refusal("there is no label of yours to undo")
    place, label = last
    with unit_of_work(house.place(place).db, label.tenant, house.clock) as unit:
        task = read_task(unit, label.item)
        if task is None or task.state in {TaskState.ADJUDICATED, TaskState.WITHHELD}:
            raise WrongState("this label cannot be undone: somebody has decided on it since")
        mine = (LABELS.c.id == label.id) & LABELS.c.undone_at.is_(None)
        if unit.connection.execute(update(LABELS).where(mine).values(undone_at=unit.at)).rowcount != 1:
            raise Refusal("that label is undone already")
        if task.state is not TaskState.OPEN:
            move_task(unit, task, TaskStep.REOPEN)
        facts = {"label": label.id, "purpose": label.purpose}
        event = Event("label.undone", actor=actor, tenant=label.tenant, copy=label.copy, facts=facts)
        unit.append(event)
        return _label(unit.connection.execute(select(LABELS).where(LABELS.c.id == label.id)).one())


def list_labels(house: House, tenant: TenantName) -> tuple[Label, ...]:
    """Every label of a tenant that was not undone, oldest first."""
    found: list[Label] = []
    statement = select(LABELS).where(LABELS.c.tenant == tenant, LABELS.c.undone_at.is_(None))
    for place in house.places.values():
        with place.db.read(tenant) as connection:
            found += [_label(row) for row in connection.execute(statement.order_by(LABELS.c.at, LABELS.c.id))]
    return tuple(found)


def clear_comments(unit: Unit, items: Collection[ItemId]) -> int:
    """Empty the comments on these items, when what they are about is erased (P16); the caller appends the event."""
    said = LABELS.c.item.in_(items) & (LABELS.c.comment != "")
    return unit.connection.execute(update(LABELS).where(said).values(comment="")).rowcount


def labels_for_training(house: House, tenant: TenantName) -> dict[ItemId, str]:
    """Item → `spam` or `ham`, where two people agreed or a third decided; what a model may learn from (P30)."""
    decided = TASKS.c.state.in_([TaskState.AGREED.value, TaskState.ADJUDICATED.value])
    answers = TASKS.c.answer.in_([answer.value for answer in ANSWERS["mail"]])
    statement = select(TASKS.c.item, TASKS.c.answer).where(TASKS.c.tenant == tenant, decided, answers)
    found: dict[ItemId, str] = {}
    for place in house.places.values():
        with place.db.read(tenant) as connection:
            found |= {ItemId(row.item): row.answer for row in connection.execute(statement.order_by(TASKS.c.item))}
    return found


@dataclass(frozen=True)
class _Known:
    """What the unit knows about the items before the labels."""

    actor: str
    tasks: Mapping[ItemId, Task]
    purposes: Mapping[ItemId, str]  # of the last view by this reviewer
    answers: Mapping[ItemId, Mapping[str, Answer]]  # item → reviewer → answer


def _read_known(unit: Unit, items: Sequence[ItemId], *, actor: str) -> _Known:
    seen = VIEWS.c.item.in_(items) & (VIEWS.c.actor == actor) & (VIEWS.c.action == Action.VIEW.value)
    views = unit.connection.execute(select(VIEWS.c.item, VIEWS.c.purpose).where(seen).order_by(VIEWS.c.at)).all()
    said = select(LABELS.c.item, LABELS.c.actor, LABELS.c.answer)
    answers: dict[ItemId, dict[str, Answer]] = {item: {} for item in items}
    for row in unit.connection.execute(said.where(LABELS.c.item.in_(items), LABELS.c.undone_at.is_(None))):
        answers[ItemId(row.item)][row.actor] = Answer(row.answer)
    purposes = {ItemId(row.item): str(row.purpose) for row in views}
    return _Known(actor, read_tasks(unit, items), purposes, answers)


def _label_of(unit: Unit, mark: Mark, known: _Known, *, comment: str) -> Label:
    task, purpose = known.tasks.get(mark.item), known.purposes.get(mark.item)
    if task is None or purpose is None:
        raise Refusal("only an item that was handed out to you can be labelled by you")
    check_answer(task.kind, mark.answer)
    if task.state is not TaskState.OPEN:
        raise WrongState(f"this task is {task.state}")
    if known.actor in known.answers[mark.item]:
        raise WrongState("you have labelled this item already")
    return Label(
        id=new_id("label"),
        tenant=task.tenant,
        copy=task.copy,
        item=mark.item,
        actor=known.actor,
        purpose=purpose,
        answer=mark.answer,
        comment=comment,
        at=unit.at,
        undone_at=None,
        owner=OWNER,
        confidentiality=CONFIDENTIALITY,
    )


def _moves(known: _Known, labels: Sequence[Label]) -> dict[ItemId, tuple[TaskStep, Answer | None]]:
    """What these labels, with those before, make of their tasks; `personal` is the flag's business."""
    moves = {}
    for label in labels:
        step, answer = settle([*known.answers[label.item].values(), label.answer])
        if step is not None and label.answer is not Answer.PERSONAL:
            moves[label.item] = (step, answer)
    return moves


def _event(label: Label) -> Event:
    facts = {"label": label.id, "purpose": label.purpose, "owner": label.owner, "class": label.confidentiality}
    sealed = {"item": label.item, "answer": label.answer.value}
    name = "label.recorded"
    return Event(name, label.actor, tenant=label.tenant, copy=label.copy, facts=facts, sealed=sealed)


def _columns(label: Label) -> dict[str, Any]:
    return {**asdict(label), "answer": label.answer.value}


def _last(house: House, actor: str) -> tuple[PlaceName, Label] | None:
    found: list[tuple[PlaceName, Label]] = []
    mine = select(LABELS).where(LABELS.c.actor == actor, LABELS.c.undone_at.is_(None))
    for place in house.places.values():
        with place.db.read(EVERY_TENANT) as connection:
            row = connection.execute(mine.order_by(LABELS.c.at.desc(), LABELS.c.id).limit(1)).first()
        found += [(place.name, _label(row))] if row is not None else []
    return max(found, key=lambda pair: pair[1].at, default=None)


def _label(row: Row[Any]) -> Label:
    values = row._asdict()
    return Label(**{**values, "answer": Answer(values["answer"])})
