"""Whatever stands in a batch: after a withdrawal nobody withdrawn is there, and every other tag points where it did."""

from __future__ import annotations

import itertools
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from readingroom.anonymize.tagging import TAGS
from readingroom.copies.withdraw import MARK, closed, withdraw

PEOPLE = [bytes([number]) * 16 for number in range(4)]
TEXT = st.text(alphabet="aé漢😀 x", max_size=12)


@st.composite
def batches(draw: Any) -> tuple[pa.RecordBatch, pa.Table]:
    texts = draw(st.lists(TEXT, min_size=1, max_size=5))
    tags: list[dict[str, Any]] = []
    for row, text in enumerate(texts):
        bounds = [len(text[:at].encode()) for at in range(len(text) + 1)]
        for _ in range(draw(st.integers(0, 4))):
            tag = draw(st.sampled_from(PEOPLE))
            whole = draw(st.integers(0, 9)) == 0
            start, end = sorted((draw(st.sampled_from(bounds)), draw(st.sampled_from(bounds))))
            if whole or start == end:
                place = {"column": "", "start": -1, "end": -1, "role": "row" if whole else ""}
                if not whole:
                    continue
            else:
                place = {"column": "text", "start": start, "end": end, "role": "span"}
            tags.append({"row": row, "kind": "name", "tag": tag, **place})
    batch = pa.RecordBatch.from_pydict({"id": list(range(len(texts))), "text": pa.array(texts, pa.large_string())})
    return batch, pa.Table.from_pylist(tags, schema=TAGS)


@settings(max_examples=400, deadline=None)
@given(batches(), st.sets(st.sampled_from(PEOPLE), max_size=3))
def test_a_withdrawal_is_whole_and_moves_nothing_else(made: tuple[pa.RecordBatch, pa.Table], gone: set[bytes]) -> None:
    batch, tags = made
    done = withdraw(batch, tags, gone=frozenset(gone))
    before, after = tags.to_pylist(), done.tags.to_pylist()
    lost = {tag["row"] for tag in before if tag["role"] == "row" and tag["tag"] in gone}
    assert done.batch["id"].to_pylist() == [row for row in range(batch.num_rows) if row not in lost]
    assert done.kept.tolist() == done.batch["id"].to_pylist()
    assert done.rows == len(lost)
    assert not any(tag["tag"] in gone for tag in after)
    texts = [text.encode() for text in batch["text"].to_pylist()]
    fresh = [text.encode() for text in done.batch["text"].to_pylist()]
    old = {row: n for n, row in enumerate(done.kept.tolist())}
    slices = sorted(
        (old[tag["row"]], tag["tag"], texts[tag["row"]][tag["start"] : tag["end"]])
        for tag in before
        if tag["role"] == "span" and tag["row"] in old
    )
    for tag in after:
        if tag["role"] != "span":
            continue
        text = fresh[tag["row"]][tag["start"] : tag["end"]]
        assert MARK.encode() in text or (tag["row"], tag["tag"], text) in slices
        text.decode()  # no character was cut
    for row, number in old.items():
        spans = [(t["start"], t["end"]) for t in before if t["row"] == row and t["role"] == "span" and t["tag"] in gone]
        everyone = [(t["start"], t["end"]) for t in before if t["row"] == row and t["role"] == "span"]
        expected, at = b"", 0
        for start, end in closed(spans, everyone):
            expected += texts[row][at:start] + MARK.encode()
            at = end
        assert fresh[number] == expected + texts[row][at:]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 6)).map(lambda p: (p[0], p[0] + p[1])), max_size=6))
def test_grown_spans_are_disjoint_ordered_and_cut_nothing_in_half(spans: list[tuple[int, int]]) -> None:
    chosen, others = spans[:2], spans[2:]
    grown = closed(chosen, others)
    assert all(one[1] <= two[0] for one, two in itertools.pairwise(grown))
    for start, end in chosen:
        assert any(low <= start and end <= high for low, high in grown)
    for start, end in others:
        for low, high in grown:
            apart = end <= low or high <= start
            inside = low <= start and end <= high
            around = start <= low and high <= end
            assert apart or inside or around
