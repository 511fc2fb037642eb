"""The spam checker's life in a room: train, gate, release, retire, show, score (P31, P32).

Rule 1: the data comes in as arguments, through the access gate, with purpose `spam-checker` (P23); nothing here opens a
copy. Rule 2: each step checks, acts and appends its event in one transaction. Rule 3: the person who releases is not
the person who trained, and both have the role for it. Rule 4: files are written before the row that makes them count,
and read back by their hash; a file without a row is nobody's model and holds no customer data.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from sqlalchemy import Connection, insert, select, update

from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.core.clock import format_instant
from readingroom.core.errors import (
    AccessDenied,
    ReleaseRefused,
    SimulationOnly,
    UnknownName,
    UsageError,
    WrongState,
)
from readingroom.core.ids import ModelId, PersonId, TenantName, new_id
from readingroom.core.progress import Progress, silent
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House
from readingroom.models import artefact, ledger, shelf
from readingroom.models.accounting import Budget, Spend, mu_of
from readingroom.models.card import make_card
from readingroom.models.checks import Candidate, Policy
from readingroom.models.dataset import Mail, Material, gather
from readingroom.models.gate import GateReport, examine
from readingroom.models.metrics import held_out
from readingroom.models.noise import LatticeNoise
from readingroom.models.planted import Planted, draw_lots, with_planted
from readingroom.models.recipe import Plan, Recipe, make_plan
from readingroom.models.score import Score, read_mail, score_text
from readingroom.models.states import ModelState, check_transition
from readingroom.models.tables import MODELS, PURPOSE
from readingroom.models.train import fit

TRAINER: Final = "ml-engineer"
RELEASERS: Final = frozenset({"ml-engineer", "approver"})


class Signatory(Protocol):
    """A person who acts: who they are, what the register calls them, and their roles (access.people.Person is one)."""

    @property
    def id(self) -> PersonId:
        """The person."""
        ...

    @property
    def actor(self) -> str:
        """Their pseudonym in the register."""
        ...

    @property
    def roles(self) -> Collection[str]:
        """What they may be asked to do."""
        ...


@dataclass(frozen=True)
class Source:
    """What a training learns from, or a gate looks at again. `dataset` is read once per call."""

    dataset: Iterable[Mail]
    labels: Mapping[str, bool]  # True: spam
    persons: Mapping[str, tuple[int, ...]]  # item → everybody known who occurs in it; numbers unique over tenants


def train_spam_checker(
    house: House,
    source: Source,
    *,
    person: Signatory,
    tenants: Collection[TenantName],
    budget: Budget | None = None,
    seed: int | None = None,
) -> ModelId:
    """Train under `budget` (ε 4, δ 1e-6 by default); the model is `trained`, and nobody's yet."""
    _check_role(person, frozenset({TRAINER}), "train a model")
    _check_seed(house, seed)
    if not tenants:
        raise UsageError("whose data is it? Name the tenants")
    budget = budget or Budget()
    material = gather(source.dataset, source.labels, source.persons)
    plan, noise = make_plan(budget, cap=material.choice.cap), LatticeNoise(seed)
    lots = draw_lots(plan.recipe.probes, len(material.texts), noise)
    fitted = fit(with_planted(material.rows, material.spam, lots, mails_each=plan.cap), plan, noise)
    data = artefact.encode(
        artefact.Artefact(
            plan.recipe.bits,
            *(a.astype(np.float32) for a in (fitted.scale, fitted.weights, fitted.probes, fitted.calibration)),
        )
    )
    model = ModelId(new_id("model"))
    shelf.put(house, model, shelf.ARTEFACT, data=data)
    record = {
        "tenants": sorted(set(tenants)),
        "counts": material.choice.counts(),
        "spends": [[spend.what, spend.multiplier, spend.count] for spend in fitted.spends],
        "budget": {"epsilon": budget.epsilon, "delta": budget.delta},
        "planted": lots.record(),
        "held_out": held_out(fitted, material),
        "secure_noise": noise.secure,
    }
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        row = {"id": model, "kind": "spam-checker", "purpose": PURPOSE, "state": ModelState.TRAINED}
        who = {"trained_by": person.id, "trained_actor": person.actor, "trained_at": unit.at}
        what = {"sha256": artefact.sha256(data), "manifest": material.manifest, "plan": plan.public()}
        unit.connection.execute(insert(MODELS).values(**row, **who, **what, record=record, gate={}))
        _note_spending(unit, person, model=model, record=record, mu=mu_of(fitted.spends))
    return model


