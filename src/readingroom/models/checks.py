"""The checks of the release gate: each looks at one thing and says passed or why not. Pure; the gate runs them.

Rule 1: fail closed. A check that cannot be made has failed, and its reason says so without a value.
Rule 2: a check that cannot fail proves nothing. The controls train models that are broken on purpose (no noise, a tenth
of the noise, people in more mails than accounted for, no privacy at all); each must be caught by the same attacks, else
the real model is untested, and an untested model is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from readingroom.core.errors import ReadingroomError, ReleaseRefused
from readingroom.models import artefact, features
from readingroom.models.accounting import Spend, check_agreement, mu_of
from readingroom.models.contributions import check_bound
from readingroom.models.dataset import Material
from readingroom.models.leaks import Flags, Leak, canary_leak, membership_leak, probe_leak, shadow_lots
from readingroom.models.noise import LatticeNoise, Noise, UnsafeFraction, UnsafeNoNoise
from readingroom.models.planted import Planted, canary_texts, nonsense, with_planted
from readingroom.models.recipe import Plan, noise_floor
from readingroom.models.scan import verbatim
from readingroom.models.train import Examples, Fitted, Floats, fit, rescale

SHADOWS: Final = 16
_MOST_ATTACKED: Final = 4000  # mails; the attack gets no sharper with more, only slower
_NONSENSE_SEED: Final = 2718
_NONSENSE_MAILS: Final = 400
_TOO_MANY: Final = 8  # the control's people are in this many times the mails accounted for


@dataclass(frozen=True)
class Policy:
    """The least a release must show; public, and on the card."""

    max_epsilon: float = 8.0
    max_delta: float = 1e-5
    lifetime_epsilon: float = 8.0
    min_people: int = 50
    min_mails: int = 100


@dataclass(frozen=True)
class Check:
    """One check's outcome."""

    name: str
    passed: bool
    why: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)

    def public(self) -> dict[str, Any]:
        """As the report, the card and `model show --json` show it."""
        figures = {name: _number(value) for name, value in self.figures.items()}
        return {"check": self.name, "passed": self.passed, "why": self.why, "figures": figures}


@dataclass(frozen=True)
class Candidate:
    """A trained model before the gate: its bytes, its training record, and the same material again."""

    data: bytes
    plan: Plan | None  # None: trained without a budget
    spends: tuple[Spend, ...]
    planted: Planted | None
    manifest: str
    material: Material
    lifetime: Mapping[str, float]  # ε of each tenant's people if this were released


def run(name: str, check: Callable[[], Check]) -> Check:
    """The check's outcome; a check that raises has failed (rule 1)."""
    try:
        return check()
    except ReleaseRefused as refusal:
        return Check(name, passed=False, why="; ".join((str(refusal), *refusal.reasons)))
    except ReadingroomError as error:
        return Check(name, passed=False, why=str(error))
    except Exception as error:  # noqa: BLE001 - fail closed: whatever went wrong, the model is untested
        return Check(name, passed=False, why=f"the check could not be made: {type(error).__name__}")


def budget(candidate: Candidate, policy: Policy) -> Check:
    """There is a budget, and it is one that means something."""
    if candidate.plan is None or not candidate.spends:
        return Check("budget", passed=False, why="trained without a privacy budget")
    found = candidate.plan.budget
    figures = {"epsilon": found.epsilon, "delta": found.delta}
    if found.epsilon > policy.max_epsilon or found.delta > policy.max_delta:
        return Check("budget", passed=False, why="the budget is larger than the policy allows", figures=figures)
    if found.delta * max(candidate.material.choice.people, 1) >= 1:
        return Check("budget", passed=False, why="delta is no less than one over the people", figures=figures)
    return Check("budget", passed=True, figures=figures)


def people(candidate: Candidate, policy: Policy) -> Check:
    """Enough people and mails that one of them is not the model."""
    choice = candidate.material.choice
    figures = {"people": choice.people, "mails": len(choice.items)}
    if choice.people < policy.min_people or len(choice.items) < policy.min_mails:
        why = f"fewer than {policy.min_people} people or {policy.min_mails} mails"
        return Check("people", passed=False, why=why, figures=figures)
    return Check("people", passed=True, figures=figures)


def dataset(candidate: Candidate) -> Check:
    """The gate looks at what the model was trained on."""
    same = candidate.material.manifest == candidate.manifest
    return Check("dataset", passed=same, why="" if same else "the dataset is not the one the model was trained on")


