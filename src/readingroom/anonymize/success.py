"""How often an attack succeeds, with its interval, and the risk that is left once chance and common knowledge go off.

Giomi et al., "A unified framework for quantifying privacy risk in synthetic data" (PoPETs 2023): the attack on the
released data against the same attack on a control group that was not in it. What succeeds on the control group says
what anybody can guess of the population; only what goes beyond is a leak of the people in the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any


@dataclass(frozen=True)
class Rate:
    """A rate of success by Wilson's score: its centre and half its interval."""

    successes: int
    attacks: int
    confidence: float = 0.95

    @property
    def value(self) -> float:
        """The centre of the interval; 0 without an attack or a success."""
        return self._wilson()[0] if self.successes else 0.0

    @property
    def error(self) -> float:
        """Half the interval."""
        return self._wilson()[1]

    @property
    def interval(self) -> tuple[float, float]:
        """The rates that the successes do not contradict."""
        centre, half = self._wilson()
        return max(centre - half, 0.0), min(centre + half, 1.0)

    def _wilson(self) -> tuple[float, float]:
        if not self.attacks:
            return 0.0, 0.0
        z = NormalDist().inv_cdf((1 + self.confidence) / 2)
        n, hits = self.attacks, self.successes
        centre = (hits + z * z / 2) / (n + z * z)
        return centre, z / (n + z * z) * sqrt(hits * (n - hits) / n + z * z / 4)


@dataclass(frozen=True)
class AttackRisk:
    """One attack: on the people in the data, on the control group, and by guessing without the data."""

    attack: str
    columns: tuple[str, ...]
    main: Rate
    control: Rate | None = None
    naive: Rate | None = None

    @property
    def risk(self) -> float:
        """(r_attack - r_control) / (1 - r_control), at least 0; without a control group the whole rate."""
        if self.control is None:
            return self.main.value
        rest = 1 - self.control.value
        return min(max((self.main.value - self.control.value) / rest, 0.0), 1.0) if rest > 0 else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The risks that both rates leave possible, by propagation of their errors."""
        if self.control is None:
            return self.main.interval
        rest = 1 - self.control.value
        if rest <= 0:
            return 0.0, 0.0
        error = sqrt((self.main.error / rest) ** 2 + (self.control.error * (1 - self.main.value) / rest**2) ** 2)
        return max(self.risk - error, 0.0), min(self.risk + error, 1.0)

    def as_json(self) -> dict[str, Any]:
        """The attack as it stands in a report; numbers and names of columns only."""
        body: dict[str, Any] = {"attack": self.attack, "columns": list(self.columns)}
        body |= {"risk": round(self.risk, 4), "interval": [round(bound, 4) for bound in self.interval]}
        for name, rate in (("attacked", self.main), ("control", self.control), ("naive", self.naive)):
            if rate is not None:
                body[name] = {"attacks": rate.attacks, "successes": rate.successes, "rate": round(rate.value, 4)}
        return body
