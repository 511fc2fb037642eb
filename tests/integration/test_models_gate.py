from __future__ import annotations

import base64
import pickle  # noqa: TID251 - to show that the gate refuses one
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from readingroom.core.errors import ReleaseRefused
from readingroom.models import checks
from readingroom.models.accounting import Budget, Spend
from readingroom.models.artefact import Artefact, decode, encode
from readingroom.models.checks import Candidate, Check, Policy, unsafe_weights
from readingroom.models.dataset import Mail, Material, gather
from readingroom.models.gate import GateReport, check_passed, examine, look
from readingroom.models.noise import LatticeNoise, Noise, UnsafeFraction
from readingroom.models.planted import Planted, draw_lots, with_planted
from readingroom.models.recipe import Plan, Recipe, make_plan
from readingroom.models.scan import verbatim
from readingroom.models.train import fit

LETTERS = "abcdefghijklmnopqrst"  # digits would count as one shape


PROBES = Recipe().probes
CONTROLS = ("no noise", "no privacy, canaries", "a tenth of the noise", "people in too many mails")


class World(NamedTuple):
    mails: list[Mail]
    labels: dict[str, bool]
    persons: dict[str, tuple[int, ...]]


def _world(mails: int = 600, people: int = 500, seed: int = 0) -> World:
    generator = np.random.default_rng(seed)
    common = ["word" + LETTERS[n // 20] + LETTERS[n % 20] for n in range(400)]
    pushy = ["offer" + LETTERS[n // 20] + LETTERS[n % 20] for n in range(60)]
    found, labels, persons = [], {}, {}
    for n in range(mails):
        spam = bool(generator.random() < 0.4)
        words = list(generator.choice(common, 25)) + list(generator.choice(pushy if spam else common[:60], 6))
        item = f"item-{n:04d}"
        found.append(Mail(item, f"Subject {generator.choice(common)}", f"<p>{' '.join(words)}</p> Ada Example {n}"))
        labels[item] = spam
        persons[item] = tuple(int(p) for p in generator.integers(0, people, generator.integers(0, 3)))
    return World(found, labels, persons)


def _encode(plan: Plan, arrays: tuple[np.ndarray, ...]) -> bytes:
    return encode(Artefact(plan.recipe.bits, *(a.astype(np.float32) for a in arrays)))


def _train(
    material: Material, plan: Plan, noise: Noise, *, lots: Planted, mails_each: int
) -> tuple[bytes, tuple[Spend, ...]]:
    fitted = fit(with_planted(material.rows, material.spam, lots, mails_each=mails_each), plan, noise)
    return _encode(plan, (fitted.scale, fitted.weights, fitted.probes, fitted.calibration)), fitted.spends


def _candidate(material: Material, *, seed: int = 1) -> Candidate:
    plan, noise = make_plan(Budget(), cap=material.choice.cap), LatticeNoise(seed)
    lots = draw_lots(plan.recipe.probes, len(material.texts), noise)
    data, spends = _train(material, plan, noise, lots=lots, mails_each=plan.cap)
    return Candidate(data, plan, spends, lots, material.manifest, material, {"tenant-a": 4.0})


@pytest.fixture(scope="module")
def material() -> Material:
    return gather(*_world())


@pytest.fixture(scope="module")
def good(material: Material) -> Candidate:
    return _candidate(material)


@pytest.fixture(scope="module")
def passed(good: Candidate) -> GateReport:
    return examine(good, Policy(), seed=7)


def _failed(candidate: Candidate, policy: Policy | None = None) -> set[str]:
    """What the checks that only look have against it (the attacks have a test of their own)."""
    report = GateReport(look(candidate, policy or Policy()), 0.0)
    with pytest.raises(ReleaseRefused) as refusal:
        check_passed(report)
    assert refusal.value.reasons == report.reasons
    return {check.name for check in report.checks if not check.passed}


def test_an_honest_model_passes_and_every_control_was_caught(passed: GateReport) -> None:
    assert passed.reasons == ()
    assert passed.passed
    check_passed(passed)
    assert sum(check.name.startswith("control: ") for check in passed.checks) == 5


def test_mails_of_one_template_can_be_tested_too() -> None:
    world = _world(mails=300)
    alike = [Mail(m.item, "Offer", "Dear [PERSON_1a2b], thank you for your order of wax.") for m in world.mails]
    report = examine(_candidate(gather(alike, world.labels, world.persons)), Policy(), seed=4)
    assert report.reasons == ()


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_honest_models_pass_whatever_the_lots(material: Material, seed: int) -> None:
    report = examine(_candidate(material, seed=seed), Policy(), seed=seed)
    assert report.reasons == ()


def test_a_tenth_of_the_noise_is_caught(material: Material, good: Candidate) -> None:
    assert good.plan
    assert good.planted
    data, spends = _train(material, good.plan, UnsafeFraction(LatticeNoise(5)), lots=good.planted, mails_each=1)
    assert "probes" in _failed(replace(good, data=data, spends=spends))


def test_clipping_per_mail_sold_as_per_person_is_caught(good: Candidate) -> None:
    """Eight mails a person, noise as if there were one: the file has an eighth of the noise it should have."""
    material = gather(*_world(people=20), cap=8)
    claimed, real = make_plan(Budget(), cap=8), make_plan(Budget(), cap=1)
    lots = draw_lots(PROBES, len(material.texts), LatticeNoise(6))
    data, spends = _train(material, real, LatticeNoise(6), lots=lots, mails_each=8)
    candidate = Candidate(data, claimed, spends, lots, material.manifest, material, {"tenant-a": 4.0})
    policy = Policy(min_people=10)
    assert "probes" in _failed(candidate, policy)
    # and if the claim were one mail a person: the data says otherwise, and so do the planted people
    assert {"contributions", "probes"} <= _failed(replace(candidate, plan=real), policy)


def test_planted_people_in_too_many_mails_stand_out(material: Material, good: Candidate) -> None:
    assert good.plan
    assert good.planted
    data, spends = _train(material, good.plan, LatticeNoise(5), lots=good.planted, mails_each=8)
    assert "probes" in _failed(replace(good, data=data, spends=spends))


def test_a_model_without_privacy_is_caught_by_its_canaries(material: Material, good: Candidate) -> None:
    assert good.plan
    assert good.planted
    examples = with_planted(material.rows, material.spam, good.planted, mails_each=1)
    weights = unsafe_weights(examples.rows, examples.spam)
    probes = LatticeNoise(99).draw(1e6, PROBES) / 1e6 * checks.noise_floor(good.plan, examples.rows.shape[0])
    forged = _encode(good.plan, (np.ones(len(weights) - 1), weights, probes, np.array([1.0, 0.0])))
    # the forger even made the probes look right
    assert _failed(replace(good, data=forged)) == {"canaries"}


def test_no_budget_is_refused(good: Candidate) -> None:
    assert "budget" in _failed(replace(good, plan=None, spends=()))
    assert "budget" in _failed(replace(good, spends=()))


def test_a_large_budget_is_refused(material: Material, good: Candidate) -> None:
    plan = make_plan(Budget(9.0), cap=1)
    assert "budget" in _failed(replace(good, plan=plan, spends=plan.spends()))


def test_sums_that_were_not_planned_are_refused(good: Candidate) -> None:
    more = (*good.spends, Spend("another look", 30.0, 1))
    assert _failed(replace(good, spends=more)) == {"accounting"}


def test_a_spent_lifetime_is_refused(good: Candidate) -> None:
    assert _failed(replace(good, lifetime={"tenant-a": 3.0, "tenant-b": 8.5})) == {"lifetime"}
    assert _failed(replace(good, lifetime={})) == {"lifetime"}


def test_few_people_are_refused(good: Candidate) -> None:
    assert _failed(good, Policy(min_people=10_000)) == {"people"}


def test_another_dataset_is_refused(good: Candidate) -> None:
    world = _world()
    world.labels["item-0000"] = not world.labels["item-0000"]
    assert "dataset" in _failed(replace(good, material=gather(*world)))


def test_nothing_planted_is_untested(good: Candidate) -> None:
    report = examine(replace(good, planted=None), Policy(), seed=1)
    failed = {check.name for check in report.checks if not check.passed}
    assert failed == {"probes", "canaries", *(f"control: {name}" for name in CONTROLS)}


def test_a_pickle_is_refused(good: Candidate) -> None:
    assert {"file", "verbatim"} <= _failed(replace(good, data=pickle.dumps({"weights": [1.0]})))


def _overwritten(data: bytes, text: bytes) -> bytes:
    at = len(data) - 5000
    return data[:at] + text + data[at + len(text) :]


def _hidings() -> Iterator[bytes]:
    secret = b"wordqz wordba"
    yield secret
    yield secret.upper()
    yield secret.decode().encode("utf-16-le")
    yield base64.b64encode(secret)
    yield secret.hex().encode()


@pytest.mark.parametrize("hidden", list(_hidings()))
def test_training_text_in_the_artefact_is_refused(good: Candidate, hidden: bytes) -> None:
    mails = [*good.material.texts[:-1], "a mail with wordqz wordba in it"]
    data = _overwritten(good.data, hidden)
    assert not verbatim(good.data, mails)
    reasons = verbatim(data, mails)
    assert reasons
    assert all("wordqz" not in reason for reason in reasons)


def test_the_gate_refuses_an_artefact_with_a_planted_mail(good: Candidate) -> None:
    text = good.material.texts[0][:30].encode()
    assert "verbatim" in _failed(replace(good, data=_overwritten(good.data, text)))


def test_more_text_than_chance_makes_is_refused_whatever_it_says(good: Candidate) -> None:
    assert verbatim(_overwritten(good.data, b"x1y2z3" * 8), ["nothing alike"])


def test_a_string_in_the_header_is_refused(good: Candidate) -> None:
    data = good.data.replace(b'"kind":"spam-checker"', b'"kind":"ada-examples"', 1)
    assert {"file", "verbatim"} <= _failed(replace(good, data=data))
    assert {"file"} <= _failed(replace(good, data=good.data + b"tail"))


def test_not_a_number_is_refused(good: Candidate) -> None:
    found = decode(good.data)
    weights = found.weights.copy()
    weights[3] = np.nan
    assert "file" in _failed(replace(good, data=encode(replace(found, weights=weights))))


def test_a_check_that_cannot_be_made_has_failed_and_says_nothing_of_the_data() -> None:
    def broken() -> Check:
        raise KeyError("ada@example.org")

    outcome = checks.run("broken", broken)
    assert not outcome.passed
    assert "ada" not in outcome.why
    assert not GateReport((), 0.0).passed


def test_the_report_says_figures_and_reasons(passed: GateReport) -> None:
    public = passed.public()
    assert public["passed"] is True
    figures = {check["check"]: check["figures"] for check in public["checks"]}
    assert figures["membership"]["auc_at_most"] >= figures["membership"]["auc"]
    assert figures["accounting"]["epsilon_pld"] == pytest.approx(figures["accounting"]["epsilon_closed_form"], rel=0.01)
