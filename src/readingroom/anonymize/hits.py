"""Who a finding is: its placeholder, and the tags of everybody it may be.

Rule 1: an ambiguous finding carries the tags of all its candidates (erasure over-erases, and says so); of a lone name
those linked to the row count alone, if there are any.
Rule 2: only distinct values are hashed; none outlives the block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize import spans
from readingroom.anonymize.digests import Messages, digests, hex_digits, keyed
from readingroom.anonymize.kernels import I32, I64, U8, U64, kernel, pack
from readingroom.anonymize.known import Known, entries_of
from readingroom.anonymize.linked import Near, nearest
from readingroom.anonymize.normalize import TAG_BYTES, TAG_TYPE
from readingroom.anonymize.pseudonyms import TEXT_DIGITS, Pseudonyms
from readingroom.anonymize.same import Same, hash_texts, tell_apart
from readingroom.anonymize.spans import KINDS, LABELS, PLAIN, Bools
from readingroom.anonymize.spellings import FULL
from readingroom.anonymize.splice import Placeholders, Written
from readingroom.anonymize.tokens import Records
from readingroom.anonymize.values import TAG_KINDS, worth_of
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
_TAGLESS = {spans.HOST, spans.SECRET, spans.ORG, spans.IP}
_IS_TAGGED = np.isin(np.arange(len(KINDS)), [kind for kind in TAG_KINDS if kind not in _TAGLESS])
_LABELS = tuple(dict.fromkeys(LABELS))
_LABEL_OF = np.array([_LABELS.index(label) for label in LABELS], np.int64)
_BARE = 1 << 32  # instead of eight hex digits: none
_SUFFIX_BITS = 33
_ENTRY_AT, _PERSON_AT = 5, 36  # bits of what tells findings with the same letters apart: kind, entry, person
_LABEL_TEXTS = pack([f"[{label}" for label in _LABELS])
LONGEST_PLACEHOLDER = max(map(len, _LABELS)) + TEXT_DIGITS + 3
_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_LOW_LINE, _CLOSED = ord("_"), ord("]")
_KINDS = pa.array(KINDS, pa.string())
Tags = npt.NDArray[np.uint8]


class _Distinct(NamedTuple):
    """Distinct findings: the kind and the message of each; and pairs of finding and person, by finding."""

    kinds: I64
    messages: Messages
    owner: I64
    people: I64


@dataclass(frozen=True)
class Hits:
    """Findings, which of them are shown and not plain, and the people linked to each row of the block."""

    letters: Letters
    found: Records
    seen: Bools
    near: Near

    def rows(self, which: I64 | I32) -> I64:
        """The row of each of the findings `which`."""
        return rows_at(self.letters, self.found["start"][which], self.near.offsets)


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
        order = np.argsort(written.start[owner[which]], kind="stable")  # rows follow one another
        at = owner[which[order]]
        row = self.hits.rows(at)
        columns = [
            pa.array(row, pa.int32()),
            pa.array(written.start[at] - written.rows[row], pa.int32()),
            pa.array(written.end[at] - written.rows[row], pa.int32()),
            _KINDS.take(pa.array(self.hits.found["kind"][at])),
            _tag_array(tags[order], order >= len(plain)),
            pa.repeat(pa.scalar("span", pa.string()), len(which)),
        ]
        return pa.Table.from_arrays(columns, schema=SPANS)

    def counts(self, written: Written, owner: I32) -> I64:
        """How many placeholders of each of the KINDS are shown."""
        shown = (written.start >= 0) & (owner == np.arange(len(owner)))
        found: I64 = np.bincount(self.hits.found["kind"][shown], minlength=len(KINDS)).astype(np.int64)
        return found


class Identify:
    """Gives findings their names."""

    def __init__(self, known: Known, pseudonyms: Pseudonyms, tag_key: bytes) -> None:
        self._known = known
        self._pseudonyms = pseudonyms
        self._tag_state = keyed(tag_key, b"subject-tag")
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
        """Placeholders and tags of the findings that are shown; each distinct finding is worked out once."""
        kinds = hits.found["kind"]
        others = np.flatnonzero(hits.seen)
        people = self._people(hits, others)
        first, which = _distinct(hits, others, people)
        distinct = self._read(hits, others[first], people[first])
        numbers = kinds.copy()  # of plain ones a text for each kind, then one for each distinct finding
        numbers[others] = len(KINDS) + which
        texts = np.concatenate([_LABEL_OF << _SUFFIX_BITS | _BARE, self._shown(distinct)])
        tags, borders = self._tags(distinct)
        counts = np.diff(borders)[which]
        index = np.repeat(borders[which] - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        return Named(hits, _placeholders(texts, numbers), np.repeat(others, counts), tags[index])

    def _read(self, hits: Hits, which: I64, people: I32) -> _Distinct:
        """What there is to say about distinct findings."""
        kinds = hits.found["kind"][which].astype(np.int64)
        worth = worth_of(hits.letters, hits.found[which])
        entries = self._entries(hits, which, worth.hashes)
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
        return _Distinct(kinds, worth.messages, owner[order], candidates)

    def _people(self, hits: Hits, which: I64) -> I32:
        """Of lone names: who near the row has it, or -1."""
        found = hits.found[which]
        entries = np.where(found["kind"] == spans.NAME, found["entry"], -1).astype(np.int32)
        return nearest(hits.rows(which), entries, self._known.entries, hits.near)

    def _entries(self, hits: Hits, which: I64, hashes: U64) -> I32:
        """The known spelling of each finding: as matched, or by the value of an e-mail address or a GUID."""
        entries = hits.found["entry"][which].astype(np.int32)
        kinds = hits.found["kind"][which]
        open_ = np.flatnonzero(((kinds == spans.EMAIL) | (kinds == spans.RECORD)) & (entries < 0))
        entries[open_] = entries_of(self._known, hashes[open_])
        return entries

    def _shown(self, distinct: _Distinct) -> I64:
        """The label and the digits of each distinct finding, as one number."""
        kinds, messages, owner, people = distinct
        count = np.bincount(owner, minlength=len(kinds))
        digits = np.full(len(kinds), _BARE, np.int64)
        digits[owner] = self._suffixes[people]
        hashed = np.flatnonzero((count != 1) & ~PLAIN[kinds])
        digits[(count > 1) & PLAIN[kinds]] = _BARE
        digits[hashed] = hex_digits(digests(self._pseudonyms.keyed, messages, hashed))
        return _LABEL_OF[kinds] << _SUFFIX_BITS | digits

    def _tags(self, distinct: _Distinct) -> tuple[Tags, I64]:
        """The tags of each distinct finding, its candidates' first, and the borders between findings."""
        kinds, messages, owner, people = distinct
        known = self._has_record[people]
        owner, people = owner[known], people[known]
        hashed: I64 = np.flatnonzero(_IS_TAGGED[kinds])
        own = digests(self._tag_state, messages, hashed).view(np.uint8).reshape(-1, TAG_BYTES)
        owner = np.concatenate([owner, hashed])
        order = np.argsort(owner, kind="stable")
        tags = np.concatenate([self._known.tags[people], own])[order]
        return tags, np.searchsorted(owner[order], np.arange(len(kinds) + 1)).astype(np.int64)


