"""`readingroom.anonymize(table)`: whatever speaks Arrow, every type of column, nothing personal in errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import readingroom
from readingroom import anonymize
from readingroom.anonymize.texts import TextEngine
from readingroom.core.errors import Fault, Refusal, UsageError

SAID = "Adelheid Quillfeather, ada@quill.example, +1 458 555-0100"
KEY = b"k" * 16
PEOPLE = [{"first_name": "Adelheid", "last_name": "Quillfeather", "email": "ada@quill.example"}]


def test_the_package_is_called_and_is_a_package() -> None:
    assert readingroom.anonymize is anonymize
    assert anonymize.texts.TextEngine is TextEngine
    with pytest.raises(AttributeError):
        _ = readingroom.nothing  # type: ignore[attr-defined]  # that is the point


class Stream:
    """What pandas and polars give."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested: object = None) -> Any:
        return self._table.__arrow_c_stream__(requested)


def test_whatever_speaks_arrow() -> None:
    table = pa.table({"note": [SAID, None, ""]})
    batch = table.to_batches()[0]
    reader = pa.RecordBatchReader.from_batches(table.schema, iter([batch]))
    expected = anonymize(table, key=KEY).table
    for given_ in (batch, reader, Stream(table)):
        assert anonymize(given_, key=KEY).table == expected
    with pytest.raises(UsageError, match="no table"):
        anonymize([1, 2])


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())],
)
def test_every_type_of_text(kind: pa.DataType) -> None:
    cells = pa.array([SAID, None, "hello", ""]).cast(kind)
    chunks = pa.chunked_array([cells, cells.slice(1, 2), cells.slice(0, 0)])
    done = anonymize(pa.table({"x": chunks}), known=PEOPLE).table["x"].to_pylist()
    assert "Quillfeather" not in str(done)
    assert done[1] is None
    assert done[2] == "hello"
    assert len(done) == 6


def test_nested_and_typed_columns() -> None:
    table = pa.table(
        {
            "s": [{"who": SAID, "n": 1, "deep": [{"email": "ada@quill.example"}]}, None],
            "l": [[SAID, None], None],
            "m": pa.array([[("k", SAID)], None], pa.map_(pa.string(), pa.string())),
            "when": [datetime(2026, 1, 1), None],  # noqa: DTZ001 - a column without a zone
            "birth_date": [date(1980, 5, 6), None],
            "phone": [4585550100, None],
            "ok": [True, None],
            "raw": [b"Adelheid Quillfeather", None],
            "nothing": pa.nulls(2),
        }
    )
    done = anonymize(table, known=PEOPLE)
    text = str(done.table.to_pylist()) + json.dumps(done.report)
    assert not any(raw in text for raw in ("Quillfeather", "ada@", "555-0100", "4585550100", "1980, 5"))
    assert "raw" not in done.table.column_names
    assert done.report["columns"]["raw"]["treated as"] == "drop"
    assert done.table["when"].equals(table["when"])
    assert done.table["s"][1].as_py() is None
    assert done.table["l"][1].as_py() is None
    assert done.table["m"][1].as_py() is None
    assert done.table["s"][0].as_py()["n"] == 1
    moved = anonymize(table, style="surrogate", key=KEY).table["birth_date"]
    assert pa.types.is_date(moved.type)
    assert moved[0].as_py() != date(1980, 5, 6)


def test_spans_are_in_code_points_of_the_new_cells() -> None:
    done = anonymize(pa.table({"note": ["Größe: ada@quill.example 😀 ada@quill.example"]}))
    shown = done.table["note"][0].as_py()
    found = [shown[span["start"] : span["end"]] for span in done.spans.to_pylist()]
    assert len(found) == 2
    assert all(one.startswith("[EMAIL_") and one.endswith("]") for one in found)


