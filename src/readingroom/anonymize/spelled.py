"""People and values as the numbers of their spellings: what a text is searched for, without a letter of it.

Rule 1: nothing here is kept: rows come in, numbers go out; so rows can be spelled in any process, in any order.
Rule 2: a person is told by 64 bits of a keyed digest: of the record id, else of the first identifier there is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from readingroom.anonymize.beginnings import U32, spots_of
from readingroom.anonymize.kernels import I32, U16, U64, hash_strings, pack, secret_of
from readingroom.anonymize.normalize import normalize, tag_of_normal
from readingroom.anonymize.pseudonyms import TEXT_DIGITS, Pseudonyms
from readingroom.anonymize.spellings import (
    FULL,
    ID,
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


class SpelledPeople(NamedTuple):
    """People as numbers; `owners` says for each spelling whose it is, by the place in the other three."""

    digests: U64
    suffixes: U64
    tags: npt.NDArray[np.uint8]  # zeros: no record
    spelled: Spelled
    owners: I32


def spell_people(tag_key: bytes, pseudonyms: Pseudonyms, rows: Iterable[Mapping[str, Any]]) -> SpelledPeople:
    """Every spelling of the people in `rows` (fields as in `identities.PEOPLE`); who has none is not among them."""
    digests: list[bytes] = []
    suffixes: list[int] = []
    tags: list[bytes] = []
    texts: list[str] = []
    kinds: list[int] = []
    owners: list[int] = []
    for row in rows:
        found = set(_spellings(row))
        if not found:
            continue
        texts += [text for text, _ in found]
        kinds += [kind for _, kind in found]
        owners += [len(digests)] * len(found)
        record = row.get("record_id")
        kind, value = ("record", normalize("record", record)) if record else _identity(row)
        told = f"{kind}\0{value}".encode("utf-8", "replace")
        digests.append(hashlib.blake2b(told, key=tag_key[:64], digest_size=8).digest())
        suffixes.append(int(pseudonyms.digest(kind, value)[:TEXT_DIGITS], 16))
        tags.append(tag_of_normal(tag_key, "record", value) if record else bytes(16))
    data, offsets = pack(texts)
    spots = spots_of(data, offsets, secret_of(tag_key, b"known"))
    return SpelledPeople(
        np.frombuffer(b"".join(digests), np.uint64),
        np.array(suffixes, np.uint64),
        np.frombuffer(b"".join(tags), np.uint8).reshape(-1, 16),
        Spelled(hash_strings(data, offsets), np.array(kinds, np.uint16), spots),
        np.array(owners, np.int32),
    )


def _identity(row: Mapping[str, Any]) -> tuple[str, str]:
    """What tells people without a record apart: an e-mail address, a phone, else the name."""
    for kind, values in (("email", row.get("emails")), ("phone", row.get("phones"))):
        for value in values or ():
            if value:
                return kind, normalize(kind, value)
    full = row.get("full") or f"{row.get('given') or ''} {row.get('family') or ''}"
    return "name", normalize("name", full)


def _spellings(row: Mapping[str, Any]) -> Iterator[Spelling]:
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