def gate_model(
    house: House, model: ModelId, source: Source, *, seed: int | None = None, progress: Progress = silent
) -> GateReport:
    """Examine a trained model; it is `gated` or `refused` afterwards, and its card is signed either way."""
    _check_seed(house, seed)
    with house.db.read(EVERY_TENANT) as connection:
        row = _row(connection, model)
        _check_either(ModelState(row["state"]))
        spent = {t: ledger.epsilon_with(connection, t, _mu(row)) for t in row["record"]["tenants"]}
    candidate = _candidate(house, row, source, lifetime=spent)
    report = examine(candidate, Policy(), seed=seed, progress=progress)
    to = ModelState.GATED if report.passed else ModelState.REFUSED
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        check_transition(ModelState(_row(unit.connection, model)["state"]), to=to)
        change = {"state": to, "gated_at": unit.at, "gate": report.public()}
        unit.connection.execute(update(MODELS).where(MODELS.c.id == model).values(**change))
        facts = {"model": model, "passed": report.passed, "failed": [c.name for c in report.checks if not c.passed]}
        unit.append(Event("model.gated", actor=house.role.value, facts=facts | {"sha256": row["sha256"]}))
        _write_card(house, model, _row(unit.connection, model))
    return report


def release_model(house: House, model: ModelId, *, by: Signatory) -> None:
    """Let a gated model out; by a second person only. Other released models of its kind stay until retired."""
    _check_role(by, RELEASERS, "release a model")
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        row = _row(unit.connection, model)
        state = ModelState(row["state"])
        if state in {ModelState.TRAINED, ModelState.REFUSED}:
            reasons = tuple(row["gate"].get("reasons", ())) or ("it has not passed the release gate",)
            raise ReleaseRefused(f"model {model} is {state}", reasons=reasons)
        check_transition(state, to=ModelState.RELEASED)
        if by.id == row["trained_by"] or by.actor == row["trained_actor"]:
            raise ReleaseRefused("a second person releases a model", reasons=("the releaser trained it",))
        if row["gate"].get("passed") is not True:
            raise ReleaseRefused(f"model {model} has no passed gate", reasons=("untested",))
        _check_lifetime(unit, row)
        if artefact.sha256(shelf.get(house, model, shelf.ARTEFACT)) != row["sha256"]:
            raise ReleaseRefused("the file is not the one that was gated", reasons=("another file",))
        change = {"state": ModelState.RELEASED, "released_actor": by.actor, "released_at": unit.at}
        unit.connection.execute(update(MODELS).where(MODELS.c.id == model).values(**change))
        ledger.mark_released(unit, model)
        facts = {"model": model, "sha256": row["sha256"], "trained_by": row["trained_actor"], "purpose": row["purpose"]}
        unit.append(Event("model.released", actor=by.actor, facts=facts))
        _write_card(house, model, _row(unit.connection, model))


def retire_model(house: House, model: ModelId, *, by: Signatory) -> None:
    """Use a released model no more."""
    _check_role(by, RELEASERS, "retire a model")
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        check_transition(ModelState(_row(unit.connection, model)["state"]), to=ModelState.RETIRED)
        change = {"state": ModelState.RETIRED, "retired_at": unit.at}
        unit.connection.execute(update(MODELS).where(MODELS.c.id == model).values(**change))
        unit.append(Event("model.retired", actor=by.actor, facts={"model": model}))


def show_model(house: House, model: ModelId) -> dict[str, Any]:
    """What the room knows of a model, as `model show --json` prints it."""
    with house.db.read(EVERY_TENANT) as connection:
        return _public(_row(connection, model))


def list_models(house: House) -> list[dict[str, Any]]:
    """Every model, newest first."""
    with house.db.read(EVERY_TENANT) as connection:
        rows = connection.execute(select(MODELS).order_by(MODELS.c.trained_at.desc(), MODELS.c.id)).mappings().all()
    return [_public(dict(row)) for row in rows]


def balance(house: House, tenant: TenantName) -> ledger.Balance:
    """What all models together have spent of one tenant's people."""
    with house.db.read(tenant) as connection:
        return ledger.balance(connection, tenant)


def score_mail(house: House, model: ModelId | None, data: bytes) -> Score:
    """Score an .eml or a raw text with a released model (None: the one released last)."""
    with house.db.read(EVERY_TENANT) as connection:
        row = _released(connection) if model is None else _row(connection, model)
    if row["state"] != ModelState.RELEASED:
        raise WrongState(f"model {row['id']} is {row['state']}; only a released model scores mail")
    return score_text(artefact.decode(_bytes(house, row)), read_mail(data), model=row["id"])


def _candidate(house: House, row: Mapping[str, Any], source: Source, *, lifetime: Mapping[str, float]) -> Candidate:
    plan, spends = _plan(row)
    cap = plan.cap if plan else None
    material: Material = gather(source.dataset, source.labels, source.persons, bits=_bits(plan), cap=cap)
    lots = row["record"].get("planted")
    return Candidate(
        data=shelf.get(house, row["id"], shelf.ARTEFACT),
        plan=plan,
        spends=spends,
        planted=Planted.load(lots) if lots else None,
        manifest=row["manifest"],
        material=material,
        lifetime=lifetime,
    )


