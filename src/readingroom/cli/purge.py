"""`readingroom purge`: end what is due, and show the proof (P15, P24, P35)."""

from __future__ import annotations

import base64
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final

import typer

from readingroom.audit.checkpoint import parse_verifier_key
from readingroom.cli.act import house
from readingroom.cli.files import read_input, read_text
from readingroom.cli.show import AsJson, answer, rows
from readingroom.copies.certificate import read_certificate, verify_certificate
from readingroom.copies.purge import purge_due
from readingroom.core.canonical import parse_object
from readingroom.core.errors import ReadingroomError, UsageError
from readingroom.core.ids import CopyId, check_name
from readingroom.keys.roles import Role

app = typer.Typer(name="purge", help="Purge what is due; certificates.", no_args_is_help=True, add_completion=False)

_KEY_BYTES: Final = 32
_KEY_FILE_LIMIT: Final = 64 * 1024
_PATH_LIMIT: Final = 4096


@app.command("run")
def run(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Purge every copy whose purge is due: keys, then bytes, then proof."""
    found = purge_due(house(ctx, Role.WORKER))
    shown = [{key: one.get(key) for key in ("copy", "tenant", "category", "purged_at")} for one in found]
    if not shown and not as_json:
        typer.echo("nothing was due")
        return
    rows("purged", shown, as_json=as_json)


@app.command("certificate")
def certificate(ctx: typer.Context, copy: str) -> None:
    """The signed certificate of a purged copy, as JSON."""
    typer.echo(read_certificate(house(ctx, Role.WEB), CopyId(check_name(copy, what="a copy's id"))))


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
    """32 bytes from base64, a verifier key, or a file with either; of roles/public.json, the worker's."""
    path = Path(text)
    if len(text) < _PATH_LIMIT and path.is_file():
        text = read_text(text, limit=_KEY_FILE_LIMIT).strip()
    if text.startswith("{"):
        text = _workers(text)
    with suppress(ValueError):
        key = base64.b64decode(text, validate=True)
        if len(key) == _KEY_BYTES:
            return key
    with suppress(ReadingroomError):
        return parse_verifier_key(text)[1]
    raise UsageError("--key is 32 bytes in base64, a verifier key, or a file with one (ROOM/roles/public.json)")


def _workers(text: str) -> str:
    """The worker's signing key in a file of public keys."""
    roles = parse_object(text, what="the key file").get("roles", {})
    worker = roles.get(Role.WORKER.value, {}) if isinstance(roles, dict) else {}
    return str(worker.get("ed25519", "")) if isinstance(worker, dict) else ""
