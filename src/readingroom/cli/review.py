"""`readingroom review`: the queue by command, for simulation rooms; people use the workbench page."""

from __future__ import annotations

from typing import Annotated

import typer

from readingroom.access.grants import active_grants
from readingroom.access.people import PersonRole, find_person, list_people
from readingroom.cli.access import purpose_of, workstation_of
from readingroom.cli.act import house, in_simulation
from readingroom.cli.files import read_input
from readingroom.cli.show import AsJson, answer, progress, rows
from readingroom.core.category import Category
from readingroom.core.errors import AccessDenied
from readingroom.core.ids import ItemId, check_name
from readingroom.engagement.optin import check_viewing
from readingroom.engagement.tenants import list_tenants
from readingroom.keys.roles import Role
from readingroom.review.flag import raise_flag
from readingroom.review.labels import Mark, record_label
from readingroom.review.queues import Reviewer, next_item
from readingroom.review.simulate import SimulatedReviewer, simulate_reviews
from readingroom.review.stats import review_stats
from readingroom.review.task_states import parse_answer
from readingroom.simulation.gold_items import gold_items, read_gold

app = typer.Typer(
    name="review", help="Review: items, labels, flags, agreement.", no_args_is_help=True, add_completion=False
)
PAGE = "the workbench page /work"
As = Annotated[str, typer.Option("--as", metavar="PERSON", help="Who acts (simulation rooms only).")]


@app.command("next")
def following(ctx: typer.Context, person: As, as_json: AsJson = False) -> None:
    """The next anonymized mail of the queue, through the gate."""
    opened = in_simulation(house(ctx, Role.WEB), "--as", page=PAGE)
    someone = find_person(opened, person).id
    grant = next((g for g in active_grants(opened, someone) if g.category is Category.MARKETING), None)
    purpose = grant.purpose if grant else "review"
    view = next_item(
        opened,
        someone,
        workstation=workstation_of(opened, someone),
        purpose=purpose,
        tenant=grant.tenant if grant else None,
    )
    if view is None:
        if grant is not None:
            check_viewing(opened, grant.tenant)  # an engagement that is not in force has no queue: say so
        answer({"item": None}, as_json=as_json, text="the queue is empty")
        return
    value = {"item": view.item, "tenant": view.tenant, "kind": view.kind, "placeholders": dict(view.placeholders)}
    shown = {name: cell for name, cell in view.cells.items() if cell not in {None, ""}}
    text = "\n".join([f"item {view.item} of {view.tenant}", *(f"  {name}: {cell}" for name, cell in shown.items())])
    answer({**value, "cells": shown, "views_left": view.views_left}, as_json=as_json, text=text)


@app.command("label")
def label(
    ctx: typer.Context,
    item: str,
    said: Annotated[str, typer.Argument(metavar="ANSWER", help="spam, ham, unsure or personal.")],
    person: As,
    as_json: AsJson = False,
) -> None:
    """Label an item that the gate has shown to this person."""
    opened = in_simulation(house(ctx, Role.WEB), "--as", page=PAGE)
    made = record_label(
        opened, find_person(opened, person).id, Mark(ItemId(check_name(item, what="an item's id")), parse_answer(said))
    )
    answer(made.public(), as_json=as_json, text=f"{item}: {said}")


@app.command("flag")
def flag(ctx: typer.Context, item: str, person: As, as_json: AsJson = False) -> None:
    """Still personal data: withhold the item and its twins from the next read on."""
    opened = in_simulation(house(ctx, Role.WEB), "--as", page=PAGE)
    raised = raise_flag(opened, find_person(opened, person).id, ItemId(check_name(item, what="an item's id")))
    answer(
        raised.public(),
        as_json=as_json,
        text=f"{raised.id}: item withheld with {raised.twins} twins; due {raised.due_at:%Y-%m-%d %H:%M}",
    )


@app.command("stats")
def stats(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Labels, agreement and flags, per tenant."""
    opened = house(ctx, Role.WEB)
    rows("tenants", [review_stats(opened, tenant.name).public() for tenant in list_tenants(opened)], as_json=as_json)


@app.command("simulate")
def simulate(
    ctx: typer.Context,
    gold: Annotated[str, typer.Option(help="A CSV of record id and label (spam or ham).")],
    error_rate: Annotated[float, typer.Option(min=0, max=0.5, help="How often a simulated reviewer errs.")] = 0.03,
    seed: Annotated[int, typer.Option(help="The seed of their errors.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Let the reviewers who have an active grant label by a gold file, with stated, seeded error rates."""
    opened = in_simulation(house(ctx, Role.WEB), "simulated reviewers", page=PAGE)
    answers = read_gold(read_input(gold))
    done = []
    for tenant in list_tenants(opened):
        people = [
            Reviewer(one.id, workstation_of(opened, one.id), purpose_of(opened, one.id, tenant.name))
            for one in list_people(opened)
            if PersonRole.REVIEWER in one.roles
            and any(g.tenant == tenant.name and g.category is Category.MARKETING for g in active_grants(opened, one.id))
        ]
        items = gold_items(house(ctx, Role.SUBJECTS), tenant, answers) if people else {}
        if items:
            reviewers = [SimulatedReviewer(reviewer, error_rate=error_rate) for reviewer in people]
            bar = progress(as_json=as_json)
            result = simulate_reviews(opened, reviewers, items, tenant=tenant.name, seed=seed, progress=bar)
            done.append({"tenant": tenant.name, "reviewers": len(people), "error_rate": error_rate, **result.public()})
    if not done:
        raise AccessDenied("nobody has an active grant for mails that the gold file names")
    rows("simulated", done, as_json=as_json)
