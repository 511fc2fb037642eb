"""Files of a fictional tenant in the real layout: Synapse Link CSV with model.json, interaction blobs, JSON lines.

Rule 1: written as Dynamics writes it (README of the data): strings and dates quoted, the rest bare, null is nothing;
partitions by createdon; SinkModifiedOn in the US format; interaction blobs with a header and CRLF.
Names and types of tables and columns are a subset of the microsoft/CDM schema documents (CC-BY-4.0, Microsoft).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

Cells = Mapping[str, Any]
ACCOUNT_URL = "https://fictional{0}.dfs.core.windows.net/dataverse-prod-{0}"
APPENDED = ("account", "new_salesregion")  # a column that came later: it stands after IsDelete


@dataclass(frozen=True)
class Row:
    """One version of a record: its cells, when the sink wrote it, and whether it is narrow (before the new column)."""

    cells: Cells
    sink: datetime
    narrow: bool = False


def layout() -> dict[str, dict[str, list[tuple[str, str]]]]:
    """Store -> table -> (column, type)."""
    text = files("readingroom.simulation").joinpath("fiction_layout.json").read_text(encoding="utf-8")
    found = json.loads(text)
    return {
        store: {table: [(name, kind) for name, kind in columns] for table, columns in found[store].items()}
        for store in ("dataverse", "interactions")
    }


def write_dataverse(folder: Path, name: str, tables: Mapping[str, Sequence[Row]]) -> None:
    """Write model.json and a folder of partitions for each table; rows in the order given."""
    columns = layout()["dataverse"]
    columns[APPENDED[0]] = [*columns[APPENDED[0]], (APPENDED[1], "string")]
    entities = []
    for table, rows in tables.items():
        partitions: dict[str, list[str]] = {}
        for row in rows:
            month = f"{row.cells['createdon']:%Y-%m}"
            partitions.setdefault(month, []).append(_line(row, columns[table]))
        (folder / table).mkdir(parents=True)
        for month, lines in sorted(partitions.items()):
            (folder / table / f"{month}.csv").write_bytes("".join(lines).encode())
        entities.append(_entity(name, table, columns=columns[table], months=sorted(partitions)))
    model = {"name": "cdm", "description": "cdm", "version": "1.0", "culture": "en-US", "entities": entities}
    (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")


def write_interactions(folder: Path, tables: Mapping[str, Sequence[Cells]], guids: Iterable[str]) -> None:
    """Write csv/<type>/<guid>.csv, gzipped where there are many rows."""
    columns = layout()["interactions"]
    entities = []
    for (table, rows), guid in zip(tables.items(), guids, strict=False):
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        names = [name for name, _ in columns[table]]
        writer.writerow(names)
        writer.writerows([_plain(row.get(name)) for name in names] for row in rows)
        (folder / "csv" / table).mkdir(parents=True)
        data = text.getvalue().encode()
        path = folder / "csv" / table / f"{guid}.csv"
        if len(rows) > 500:
            path.with_suffix(".csv.gz").write_bytes(gzip.compress(data, mtime=0))
        else:
            path.write_bytes(data)
        attributes = [{"name": column, "dataType": kind} for column, kind in columns[table]]
        entities.append({"$type": "LocalEntity", "name": table, "description": "", "attributes": attributes})
    model = {"name": "interactions", "version": "1.0", "entities": entities}
    (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")


def write_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON lines, gzipped if the name says so."""
    text = "".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n" for one in records).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)


def write_definitions(path: Path, tables: Mapping[str, Sequence[tuple[str, str]]], labels: Mapping[str, str]) -> None:
    """Write EntityDefinitions.json as the Web API answers, with labels and descriptions (which no reader may read)."""
    value = [
        {
            "LogicalName": table,
            "SchemaName": _schema_name(table),
            "IsCustomEntity": table.startswith(("new_", "cr1a_")),
            "DisplayName": _label(labels.get(table, table)),
            "Description": _label(labels.get(f"{table}.", "")),
            "Attributes": [
                {
                    "@odata.type": f"#Microsoft.Dynamics.CRM.{_TYPES[kind]}AttributeMetadata",
                    "LogicalName": column,
                    "SchemaName": _schema_name(column),
                    "AttributeType": _TYPES[kind],
                    "DisplayName": _label(labels.get(f"{table}.{column}", column)),
                }
                for column, kind in columns
            ],
        }
        for table, columns in tables.items()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"@odata.context": "$metadata#EntityDefinitions", "value": value}), encoding="utf-8")


def american(instant: datetime) -> str:
    """`M/d/yyyy h:mm:ss tt`."""
    half = "AM" if instant.hour < 12 else "PM"
    clock = f"{instant.hour % 12 or 12}:{instant.minute:02}:{instant.second:02} {half}"
    return f"{instant.month}/{instant.day}/{instant.year} {clock}"


_TYPES = {"guid": "Lookup", "int64": "Integer", "boolean": "Boolean", "string": "String"}
_TYPES |= {"dateTime": "DateTime", "dateTimeOffset": "DateTime", "double": "Double"}


def _label(text: str) -> dict[str, Any]:
    label = {"Label": text, "LanguageCode": 1033}
    return {"LocalizedLabels": [label] if text else [], "UserLocalizedLabel": label if text else None}


def _schema_name(name: str) -> str:
    prefix, _, rest = name.rpartition("_")
    return f"{prefix}_{rest.capitalize()}" if prefix else rest.capitalize()


def _line(row: Row, columns: Sequence[tuple[str, str]]) -> str:
    created = row.cells["createdon"]
    known = {"SinkCreatedOn": american(created), "SinkModifiedOn": american(row.sink), **row.cells}
    known["createdon"] = f"{created:%Y-%m-%dT%H:%M:%S}.0000000+00:00"
    shown = [(name, kind) for name, kind in columns if not (row.narrow and name == APPENDED[1])]
    return ",".join(_bare_or_quoted(known.get(name), kind) for name, kind in shown) + "\n"


def _bare_or_quoted(value: Any, kind: str) -> str:
    if value is None:
        return ""
    if kind in {"guid", "int64", "boolean", "double"}:
        return str(value)
    return '"' + _plain(value).replace('"', '""') + '"'


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:%Y-%m-%dT%H:%M:%S}Z" if isinstance(value, datetime) else str(value)


def _entity(name: str, table: str, *, columns: Sequence[tuple[str, str]], months: Sequence[str]) -> dict[str, Any]:
    url = ACCOUNT_URL.format(name)
    return {
        "$type": "LocalEntity",
        "name": table,
        "description": table,
        "annotations": [
            {"name": "Athena:PartitionGranularity", "value": "Month"},
            {"name": "Athena:InitialSyncState", "value": "Completed"},
        ],
        "attributes": [{"name": column, "dataType": kind, "maxLength": -1} for column, kind in columns],
        "partitions": [{"name": month, "location": f"{url}/{table}/{month}.csv"} for month in months],
    }