def _tag_array(tags: Tags, valid: np.ndarray) -> pa.Array:
    bits = pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(TAG_TYPE, len(tags), [bits, pa.py_buffer(np.ascontiguousarray(tags))])


def _distinct(hits: Hits, which: I64, people: I32) -> Same:
    """Findings numbered by kind, text, entry and person."""
    found = hits.found[which]
    salts = found["kind"] | (found["entry"] + np.int64(1)) << _ENTRY_AT | (people + np.int64(1)) << _PERSON_AT
    return tell_apart(hash_texts(hits.letters, found, salts.astype(np.uint64)))


@kernel
def _write_placeholders(shown: I64, labels: tuple[U8, I64], made: tuple[U8, I64]) -> None:
    (data, borders), (out, offsets) = labels, made
    at = 0
    for i in range(len(shown)):
        label = shown[i] >> _SUFFIX_BITS
        for k in range(borders[label], borders[label + 1]):
            out[at] = data[k]
            at += 1
        if not shown[i] & _BARE:
            out[at] = _LOW_LINE
            at += 1
            for k in range(TEXT_DIGITS - 1, -1, -1):
                digit = (shown[i] >> (4 * k)) & 15
                out[at] = _DIGITS[digit]
                at += 1
        out[at] = _CLOSED
        at += 1
        offsets[i + 1] = at


def _placeholders(shown: I64, numbers: I32) -> Placeholders:
    """The text of each label and its digits, such as `[PERSON_7f3a2c91]`, and which each finding shows."""
    offsets = np.zeros(len(shown) + 1, np.int64)
    data = np.empty(len(shown) * LONGEST_PLACEHOLDER + 1, np.uint8)
    _write_placeholders(shown, _LABEL_TEXTS, (data, offsets))
    return Placeholders(data[: offsets[-1]], offsets, numbers)


def rows_at(letters: Letters, at: np.ndarray, offsets: I64) -> I64:
    """The row of each letter."""
    rows: I64 = np.searchsorted(offsets, letters.start[at], side="right").astype(np.int64) - 1
    return rows
