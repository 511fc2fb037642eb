"""`readingroom init`: make a room."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from readingroom import bootstrap
from readingroom.cli.show import AsJson, answer


def add_to(app: typer.Typer) -> None:
    """Add the command to the main application."""

    @app.command("init")
    def init(
        root: Annotated[Path, typer.Argument(metavar="ROOM", help="A folder that is absent or empty.")],
        simulation: Annotated[
            bool, typer.Option("--simulation", help="A room to try things in: fictional data only.")
        ] = False,
        vendor: Annotated[
            str, typer.Option(help="Whose engagement it is, as the notice and receipts name it.")
        ] = "Example Vendor",
        name: Annotated[str, typer.Option(help="What the pages call the room.")] = "",
        database: Annotated[
            str,
            typer.Option(
                metavar="URL",
                envvar=bootstrap.DATABASE_VARIABLE,
                help="A PostgreSQL server, postgresql://LOGIN@HOST:PORT/NAME, no password in it (PGPASSFILE): the room "
                "and each place get a database of their own, NAME_room, NAME_us, ... Without it: SQLite in the folder.",
            ),
        ] = "",
        as_json: AsJson = False,
    ) -> None:
        """Make a room: databases, stores, keys of each role and logs. Never overwrites."""
        settings = bootstrap.init(root, simulation=simulation, vendor=vendor, name=name, database=database)
        value = {
            "room": settings.room_id,
            "root": str(settings.root),
            "simulation": settings.simulation,
            "places": sorted(settings.places),
        }
        kind = "simulation room" if simulation else "room"
        text = f"{kind} {settings.room_id} is open at {settings.root}, with places {', '.join(sorted(settings.places))}"
        answer(value, as_json=as_json, text=text)
