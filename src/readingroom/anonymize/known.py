"""Known identifiers: every spelling of everybody in the tenant's own tables, as keyed hashes.

Rule 1: after `build` nothing but keyed hashes, tags and pseudonym digits is held: no name, no address.
Rule 2: one hash may stand for many people; it carries them all, and whoever matches it is told so.
Rule 3: at most 100 bytes per distinct spelling (the report says how many).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.beginnings import Beginnings, add_whole, beginnings
from readingroom.anonymize.gathering import PARTS, Gathering, Spots
from readingroom.anonymize.kernels import (
    I32,
    U16,
    U64,
    Table,
    empty_table,
    find,
    kernel,
    look_up,
    mix,
    place,
    secret_of,
    signed,
)
from readingroom.anonymize.lexicon import WORD, lexicon
from readingroom.anonymize.numbering import Numbering
from readingroom.anonymize.pseudonyms import TEXT_DIGITS, Pseudonyms
from readingroom.anonymize.spelled import Spelled, SpelledPeople, spell_people
from readingroom.anonymize.spellings import (
    AMBIGUOUS,
    FULL,
    HANDLE,
    INITIAL,
    ORG,
)


class Entries(NamedTuple):
    """Distinct spellings: kinds[e] and the people[first[e]:first[e + 1]] who have it."""

    kinds: U16
    first: I32
    people: I32


class Spellings(NamedTuple):
    """What the matching reads: the entry of each hash, what the entries are, and how spellings begin."""

    table: Table
    entries: Entries
    begin: Beginnings


class People(NamedTuple):
    """Per person: the record tag (a row of 16 bytes; zeros: no record) and the digits of the pseudonym."""

    tags: npt.NDArray[np.uint8]
    suffixes: U64


class Known:
    """The finished table. `ids` distinct people, `spellings` distinct spellings, `nbytes` held."""

    def __init__(self, spellings: Spellings, people: People) -> None:
        self.by_spelling = spellings
        self.table, self.entries, begin = spellings
        self.tags, self.suffixes = people
        self.ids = len(self.suffixes)
        self.spellings = len(self.entries.kinds)
        begun = _first_half(self.tags)
        self._order = np.flatnonzero(self.tags.any(axis=1)).astype(np.int32)
        self._order = self._order[np.argsort(begun[self._order])]
        self._begun = begun[self._order]
        arrays = (*self.table[:2], *self.entries, *people, begin.bits, self._order, self._begun)
        self.nbytes = sum(array.nbytes for array in arrays)

    def people_of_tags(self, tags: pa.Array) -> I32:
        """The person of each record tag, -1 where unknown."""
        encoded = tags.dictionary_encode()
        asked = np.frombuffer(b"".join(encoded.dictionary.to_pylist()), np.uint8).reshape(-1, 16)
        people = np.full(len(asked) + 1, -1, np.int32)
        if len(self._order):
            at = np.minimum(np.searchsorted(self._begun, _first_half(asked)), len(self._order) - 1)
            same = (self.tags[self._order[at]] == asked).all(axis=1)
            people[:-1][same] = self._order[at][same]
        numbers = pc.fill_null(encoded.indices, len(asked)).to_numpy(zero_copy_only=False)
        found: I32 = people[numbers]
        return found

    def people_of(self, entry: int, *, most: int) -> list[int]:
        """The people who have a spelling; none if they are more than `most`."""
        if entry < 0:
            return []
        first, last = int(self.entries.first[entry]), int(self.entries.first[entry + 1])
        return self.entries.people[first:last].tolist() if last - first <= most else []

    def tag(self, person: int) -> bytes | None:
        """The record tag of a person, if the person has a record."""
        tag = self.tags[person].tobytes()
        return tag if any(tag) else None

    def report(self) -> dict[str, int]:
        """Counts for the copy's report."""
        return {"people": self.ids, "spellings": self.spellings, "bytes": self.nbytes}


def _first_half(tags: npt.NDArray[np.uint8]) -> U64:
    """The first eight bytes of each tag, as one number: tags are keyed hashes, so that tells them apart."""
    return np.ascontiguousarray(tags[:, :8]).view(np.uint64).reshape(-1)


