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
from readingroom.anonymize.names import Near, nearest
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

    def near(self, linked: pa.ListArray | None, matches: Records, *, letters: Letters, offsets: I64) -> Near:
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
        """Placeholders and tags of all findings; each distinct finding is worked out once."""
        kinds = hits.found["kind"]
        others = np.flatnonzero(~(np.isin(kinds, _PLAIN) & (hits.found["entry"] < 0)))
        texts = [f"[{label}]" for label in LABELS]
        numbers = {text: i for i, text in enumerate(dict.fromkeys(texts))}
        of_kind = np.array([numbers[text] for text in texts], np.int32)
        of_finding = of_kind[kinds]
        people = self._people(hits, others)
        first, which = _distinct(hits, others, people)
        values = self._values(hits, others[first])
        entries = self._entries(hits, others[first], values)
        own: list[list[bytes]] = []
        shown = np.empty(len(first), np.int32)
        for i, (kind, entry) in enumerate(zip(kinds[others[first]].tolist(), entries.tolist(), strict=True)):
            placeholder, tags = self._one(kind, values[i], entry=entry, person=int(people[first[i]]))
            shown[i] = numbers.setdefault(placeholder, len(numbers))
            own.append(tags)
        of_finding[others] = shown[which]
        tagged = np.repeat(others, np.array([len(tags) for tags in own], np.int64)[which])
        return Named(hits, _placeholders(numbers, of_finding), tagged, [tag for i in which.tolist() for tag in own[i]])

    def _people(self, hits: Hits, which: I64) -> I32:
        """Of lone names: who near the row has it, or -1."""
        found = hits.found[which]
        entries = np.where(found["kind"] == spans.NAME, found["entry"], -1).astype(np.int32)
        return nearest(hits.rows[which], entries, self._known.entries, hits.near)

    def _values(self, hits: Hits, which: I64) -> list[str]:
        """The normal form of each finding's text."""
        texts = texts_of(hits.letters, hits.found[which]).to_pylist()
        kinds = hits.found["kind"][which].tolist()
        return [_normal(kind, text.decode("utf-8", "replace")) for kind, text in zip(kinds, texts, strict=True)]

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

    def _one(self, kind: int, value: str, *, entry: int, person: int) -> tuple[str, list[bytes]]:
        """(placeholder, tags) of one distinct finding."""
        people = [person] if person >= 0 else self._known.people_of(entry, most=MOST_CANDIDATES)
        tag_kind = _TAG_KINDS.get(kind)
        tags = [tag for tag in map(self._known.tag, people) if tag]
        if tag_kind and kind not in _TAGLESS:
            tags.append(tag_of_normal(self._tag_key, tag_kind, value))
        if len(people) == 1:
            return f"[{LABELS[kind]}_{self._known.suffixes[people[0]]}]", tags
        if kind in _PLAIN:
            return f"[{LABELS[kind]}]", tags
        return self._pseudonyms.placeholder(LABELS[kind], tag_kind or "text", value), tags


def _distinct(hits: Hits, which: I64, people: I32) -> tuple[I64, I64]:
    """(first of each distinct finding, the number of its distinct finding for each) by kind, text, entry and person."""
    found = hits.found[which]
    codes = texts_of(hits.letters, found).dictionary_encode().indices.to_numpy(zero_copy_only=False)
    columns = (codes, found["kind"], found["entry"] + 1, people + 1)
    key = np.zeros(len(which), np.int64)
    for column in columns:
        key = key * (int(column.max(initial=0)) + 1) + column
        _, key = np.unique(key, return_inverse=True)
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return first, inverse


def _placeholders(numbers: dict[str, int], of_finding: I32) -> Placeholders:
    data = [text.encode() for text in numbers]
    offsets = np.zeros(len(data) + 1, np.int64)
    np.cumsum([len(text) for text in data], out=offsets[1:])
    return Placeholders(np.frombuffer(b"".join(data), np.uint8), offsets, of_finding)


def rows_at(letters: Letters, at: np.ndarray, offsets: I64) -> I64:
    """The row of each letter."""
    rows: I64 = np.searchsorted(offsets, letters["start"][at], side="right").astype(np.int64) - 1
    return rows


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
