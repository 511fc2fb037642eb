"""Who a finding is: its placeholder, and the tags of everybody it may be.

Rule 1: an ambiguous finding carries the tags of all its candidates (erasure over-erases, and says so); of a lone name
those linked to the row count alone, if there are any.
Rule 2: only distinct values are hashed; none outlives the block.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize import spans
from readingroom.anonymize.forms import texts_of
from readingroom.anonymize.kernels import I32, I64, hash_words
from readingroom.anonymize.known import Known, entries_of
from readingroom.anonymize.names import Near, nearest
from readingroom.anonymize.normalize import TAG_BYTES, TAG_TYPE, normalize
from readingroom.anonymize.pseudonyms import TEXT_DIGITS, Pseudonyms
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
_TAGGED = [kind for kind in _TAG_KINDS if kind not in _TAGLESS]
_AS_WRITTEN = {"name", "id", "iban", "address"}  # kinds whose normal form of letters and digits alone is themselves
_LABELS = tuple(dict.fromkeys(LABELS))
_LABEL_OF = np.array([_LABELS.index(label) for label in LABELS], np.int64)
_BARE = 1 << 32  # instead of eight hex digits: none
_SUFFIX_BITS = 33
Tags = npt.NDArray[np.uint8]


class _Distinct(NamedTuple):
    """Distinct findings: kind and normal form of each; and pairs of finding and person, by finding."""

    kinds: I64
    values: list[str]
    owner: I64
    people: I64


@dataclass(frozen=True)
class Hits:
    """Findings with the row of each, and the people linked to each row of the block."""

    letters: Letters
    found: Records
    rows: I64
    near: Near


@dataclass(frozen=True)
class Named:
    """Placeholders of findings, and tags: parallel arrays of finding and tag (a row of 16 bytes)."""

    hits: Hits
    placeholders: Placeholders
    tagged: I64
    tags: Tags

    def spans(self, written: Written, owner: I32) -> pa.Table:
        """Where every placeholder stands in its new cell, one row per tag (a null tag: nobody to tag)."""
        shown = written.start[owner] >= 0
        bare = np.ones(len(owner), bool)
        bare[self.tagged] = False
        plain = np.flatnonzero(bare & shown & (owner == np.arange(len(owner))))
        tagged = np.flatnonzero(shown[self.tagged])
        which = np.concatenate([plain, self.tagged[tagged]]).astype(np.int64)
        tags = np.concatenate([np.zeros((len(plain), TAG_BYTES), np.uint8), self.tags[tagged]])
        at = owner[which]
        row = self.hits.rows[at]
        order = np.lexsort((written.start[at], row))
        at, row = at[order], row[order]
        columns = [
            pa.array(row, pa.int32()),
            pa.array(written.start[at] - written.rows[row], pa.int32()),
            pa.array(written.end[at] - written.rows[row], pa.int32()),
            pa.array(KINDS).take(pa.array(self.hits.found["kind"][at])).cast(pa.string()),
            _tag_array(tags[order], order >= len(plain)),
            pa.repeat(pa.scalar("span", pa.string()), len(which)),
        ]
        return pa.Table.from_arrays(columns, schema=SPANS)


class Identify:
    """Gives findings their names."""

    def __init__(self, known: Known, pseudonyms: Pseudonyms, tag_key: bytes) -> None:
        self._known = known
        self._pseudonyms = pseudonyms
        self._tag_key = tag_key
        self._suffixes = known.suffixes.astype(np.int64)
        self._has_record = np.asarray(known.tags.any(axis=1), np.bool_)

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
        row, person = np.concatenate(rows), np.concatenate(people)
        pairs = np.sort((row * (self._known.ids + 1) + person)[person >= 0])
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
        row, person = np.divmod(pairs, self._known.ids + 1)
        return Near(offsets, np.searchsorted(row, np.arange(len(offsets))).astype(np.int64), person)

    def name(self, hits: Hits) -> Named:
        """Placeholders and tags of all findings; each distinct finding is worked out once."""
        kinds = hits.found["kind"]
        others = np.flatnonzero(~(np.isin(kinds, _PLAIN) & (hits.found["entry"] < 0)))
        people = self._people(hits, others)
        first, which = _distinct(hits, others, people)
        distinct = self._read(hits, others[first], people[first])
        shown = _LABEL_OF[kinds] << _SUFFIX_BITS | _BARE
        shown[others] = self._shown(distinct)[which]
        tags, borders = self._tags(distinct)
        counts = np.diff(borders)[which]
        index = np.repeat(borders[which] - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        return Named(hits, _placeholders(shown), np.repeat(others, counts), tags[index])

    def _read(self, hits: Hits, which: I64, people: I32) -> _Distinct:
        """What there is to say about distinct findings."""
        kinds = hits.found["kind"][which].astype(np.int64)
        values = self._values(hits, which)
        entries = self._entries(hits, which, values)
        first = self._known.entries.first
        counts = np.where(entries >= 0, first[entries + 1] - first[entries], 0).astype(np.int64)
        counts[counts > MOST_CANDIDATES] = 0
        index = np.repeat(first[entries] - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        candidates = self._known.entries.people[index]
        owner = np.repeat(np.arange(len(which)), counts)
        near = np.flatnonzero(people >= 0)
        far = people[owner] < 0
        owner = np.concatenate([owner[far], near])
        order = np.argsort(owner, kind="stable")
        candidates = np.concatenate([candidates[far], people[near]])[order].astype(np.int64)
        return _Distinct(kinds, values, owner[order], candidates)

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

    def _shown(self, distinct: _Distinct) -> I64:
        """The label and the digits of each distinct finding, as one number."""
        kinds, values, owner, people = distinct
        count = np.bincount(owner, minlength=len(kinds))
        digits = np.full(len(kinds), _BARE, np.int64)
        digits[owner] = self._suffixes[people]
        hashed = np.flatnonzero((count != 1) & ~np.isin(kinds, _PLAIN))
        digits[(count > 1) & np.isin(kinds, _PLAIN)] = _BARE
        digest = self._pseudonyms.digest
        named = [_TAG_KINDS.get(kind, "text") for kind in range(len(KINDS))]
        digits[hashed] = [
            int(digest(named[kind], values[i])[:TEXT_DIGITS], 16)
            for i, kind in zip(hashed.tolist(), kinds[hashed].tolist(), strict=True)
        ]
        return _LABEL_OF[kinds] << _SUFFIX_BITS | digits

    def _tags(self, distinct: _Distinct) -> tuple[Tags, I64]:
        """The tags of each distinct finding, its candidates' first, and the borders between findings."""
        kinds, values, owner, people = distinct
        known = self._has_record[people]
        owner, people = owner[known], people[known]
        hashed: I64 = np.flatnonzero(np.isin(kinds, _TAGGED))
        base = hashlib.blake2b(key=self._tag_key[:64], digest_size=TAG_BYTES, person=b"subject-tag")
        prefixes = {kind: name.encode() + b"\0" for kind, name in _TAG_KINDS.items()}
        made: list[bytes] = []
        for i, kind in zip(hashed.tolist(), kinds[hashed].tolist(), strict=True):
            state = base.copy()
            state.update(prefixes[kind] + values[i].encode("utf-8", "surrogatepass"))
            made.append(state.digest())
        own = np.frombuffer(b"".join(made), np.uint8).reshape(-1, TAG_BYTES)
        owner = np.concatenate([owner, hashed])
        order = np.argsort(owner, kind="stable")
        tags = np.concatenate([self._known.tags[people], own])[order]
        return tags, np.searchsorted(owner[order], np.arange(len(kinds) + 1)).astype(np.int64)


