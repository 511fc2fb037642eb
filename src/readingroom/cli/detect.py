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

from readingroom.anonymize.contacts import add_rows
from readingroom.anonymize.detecting import Detector, in_code_points
from readingroom.anonymize.known import Known, KnownBuilder
from readingroom.anonymize.rare import public_only
from readingroom.anonymize.texts import PROFILES
from readingroom.cli.finders import finders
from readingroom.core.errors import UsageError

LINES = 4096  # documents looked at in one go


def add_to(app: typer.Typer) -> None:
    """Add the command `detect` to the command line."""
    app.command("detect")(detect)


def detect(
    texts: Annotated[str, typer.Argument(metavar="IN", help="A JSONL file, .gz or plain: one document a line.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="SPANS", help="The JSONL file to write.")],
    text_field: Annotated[str, typer.Option("--text-field", help="The field that holds the text.")] = "text",
    profile: Annotated[str, typer.Option("--profile", help="balanced or strict.")] = "balanced",
    known: Annotated[str | None, typer.Option("--known", metavar="CONTACTS", help="A JSONL file of contacts.")] = None,
    patterns: Annotated[
        str | None, typer.Option("--patterns", metavar="FILE.toml", help="Patterns and lists of your own.")
    ] = None,
    detectors: Annotated[
        str, typer.Option("--detectors", metavar="NAMES", help="Plug-ins beside the engine, such as spacy,presidio.")
    ] = "",
) -> None:
    """Write where persons and identifiers stand: {"id", "spans": [[start, end, LABEL], …]}, in code points."""
    if profile not in PROFILES:
        raise UsageError("--profile: balanced or strict")
    detector = Detector(_known(known), public_only(), profile, finders=finders(patterns, detectors))
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
    for number, row in json_rows(name):
        text = row.get(field)
        if not isinstance(text, str):
            raise UsageError(f"{name}:{number}: field {field!r} is absent or no text")
        yield row.get("id", number), text


def json_rows(name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
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
    add_rows(builder, ((str(number), row) for number, row in json_rows(name)) if name else ())
    return builder.build()
