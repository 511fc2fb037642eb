"""Whom the second look knows: the raw identifiers of a tenant's tables, as hashes in memory and nowhere else (rule 1).

Columns are found by their names, in words of the second look's own: it does not read the engine's classification.
Names count in people's tables only; a company may be called like a person, and is none.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.copies.look_hashes import Hasher, HashSet
from readingroom.copies.look_names import common_words, family_names, given_names
from readingroom.copies.look_patterns import phone_forms
from readingroom.copies.look_text import Block, normal
from readingroom.copies.look_words import MOST_WORDS, split_words

PEOPLE: Final = frozenset({"contact", "lead", "systemuser"})
_EMAIL: Final = re.compile(
    r"mail(?:address)?\d?(?:used)?$|upn$|^domainname$|^userid$|recipient$|contactpoint$", re.IGNORECASE
)
_PHONE: Final = re.compile(r"phone|^fax$|^pager$|mobile|recipient$|contactpoint$", re.IGNORECASE)
_RECORD: Final = re.compile(r"^(?:id|contactid|leadid|systemuserid|azureactivedirectoryobjectid)$", re.IGNORECASE)
_NUMBER: Final = re.compile(r"governmentid|iban$|vat|employeeid|passport|ssn|taxid|nationalid", re.IGNORECASE)
_FULL: Final = frozenset({"fullname", "spousesname", "assistantname", "managername", "yomifullname"})
_ADDRESS: Final = re.compile(r"[^\s@<>,;\"']{1,64}@[^\s@<>,;\"']{1,253}")
_TITLES: Final = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "jr", "sr", "ii", "iii", "iv", "phd", "md"})
_UMLAUTS: Final = str.maketrans(
    {"\u00e4": "ae", "\u00f6": "oe", "\u00fc": "ue", "\u00c4": "Ae", "\u00d6": "Oe", "\u00dc": "Ue"}
)
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_PARTICLES: Final = frozenset(
    ("van", "von", "der", "den", "de", "la", "le", "del", "los", "las", "da", "dos", "di", "du", "mac", "mc", "saint")
) | {"san", "santa", "al", "el", "ben", "bin"}
_SHORTEST_NAME: Final = 5  # letters of a whole name: less is no proof of a person


class Known:
    """The tenant's identifiers. Grows with distinct ones only, eight bytes and a few bits each spelling."""

    def __init__(self) -> None:
        self.hasher = Hasher()
        self.emails, self.digests = HashSet(), HashSet()
        self.phones, self.numbers, self.records = HashSet(), HashSet(), HashSet()
        self.parts, self.plain, self.turned, self.joined = HashSet(), HashSet(), HashSet(), HashSet()
        self.given, self.family, self.common = HashSet(), HashSet(), HashSet()
        self._seen = {"email": HashSet(), "phone": HashSet()}
        self.given.add(self.hasher.texts(sorted(given_names())))
        self.family.add(self.hasher.texts(sorted(family_names())))
        self.common.add(self.hasher.texts(sorted(common_words())))

    @property
    def nbytes(self) -> int:
        """What all sets occupy."""
        return sum(value.nbytes for value in vars(self).values() if isinstance(value, HashSet))

    def learn(self, table: str, batch: pa.RecordBatch) -> None:
        """Take in every identifier of a batch of raw rows."""
        for name in batch.schema.names:
            if _EMAIL.search(name):
                self._learn_emails(self._fresh("email", _distinct(batch.column(name))))
            if _PHONE.search(name):
                self._learn_phones(self._fresh("phone", _distinct(batch.column(name))))
            if _NUMBER.search(name):
                numbers = ["".join(c for c in value.lower() if c.isalnum()) for value in _distinct(batch.column(name))]
                self.numbers.add(self.hasher.texts([number for number in numbers if len(number) >= 7]))
            if table.lower() in PEOPLE and _RECORD.match(name):
                ids = [value.strip("{} ").replace("-", "").lower() for value in _distinct(batch.column(name))]
                self.records.add(self.hasher.texts([one for one in ids if len(one) == 32]))
        if table.lower() in PEOPLE:
            self._learn_names(batch)

    def _fresh(self, kind: str, values: Sequence[str]) -> list[str]:
        """The values that were not met before: interactions repeat the same few people for ever."""
        hashes = self.hasher.texts(values)
        new = ~self._seen[kind].has(hashes)
        self._seen[kind].add(hashes[new])
        return [values[at] for at in np.flatnonzero(new).tolist()]

    def _learn_emails(self, values: Sequence[str]) -> None:
        found = sorted({address.lower() for value in values for address in _ADDRESS.findall(value)})
        if not found:
            return
        self.emails.add(self.hasher.texts([folded(address) for address in found]))
        makers = (hashlib.md5, hashlib.sha1, hashlib.sha256)  # as mailing systems write addresses into links
        raw = [address.encode() for address in found]
        self.digests.add(self.hasher.texts([m(one, usedforsecurity=False).hexdigest() for m in makers for one in raw]))

    def _learn_phones(self, values: Sequence[str]) -> None:
        numbers = [value for value in values if "@" not in value]
        self.phones.add(self.hasher.texts([form for value in numbers for form in phone_forms(value)]))

    def _learn_names(self, batch: pa.RecordBatch) -> None:
        columns = {name.lower(): name for name in batch.schema.names}
        given = _texts(batch, columns.get("firstname"))
        middle = _texts(batch, columns.get("middlename"))
        family = _texts(batch, columns.get("lastname"))
        plain: set[tuple[str, ...]] = set()
        turned: set[tuple[str, ...]] = set()
        for person in set(zip(given, middle, family, strict=True)):
            parts = [variants(part) for part in person]
            for number in range(max(map(len, parts))):
                first, between, last = (part[min(number, len(part) - 1)] for part in parts)
                for one in spellings(first, between, last):
                    plain.add(one[0])
                    turned |= set(one[1:])
        for names, at, chosen in ((given, 0, self.given), (family, -1, self.family)):
            single = {split[at] for one in set(names) if (split := split_words(folded(one)))}
            chosen.add(self.hasher.texts(sorted(word for word in single if len(word) > 2)))
        for column in _FULL & set(columns):
            for full in {way for one in set(_texts(batch, columns[column])) for way in variants(one)}:
                words = _proper(full.partition(",")[2] + " " + full.partition(",")[0] if "," in full else full)
                plain.add(words)
                turned.add((words[-1], *words[:-1]) if words else ())
        self._add_names(self.plain, plain, joined=True)
        self._add_names(self.turned, turned, joined=False)

    def _add_names(self, chosen: HashSet, names: set[tuple[str, ...]], *, joined: bool) -> None:
        for size in range(2, MOST_WORDS + 1):
            rows = sorted(one for one in names if len(one) == size and _is_name(one))
            columns = [self.hasher.texts(column) for column in zip(*rows, strict=True)]
            if columns:
                chosen.add(self.hasher.chain(*columns))
                for column in columns:
                    self.parts.add(column)
            if joined:
                whole = ["".join(one) for one in rows if min(map(len, one)) >= 3 and sum(map(len, one)) >= 9]
                self.joined.add(self.hasher.texts(whole))


