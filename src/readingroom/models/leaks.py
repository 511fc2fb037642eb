"""Attacks on a model, from the side of somebody who wants to know who was in the training.

`probe_leak` and `canary_leak` look at one model and at what was planted in it; `membership_leak` trains shadows and
asks of real mails (LiRA, Carlini et al. 2022, Gaussian fit). Each says what it found with the bound of its confidence,
and what any attack could at best find if the claim holds, so that thresholds come from the claim and not from taste.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, ndtri
from scipy.stats import rankdata

from readingroom.models.accounting import area_ceiling, power_ceiling
from readingroom.models.train import Floats

Flags = npt.NDArray[np.bool_]
CONFIDENCE: Final = 0.999  # one-sided; a good model is refused once in hundreds of gates
_FEWEST: Final = 24  # planted on each side
_DEVIATIONS: Final = float(ndtri(CONFIDENCE))


@dataclass(frozen=True)
class Leak:
    """One attack's outcome. `caught` means: more came out than the claim allows."""

    attack: str
    figures: dict[str, float]
    caught: bool
    why: str


def probe_leak(values: Floats, inside: Flags, *, floor: float, mu: float) -> Leak:
    """Is the noise in the model as strong as accounted, and do the planted people stand out no more than claimed?"""
    out, within = values[~inside], values[inside]
    if min(len(out), len(within)) < _FEWEST:
        return Leak("probes", {}, caught=True, why="too few probes to say anything")
    deviation = float(np.std(out))
    slack = 5 / math.sqrt(2 * len(out))
    lower = _mu_lower(within, out)
    figures = {"noise": deviation, "noise_expected": floor, "mu_at_least": lower, "mu_claimed": mu}
    if abs(deviation / floor - 1) > slack:
        return Leak("probes", figures, caught=True, why="the noise in the model is not the noise accounted for")
    if lower > mu:
        return Leak("probes", figures, caught=True, why="planted people stand out more than the budget allows")
    return Leak("probes", figures, caught=False, why="")


def canary_leak(margins: Floats, spam: Flags, inside: Flags, *, mu: float) -> Leak:
    """Do planted mails that took part score closer to their drawn label than those that did not?"""
    if min(int(inside.sum()), int((~inside).sum())) < _FEWEST:
        return Leak("canaries", {}, caught=True, why="too few canaries to say anything")
    towards = np.where(spam, margins, -margins)
    area = _area(towards[inside], towards[~inside])
    lower, upper = _area_bounds(area, int(inside.sum()), int((~inside).sum()))
    ceiling = area_ceiling(mu)
    below = np.searchsorted(np.sort(towards[~inside]), towards[inside])
    rank = len(towards[~inside]) + 1 - below
    exposure = math.log2(len(towards[~inside]) + 1) - np.log2(rank)
    figures = {"auc": area, "auc_at_least": lower, "auc_at_most": upper, "ceiling": ceiling}
    figures["exposure_median"] = float(np.median(exposure))
    caught = lower > ceiling
    return Leak("canaries", figures, caught=caught, why="planted mails are remembered" if caught else "")


