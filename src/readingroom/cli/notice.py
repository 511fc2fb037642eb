"""`readingroom notice`: what is put before the customer (P01)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from readingroom.cli.act import house
from readingroom.cli.files import read_input
from readingroom.cli.show import AsJson, answer, rows
from readingroom.engagement.notice import get_notice, latest_notice, list_notices, publish_notice
from readingroom.engagement.notice_form import parse_notice
from readingroom.engagement.notice_terms import compare
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


@app.command("compare")
def comparing(ctx: typer.Context, file: Path, as_json: AsJson = False) -> None:
    """What a notice would allow more or less than the newest one; nothing is published."""
    opened = house(ctx, Role.WEB)
    text = read_input(str(file))
    parse_notice(text)
    latest = latest_notice(opened)
    found = compare(latest.text, text.decode("utf-8"))
    value = {"against": latest.version, "wider": list(found.wider), "narrower": list(found.narrower)}
    value |= {"needs_acceptance": found.needs_acceptance}
    lines = [f"wider: {line}" for line in found.wider] + [f"narrower: {line}" for line in found.narrower]
    lines.append("customers must accept it" if found.needs_acceptance else "no customer needs to accept it")
    answer(value, as_json=as_json, text="\n".join(lines))


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
