"""`readingroom engagement`: opt-in, suspension, opt-out, termination, receipts (P02-P06, P35).

In a real room the customer does this in its own session; the vendor may only enter a letter received, and terminate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from readingroom.cli.act import house, in_simulation
from readingroom.cli.show import AsJson, answer, rows
from readingroom.copies.purge import purge_all
from readingroom.core.clock import parse_instant
from readingroom.core.ids import TenantName
from readingroom.engagement import optin
from readingroom.engagement.contact import (
    EVERY_TOPIC,
    ContactTopic,
    contact_choice,
    contact_history,
    contact_register,
    set_contact,
)
from readingroom.engagement.feedback import list_feedback
from readingroom.engagement.tenants import get_tenant
from readingroom.keys.roles import Role
from readingroom.sources import open_sources

app = typer.Typer(
    name="engagement", help="The engagement: from opt-in until it ends.", no_args_is_help=True, add_completion=False
)
PAGE = "the portal page /portal of the customer's administrator"
By = Annotated[str, typer.Option("--by", metavar="EMAIL", help="The customer's administrator (simulation rooms only).")]


@app.command("opt-in")
def opt_in(ctx: typer.Context, name: str, by: By, as_json: AsJson = False) -> None:
    """Begin the engagement under the latest notice; the answer is the signed receipt."""
    opened = in_simulation(house(ctx, Role.WEB), "--by", page=PAGE)
    _answer(ctx, name, optin.opt_in(opened, name, by), as_json=as_json)


@app.command("opt-out")
def opt_out(
    ctx: typer.Context,
    name: str,
    received: Annotated[str, typer.Option(metavar="DATE", help="When a letter came; 30 days' notice runs.")] = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """End the engagement: at once (the toggle), or by the notice of a letter received. Copies are purged."""
    opened = house(ctx, Role.WEB)
    if by or not received:
        in_simulation(opened, "opting out for a customer", page=PAGE)
    instant = parse_instant(received) if received else None
    receipt = optin.opt_out(opened, name, by or None, received=instant)
    _answer(ctx, name, receipt, as_json=as_json, purge_why="opt-out")


@app.command("suspend")
def suspend(ctx: typer.Context, name: str, as_json: AsJson = False) -> None:
    """Stop copying and reading until `resume`."""
    opened = in_simulation(house(ctx, Role.WEB), "suspending for a customer", page=PAGE)
    _answer(ctx, name, optin.suspend(opened, name), as_json=as_json)


@app.command("resume")
def resume(ctx: typer.Context, name: str, as_json: AsJson = False) -> None:
    """Take a suspended engagement up again."""
    opened = in_simulation(house(ctx, Role.WEB), "resuming for a customer", page=PAGE)
    _answer(ctx, name, optin.resume(opened, name), as_json=as_json)


@app.command("accept")
def accept(
    ctx: typer.Context,
    name: str,
    notice: Annotated[int, typer.Option(help="The version that was read.")],
    by: By,
    as_json: AsJson = False,
) -> None:
    """Agree to a newer notice; new copies go on under it."""
    opened = in_simulation(house(ctx, Role.WEB), "accepting a notice for a customer", page=PAGE)
    _answer(ctx, name, optin.accept_notice(opened, name, by, read=notice), as_json=as_json)


@app.command("terminate")
def terminate(
    ctx: typer.Context, name: str, why: Annotated[str, typer.Option(help="The reason.")], as_json: AsJson = False
) -> None:
    """The vendor ends the engagement; on the data it acts like an opt-out (P06)."""
    receipt = optin.terminate(house(ctx, Role.WEB), name, why, actor="operator")
    _answer(ctx, name, receipt, as_json=as_json, purge_why="terminated")


@app.command("preview")
def preview(
    ctx: typer.Context,
    name: str,
    by: Annotated[
        str, typer.Option("--by", metavar="EMAIL", help="Show records too, as the administrator (simulation only).")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """What a copy would take and leave out, and why; nothing is stored. The records are the administrator's to see."""
    from readingroom.copies.preview import preview_copy

    opened = house(ctx, Role.COPY)
    if by:
        in_simulation(opened, "--by", page="the portal page /portal/preview of the customer's administrator")
    tenant = get_tenant(opened, name)
    found = preview_copy(
        opened,
        tenant,
        lambda: open_sources(tenant.connection, opened.clock.now()),
        actor="customer" if by else "operator",
        records=bool(by),
    )
    if as_json:
        answer({"tenant": name, **asdict(found), "counts": found.counts()}, as_json=True)
        return
    for table in found.tables:
        typer.echo(f"{table.table} ({table.category.value}): {len(table.shown)} columns of {table.rows:,} rows")
        for column, why in table.withheld:
            typer.echo(f"  withheld {column}: {why}")
        typer.echo(f"  {table.note}") if table.note else None
        for number, record in enumerate(table.records, start=1):
            changed = [one for one in record if one.changed]
            lines = [f"    {one.column}: {one.before}  →  {one.after or '(left out)'}" for one in changed]
            typer.echo("\n".join([f"  record {number}", *lines]))
    for table_name, why in found.left_out:
        typer.echo(f"left out {table_name}: {why}")
    for line in found.refused:
        typer.echo(f"the export would be refused: {line}")


