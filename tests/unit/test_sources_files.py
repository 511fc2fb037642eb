"""Pins, gzip streams, current rows, keyed hashes and model.json, piece by piece."""

from __future__ import annotations

import gzip
import io
import json
import os
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readingroom.core.errors import SourceFault, UsageError
from readingroom.sources import current, detect, keyed_hash, open_sources
from readingroom.sources.definitions import EntityDefinitions
from readingroom.sources.files import SourceFile, check_pin, reading
from readingroom.sources.json_stream import JsonStream
from readingroom.sources.model import BadData
from readingroom.sources.synapse_model import read_export

NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)
MARKER = "Zyzzyva Marker"
COLUMNS = (
    ("Id", "guid"),
    ("SinkCreatedOn", "dateTime"),
    ("SinkModifiedOn", "dateTime"),
    ("fullname", "string"),
    ("number", "int64"),
    ("modifiedon", "dateTime"),
    ("versionnumber", "int64"),
    ("IsDelete", "boolean"),
    ("appended", "string"),
)
HOST = "https://x.dfs.core.windows.net"


def _row(one: int, version: int, text: str = "Ada Example", **cells: str) -> str:
    values = {
        "Id": f"00000000-0000-0000-0000-{one:012}",
        "SinkCreatedOn": '"5/3/2026 9:44:58 AM"',
        "SinkModifiedOn": '"5/3/2026 9:44:58 AM"',
        "fullname": f'"{text}"',
        "number": "1",
        "modifiedon": '"2026-05-03T09:30:00Z"',
        "versionnumber": str(version),
        "IsDelete": "",
    } | cells
    return ",".join(values.values()) + "\n"


def _export(root: Path, rows: str, locations: tuple[str, ...] = ("contact/2026.csv",)) -> Path:
    folder = root / "dataverse-x"
    (folder / "contact").mkdir(parents=True, exist_ok=True)
    (folder / "contact/2026.csv").write_text(rows, newline="")
    partitions = [{"name": "2026", "location": f"{HOST}/dataverse-x/{one}"} for one in locations]
    attributes = [{"name": name, "dataType": kind} for name, kind in COLUMNS]
    entity = {"name": "contact", "attributes": attributes, "partitions": partitions}
    (folder / "model.json").write_text(json.dumps({"name": "cdm", "entities": [entity]}))
    return folder


# --- pins ---


def test_a_file_that_changes_between_scan_and_read_stops_the_read(tmp_path: Path) -> None:
    folder = _export(tmp_path, _row(1, 1))
    sources = open_sources({"synapse": str(folder)}, NOW)
    sources.scan()
    (folder / "contact/2026.csv").write_text(_row(1, 1, "Ada Exampel"))
    with pytest.raises(SourceFault, match="source_changed"):
        list(sources.read(sources.tables()[0]))


def test_a_change_that_keeps_size_and_time_is_seen_by_its_hash(tmp_path: Path) -> None:
    folder = _export(tmp_path, _row(1, 1))
    path = folder / "contact/2026.csv"
    sources = open_sources({"synapse": str(folder)}, NOW)
    sources.scan()
    was = path.stat()
    path.write_text(_row(1, 1, "Ada Exampel"))
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    with pytest.raises(SourceFault, match="source_changed"):
        list(sources.read(sources.tables()[0]))


def test_reading_twice_gives_the_same(tmp_path: Path) -> None:
    sources = open_sources({"synapse": str(_export(tmp_path, _row(1, 1) + _row(2, 1)))}, NOW)
    sources.scan()
    first, second = (list(sources.read(sources.tables()[0], ["fullname", "number"], 1)) for _ in range(2))
    assert first == second
    assert [one.num_rows for one in first] == [1, 1]


def test_a_cut_gzip_refuses_the_file_and_a_bomb_stays_small(tmp_path: Path) -> None:
    folder = tmp_path / "interactions/csv/EmailSent"
    folder.mkdir(parents=True)
    sound = b"ContactId,Timestamp\r\nx,6/5/2026 9:00:00 AM +00:00\r\n"
    (folder / "a.csv.gz").write_bytes(gzip.compress(sound))
    (folder / "b.csv.gz").write_bytes(gzip.compress(sound)[:-9])
    with gzip.open(folder / "c.csv.gz", "wb") as bomb:
        bomb.write(b'ContactId,Timestamp\r\n"')
        for _ in range(200):
            bomb.write(b"A" * (1 << 20))
    sources = open_sources({"interactions": str(tmp_path / "interactions")}, NOW)
    sources.scan()  # compiles, which takes memory of its own
    tracemalloc.start()
    report = sources.scan()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(one.code, one.file[-8:]) for one in report.refused] == [
        ("file_unreadable", "b.csv.gz"),
        ("cell_too_large", "c.csv.gz"),
    ]
    assert peak < 60 << 20
    assert sum(one.num_rows for one in sources.read(sources.tables()[0])) == 1


