"""Whatever the query or the JSON looks like: no literal comes out as it went in, and spans stay on placeholders."""

from __future__ import annotations

import json

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from readingroom.anonymize.classification import shipped
from readingroom.anonymize.jsons import JsonContext, JsonPieces
from readingroom.anonymize.literals import Literals
from readingroom.anonymize.pieces import Assembler, Piece
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.queries import query_pieces
from readingroom.anonymize.texts import SPANS, Rewritten

KEY = b"k" * 32
NAMES = shipped().names
LITERALS = Literals(shipped(), lambda place: False, lambda name: name.lower() in NAMES)  # noqa: ARG005 - no place
MARKER = "Zoranqua"


class MaskAll:
    """A text engine that masks every text whole."""

    def rewrite(self, cells: pa.LargeStringArray, *, markup: str, linked: pa.ListArray | None = None) -> Rewritten:
        del markup, linked
        return Rewritten(pa.array(["[TEXT]"] * len(cells), pa.large_string()), SPANS.empty_table())


def assembled(pieces: list[Piece]) -> str:
    done = Assembler(MaskAll(), Pseudonyms(KEY), tag_key=KEY).assemble([pieces], linked=None)
    cell = str(done.cells[0].as_py())
    for span in done.spans.to_pylist():
        shown = cell.encode()[span["start"] : span["end"]].decode()
        assert shown.startswith("[")
        assert shown.endswith("]")
    return cell


columns = st.sampled_from(["fullname", "emailaddress1", "telephone1", "new_x", "statecode", "description", "createdon"])
around = st.text(alphabet="abc '\"%_*&;<>()[]=,.-/\\$é\u202e\u200b0", max_size=12)
markers = st.builds(lambda a, b: f"{a}{MARKER}{b}", around, around)


@given(columns, markers, st.sampled_from(["eq", "ne", "like", "=", "in ("]))
@settings(max_examples=100, deadline=None)
def test_odata_and_sql_never_show_a_quoted_value(column: str, value: str, operator: str) -> None:
    quoted = value.replace("'", "''")
    for query in (
        f"contacts?$filter={column} {operator} '{quoted}'",
        f"contacts?$filter=contains({column},'{quoted}')",
        f"SELECT fullname FROM contact WHERE {column} {operator} '{quoted}'",
        f"PROFILE(contact).FILTER(contact.{column} == '{quoted}')",
    ):
        assert MARKER not in assembled(query_pieces(query, "auto", LITERALS))


@given(markers, columns)
@settings(max_examples=100, deadline=None)
def test_broken_queries_show_no_value_either(value: str, column: str) -> None:
    for query in (f"contacts?$filter={column} eq '{value}", f"<fetch {value}", f"<value>{value}</value>", value):
        for form in ("auto", "odata", "sql", "fetchxml", "natural", "name"):
            assert MARKER not in assembled(query_pieces(query, form, LITERALS))


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), markers),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(st.one_of(columns, markers, st.sampled_from(["type", "id", "value"])), inner, max_size=4),
        ),
        max_leaves=12,
    )
)
@settings(max_examples=100, deadline=None)
def test_json_stays_json_and_shows_no_key_or_value(value: object) -> None:
    text = json.dumps(value)
    cell = assembled(JsonPieces(LITERALS).cell(text, JsonContext()))
    assert MARKER not in cell
    if isinstance(value, dict | list):
        json.loads(cell)


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_text_at_all_is_accepted(text: str) -> None:
    for form in ("auto", "odata", "sql", "fetchxml", "natural", "name"):
        assembled(query_pieces(text, form, LITERALS))
    assembled(JsonPieces(LITERALS).cell(text, JsonContext()))