@app.command("status")
def status(ctx: typer.Context, name: str, as_json: AsJson = False) -> None:
    """Where the engagement stands."""
    opened = house(ctx, Role.WEB)
    found, newer = optin.status(opened, name), optin.newer(opened, name)
    value = {
        "tenant": found.tenant,
        "state": found.state or "none",
        "since": found.since,
        "ends_at": found.ends_at,
        "notice_version": found.notice_version,
        "purposes": list(found.purposes),
        "contact_ok": found.contact_ok,
        "pending_notice": found.pending,  # new copies wait until it is accepted
        "newer_notice": None if newer is None else newer.version,
        "wider": [] if newer is None else list(newer.change.wider),
        "narrower": [] if newer is None else list(newer.change.narrower),
    }
    answer(value, as_json=as_json)


@app.command("contact")
def contact(
    ctx: typer.Context,
    name: str,
    allow: Annotated[
        bool | None, typer.Option("--allow/--refuse", help="Set the permission; otherwise show it.")
    ] = None,
    topic: Annotated[list[ContactTopic] | None, typer.Option(help="What may be asked; all topics if absent.")] = None,
    who: Annotated[str, typer.Option(metavar="EMAIL", help="Which administrator may be asked.")] = "",
    as_json: AsJson = False,
) -> None:
    """Who may be contacted about what, every choice so far, and every contact made (P04)."""
    opened = house(ctx, Role.WEB)
    if allow is not None:
        in_simulation(opened, "choosing for a customer", page=PAGE)
        set_contact(opened, name, allowed=allow, who=who or None, topics=topic or EVERY_TOPIC)
    optin.status(opened, name)  # the name is known, or a usage error
    now, made = contact_choice(opened, name), contact_register(opened, name)
    value = {
        "tenant": name,
        "allowed": now is not None and now.allowed,
        "topics": list(now.topics) if now is not None and now.allowed else [],
        "who": now.contact if now is not None and now.allowed else None,
        "choices": [{**vars(one)} for one in contact_history(opened, name)],
        "made": [{**vars(one)} for one in made],
    }
    answer(value, as_json=as_json)


@app.command("feedback")
def feedback(ctx: typer.Context, name: str, as_json: AsJson = False) -> None:
    """The register of feedback: when, and under which notice; the words stand in the portal alone (P08)."""
    found = [
        {"id": one.id, "at": one.at, "notice": one.notice, "characters": len(one.text)}
        for one in list_feedback(house(ctx, Role.WEB), name)
    ]
    rows("feedback", found, as_json=as_json)


@app.command("receipt")
def receipt(ctx: typer.Context, name: str) -> None:
    """The latest signed receipt, as JSON."""
    answer(optin.receipt(house(ctx, Role.WEB), name), as_json=True)


def _answer(ctx: typer.Context, name: str, document: Mapping[str, Any], *, as_json: bool, purge_why: str = "") -> None:
    found = optin.status(house(ctx, Role.WEB), name)
    ended = found.state is not None and not optin.in_force(house(ctx, Role.WEB), name, house(ctx, Role.WEB).clock.now())
    purged: list[str] = []
    if purge_why and ended:
        purged = [one["copy"] for one in purge_all(house(ctx, Role.WORKER), TenantName(name), why=purge_why)]
    value = {"tenant": name, "state": found.state, "ends_at": found.ends_at, "purged": purged, "receipt": document}
    text = f"engagement of {name}: {found.state}"
    text += f", until {found.ends_at:%Y-%m-%d %H:%M}" if found.ends_at and not ended else ""
    if purge_why and ended:
        text += f"\npurged now: {', '.join(purged) or 'no copy was live'}"
    answer(value, as_json=as_json, text=text)
