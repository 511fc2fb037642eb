"""`readingroom access`: requests, approvals, revocations, and what the gate would say (P20-P23)."""

from __future__ import annotations

from typing import Annotated

import typer

from readingroom.access.dossier import Visit
from readingroom.access.gate import Request, decide
from readingroom.access.grants import (
    Wish,
    active_grants,
    approve_grant,
    deny_grant,
    list_grants,
    request_access,
    revoke_grant,
)
from readingroom.access.people import find_person
from readingroom.access.standing import Action
from readingroom.access.workstations import list_workstations
from readingroom.cli.act import house, in_simulation
from readingroom.cli.show import AsJson, answer, rows
from readingroom.copies.records import get_copy
from readingroom.core.category import Category
from readingroom.core.ids import CopyId, GrantId, PersonId, TenantName, WorkstationId, check_name
from readingroom.house import House
from readingroom.keys.roles import Role

app = typer.Typer(
    name="access",
    help="Access to sealed copies: asked for, approved, limited.",
    no_args_is_help=True,
    add_completion=False,
)
PAGE = "the page /desk of the approver"
ASK = "the page /work of the reviewer"
As = Annotated[str, typer.Option("--as", metavar="PERSON", help="Who acts (simulation rooms only).")]


@app.command("request")
def request(
    ctx: typer.Context,
    person: As,
    tenant: Annotated[str, typer.Option()],
    category: Annotated[Category, typer.Option()],
    purpose: Annotated[str, typer.Option(help="One of the engagement's purposes.")],
    hours: Annotated[int, typer.Option(min=1)],
    why: Annotated[str, typer.Option(help="The business justification; the customer sees it.")],
    as_json: AsJson = False,
) -> None:
    """Ask for access to one tenant's copies of one category, for some hours."""
    opened = in_simulation(house(ctx, Role.WEB), "--as", page=ASK)
    wish = Wish(tenant=TenantName(tenant), category=category, purpose=purpose, hours=hours, why=why)
    grant = request_access(opened, find_person(opened, person).id, wish)
    answer(grant.public(), as_json=as_json, text=f"{grant.id}: requested, to be answered by {grant.answer_by:%H:%M}")


@app.command("approve")
def approve(ctx: typer.Context, grant: str, person: As, as_json: AsJson = False) -> None:
    """Approve a request of somebody else's."""
    opened = in_simulation(house(ctx, Role.WEB), "--as", page=PAGE)
    found = approve_grant(opened, GrantId(check_name(grant, what="a grant's id")), by=find_person(opened, person).id)
    answer(found.public(), as_json=as_json, text=f"{grant}: approved until {found.ends_at:%Y-%m-%d %H:%M}")


@app.command("deny")
def deny(ctx: typer.Context, grant: str, person: As, as_json: AsJson = False) -> None:
    """Deny a request."""
    opened = in_simulation(house(ctx, Role.WEB), "--as", page=PAGE)
    found = deny_grant(opened, GrantId(check_name(grant, what="a grant's id")), by=find_person(opened, person).id)
    answer(found.public(), as_json=as_json, text=f"{grant}: denied")


@app.command("revoke")
def revoke(ctx: typer.Context, grant: str, as_json: AsJson = False) -> None:
    """End a grant at once."""
    found = revoke_grant(house(ctx, Role.WEB), GrantId(check_name(grant, what="a grant's id")))
    answer(found.public(), as_json=as_json, text=f"{grant}: revoked")


@app.command("list")
def listing(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Every request and grant."""
    found = [one.public() for one in list_grants(house(ctx, Role.WEB))]
    columns = ("id", "tenant", "category", "purpose", "person", "state", "ends_at")
    rows("grants", found, as_json=as_json, columns=columns if found else ())


@app.command("decide")
def decision(ctx: typer.Context, person: As, copy: Annotated[str, typer.Option()], as_json: AsJson = False) -> None:
    """What the gate would say to this person about this copy, and why. Exit 3 where it would deny."""
    opened = in_simulation(house(ctx, Role.WEB), "--as", page=ASK)
    found = get_copy(opened, CopyId(check_name(copy, what="a copy's id")))
    someone = find_person(opened, person).id
    purpose = purpose_of(opened, someone, found.tenant)
    visit = Visit(purpose, Action.VIEW, person=someone, workstation=workstation_of(opened, someone))
    said = decide(opened, Request(visit, found.id))
    text = "\n".join([f"{'permit' if said.permit else 'deny'}", *(f"  {reason}" for reason in said.reasons)])
    answer({"person": person, "copy": copy, **said.public()}, as_json=as_json, text=text)
    if not said.permit:
        raise typer.Exit(3)


def workstation_of(opened: House, person: PersonId) -> WorkstationId | None:
    """The person's first fit workstation; in a simulation room a command stands for sitting at it."""
    return next((w.id for w in list_workstations(opened, person) if w.is_fit()), None)


def purpose_of(opened: House, person: PersonId, tenant: TenantName) -> str:
    """The purpose of the person's active grant for the tenant; `review` (which no grant covers then) without one."""
    return next((g.purpose for g in active_grants(opened, person) if g.tenant == tenant), "review")
