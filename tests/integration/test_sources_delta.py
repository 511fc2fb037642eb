"""Delta tables, written by the deltalake library and then broken by hand: what the log says is the table, or a refusal.

A test writes real tables; nobody in them exists.
"""

from __future__ import annotations

import gzip
import json
import os
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from readingroom.core.errors import SourceFault
from readingroom.sources import Finding, Outcome, SourceSet, detect, open_sources

NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)
THEN = datetime(2026, 5, 3, 9, 30, tzinfo=UTC)
LOG = "deltalake/contact_partitioned/_delta_log"


def _id(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012}"


def _people(*numbers: int, version: int = 1, **columns: Sequence[Any]) -> pa.Table:
    count = len(numbers)
    cells: dict[str, Any] = {
        "Id": [_id(one) for one in numbers],
        "SinkModifiedOn": pa.array([THEN] * count, pa.timestamp("us", "UTC")),
        "fullname": [f"Ada Example {one}" for one in numbers],
        "versionnumber": [version] * count,
        "IsDelete": [False] * count,
        "PartitionId": ["2026"] * count,
    }
    return pa.table(cells | columns)


class Export:
    """An export with one Delta table `contact`."""

    def __init__(self, root: Path) -> None:
        self.root = root / "dataverse-x"
        self.table = self.root / "deltalake/contact_partitioned"
        self.table.mkdir(parents=True)
        (self.root / "model.json").write_text(json.dumps({"name": "cdm", "entities": []}))

    def write(self, rows: pa.Table, **options: Any) -> None:
        options = {"partition_by": ["PartitionId"], "mode": "append"} | options
        write_deltalake(self.table.as_uri(), rows, **options)

    def scan(self) -> SourceSet:
        sources = open_sources({"synapse": str(self.root)}, NOW)
        sources.scan()
        return sources

    def files(self) -> list[Path]:
        return sorted(self.table.rglob("*.parquet"))

    def commit(self, version: int) -> Path:
        return self.table / "_delta_log" / f"{version:020}.json"

    def edit(self, version: int, change: Callable[[dict[str, Any]], None]) -> None:
        actions = [json.loads(line) for line in self.commit(version).read_text().splitlines()]
        for action in actions:
            change(action)
        self.commit(version).write_text("".join(json.dumps(one) + "\n" for one in actions))


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return Export(tmp_path)


