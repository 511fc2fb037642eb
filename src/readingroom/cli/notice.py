"""`readingroom notice`: what is put before the customer (P01)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from readingroom.cli.act import house
from readingroom.cli.files import read_input
from readingroom.cli.show import AsJson, answer, rows
from readingroom.engagement.notice import get_notice, list_notices, publish_notice
from readingroom.keys.roles import Role

app = typer.Typer(
    name="notice", help="The notice: every version is kept word for word.", no_args_is_help=True, add_completion=False
)


@app.command("publish")
def publish(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="A notice in TOML; the shipped one if absent.")] = None,
    as_json: AsJson = False,
) -> None:
    """Publish the next version of the notice."""
    opened = house(ctx, Role.WEB)
    notice = publish_notice(opened, None if file is None else read_input(str(file)), actor="operator")
    value = {"version": notice.version, "sha256": notice.sha256, "published_at": notice.published_at}
    answer(value, as_json=as_json, text=f"notice {notice.version} is published (sha256 {notice.sha256})")


@app.command("list")
def listing(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Every version, oldest first."""
    found = [
        {"version": n.version, "sha256": n.sha256, "published_at": n.published_at}
        for n in list_notices(house(ctx, Role.WEB))
    ]
    rows("notices", found, as_json=as_json)


@app.command("show")
def show(ctx: typer.Context, version: int) -> None:
    """One version, word for word."""
    typer.echo(get_notice(house(ctx, Role.WEB), version).text)