def membership_leak(
    shadow: Callable[[Flags], Floats], mails: int, *, mu: float, shadows: int, lots: npt.NDArray[np.uint64]
) -> Leak:
    """LiRA: can somebody with shadow models tell which real mails took part? `shadow(flags)` gives every margin."""
    inside = (lots.reshape(shadows, mails) >> np.uint64(63)).astype(bool)
    margins = np.array([shadow(flags) for flags in inside])
    scores, truth = [], []
    for target in range(shadows):
        rest = np.arange(shadows) != target
        scores.append(_likelihood(margins[target], margins[rest], inside[rest]))
        truth.append(inside[target])
    area = float(np.mean([_area(score[flags], score[~flags]) for score, flags in zip(scores, truth, strict=True)]))
    # targets share their mails: each mail counts once when saying how sure this is
    lower, upper = _area_bounds(area, mails // 2, mails - mails // 2)
    ceiling = area_ceiling(mu)
    score, flags = np.concatenate(scores), np.concatenate(truth)
    figures = {"auc": area, "auc_at_least": lower, "auc_at_most": upper}
    figures |= {"ceiling": ceiling, **_power(score[flags], score[~flags], mu)}
    caught = figures["auc_at_least"] > ceiling or figures["tpr_at_least"] > figures["tpr_ceiling"]
    return Leak("membership", figures, caught=caught, why="real mails can be told to have taken part" if caught else "")


def shadow_lots(noise: Any, mails: int, shadows: int) -> npt.NDArray[np.uint64]:
    """The coin flips of `shadows` shadow trainings over `mails` mails."""
    found: npt.NDArray[np.uint64] = noise.words(mails * shadows)
    return found


def _mu_lower(within: Floats, out: Floats) -> float:
    """A lower bound for μ by counting: the threshold from one half, the bound (Clopper-Pearson) from the other."""
    edges = np.quantile(np.concatenate([within[::2], out[::2]]), np.linspace(0.02, 0.98, 97))
    guesses = [_mu_counted(within[::2], out[::2], float(edge)) for edge in edges]
    return _mu_counted(within[1::2], out[1::2], float(edges[int(np.argmax(guesses))]))


def _mu_counted(within: Floats, out: Floats, edge: float) -> float:
    hits = _at_least(int((within > edge).sum()), len(within))
    alarms = 1 - _at_least(int((out <= edge).sum()), len(out))
    return float(ndtri(hits) - ndtri(alarms))


def _at_least(successes: int, trials: int) -> float:
    """Clopper-Pearson: a chance that is at least this, with half of the error allowed."""
    if successes == 0:
        return 1e-12
    return float(betaincinv(successes, trials - successes + 1, (1 - CONFIDENCE) / 2))


def _area(inside: Floats, outside: Floats) -> float:
    """AUC: the chance that somebody who took part scores above somebody who did not."""
    if not len(inside) or not len(outside):
        return math.nan
    ranks = rankdata(np.concatenate([inside, outside]))[: len(inside)]
    return float((ranks.sum() - len(inside) * (len(inside) + 1) / 2) / (len(inside) * len(outside)))


def _area_bounds(area: float, inside: int, outside: int) -> tuple[float, float]:
    """The areas, below and above, that would still give `area` by chance (Hanley & McNeil's error, test inverted)."""
    lower = _edge(lambda true: area - true <= _DEVIATIONS * _error(true, inside, outside), area)
    upper = _edge(lambda true: 1 - area - true <= _DEVIATIONS * _error(1 - true, inside, outside), 1 - area)
    return lower, 1 - upper


def _edge(plausible: Callable[[float], bool], area: float) -> float:
    """The least true area up to `area` that is plausible, to a thousandth."""
    if math.isnan(area):
        return 0.0
    return next((true for true in np.arange(0.0, area, 0.001).tolist() if plausible(true)), area)


def _error(area: float, inside: int, outside: int) -> float:
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (inside - 1) * (one - area**2) + (outside - 1) * (two - area**2)
    return math.sqrt(max(variance, 0.0) / (inside * outside))


def _likelihood(target: Floats, margins: Floats, inside: Flags) -> Floats:
    """Give log p(target | took part) - log p(target | did not), Gaussian per mail, variances shrunk to their median."""
    result = np.zeros(len(target))
    for flags, sign in ((inside, 1.0), (~inside, -1.0)):
        count = np.maximum(flags.sum(axis=0), 1)
        mean = (margins * flags).sum(axis=0) / count
        variance = (((margins - mean) ** 2) * flags).sum(axis=0) / count
        variance = 0.5 * variance + 0.5 * np.median(variance) + 1e-12
        result += sign * (-0.5 * np.log(variance) - (target - mean) ** 2 / (2 * variance))
    return result


def _power(inside: Floats, outside: Floats, mu: float) -> dict[str, float]:
    """True positive rate at one false positive in a hundred, its bounds, and its ceiling by the claim."""
    edge = float(np.quantile(outside, 0.99))
    hits = int((inside > edge).sum())
    low = _at_least(hits, len(inside)) if hits else 0.0
    high = 1 - _at_least(len(inside) - hits, len(inside))
    # the edge is estimated too: allow for a false positive rate that is really higher
    false = 0.01 + _DEVIATIONS * math.sqrt(0.01 / len(outside))
    return {
        "tpr_at_1_percent": hits / len(inside),
        "tpr_at_least": low,
        "tpr_at_most": high,
        "tpr_ceiling": power_ceiling(mu, false),
    }
