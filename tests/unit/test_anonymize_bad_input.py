"""Whatever Arrow calls a column of texts is read, whatever its cells hold; the rest is refused by its type."""

from __future__ import annotations

import unicodedata
from typing import Any

import pyarrow as pa
import pytest

from readingroom.anonymize.known import KnownBuilder
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.rare import public_only
from readingroom.anonymize.texts import TextEngine
from readingroom.anonymize.textual import text_cells
from readingroom.core.errors import UsageError

KEY = b"k" * 32
CELLS = ["Zoé Ångström-Müllerová called", None, "", "nobody here"]
TEXTS = pa.array(CELLS)
DICTIONARY = TEXTS.dictionary_encode().type
BYTES = TEXTS.cast(pa.binary())
COLUMNS: dict[str, Any] = {
    "string": TEXTS,
    "large": TEXTS.cast(pa.large_string()),
    "view": TEXTS.cast(pa.string_view()),
    "bytes": BYTES,
    "large bytes": BYTES.cast(pa.large_binary()),
    "bytes view": BYTES.cast(pa.binary_view()),
    "dictionary": TEXTS.dictionary_encode(),
    "dictionary of bytes": BYTES.dictionary_encode(),
    "sliced": pa.concat_arrays([TEXTS, TEXTS]).slice(4),
    "chunks": pa.chunked_array([TEXTS.slice(0, 1), TEXTS.slice(1)]),
    "chunks of two dictionaries": pa.chunked_array(
        [TEXTS.slice(0, 2).dictionary_encode(), TEXTS.slice(2).dictionary_encode()]
    ),
}


@pytest.fixture(scope="module")
def engine() -> TextEngine:
    builder = KnownBuilder(KEY, KEY)
    builder.add_people(
        pa.RecordBatch.from_pylist(
            [{"record_id": "1" * 8, "kind": "contact", "given": "Zoé", "family": "Ångström-Müllerová"}]
        )
    )
    return TextEngine(builder.build(), public_only(), Pseudonyms(KEY), KEY, "balanced")


@pytest.mark.parametrize("name", COLUMNS)
def test_every_type_of_column_says_the_same(engine: TextEngine, name: str) -> None:
    assert text_cells(COLUMNS[name]).to_pylist() == CELLS
    expected = engine.rewrite(COLUMNS["large"], markup="plain")
    done = engine.rewrite(COLUMNS[name], markup="plain")
    assert done.cells.equals(expected.cells)
    assert done.spans.equals(expected.spans)
    assert done.cells[0].as_py().startswith("[PERSON_")


@pytest.mark.parametrize(
    "empty",
    [
        pa.chunked_array([], pa.string()),
        pa.chunked_array([], TEXTS.dictionary_encode().type),
        pa.array([], pa.binary()),
    ],
)
def test_zero_rows_of_any_type(engine: TextEngine, empty: Any) -> None:
    done = engine.rewrite(empty, markup="html")
    assert len(done.cells) == 0
    assert done.spans.num_rows == 0


def test_a_null_column_stays_null(engine: TextEngine) -> None:
    assert engine.rewrite(pa.nulls(3), markup="plain").cells.to_pylist() == [None] * 3


@pytest.mark.parametrize("kind", [pa.int64(), pa.list_(pa.string()), pa.date32(), pa.struct([("a", pa.string())])])
def test_other_types_are_refused_by_name(engine: TextEngine, kind: pa.DataType) -> None:
    with pytest.raises(UsageError, match=str(kind).replace("[", ".").replace("(", ".")[:4]):
        engine.rewrite(pa.nulls(2, kind), markup="plain")


@pytest.mark.parametrize("claimed", [False, True])
def test_invalid_utf8_comes_out_valid_and_hides_nobody(engine: TextEngine, claimed: bool) -> None:
    cells = pa.array([b"\xff Zo\xc3\xa9 \xc3\x85ngstr\xc3\xb6m-M\xc3\xbcllerov\xc3\xa1 \xc3", None], pa.large_binary())
    if claimed:  # a column that says of itself that it holds UTF-8
        cells = pa.Array.from_buffers(pa.large_string(), 2, cells.buffers())
    done = engine.rewrite(cells, markup="plain")
    done.cells.validate(full=True)
    assert "ngstr" not in done.cells[0].as_py()
    assert done.cells[1].as_py() is None


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_every_normal_form_has_the_same_findings(engine: TextEngine, form: Any) -> None:
    text = "Ask Zoé Ångström-Müllerová, the ﬁrst to call № 5"
    expected = engine.rewrite(pa.array([text]), markup="html").spans
    done = engine.rewrite(pa.array([unicodedata.normalize(form, text)]), markup="html").spans
    for column in ("start", "kind", "tag"):
        assert done[column].equals(expected[column])


def test_a_million_empty_cells_and_one_long_one(engine: TextEngine) -> None:
    long = "Zoé Ångström-Müllerová wrote to nobody. " * 25_000
    cells = pa.concat_arrays([pa.array([""] * 1_000_000), pa.array([None, long])])
    done = engine.rewrite(cells, markup="plain")
    assert len(done.cells) == 1_000_002
    assert done.cells.null_count == 1
    assert done.counts["person"] == 25_000
    assert "ngstr" not in done.cells[1_000_001].as_py()
