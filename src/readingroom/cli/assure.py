"""`readingroom assure`: the promises, each with what is found on the room at this moment."""

from __future__ import annotations

import typer

from readingroom.assure.finding import Status
from readingroom.assure.table import promise_table
from readingroom.audit.sequencer import sequence_all
from readingroom.cli.act import house
from readingroom.cli.show import AsJson, rows
from readingroom.core.errors import Fault
from readingroom.keys.roles import Role


def add_to(app: typer.Typer) -> None:
    """Add the command `assure` to the command line."""
    app.command("assure")(assure)


def assure(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Look for the evidence of every promise, P01 to P35; exit 1 where any is broken."""
    opened = house(ctx, Role.WORKER)
    sequence_all(opened)
    found = promise_table(opened)
    rows("promises", [row.public() for row in found], as_json=as_json, columns=("id", "status", "kind", "evidence"))
    broken = [row.id for row in found if row.status is Status.BROKEN]
    if broken:
        raise Fault(f"broken: {', '.join(broken)}")
