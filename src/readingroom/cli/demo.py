"""`readingroom demo`: the main job, end to end, on fictional tenants in a new simulation room; then the pages."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from readingroom import bootstrap
from readingroom.cli.act import house, root_of
from readingroom.cli.demo_story import Story
from readingroom.cli.serve import serve_room
from readingroom.core.errors import UsageError
from readingroom.core.settings import load
from readingroom.keys.roles import Role

MARK = "demo.txt"


def add_to(app: typer.Typer) -> None:
    """Add the command to the main application."""

    @app.command("demo")
    def demo(
        ctx: typer.Context,
        port: Annotated[int, typer.Option(help="Where the pages are served.")] = 8800,
        once: Annotated[bool, typer.Option("--once", help="Stop before serving.")] = False,
        seed: Annotated[int, typer.Option(help="The seed of the fictional tenants and reviewers.")] = 7,
        database: Annotated[
            str,
            typer.Option(
                metavar="URL",
                envvar=bootstrap.DATABASE_VARIABLE,
                help="A PostgreSQL server, as for `init`; an earlier demo in the folder goes from there too.",
            ),
        ] = "",
    ) -> None:
        """Run one engagement from notice to certificate on fictional data, telling each step."""
        root = root_of(ctx).absolute()
        _clear(root, database)
        bootstrap.init(root, simulation=True, vendor="Example Vendor", name="Demo room", database=database)
        (root / MARK).write_text(
            "made by `readingroom demo`; the next demo may replace this folder\n", encoding="utf-8"
        )
        with closing(Story(root, seed=seed, tell=typer.echo)) as story:
            story.run()
        if not once:
            serve_room(root, house(ctx, Role.WEB), host="127.0.0.1", port=port)


def _clear(root: Path, database: str = "") -> None:
    """Remove the room of an earlier demo, and nothing else: init never overwrites."""
    if not root.exists() or not any(root.iterdir()):
        return
    if not (root / MARK).is_file() or not load(root).simulation:
        raise UsageError(f"{root}: there is something that no demo made; choose another folder with -C")
    bootstrap.remove_simulation(root, database)