def contributions(candidate: Candidate) -> Check:
    """No person is in more mails than accounted for: asserted on the data."""
    choice = candidate.material.choice
    cap = min(candidate.plan.cap, choice.cap) if candidate.plan else 0
    most = check_bound(choice.items, candidate.material.persons, cap=cap)
    return Check("contributions", passed=True, figures={"mails_per_person": most, "accounted": cap})


def accounting(candidate: Candidate) -> Check:
    """PLD and closed form agree and keep the budget; what was spent is what the plan says."""
    plan = _planned(candidate)
    if set(candidate.spends) != set(plan.spends()):
        return Check("accounting", passed=False, why="the noisy sums taken are not those planned")
    closed, pld = check_agreement(candidate.spends, plan.budget)
    return Check("accounting", passed=True, figures={"epsilon_closed_form": closed, "epsilon_pld": pld})


def lifetime(candidate: Candidate, policy: Policy) -> Check:
    """No tenant's people would be beyond the lifetime limit."""
    most = max(candidate.lifetime.values(), default=float("inf"))
    passed = most <= policy.lifetime_epsilon
    why = "" if passed else "the lifetime budget of a tenant's people does not have this release"
    return Check("lifetime", passed=passed, why=why, figures={"epsilon_after": most})


def file(candidate: Candidate) -> Check:
    """The bytes are a model file and nothing else: no pickle, no archive, no string outside the public list."""
    found = artefact.decode(candidate.data)
    if artefact.encode(found) != candidate.data:
        return Check("file", passed=False, why="the file is not what its numbers would be written as")
    return Check("file", passed=True, figures={"bytes": len(candidate.data)})


def words(candidate: Candidate) -> Check:
    """No 8 bytes of any training mail stand in the file."""
    reasons = verbatim(candidate.data, candidate.material.texts + candidate.material.rest_texts)
    return Check("verbatim", passed=not reasons, why="; ".join(reasons))


def probes(candidate: Candidate) -> Check:
    """The noise in this very model is as strong as accounted for, and planted people do not stand out."""
    return _from(_planted_leaks(*_own(candidate))[0])


def canaries(candidate: Candidate) -> Check:
    """Planted mails that took part score like planted mails that did not."""
    return _from(_planted_leaks(*_own(candidate))[1])


def membership(candidate: Candidate, noise: LatticeNoise) -> Check:
    """Real mails cannot be told to have taken part: shadow models by the same recipe."""
    plan = _planned(candidate)
    rows, spam = _attacked(candidate.material)

    def shadow(flags: Flags) -> Floats:
        none = np.zeros(0, dtype=np.int64)
        found = fit(Examples(rows[flags], spam[flags], none), plan, noise)
        return np.asarray(rescale(rows, found.scale) @ found.weights) * (2 * spam - 1)

    lots = shadow_lots(noise, len(spam), SHADOWS)
    return _from(membership_leak(shadow, len(spam), mu=mu_of(plan.spends()), shadows=SHADOWS, lots=lots))


def control_no_noise(candidate: Candidate) -> Check:
    """A twin without noise must be caught by the probes (rule 2)."""
    return _caught("no noise", _twin(candidate, UnsafeNoNoise(), times=1)[0])


def control_less_noise(candidate: Candidate, noise: LatticeNoise) -> Check:
    """A twin with a tenth of the noise must be caught by the probes (rule 2)."""
    return _caught("a tenth of the noise", _twin(candidate, UnsafeFraction(noise), times=1)[0])


def control_too_many(candidate: Candidate, noise: LatticeNoise) -> Check:
    """A twin whose people are in more mails than accounted for must be caught by the probes (rule 2)."""
    return _caught("people in too many mails", _twin(candidate, noise, times=_TOO_MANY)[0])


def control_canaries(candidate: Candidate) -> Check:
    """The non-private twin, which remembers its mails, must be caught by the canaries (rule 2)."""
    plan, lots = _planned(candidate), _lots(candidate)
    examples = with_planted(candidate.material.rows, candidate.material.spam, lots, mails_each=plan.cap)
    weights = unsafe_weights(examples.rows, examples.spam)
    scale, nothing = np.ones(examples.rows.shape[1] - 1), np.zeros(0)
    twin = Fitted(scale, weights, nothing, nothing, candidate.spends)
    return _caught("no privacy, canaries", _canary_leak(twin, lots, plan))


