from __future__ import annotations

import math

import pytest
from scipy.stats import norm

from readingroom.core.errors import ReleaseRefused, UsageError
from readingroom.models.accounting import (
    Budget,
    Meter,
    Spend,
    area_ceiling,
    check_agreement,
    delta_of,
    epsilon_of,
    mu_for,
    mu_of,
    pld_epsilon,
    power_ceiling,
)
from readingroom.models.recipe import make_plan


@pytest.mark.parametrize("epsilon", [0.5, 1, 2, 4, 8])
@pytest.mark.parametrize("cap", [1, 8])
def test_two_ways_of_counting_agree_to_one_percent(epsilon: float, cap: int) -> None:
    plan = make_plan(Budget(epsilon), cap=cap)
    closed, pld = check_agreement(plan.spends(), plan.budget)
    assert closed == pytest.approx(epsilon, rel=1e-6)
    assert pld == pytest.approx(closed, rel=0.01)


def test_the_closed_form_is_the_published_one() -> None:
    # Balle & Wang 2018, sensitivity 1, sigma 1: delta(1) = Phi(-1/2) - e Phi(-3/2)
    assert delta_of(1.0, 1.0) == pytest.approx(norm.cdf(-0.5) - math.e * norm.cdf(-1.5), abs=1e-12)
    assert epsilon_of(1.0, delta_of(1.0, 1.0)) == pytest.approx(1.0, rel=1e-9)
    assert mu_for(Budget(4.0, 1e-6)) == pytest.approx(0.8378587570, rel=1e-8)


def test_a_tenth_of_the_noise_is_an_overspent_budget() -> None:
    plan = make_plan(Budget(2.0), cap=8)
    cheating = tuple(Spend(s.what, s.multiplier / 10, s.count) for s in plan.spends())
    with pytest.raises(ReleaseRefused, match="overspent"):
        check_agreement(cheating, plan.budget)


def test_disagreement_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan(Budget(2.0), cap=1)
    monkeypatch.setattr("readingroom.models.accounting.pld_epsilon", lambda _spends, _delta: 2.05)
    with pytest.raises(ReleaseRefused, match="disagree"):
        check_agreement(plan.spends(), plan.budget)


def test_no_accounting_is_refused() -> None:
    with pytest.raises(ReleaseRefused, match="nothing says"):
        check_agreement((), Budget())


def test_the_meter_refuses_the_step_too_many() -> None:
    plan = make_plan(Budget(1.0), cap=1)
    meter = Meter(plan.budget)
    for spend in plan.spends():
        for _ in range(spend.count):
            meter.spend(spend.what, spend.multiplier)
    assert set(meter.spent()) == set(plan.spends())
    assert not meter.can_spend(plan.step)
    with pytest.raises(UsageError, match="budget"):
        meter.spend("descent", plan.step)
    assert set(meter.spent()) == set(plan.spends())
    assert not meter.can_spend(0.0)


@pytest.mark.parametrize(
    "bad", [(0, 1e-6), (-1, 1e-6), (math.inf, 1e-6), (math.nan, 1e-6), (1, 0), (1, 1), (2000, 0.1)]
)
def test_a_budget_that_means_nothing_is_none(bad: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="budget"):
        Budget(*bad)


def test_ceilings_follow_from_the_claim() -> None:
    assert area_ceiling(0.0) == 0.5
    assert power_ceiling(0.0, 0.01) == pytest.approx(0.01)
    assert area_ceiling(0.8378587570) == pytest.approx(0.723227, abs=1e-5)


def test_squares_add_up() -> None:
    assert mu_of([Spend("a", 2.0, 4)]) == pytest.approx(1.0)
    assert pld_epsilon([Spend("a", 2.0, 4)], 1e-6) == pytest.approx(epsilon_of(1.0, 1e-6), rel=0.01)