def test_a_pin_is_size_etag_and_hash(tmp_path: Path) -> None:
    file = SourceFile(tmp_path / "x", "x")
    file.path.write_bytes(b"abc")
    with reading(file) as source:
        assert source.read_into(memoryview(bytearray(9))) == 3
        assert source.read_into(memoryview(bytearray(9))) == 0
        pin = source.pin()
    assert pin.sha256.startswith("ba7816bf")
    with reading(file, pin) as source, pytest.raises(BadData, match="source_changed"):
        check_pin(file, pin, source.pin())  # not read: the hash is of nothing


# --- model.json ---


@pytest.mark.parametrize(
    "location",
    [
        "contact/../../etc/passwd",
        "contact/%2e%2e/%2e%2e/etc/passwd",
        "contact/..%2f..%2fetc/passwd",
        "contact\\..\\x.csv",
        "contact//2026.csv",
        "contact/2026.csv?sig=x",
        "contact/link.csv",
        "",
    ],
)
def test_a_location_that_leaves_the_container_refuses_the_export(tmp_path: Path, location: str) -> None:
    folder = _export(tmp_path, _row(1, 1), ("contact/2026.csv", location))
    (folder / "contact/link.csv").symlink_to("/etc/hostname")
    report = open_sources({"synapse": str(folder)}, NOW).scan()
    assert [(one.outcome, one.code) for one in report.findings] == [("refuse_export", "location_outside_container")]
    assert report.tables == ()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"entities": [{"name": "../x", "attributes": [{}]}]}', "[" * 99999])
def test_a_model_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(BadData, match="model_not_json"):
        read_export(tmp_path)


# --- current rows ---

Version = tuple[int, int, int, int, bool]  # id, version, sink time, content, deleted


@settings(max_examples=100)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 2), st.integers(0, 1), st.booleans()),
        max_size=40,
    ),
    cut=st.integers(1, 7),
)
def test_current_rows_are_what_a_dictionary_says(rows: list[Version], cut: int) -> None:
    best: dict[int, tuple[tuple[int, int, int], int, bool]] = {}
    for number, (one, version, sink, _, deleted) in enumerate(rows, start=1):
        rank = (version, sink, -number)
        if one not in best or rank > best[one][0]:
            best[one] = (rank, number, deleted)
    kept = current.entries(0)
    for begin in range(0, len(rows), cut):
        fresh = current.entries(len(rows[begin : begin + cut]))
        for at, (one, version, sink, content, deleted) in enumerate(rows[begin : begin + cut]):
            fresh[at] = (one, 0, version, sink, content, 0, begin + at + 1, 0, 0, deleted)
        kept = current.settle(np.concatenate([kept, fresh]))
    winners = current.Winners(kept)
    assert winners.rows(0).tolist() == sorted(number for _, number, deleted in best.values() if not deleted)
    assert winners.rows(0, deleted=True).tolist() == sorted(number for _, number, gone in best.values() if gone)
    clashing = {
        one
        for number, (one, version, _, content, _) in enumerate(rows, start=1)
        if rows[best[one][1] - 1][1] == version and rows[best[one][1] - 1][3] != content and number
    }
    assert sum(count for _, _, count in winners.clashes()) == len(clashing)


def test_state_is_under_a_hundred_bytes_an_id_and_does_not_grow_with_rows() -> None:
    rows = current.CurrentRows()
    for repeat in range(20):
        fresh = current.entries(10_000)
        fresh["high"] = np.arange(10_000)
        fresh["version"] = repeat
        rows.add(fresh)
    kept = rows.winners().entries
    assert len(kept) == 10_000
    assert kept.nbytes <= 100 * len(kept)


def test_keyed_hashes_are_siphash() -> None:
    key = np.frombuffer(bytes(range(16)), dtype=np.uint64)
    for length, said in ((0, "a3817f04ba25a8e66df67214c7550293"), (1, "da87c1d86b99af44347659119b22fc45")):
        out = np.zeros((1, 2), dtype=np.uint64)
        keyed_hash.hash_ids(np.arange(length, dtype=np.uint8).reshape(1, length), key, out)
        assert out.tobytes().hex() == said
    assert not np.array_equal(keyed_hash.new_key(), keyed_hash.new_key())


# --- entity definitions (P13) ---


def _definitions(path: Path, **more: Any) -> Path:
    label = {"LocalizedLabels": [{"Label": MARKER, "LanguageCode": 1033}]}
    attribute = {
        "LogicalName": "name",
        "SchemaName": "Name",
        "AttributeType": "String",
        "DisplayName": label,
        "DefaultValue": MARKER,
        "OptionSet": {"Options": [{"Label": label, "Value": 1}], "LogicalName": MARKER},
    }
    table = {"Description": label, "LogicalName": "new_thing", "SchemaName": "new_Thing", "Attributes": [attribute]}
    path.write_text(json.dumps({"@odata.context": MARKER, "value": [table, {"LogicalName": "bare"}], **more}))
    return path


