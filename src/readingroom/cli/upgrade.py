"""`readingroom upgrade`: bring a room's databases to this software's version, or back."""

from __future__ import annotations

from typing import Annotated

import typer

from readingroom import bootstrap
from readingroom.cli.act import root_of
from readingroom.cli.show import AsJson, answer
from readingroom.core.errors import UsageError

BACKUP = "Make a backup first: the room's folder, and its databases where they are on a server (docs/postgresql.md)."


def add_to(app: typer.Typer) -> None:
    """Add the command to the main application."""

    @app.command("upgrade")
    def upgrade(
        ctx: typer.Context,
        yes: Annotated[bool, typer.Option("--yes", help="Do it; without this, only say what would be done.")] = False,
        down: Annotated[
            list[str] | None,
            typer.Option(
                metavar="SCHEMA:REVISION",
                help="Back to an older revision, room:REVISION or place:REVISION, for the software that made it. What "
                "newer tables and columns hold is lost.",
            ),
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        """Bring the databases to this software's version, with their data. Stop every other process of the room."""
        root, targets = root_of(ctx), dict(_target(word) for word in down or [])
        steps = bootstrap.upgrade(root, targets) if yes else bootstrap.plan_upgrade(root, targets)
        moving = [step for step in steps if step.versions]
        lines = [f"{step.database}: {step.present} to {step.wanted}" for step in moving]
        if not moving:
            lines = ["nothing to do: every database is of this version"]
        elif not yes:
            lines += [BACKUP, "Then: readingroom upgrade --yes"]
        value = {"done": yes and bool(moving), "steps": [vars(step) for step in moving]}
        answer(value, as_json=as_json, text="\n".join(lines))


def _target(word: str) -> tuple[str, str]:
    schema, mark, revision = word.partition(":")
    if not mark or schema not in bootstrap.SCHEMAS:
        raise UsageError("--down takes room:REVISION or place:REVISION")
    return schema, revision
