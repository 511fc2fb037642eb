from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata

from readingroom.models.accounting import Budget, Meter, Spend
from readingroom.models.features import matrix
from readingroom.models.noise import LatticeNoise, UnsafeNoNoise
from readingroom.models.planted import draw_lots, with_planted
from readingroom.models.recipe import Plan, Recipe, make_plan, noise_floor
from readingroom.models.train import Fitted, fit, noisy_scale, rescale


def _mails(count: int) -> tuple[list[str], np.ndarray]:
    generator = np.random.default_rng(0)
    spam = generator.random(count) < 0.5
    words = np.array(["alpha", "beta", "gamma", "delta", "money", "offer", "meeting", "report"])
    texts = [" ".join(generator.choice(words[:6] if s else words[[0, 1, 2, 3, 6, 7]], 12)) for s in spam]
    return texts, spam.astype(float)


def _trained(plan: Plan, seed: int = 1) -> tuple[Fitted, np.ndarray, np.ndarray]:
    texts, spam = _mails(800)
    rows = matrix(texts, bits=plan.recipe.bits)
    noise = LatticeNoise(seed)
    lots = draw_lots(plan.recipe.probes, 800, noise)
    fitted = fit(with_planted(rows, spam, lots, mails_each=plan.cap), plan, noise)
    return fitted, np.asarray(rescale(rows, fitted.scale) @ fitted.weights), spam


def _auc(scores: np.ndarray, spam: np.ndarray) -> float:
    ranks, inside = rankdata(scores), spam > 0
    return float((ranks[inside].sum() - inside.sum() * (inside.sum() + 1) / 2) / (inside.sum() * (~inside).sum()))


def test_it_learns_under_a_budget_and_spends_exactly_that() -> None:
    plan = make_plan(Budget(), cap=1, recipe=Recipe(bits=10))
    fitted, margins, spam = _trained(plan)
    assert _auc(margins, spam) > 0.9
    assert set(fitted.spends) == set(plan.spends())


def test_scores_fall_into_the_right_half() -> None:
    fitted, margins, spam = _trained(make_plan(Budget(8.0), cap=1, recipe=Recipe(bits=10)))
    scores = 1 / (1 + np.exp(-(fitted.calibration[0] * margins + fitted.calibration[1])))
    assert scores[spam > 0].mean() > 0.6
    assert scores[spam == 0].mean() < 0.4


def test_the_noise_in_the_model_is_the_noise_accounted_for() -> None:
    plan = make_plan(Budget(2.0), cap=4, recipe=Recipe(bits=8))
    noise = LatticeNoise(3)
    lots = draw_lots(plan.recipe.probes, 800, noise)
    texts, spam = _mails(800)
    examples = with_planted(matrix(texts, bits=8), spam, lots, mails_each=4)
    fitted = fit(examples, plan, noise)
    assert fitted.probes[~lots.probes_in].std() == pytest.approx(noise_floor(plan, examples.rows.shape[0]), rel=0.08)


def test_the_same_seed_gives_the_same_model_and_no_seed_another() -> None:
    plan = make_plan(Budget(), cap=1, recipe=Recipe(bits=8))
    assert (_trained(plan)[0].weights == _trained(plan)[0].weights).all()
    assert (_trained(plan, seed=2)[0].weights != _trained(plan)[0].weights).any()


def test_common_buckets_count_less() -> None:
    plan = make_plan(Budget(100.0), cap=1, recipe=Recipe(bits=8))
    rows = matrix(["the"] * 3000 + ["rare"], bits=8)
    scale = noisy_scale(rows, plan, noise=UnsafeNoNoise(), meter=Meter(plan.budget))
    column = {word: int(matrix([word], bits=8)[0, :-1].indices[0]) for word in ("the", "rare")}
    assert scale[column["the"]] < 0.2
    assert scale[column["rare"]] == 1


def test_the_whole_budget_is_planned_and_no_more() -> None:
    plan = make_plan(Budget(3.0), cap=2)
    assert sum(spend.count / spend.multiplier**2 for spend in plan.spends()) == pytest.approx(
        sum(s.count / s.multiplier**2 for s in make_plan(Budget(3.0), cap=8).spends())
    )
    assert Spend("descent", plan.step, 10) in plan.spends()
