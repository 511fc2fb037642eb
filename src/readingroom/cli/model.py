"""`readingroom model`: train under a privacy budget, gate, release by a second person, score (P30-P33)."""

from __future__ import annotations

from typing import Annotated

import typer

from readingroom.access.people import Person, find_person, person_of_actor
from readingroom.cli.act import house, in_simulation
from readingroom.cli.files import read_input
from readingroom.cli.show import AsJson, answer, progress, rows
from readingroom.cli.training import MODEL_PURPOSE, material
from readingroom.core.errors import ReleaseRefused, UsageError
from readingroom.core.ids import ModelId, check_name
from readingroom.house import House
from readingroom.keys.roles import Role
from readingroom.models.accounting import Budget
from readingroom.models.spam_checker import (
    gate_model,
    list_models,
    release_model,
    retire_model,
    score_mail,
    show_model,
    train_spam_checker,
)

app = typer.Typer(name="model", help="Models: trained, gated, released.", no_args_is_help=True, add_completion=False)
PAGE = "the page /desk/models of the ML engineer"
NO_PAGE = "nothing yet: this version trains in simulation rooms only"
As = Annotated[str, typer.Option("--as", metavar="PERSON", help="Who acts (simulation rooms only).")]
MAIL_LIMIT = 4 * 1024 * 1024


@app.command("train")
def train(
    ctx: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="spam-checker")],
    person: As,
    epsilon: Annotated[float, typer.Option(help="The budget per person.")] = 4.0,
    delta: Annotated[float, typer.Option(help="The chance that the bound does not hold.")] = 1e-6,
    as_json: AsJson = False,
) -> None:
    """Train on the labelled mails that this person's grants open, under (epsilon, delta) per person."""
    opened = in_simulation(house(ctx, Role.WEB), "--as", page=NO_PAGE)
    if kind != MODEL_PURPOSE:
        raise UsageError(f"only {MODEL_PURPOSE} can be trained in this version")
    trainer = find_person(opened, person)
    source, tenants = material(opened, house(ctx, Role.SUBJECTS), trainer)
    budget = Budget(epsilon=epsilon, delta=delta)
    model = train_spam_checker(opened, source, person=trainer, tenants=tenants, budget=budget)
    answer(show_model(opened, model), as_json=as_json, text=f"{model}: trained under ε {epsilon}, δ {delta} per person")


@app.command("gate")
def gate(
    ctx: typer.Context,
    model: str,
    person: Annotated[
        str, typer.Option("--as", metavar="PERSON", help="Whose grants open the data again; the trainer's by default.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Put a model through the release gate; exit 3 with the reasons if it says no."""
    opened = house(ctx, Role.WEB)
    if person:
        in_simulation(opened, "--as", page=PAGE)
    trainer = find_person(opened, person) if person else _trainer(opened, _named(model))
    source, _ = material(opened, house(ctx, Role.SUBJECTS), trainer)
    report = gate_model(opened, _named(model), source, progress=progress(as_json=as_json))
    checks = report.public()["checks"]
    lines = [
        f"{'pass' if c['passed'] else 'FAIL'}  {c['check']}" + (f": {c['why']}" if c["why"] else "") for c in checks
    ]
    answer(report.public(), as_json=as_json, text="\n".join(lines))
    if not report.passed:
        raise ReleaseRefused(f"{model} did not pass the gate", reasons=report.reasons)


@app.command("release")
def release(ctx: typer.Context, model: str, person: As, as_json: AsJson = False) -> None:
    """Release a gated model as somebody other than its trainer."""
    opened = in_simulation(house(ctx, Role.WEB), "--as", page=PAGE)
    release_model(opened, _named(model), by=find_person(opened, person))
    answer(
        show_model(opened, _named(model)),
        as_json=as_json,
        text=f"{model}: released by {person}",
    )


@app.command("retire")
def retire(
    ctx: typer.Context,
    model: str,
    person: Annotated[str, typer.Option("--for", metavar="PERSON", help="The ML engineer or approver who asked.")],
    as_json: AsJson = False,
) -> None:
    """Use a released model no more: at once, and in a real room too, since it takes away and gives nothing."""
    opened = house(ctx, Role.WEB)
    retire_model(opened, _named(model), by=find_person(opened, person))
    answer(show_model(opened, _named(model)), as_json=as_json, text=f"{model}: retired")


@app.command("show")
def show(ctx: typer.Context, model: str, as_json: AsJson = False) -> None:
    """A model with its card: budget, data by counts, attacks run and not run, signatures."""
    answer(show_model(house(ctx, Role.WEB), _named(model)), as_json=as_json)


@app.command("list")
def listing(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Every model."""
    rows("models", list_models(house(ctx, Role.WEB)), as_json=as_json)


@app.command("score")
def score(
    ctx: typer.Context,
    model: str,
    file: Annotated[str, typer.Argument(metavar="FILE.eml", help="A mail, or - for standard input.")],
    as_json: AsJson = False,
) -> None:
    """How much a mail looks like spam, 0 to 100, and why."""
    found = score_mail(house(ctx, Role.WEB), _named(model), read_input(file, limit=MAIL_LIMIT)).public()
    reasons = "".join(f"\n  {one['kind']}: towards {one['towards']}, {one['share']:.0%}" for one in found["reasons"])
    answer(found, as_json=as_json, text=f"{found['score']} ({found['band']}){reasons}")


def _trainer(opened: House, model: ModelId) -> Person:
    return person_of_actor(opened, str(show_model(opened, model)["trained_by"]))


def _named(model: str) -> ModelId:
    return ModelId(check_name(model, what="a model's id"))
