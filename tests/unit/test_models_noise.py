from __future__ import annotations

import numpy as np
from scipy.stats import kstest, norm

from readingroom.models.noise import LatticeNoise, UnsafeFraction, UnsafeNoNoise

SIGMA = 4_000_000.0


def test_noise_is_whole_numbers_with_the_stated_spread() -> None:
    drawn = LatticeNoise(1).draw(SIGMA, 200_001)
    assert drawn.dtype == np.int64
    assert abs(drawn.std() / SIGMA - 1) < 0.01
    assert abs(drawn.mean() / SIGMA) < 0.01
    assert kstest(drawn / SIGMA, norm.cdf).pvalue > 1e-4


def test_small_spreads_are_rounded_gaussians() -> None:
    drawn = LatticeNoise(2).draw(0.5, 100_000)
    expected = norm.cdf(1.0) - norm.cdf(-1.0)  # P(|N(0, 0.25)| < 0.5)
    assert abs((drawn == 0).mean() - expected) < 0.01


def test_tails_exist() -> None:
    assert np.abs(LatticeNoise(3).draw(SIGMA, 1_000_000)).max() > 4.3 * SIGMA


def test_a_seed_repeats_and_the_operating_system_does_not() -> None:
    assert (LatticeNoise(5).draw(SIGMA, 100) == LatticeNoise(5).draw(SIGMA, 100)).all()
    assert (LatticeNoise().draw(SIGMA, 100) != LatticeNoise().draw(SIGMA, 100)).any()
    assert LatticeNoise().secure
    assert not LatticeNoise(5).secure


def test_one_stream_never_repeats_itself() -> None:
    noise = LatticeNoise(6)
    first, second = noise.draw(SIGMA, 5000), noise.draw(SIGMA, 5000)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.06
    half = LatticeNoise(7).draw(SIGMA, 10_000)
    assert abs(np.corrcoef(half[:5000], half[5000:])[0, 1]) < 0.06  # the two of Box-Muller


def test_the_broken_ones_are_broken() -> None:
    assert not UnsafeNoNoise().draw(SIGMA, 10).any()
    assert abs(UnsafeFraction(LatticeNoise(8)).draw(SIGMA, 50_000).std() / (SIGMA / 10) - 1) < 0.02
