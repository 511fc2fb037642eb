"""`readingroom anonymize IN OUT`: a file without anybody in it; needs no room.

Rule 1: OUT appears when it is whole, and takes nothing's place (landing).
Rule 2: an error names file, row and column, never content.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from readingroom.anonymize.contacts import NOBODY
from readingroom.anonymize.door import report
from readingroom.anonymize.runs import Options, Run
from readingroom.cli.anonymize_lines import documents_of, rewrite_lines
from readingroom.cli.anonymize_mail import rewrite_mail
from readingroom.cli.anonymize_tables import Tabular, csv_writer, open_csv, open_parquet, parquet_writer, rewrite
from readingroom.cli.engine_options import Detectors, Patterns, Profile
from readingroom.cli.files import read_input
from readingroom.cli.finders import finders
from readingroom.cli.landing import check_apart, check_free, landing
from readingroom.core.errors import UsageError

FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".jsonl": "jsonl",
    ".jsonl.gz": "jsonl",
    ".ndjson": "jsonl",
    ".ndjson.gz": "jsonl",
    ".eml": "eml",
    ".mbox": "mbox",
}


def add_to(app: typer.Typer) -> None:
    """Add the command `anonymize` to the command line."""
    app.command("anonymize")(anonymize)


def anonymize(
    source: Annotated[str, typer.Argument(metavar="IN", help="Parquet, CSV, JSONL (.gz too), .eml or .mbox; or -.")],
    goal: Annotated[str, typer.Argument(metavar="OUT", help="The file to make, of the same format; or -.")],
    profile: Profile = "balanced",
    style: Annotated[str, typer.Option("--style", help="placeholder or surrogate.")] = "placeholder",
    known: Annotated[
        str | None, typer.Option("--known", metavar="CONTACTS", help="People to look for: JSONL, CSV or Parquet.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", metavar="FILE.toml", help="What columns are: [columns] name = word.")
    ] = None,
    key_file: Annotated[
        str | None, typer.Option("--key-file", help="The same key, the same pseudonyms; 16 bytes or more.")
    ] = None,
    report_file: Annotated[
        str | None, typer.Option("--report", metavar="FILE.json", help="Where to say what was done to each column.")
    ] = None,
    patterns: Patterns = None,
    detectors: Detectors = "",
    form: Annotated[str | None, typer.Option("--format", help="For -: csv, jsonl, eml or mbox.")] = None,
) -> None:
    """Write a file without anybody in it: names, addresses and numbers become placeholders or surrogates."""
    form = _format(source, goal, form)
    for name in (goal, report_file):
        if name and name != "-":
            check_free(name)
    check_apart(goal, [report_file])
    key = read_input(key_file, limit=1024) if key_file else None
    options = Options(profile, style, _columns(columns), key, finders(patterns, detectors))
    run = Run(options)
    if known and not run.learn((str(number), row) for number, row in enumerate(_people(known), 1)):
        raise UsageError(f"{known}: {NOBODY}")
    with landing(goal) as file:
        rows, made = _rewrite(run, source, form, file)
    if report_file:
        with landing(report_file) as file:
            text = json.dumps(report(run, rows=rows, columns=made), indent=2, ensure_ascii=False)
            file.write(f"{text}\n".encode())


def format_of(name: str) -> str | None:
    """The format that a file's name tells."""
    low = name.lower()
    return next((form for ending, form in FORMATS.items() if low.endswith(ending)), None)


def _format(source: str, goal: str, asked: str | None) -> str:
    told = {name: format_of(name) for name in (source, goal) if name != "-"}
    for name, form in told.items():
        if form is None:
            raise UsageError(f"{name}: its ending tells no format; there are {', '.join(FORMATS)}")
    forms = {*told.values(), asked} - {None}
    if len(forms) != 1:
        raise UsageError("IN and OUT have one format; between - and - say which with --format")
    form = str(forms.pop())
    if form not in set(FORMATS.values()) or (form == "parquet" and "-" in {source, goal}):
        raise UsageError("--format: csv, jsonl, eml or mbox; Parquet is read and written as a file")
    if source != "-" and not Path(source).is_file():
        raise UsageError(f"{source}: no such file")
    return form


def _rewrite(run: Run, source: str, form: str, file: IO[bytes]) -> tuple[int, Mapping[str, Any]]:
    if form == "jsonl":
        rows = rewrite_lines(run, source, file)
        return rows, run.report()
    if form in {"eml", "mbox"}:
        rows, taken = rewrite_mail(run, source, form, file)
        return rows, {**run.report(), **taken}
    table = _table(source, form)
    if form == "parquet":
        return rewrite(run, table, lambda schema: parquet_writer(file, schema))
    return rewrite(run, table, lambda schema: csv_writer(file, schema, table.separator))


def _table(name: str, form: str) -> Tabular:
    return open_parquet(name) if form == "parquet" else open_csv(name)


def _people(name: str) -> Iterable[Mapping[str, Any]]:
    """The rows of a file of contacts."""
    form = format_of(name)
    if form not in {"parquet", "csv", "jsonl"} or not Path(name).is_file():
        raise UsageError(f"{name}: contacts are a Parquet, CSV or JSONL file")
    if form == "jsonl":
        for number, value in documents_of(name):
            if not isinstance(value, dict):
                raise UsageError(f"{name}:{number}: not a JSON object")
            yield value
        return
    for batch in _table(name, form).batches():
        for row in batch.to_pylist():
            yield {
                key: value if isinstance(value, str) else str(value) for key, value in row.items() if value is not None
            }


def _columns(name: str | None) -> dict[str, str]:
    """What a person says columns are."""
    if name is None:
        return {}
    try:
        data = tomllib.loads(read_input(name).decode("utf-8"))
    except (ValueError, RecursionError):
        raise UsageError(f"{name}: not TOML in UTF-8") from None
    columns = data.get("columns")
    if (
        set(data) != {"columns"}
        or not isinstance(columns, dict)
        or not all(isinstance(v, str) for v in columns.values())
    ):
        raise UsageError(f'{name}: one table [columns] with lines such as  mail_1 = "email"')
    return columns
