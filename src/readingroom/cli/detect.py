"""`readingroom detect`: where persons and identifiers stand in texts; needs no room, and writes no text.

Rule 1: an error names file and line, never content.
Rule 2: SPANS appears when it is whole; spans of an earlier run are replaced, and never the texts themselves.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer

from readingroom.anonymize.contacts import NOBODY, add_rows
from readingroom.anonymize.detecting import Detector, in_code_points
from readingroom.anonymize.known import Known, KnownBuilder
from readingroom.anonymize.processes import cores, in_processes
from readingroom.anonymize.rare import public_only
from readingroom.anonymize.texts import MARKUPS, PROFILES
from readingroom.cli.anonymize_lines import documents_of
from readingroom.cli.engine_options import Detectors, Patterns, Profile
from readingroom.cli.finders import finders
from readingroom.cli.known_files import load, save
from readingroom.cli.landing import check_apart, landing
from readingroom.core.errors import UsageError

LINES, LETTERS = 4096, 1 << 23  # documents looked at in one go
MANY = 16  # so many goes are worth a process for each core, each of which needs some seconds to begin
KEY = b"detect"
Documents = list[tuple[Any, str]]


def add_to(app: typer.Typer) -> None:
    """Add the command `detect` to the command line."""
    app.command("detect")(detect)


def detect(
    texts: Annotated[str, typer.Argument(metavar="IN", help="JSONL, one document a line, .gz or plain; or -.")],
    output: Annotated[str, typer.Option("-o", "--output", metavar="SPANS", help="The JSONL file to write; or -.")],
    text_field: Annotated[str, typer.Option("--text-field", help="The field that holds the text.")] = "text",
    profile: Profile = "balanced",
    known: Annotated[str | None, typer.Option("--known", metavar="CONTACTS", help="A JSONL file of contacts.")] = None,
    patterns: Patterns = None,
    detectors: Detectors = "",
    markup: Annotated[str, typer.Option("--markup", help="How texts are written: plain, html, url or json-string.")] = (
        "plain"
    ),
) -> None:
    """Write where persons and identifiers stand: a line has id and spans, each start, end (code points) and label."""
    if profile not in PROFILES:
        raise UsageError("--profile: balanced or strict")
    if markup not in MARKUPS:
        raise UsageError(f"--markup: {', '.join(MARKUPS)}")
    check_apart(output, (texts, known, patterns))
    people, blocks = _known(known), _blocks(_documents(texts, text_field))
    first = list(islice(blocks, MANY))
    with tempfile.TemporaryDirectory() as shared, landing(output, replace=True) as file:
        detector = Detector(people, public_only(), profile, finders=finders(patterns, detectors))
        prepare: Callable[[], Callable[[Documents], str]] = partial(partial, _answers, detector, markup)
        processes = cores() if len(first) == MANY else 1
        if processes > 1:  # they share the pages of one file
            save(people, Path(shared) / "known", KEY)
            prepare = partial(_prepared, Path(shared) / "known", (profile, markup), (patterns, detectors))
        for answers in in_processes(prepare, chain(first, blocks), processes=processes):
            file.write(answers.encode())


def _prepared(known: Path, how: tuple[str, str], plugged: tuple[str | None, str]) -> Callable[[Documents], str]:
    """What a process of its own says of a block of documents, by profile and markup."""
    profile, markup = how
    return partial(_answers, Detector(load(known, KEY), public_only(), profile, finders=finders(*plugged)), markup)


def _blocks(documents: Iterator[tuple[Any, str]]) -> Iterator[Documents]:
    """Documents by LINES, or by LETTERS if they are long."""
    some: Documents = []
    size = 0
    for document in documents:
        some.append(document)
        size += len(document[1])
        if len(some) >= LINES or size >= LETTERS:
            yield some
            some, size = [], 0
    if some:
        yield some


def _answers(detector: Detector, markup: str, documents: Documents) -> str:
    """The lines of some documents."""
    return "".join(_lines(detector, markup, documents))


def _lines(detector: Detector, markup: str, documents: Documents) -> Iterator[str]:
    encoded = [text.encode("utf-8", "replace") for _, text in documents]
    cells = pa.array(encoded, pa.large_binary()).cast(pa.large_string())
    found = in_code_points(cells, detector.spans(cells, markup))
    spans: list[list[tuple[int, int, str]]] = [[] for _ in documents]
    for row, *span in zip(*(found[name].to_pylist() for name in found.column_names), strict=True):
        spans[row].append((span[0], span[1], span[2]))
    for (name, _), own in zip(documents, spans, strict=True):
        yield json.dumps({"id": name, "spans": own}) + "\n"


def _documents(name: str, field: str) -> Iterator[tuple[Any, str]]:
    """Id and text of every document; one without a text has no spans, a file without any is refused."""
    seen, named = 0, False
    for number, row in json_rows(name):
        text = row.get(field)
        if text is not None and not isinstance(text, str):
            raise UsageError(f"{name}:{number}: field {field!r} is no text")
        seen, named = seen + 1, named or field in row
        yield row.get("id", number), text or ""
    if seen and not named:
        raise UsageError(f"{name}: no document has a field {field!r}")


def json_rows(name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Number and object of every line that is not empty."""
    for number, row in documents_of(name):
        if not isinstance(row, dict):
            raise UsageError(f"{name}:{number}: not a JSON object")
        yield number, row


def _known(name: str | None) -> Known:
    """The people of a file of contacts; what a field is, its name tells."""
    builder = KnownBuilder(KEY, b"")
    if name and not add_rows(builder, ((str(number), row) for number, row in json_rows(name))):
        raise UsageError(f"{name}: {NOBODY}")
    return builder.build()
