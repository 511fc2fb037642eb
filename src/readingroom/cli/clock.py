"""`readingroom clock`: let time pass in a simulation room, stopping at every deadline on the way (rule 6)."""

from __future__ import annotations

import typer

from readingroom.cli.act import house, in_simulation
from readingroom.cli.show import AsJson, answer
from readingroom.core.clock import parse_span
from readingroom.keys.roles import Role
from readingroom.worker import advance

app = typer.Typer(name="clock", help="The clock of a simulation room.", no_args_is_help=True, add_completion=False)


@app.command("advance")
def advance_clock(ctx: typer.Context, span: str, as_json: AsJson = False) -> None:
    """Move the clock forward by 31d, 12h or 90m, doing each duty on its day."""
    opened = in_simulation(house(ctx, Role.WORKER), "the clock", page="the wall clock; it cannot be moved")
    stops = advance(opened.settings.root, parse_span(span))
    done = [{"at": stop.at, "why": stop.why, "done": stop.done} for stop in stops]
    lines = [f"{s.at:%Y-%m-%d %H:%M}  {s.why}" + "".join(f"\n    {d}" for d in s.done) for s in stops]
    lines.append(f"it is now {opened.clock.now():%Y-%m-%d %H:%M}")
    answer({"now": opened.clock.now(), "stops": done}, as_json=as_json, text="\n".join(lines))


@app.command("now")
def now(ctx: typer.Context, as_json: AsJson = False) -> None:
    """What time it is in the room."""
    answer({"now": house(ctx, Role.WORKER).clock.now()}, as_json=as_json)
