"""What model.json says: tables, their columns and the files of their partitions. Nothing is guessed.

Rule 1: a location must lie in the one container of the export, by name and on disk, or nothing of the export is read.
Rule 2: labels, descriptions and annotations of model.json are not used; names and types are.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from readingroom.core.errors import Position
from readingroom.sources.files import SourceFile, folders, inside, listing, whole
from readingroom.sources.model import TYPES, BadData, Column

MODEL = "model.json"
PER_TABLE = "Microsoft.Athena.TrickleFeedService"
DELTA = "deltalake"
_MOST = 256 << 20
_NAME = re.compile(r"[A-Za-z0-9_]{1,128}")
_TYPES = {name.lower(): name for name in TYPES} | {
    "datetimeoffset": "dateTime",
    "date": "dateTime",
    "time": "string",
    "int32": "int64",
    "int16": "int64",
    "float": "double",
    "uniqueidentifier": "guid",
}
_NOT_TABLES = {PER_TABLE.lower(), DELTA, "optionsetmetadata", "changelog", "model.json"}


@dataclass(frozen=True)
class Described:
    """A table as a model describes it; `files` in the order of its partitions."""

    name: str
    columns: tuple[Column, ...]
    files: tuple[SourceFile, ...]


@dataclass(frozen=True)
class Export:
    """An export: its folder, its tables, those found by their per-table model, and folders that nothing describes."""

    root: Path
    tables: tuple[Described, ...]
    fallen_back: frozenset[str]
    undescribed: tuple[str, ...]


def read_export(root: Path) -> Export:
    """The export in `root`; BadData if it must be refused as a whole."""
    listed = _read_model(root, root / MODEL, MODEL)
    if listed is None:
        raise BadData("model_missing", Position(MODEL))
    found = [_strip(one.name) for one in folders(root)]
    loose = [name for name in found if name and name not in listed and _has_csv(root / name)]
    per_table = {name: _per_table(root, name) for name in loose}
    known = listed | {name: entity for name, entity in per_table.items() if entity is not None}
    anchor = _anchor(known, root.name)
    tables = tuple(_describe(root, entity, anchor) for entity in known.values())
    missing = tuple(name for name, entity in per_table.items() if entity is None)
    fallen = frozenset(per_table) - frozenset(missing)
    return Export(root, tables, fallen, missing)


def types_of(model: Mapping[str, Any]) -> tuple[Column, ...]:
    """The columns of one entity of a model, in order."""
    names = [attribute.get("name") for attribute in model["attributes"]]
    if not all(isinstance(name, str) and name for name in names):
        raise BadData("model_not_json", Position(MODEL))
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise BadData("column_twice", Position(MODEL, str(model["name"]), None, twice))
    kinds = [str(attribute.get("dataType")).lower() for attribute in model["attributes"]]
    return tuple(Column(name, _TYPES.get(kind, "string")) for name, kind in zip(names, kinds, strict=True))


def read_entities(data: bytes, label: str) -> dict[str, Mapping[str, Any]]:
    """The entities of a model.json by name; BadData unless it has the shape that Synapse Link writes."""
    try:
        model = json.loads(data)
        found = {str(entity["name"]): entity for entity in model["entities"]}
        sound = len(found) == len(model["entities"])
        sound = sound and all(_NAME.fullmatch(name) for name in found)
        sound = sound and all(
            isinstance(entity["attributes"], list) and entity["attributes"] for entity in found.values()
        )
        sound = sound and all(isinstance(one, dict) for entity in found.values() for one in entity["attributes"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        sound, found = False, {}
    if not sound:
        raise BadData("model_not_json", Position(label))
    return found


def _read_model(root: Path, path: Path, label: str) -> dict[str, Mapping[str, Any]] | None:
    if not path.is_file() or not inside(root, path):
        return None
    data, _ = whole(SourceFile(path, label), _MOST)
    return read_entities(data, label)


def _per_table(root: Path, name: str) -> Mapping[str, Any] | None:
    """The entity in `<table>-model.json`, if there is one of that name."""
    label = f"{PER_TABLE}/{name}-model.json"
    return (_read_model(root, root / label, label) or {}).get(name)


def _strip(name: str) -> str:
    return name if name.lower() not in _NOT_TABLES and _NAME.fullmatch(name) else ""


def _has_csv(folder: Path) -> bool:
    return bool(listing(folder, (".csv",)))


def _partitions(entity: Mapping[str, Any]) -> list[Any]:
    partitions = entity.get("partitions") or []
    return partitions if isinstance(partitions, list) else [partitions]


def _origin(location: Any) -> tuple[str, str, tuple[str, ...]] | None:
    """(host, container, segments of the path in it) of a location; None if it is no plain https URL of a file."""
    if not isinstance(location, str):
        return None
    try:
        url = urlsplit(location)
    except ValueError:
        return None
    segments = [unquote(one) for one in url.path.split("/")][1:]
    climbing = any(one in {"", ".", ".."} or set(one) & set("\\/\0:") for one in segments)
    if url.scheme != "https" or url.query or url.fragment or climbing or len(segments) < 2:
        return None
    return url.netloc.lower(), segments[0], tuple(segments[1:])


def _anchor(known: Mapping[str, Mapping[str, Any]], folder: str) -> tuple[str, str]:
    """(host, container) that every location must have: the one named like the folder, or the most frequent."""
    places = [
        place[:2]
        for entity in known.values()
        for one in _partitions(entity)
        if isinstance(one, dict) and (place := _origin(one.get("location")))
    ]
    named = [place for place in places if place[1] == folder]
    return Counter(named or places).most_common(1)[0][0] if places else ("", "")


def _describe(root: Path, entity: Mapping[str, Any], anchor: tuple[str, str]) -> Described:
    name = str(entity["name"])
    files = []
    for one in _partitions(entity):
        place = _origin(one.get("location")) if isinstance(one, dict) else None
        if place is None or place[:2] != anchor or not inside(root, root.joinpath(*place[2])):
            raise BadData("location_outside_container", Position(MODEL, name))  # rule 1
        files.append(SourceFile(root.joinpath(*place[2]), "/".join(place[2]), name))
    return Described(name, types_of(entity), tuple(files))