def spellings(given: str, middle: str, family: str) -> Iterator[tuple[tuple[str, ...], ...]]:
    """Each way to write a person's name in words: in order, then turned round (family name first)."""
    first, between, last = _proper(given), _proper(middle), _proper(family)
    if not first or not last:
        return
    families = {last, last[:1], last[-1:], ("".join(last),)}  # of a double one each, and Mac X without its blank
    for front in {first, first[:1], (*first, *between)}:
        for back in families - {(particle,) for particle in _PARTICLES}:
            yield (*front, *back), (*back, *front)


def variants(text: str) -> tuple[str, ...]:
    """A name in normal form as it is, with umlauts written out, and parted at its inner capitals."""
    written_out = folded_case(text.translate(_UMLAUTS))
    plain = folded_case(text)
    return tuple(dict.fromkeys((plain.lower(), written_out.lower(), _CAMEL.sub(" ", plain).lower())))


def folded_case(text: str) -> str:
    """A text in the second look's normal form, case kept."""
    return normal(Block(text.replace("\0", " ") + "\0", np.zeros(1, np.int64)))[:-1].decode()


def folded(text: str) -> str:
    """A text in the second look's normal form, in small letters."""
    return folded_case(text).lower()


def _proper(text: str) -> tuple[str, ...]:
    words = tuple(word for word in split_words(text) if word not in _TITLES)
    return words[:MOST_WORDS]


def _is_name(words: tuple[str, ...]) -> bool:
    """Enough letters to be proof: no initials, and not two of the commonest words."""
    long = [word for word in words if len(word) >= 2]
    return len(long) == len(words) and sum(map(len, words)) >= _SHORTEST_NAME and len(set(words)) > 1


def _texts(batch: pa.RecordBatch, column: str | None) -> list[str]:
    if column is None:
        return [""] * batch.num_rows
    values = batch.column(column)
    cells: list[str] = pc.fill_null(values.cast(pa.large_string()), "").to_pylist()
    return cells


def _distinct(column: pa.Array) -> list[str]:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        return []
    return [value for value in pc.unique(column.cast(pa.large_string())).to_pylist() if value]
