"""Simulated reviewers, for simulation rooms only: the same gate, queue and labels as people, with stated errors.

Rule 1: a simulated reviewer is a person of the room with facts, a workstation and a grant; nothing is opened otherwise.
Rule 2: their answers are the gold answer, or the other one with the stated probability, drawn with the stated seed.
Events are written in groups (one unit of work for many items); every view is on disk before its first byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from readingroom.access.dossier import Visit
from readingroom.access.gate import These, view_items
from readingroom.access.standing import Action
from readingroom.core.errors import AccessDenied, SimulationOnly
from readingroom.core.ids import ItemId, TenantName
from readingroom.core.progress import Progress, silent
from readingroom.engagement.tenants import get_tenant
from readingroom.house import House
from readingroom.review.adjudication import adjudicate_many, disputes
from readingroom.review.labels import Mark, record_labels
from readingroom.review.queues import Reviewer, next_items
from readingroom.review.task_states import Answer

GROUP: Final = 200  # items in one unit of work
_OTHER: Final = {Answer.SPAM: Answer.HAM, Answer.HAM: Answer.SPAM}


@dataclass(frozen=True)
class SimulatedReviewer:
    """One reviewer and how often they err or cannot say."""

    reviewer: Reviewer
    error_rate: float
    unsure_rate: float = 0.0


@dataclass
class Simulated:
    """What came of it; `stopped` says who could not go on and why."""

    views: int = 0
    labels: int = 0
    adjudicated: int = 0
    stopped: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def public(self) -> dict[str, Any]:
        """The counts as `review simulate --json` shows them."""
        return {
            "views": self.views,
            "labels": self.labels,
            "adjudicated": self.adjudicated,
            "stopped": {str(number): list(reasons) for number, reasons in self.stopped.items()},
        }


def simulate_reviews(
    house: House,
    reviewers: Sequence[SimulatedReviewer],
    gold: Mapping[ItemId, str],
    *,
    tenant: TenantName,
    seed: int,
    progress: Progress = silent,
) -> Simulated:
    """Let the reviewers label the queue until it is empty or nobody may go on, then let third persons decide."""
    if not house.settings.simulation:
        raise SimulationOnly("simulated reviewers exist in simulation rooms only; in this room, people review")
    work = _Work(house, tenant, gold, Simulated(), progress)
    crew = [_Simulated(one, number, np.random.default_rng([seed, number])) for number, one in enumerate(reviewers)]
    for step in (_decide_then_label, _decide_group):  # disputes first: a budget is better spent on whole tasks
        busy = crew
        while busy:
            busy = [one for one in busy if step(work, one)]
    return work.done


@dataclass(frozen=True)
class _Work:
    """What all of them work on."""

    house: House
    tenant: TenantName
    gold: Mapping[ItemId, str]
    done: Simulated
    progress: Progress


@dataclass(frozen=True)
class _Simulated:
    """One of them, with their own stream of draws."""

    who: SimulatedReviewer
    number: int
    draws: np.random.Generator

    def answer(self, gold: str | None, *, may_be_unsure: bool = True) -> Answer:
        """The gold answer, the other one, or unsure; an item without gold is one they cannot say anything about."""
        err, unsure = self.draws.random(2) < (self.who.error_rate, self.who.unsure_rate)
        if gold is None or (unsure and may_be_unsure):
            return Answer.UNSURE
        true = Answer(gold)
        return _OTHER.get(true, true) if err else true


def _decide_then_label(work: _Work, one: _Simulated) -> bool:
    """One group of each; whether it is worth asking this reviewer again."""
    _decide_group(work, one)
    return _label_group(work, one)


def _label_group(work: _Work, one: _Simulated) -> bool:
    """Label the next group; whether it is worth asking this reviewer again."""
    try:
        views = next_items(work.house, one.who.reviewer, work.tenant, count=GROUP)
    except AccessDenied as denial:
        work.done.stopped[one.number] = denial.reasons
        return False
    work.done.views += len(views)
    marks = [Mark(view.item, one.answer(work.gold.get(view.item))) for view in views]
    work.done.labels += len(record_labels(work.house, one.who.reviewer.person, marks))
    work.progress("labels", work.done.labels, 2 * len(work.gold))
    return bool(views)


def _decide_group(work: _Work, one: _Simulated) -> bool:
    """Decide the next group of disputes as the third person; whether it is worth asking this reviewer again."""
    reviewer = one.who.reviewer
    items = [task.item for task in disputes(work.house, reviewer.person, work.tenant) if task.item in work.gold]
    if not items:
        return False
    visit = Visit(reviewer.purpose, Action.VIEW, person=reviewer.person, workstation=reviewer.workstation)
    place = get_tenant(work.house, work.tenant).place
    try:
        views = view_items(work.house, visit, work.tenant, place=place, picker=These(items[:GROUP]))
    except AccessDenied as denial:
        work.done.stopped[one.number] = denial.reasons
        return False
    work.done.views += len(views)
    decisions = {view.item: one.answer(work.gold[view.item], may_be_unsure=False) for view in views}
    adjudicate_many(work.house, reviewer.person, decisions)
    work.done.adjudicated += len(decisions)
    work.progress("disputes", work.done.adjudicated, None)
    return bool(views)