class KnownBuilder:
    """Collects people, batch by batch; forgets what they are called as soon as it is hashed."""

    def __init__(self, tag_key: bytes, pseudonym_key: bytes) -> None:
        self._tag_key = tag_key
        self._pseudonyms = Pseudonyms(pseudonym_key)
        self._people = Numbering()
        self._tags = bytearray()
        self._suffixes = array("Q")
        self._gathering = Gathering()
        self._secret = secret_of(tag_key, b"known")
        self._spots = Spots()

    def add_people(self, records: pa.RecordBatch) -> None:
        """Take in people (columns: record_id, kind, given, middle, family, full, nick, emails, phones, …)."""
        self.add_rows(records.to_pylist())

    def add_rows(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take in people, one a row."""
        self.take_in(spell_people(self._tag_key, self._pseudonyms, rows))

    def take_in(self, some: SpelledPeople) -> None:
        """Take in people as `spell_people` left them, under the same keys."""
        numbers, fresh = self._people.numbers(some.digests, len(self._suffixes))
        self._suffixes.frombytes(some.suffixes[fresh].tobytes())
        self._tags += some.tags[fresh].tobytes()
        self._spots.add(some.spelled.spots)
        self._gathering.add(some.spelled.hashes, some.spelled.kinds, numbers[some.owners])

    def add_spelled(self, tag: bytes, spelled: Spelled) -> None:
        """Take in one value as `spell` left it under the same tag key: whose it is, is not known."""
        self._spots.add(spelled.spots)
        owners = np.full(len(spelled.hashes), len(self._suffixes), np.int32)
        self._gathering.add(spelled.hashes, spelled.kinds, owners)
        self._suffixes.append(int(self._pseudonyms.digest("flagged", tag.hex())[:TEXT_DIGITS], 16))
        self._tags += bytes(16)

    def build(self) -> Known:
        """The finished table; the builder is empty afterwards."""
        self._people = Numbering()
        begin = beginnings(self._spots.take(), self._secret, spellings=self._gathering.count)
        hashes, entries = _entries_in(self._gathering)
        add_whole(begin, hashes)
        table = empty_table(len(hashes), self._secret, dense=True)
        _number(table, hashes)
        del hashes
        tags = np.frombuffer(bytes(self._tags), np.uint8).reshape(-1, 16)
        known = Known(Spellings(table, entries, begin), People(tags, np.array(self._suffixes, np.uint64)))
        self._tags, self._suffixes = bytearray(), array("Q")
        return known


def _entries_in(gathering: Gathering) -> tuple[U64, Entries]:
    """The distinct spellings gathered, and their hashes.

    Room is taken for all of them, before it is known how many are distinct: what is never written takes no memory.
    """
    most = gathering.count
    hashes, kinds, people = np.empty(most, np.uint64), np.empty(most, np.uint16), np.empty(most, np.int32)
    first = np.zeros(most + 1, np.int32)
    at = owned = 0
    for part in range(PARTS):
        some = gathering.take(part)
        end = at + len(some.hashes)
        common = look_up(lexicon(), some.hashes) & WORD != 0
        some.kinds[common & (some.kinds & (FULL | INITIAL | HANDLE | ORG) != 0)] |= AMBIGUOUS
        hashes[at:end], kinds[at:end] = some.hashes, some.kinds
        np.cumsum(some.counts, out=first[at + 1 : end + 1])
        first[at + 1 : end + 1] += np.int32(owned)
        people[owned : owned + len(some.people)] = some.people
        at, owned = end, owned + len(some.people)
    return hashes[:at], Entries(kinds[:at], first[: at + 1], people[:owned])


@kernel
def _number(table: Table, hashes: U64) -> None:
    for i in range(len(hashes)):
        table.values[place(table.keys, mix(hashes[i] ^ table.secret))] = i


@kernel
def entry_of(table: Table, h: np.uint64) -> int:
    """The entry of a polynomial hash, or -1."""
    slot = find(table.keys, mix(h ^ table.secret))
    return signed(table.values[slot]) if slot >= 0 else -1


@kernel
def _entries(table: Table, hashes: U64, out: I32) -> None:
    for i in range(len(hashes)):
        out[i] = entry_of(table, hashes[i])


def entries_of(known: Known, hashes: U64) -> I32:
    """The entry of each polynomial hash, -1 where unknown."""
    out = np.empty(len(hashes), np.int32)
    _entries(known.table, hashes, out)
    return out