def test_no_label_default_or_option_leaves_the_reader(tmp_path: Path) -> None:
    sources = open_sources({"entity_definitions": str(_definitions(tmp_path / "E.json"))}, NOW)
    report = sources.scan()
    rows = [row for batch in sources.read(sources.tables()[0]) for row in batch.to_pylist()]
    assert [tuple(row.values()) for row in rows] == [
        ("new_thing", "new_Thing", "name", "Name", "String"),
        ("bare", None, None, None, None),
    ]
    assert MARKER not in repr(rows) + repr(report)


def test_labels_are_not_even_decoded(tmp_path: Path) -> None:
    path = _definitions(tmp_path / "E.json")
    path.write_bytes(path.read_bytes().replace(MARKER.encode(), b"\xff\xfe"))  # would fail if it became text
    assert open_sources({"entity_definitions": str(path)}, NOW).scan().findings == ()


@settings(max_examples=80)
@given(
    value=st.recursive(
        st.one_of(st.none(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    ),
    piece=st.integers(1, 50),
)
def test_any_json_is_passed_over_exactly(value: object, piece: int) -> None:
    data = json.dumps({"x": value, "value": [{"LogicalName": "a", "y": value, "SchemaName": "b"}], "z": value})

    class Pieces:
        stream = io.BytesIO(data.encode())

        def read_into(self, view: memoryview) -> int:
            part = self.stream.read(piece)
            view[: len(part)] = part
            return len(part)

    chosen = {"value": {"LogicalName": None, "SchemaName": None}}
    if isinstance(value, dict) and len(value) != len(set(value)):
        return
    stream = JsonStream(Pieces(), SourceFile(Path("x"), "x"))
    assert list(stream.elements(chosen)) == [{"LogicalName": "a", "SchemaName": "b"}]


@pytest.mark.parametrize("cut", [1, 30, -1, -2])
def test_a_cut_definitions_file_is_refused(tmp_path: Path, cut: int) -> None:
    path = _definitions(tmp_path / "E.json")
    path.write_text(path.read_text()[:cut])
    assert [one.code for one in open_sources({"entity_definitions": str(path)}, NOW).scan().refused] == ["not_json"]


def test_definitions_must_be_scanned_before_they_are_read(tmp_path: Path) -> None:
    with pytest.raises(SourceFault):
        list(EntityDefinitions(_definitions(tmp_path / "E.json")).read((), 1))


# --- no value in any error ---

BAD_ROWS = {
    "bad_int": _row(1, 1, number=f'"{MARKER}"'),
    "bad_datetime": _row(1, 1, modifiedon=f'"{MARKER}"'),
    "bad_guid": _row(1, 1, Id=f'"{MARKER}"'),
    "bad_boolean": _row(1, 1, IsDelete=f'"{MARKER}"'),
    "bad_quoting": _row(1, 1, fullname=f'"{MARKER}"{MARKER}"'),
    "unclosed_quote": _row(1, 1, IsDelete=f'"{MARKER}'),
    "row_too_long": _row(1, 1, IsDelete=f",{MARKER},{MARKER}"),
    "nul_byte": _row(1, 1, fullname=f'"{MARKER}\0"'),
    "null_key": _row(1, 1, MARKER, versionnumber=""),
}


@pytest.mark.parametrize("code", sorted(BAD_ROWS))
def test_a_refusal_names_the_place_and_never_the_value(
    tmp_path: Path, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _export(tmp_path, _row(9, 1, MARKER) + BAD_ROWS[code])
    report = open_sources({"synapse": str(folder)}, NOW).scan()
    assert [(one.code, one.table, one.file, one.row) for one in report.refused] == [
        (code, "contact", "contact/2026.csv", 2)
    ]
    assert MARKER not in repr(report) + "".join(map(str, report.findings)) + "".join(capsys.readouterr())
    assert MARKER not in json.dumps([one.as_json() for one in report.findings])


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{" + MARKER.encode(), "not_json"),
        (b'{"Id": NaN}', "not_json"),
        (b'["' + MARKER.encode() + b'"]', "not_json"),
        (b'{"Id": "\xe9"}', "invalid_utf8"),
        (b'{"Id": "\\ud800"}', "invalid_utf8"),
        (b'{"Id": "\\u0000"}', "nul_byte"),
        (b'{"Id": "1", "Id": "2"}', "column_twice"),
        (b"", "not_json"),
        (b'{"Query": "' + b"x" * 1_048_577 + b'"}', "cell_too_large"),
    ],
)
def test_a_bad_record_refuses_its_file_only(tmp_path: Path, line: bytes, code: str) -> None:
    (tmp_path / "a.json").write_bytes(b'{"Id": "1", "Query": "q", "ReturnedRows": [{"a": "\xc3\xa9"}]}\n')
    (tmp_path / "b.json").write_bytes(b'{"Id": "1"}\n' + line + b"\n")
    sources = open_sources({"activity_log": str(tmp_path)}, NOW)
    report = sources.scan()
    assert [(one.code, one.file, one.row) for one in report.refused] == [(code, "activity-log/b.json", 2)]
    rows = [row for batch in sources.read(sources.tables()[0]) for row in batch.to_pylist()]
    assert rows == [{"Id": "1", "Query": "q", "ReturnedRows": '[{"a":"é"}]'}]
    assert MARKER not in repr(report)


def test_a_blob_without_a_header_does_not_give_its_first_row_away(tmp_path: Path) -> None:
    folder = tmp_path / "csv/EmailSent"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text(f"{MARKER},{MARKER},6/5/2026 9:00:00 AM +00:00\n")
    report = open_sources({"interactions": str(tmp_path)}, NOW).scan()
    assert [(one.code, one.column) for one in report.refused] == [("column_missing", "Timestamp")]
    assert MARKER not in repr(report)


# --- the door ---


def test_rows_of_the_future_win_nothing(tmp_path: Path) -> None:
    late = _row(1, 9, "Late", SinkModifiedOn='"11/2/2026 6:00:01 AM"') + _row(
        2, 1, SinkModifiedOn='"11/2/2026 6:00:00 AM"'
    )
    sources = open_sources({"synapse": str(_export(tmp_path, _row(1, 1) + late))}, NOW)
    report = sources.scan()
    assert [(one.code, one.row, one.column, dict(one.detail)) for one in report.quarantined] == [
        ("timestamp_in_future", 2, "SinkModifiedOn", {"rows": 1})
    ]
    assert [row["fullname"] for batch in sources.read(sources.tables()[0]) for row in batch.to_pylist()] == [
        "Ada Example",
        "Ada Example",
    ]


def test_deleted_entities_are_deletions_of_their_type(tmp_path: Path) -> None:
    folder = tmp_path / "csv/EntityDeleted"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("DeletedEntityId,DeletedEntityType,Timestamp\nx,lead,6/5/2026 9:00:00 AM +00:00\n")
    sources = open_sources({"interactions": str(tmp_path)}, NOW)
    sources.scan(allowed=lambda _table: None)
    assert list(sources.deletions()) == [("lead", "x")]
    assert sources.tables() == ()


def test_a_column_that_is_not_on_the_list_cannot_be_read(tmp_path: Path) -> None:
    sources = open_sources({"synapse": str(_export(tmp_path, _row(1, 1)))}, NOW)
    sources.scan(allowed=lambda _table: frozenset({"Id"}))
    table = sources.tables()[0]
    assert [one.schema.names for one in sources.read(table)] == [["Id"]]
    with pytest.raises(UsageError):
        sources.read(table, ["fullname"])


def test_a_missing_path_says_which_option(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--activity-log"):
        detect({"activity_log": str(tmp_path / "none")})
    with pytest.raises(UsageError, match="synapse"):
        open_sources({}, NOW)
    assert detect({"synapse": str(_export(tmp_path, ""))})[0]["format"] == "Azure Synapse Link for Dataverse, CSV"


def test_a_table_that_is_not_on_the_list_is_never_named(tmp_path: Path) -> None:
    folder = _export(tmp_path, _row(1, 1))
    (folder / "new_zyzzyva_orders").mkdir()
    (folder / "new_zyzzyva_orders/2026.csv").write_text("x\n")
    (folder / "deltalake/new_zyzzyva_calls_partitioned").mkdir(parents=True)
    report = open_sources({"synapse": str(folder)}, NOW).scan(
        allowed=lambda name: frozenset() if name == "contact" else None
    )
    assert {one.code for one in report.findings} >= {"table_not_described", "table_not_allowed"}
    assert "zyzzyva" not in repr(report) + "".join(map(str, report.findings))
    assert "zyzzyva" in str([one.uncleared for one in report.findings])


def test_a_bad_cell_of_a_column_that_is_not_on_the_list_does_not_name_it(tmp_path: Path) -> None:
    folder = _export(tmp_path, _row(1, 1, number="yes"))
    report = open_sources({"synapse": str(folder)}, NOW).scan(allowed=lambda _: frozenset({"Id"}))
    told = next(one for one in report.refused if one.code == "bad_int")
    assert (told.column, told.row, told.uncleared) == ("", 1, ("number",))
