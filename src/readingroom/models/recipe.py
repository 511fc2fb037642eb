"""How a spam checker is trained, as plain numbers, and how its budget is divided.

Every number was chosen on a public corpus (scripts/quality_spam.py), none on a customer's mails: choosing on the data
would spend budget that nobody counts.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from readingroom.core.errors import UsageError
from readingroom.models.accounting import Budget, Spend, mu_for
from readingroom.models.features import BITS

LATTICE: Final = 1 << 20  # steps of the lattice in one clipping length


@dataclass(frozen=True)
class Recipe:
    """The numbers of a training; public, and on the card."""

    bits: int = BITS
    steps: int = 10
    clip: float = 0.5  # L2 length to which one mail's gradient is cut: its length at the first step
    rate: float = 20.0
    momentum: float = 0.9
    averaged: float = 0.5  # share of the steps, at the end, whose weights are averaged
    scale_share: float = 0.055  # of μ², for the noisy bucket counts
    scale_floor: float = 3.0  # counts below this many standard deviations of their noise are not told apart
    calibration_share: float = 0.045  # of μ², for the two numbers that turn a margin into 0-100
    calibration_steps: int = 20
    calibration_rate: float = 5.0
    probes: int = 4096  # planted people with a coordinate of their own (leaks.py)


@dataclass(frozen=True)
class Plan:
    """A recipe with its budget divided: standard deviations over one person's sensitivity."""

    recipe: Recipe
    budget: Budget
    cap: int  # mails one person may be in
    scale: float
    step: float
    calibration: float

    def spends(self) -> tuple[Spend, ...]:
        """What the whole plan will spend."""
        return (
            Spend("scale", self.scale, 1),
            Spend("descent", self.step, self.recipe.steps),
            Spend("calibration", self.calibration, self.recipe.calibration_steps),
        )

    def public(self) -> dict[str, Any]:
        """As the card shows it."""
        return {
            "recipe": asdict(self.recipe),
            "mails_per_person": self.cap,
            "noise_multipliers": {"scale": self.scale, "descent": self.step, "calibration": self.calibration},
        }


def make_plan(budget: Budget, *, cap: int, recipe: Recipe | None = None) -> Plan:
    """Divide `budget` over the noisy sums of `recipe`, each of which one person moves by at most `cap` mails."""
    recipe = recipe or Recipe()
    if cap < 1:
        raise UsageError("a person is in at least one mail")
    mu = mu_for(budget)
    rest = 1 - recipe.scale_share - recipe.calibration_share
    return Plan(
        recipe=recipe,
        budget=budget,
        cap=cap,
        scale=1 / (mu * math.sqrt(recipe.scale_share)),
        step=math.sqrt(recipe.steps / rest) / mu,
        calibration=math.sqrt(recipe.calibration_steps / recipe.calibration_share) / mu,
    )


def noise_floor(plan: Plan, mails: int) -> float:
    """The standard deviation that the noise alone gives to a weight no mail has touched."""
    recipe = plan.recipe
    kicks = np.eye(recipe.steps)
    velocity, weight, total = np.zeros(recipe.steps), np.zeros(recipe.steps), np.zeros(recipe.steps)
    first = int(recipe.steps * recipe.averaged)
    for step in range(recipe.steps):
        velocity = recipe.momentum * velocity + kicks[step]
        weight = weight - recipe.rate * velocity
        total += weight if step >= first else 0.0
    gain = float(np.linalg.norm(total / (recipe.steps - first)))
    return gain * plan.step * plan.cap / mails
