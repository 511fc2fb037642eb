"""How the review goes: tasks by state, labels by reviewer, agreement, flags. Counts and pseudonyms only."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import func, select

from readingroom.core.ids import TenantName
from readingroom.house import House
from readingroom.review.agreement import Figure, alpha, pairs, percent, weighted_kappa
from readingroom.review.flag import list_flags
from readingroom.review.labels import list_labels
from readingroom.review.tables import TASKS
from readingroom.review.task_states import ANSWERS, RELEVANCE


@dataclass(frozen=True)
class ReviewStats:
    """The state of the review of one tenant."""

    tenant: TenantName
    tasks: dict[str, int]  # state → count
    labels: int
    answers: dict[str, int]
    by_reviewer: dict[str, int]  # actor pseudonym → labels
    percent: Figure
    alpha: Figure
    kappa: dict[str, Figure]  # "actor · actor"
    relevance: dict[str, Figure]  # quadratic weighted kappa of the grades of queries
    flags: dict[str, int]

    def public(self) -> dict[str, Any]:
        """The figures as `review stats --json` shows them."""
        return {
            "tenant": self.tenant,
            "tasks": self.tasks,
            "labels": self.labels,
            "answers": self.answers,
            "by_reviewer": self.by_reviewer,
            "agreement": {
                "percent": _shown(self.percent),
                "alpha": _shown(self.alpha),
                "kappa": {pair: _shown(figure) for pair, figure in self.kappa.items()},
            },
            "relevance": {"weighted_kappa": {pair: _shown(figure) for pair, figure in self.relevance.items()}},
            "flags": self.flags,
        }


def review_stats(house: House, tenant: TenantName) -> ReviewStats:
    """How the review of a tenant stands now."""
    labels = list_labels(house, tenant)
    ratings: dict[str, dict[str, str]] = defaultdict(dict)
    graded: dict[str, dict[str, str]] = defaultdict(dict)
    for label in labels:
        kind = graded if label.answer in ANSWERS["query"] else ratings
        kind[label.item][label.actor] = label.answer.value
    return ReviewStats(
        tenant=tenant,
        tasks=_tasks(house, tenant),
        labels=len(labels),
        answers=dict(sorted(Counter(label.answer.value for label in labels).items())),
        by_reviewer=dict(sorted(Counter(label.actor for label in labels).items())),
        percent=percent(ratings),
        alpha=alpha(ratings),
        kappa=_named(pairs(ratings)),
        relevance=_named(pairs(graded, partial(weighted_kappa, scale=RELEVANCE))),
        flags=dict(sorted(Counter(flag.state.value for flag in list_flags(house, tenant)).items())),
    )


def _tasks(house: House, tenant: TenantName) -> dict[str, int]:
    found: Counter[str] = Counter()
    statement = (
        select(TASKS.c.state, func.count().label("total")).where(TASKS.c.tenant == tenant).group_by(TASKS.c.state)
    )
    for place in house.places.values():
        with place.db.read(tenant) as connection:
            found.update({row.state: row.total for row in connection.execute(statement)})
    return dict(sorted(found.items()))


def _named(figures: Mapping[tuple[str, str], Figure]) -> dict[str, Figure]:
    return {f"{first} · {second}": figure for (first, second), figure in figures.items()}


def _shown(figure: Figure) -> dict[str, Any]:
    value = None if figure.value is None else round(figure.value, 4)
    return {"value": value, "items": figure.over} | ({"undefined": figure.why} if figure.why else {})
