"""`readingroom identity`: which account of the identity provider is whose."""

from __future__ import annotations

from typing import Annotated

import typer

from readingroom.access.identities import bind_identity, end_identity, list_identities
from readingroom.access.people import find_person
from readingroom.access.sessions import Who
from readingroom.cli.act import house
from readingroom.cli.show import AsJson, answer, rows
from readingroom.core.errors import UsageError
from readingroom.engagement.tenants import get_tenant
from readingroom.keys.roles import Role

app = typer.Typer(
    name="identity", help="Accounts of the identity provider.", no_args_is_help=True, add_completion=False
)


@app.command("bind")
def bind(
    ctx: typer.Context,
    subject: Annotated[str, typer.Argument(help="The account's subject identifier (`sub`), never its e-mail address.")],
    person: Annotated[str, typer.Option("--person", help="Whose account it is.")] = "",
    tenant: Annotated[str, typer.Option("--administrator-of", metavar="TENANT", help="Or: of this customer.")] = "",
    email: Annotated[str, typer.Option(help="The administrator's address at the customer.")] = "",
    as_json: AsJson = False,
) -> None:
    """Bind an account to a person, or to a customer's administrator."""
    opened = house(ctx, Role.WEB)
    if bool(person) == bool(tenant):
        raise UsageError("an account is a person's (--person) or an administrator's (--administrator-of, --email)")
    found = find_person(opened, person).id if person else None
    who = Who.customer(get_tenant(opened, tenant).name, email) if found is None else Who.staff(found)
    bound = bind_identity(opened, subject, who)
    answer(bound.public(), as_json=as_json, text=f"bound as {bound.key}; it may sign in from now on")


@app.command("list")
def listing(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Every account that may sign in."""
    rows("identities", [i.public() for i in list_identities(house(ctx, Role.WEB))], as_json=as_json)


@app.command("end")
def end(ctx: typer.Context, identity: str, as_json: AsJson = False) -> None:
    """End a binding; the sessions that it opened end at once."""
    count = end_identity(house(ctx, Role.WEB), identity)
    answer({"identity": identity, "sessions_ended": count}, as_json=as_json, text=f"ended, with {count} sessions")
