"""`readingroom backup` and `readingroom restore`: what may come back, and what never does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from readingroom.cli.act import house, root_of
from readingroom.cli.files import read_text
from readingroom.cli.show import AsJson, answer
from readingroom.keys.roles import Role

_CHECKPOINT_LIMIT = 64 * 1024


def add_to(app: typer.Typer) -> None:
    """Add both commands to the main application."""

    @app.command("backup")
    def backup(
        ctx: typer.Context,
        target: Annotated[Path, typer.Argument(metavar="DEST", help="A folder that is absent or empty.")],
        without: Annotated[
            bool,
            typer.Option("--without-databases", help="They are on a server, and pg_dump has backed them up just now."),
        ] = False,
        as_json: AsJson = False,
    ) -> None:
        """Write databases (sealed to the worker's key), logs and parts; never a key. The room may run meanwhile."""
        from readingroom.operations.backup import back_up

        made = back_up(house(ctx, Role.WORKER), target, databases=not without)
        value = {"backup": made["id"], "at": made["at"], "files": len(made["files"]), "folder": str(target)}
        text = f"backup {made['id']} of {len(made['files'])} files is at {target}; it holds no key and opens nothing"
        answer(value, as_json=as_json, text=text)

    @app.command("restore")
    def restore(
        ctx: typer.Context,
        source: Annotated[Path, typer.Argument(metavar="SRC", help="A backup's folder.")],
        checkpoint: Annotated[
            list[Path] | None, typer.Option(help="A signed checkpoint that was kept outside; once for each log.")
        ] = None,
        unwitnessed: Annotated[
            bool,
            typer.Option("--unwitnessed", help="Take the backup's log though nothing shows that it is the newest."),
        ] = False,
        replace: Annotated[
            bool, typer.Option("--replace", help="Put the backup's databases in the place of those that are there.")
        ] = False,
        as_json: AsJson = False,
    ) -> None:
        """Put a backup into the stopped room; what was purged, ended, erased or revoked since stays so."""
        from readingroom.operations.restore import Wish
        from readingroom.operations.restore import restore as bring_back

        notes = [read_text(str(path), limit=_CHECKPOINT_LIMIT) for path in checkpoint or ()]
        wish = Wish(checkpoints=notes, unwitnessed=unwitnessed, replace=replace)
        done = bring_back(root_of(ctx).absolute(), source, wish)
        answer(done.public(), as_json=as_json)
