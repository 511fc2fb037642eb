"""`readingroom`: one command line, one file per noun.

Exit codes: 0 done, 1 fault, 2 usage, 3 refused (core/errors.py). An unforeseen error shows its kind and no values:
a traceback could carry what people wrote.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group
from typing_extensions import override

from readingroom import __version__
from readingroom.cli.act import Context
from readingroom.core.errors import ReadingroomError, Refusal, UsageError, exit_code

# name → (module, what is taken of it); a module is imported only when its command runs, since the engine is heavy
COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("room", ""),
    "upgrade": ("upgrade", ""),
    "notice": ("notice", "app"),
    "subprocessor": ("people", "SUBPROCESSORS"),
    "tenant": ("tenant", "app"),
    "engagement": ("engagement", "app"),
    "columns": ("columns", "app"),
    "copy": ("copies", "app"),
    "person": ("people", "app"),
    "workstation": ("workstation", "app"),
    "identity": ("identity", "app"),
    "access": ("access", "app"),
    "review": ("review", "app"),
    "model": ("model", "app"),
    "subject": ("subject", "app"),
    "purge": ("purge", "app"),
    "audit": ("audit", "app"),
    "clock": ("clock", "app"),
    "assure": ("assure", ""),
    "worker": ("serve", ""),
    "serve": ("serve", ""),
    "doctor": ("doctor", ""),
    "backup": ("backup", ""),
    "restore": ("backup", ""),
    "demo": ("demo", ""),
    "detect": ("detect", ""),
    "anonymize": ("anonymize", ""),
    "risk": ("risk", ""),
}


class Commands(TyperGroup):
    """The commands of COMMANDS, each imported when it is asked for."""

    @override
    def list_commands(self, ctx: Any) -> list[str]:
        """Every command, in the order of an engagement."""
        return list(COMMANDS)

    @override
    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name; a noun's module gives its own application, the others add themselves to one."""
        if cmd_name not in COMMANDS:
            return None
        name, attribute = COMMANDS[cmd_name]
        module = import_module(f"readingroom.cli.{name}")
        if attribute:
            command = get_command(getattr(module, attribute))
            command.name = cmd_name
            return command
        own = typer.Typer(callback=lambda: None)
        module.add_to(own)
        return get_group(own).commands[cmd_name]


app = typer.Typer(
    name="readingroom",
    cls=Commands,
    help="A reading room for customer data: opted in, anonymized, sealed, supervised, purged, and provable.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
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
    ctx.call_on_close(ctx.obj.close)


def run(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    sys.exit(execute(sys.argv[1:] if arguments is None else arguments))


def execute(arguments: Sequence[str]) -> int:
    """Run one command; the answer is its exit code."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))  # rule 1 of the house: no core dump holds a raw value
    try:
        _check_text(arguments)
        app(list(arguments))
    except SystemExit as stop:  # how typer leaves: done, a usage error it has shown, or a command's own exit code
        return stop.code if isinstance(stop.code, int) else 1
    except KeyboardInterrupt:
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
    return 0


def _check_text(arguments: Sequence[str]) -> None:
    """UsageError for an argument that was no UTF-8: no database takes it, and no error could show it."""
    try:
        "".join(arguments).encode()
    except UnicodeEncodeError:
        raise UsageError("an argument is not UTF-8 text") from None


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
