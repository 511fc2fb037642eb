"""The lifetime ledger: what all models together have spent of one tenant's people.

Rule 1: a row is written in the transaction that records the training, with its event: what is not in the ledger was
not spent, and what was spent is in the ledger, released or not.
Rule 2: only a release makes numbers leave the room, so the lifetime limit binds releases; μ of releases compose as the
root of the sum of squares, whichever people the models share (all of them, to be safe).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, insert, select, update

from readingroom.audit.unit import Unit
from readingroom.core.ids import ModelId, TenantName
from readingroom.models.accounting import Budget, epsilon_of
from readingroom.models.tables import LEDGER

LIFETIME: Final = Budget(epsilon=8.0, delta=1e-6)
UNIT: Final = "person"


@dataclass(frozen=True)
class Balance:
    """One tenant's account, at the lifetime limit's δ."""

    tenant: TenantName
    trainings: int
    releases: int
    epsilon_released: float
    epsilon_trained: float  # if every training had been released


def note(unit: Unit, tenant: TenantName, model: ModelId, *, budget: Budget, mu: float) -> None:
    """Write what a training spent, in the caller's transaction."""
    row = {"tenant": tenant, "model": model, "unit": UNIT, "released": False, "at": unit.at}
    spent = {"epsilon": budget.epsilon, "delta": budget.delta, "mu": mu}
    unit.connection.execute(insert(LEDGER).values(**row, **spent))


def mark_released(unit: Unit, model: ModelId) -> None:
    """From now on the model's spending counts towards the lifetime."""
    unit.connection.execute(update(LEDGER).where(LEDGER.c.model == model).values(released=True))


def balance(connection: Connection, tenant: TenantName) -> Balance:
    """What has been spent of one tenant's people."""
    rows = connection.execute(select(LEDGER.c.mu, LEDGER.c.released).where(LEDGER.c.tenant == tenant)).all()
    released = [row.mu for row in rows if row.released]
    return Balance(
        tenant=tenant,
        trainings=len(rows),
        releases=len(released),
        epsilon_released=_epsilon(released),
        epsilon_trained=_epsilon([row.mu for row in rows]),
    )


def epsilon_with(connection: Connection, tenant: TenantName, mu: float) -> float:
    """The lifetime ε of the tenant's people if a model of this μ were released now."""
    query = select(LEDGER.c.mu).where(LEDGER.c.tenant == tenant, LEDGER.c.released.is_(True))
    return _epsilon([*connection.execute(query).scalars(), mu])


def _epsilon(mus: list[float]) -> float:
    return epsilon_of(math.sqrt(sum(mu * mu for mu in mus)), LIFETIME.delta)
