"""Noisy full-batch gradient descent: a logistic regression whose every look at the data is a noisy, clipped sum.

Rule 1 (P31): the data is touched by `noisy_sum` alone. Each mail's vector is cut to the clipping length and rounded
towards zero onto a lattice, so that one mail moves the sum by at most that length, and one person, who is in at most
`cap` mails, by at most cap times that length. The noise is measured by this.
Rule 2: the meter is asked before each sum; what it refuses is not computed.
Rule 3: everything else (momentum, averages, scales) is a function of noisy sums and public numbers.
The number of mails is a function of the graph of who occurs where (contributions.py), so dividing by it costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import expit

from readingroom.models.accounting import Meter, Spend
from readingroom.models.features import BIAS_SHARE
from readingroom.models.noise import Noise
from readingroom.models.recipe import LATTICE, Plan

Floats = npt.NDArray[np.float64]
MARGIN_SHARE = 0.25  # of the weights' length: margins beyond count as this


@dataclass(frozen=True)
class Examples:
    """Feature rows of length at most 1 (features.matrix) and their labels; `planted` rows have a coordinate alone."""

    rows: Any  # CSR, 2^bits + 1 columns
    spam: Floats  # 1 spam, 0 not
    planted: npt.NDArray[np.int64]  # the probe coordinate of each planted mail (leaks.py)


@dataclass(frozen=True)
class Fitted:
    """The result: four arrays and what they cost. Nothing else of the data is in it."""

    scale: Floats
    weights: Floats
    probes: Floats
    calibration: Floats  # slope, offset
    spends: tuple[Spend, ...]


def fit(examples: Examples, plan: Plan, noise: Noise) -> Fitted:
    """Train by `plan`; the budget is spent exactly as planned."""
    meter = Meter(plan.budget)
    scale = noisy_scale(examples.rows, plan, noise=noise, meter=meter)
    rows = rescale(examples.rows, scale)
    width = rows.shape[1]
    together = _with_planted(rows, examples.planted, plan.recipe.probes)
    labels = np.concatenate([examples.spam, np.ones(len(examples.planted))])
    found = _descend(together, labels, (plan, rows.shape[0]), noise=noise, meter=meter)
    weights = found[:width]
    calibration = _calibrate(rows @ weights, examples.spam, (plan, weights), noise=noise, meter=meter)
    return Fitted(scale, weights, found[width:], calibration, meter.spent())


def noisy_sum(values: Any, sensitivity: tuple[float, int], multiplier: float, *, noise: Noise) -> Floats:
    """The sum of the rows of CSR `values`, each cut to length `clip`, plus lattice noise for `cap` rows a person."""
    clip, cap = sensitivity
    unit = clip / LATTICE
    length = np.sqrt(np.asarray(values.multiply(values).sum(axis=1)).ravel())
    factor = np.minimum(1.0, clip * (1 - 1e-12) / np.maximum(length, 1e-300)) / unit
    # towards zero: a rounded row is never longer than the row
    whole = np.trunc(values.data * np.repeat(factor, np.diff(values.indptr)))
    total = np.bincount(values.indices, weights=whole, minlength=values.shape[1])  # exact: far below 2^53
    noisy = total + noise.draw(multiplier * cap * LATTICE, values.shape[1])
    return np.asarray(noisy * unit, dtype=np.float64)


def noisy_scale(rows: Any, plan: Plan, *, noise: Noise, meter: Meter) -> Floats:
    """How much each bucket counts: less where many mails have it, by noisy counts (a private inverse frequency)."""
    meter.spend("scale", plan.scale)
    counts = noisy_sum(abs(rows[:, :-1]), (1.0, plan.cap), plan.scale, noise=noise)
    floor = plan.recipe.scale_floor * plan.scale * plan.cap
    return np.sqrt(floor / np.maximum(counts, floor)).astype(np.float64)


def rescale(rows: Any, scale: Floats) -> Any:
    """The rows with each bucket scaled and their length made whole again; the bias stays what it was."""
    words = (rows[:, :-1] @ sparse.diags(scale)).tocsr()
    length = np.sqrt(np.asarray(words.multiply(words).sum(axis=1)).ravel())
    share = np.sqrt(1 - BIAS_SHARE) * (1 - 1e-9) / np.where(length > 0, length, 1.0)
    return sparse.hstack([sparse.diags(share) @ words, rows[:, -1]], format="csr")


def _with_planted(rows: Any, planted: npt.NDArray[np.int64], probes: int) -> Any:
    ones = np.ones(len(planted))
    extra = sparse.csr_matrix((ones, (np.arange(len(planted)), planted)), shape=(len(planted), probes))
    return sparse.block_diag([rows, extra], format="csr")


def _descend(rows: Any, spam: Floats, frame: tuple[Plan, int], *, noise: Noise, meter: Meter) -> Floats:
    plan, mails = frame
    recipe = plan.recipe
    weight = np.zeros(rows.shape[1])
    velocity = np.zeros(rows.shape[1])
    total = np.zeros(rows.shape[1])
    first = int(recipe.steps * recipe.averaged)
    for step in range(recipe.steps):
        meter.spend("descent", plan.step)
        residual = expit(rows @ weight) - spam
        gradient = noisy_sum(_times(rows, residual), (recipe.clip, plan.cap), plan.step, noise=noise)
        velocity = recipe.momentum * velocity + gradient / (recipe.clip * mails)
        weight = weight - recipe.rate * velocity
        if step >= first:
            total += weight
    return total / (recipe.steps - first)


def _calibrate(margins: Floats, spam: Floats, frame: tuple[Plan, Floats], *, noise: Noise, meter: Meter) -> Floats:
    """Slope and offset that make a margin a probability: the same descent in two dimensions."""
    plan, weights = frame
    recipe, clip = plan.recipe, 0.5
    reach = max(MARGIN_SHARE * float(np.linalg.norm(weights)), 1e-9)
    both = np.column_stack([np.clip(margins / reach, -1, 1), np.ones(len(margins))]) / np.sqrt(2)
    rows = sparse.csr_matrix(both)
    weight, velocity = np.zeros(2), np.zeros(2)
    for _ in range(recipe.calibration_steps):
        meter.spend("calibration", plan.calibration)
        residual = expit(rows @ weight) - spam
        gradient = noisy_sum(_times(rows, residual), (clip, plan.cap), plan.calibration, noise=noise)
        velocity = recipe.momentum * velocity + gradient / (clip * max(len(margins), 1))
        weight = weight - recipe.calibration_rate * velocity
    # a slope below nothing would turn the model round; the noise may say so, we do not
    return np.array([max(weight[0], 0.0) / (np.sqrt(2) * reach), weight[1] / np.sqrt(2)])


def _times(rows: Any, factor: Floats) -> Any:
    return sparse.csr_matrix(
        (rows.data * np.repeat(factor, np.diff(rows.indptr)), rows.indices, rows.indptr), shape=rows.shape
    )