def _rows(sources: SourceSet, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    return [row for batch in sources.read(sources.tables()[0], columns) for row in batch.to_pylist()]


def _names(sources: SourceSet) -> list[str]:
    return sorted(row["fullname"] for row in _rows(sources))


def _refusal(sources: SourceSet) -> Finding:
    assert sources.tables() == ()
    (told,) = sources.report.refused
    return told


# --- what is current ---


def test_the_latest_version_is_read_and_replaced_files_are_not(export: Export) -> None:
    export.write(_people(1, 2))
    export.write(_people(2, 3, version=2), mode="overwrite")
    sources = export.scan()
    assert len(export.files()) > len(sources.report.files)
    assert _names(sources) == ["Ada Example 2", "Ada Example 3"]
    assert sources.report.findings == ()


def test_what_replaced_files_hold_alone_was_deleted(export: Export) -> None:
    export.write(_people(1, 2))
    export.write(_people(2, version=2, fullname=["Ada Married"]), mode="overwrite")
    sources = export.scan()
    assert set(sources.deletions()) == {("contact", _id(1))}
    former = [row["fullname"] for batch in sources.former(sources.tables()[0]) for row in batch.to_pylist()]
    assert sorted(former) == ["Ada Example 1", "Ada Example 2"]


def test_a_table_that_was_only_compacted_deleted_nobody(export: Export) -> None:
    for number in range(4):
        export.write(_people(number))
    DeltaTable(export.table.as_uri()).optimize.compact()
    sources = export.scan()
    assert len(_rows(sources)) == 4
    assert list(sources.deletions()) == []


def test_a_vacuumed_table_reads_the_same(export: Export) -> None:
    export.write(_people(1, 2))
    export.write(_people(2), mode="overwrite")
    DeltaTable(export.table.as_uri()).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    sources = export.scan()
    assert _names(sources) == ["Ada Example 2"]
    assert list(sources.deletions()) == []


def test_an_append_only_table_has_one_current_row_an_id(export: Export) -> None:
    export.write(_people(1, 2, 3))
    export.write(_people(1, version=2, fullname=["Ada Married"]))
    export.write(_people(3, version=2, IsDelete=[True]))
    sources = export.scan()
    assert _names(sources) == ["Ada Example 2", "Ada Married"]
    assert list(sources.deletions()) == [("contact", _id(3))]
    former = [row["fullname"] for batch in sources.former(sources.tables()[0]) for row in batch.to_pylist()]
    assert sorted(former) == ["Ada Example 1", "Ada Example 3", "Ada Example 3"]


def test_the_same_version_with_other_content_is_told(export: Export) -> None:
    export.write(_people(1))
    export.write(_people(1, fullname=["Ada Other"]))
    assert [one.code for one in export.scan().report.warnings] == ["same_version_other_content"]


def test_a_checkpoint_stands_for_the_commits_before_it(export: Export) -> None:
    for number in range(3):
        export.write(_people(number))
    DeltaTable(export.table.as_uri()).create_checkpoint()
    export.write(_people(7))
    for version in range(2):
        export.commit(version).unlink()
    assert len(_rows(export.scan())) == 4


def test_a_row_from_the_future_wins_nothing(export: Export) -> None:
    export.write(_people(1))
    late = pa.array([datetime(2099, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    export.write(_people(1, version=9, fullname=["Ada Tomorrow"], SinkModifiedOn=late))
    sources = export.scan()
    assert _names(sources) == ["Ada Example 1"]
    assert [(one.code, one.column) for one in sources.report.quarantined] == [("timestamp_in_future", "SinkModifiedOn")]


# --- columns and types ---


def test_a_column_that_came_later_is_null_in_older_files(export: Export) -> None:
    export.write(_people(1))
    export.write(_people(2, new_region=["North"]), schema_mode="merge")
    assert sorted((row["Id"], row["new_region"]) for row in _rows(export.scan())) == [(_id(1), None), (_id(2), "North")]


def test_a_column_that_is_gone_from_the_schema_is_not_read(export: Export) -> None:
    export.write(_people(1, new_note=["gone"]))
    export.edit(0, _drop_note)
    (row,) = _rows(export.scan())
    assert "new_note" not in row
    assert row["fullname"] == "Ada Example 1"


def _drop_note(action: dict[str, Any]) -> None:
    if "metaData" in action:
        schema = json.loads(action["metaData"]["schemaString"])
        schema["fields"] = [one for one in schema["fields"] if one["name"] != "new_note"]
        action["metaData"]["schemaString"] = json.dumps(schema)


def test_every_type_arrives_as_the_rooms_own(export: Export) -> None:
    columns: dict[str, Any] = {
        "naive": pa.array([datetime(2026, 5, 3, 9, 30)], pa.timestamp("us")),  # noqa: DTZ001 - a time without a zone
        "day": pa.array([date(1999, 12, 31)]),
        "price": pa.array([Decimal("12.50")], pa.decimal128(12, 2)),
        "small": pa.array([7], pa.int16()),
        "ratio": pa.array([0.5], pa.float32()),
        "flag": pa.array([True]),
        "view": pa.array(["Grüße"], pa.string_view()),
        "coded": pa.array(["x"]).dictionary_encode(),
    }
    export.write(_people(1, **columns))
    sources = export.scan()
    types = {one.name: one.type for one in sources.tables()[0].columns}
    assert types["naive"] == types["day"] == "dateTime"
    assert (types["price"], types["small"], types["ratio"], types["Id"]) == ("decimal", "int64", "double", "guid")
    (row,) = _rows(sources)
    assert (row["naive"], row["day"]) == (THEN, datetime(1999, 12, 31, tzinfo=UTC))
    assert (row["price"], row["small"], row["ratio"], row["flag"]) == (12.5, 7, 0.5, True)
    assert (row["view"], row["coded"]) == ("Grüße", "x")
    schema = next(iter(sources.read(sources.tables()[0]))).schema
    assert schema.field("view").type == schema.field("fullname").type == pa.large_string()


def test_partition_values_are_cells_whatever_they_hold(export: Export) -> None:
    rows = _people(1, 2, 3, PartitionId=["a/b c%41=ü", "", None])
    export.write(rows.append_column("year", pa.array([2025, 2026, None])), partition_by=["PartitionId", "year"])
    found = {row["Id"]: (row["PartitionId"], row["year"]) for row in _rows(export.scan())}
    assert found[_id(1)] == ("a/b c%41=ü", 2025)
    assert found[_id(3)] == (None, None)
    assert _rows(export.scan(), ["PartitionId"])[0].keys() == {"PartitionId"}


def test_a_column_that_holds_no_cells_is_left_out_and_not_named(export: Export) -> None:
    export.write(_people(1, new_zyzzyva=[[1, 2]], raw=[b"x"]))
    sources = export.scan()
    assert [(one.code, one.detail["columns"]) for one in sources.report.warnings] == [("column_type_not_supported", 2)]
    assert "zyzzyva" not in repr(sources.report) + str(sources.report.warnings[0])
    assert len(_rows(sources)) == 1


@pytest.mark.parametrize(
    ("columns", "code", "column"),
    [
        ({"Id": ["not an id"]}, "bad_guid", "Id"),
        ({"Id": pa.array([None], pa.string())}, "null_key", "Id"),
        ({"fullname": ["Ada\0Example"]}, "nul_byte", "fullname"),
        ({"fullname": ["x" * ((1 << 20) + 1)]}, "cell_too_large", "fullname"),
        ({"ratio": [float("nan")]}, "bad_double", "ratio"),
        ({"versionnumber": pa.array([None], pa.int64())}, "null_key", "versionnumber"),
        ({"versionnumber": ["one"]}, "column_missing", "versionnumber"),
    ],
)
def test_a_cell_that_is_not_what_its_column_says_refuses_the_table(
    export: Export, columns: Mapping[str, Any], code: str, column: str
) -> None:
    export.write(_people(1, **columns))
    told = _refusal(export.scan())
    assert (told.code, told.column, told.outcome) == (code, column, Outcome.REFUSE_TABLE)


def test_the_first_bad_cell_is_told_by_row(export: Export) -> None:
    names = ["Ada Example"] * 9000
    names[8500], names[8700] = "a\0b", "c\0d"
    export.write(_people(*range(9000), fullname=names))
    told = _refusal(export.scan())
    assert (told.code, told.row, told.column) == ("nul_byte", 8501, "fullname")


def test_a_file_whose_type_lies_refuses_the_table(export: Export) -> None:
    export.write(_people(1))
    (path,) = export.files()
    pq.write_table(pq.read_table(path, partitioning=None).set_column(0, "Id", pa.array([1])), path)
    assert _refusal(export.scan()).code == "column_type_differs"


def test_bytes_that_are_no_utf8_refuse_the_table(export: Export) -> None:
    export.write(_people(1, 2, 3))
    (path,) = export.files()
    table = pq.read_table(path, partitioning=None)
    wrong = pa.array([b"Ada", b"Mu\xf1oz", b"Ada"], pa.binary()).view(pa.string())
    pq.write_table(table.set_column(table.column_names.index("fullname"), "fullname", wrong), path)
    told = _refusal(export.scan())
    assert (told.code, told.row, told.column) == ("invalid_utf8", 2, "fullname")


# --- the log and the files ---


def test_a_gap_in_the_log_refuses_the_table(export: Export) -> None:
    for number in range(3):
        export.write(_people(number))
    export.commit(1).unlink()
    told = _refusal(export.scan())
    assert (told.code, told.file) == ("delta_log_gap", f"{LOG}/{1:020}.json")


@pytest.mark.parametrize("text", ["", "{", '["add"]', '{"add": 1}', '{"unheard": {}}', "{}", "\xff"])
def test_a_damaged_commit_refuses_the_table(export: Export, text: str) -> None:
    export.write(_people(1))
    export.write(_people(2))
    export.commit(1).write_bytes(text.encode("latin-1"))
    told = _refusal(export.scan())
    assert (told.code, told.file, told.row) == ("delta_log_not_json", f"{LOG}/{1:020}.json", 1)


def test_a_damaged_checkpoint_refuses_the_table(export: Export) -> None:
    export.write(_people(1))
    DeltaTable(export.table.as_uri()).create_checkpoint()
    (checkpoint,) = (export.table / "_delta_log").glob("*.checkpoint.parquet")
    checkpoint.write_bytes(b"PAR1 Ada Example PAR1")
    told = _refusal(export.scan())
    assert told.code == "delta_log_unreadable"
    assert "Ada" not in str(told)


def _feature(name: str) -> Callable[[dict[str, Any]], None]:
    def change(action: dict[str, Any]) -> None:
        if "protocol" in action:
            features = {"readerFeatures": [name], "writerFeatures": [name]}
            action["protocol"] = {"minReaderVersion": 3, "minWriterVersion": 7} | features

    return change


@pytest.mark.parametrize(
    ("feature", "code"),
    [
        ("deletionVectors", "delta_deletion_vectors"),
        ("columnMapping", "delta_column_mapping"),
        ("variantType-preview", "delta_feature_not_supported"),
    ],
)
def test_a_feature_that_is_not_read_refuses_the_table(export: Export, feature: str, code: str) -> None:
    export.write(_people(1))
    export.edit(0, _feature(feature))
    assert _refusal(export.scan()).code == code


def test_renamed_columns_of_the_older_protocol_refuse_the_table(export: Export) -> None:
    def change(action: dict[str, Any]) -> None:
        if "metaData" in action:
            action["metaData"]["configuration"] = {"delta.columnMapping.mode": "name"}

    export.write(_people(1))
    export.edit(0, change)
    assert _refusal(export.scan()).code == "delta_column_mapping"


def test_a_missing_a_cut_and_an_empty_file_refuse_the_table(export: Export) -> None:
    export.write(_people(1))
    (path,) = export.files()
    whole = path.read_bytes()
    for data, code in ((whole[:-9], "parquet_unreadable"), (b"", "parquet_unreadable"), (None, "partition_missing")):
        if data is None:
            path.unlink()
        else:
            path.write_bytes(data)
        told = _refusal(export.scan())
        assert (told.code, told.file) == (code, str(path.relative_to(export.root)))


def test_pages_that_are_damaged_are_found_before_anything_is_given_out(export: Export) -> None:
    export.write(_people(*range(500)))
    (path,) = export.files()
    data = bytearray(path.read_bytes())
    data[200:400] = bytes(200)
    path.write_bytes(data)
    assert _refusal(export.scan()).outcome is Outcome.REFUSE_TABLE


@pytest.mark.parametrize(
    "path", ["../outside.parquet", "/etc/hostname", "https://evil.example/x.parquet", "a//b", "%2e%2e/x"]
)
def test_a_file_outside_the_table_is_never_opened(export: Export, path: str) -> None:
    def change(action: dict[str, Any]) -> None:
        if "add" in action:
            action["add"]["path"] = path

    export.write(_people(1))
    export.edit(0, change)
    told = _refusal(export.scan())
    assert told.code in {"location_outside_container", "delta_log_unreadable"}


def test_links_are_not_followed(export: Export, tmp_path: Path) -> None:
    export.write(_people(1))
    (path,) = export.files()
    path.rename(tmp_path / "outside.parquet")
    path.symlink_to(tmp_path / "outside.parquet")
    assert _refusal(export.scan()).code == "location_outside_container"
    path.unlink()
    (tmp_path / "outside.parquet").rename(path)
    assert len(_rows(export.scan())) == 1
    log = export.table / "_delta_log"
    log.rename(tmp_path / "log")
    log.symlink_to(tmp_path / "log")
    assert _refusal(export.scan()).code == "location_outside_container"


def test_files_without_a_log_are_no_table(export: Export) -> None:
    pq.write_table(_people(1), export.table / "part-0.parquet")
    assert _refusal(export.scan()).code == "delta_log_missing"


def test_a_table_that_is_there_as_csv_and_as_delta_is_refused(export: Export) -> None:
    export.write(_people(1))
    entity = {"name": "Contact", "attributes": [{"name": "Id", "dataType": "guid"}], "partitions": []}
    (export.root / "model.json").write_text(json.dumps({"name": "cdm", "entities": [entity]}))
    assert {one.code for one in export.scan().report.refused} == {"table_twice"}


# --- pins ---


def _touch(export: Export) -> None:
    os.utime(export.files()[0], ns=(1, 1))


def _swap(export: Export) -> None:
    """Other bytes, with size, inode and time as before."""
    path = export.files()[0]
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _new_version(export: Export) -> None:
    export.write(_people(3))


def _lose(export: Export) -> None:
    export.files()[0].unlink()


def _lose_log(export: Export) -> None:
    export.commit(0).unlink()


@pytest.mark.parametrize("change", [_touch, _swap, _new_version, _lose, _lose_log])
def test_a_change_between_scan_and_read_stops_the_read(export: Export, change: Callable[[Export], None]) -> None:
    export.write(_people(1, 2))
    sources = export.scan()
    assert len(_rows(sources)) == 2
    change(export)
    with pytest.raises(SourceFault, match="source_changed"):
        _rows(sources)


# --- interactions ---


def test_interactions_of_onelake_are_read_like_blobs(tmp_path: Path) -> None:
    folder = tmp_path / "interactions"
    times = pa.array([THEN, datetime(2099, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    for name, column in (("emailopened", "ContactId"), ("contactdeleted", "DeletedContactId")):
        (folder / "Tables" / name).mkdir(parents=True)
        rows = pa.table({"Timestamp": times, column: [_id(1), _id(2)]})
        write_deltalake((folder / "Tables" / name).as_uri(), rows)
    connection = {"interactions": str(folder)}
    assert "Delta" in detect(connection)[0]["format"]
    sources = open_sources(connection, NOW)
    report = sources.scan()
    assert [one.name for one in report.tables] == ["ContactDeleted", "EmailOpened"]
    assert {one.code for one in report.findings} == {"timestamp_in_future"}
    opened = next(one for one in sources.tables() if one.name == "EmailOpened")
    assert [row for batch in sources.read(opened, ["ContactId"]) for row in batch.to_pylist()] == [
        {"ContactId": _id(1)}
    ]
    assert list(sources.deletions()) == [("contact", _id(1))]


def test_a_type_without_its_time_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "interactions/Tables/emailopened"
    table.mkdir(parents=True)
    write_deltalake(table.as_uri(), pa.table({"ContactId": [_id(1)]}))
    sources = open_sources({"interactions": str(tmp_path / "interactions")}, NOW)
    sources.scan()
    assert (_refusal(sources).code, _refusal(sources).column) == ("column_missing", "Timestamp")


def test_a_type_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "interactions"
    (folder / "Tables/emailopened").mkdir(parents=True)
    (folder / "csv/EmailOpened").mkdir(parents=True)
    (folder / "csv/EmailOpened/a.csv.gz").write_bytes(gzip.compress(b"Timestamp\r\n"))
    sources = open_sources({"interactions": str(folder)}, NOW)
    assert {one.code for one in sources.scan().refused} == {"table_twice"}


# --- memory ---


def test_memory_does_not_grow_with_rows(export: Export) -> None:
    note = "a note about nothing in particular " * 30
    few, many = 16_000, 64_000
    peaks = []
    for count in (few, many):
        rows = _people(*range(count), new_note=[f"{note}{one}" for one in range(count)])
        export.write(rows, mode="overwrite")
        del rows
        peaks.append(_peak(export))
    assert peaks[1] < 1.5 * peaks[0], peaks


def _peak(export: Export) -> int:
    sources = open_sources({"synapse": str(export.root)}, NOW)
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    peak = 0
    sources.scan()
    for batch in sources.read(sources.tables()[0]):
        peak = max(peak, pa.total_allocated_bytes() - before)
        assert batch.num_rows
    _, python = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak + python


def test_a_cell_that_unpacks_too_large_is_refused_before_it_is_unpacked(export: Export) -> None:
    export.write(_people(1))
    (path,) = export.files()
    table = pq.read_table(path, partitioning=None)
    huge = pa.array(["x" * (256 << 20)], pa.large_string())
    pq.write_table(table.set_column(table.column_names.index("fullname"), "fullname", huge), path, compression="zstd")
    del huge, table
    before = pa.total_allocated_bytes()
    pool = pa.default_memory_pool()
    highest = pool.max_memory()
    told = _refusal(export.scan())
    assert told.code == "cell_too_large"
    assert path.stat().st_size < 1 << 20
    assert pool.max_memory() == highest or pool.max_memory() - before < 128 << 20
