"""What a training may spend and what it has spent: (ε, δ) of Gaussian noise, counted two ways that must agree.

The unit is a person. Two sets of mails are neighbours if one person's mails are emptied in one of them, the graph of
who occurs in which mail being the same in both (`contributions.py` says why). A step adds Gaussian noise of standard
deviation z·S to a sum that one person can move by at most S (L2). T steps are then μ-GDP with μ = √T / z, a query with
multiplier q costs 1/q² more, and δ(ε) of μ-GDP has a closed form (Balle & Wang 2018). dp-accounting's privacy loss
distributions count the same; `check_agreement` refuses a difference of more than 1 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from scipy.special import log_ndtr, ndtri

from readingroom.core.errors import ReleaseRefused, UsageError

AGREEMENT: Final = 0.01
_LARGEST_EPSILON: Final = 1000.0


@dataclass(frozen=True)
class Budget:
    """The most a training may reveal of one person."""

    epsilon: float = 4.0
    delta: float = 1e-6

    def __post_init__(self) -> None:
        """An infinite, empty or absurd budget is none."""
        if not (math.isfinite(self.epsilon) and 0 < self.epsilon <= _LARGEST_EPSILON and 0 < self.delta < 1):
            raise UsageError("a privacy budget has 0 < epsilon <= 1000 and 0 < delta < 1")


@dataclass(frozen=True)
class Spend:
    """`count` noisy sums of one noise multiplier (standard deviation over one person's sensitivity)."""

    what: str
    multiplier: float
    count: int


def mu_of(spends: Iterable[Spend]) -> float:
    """μ of the composition: the squares of 1/multiplier add up."""
    return math.sqrt(sum(spend.count / spend.multiplier**2 for spend in spends))


def delta_of(epsilon: float, mu: float) -> float:
    """δ(ε) of a μ-GDP mechanism, exactly."""
    left = math.exp(float(log_ndtr(-epsilon / mu + mu / 2)))
    right = math.exp(min(epsilon + float(log_ndtr(-epsilon / mu - mu / 2)), 0.0))
    return max(left - right, 0.0)


def epsilon_of(mu: float, delta: float) -> float:
    """The least ε with δ(ε) ≤ `delta`, by bisection from above."""
    if mu <= 0:
        return 0.0
    low, high = 0.0, 1.0
    while delta_of(high, mu) > delta:
        high *= 2
        if high > 2 * _LARGEST_EPSILON:
            return math.inf
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if delta_of(middle, mu) > delta else (low, middle)
    return high


def mu_for(budget: Budget) -> float:
    """The largest μ that stays within `budget`, by bisection from below."""
    low, high = 1e-6, 100.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if delta_of(budget.epsilon, middle) > budget.delta else (middle, high)
    return low


def pld_epsilon(spends: Iterable[Spend], delta: float) -> float:
    """ε of the composition by dp-accounting's privacy loss distributions."""
    from dp_accounting import GaussianDpEvent, NeighboringRelation, SelfComposedDpEvent
    from dp_accounting.pld import PLDAccountant

    accountant: Any = PLDAccountant(NeighboringRelation.ADD_OR_REMOVE_ONE)
    for spend in spends:
        accountant.compose(SelfComposedDpEvent(GaussianDpEvent(spend.multiplier), spend.count))
    return float(accountant.get_epsilon(delta))


def check_agreement(spends: tuple[Spend, ...], budget: Budget) -> tuple[float, float]:
    """ε by closed form and by PLD; ReleaseRefused unless they agree to 1 % and both keep the budget."""
    if not spends:
        raise ReleaseRefused("nothing says what was spent", reasons=("no accounting",))
    closed, pld = epsilon_of(mu_of(spends), budget.delta), pld_epsilon(spends, budget.delta)
    if not math.isfinite(closed) or abs(pld - closed) > AGREEMENT * closed:
        raise ReleaseRefused("two ways of counting disagree", reasons=(f"closed form {closed:.4f}, PLD {pld:.4f}",))
    if max(closed, pld) > budget.epsilon * (1 + AGREEMENT):
        raise ReleaseRefused("the budget is overspent", reasons=(f"{closed:.4f} of {budget.epsilon:.4f}",))
    return closed, pld


def area_ceiling(mu: float) -> float:
    """The best AUC any membership attack can have against something that is μ-GDP."""
    return 0.5 + 0.5 * math.erf(mu / 2)


def power_ceiling(mu: float, false_positives: float) -> float:
    """The best true positive rate any attack can have at that false positive rate against μ-GDP."""
    return math.exp(float(log_ndtr(float(ndtri(false_positives)) + mu)))


class Meter:
    """Counts what is spent while it is spent; the sum that would overspend is refused before it is taken."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._most = mu_for(budget) ** 2 * (1 + 1e-9)
        self._square = 0.0
        self._spends: dict[tuple[str, float], int] = {}

    def can_spend(self, multiplier: float) -> bool:
        """Whether one more noisy sum of that multiplier stays within the budget."""
        return multiplier > 0 and self._square + 1 / multiplier**2 <= self._most

    def spend(self, what: str, multiplier: float) -> None:
        """Note one noisy sum; UsageError, and nothing noted, if the budget does not have it."""
        if not self.can_spend(multiplier):
            raise UsageError("the privacy budget does not have this step")
        self._square += 1 / multiplier**2
        self._spends[what, multiplier] = self._spends.get((what, multiplier), 0) + 1

    def spent(self) -> tuple[Spend, ...]:
        """Everything noted so far."""
        return tuple(Spend(what, multiplier, count) for (what, multiplier), count in self._spends.items())
