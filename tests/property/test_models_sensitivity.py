from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from readingroom.core.errors import Fault
from readingroom.models.artefact import Artefact, decode, encode
from readingroom.models.contributions import check_bound, choose
from readingroom.models.features import matrix
from readingroom.models.noise import UnsafeNoNoise
from readingroom.models.score import read_mail, score_text
from readingroom.models.train import noisy_sum, rescale

seeds = st.integers(0, 2**31)


@settings(deadline=None)
@given(seed=seeds, cap=st.integers(1, 8), clip=st.floats(0.01, 2.0), stretch=st.floats(0.001, 1000.0))
def test_one_person_moves_a_sum_by_at_most_what_the_noise_is_measured_by(
    seed: int, cap: int, clip: float, stretch: float
) -> None:
    """The heart of the accounting: empty all mails of one person and look how far the exact sum moves."""
    generator = np.random.default_rng(seed)
    values = sparse.csr_matrix(np.where(generator.random((30, 12)) < 0.5, generator.normal(size=(30, 12)), 0) * stretch)
    mine = generator.choice(30, cap, replace=False)
    keep = np.ones(30)
    keep[mine] = 0
    without = (sparse.diags(keep) @ values).tocsr()
    moved = noisy_sum(values, (clip, cap), 1.0, noise=UnsafeNoNoise()) - noisy_sum(
        without, (clip, cap), 1.0, noise=UnsafeNoNoise()
    )
    assert np.linalg.norm(moved) <= cap * clip * (1 + 1e-9)


@settings(deadline=None)
@given(seed=seeds)
def test_sums_lie_on_the_lattice(seed: int) -> None:
    values = sparse.csr_matrix(np.random.default_rng(seed).normal(size=(9, 5)))
    steps = noisy_sum(values, (1.0, 1), 1.0, noise=UnsafeNoNoise()) * (1 << 20)
    assert (steps == np.rint(steps)).all()


@settings(deadline=None)
@given(texts=st.lists(st.text(max_size=200), min_size=1, max_size=8))
def test_any_text_has_a_row_of_length_at_most_one(texts: list[str]) -> None:
    rows = matrix(texts)
    assert rows.shape[0] == len(texts)
    again = rescale(rows, np.linspace(0.1, 1, rows.shape[1] - 1))
    for found in (rows, again):
        assert np.isfinite(found.data).all()
        assert float(np.sqrt(found.multiply(found).sum(axis=1)).max()) <= 1


@given(
    persons=st.dictionaries(st.text("abcdef", min_size=1, max_size=6), st.lists(st.integers(0, 9)).map(tuple)),
    cap=st.integers(1, 8),
)
def test_the_bound_holds_on_any_graph(persons: dict[str, tuple[int, ...]], cap: int) -> None:
    choice = choose(persons, persons, cap=cap)
    assert check_bound(choice.items, persons, cap=cap) <= cap
    assert choice == choose(sorted(persons, reverse=True), persons, cap=cap)


def _artefact(seed: int, bits: int, probes: int) -> Artefact:
    drawn = np.random.default_rng(seed).normal(size=2 * (1 << bits) + 3 + probes).astype(np.float32)
    scale, weights, found, calibration = np.split(drawn, np.cumsum([1 << bits, (1 << bits) + 1, probes]))
    return Artefact(bits, np.abs(scale) + 1, weights, found, calibration)


@given(seed=seeds, bits=st.integers(1, 8), probes=st.integers(0, 40))
def test_an_artefact_has_one_form(seed: int, bits: int, probes: int) -> None:
    data = encode(_artefact(seed, bits, probes))
    assert encode(decode(data)) == data


@given(data=st.binary(max_size=300), seed=seeds, at=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_whatever_is_no_artefact_is_refused_as_ours(data: bytes, seed: int, at: int, flip: int) -> None:
    good = encode(_artefact(seed, 4, 8))
    bent = bytearray(good)
    bent[at % len(good)] ^= flip
    for candidate in (data, good[: at % len(good)], good + data[:1] + b"x", bytes(bent)):
        try:
            found = decode(candidate)
        except Fault:
            continue
        assert encode(found) == candidate


@settings(deadline=None)
@given(data=st.binary(max_size=400) | st.text(max_size=300).map(lambda text: ("Subject: " + text).encode()))
def test_any_bytes_can_be_scored(data: bytes) -> None:
    found = score_text(_artefact(1, 10, 0), read_mail(data))
    assert 0 <= found.score <= 100
