"""`readingroom doctor`: what is not as it should be, where, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from readingroom.cli.act import root_of
from readingroom.cli.files import read_text
from readingroom.cli.show import AsJson, rows
from readingroom.core.errors import Fault

_CHECKPOINT_LIMIT = 64 * 1024


def add_to(app: typer.Typer) -> None:
    """Add the command to the main application."""

    @app.command("doctor")
    def doctor(
        ctx: typer.Context,
        checkpoint: Annotated[
            list[Path] | None, typer.Option(help="A signed checkpoint that was kept outside: is the log still its own?")
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        """Look over keys, places, clock, duties, objects, disk, log and worker; exit 1 where there is a fault."""
        from readingroom.operations.doctor import examine
        from readingroom.operations.findings import Weight

        notes = tuple(read_text(str(path), limit=_CHECKPOINT_LIMIT) for path in checkpoint or ())
        found = examine(root_of(ctx).absolute(), notes)
        rows("findings", [one.public() for one in found], as_json=as_json)
        faults = sum(one.weight is Weight.FAULT for one in found)
        if faults:
            raise Fault(f"{faults} of these need somebody now")
