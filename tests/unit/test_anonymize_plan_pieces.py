from __future__ import annotations

import json

import pyarrow as pa

from readingroom.anonymize.normalize import subject_tag
from readingroom.anonymize.pieces import Assembler, Cell, Leaf, Literal
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.texts import SPANS, Rewritten

KEY = b"k" * 32


class AdaEngine:
    """Masks the word Ada with a placeholder of two bytes a letter, to show offsets."""

    def rewrite(self, cells: pa.LargeStringArray, *, markup: str, linked: pa.ListArray | None = None) -> Rewritten:
        del markup, linked
        rows = []
        out = []
        for row, text in enumerate(cells.to_pylist()):
            at = text.find("Ada")
            out.append(text.replace("Ada", "«P»", 1))
            if at >= 0:
                start = len(text[:at].encode())
                rows.append({"row": row, "start": start, "end": start + 5, "kind": "PERSON", "tag": b"t" * 16})
        return Rewritten(pa.array(out, pa.large_string()), pa.Table.from_pylist(rows, schema=SPANS))


def assemble(*cells: Cell | None) -> tuple[list[str | None], list[dict[str, object]]]:
    done = Assembler(AdaEngine(), Pseudonyms(KEY), tag_key=KEY).assemble(cells, linked=None)
    texts = done.cells.to_pylist()
    spans = done.spans.to_pylist()
    for span in spans:
        cell = texts[span["row"]]
        assert cell is not None
        span["shown"] = cell.encode()[span["start"] : span["end"]].decode()
    return texts, spans


def test_offsets_count_bytes_after_escaping() -> None:
    leaf = Leaf('é"\n Ada', quote="json")
    texts, spans = assemble(None, ['{"ü":"', leaf, '"}'])
    assert texts[0] is None
    assert json.loads(str(texts[1])) == {"ü": 'é"\n «P»'}
    assert [(span["row"], span["shown"]) for span in spans] == [(1, "«P»")]


def test_xml_and_doubled_quotes() -> None:
    texts, spans = assemble([Leaf("<&> Ada", quote="xml")], [Leaf("it's Ada", quote="single")])
    assert texts == ["&lt;&amp;&gt; «P»", "it''s «P»"]
    assert [span["shown"] for span in spans] == ["«P»", "«P»"]


def test_a_literal_is_a_placeholder_with_the_tag_of_its_value() -> None:
    texts, spans = assemble(["x='", Literal("email", "A.Example@example.com"), "'"])
    assert str(texts[0]).startswith("x='[EMAIL_")
    assert spans[0]["tag"] == subject_tag(KEY, "email", "a.example@EXAMPLE.com")
    assert spans[0]["shown"] == str(texts[0])[3:-1]


def test_literals_of_the_query_are_masked_in_the_question_too() -> None:
    leaf = Leaf("Who met zora EXAMPLE and Ada at Exampleton?", also=(Literal("name", "Zora Example"),))
    texts, spans = assemble([leaf])
    assert "zora" not in str(texts[0])
    assert "Exampleton" in str(texts[0])
    assert sorted(str(span["shown"])[:7] for span in spans) == ["[PERSON", "«P»"]


def test_an_empty_leaf_and_a_kind_without_a_label() -> None:
    assert assemble([Leaf(""), Literal("cat", "Ada")])[0] == ["[CAT]"]
