"""`readingroom person` and `readingroom subprocessor`: who may ever be admitted (P27, P28)."""

from __future__ import annotations

from typing import Annotated

import typer

from readingroom.access.facts import FactKind, assert_fact, confirm_fact, list_facts
from readingroom.access.leaving import leave
from readingroom.access.objections import object_to, subprocessors_for, withdraw_objection
from readingroom.access.people import PersonRole, add_person, find_person, list_people
from readingroom.access.subprocessors import list_versions, publish_list
from readingroom.cli.act import house, in_simulation
from readingroom.cli.files import read_input
from readingroom.cli.show import AsJson, answer, rows
from readingroom.core.clock import parse_instant
from readingroom.keys.roles import Role

app = typer.Typer(
    name="person", help="People of the vendor and its subprocessors.", no_args_is_help=True, add_completion=False
)
SUBPROCESSORS = typer.Typer(
    name="subprocessor", help="The published list of subprocessors.", no_args_is_help=True, add_completion=False
)
PORTAL = "the portal page /portal/subprocessors of the customer's administrator"
PAGE = "the page /desk, where facts are confirmed, each signed in as themselves"


@app.command("add")
def add(
    ctx: typer.Context,
    name: str,
    employer: Annotated[str, typer.Option(help="The vendor, or a subprocessor on the published list.")],
    role: Annotated[list[PersonRole], typer.Option(help="May be given more than once.")],
    country: Annotated[str, typer.Option(help="Two letters; shown to the customer.")] = "ZZ",
    as_json: AsJson = False,
) -> None:
    """Admit a person. They have no access yet."""
    person = add_person(house(ctx, Role.WEB), name, employer=employer, roles=role, country=country)
    answer(person.public(), as_json=as_json, text=f"{name} of {employer} is known as {person.actor}")


@app.command("fact")
def fact(
    ctx: typer.Context,
    name: str,
    kind: FactKind,
    until: Annotated[str, typer.Option(metavar="DATE", help="When the fact ends.")],
    by: Annotated[str, typer.Option(help="Who asserts it (simulation rooms only).")],
    confirmed_by: Annotated[str, typer.Option(help="Who confirms it: somebody else (simulation rooms only).")],
    as_json: AsJson = False,
) -> None:
    """Assert a fact about a person and have another person confirm it."""
    opened = in_simulation(house(ctx, Role.WEB), "--by", page=PAGE)
    person, asserting = find_person(opened, name), find_person(opened, by)
    confirming = find_person(opened, confirmed_by)
    asserted = assert_fact(opened, person.id, kind, until=parse_instant(until), by=asserting.id)
    confirmed = confirm_fact(opened, asserted.id, by=confirming.id)
    answer(confirmed.public(), as_json=as_json, text=f"{kind.value} of {name} is current until {until}")


@app.command("list")
def listing(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Everybody, with the facts that are current."""
    opened = house(ctx, Role.WEB)
    now = opened.clock.now()
    facts = list_facts(opened)
    found = [
        {**p.public(), "current": sorted({f.kind.value for f in facts if f.person == p.id and f.is_current(now)})}
        for p in list_people(opened)
    ]
    rows("people", found, as_json=as_json)


@app.command("leave")
def leaving(ctx: typer.Context, name: str, as_json: AsJson = False) -> None:
    """Note that a person left: grants and sessions end at once."""
    opened = house(ctx, Role.WEB)
    left = leave(opened, find_person(opened, name).id)
    answer(left.public(), as_json=as_json, text=f"{name} has left; grants and sessions have ended")


@SUBPROCESSORS.command("publish")
def publish(ctx: typer.Context, file: str, as_json: AsJson = False) -> None:
    """Publish the next version of the list; its people are eligible 30 days later."""
    published = publish_list(house(ctx, Role.WEB), read_input(file))
    answer(
        published.public(), as_json=as_json, text=f"list {published.version}: {len(published.entries)} subprocessors"
    )


@SUBPROCESSORS.command("status")
def status(ctx: typer.Context, tenant: str, as_json: AsJson = False) -> None:
    """The newest list as one customer reads it: since when, effective when, objected to or not (P27)."""
    opened = house(ctx, Role.WEB)
    now = opened.clock.now()
    found = [{**vars(one), "effective": one.is_effective(now)} for one in subprocessors_for(opened, tenant)]
    rows("subprocessors", found, as_json=as_json)


@SUBPROCESSORS.command("object")
def objecting(
    ctx: typer.Context,
    tenant: str,
    employer: str,
    by: Annotated[str, typer.Option("--by", metavar="EMAIL", help="The customer's administrator (simulation only).")],
    why: Annotated[str, typer.Option(help="The customer's reason.")] = "",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the objection back.")] = False,
    as_json: AsJson = False,
) -> None:
    """Enter a customer's objection: nobody of this subprocessor sees anything of theirs."""
    opened = in_simulation(house(ctx, Role.WEB), "objecting for a customer", page=PORTAL)
    if withdraw:
        withdraw_objection(opened, tenant, employer, by=by)
    else:
        object_to(opened, tenant, employer, by=by, why=why)
    text = f"{tenant} {'takes back its objection' if withdraw else 'objects'} to {employer}"
    answer({"tenant": tenant, "employer": employer, "objects": not withdraw}, as_json=as_json, text=text)


@SUBPROCESSORS.command("list")
def subprocessor_list(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Every version of the list, oldest first."""
    rows("lists", [one.public() for one in list_versions(house(ctx, Role.WEB))], as_json=as_json)