def _tag_array(tags: Tags, valid: np.ndarray) -> pa.Array:
    bits = pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(TAG_TYPE, len(tags), [bits, pa.py_buffer(np.ascontiguousarray(tags))])


def _distinct(hits: Hits, which: I64, people: I32) -> tuple[I64, I64]:
    """(first of each distinct finding, the number of its distinct finding for each) by kind, text, entry and person."""
    found = hits.found[which]
    codes = texts_of(hits.letters, found).dictionary_encode().indices.to_numpy(zero_copy_only=False)
    texts, _ = _encoded(codes * np.int64(len(KINDS)) + found["kind"])
    who, count = _encoded((found["entry"] + np.int64(1)) * (int(people.max(initial=0)) + 2) + people + 1)
    numbers, count = _encoded(texts * count + who)
    first = np.empty(count, np.int64)
    first[numbers[::-1]] = np.arange(len(numbers) - 1, -1, -1)
    return first, numbers


def _encoded(keys: I64) -> tuple[I64, int]:
    """Keys numbered in order of appearance, and how many there are."""
    encoded = pa.array(keys).dictionary_encode()
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), len(encoded.dictionary)


def _placeholders(shown: I64) -> Placeholders:
    """The text of each label and its digits, such as `[PERSON_7f3a2c91]`; each distinct one is written once."""
    encoded = pa.array(shown).dictionary_encode()
    data = [
        f"[{_LABELS[one >> _SUFFIX_BITS]}]".encode()
        if one & _BARE
        else f"[{_LABELS[one >> _SUFFIX_BITS]}_{one & (_BARE - 1):0{TEXT_DIGITS}x}]".encode()
        for one in encoded.dictionary.to_pylist()
    ]
    offsets = np.zeros(len(data) + 1, np.int64)
    np.cumsum([len(text) for text in data], out=offsets[1:])
    numbers = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32)
    return Placeholders(np.frombuffer(b"".join(data), np.uint8), offsets, numbers)


def rows_at(letters: Letters, at: np.ndarray, offsets: I64) -> I64:
    """The row of each letter."""
    rows: I64 = np.searchsorted(offsets, letters["start"][at], side="right").astype(np.int64) - 1
    return rows


def _normal(kind: int, text: str) -> str:
    tag_kind = _TAG_KINDS.get(kind, "text")
    if tag_kind in _AS_WRITTEN:
        bare = text.replace(" ", "")
        if bare.isascii() and bare.isalnum():  # the view is folded already
            return " ".join(text.split()) if tag_kind == "name" else bare
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
