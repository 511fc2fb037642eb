"""How far reviewers agree, corrected for chance: pure, our own, and honest where a figure is undefined.

Percent: of all pairs of labels of one item, the share that is equal. Cohen's kappa: of two given reviewers, over the
items both labelled. Krippendorff's alpha (nominal): of any number of reviewers, over all items with two labels or more.
A figure that the data cannot give is None, with the reason in words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

Ratings = Mapping[str, Mapping[str, str]]  # item → reviewer → answer


@dataclass(frozen=True)
class Figure:
    """A value, or why there is none."""

    value: float | None
    over: int  # items it rests on
    why: str = ""


def percent(ratings: Ratings) -> Figure:
    """The share of equal pairs among all pairs of labels of one item."""
    pairs = [a == b for answers in ratings.values() for a, b in combinations(answers.values(), 2)]
    items = sum(len(answers) > 1 for answers in ratings.values())
    if not pairs:
        return Figure(None, 0, "no item has two labels")
    return Figure(sum(pairs) / len(pairs), items)


def kappa(ratings: Ratings, first: str, second: str) -> Figure:
    """Cohen's kappa of two reviewers."""
    both = [(a[first], a[second]) for a in ratings.values() if first in a and second in a]
    if not both:
        return Figure(None, 0, "these two have labelled no item in common")
    size = len(both)
    observed = sum(a == b for a, b in both) / size
    left, right = Counter(a for a, _ in both), Counter(b for _, b in both)
    expected = sum(left[answer] * right[answer] for answer in left) / size**2
    if expected == 1:
        return Figure(None, size, "both gave the same one answer throughout: chance alone explains it")
    return Figure((observed - expected) / (1 - expected), size)


def weighted_kappa(ratings: Ratings, first: str, second: str, *, scale: Sequence[str]) -> Figure:
    """Cohen's kappa of two reviewers with quadratic weights: on an ordered scale far apart counts more than next door.

    Answers outside `scale` do not count (Cohen 1968; disagreement is the squared distance).
    """
    place = {answer: at for at, answer in enumerate(scale)}
    answers = [(a.get(first, ""), a.get(second, "")) for a in ratings.values()]
    both = [(place[a], place[b]) for a, b in answers if a in place and b in place]
    if not both:
        return Figure(None, 0, "these two have graded no item in common")
    size = len(both)
    observed = sum((a - b) ** 2 for a, b in both) / size
    left, right = Counter(a for a, _ in both), Counter(b for _, b in both)
    expected = sum(left[a] * right[b] * (a - b) ** 2 for a in left for b in right) / size**2
    if expected == 0:
        return Figure(None, size, "both gave the same one grade throughout: chance alone explains it")
    return Figure(1 - observed / expected, size)


def alpha(ratings: Ratings) -> Figure:
    """Krippendorff's alpha for nominal answers."""
    units = [Counter(answers.values()) for answers in ratings.values() if len(answers) > 1]
    if not units:
        return Figure(None, 0, "no item has two labels")
    totals: Counter[str] = sum(units, Counter())
    size = totals.total()
    disagreement = sum(
        (unit.total() ** 2 - sum(count**2 for count in unit.values())) / (unit.total() - 1) for unit in units
    )
    by_chance = (size**2 - sum(count**2 for count in totals.values())) / (size - 1)
    if by_chance == 0:
        return Figure(None, len(units), "only one answer was ever given: chance alone explains it")
    return Figure(1 - disagreement / by_chance, len(units))


def pairs(ratings: Ratings, figure: Callable[[Ratings, str, str], Figure] = kappa) -> dict[tuple[str, str], Figure]:
    """Cohen's kappa (or another figure) of every two reviewers who labelled an item in common."""
    met = {pair for answers in ratings.values() for pair in combinations(sorted(answers), 2)}
    return {pair: figure(ratings, *pair) for pair in sorted(met)}
