"""`readingroom columns`: what happens to each column, and what stays out until a person confirms it (rule 2)."""

from __future__ import annotations

from typing import Annotated

import typer

from readingroom.cli.act import house
from readingroom.cli.show import AsJson, answer, rows
from readingroom.copies.columns import confirm_column, list_columns, withhold_column
from readingroom.core.errors import UsageError
from readingroom.keys.roles import Role

app = typer.Typer(name="columns", help="The treatment of each column.", no_args_is_help=True)


@app.command("list")
def listing(
    ctx: typer.Context,
    name: str,
    withheld: Annotated[bool, typer.Option("--withheld", help="Only what stays out.")] = False,
    as_json: AsJson = False,
) -> None:
    """Every column of a tenant with its treatment and where the treatment comes from."""
    found = [one for one in list_columns(house(ctx, Role.COPY), name) if not withheld or one["treatment"] == "withheld"]
    rows("columns", found, as_json=as_json)


@app.command("confirm")
def confirm(ctx: typer.Context, name: str, column: str, treatment: str, as_json: AsJson = False) -> None:
    """Confirm a treatment for TABLE.COLUMN, from the next copy on."""
    table, field = _split(column)
    confirm_column(house(ctx, Role.COPY), name, table=table, column=field, treatment=treatment, actor="operator")
    answer({"column": column, "treatment": treatment}, as_json=as_json)


@app.command("withhold")
def withhold(ctx: typer.Context, name: str, column: str, as_json: AsJson = False) -> None:
    """Keep TABLE.COLUMN out of every later copy."""
    table, field = _split(column)
    withhold_column(house(ctx, Role.COPY), name, table=table, column=field, actor="operator")
    answer({"column": column, "treatment": "withheld"}, as_json=as_json)


def _split(column: str) -> tuple[str, str]:
    table, dot, field = column.partition(".")
    if not (table and dot and field):
        raise UsageError("a column is named TABLE.COLUMN")
    return table, field
