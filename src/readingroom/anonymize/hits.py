"""Who a finding is: its placeholder, and the tags of everybody it may be.

Rule 1: an ambiguous finding carries the tags of all its candidates (erasure over-erases, and says so); of a lone name
those linked to the row count alone, if there are any.
Rule 2: only distinct values are hashed; none outlives the block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize import spans
from readingroom.anonymize.forms import texts_of
from readingroom.anonymize.kernels import I32, I64, hash_words
from readingroom.anonymize.known import Known, entries_of
from readingroom.anonymize.names import Near
from readingroom.anonymize.normalize import TAG_TYPE, normalize, tag_of_normal
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.spans import KINDS, LABELS
from readingroom.anonymize.spellings import FULL
from readingroom.anonymize.splice import Placeholders, Written
from readingroom.anonymize.tokens import Records
from readingroom.anonymize.views import Letters

SPANS = pa.schema(
    [
        ("row", pa.int32()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("kind", pa.string()),
        ("tag", TAG_TYPE),
        ("role", pa.string()),
    ]
)
MOST_CANDIDATES = 64  # a lone name that more people have is tagged as a name only
MOST_NEAR = 8
_PLAIN = (spans.RARE, spans.NUMBER, spans.CODE, spans.DATE)  # one placeholder for all; nothing to tell apart
_TAG_KINDS = {
    spans.NAME: "name",
    spans.HANDLE: "name",
    spans.PERSON: "name",
    spans.PHONE: "phone",
    spans.RECORD: "record",
    spans.EMAIL: "email",
    spans.IBAN: "iban",
    spans.CARD: "id",
    spans.ID: "id",
    spans.ADDRESS: "address",
    spans.HOST: "host",
    spans.IP: "ip",
    spans.ORG: "org",
    spans.SECRET: "id",
}
_TAGLESS = {spans.HOST, spans.SECRET, spans.ORG, spans.IP}


@dataclass(frozen=True)
class Hits:
    """Findings with the row of each, and the people linked to each row of the block."""

    letters: Letters
    found: Records
    rows: I64
    near: Near


@dataclass(frozen=True)
class Named:
    """Placeholders of findings, and tags: parallel arrays of finding and tag."""

    hits: Hits
    placeholders: Placeholders
    tagged: I64
    tags: list[bytes]

    def spans(self, written: Written, owner: I32) -> pa.Table:
        """Where every placeholder stands in its new cell, one row per tag (a null tag: nobody to tag)."""
        shown = written.start[owner] >= 0
        bare = np.ones(len(owner), bool)
        bare[self.tagged] = False
        plain = np.flatnonzero(bare & shown & (owner == np.arange(len(owner))))
        tagged = np.flatnonzero(shown[self.tagged])
        which = np.concatenate([plain, self.tagged[tagged]]).astype(np.int64)
        at = owner[which]
        row = self.hits.rows[at]
        tags = pa.array([None] * len(plain) + [self.tags[i] for i in tagged.tolist()], TAG_TYPE)
        kinds = pa.array(KINDS).take(pa.array(self.hits.found["kind"][at])).cast(pa.string())
        columns = [
            pa.array(row, pa.int32()),
            pa.array(written.start[at] - written.rows[row], pa.int32()),
            pa.array(written.end[at] - written.rows[row], pa.int32()),
            kinds,
            tags,
            pa.array(["span"] * len(which), pa.string()),
        ]
        table = pa.Table.from_arrays(columns, schema=SPANS)
        order = np.lexsort((written.start[at], row))
        return table.take(pa.array(order))


class Identify:
    """Gives findings their names."""

    def __init__(self, known: Known, pseudonyms: Pseudonyms, tag_key: bytes) -> None:
        self._known = known
        self._pseudonyms = pseudonyms
        self._tag_key = tag_key

    def near(self, linked: pa.ListArray | None, matches: Records, letters: Letters, offsets: I64) -> Near:
        """Who is linked to each row of a block, or named in full in it."""
        rows = [np.zeros(0, np.int64)]
        people = [np.zeros(0, np.int64)]
        if linked is not None:
            lengths = pc.fill_null(pc.list_value_length(linked), 0).to_numpy(zero_copy_only=False)
            rows.append(np.repeat(np.arange(len(linked)), lengths))
            people.append(self._known.people_of_tags(linked.flatten()).astype(np.int64))
        full = matches[matches["kinds"] & FULL != 0]
        first = self._known.entries.first
        counts = (first[full["entry"] + 1] - first[full["entry"]]).astype(np.int64)
        full, counts = full[counts <= MOST_NEAR], counts[counts <= MOST_NEAR]
        index = np.repeat(first[full["entry"]] - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        rows.append(np.repeat(rows_at(letters, full["start"], offsets), counts))
        people.append(self._known.entries.people[index].astype(np.int64))
        pairs = np.unique(np.stack([np.concatenate(rows), np.concatenate(people)], axis=1), axis=0)
        pairs = pairs[pairs[:, 1] >= 0]
        borders = np.searchsorted(pairs[:, 0], np.arange(len(offsets)))
        return Near(offsets, borders.astype(np.int64), np.ascontiguousarray(pairs[:, 1]))

    def name(self, hits: Hits) -> Named:
        """Placeholders and tags of all findings."""
        kinds = hits.found["kind"]
        plain = np.isin(kinds, _PLAIN) & (hits.found["entry"] < 0)
        labels = [f"[{label}]" for label in LABELS]
        numbers = {label: i for i, label in enumerate(labels)}
        of_finding = kinds.astype(np.int32)
        others = np.flatnonzero(~plain)
        values = self._values(hits, others)
        entries = self._entries(hits, others, values)
        tagged: list[int] = []
        tags: list[bytes] = []
        cache: dict[tuple[int, str, int, frozenset[int]], tuple[str, list[bytes]]] = {}
        for f, value, entry in zip(others.tolist(), values, entries.tolist(), strict=True):
            near = _near_row(hits, f) if kinds[f] == spans.NAME and entry >= 0 else frozenset()
            key = (int(kinds[f]), value, entry, near)
            if key not in cache:
                cache[key] = self._one(*key)
            placeholder, own = cache[key]
            of_finding[f] = numbers.setdefault(placeholder, len(numbers))
            tagged += [f] * len(own)
            tags += own
        data = [text.encode() for text in numbers]
        offsets = np.zeros(len(data) + 1, np.int64)
        np.cumsum([len(text) for text in data], out=offsets[1:])
        buffer = np.frombuffer(b"".join(data), np.uint8)
        return Named(hits, Placeholders(buffer, offsets, of_finding), np.array(tagged, np.int64), tags)

    def _values(self, hits: Hits, which: I64) -> list[str]:
        """The normal form of each finding's text; distinct texts are normalized once."""
        encoded = texts_of(hits.letters, hits.found[which]).dictionary_encode()
        texts = [text.decode("utf-8", "replace") for text in encoded.dictionary.to_pylist()]
        kinds = hits.found["kind"][which].tolist()
        cache: dict[tuple[int, int], str] = {}
        values = []
        for kind, code in zip(kinds, encoded.indices.to_pylist(), strict=True):
            key = (kind, code)
            if key not in cache:
                cache[key] = _normal(kind, texts[code])
            values.append(cache[key])
        return values

    def _entries(self, hits: Hits, which: I64, values: list[str]) -> I32:
        """The known spelling of each finding: as matched, or by the value of an e-mail address or a GUID."""
        entries = hits.found["entry"][which].astype(np.int32)
        kinds = hits.found["kind"][which]
        for kind in (spans.EMAIL, spans.RECORD):
            open_ = np.flatnonzero((kinds == kind) & (entries < 0))
            texts = [values[i].replace("-", "") if kind == spans.RECORD else values[i] for i in open_]
            if texts:
                entries[open_] = entries_of(self._known, hash_words(texts))
        return entries

    def _one(self, kind: int, value: str, entry: int, near: frozenset[int]) -> tuple[str, list[bytes]]:
        """(placeholder, tags) of one distinct finding."""
        people = self._known.people_of(entry, near=near, most=MOST_CANDIDATES)
        tag_kind = _TAG_KINDS.get(kind)
        tags = [tag for tag in map(self._known.tag, people) if tag]
        if tag_kind and kind not in _TAGLESS:
            tags.append(tag_of_normal(self._tag_key, tag_kind, value))
        if len(people) == 1:
            return f"[{LABELS[kind]}_{self._known.suffixes[people[0]]}]", tags
        if kind in _PLAIN:
            return f"[{LABELS[kind]}]", tags
        return self._pseudonyms.placeholder(LABELS[kind], tag_kind or "text", value), tags


def rows_at(letters: Letters, at: np.ndarray, offsets: I64) -> I64:
    """The row of each letter."""
    return np.searchsorted(offsets, letters["start"][at], side="right").astype(np.int64) - 1


def _near_row(hits: Hits, finding: int) -> frozenset[int]:
    row = hits.rows[finding]
    return frozenset(hits.near.people[hits.near.first[row] : hits.near.first[row + 1]].tolist())


def _normal(kind: int, text: str) -> str:
    tag_kind = _TAG_KINDS.get(kind, "text")
    if kind == spans.EMAIL and "@" not in text:
        text = _worded_email(text)
    return normalize(tag_kind, text)


def _worded_email(text: str) -> str:
    """`ada dot example at mail dot example` as an address; a digest stays itself."""
    words = [
        "." if w in {"dot", "punkt", "point", "punto"} else "@" if w in {"at", "arroba", "arobase"} else w
        for w in text.replace("(", " ").replace(")", " ").replace("[", " ").replace("]", " ").split()
    ]
    return "".join(words)
