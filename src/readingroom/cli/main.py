"""`readingroom`: one command line, one file per noun.

Exit codes: 0 done, 1 fault, 2 usage, 3 refused (core/errors.py). An unforeseen error shows its kind and no values:
a traceback could carry what people wrote.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import click
import typer

from readingroom import __version__
from readingroom.cli import (
    access,
    assure,
    audit,
    clock,
    columns,
    copies,
    demo,
    engagement,
    model,
    notice,
    people,
    purge,
    review,
    room,
    serve,
    subject,
    tenant,
    workstation,
)
from readingroom.cli.act import Context
from readingroom.core.errors import ReadingroomError, Refusal, exit_code

app = typer.Typer(
    name="readingroom",
    help="A reading room for customer data: opted in, anonymized, sealed, supervised, purged, and provable.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

NOUNS = (
    notice,
    people.SUBPROCESSORS,
    tenant,
    engagement,
    columns,
    copies,
    people,
    workstation,
    access,
    review,
    model,
    subject,
    purge,
    audit,
    clock,
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"readingroom {__version__}")
        raise typer.Exit


@app.callback()
def main(
    ctx: typer.Context,
    room_root: Annotated[
        str | None, typer.Option("-C", "--room", metavar="ROOM", envvar="READINGROOM_ROOM", help="The room's folder.")
    ] = None,
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Open the room named by -C or READINGROOM_ROOM."""
    ctx.obj = Context(room_root)


def run(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    sys.exit(execute(sys.argv[1:] if arguments is None else arguments))


def execute(arguments: Sequence[str]) -> int:
    """Run one command; the answer is its exit code."""
    try:
        answer = app(list(arguments), standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as wrong:
        wrong.show()
        return 2
    except (KeyboardInterrupt, click.exceptions.Abort):
        typer.echo("stopped", err=True)
        return 1
    except ReadingroomError as error:
        _tell(error)
        return exit_code(error)
    except BrokenPipeError:
        return 1
    except Exception as error:  # noqa: BLE001 - the last fence: kind and place only, never values
        place = _where(error)
        typer.echo(
            f"fault: {type(error).__name__} at {place}; nothing was half-done. Please report this line", err=True
        )
        return 1
    return answer if isinstance(answer, int) else 0


def _tell(error: ReadingroomError) -> None:
    kind = "refused" if isinstance(error, Refusal) else "error"
    typer.echo(f"{kind}: {error}", err=True)
    for reason in getattr(error, "reasons", ()):
        typer.echo(f"  - {reason}", err=True)


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    place = "?"
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        if name.startswith("readingroom"):
            place = f"{name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


room.add_to(app)
assure.add_to(app)
serve.add_to(app)
demo.add_to(app)
for noun in NOUNS:
    app.add_typer(noun.app)
