"""`readingroom workstation`: secure access workstations (P21)."""

from __future__ import annotations

from typing import Annotated

import typer

from readingroom.access.leaving import retire_workstation
from readingroom.access.people import find_person
from readingroom.access.workstations import enrol_workstation, find_workstation, list_workstations
from readingroom.cli.act import house
from readingroom.cli.show import AsJson, answer, rows
from readingroom.keys.roles import Role

app = typer.Typer(name="workstation", help="Secure access workstations.", no_args_is_help=True, add_completion=False)


@app.command("enrol")
def enrol(
    ctx: typer.Context,
    name: str,
    person: Annotated[str, typer.Option("--for", metavar="PERSON", help="Whose workstation it is.")],
    as_json: AsJson = False,
) -> None:
    """Enrol a workstation; its device key is shown here and never again."""
    opened = house(ctx, Role.WEB)
    enrolment = enrol_workstation(opened, name, person=find_person(opened, person).id)
    value = {**enrolment.workstation.public(), "device_key": enrolment.private_key}
    text = f"workstation {name} is enrolled for {person}\ndevice key, shown once: {enrolment.private_key}"
    answer(value, as_json=as_json, text=text)


@app.command("list")
def listing(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Every workstation."""
    rows("workstations", [w.public() for w in list_workstations(house(ctx, Role.WEB))], as_json=as_json)


@app.command("retire")
def retire(ctx: typer.Context, name: str, as_json: AsJson = False) -> None:
    """Retire a workstation: its sessions end at once, and nothing opens on it again."""
    opened = house(ctx, Role.WEB)
    retire_workstation(opened, find_workstation(opened, name).id)
    answer({"workstation": name, "retired": True}, as_json=as_json, text=f"workstation {name} is retired")
