from __future__ import annotations

import numpy as np
import pytest

from readingroom.models.accounting import Budget
from readingroom.models.leaks import canary_leak, membership_leak, probe_leak, shadow_lots
from readingroom.models.noise import LatticeNoise
from readingroom.models.recipe import make_plan, noise_floor

MU = 0.84
N = 4096


def _values(*, noise: float, shift: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    inside = generator.random(N) < 0.5
    return generator.normal(0, noise, N) + shift * inside, inside


@pytest.mark.parametrize("seed", range(5))
def test_what_the_claim_allows_is_not_caught(seed: int) -> None:
    values, inside = _values(noise=1.0, shift=MU, seed=seed)
    leak = probe_leak(values, inside, floor=1.0, mu=MU)
    assert not leak.caught
    assert 0.3 < leak.figures["mu_at_least"] <= MU


@pytest.mark.parametrize(
    ("noise", "shift"), [(0.1, MU), (0.85, MU), (1.15, MU), (0.0, 1.0), (1.0, 2 * MU), (1.0, 8 * MU)]
)
def test_too_little_noise_and_too_much_shift_are_caught(noise: float, shift: float) -> None:
    values, inside = _values(noise=noise, shift=shift)
    assert probe_leak(values, inside, floor=1.0, mu=MU).caught


def test_too_few_probes_say_nothing_and_so_are_caught() -> None:
    values, inside = _values(noise=1.0, shift=0.0)
    assert probe_leak(values[:40], inside[:40], floor=1.0, mu=MU).caught
    assert probe_leak(values, np.ones(N, dtype=bool), floor=1.0, mu=MU).caught


def test_canaries_that_are_remembered_are_caught() -> None:
    generator = np.random.default_rng(1)
    inside, spam = generator.random(128) < 0.5, generator.random(128) < 0.5
    margins = generator.normal(size=128)
    assert not canary_leak(margins, spam, inside, mu=MU).caught
    remembered = margins + 5 * inside * np.where(spam, 1, -1)
    leak = canary_leak(remembered, spam, inside, mu=MU)
    assert leak.caught
    assert leak.figures["exposure_median"] > 4
    assert canary_leak(margins, spam, np.zeros(128, dtype=bool), mu=MU).caught


def test_membership_is_caught_where_models_remember() -> None:
    generator = np.random.default_rng(2)
    hard = generator.normal(size=300)
    lots = shadow_lots(LatticeNoise(3), 300, 16)
    innocent = membership_leak(lambda _flags: hard + generator.normal(size=300), 300, mu=MU, shadows=16, lots=lots)
    assert not innocent.caught
    assert 0.4 < innocent.figures["auc"] < 0.6
    figures = innocent.figures
    assert 0.08 < figures["auc_at_most"] - figures["auc"] < 0.12  # 3.1 errors of 1 / sqrt(3 * 300)
    assert 0.08 < figures["auc"] - figures["auc_at_least"] < 0.12
    guilty = membership_leak(
        lambda flags: hard + 4 * flags + generator.normal(size=300), 300, mu=MU, shadows=16, lots=lots
    )
    assert guilty.caught
    assert guilty.figures["auc"] > 0.9
    assert guilty.figures["auc_at_least"] <= guilty.figures["auc"] <= guilty.figures["auc_at_most"] <= 1


def test_the_noise_floor_is_what_noise_alone_gives() -> None:
    plan = make_plan(Budget(), cap=3)
    generator = np.random.default_rng(4)
    weight, velocity, total = np.zeros(20_000), np.zeros(20_000), np.zeros(20_000)
    for step in range(plan.recipe.steps):
        velocity = plan.recipe.momentum * velocity + generator.normal(0, plan.step * plan.cap / 500, 20_000)
        weight = weight - plan.recipe.rate * velocity
        total += weight if step >= plan.recipe.steps // 2 else 0
    assert noise_floor(plan, 500) == pytest.approx((total / (plan.recipe.steps // 2)).std(), rel=0.03)
