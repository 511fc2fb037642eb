"""Known identifiers: every spelling of everybody in the tenant's own tables, as keyed hashes.

Rule 1: after `build` nothing but keyed hashes, tags and pseudonym digits is held: no name, no address.
Rule 2: one hash may stand for many people; it carries them all, and whoever matches it is told so.
Rule 3: at most 100 bytes per distinct spelling (the report says how many).
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.beginnings import U32, Beginnings, add_whole, beginnings, spots_of
from readingroom.anonymize.kernels import (
    I32,
    U16,
    U64,
    Table,
    empty_table,
    find,
    hash_strings,
    kernel,
    look_up,
    mix,
    pack,
    place,
    secret_of,
    signed,
)
from readingroom.anonymize.lexicon import WORD, lexicon
from readingroom.anonymize.normalize import normalize, tag_of_normal
from readingroom.anonymize.numbering import Numbering
from readingroom.anonymize.pseudonyms import TEXT_DIGITS, Pseudonyms
from readingroom.anonymize.spellings import (
    AMBIGUOUS,
    FULL,
    HANDLE,
    ID,
    INITIAL,
    ORG,
    PersonName,
    Spelling,
    address_spellings,
    birthdate_spellings,
    email_spellings,
    id_spellings,
    name_spellings,
    organization_spellings,
    phone_spellings,
    split_full,
    squash,
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


class Spelled(NamedTuple):
    """The spellings of one value as numbers: no letter of it. `spots` are of use with the one tag key only."""

    hashes: U64
    kinds: U16
    spots: U32

    def pack(self) -> bytes:
        """As bytes, for whoever keeps them (encrypted: short values could be guessed from hashes)."""
        return b"".join(
            len(part).to_bytes(4, "little") + part
            for part in (self.hashes.tobytes(), self.kinds.tobytes(), self.spots.tobytes())
        )

    @classmethod
    def unpack(cls, data: bytes) -> Spelled:
        """What `pack` made."""
        parts, at = [], 0
        for _ in cls._fields:
            size = int.from_bytes(data[at : at + 4], "little")
            parts.append(data[at + 4 : at + 4 + size])
            at += 4 + size
        return cls(
            np.frombuffer(parts[0], np.uint64), np.frombuffer(parts[1], np.uint16), np.frombuffer(parts[2], np.uint32)
        )


def spell(tag_key: bytes, kind: str, value: str) -> Spelled:
    """Every spelling of one value, hashed: an address, a number, an id, a name or any other words."""
    field = {"email": "emails", "upn": "emails", "phone": "phones", "record": "ids", "visitor": "ids"}.get(kind)
    found = set(_spellings({field: [value]} if field else {"full": value}))
    whole = squash(value)
    if len(whole) > 1 and kind not in {"email", "upn"}:
        found.add((whole, FULL if field is None else ID))  # a lone word counts as a whole name, too
    texts = sorted(found)
    data, offsets = pack([text for text, _ in texts])
    kinds = np.array([kind for _, kind in texts], np.uint16)
    return Spelled(hash_strings(data, offsets), kinds, spots_of(data, offsets, secret_of(tag_key, b"known")))


class KnownBuilder:
    """Collects people, batch by batch; forgets what they are called as soon as it is hashed."""

    def __init__(self, tag_key: bytes, pseudonym_key: bytes) -> None:
        self._tag_key = tag_key
        self._pseudonyms = Pseudonyms(pseudonym_key)
        self._people = Numbering()
        self._tags = bytearray()
        self._suffixes = array("Q")
        self._hashes: list[U64] = []
        self._kinds: list[U16] = []
        self._owners: list[I32] = []
        self._secret = secret_of(tag_key, b"known")
        self._spots: list[U32] = []

    def add_people(self, records: pa.RecordBatch) -> None:
        """Take in people (columns: record_id, kind, given, middle, family, full, nick, emails, phones, …)."""
        texts: list[str] = []
        kinds: list[int] = []
        owners: list[int] = []
        for row in records.to_pylist():
            found = set(_spellings(row))
            if found:
                owner = self._person(row)
                texts += [text for text, _ in found]
                kinds += [kind for _, kind in found]
                owners += [owner] * len(found)
        if texts:
            data, offsets = pack(texts)
            self._hashes.append(hash_strings(data, offsets))
            self._spots.append(spots_of(data, offsets, self._secret))
            self._kinds.append(np.array(kinds, np.uint16))
            self._owners.append(np.array(owners, np.int32))

    def add_spelled(self, tag: bytes, spelled: Spelled) -> None:
        """Take in one value as `spell` left it under the same tag key: whose it is, is not known."""
        self._hashes.append(spelled.hashes)
        self._spots.append(spelled.spots)
        self._kinds.append(spelled.kinds)
        self._owners.append(np.full(len(spelled.hashes), len(self._suffixes), np.int32))
        self._suffixes.append(int(self._pseudonyms.digest("flagged", tag.hex())[:TEXT_DIGITS], 16))
        self._tags += bytes(16)

    def _person(self, row: dict[str, Any]) -> int:
        """The number of a person: by record id, else by the first identifier there is."""
        record = row.get("record_id")
        kind, value = ("record", normalize("record", record)) if record else _identity(row)
        key = hashlib.blake2b(f"{kind}\0{value}".encode("utf-8", "replace"), key=self._tag_key[:64], digest_size=8)
        number = self._people.number(key.digest(), len(self._suffixes))
        if number == len(self._suffixes):
            self._suffixes.append(int(self._pseudonyms.digest(kind, value)[:TEXT_DIGITS], 16))
            self._tags += tag_of_normal(self._tag_key, "record", value) if record else bytes(16)
        return number

    def build(self) -> Known:
        """The finished table; the builder is empty afterwards."""
        self._people = Numbering()
        begin = beginnings(self._spots, self._secret, spellings=sum(map(len, self._hashes)))
        self._spots = []
        none = np.zeros(0, np.uint64)
        hashes = np.concatenate([none, *self._hashes])
        kinds = np.concatenate([none.astype(np.uint16), *self._kinds])
        owners = np.concatenate([none.astype(np.int32), *self._owners])
        self._hashes, self._kinds, self._owners = [], [], []
        part_of = (hashes >> np.uint64(60)).astype(np.uint8)
        parts = []
        for part in range(16):  # sixteen sorts of a sixteenth each: what sorting needs is small
            chosen = np.flatnonzero(part_of == part)
            parts.append(_sorted_part(hashes[chosen], kinds[chosen], owners[chosen]))
        del hashes, kinds, owners, part_of
        distinct, joined, counts, people = (np.concatenate(column) for column in zip(*parts, strict=True))
        del parts
        add_whole(begin, distinct)
        first = np.zeros(len(distinct) + 1, np.int32)
        np.cumsum(counts, out=first[1:])
        common = look_up(lexicon(), distinct) & WORD != 0
        joined[common & (joined & (FULL | INITIAL | HANDLE | ORG) != 0)] |= AMBIGUOUS
        table = empty_table(len(distinct), self._secret, dense=True)
        _number(table, distinct)
        tags = np.frombuffer(bytes(self._tags), np.uint8).reshape(-1, 16)
        entries = Entries(joined, first, people)
        known = Known(Spellings(table, entries, begin), People(tags, np.array(self._suffixes, np.uint64)))
        self._tags, self._suffixes = bytearray(), array("Q")
        return known


def _sorted_part(hashes: U64, kinds: U16, owners: I32) -> tuple[U64, U16, I32, I32]:
    """Distinct spellings in order: the hash, the kinds and how many people have it; and all the people, in order."""
    order = np.lexsort((owners, hashes))
    hashes, kinds, owners = hashes[order], kinds[order], owners[order]
    new = np.ones(len(hashes), bool)
    new[1:] = hashes[1:] != hashes[:-1]
    entry = np.cumsum(new) - 1
    joined = np.zeros(int(new.sum()), np.uint16)
    np.bitwise_or.at(joined, entry, kinds)
    fresh = np.ones(len(hashes), bool)
    fresh[1:] = new[1:] | (owners[1:] != owners[:-1])
    counts = np.bincount(entry[fresh], minlength=len(joined)).astype(np.int32)
    return hashes[new], joined, counts, owners[fresh]


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


def _identity(row: dict[str, Any]) -> tuple[str, str]:
    """What tells people without a record apart: an e-mail address, a phone, else the name."""
    for kind, values in (("email", row.get("emails")), ("phone", row.get("phones"))):
        for value in values or ():
            if value:
                return kind, normalize(kind, value)
    full = row.get("full") or f"{row.get('given') or ''} {row.get('family') or ''}"
    return "name", normalize("name", full)


def _spellings(row: dict[str, Any]) -> Iterator[Spelling]:
    """Everything that row says about one person, spelled out."""
    full = row.get("full") or ""
    if row.get("kind") == "account":
        yield from organization_spellings(full)
    else:
        name = PersonName(*(row.get(part) or "" for part in ("given", "middle", "family", "nick")))
        if full and not (name.given and name.family):
            name = PersonName(*split_full(full), nick=name.nick)
        yield from name_spellings(name)
    for values, spell in (("emails", email_spellings), ("phones", phone_spellings), ("ids", id_spellings)):
        for value in row.get(values) or ():
            if value:
                yield from spell(value)
    if row.get("address"):
        yield from address_spellings(row["address"])
    if row.get("birthdate"):
        yield from birthdate_spellings(row["birthdate"])
    if row.get("record_id"):
        yield from id_spellings(row["record_id"])
