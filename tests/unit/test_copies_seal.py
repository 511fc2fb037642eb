from __future__ import annotations

import re
import secrets

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from readingroom.copies.seal import ROW_GROUP_ROWS, PartWriter, part_aad, write_part
from readingroom.copies.unseal import count_rows, iter_batches, read_part, take_rows
from readingroom.core.category import Category
from readingroom.core.errors import SealFault
from readingroom.core.ids import CopyId, PartName, PlaceName, TenantName

MARKER = "MARKERadaexample"
AAD = part_aad(
    place=PlaceName("us"),
    tenant=TenantName("fictional"),
    category=Category.MARKETING,
    copy=CopyId("cp-1"),
    position=1,
    name=PartName("p-00001"),
)


def _table(rows: int) -> pa.Table:
    return pa.table(
        {
            MARKER: pa.array([f"{MARKER}{number}" for number in range(rows)], pa.large_string()),
            "number": pa.array(range(rows), pa.int64()),
            "flag": pa.array([None if number % 3 else True for number in range(rows)], pa.bool_()),
            "at": pa.array([number * 1_000_003 for number in range(rows)], pa.timestamp("us", "UTC")),
            "tag": pa.array([number.to_bytes(16, "big") for number in range(rows)], pa.binary(16)),
        }
    )


@pytest.fixture(scope="module")
def key() -> bytes:
    return secrets.token_bytes(32)


@pytest.fixture(scope="module")
def sealed(key: bytes) -> bytes:
    return write_part(_table(40), key, AAD)


def test_a_sealed_table_comes_back_as_it_was(key: bytes) -> None:
    for rows in (0, 1, 40, ROW_GROUP_ROWS + 5):
        table = _table(rows)
        data = write_part(table, key, AAD)
        assert read_part(data, key, AAD).equals(table)
        assert read_part(data, key, AAD, columns=["number", "tag"]).equals(table.select(["number", "tag"]))
        assert pa.Table.from_batches(iter_batches(data, key, AAD, rows=7000), table.schema).equals(table)
        assert count_rows(data, key, AAD) == rows


def test_batches_stream_into_row_groups(key: bytes) -> None:
    table = _table(150_000)
    with PartWriter(key, AAD, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=1000):
            writer.write_batch(batch)
    assert writer.rows == 150_000
    assert read_part(writer.data, key, AAD).equals(table)
    sizes = [batch.num_rows for batch in iter_batches(writer.data, key, AAD, rows=1 << 20)]
    assert max(sizes) < 70_000  # no reader or writer has to hold the part whole


def test_rows_are_taken_by_position_in_the_order_asked(key: bytes) -> None:
    table = _table(150_000)
    data = write_part(table.to_batches(max_chunksize=1000), key, AAD)
    rows = [149_999, 0, 70_000, 65_535, 65_536, 0]
    assert take_rows(data, key, AAD, rows=rows)["number"].to_pylist() == rows
    assert take_rows(data, key, AAD, rows=[]).num_rows == 0
    for wrong in ([150_000], [-1], [0, 1 << 40]):
        with pytest.raises(SealFault, match="fewer rows"):
            take_rows(data, key, AAD, rows=wrong)


def test_nothing_of_the_content_stands_in_the_bytes(key: bytes, sealed: bytes) -> None:
    # P14: neither cells nor column names, neither statistics nor page headers, neither dictionary nor Arrow schema
    plain = pa.BufferOutputStream()
    pq.write_table(_table(40), plain, compression="none")
    assert MARKER.encode() in plain.getvalue().to_pybytes()  # the search itself can find it
    for word in (MARKER, "number", "ARROW:schema", "parquet-cpp", "UTC"):
        assert word.encode() not in sealed
    assert key not in sealed
    assert AAD not in sealed
    for number in (39).to_bytes(16, "big"), (39 * 1_000_003).to_bytes(8, "little"):  # the largest: a statistic
        assert number not in sealed
    assert len(re.findall(rb"[ -~]{12,}", sealed)) == 0


def test_statistics_are_not_readable_without_the_key(sealed: bytes) -> None:
    with pytest.raises(OSError, match="encrypted"):
        pq.read_metadata(pa.BufferReader(sealed))
    with pytest.raises(OSError, match="encrypted"):
        pq.read_table(pa.BufferReader(sealed))


def test_two_seals_of_one_table_have_nothing_in_common(key: bytes, sealed: bytes) -> None:
    again = write_part(_table(40), key, AAD)
    assert again != sealed
    assert sum(a == b for a, b in zip(sealed, again, strict=False)) < len(sealed) / 10


def test_a_changed_byte_is_noticed_or_changes_nothing(key: bytes, sealed: bytes) -> None:
    unnoticed = set()
    for position in range(len(sealed)):
        for flip in (0x01, 0x80, 0xFF):
            broken = bytearray(sealed)
            broken[position] ^= flip
            try:
                assert read_part(bytes(broken), key, AAD).equals(_table(40))
                unnoticed.add(position)
            except SealFault:
                pass
    assert len(unnoticed) <= 4  # the end of Parquet's plain FileCryptoMetaData, which says nothing
    for position in unnoticed:
        assert sealed[position] == 0


