"""`readingroom subject`: find and erase a data subject (P16, P34). Identifiers are read, used and forgotten."""

from __future__ import annotations

from typing import Annotated

import typer

from readingroom.cli.act import house
from readingroom.cli.files import read_text
from readingroom.cli.show import AsJson, answer, rows
from readingroom.core.ids import RequestId, check_name
from readingroom.engagement.tenants import get_tenant
from readingroom.keys.roles import Role
from readingroom.subjects.erase import erase_subject
from readingroom.subjects.find import find_subject
from readingroom.subjects.identifiers import parse_identifiers
from readingroom.subjects.requests import list_requests

app = typer.Typer(name="subject", help="Requests of data subjects.", no_args_is_help=True, add_completion=False)
Tenant = Annotated[str, typer.Option(help="Whose copies.")]
Identifiers = Annotated[
    str, typer.Option(metavar="FILE|-", help="One identifier a line: `email: …`, `name: …`, `phone: …`, `record: …`.")
]
Request = Annotated[str, typer.Option(help="The customer's id of the request.")]
LIMIT = 64 * 1024


@app.command("find")
def find(
    ctx: typer.Context, tenant: Tenant, identifiers: Identifiers, request: Request, as_json: AsJson = False
) -> None:
    """Where a person stands in the live copies: counts by copy, table and column."""
    opened = house(ctx, Role.SUBJECTS)
    who = parse_identifiers(read_text(identifiers, limit=LIMIT))
    identity = RequestId(check_name(request, what="a request's id"))
    found = find_subject(opened, get_tenant(opened, tenant), who, request=identity, attested_by="customer").public()
    head = f"{found['people']} records are this person; {found['total']} places in the copies"
    lines = [
        f"  {o['category']} {o['table']}.{o['column'] or '(row)'} {o['role']}: {o['count']}" for o in found["found"]
    ]
    answer(found, as_json=as_json, text="\n".join([head, *lines]))


@app.command("erase")
def erase(
    ctx: typer.Context, tenant: Tenant, identifiers: Identifiers, request: Request, as_json: AsJson = False
) -> None:
    """Erase a person from every live copy and keep them out of later ones; the answer is the signed receipt."""
    opened = house(ctx, Role.SUBJECTS)
    who = parse_identifiers(read_text(identifiers, limit=LIMIT))
    identity = RequestId(check_name(request, what="a request's id"))
    receipt = erase_subject(opened, get_tenant(opened, tenant), who, request=identity, attested_by="customer")
    body = receipt["receipt"]
    text = f"erased: {body['rows']} rows and {body['spans']} passages in {body['copies']} copies"
    if not body["people"]:
        text += "\nno record in a live copy is this person; later copies leave out whoever has these identifiers"
    if body["also_touched"]:
        text += f"\n{body['also_touched']} others share an identifier; shared passages went too (erasure over-erases)"
    answer(receipt, as_json=as_json, text=text)


@app.command("list")
def listing(ctx: typer.Context, as_json: AsJson = False) -> None:
    """The register of requests."""
    rows("requests", [one.public() for one in list_requests(house(ctx, Role.SUBJECTS))], as_json=as_json)
