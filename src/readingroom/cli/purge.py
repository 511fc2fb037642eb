"""`readingroom purge`: end what is due, and show the proof (P15, P24, P35)."""

from __future__ import annotations

import base64
import json
from typing import Annotated

import typer

from readingroom.audit.checkpoint import parse_verifier_key
from readingroom.cli.act import house
from readingroom.cli.files import read_input
from readingroom.cli.show import AsJson, answer, rows
from readingroom.copies.certificate import read_certificate, verify_certificate
from readingroom.copies.purge import purge_due
from readingroom.core.errors import UsageError
from readingroom.core.ids import CopyId
from readingroom.keys.roles import Role

app = typer.Typer(name="purge", help="Purge what is due; certificates.", no_args_is_help=True, add_completion=False)


@app.command("run")
def run(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Purge every copy whose purge is due: keys, then bytes, then proof."""
    found = purge_due(house(ctx, Role.WORKER))
    shown = [{key: one.get(key) for key in ("copy", "tenant", "category", "purged_at")} for one in found]
    rows("purged", shown, as_json=as_json)


@app.command("certificate")
def certificate(ctx: typer.Context, copy: str) -> None:
    """The signed certificate of a purged copy, as JSON."""
    typer.echo(read_certificate(house(ctx, Role.WEB), CopyId(copy)))


@app.command("verify")
def verify(
    document: Annotated[str, typer.Argument(metavar="CERTIFICATE", help="The file, or - for standard input.")],
    key: Annotated[str, typer.Option(help="The room's public key: a file, base64, or a verifier key.")],
    as_json: AsJson = False,
) -> None:
    """Verify a certificate with nothing but the public key; needs no room."""
    found = verify_certificate(read_input(document), _public_key(key))
    value = {"valid": True, "copy": found.get("copy"), "purged_at": found.get("purged_at")}
    answer(value, as_json=as_json, text=f"valid: copy {found.get('copy')} was purged at {found.get('purged_at')}")


def _public_key(text: str) -> bytes:
    """32 bytes from a verifier key, base64, or a file that holds either (or roles/public.json: the worker's)."""
    try:
        with open(text, encoding="utf-8") as file:  # noqa: PTH123 - may well be no path at all
            text = file.read(4096).strip()
    except (OSError, ValueError):
        pass
    if text.startswith("{"):
        text = str(json.loads(text)["roles"]["worker"]["sign"])
    if "+" in text and text.count("+") >= 2 and text.split("+")[1]:
        try:
            return parse_verifier_key(text)[1]
        except Exception as error:
            if not isinstance(error, UsageError):
                raise UsageError("that is not a verifier key") from None
            raise
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_" if "-" in text or "_" in text else None)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise UsageError("a public key is 32 bytes in base64, a verifier key, or a file with one")
    return key
