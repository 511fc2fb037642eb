"""`readingroom audit`: verify the register and prove one line of it, with no trust in us (P10)."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from readingroom.audit.export import export_folders, ocsf_lines
from readingroom.audit.proofs import event_proof
from readingroom.audit.sequencer import sequence_all
from readingroom.audit.verify import verify_all
from readingroom.cli.act import house
from readingroom.cli.show import AsJson, answer, rows
from readingroom.core.errors import LogFault, StoreFault, UsageError
from readingroom.core.ids import EventId, check_name
from readingroom.keys.roles import Role

app = typer.Typer(
    name="audit", help="The register: Merkle logs, checkpoints, proofs.", no_args_is_help=True, add_completion=False
)


class Format(StrEnum):
    """What an export is for."""

    OCSF = "ocsf"  # JSON lines for a SIEM
    TILES = "tiles"  # the logs themselves, for whoever verifies without us


@app.command("verify")
def verify(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Recompute every log from its entries; exit 1 where anything does not fit."""
    opened = house(ctx, Role.WORKER)
    sequence_all(opened)
    results: list[dict[str, Any]] = [one.public() for one in verify_all(opened)]
    rows("logs", results, as_json=as_json)
    broken = [one["origin"] for one in results if not one["valid"]]
    if broken:
        raise LogFault(f"does not verify: {', '.join(broken)}")


@app.command("proof")
def proof(ctx: typer.Context, event: str, as_json: AsJson = False) -> None:
    """The inclusion proof of one event (c2sp.org/tlog-proof@v1)."""
    opened = house(ctx, Role.WORKER)
    sequence_all(opened)
    text = event_proof(opened, EventId(check_name(event, what="an event's id")))
    answer({"event": event, "proof": text}, as_json=as_json, text=text)


@app.command("export")
def export(
    ctx: typer.Context,
    kind: Annotated[Format, typer.Option("--format", help="JSON lines in OCSF, or the logs' own folders.")],
    to: Annotated[Path | None, typer.Option(help="A new file (ocsf; standard output by default) or folder.")] = None,
    log: Annotated[str, typer.Option(help="The origin of one log; every log by default.")] = "",
    start: Annotated[int, typer.Option(min=0, help="The first entry of that log (ocsf): for what came since.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Give the register away: to a SIEM as OCSF events, or as folders that need none of our software to verify."""
    opened = house(ctx, Role.WORKER)
    sequence_all(opened)
    if kind is Format.TILES:
        if to is None or start:
            raise UsageError("--format tiles writes whole logs to a new folder; name it with --to, without --start")
        done = export_folders(opened, to, origin=log)
        rows("logs", [{"origin": e.origin, "entries": e.entries, "folder": e.folder} for e in done], as_json=as_json)
        return
    lines = (json.dumps(line, ensure_ascii=False) for line in ocsf_lines(opened, origin=log, start=start))
    if to is None:
        for line in lines:
            typer.echo(line)
        return
    try:
        with to.open("x", encoding="utf-8") as file:
            count = sum(bool(file.write(f"{line}\n")) for line in lines)
    except OSError as error:
        raise StoreFault(f"the export cannot be written: {type(error).__name__}") from None
    answer({"events": count, "file": str(to)}, as_json=as_json, text=f"{count} events written to {to}")