def test_html_json_and_ids_are_told_by_content() -> None:
    guid = "0f8fad5b-d9cb-469f-a165-70867728950e"
    table = pa.table(
        {
            "a": [f"<p>Adelheid <b>Quill</b>feather {n}</p>" for n in range(3)],
            "b": [json.dumps({"who": "Adelheid Quillfeather", "n": n}) for n in range(3)],
            "c": [guid] * 3,
            "d": ["ada@quill.example"] * 3,
            "e": ["Adelheid Quillfeather"] * 3,
        }
    )
    done = anonymize(table, known=PEOPLE)
    treated = {name: one["treated as"] for name, one in done.report["columns"].items()}
    assert [treated[name] for name in "abcde"] == ["html", "json", "id", "email", "name"]
    assert "feather" not in str(done.table.to_pylist())
    assert guid not in str(done.table.to_pylist())
    assert [json.loads(cell)["n"] for cell in done.table["b"].to_pylist()] == [0, 1, 2]
    assert done.table["e"][0].as_py() in done.table["a"][0].as_py()


@pytest.mark.parametrize("style", ["placeholder", "surrogate"])
def test_ids_stay_apart_and_stay_the_same(style: str) -> None:
    table = pa.table({"customer_id": list(range(5000)), "owner_id": list(range(4999, -1, -1))})
    done = anonymize(table, style=style).table
    assert len(set(done["customer_id"].to_pylist())) == 5000
    assert done["customer_id"].to_pylist() == done["owner_id"].to_pylist()[::-1]


def test_empty_and_wrong() -> None:
    assert anonymize(pa.table({})).table.num_columns == 0
    assert anonymize(pa.table({"x": pa.array([], pa.string())})).table.num_rows == 0
    for wrong in (
        {"profile": "soft"},
        {"style": "x"},
        {"key": b"short"},
        {"columns": {"x": "blue"}},
        {"columns": {"y": "id"}},
    ):
        with pytest.raises(UsageError):
            anonymize(pa.table({"x": ["a"]}), **wrong)
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"])
    with pytest.raises(UsageError, match="one name"):
        anonymize(twice)
    broken = pa.Array.from_buffers(pa.large_binary(), 1, pa.array([b"Quillfeather \xff"], pa.large_binary()).buffers())
    with pytest.raises((Fault, UsageError)) as error:
        anonymize(pa.table({"x": broken}), columns={"x": "text"})
    assert "Quillfeather" not in str(error.value)


class Spy:
    """A detector that raises with what it saw."""

    name = "spy"
    labels = ("PERSON",)

    def detect(self, texts: pa.LargeStringArray) -> pa.Table:
        raise ValueError(texts[0].as_py())


def test_a_detector_that_fails_refuses_and_tells_nothing() -> None:
    with pytest.raises(Refusal, match=r'column "x": detector spy') as error:
        anonymize(pa.table({"x": [SAID]}), detectors=[Spy()])
    assert "Quillfeather" not in str(error.value)
    assert error.value.__cause__ is None


def people() -> Iterator[str]:
    yield from ("Adelheid Quillfeather", "Quillfeather, Adelheid", "ADELHEID QUILLFEATHER", "ada@quill.example")


TEXTS = st.lists(st.one_of(st.none(), st.text(max_size=30), st.sampled_from(list(people()))), max_size=6)


@given(TEXTS, st.sampled_from(["text", "html", "url", "json", "id", "name", "email", "birth"]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_anything_goes_in_and_no_known_person_comes_out(cells: list[str | None], word: str, surrogate: bool) -> None:
    texts = [None if cell is None else cell.encode("utf-8", "replace").decode() for cell in cells]
    table = pa.table({"x": pa.array(texts, pa.string())})
    style = "surrogate" if surrogate else "placeholder"
    done = anonymize(table, known=PEOPLE, columns={"x": word}, style=style, key=KEY)
    assert done.table.num_rows == len(cells)
    assert "quillfeather" not in str(done.table["x"].to_pylist()).lower()
