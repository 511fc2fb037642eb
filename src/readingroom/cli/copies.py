"""`readingroom copy`: make, list, show and check copies (P11-P15, P24)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from readingroom.cli.act import house
from readingroom.cli.files import read_input
from readingroom.cli.show import AsJson, answer, progress, rows
from readingroom.copies.manifest import read_manifest
from readingroom.copies.records import get_copy, list_copies
from readingroom.copies.run import run_copy
from readingroom.core.category import Category
from readingroom.core.ids import CopyId, check_name
from readingroom.engagement.tenants import get_tenant
from readingroom.keys.roles import Role
from readingroom.sources import open_sources

app = typer.Typer(name="copy", help="Copies: made, listed, checked.", no_args_is_help=True, add_completion=False)
COLUMNS = ("id", "tenant", "category", "place", "state", "rows", "items", "sealed_at", "expires_at")


@app.command("run")
def run(
    ctx: typer.Context,
    name: str,
    category: Annotated[Category | None, typer.Option(help="One category; all three if absent.")] = None,
    as_json: AsJson = False,
) -> None:
    """Copy, anonymize, check and seal; a category that ends refused leaves nothing. Exit 3 if one is refused."""
    opened = house(ctx, Role.COPY)
    tenant = get_tenant(opened, name)
    bar = progress(as_json=as_json)
    made: list[dict[str, Any]] = []
    for one in [category] if category else list(Category):
        copy = run_copy(
            opened,
            tenant=tenant,
            category=one,
            open_sources=lambda now: open_sources(tenant.connection, now),
            actor="operator",
            progress=bar,
        )
        made.append(_with_figures(get_copy(opened, copy).public(), read_manifest(opened, copy)))
    rows(
        "copies",
        made,
        as_json=as_json,
        columns=(*COLUMNS[:1], "category", "place", "state", "rows", "items", "withheld_items"),
    )


@app.command("list")
def listing(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Every copy, oldest first."""
    rows("copies", [copy.public() for copy in list_copies(house(ctx, Role.WEB))], as_json=as_json, columns=COLUMNS)


@app.command("show")
def show(ctx: typer.Context, copy: str, as_json: AsJson = False) -> None:
    """One copy with its manifest: tables, treatments, what stayed out, what the second look found, timings."""
    opened = house(ctx, Role.WEB)
    found = get_copy(opened, CopyId(check_name(copy, what="a copy's id")))
    answer({**found.public(), "manifest": read_manifest(opened, found.id)}, as_json=as_json)


@app.command("check")
def check(
    ctx: typer.Context,
    copy: str,
    gold: Annotated[str, typer.Option(help="planted.csv[.gz] or canaries.csv: where identifiers are known to stand.")],
    as_json: AsJson = False,
) -> None:
    """Which known identifiers can still be read in a copy: counts by kind, form and certainty, never values."""
    from readingroom.access.datasets import open_for_check
    from readingroom.copies.gold_check import check_gold

    opened = house(ctx, Role.SUBJECTS)
    beside = Path(gold).with_name("canaries.csv")
    canaries = read_input(str(beside)) if beside.is_file() and beside.name != Path(gold).name else None
    found = get_copy(opened, CopyId(check_name(copy, what="a copy's id")))
    report = check_gold(opened, found, read_input(gold), open_parts=open_for_check, name=gold, canaries=canaries)
    answer(report.public(), as_json=as_json)


def _with_figures(copy: dict[str, Any], manifest: dict[str, Any]) -> dict[str, Any]:
    return {**copy, "figures": manifest.get("figures", {}), "seconds": manifest.get("seconds", {})}
