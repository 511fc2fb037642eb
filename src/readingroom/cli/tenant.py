"""`readingroom tenant`: customer environments, where their data is, and what stays out (P17, P18)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from readingroom.audit.sequencer import open_log
from readingroom.cli.act import house
from readingroom.cli.show import AsJson, answer, rows
from readingroom.core.errors import UsageError
from readingroom.engagement.optin import status
from readingroom.engagement.tenants import add_tenant, exclude_table, list_tenants
from readingroom.keys.roles import Role
from readingroom.sources import detect

app = typer.Typer(name="tenant", help="Customer environments.", no_args_is_help=True, add_completion=False)
Where = Annotated[Path | None, typer.Option(exists=False, help="Where this part of the export is.")]


@app.command("add")
def add(
    ctx: typer.Context,
    name: str,
    geo: Annotated[str, typer.Option(help="US or EU: decides the place, once and for all.")],
    synapse: Where = None,
    interactions: Where = None,
    activity_log: Where = None,
    entity_definitions: Where = None,
    as_json: AsJson = False,
) -> None:
    """Add a tenant; the formats found are shown. Nothing is read but their outlines."""
    given = {
        "synapse": synapse,
        "interactions": interactions,
        "activity_log": activity_log,
        "entity_definitions": entity_definitions,
    }
    connection = {key: str(path.absolute()) for key, path in given.items() if path is not None}
    if not connection:
        raise UsageError("name at least one of --synapse, --interactions, --activity-log, --entity-definitions")
    formats = detect(connection)
    tenant = add_tenant(house(ctx, Role.WEB), name, geo=geo, connection=connection, actor="operator")
    open_log(house(ctx, Role.WORKER), tenant.place, tenant.name)
    value = {"tenant": tenant.name, "geo": tenant.geo, "place": tenant.place, "formats": formats}
    found = "\n".join(f"  {' · '.join(str(v) for v in one.values())}" for one in formats)
    answer(value, as_json=as_json, text=f"tenant {tenant.name} is in place {tenant.place}\n{found}")


@app.command("list")
def listing(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Every tenant, with the state of its engagement."""
    opened = house(ctx, Role.WEB)
    found = [
        {
            "tenant": t.name,
            "geo": t.geo,
            "place": t.place,
            "engagement": status(opened, t.name).state or "none",
            "sources": sorted(t.connection),
            "excluded": list(t.excluded),
        }
        for t in list_tenants(opened)
    ]
    rows("tenants", found, as_json=as_json)


@app.command("exclude")
def exclude(
    ctx: typer.Context,
    name: str,
    table: Annotated[str, typer.Option(help="The table that stays out of every later copy.")],
    as_json: AsJson = False,
) -> None:
    """Keep a table out of every later copy of this tenant."""
    tenant = exclude_table(house(ctx, Role.WEB), name, table, actor="customer")
    answer({"tenant": tenant.name, "excluded": list(tenant.excluded)}, as_json=as_json)
