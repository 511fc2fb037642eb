"""In which role, and as whom, a command acts.

Every command opens the house in the one role its act needs (least privilege, also on one machine).
Rule: acting for another (`--as`, `--by`) and moving the clock exist in simulation rooms only. In a real room people
act as themselves, signed in, on the page that the refusal names.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import typer

from readingroom.core.errors import SimulationOnly, UsageError
from readingroom.house import House
from readingroom.keys.roles import Role


@dataclass
class Context:
    """What the main command hands to each noun: which room, and the houses opened so far."""

    root_option: str | None
    houses: dict[Role, House] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The room's folder, or a usage error."""
        name = self.root_option or os.environ.get("READINGROOM_ROOM", "")
        if not name:
            raise UsageError("which room? Name it with -C ROOM or READINGROOM_ROOM")
        return Path(name)

    def house(self, role: Role) -> House:
        """The room, opened in `role`."""
        if role not in self.houses:
            from readingroom.bootstrap import open_house

            self.houses[role] = open_house(self.root, role)
        return self.houses[role]

    def close(self) -> None:
        """Give back every connection: with the last one, a database's write-ahead log goes."""
        while self.houses:
            self.houses.popitem()[1].close()


def house(ctx: typer.Context, role: Role) -> House:
    """The room of this command, opened in `role`."""
    return _context(ctx).house(role)


def root_of(ctx: typer.Context) -> Path:
    """The folder of this command's room, for what acts on a room that is not open."""
    return _context(ctx).root


def _context(ctx: typer.Context) -> Context:
    context = ctx.obj
    if not isinstance(context, Context):
        raise TypeError("a command was started without its context")
    return context


def in_simulation(opened: House, option: str, *, page: str) -> House:
    """The house, if it is a simulation room; else SimulationOnly names the page where people do this themselves."""
    if not opened.settings.simulation:
        raise SimulationOnly(f"{option} exists in simulation rooms only; in this room, sign in and use {page}")
    return opened
