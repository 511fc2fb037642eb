"""`readingroom.anonymize(table)`: the engine for one table, from Python.

`readingroom.anonymize` is both a package and, called, this function: a package's module object is of a class that can
be called (ADR 10): after `from readingroom import anonymize` both `anonymize(table)` and `anonymize.texts` work.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pyarrow as pa

from readingroom import __version__
from readingroom.anonymize.finders import Detector, Told
from readingroom.anonymize.frames import Frame
from readingroom.anonymize.runs import PLACES, Options, Run
from readingroom.core.errors import UsageError

ROWS = 50_000  # rewritten at one go


@dataclass(frozen=True)
class Anonymized:
    """The table without anybody in it, where what stands in for somebody stands, and counts.

    `spans` has a row for each: column, row, start and end in code points of the new cell, kind. Pseudonyms of id
    columns, nested columns and JSON cells are not in it; their counts are in the report.
    """

    table: pa.Table
    spans: pa.Table
    report: dict[str, Any]


class Door(ModuleType):
    """The package `readingroom.anonymize`, which can be called."""

    def __call__(  # noqa: PLR0913 - each says one thing, all but the table by name
        self,
        table: object,
        *,
        known: object = None,
        profile: str = "balanced",
        style: str = "placeholder",
        columns: Mapping[str, str] | None = None,
        key: bytes | None = None,
        detectors: Sequence[Detector] = (),
    ) -> Anonymized:
        """Anonymize a table: pyarrow Table, RecordBatch or reader, or what gives an Arrow stream (pandas, polars, …).

        `known` are people to look for: a table, or rows as mappings, fields told by their names (first_name, email, …);
        people whom the table itself describes are looked for as well. `columns` says what a column is where its name,
        type and content mislead: keep, drop, text, html, url, json, id, name, given, family, email, phone, address,
        place, birth, org, number, ip. The same `key` (16 bytes or more) gives the same pseudonyms in every run; without
        one a fresh key is drawn and nothing can be linked between runs. Errors name columns, never values.
        """
        if not all(hasattr(one, "detect") and hasattr(one, "labels") and hasattr(one, "name") for one in detectors):
            raise UsageError("detectors are objects with name, labels and detect")
        finders = tuple(Told(detector) for detector in detectors)
        run = Run(Options(profile, style, dict(columns or {}), key, finders))
        return anonymize(as_table(table), run, known=known)


def anonymize(table: pa.Table, run: Run, *, known: object = None) -> Anonymized:
    """A whole table by one run; `Door` in other words."""
    run.learn((str(number), row) for number, row in enumerate(_rows(known), 1))
    batches = table.to_batches(max_chunksize=ROWS)
    frame = Frame(run, table.schema)
    frame.learn(batches)
    if batches:
        frame.settle(batches[0])
    parts = [frame.transform(batch) for batch in batches]
    made = pa.Table.from_batches([part.batch for part in parts], schema=frame.schema())
    spans = pa.concat_tables([PLACES.empty_table(), *(part.spans for part in parts)])
    return Anonymized(made, spans, report(run, rows=table.num_rows, columns=run.report()))


def report(run: Run, *, rows: int, columns: Mapping[str, Any]) -> dict[str, Any]:
    """What a run did, in numbers and names of columns; no value."""
    totals: dict[str, int] = {}
    for count in run.counts.values():
        for kind, number in count.items():
            totals[kind] = totals.get(kind, 0) + number
    return {
        "readingroom": __version__,
        "profile": run.options.profile,
        "style": run.options.style,
        "key": "given" if run.options.key is not None else "fresh, forgotten",
        "rows": rows,
        "known": run.known.report(),
        "found": dict(sorted(totals.items())),
        "columns": dict(columns),
    }


def as_table(data: object) -> pa.Table:
    """Whatever speaks Arrow as a table; UsageError for what does not."""
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if isinstance(data, pa.RecordBatchReader):
        return data.read_all()
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        return pa.table(data)
    raise UsageError(f"{type(data).__name__} is no table: give pyarrow, or what has __arrow_c_stream__")


def _rows(known: object) -> Iterable[Mapping[str, Any]]:
    """People as rows of fields."""
    if known is None:
        return ()
    if isinstance(known, list | tuple):
        if not all(isinstance(row, Mapping) for row in known):
            raise UsageError("known: rows are mappings of fields")
        return known
    table = as_table(known)
    return (
        {name: value if isinstance(value, str) else json.dumps(value, default=str) for name, value in row.items()}
        for batch in table.to_batches(max_chunksize=ROWS)
        for row in batch.to_pylist()
    )
