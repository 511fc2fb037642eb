"""Findings with proof: what the scan suspects is proved, once per distinct text.

Rule 1: a finding is what its check digit, its checksum, its plan or its grammar accepts (proofs_*.py), nothing else.
Rule 2: case is what the letters of the view say, so look-alikes and escapes are read as letters.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from readingroom.anonymize import proofs_ids as ids
from readingroom.anonymize import proofs_phones, spans
from readingroom.anonymize import proofs_places as places
from readingroom.anonymize import proofs_scan as scan
from readingroom.anonymize import proofs_secrets as secrets
from readingroom.anonymize.kernels import Table, empty_table, fill, hash_words
from readingroom.anonymize.proofs_nets import is_ipv6, is_mac
from readingroom.anonymize.remembered import Remembered
from readingroom.anonymize.tokens import Records, Tokens
from readingroom.anonymize.views import Letters

Proof = tuple[int, int, int, str]  # start and end in the candidate, kind, name
BIRTH_WORDS: tuple[str, ...] = (
    "dob",
    "birth",
    "born",
    "birthdate",
    "birthday",
    "geboren",
    "geburtsdatum",
    "geb",
    "naissance",
    "nacimiento",
)
BIRTH_WORDS += ("nascita", "geboortedatum", "nato", "nata")
_WHAT_AT = 12  # of what tells candidates of one text apart: what they may be, and the number of the word
_SMALL = (*places.FR_WORDS, *places.ES_WORDS, *places.IT_WORDS)
_STREETS = (*places.EN_WORDS, *places.DE_WORDS, *places.NL_WORDS, *_SMALL)


@cache
def _bits() -> dict[str, int]:
    """Every word that announces something, and how."""
    bits: dict[str, int] = {}
    for words, bit in (
        (ids.WORDS, scan.WITH_DIGIT),
        (("bic", "swift"), scan.ANYWHERE),
        ((*proofs_phones.WORDS, *BIRTH_WORDS), scan.WITH_DIGIT),
        ((*secrets.PASSWORD_WORDS, *secrets.TOKEN_WORDS), scan.ASSIGNED),
        (secrets.TRACKING_WORDS, scan.TRACKED),
        (_STREETS, scan.IN_STREET),
        (_SMALL, scan.SMALL_STREET),
        (places.STATES, scan.STATE),
    ):
        for word in words:
            bits[word] = bits.get(word, 0) | bit
    return dict(sorted(bits.items()))


@cache
def _words() -> tuple[str, ...]:
    return tuple(_bits())


@cache
def _tables() -> tuple[Table, Table]:
    """The words with their numbers and bits, and the endings of streets."""
    words, suffixes = empty_table(len(_bits())), empty_table(len(places.SUFFIXES))
    values = np.array([bits | number for number, bits in enumerate(_bits().values())], np.int32)
    fill(words, hash_words(list(_words())), values)
    fill(suffixes, hash_words(list(places.SUFFIXES)), np.ones(len(places.SUFFIXES), np.int32))
    return words, suffixes


def find_proofs(letters: Letters, tokens: Tokens) -> Records:
    """What can be proved in the view, as findings."""
    found = _candidates(letters, tokens)
    return _proofs(letters, found, found["what"].astype(np.int64) << _WHAT_AT | found["arg"])


def _candidates(letters: Letters, tokens: Tokens) -> Records:
    words = np.empty(3 * len(tokens.parts) + 2, scan.CANDIDATE)
    words = words[: scan.scan_words(letters, tokens.parts, *_tables(), words)]
    runs = np.empty(len(letters.folded) + 8, scan.CANDIDATE)
    runs = runs[: scan.scan_runs(letters, tokens.parts, runs)]
    return np.concatenate([words, runs])


def prove(what: int, arg: int, text: str) -> list[Proof]:
    """What a candidate is."""
    return list(_PROVERS[what](arg, text))


def _after(arg: int, text: str) -> list[Proof]:
    word = _words()[arg]
    found: list[Proof] = []
    if hit := ids.id_after(word, text):
        found.append((hit[0], hit[1], spans.ID, hit[2]))
    if word in proofs_phones.WORDS and (span := proofs_phones.phone_after(text)):
        found.append((*span, spans.PHONE, "phone"))
    if word in BIRTH_WORDS and (span := places.birthdate_after(text)):
        found.append((*span, spans.DATE, "birthdate"))
    if _bits()[word] & (scan.ASSIGNED | scan.TRACKED) and (span := secrets.secret_after(word, text)):
        found.append((*span, spans.SECRET, "secret"))
    return found


def _street(arg: int, text: str) -> list[Proof]:
    span = places.street_in(text, arg)
    return [(*span, spans.ADDRESS, "street")] if span else []


def _zip(_: int, text: str) -> list[Proof]:
    return [(0, len(text), spans.ADDRESS, "us_zip")]


def _key(_: int, text: str) -> list[Proof]:
    if secrets.is_key(text):
        return [(0, len(text), spans.SECRET, "key")]
    return [(0, len(text), spans.SECRET, "wallet")] if secrets.is_wallet(text) else _run(_, text)


def _run(_: int, text: str) -> list[Proof]:
    low = text.lower()
    if is_mac(low):
        return [(0, len(text), spans.ID, "mac")]
    name = ids.id_of_run(low)
    return [(0, len(text), spans.ID, name)] if name else []


def _postcode(_: int, text: str) -> list[Proof]:
    return [(0, len(text), spans.ADDRESS, "gb_postcode")] if places.is_postcode(text) else []


def _net(_: int, text: str) -> list[Proof]:
    low = text.lower()
    if is_mac(low):
        return [(0, len(text), spans.ID, "mac")]
    bare = low.rstrip(":") if not low.endswith("::") else low
    return [(0, len(bare), spans.IP, "ipv6")] if is_ipv6(bare) else []


def _pair(_: int, text: str) -> list[Proof]:
    span = places.coordinates_in(text)
    return [(*span, spans.ADDRESS, "coordinates")] if span else []


def _credentials(_: int, text: str) -> list[Proof]:
    return [(0, len(text), spans.SECRET, "credentials")]


_PROVERS: dict[int, Callable[[int, str], list[Proof]]] = {
    scan.AFTER: _after,
    scan.STREET: _street,
    scan.ZIP: _zip,
    scan.KEY: _key,
    scan.RUN: _run,
    scan.POSTCODE: _postcode,
    scan.NET: _net,
    scan.PAIR: _pair,
    scan.CREDENTIALS: _credentials,
}


def _proved(salt: int, text: bytes) -> list[tuple[int, int, int]]:
    """What a candidate is; the salt says what it may be, and the number of its word."""
    return [proof[:3] for proof in prove(salt >> _WHAT_AT, salt & scan.NUMBERED, text.decode("latin-1"))]


_proofs = Remembered(_proved, cased=True)
