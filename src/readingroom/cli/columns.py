"""`readingroom columns`: what happens to each column, and what stays out until a person confirms it (rule 2)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from readingroom.cli.act import house, in_simulation
from readingroom.cli.show import AsJson, answer, progress, rows
from readingroom.copies.columns import confirm_column, list_columns, withhold_column
from readingroom.copies.shown_names import name_check
from readingroom.core.category import Category
from readingroom.engagement.tenants import get_tenant
from readingroom.keys.roles import Role
from readingroom.sources import open_sources

app = typer.Typer(name="columns", help="The treatment of each column.", no_args_is_help=True, add_completion=False)


@app.command("list")
def listing(
    ctx: typer.Context,
    name: str,
    withheld: Annotated[bool, typer.Option("--withheld", help="Only what stays out.")] = False,
    by: Annotated[
        str, typer.Option("--by", metavar="EMAIL", help="Show every name, as the administrator (simulation only).")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Every column of a tenant with its treatment and where it comes from. Names that may be a person's stay out."""
    opened = house(ctx, Role.COPY)
    if by:
        in_simulation(opened, "--by", page="the portal of the customer's administrator")
    tenant = get_tenant(opened, name)
    sources = open_sources(tenant.connection, opened.clock.now())
    sources.scan(progress(as_json=as_json))
    tables = [table for category in (Category.MARKETING, Category.QUERY) for table in sources.tables(category)]
    check = None if by else name_check(sources)
    found = [asdict(one) for one in list_columns(opened, tenant.name, tables, check=check)]
    rows("columns", [one for one in found if not withheld or one["treatment"] == "withhold"], as_json=as_json)


@app.command("confirm")
def confirm(ctx: typer.Context, name: str, column: str, treatment: str, as_json: AsJson = False) -> None:
    """Confirm a treatment for TABLE.COLUMN, from the next copy on."""
    opened = house(ctx, Role.COPY)
    confirm_column(opened, get_tenant(opened, name).name, column, treatment=treatment, actor="operator")
    answer({"column": column, "treatment": treatment}, as_json=as_json, text=f"{column}: {treatment}")


@app.command("withhold")
def withhold(ctx: typer.Context, name: str, column: str, as_json: AsJson = False) -> None:
    """Keep TABLE.COLUMN out of every later copy."""
    opened = house(ctx, Role.COPY)
    withhold_column(opened, get_tenant(opened, name).name, column, actor="operator")
    answer({"column": column, "treatment": "withhold"}, as_json=as_json, text=f"{column}: withheld")
