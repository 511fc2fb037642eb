"""What a Delta log says: the latest version, its columns, its files, and the files that it replaced. No cell is read.

Rule 1: the log decides which files are the table, never the folder: replaced files lie beside them and hold people who
are gone. Rule 2: whatever this reader does not know (a gap, a feature, deletion vectors, renamed columns, a place
outside the table) refuses the table; nothing is guessed. Rule 3: the log has the least and greatest cell of each
column in it, names and addresses among them: its bytes and the errors about them never leave this file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from readingroom.core.errors import Position
from readingroom.sources.files import SourceFile, etag_of, inside, whole
from readingroom.sources.model import BadData, Column

LOG: Final = "_delta_log"
_COMMIT: Final = re.compile(r"(\d{20})\.json")
_CHECKPOINT: Final = re.compile(r"(\d{20})\.checkpoint(?:\.\d+\.\d+)?\.parquet")
_MOST: Final = 64 << 20  # bytes of one commit
_ACTIONS: Final = frozenset(
    {"add", "remove", "metaData", "protocol", "commitInfo", "txn", "cdc", "domainMetadata", "checkpointMetadata"}
)
_KNOWN_FEATURES: Final = frozenset({"timestampNtz", "vacuumProtocolCheck"})
_FEATURE_CODES: Final = {"deletionVectors": "delta_deletion_vectors", "columnMapping": "delta_column_mapping"}
_TYPES: Final = {
    "string": "string",
    "byte": "int64",
    "short": "int64",
    "integer": "int64",
    "long": "int64",
    "float": "double",
    "double": "double",
    "boolean": "boolean",
    "timestamp": "dateTime",
    "timestamp_ntz": "dateTime",
    "date": "dateTime",
}


@dataclass(frozen=True)
class DeltaFile:
    """One Parquet file of the version: where it is, and the partition values that stand for its columns."""

    file: SourceFile
    partition: Mapping[str, Any]


@dataclass(frozen=True)
class Snapshot:
    """The table at one version. `strange` are columns of a type that no cell here can have."""

    version: int
    columns: tuple[Column, ...]
    partitioned: frozenset[str]
    strange: tuple[str, ...]
    files: tuple[DeltaFile, ...]
    former: tuple[SourceFile, ...]
    log: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DeltaFolder:
    """A folder with a Delta table in it: where, and how files and errors call it."""

    root: Path
    label: str
    table: str

    def file(self, path: str) -> SourceFile:
        """The file at a path as the log writes it; BadData unless it lies in the folder."""
        plain = unquote(path)
        parts = plain.split("/")
        if any(one in {"", ".", ".."} or set(one) & set("\\:\0") for one in parts):
            raise BadData("location_outside_container", Position(f"{self.label}/{LOG}", self.table))
        if not inside(self.root, self.root.joinpath(*parts)):
            raise BadData("location_outside_container", Position(f"{self.label}/{LOG}", self.table))
        return SourceFile(self.root.joinpath(*parts), f"{self.label}/{plain}", self.table)

    def commit(self, version: int) -> SourceFile:
        """The file of one commit."""
        name = f"{version:020d}.json"
        return SourceFile(self.root / LOG / name, f"{self.label}/{LOG}/{name}", self.table)

    def at(self) -> Position:
        """The log as a position."""
        return Position(f"{self.label}/{LOG}", self.table)


def log_files(folder: DeltaFolder) -> tuple[tuple[str, str], ...]:
    """(name, size and ETag) of every file of the log, in order; BadData where one is a link."""
    log = folder.root / LOG
    try:
        found = [] if log.is_symlink() else sorted(log.iterdir())
        if any(one.is_symlink() for one in (log, *found)):
            raise BadData("location_outside_container", folder.at())
        return tuple((one.name, etag_of(one.stat())) for one in found if one.is_file())
    except FileNotFoundError:
        raise BadData("delta_log_missing", folder.at()) from None
    except OSError:
        raise BadData("file_unreadable", folder.at()) from None


def read_snapshot(folder: DeltaFolder) -> Snapshot:
    """The latest version of the table; BadData if it must be refused (rule 2)."""
    log = log_files(folder)
    latest = _latest(folder, [name for name, _ in log])
    commits = [folder.commit(int(name[:20])) for name, _ in log if _COMMIT.fullmatch(name)]
    actions = [action for file in commits for action in _actions(file)]
    for action in actions:  # before the library reads the log: its refusals are in words, ours have codes
        _check_protocol(folder, action.get("protocol", {}))
        _check_configuration(folder, action.get("metaData", {}).get("configuration", {}))
        if action.get("add", {}).get("deletionVector"):
            raise BadData("delta_deletion_vectors", folder.at())
    table = _open(folder, latest)
    columns, strange = _columns(table, folder)
    files = tuple(_files(table, folder))
    now = {one.file.path for one in files}
    removed = dict.fromkeys(str(one["remove"].get("path")) for one in actions if "remove" in one)
    former = tuple(one for one in (folder.file(path) for path in removed) if one.path not in now)
    if log_files(folder) != log:
        raise BadData("source_changed", folder.at())
    partitioned = frozenset(table.metadata().partition_columns)
    return Snapshot(latest, columns, partitioned, strange, files, former, log)


def _latest(folder: DeltaFolder, names: Iterable[str]) -> int:
    """The newest version; BadData `delta_log_gap` unless every commit since the newest checkpoint is there."""
    commits = {int(name[:20]) for name in names if _COMMIT.fullmatch(name)}
    checkpoints = {int(name[:20]) for name in names if _CHECKPOINT.fullmatch(name)}
    if not commits and not checkpoints:
        raise BadData("delta_log_missing", folder.at())
    latest = max(commits | checkpoints)
    start = max(checkpoints) + 1 if checkpoints else 0
    missing = next((one for one in range(start, latest) if one not in commits), None)
    if missing is not None:
        raise BadData("delta_log_gap", folder.commit(missing).at())
    return latest


def _actions(file: SourceFile) -> list[Mapping[str, Any]]:
    """The actions of one commit that matter, statistics left out (rule 3); BadData with the line's number."""
    data, _ = whole(file, _MOST)
    found: list[Mapping[str, Any]] = []
    for number, line in enumerate(data.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            action = json.loads(line)
        except (ValueError, RecursionError):
            raise BadData("delta_log_not_json", file.at(number)) from None
        name = next(iter(action), "") if isinstance(action, dict) else ""
        if len(action) != 1 or name not in _ACTIONS or not isinstance(action[name], dict):
            raise BadData("delta_log_not_json", file.at(number))
        if name in {"add", "remove", "protocol", "metaData"}:
            action[name].pop("stats", None)
            found.append(action)
    if not data.strip():
        raise BadData("delta_log_not_json", file.at(1))
    return found


def _check_protocol(folder: DeltaFolder, protocol: Mapping[str, Any]) -> None:
    features = set(protocol.get("readerFeatures") or ()) - _KNOWN_FEATURES
    named = next((code for name, code in _FEATURE_CODES.items() if name in features), None)
    least = protocol.get("minReaderVersion", 1)
    if features or not isinstance(least, int) or least > 3:
        raise BadData(named or "delta_feature_not_supported", folder.at())


def _check_configuration(folder: DeltaFolder, configuration: Mapping[str, Any]) -> None:
    if configuration.get("delta.columnMapping.mode", "none") != "none":
        raise BadData("delta_column_mapping", folder.at())


def _open(folder: DeltaFolder, version: int) -> DeltaTable:
    """The table at `version` by the library, which reads checkpoints as well."""
    try:
        table = DeltaTable(folder.root.absolute().as_uri(), version=version)
        protocol = table.protocol()
        configuration = table.metadata().configuration
    except (DeltaError, ValueError, OSError):
        raise BadData("delta_log_unreadable", folder.at()) from None
    said = {"minReaderVersion": protocol.min_reader_version, "readerFeatures": protocol.reader_features}
    _check_protocol(folder, said)
    _check_configuration(folder, configuration)
    return table


def _columns(table: DeltaTable, folder: DeltaFolder) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    try:
        fields = json.loads(table.schema().to_json())["fields"]
        typed = [(str(one["name"]), one["type"]) for one in fields]
    except (DeltaError, ValueError, KeyError, TypeError):
        raise BadData("delta_log_unreadable", folder.at()) from None
    names = [name.lower() for name, _ in typed]
    if len(set(names)) != len(names):
        raise BadData("column_twice", folder.at())
    known = [(name, _kind(kind)) for name, kind in typed]
    columns = tuple(Column(name, kind) for name, kind in known if kind)
    return columns, tuple(name for name, kind in known if not kind)


def _kind(kind: Any) -> str:
    """Our name of a Delta type; empty for one that no cell here can have (binary, struct, array, map)."""
    if not isinstance(kind, str):
        return ""
    return "decimal" if kind.startswith("decimal(") else _TYPES.get(kind, "")


def _files(table: DeltaTable, folder: DeltaFolder) -> Iterable[DeltaFile]:
    try:
        found = pa.table(table.get_add_actions(flatten=True))
        partitions = [name for name in found.column_names if name.startswith("partition.")]
        rows = found.select(["path", *partitions]).to_pylist()
    except (DeltaError, ValueError, KeyError, pa.ArrowException):
        raise BadData("delta_log_unreadable", folder.at()) from None
    for row in rows:
        path = row.pop("path")
        yield DeltaFile(folder.file(path), {name.removeprefix("partition."): value for name, value in row.items()})