def control_membership(candidate: Candidate, noise: LatticeNoise) -> Check:
    """Models without privacy must be caught by the membership attack (rule 2).

    On nonsense mails with drawn labels, which can only be learned by heart: real mails may all be of one template, and
    then there is nothing to remember. What the attack finds without privacy on the real mails is said beside it.
    """
    mu = mu_of(_planned(candidate).spends())
    texts = nonsense(_NONSENSE_SEED, _NONSENSE_MAILS)
    spam = (noise.words(len(texts)) >> np.uint64(63)).astype(np.float64)
    leak = _unsafe_membership(features.matrix(texts, bits=_planned(candidate).recipe.bits), spam, noise, mu=mu)
    real = _unsafe_membership(*_attacked(candidate.material), noise, mu=mu)
    figures = leak.figures | {"real_mails_auc": real.figures["auc"]}
    return _caught("no privacy, membership", replace(leak, figures=figures))


def _unsafe_membership(rows: Any, spam: Floats, noise: LatticeNoise, *, mu: float) -> Leak:
    def shadow(flags: Flags) -> Floats:
        return np.asarray(rows @ unsafe_weights(rows[flags], spam[flags])) * (2 * spam - 1)

    lots = shadow_lots(noise, len(spam), SHADOWS)
    return membership_leak(shadow, len(spam), mu=mu, shadows=SHADOWS, lots=lots)


def unsafe_weights(rows: Any, spam: Floats, *, strength: float = 30.0) -> Floats:
    """Logistic regression without any privacy: the control, and the yardstick of the quality script. Never released."""

    def loss(weights: Floats) -> tuple[float, Floats]:
        margins = rows @ weights
        value = float(np.logaddexp(0, np.where(spam > 0, -margins, margins)).sum() + weights @ weights / (2 * strength))
        return value, rows.T @ (expit(margins) - spam) + weights / strength

    found = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 150})
    return np.asarray(found.x, dtype=np.float64)


def _twin(candidate: Candidate, noise: Noise, *, times: int) -> tuple[Leak, Leak]:
    """The planted leaks of a model trained again with other noise, or with people in `times` as many mails."""
    plan, lots = _planned(candidate), _lots(candidate)
    examples = with_planted(candidate.material.rows, candidate.material.spam, lots, mails_each=plan.cap * times)
    return _planted_leaks(fit(examples, plan, noise), lots, (plan, examples.rows.shape[0]))


def _own(candidate: Candidate) -> tuple[Fitted, Planted, tuple[Plan, int]]:
    """The arrays of the file itself, ready for the attacks."""
    plan, lots = _planned(candidate), _lots(candidate)
    found = artefact.decode(candidate.data)
    arrays = (found.scale, found.weights, found.probes, found.calibration)
    scale, weights, values, calibration = (array.astype(np.float64) for array in arrays)
    mails = len(candidate.material.texts) + int(lots.canaries_in.sum()) * plan.cap
    return Fitted(scale, weights, values, calibration, candidate.spends), lots, (plan, mails)


def _planted_leaks(fitted: Fitted, lots: Planted, frame: tuple[Plan, int]) -> tuple[Leak, Leak]:
    plan, mails = frame
    floor = noise_floor(plan, mails)
    return (
        probe_leak(fitted.probes, lots.probes_in, floor=floor, mu=mu_of(plan.spends())),
        _canary_leak(fitted, lots, plan),
    )


def _canary_leak(fitted: Fitted, lots: Planted, plan: Plan) -> Leak:
    texts = features.matrix(canary_texts(lots), bits=plan.recipe.bits)
    margins = np.asarray(rescale(texts, fitted.scale) @ fitted.weights)
    return canary_leak(margins, lots.canary_spam, lots.canaries_in, mu=mu_of(plan.spends()))


def _attacked(material: Material) -> tuple[Any, Floats]:
    some = np.linspace(0, len(material.spam) - 1, min(len(material.spam), _MOST_ATTACKED)).astype(np.int64)
    return material.rows[some], material.spam[some]


def _planned(candidate: Candidate) -> Plan:
    if candidate.plan is None:
        raise ReleaseRefused("trained without a privacy budget", reasons=("no budget",))
    return candidate.plan


def _number(value: float) -> float | None:
    """JSON has no infinity."""
    return round(float(value), 6) if np.isfinite(value) else None


def _lots(candidate: Candidate) -> Planted:
    if candidate.planted is None:
        raise ReleaseRefused("nothing was planted in this model", reasons=("untested",))
    return candidate.planted


def _from(leak: Leak) -> Check:
    return Check(leak.attack, passed=not leak.caught, why=leak.why, figures=leak.figures)


def _caught(name: str, leak: Leak) -> Check:
    why = "" if leak.caught else "a model broken on purpose was not caught: the attack proves nothing here"
    return Check(f"control: {name}", passed=leak.caught, why=why, figures=leak.figures)
