"""`readingroom audit`: verify the register and prove one line of it, with no trust in us (P10)."""

from __future__ import annotations

from typing import Any

import typer

from readingroom.audit.proofs import event_proof
from readingroom.audit.sequencer import sequence_all
from readingroom.audit.verify import verify_all
from readingroom.cli.act import house
from readingroom.cli.show import AsJson, answer, rows
from readingroom.core.errors import LogFault
from readingroom.core.ids import EventId, check_name
from readingroom.keys.roles import Role

app = typer.Typer(
    name="audit", help="The register: Merkle logs, checkpoints, proofs.", no_args_is_help=True, add_completion=False
)


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
