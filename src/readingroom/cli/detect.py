"""`readingroom detect`: where persons and identifiers stand in texts; needs no room, and writes no text.

Rule 1: an error names file and line, never content.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer

from readingroom.anonymize.classification import shipped
from readingroom.anonymize.detecting import Detector, in_code_points
from readingroom.anonymize.identities import people_batch
from readingroom.anonymize.known import Known, KnownBuilder
from readingroom.anonymize.rare import public_only
from readingroom.anonymize.texts import PROFILES
from readingroom.core.errors import UsageError

LINES = 4096  # documents looked at in one go
_FIELDS = {
    "given": ("first", "firstname", "givenname", "given", "forename"),
    "middle": ("middle", "middlename"),
    "family": ("last", "lastname", "surname", "familyname", "family"),
    "full": ("name", "fullname", "displayname"),
    "nick": ("nick", "nickname"),
    "address": ("street", "address", "streetaddress", "address1line1", "addressline1"),
    "postcode": ("zip", "zipcode", "postcode", "postalcode"),
    "city": ("city", "town"),
    "birthdate": ("birthdate", "birthday", "dateofbirth", "dob"),
}
_COMPANY = ("company", "companyname", "organization", "organisation", "employer", "account")
_IDS = ("iban", "ssn", "vat", "taxid", "passport", "nationalid", "governmentid", "creditcard", "card")
_PHONES = ("phone", "mobile", "telephone", "fax", "cell")


def add_to(app: typer.Typer) -> None:
    """Add the command `detect` to the command line."""
    app.command("detect")(detect)


def detect(
    texts: Annotated[str, typer.Argument(metavar="IN", help="A JSONL file, .gz or plain: one document a line.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="SPANS", help="The JSONL file to write.")],
    text_field: Annotated[str, typer.Option("--text-field", help="The field that holds the text.")] = "text",
    profile: Annotated[str, typer.Option("--profile", help="balanced or strict.")] = "balanced",
    known: Annotated[str | None, typer.Option("--known", metavar="CONTACTS", help="A JSONL file of contacts.")] = None,
) -> None:
    """Write where persons and identifiers stand: {"id", "spans": [[start, end, LABEL], …]}, in code points."""
    if profile not in PROFILES:
        raise UsageError("--profile: balanced or strict")
    detector = Detector(_known(known), public_only(), profile)
    documents = _documents(texts, text_field)
    try:
        with output.open("w", encoding="utf-8") as file:
            while some := list(islice(documents, LINES)):
                file.writelines(_answers(detector, some))
    except OSError as error:
        raise UsageError(f"{output}: cannot be written ({type(error).__name__})") from None


def _answers(detector: Detector, documents: list[tuple[Any, str]]) -> Iterator[str]:
    encoded = [text.encode("utf-8", "replace") for _, text in documents]
    cells = pa.array(encoded, pa.large_binary()).cast(pa.large_string())
    found = in_code_points(cells, detector.spans(cells))
    spans: list[list[tuple[int, int, str]]] = [[] for _ in documents]
    for row, *span in zip(*(found[name].to_pylist() for name in found.column_names), strict=True):
        spans[row].append((span[0], span[1], span[2]))
    for (name, _), own in zip(documents, spans, strict=True):
        yield json.dumps({"id": name, "spans": own}) + "\n"


def _documents(name: str, field: str) -> Iterator[tuple[Any, str]]:
    for number, row in _rows(name):
        text = row.get(field)
        if not isinstance(text, str):
            raise UsageError(f"{name}:{number}: field {field!r} is absent or no text")
        yield row.get("id", number), text


def _rows(name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Number and object of every line that is not empty."""
    number = 0
    try:
        with gzip.open(name, "rb") if name.endswith(".gz") else Path(name).open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    row = json.loads(line.decode("utf-8"))
                    if not isinstance(row, dict):
                        raise UsageError(f"{name}:{number}: not a JSON object")
                    yield number, row
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{name}: cannot be read ({type(error).__name__})") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{name}:{number}: not JSON in UTF-8") from None


def _known(name: str | None) -> Known:
    """The people of a file of contacts; what a field is, its name tells."""
    builder = KnownBuilder(b"detect", b"")
    rows = _rows(name) if name else iter(())
    while some := list(islice(rows, LINES)):
        people = [person for number, row in some for person in _people(number, row)]
        if people:
            builder.add_people(people_batch(people))
    return builder.build()


def _people(number: int, row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    low = {_bare(key): value.strip() for key, value in row.items() if isinstance(value, str) and value.strip()}
    person: dict[str, Any] = {"kind": "contact", "record_id": low.get("id", str(number))}
    for field, names in _FIELDS.items():
        if value := next((low[name] for name in names if name in low), None):
            person[field] = value
    kinds = {key: _kind(key) for key in low}
    for field, kind in (("emails", "email"), ("phones", "phone"), ("ids", "id")):
        if values := [low[key] for key in low if kinds[key] == kind]:
            person[field] = values
    yield person
    if company := next((low[name] for name in _COMPANY if name in low), None):
        yield {"kind": "account", "full": company}


def _kind(name: str) -> str:
    """Whether a field is an e-mail address, a phone number or an id."""
    if "mail" in name and "address1" not in name:
        return "email"
    if name.startswith(_PHONES) or name.endswith(_PHONES):
        return "phone"
    return "id" if name in _IDS else str(shipped().kind(name) or "")


def _bare(name: object) -> str:
    return "".join(c for c in str(name).lower() if c.isalnum())
