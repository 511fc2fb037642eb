"""The release gate: every check, in order, and the verdict. It fails closed and says why (P31).

A model passes if every check passed. A control that does not fire counts as a failed check: the model is untested.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from readingroom.core.errors import ReleaseRefused
from readingroom.core.progress import Progress, silent
from readingroom.models import checks
from readingroom.models.checks import Candidate, Check, Policy
from readingroom.models.noise import LatticeNoise


@dataclass(frozen=True)
class GateReport:
    """What the gate found."""

    checks: tuple[Check, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether every check passed; without checks nothing has (empty means no)."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why not, one sentence a failed check."""
        return tuple(f"{check.name}: {check.why}" for check in self.checks if not check.passed)

    def public(self) -> dict[str, Any]:
        """As `model gate --json` shows it and as the card and the row keep it."""
        return {"passed": self.passed, "reasons": list(self.reasons), "checks": [c.public() for c in self.checks]}


def examine(
    candidate: Candidate, policy: Policy, *, seed: int | None = None, progress: Progress = silent
) -> GateReport:
    """Run every check on `candidate`; never raises for what a check finds."""
    begun = perf_counter()
    found = list(look(candidate, policy))
    for done, (name, check) in enumerate(todo := _attacks(candidate, LatticeNoise(seed))):
        progress("gate", done, len(todo))
        found.append(checks.run(name, check))
    progress("gate", len(todo), len(todo))
    return GateReport(tuple(found), perf_counter() - begun)


def look(candidate: Candidate, policy: Policy) -> tuple[Check, ...]:
    """The checks that only look: at the record, the data and the file."""
    todo: tuple[tuple[str, Callable[[], Check]], ...] = (
        ("budget", lambda: checks.budget(candidate, policy)),
        ("people", lambda: checks.people(candidate, policy)),
        ("dataset", lambda: checks.dataset(candidate)),
        ("contributions", lambda: checks.contributions(candidate)),
        ("accounting", lambda: checks.accounting(candidate)),
        ("lifetime", lambda: checks.lifetime(candidate, policy)),
        ("file", lambda: checks.file(candidate)),
        ("verbatim", lambda: checks.words(candidate)),
        ("probes", lambda: checks.probes(candidate)),
        ("canaries", lambda: checks.canaries(candidate)),
    )
    return tuple(checks.run(name, check) for name, check in todo)


def _attacks(candidate: Candidate, noise: LatticeNoise) -> tuple[tuple[str, Callable[[], Check]], ...]:
    """The checks that train: shadows of the model, and models that are broken on purpose."""
    return (
        ("membership", lambda: checks.membership(candidate, noise)),
        ("control: no noise", lambda: checks.control_no_noise(candidate)),
        ("control: no privacy, canaries", lambda: checks.control_canaries(candidate)),
        ("control: a tenth of the noise", lambda: checks.control_less_noise(candidate, noise)),
        ("control: people in too many mails", lambda: checks.control_too_many(candidate, noise)),
        ("control: no privacy, membership", lambda: checks.control_membership(candidate, noise)),
    )


def check_passed(report: GateReport) -> None:
    """Raise ReleaseRefused with every reason unless the report passed."""
    if not report.passed:
        raise ReleaseRefused("the release gate refused the model", reasons=report.reasons or ("no check was made",))