def test_every_cut_is_noticed(key: bytes, sealed: bytes) -> None:
    for length in range(len(sealed)):
        with pytest.raises(SealFault):
            read_part(sealed[:length], key, AAD)
    for extended in (sealed + b"x", sealed + b"PARE", b"x" + sealed, b"PARE" + sealed):
        with pytest.raises(SealFault):
            read_part(extended, key, AAD)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("place", "eu"),
        ("tenant", "imaginary"),
        ("category", Category.QUERY),
        ("copy", "cp-2"),
        ("position", 2),
        ("name", "p-00002"),
    ],
)
def test_a_part_opens_in_its_own_place_only(key: bytes, sealed: bytes, field: str, value: object) -> None:
    # P17, P18: the same key, the bytes swapped with another part's
    where = {"place": "us", "tenant": "fictional", "category": Category.MARKETING, "copy": "cp-1", "position": 1}
    other = part_aad(**(where | {"name": "p-00001"} | {field: value}))  # type: ignore[arg-type]
    assert other != AAD
    for act in (read_part, count_rows):
        with pytest.raises(SealFault):
            act(sealed, key, other)
    with pytest.raises(SealFault):
        next(iter_batches(sealed, key, other))
    with pytest.raises(SealFault):
        take_rows(sealed, key, other, rows=[0])


def test_pages_cannot_be_swapped_between_files(key: bytes) -> None:
    first, second = (write_part(_table(40), key, AAD) for _ in range(2))
    assert len(first) == len(second)
    half = len(first) // 2
    with pytest.raises(SealFault):
        read_part(first[:half] + second[half:], key, AAD)


@pytest.mark.parametrize("wrong", [b"", b"short", bytes(32), bytes(16)], ids=["empty", "short", "zeros", "16 bytes"])
def test_a_wrong_key_opens_nothing(sealed: bytes, wrong: bytes) -> None:
    with pytest.raises(SealFault):
        read_part(sealed, wrong, AAD)


@pytest.mark.parametrize("data", [b"", b"PARE", b"PAREPARE", b"PARE" + bytes(100) + b"PARE", b"x" * 1000])
def test_what_is_no_part_is_a_seal_fault(key: bytes, data: bytes) -> None:
    with pytest.raises(SealFault):
        read_part(data, key, AAD)


def test_a_plain_parquet_file_in_a_parts_place_is_not_believed(key: bytes) -> None:
    plain = pa.BufferOutputStream()
    pq.write_table(_table(3), plain)
    with pytest.raises(SealFault):
        read_part(plain.getvalue().to_pybytes(), key, AAD)


def test_the_smallest_keys_of_a_writer(key: bytes) -> None:
    for wrong in (b"", bytes(16), bytes(24), bytes(33)):
        with pytest.raises(SealFault, match="32 bytes"):
            PartWriter(wrong, AAD, _table(0).schema)
    with pytest.raises(SealFault, match="at least one batch"):
        write_part(iter(()), key, AAD)


def test_a_batch_of_another_schema_is_refused_without_its_content(key: bytes) -> None:
    with PartWriter(key, AAD, _table(0).schema) as writer:
        with pytest.raises(SealFault) as caught:
            writer.write_batch(pa.record_batch({"other": [f"{MARKER}7"]}))
        assert MARKER not in str(caught.value)
        with pytest.raises(SealFault, match="not closed"):
            _ = writer.data
    with pytest.raises(SealFault, match="closed"):
        writer.write_batch(_table(1).to_batches()[0])


def test_a_failing_writer_leaves_nothing_to_take(key: bytes) -> None:
    writer = PartWriter(key, AAD, _table(0).schema)
    with pytest.raises(RuntimeError), writer:
        writer.write_batch(_table(5).to_batches()[0])
        raise RuntimeError
    with pytest.raises(SealFault, match="not closed"):
        _ = writer.data


def test_no_fault_carries_content_or_a_foreign_text(key: bytes, sealed: bytes) -> None:
    broken = bytearray(sealed)
    broken[len(broken) // 2] ^= 1
    with pytest.raises(SealFault) as caught:
        read_part(bytes(broken), key, AAD)
    assert str(caught.value) == "a part does not open: it is corrupt, or belongs elsewhere"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    with pytest.raises(SealFault, match="no column of that name"):
        read_part(sealed, key, AAD, columns=["absent"])


def test_what_a_source_wrote_beside_its_columns_is_not_kept(key: bytes) -> None:
    table = _table(2).replace_schema_metadata({"pandas": MARKER, "author": "Ada Example"})
    back = read_part(write_part(table, key, AAD), key, AAD)
    assert not back.schema.metadata
    field = pa.field("x", pa.int64(), metadata={"comment": MARKER})
    noted = pa.Table.from_arrays([pa.array([1])], schema=pa.schema([field]))
    assert MARKER.encode() not in str(read_part(write_part(noted, key, AAD), key, AAD).schema).encode()