def _bits(plan: Plan | None) -> int:
    return (plan.recipe if plan else Recipe()).bits


def _plan(row: Mapping[str, Any]) -> tuple[Plan | None, tuple[Spend, ...]]:
    """The plan of the training record; None if it was trained without a budget."""
    found, record = row["plan"], row["record"]
    if not record.get("budget"):
        return None, ()
    plan = make_plan(Budget(**record["budget"]), cap=found["mails_per_person"], recipe=Recipe(**found["recipe"]))
    return plan, tuple(Spend(what, multiplier, count) for what, multiplier, count in record["spends"])


def _mu(row: Mapping[str, Any]) -> float:
    spends = _plan(row)[1]
    return mu_of(spends) if spends else 1e3


def _note_spending(unit: Unit, person: Signatory, *, model: ModelId, record: Mapping[str, Any], mu: float) -> None:
    budget = Budget(**record["budget"])
    public = {"model": model, "purpose": PURPOSE, **record["budget"], "unit": ledger.UNIT}
    for tenant in record["tenants"]:
        ledger.note(unit, TenantName(tenant), model, budget=budget, mu=mu)
        unit.append(Event("privacy.spent", actor=person.actor, tenant=TenantName(tenant), facts=public))
    unit.append(Event("model.trained", actor=person.actor, facts=public | {"counts": record["counts"]}))


def _check_lifetime(unit: Unit, row: Mapping[str, Any]) -> None:
    """Between gate and release another model may have been released: the limit is checked again, inside."""
    for tenant in row["record"]["tenants"]:
        if ledger.epsilon_with(unit.connection, TenantName(tenant), _mu(row)) > ledger.LIFETIME.epsilon:
            raise ReleaseRefused("the lifetime budget does not have this release", reasons=(f"tenant {tenant}",))


def _check_role(person: Signatory, roles: frozenset[str], act: str) -> None:
    if not roles & {str(role) for role in person.roles}:
        raise AccessDenied(f"to {act} takes one of the roles {', '.join(sorted(roles))}", reasons=("role",))


def _check_seed(house: House, seed: int | None) -> None:
    if seed is not None and not house.settings.simulation:
        raise SimulationOnly("noise that can be repeated exists in simulation rooms only; leave the seed out")


def _check_either(state: ModelState) -> None:
    """Gating must be possible, whatever it will find."""
    check_transition(state, to=ModelState.REFUSED)


def _row(connection: Connection, model: ModelId) -> dict[str, Any]:
    found = connection.execute(select(MODELS).where(MODELS.c.id == model)).mappings().first()
    if found is None:
        raise UnknownName(f'no model "{model}"')
    return dict(found)


def _released(connection: Connection) -> dict[str, Any]:
    query = select(MODELS).where(MODELS.c.state == ModelState.RELEASED).order_by(MODELS.c.released_at.desc())
    found = connection.execute(query).mappings().first()
    if found is None:
        raise UnknownName("no model is released yet")
    return dict(found)


def _bytes(house: House, row: Mapping[str, Any]) -> bytes:
    data = shelf.get(house, row["id"], shelf.ARTEFACT)
    if artefact.sha256(data) != row["sha256"]:
        raise WrongState(f"the file of model {row['id']} is not the one that was released")
    return data


def _write_card(house: House, model: ModelId, row: Mapping[str, Any]) -> None:
    card = make_card(_public(row), {"signed_by": house.role.value})
    shelf.replace(house, model, shelf.CARD, data=card)
    shelf.replace(house, model, shelf.SIGNATURE, data=house.keys.sign(card))


def _public(row: Mapping[str, Any]) -> dict[str, Any]:
    """A model without what would help to attack it (the lots of the planted)."""
    record = row["record"]
    times = {name: row[name] and format_instant(row[name]) for name in ("trained_at", "gated_at", "released_at")}
    return {
        "id": row["id"],
        "kind": row["kind"],
        "purpose": row["purpose"],
        "state": str(row["state"]),
        "owner": row["owner"],
        "confidentiality": row["confidentiality"],
        "sha256": row["sha256"],
        "manifest": row["manifest"],
        "tenants": record["tenants"],
        "budget": (record["budget"] or {}) | {"unit": ledger.UNIT, "lifetime_epsilon": ledger.LIFETIME.epsilon},
        "data": record["counts"],
        "plan": row["plan"],
        "secure_noise": record["secure_noise"],
        "held_out": record["held_out"],
        "gate": row["gate"],
        "trained_by": row["trained_actor"],
        "released_by": row["released_actor"],
        **times,
    }
