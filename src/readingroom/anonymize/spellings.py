"""Every spelling of a person's identifiers, squashed: folded letters and digits with nothing between them.

Rule 1: what stands between the letters in a text (blanks, dots, hyphens, tags, percent signs) is left to the matcher,
so one squashed spelling covers plain, UPPER, camelCase, file_name, slug, user.name, split by tags and spaced letters.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from readingroom.anonymize.folding import fold
from readingroom.anonymize.lexicon import short_names
from readingroom.anonymize.normalize import normalize, phone_digits

FULL, INITIAL, GIVEN, FAMILY, NICK, ADDRESS, ORG, ID, DIGEST, PHONE, HANDLE, EMAIL, RECORD, AMBIGUOUS, BIRTH = (
    1 << i for i in range(15)
)
LONE = GIVEN | FAMILY | NICK
Spelling = tuple[str, int]

_WORDS = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_TITLES = {"mr", "mrs", "ms", "dr", "prof", "sir", "jr", "sr", "ii", "iii", "phd", "md"}
_PARTICLES = {"van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "du", "la", "le", "el", "al", "bin"}
_SHORT_ADDRESS = 6
_SIGNS = dict.fromkeys(code for code in range(128) if not chr(code).isalnum())


def squash(text: str) -> str:
    """Folded letters and digits only."""
    folded = fold(text)
    return folded.translate(_SIGNS) if folded.isascii() else "".join(c for c in folded if c.isalnum())


def name_words(text: str) -> list[str]:
    """The folded words of a name; an apostrophe joins."""
    return [word.replace("'", "") for word in _WORDS.findall(fold(text))]


class PersonName(NamedTuple):
    """A name as its parts."""

    given: str
    middle: str
    family: str
    nick: str = ""


def name_spellings(name: PersonName) -> set[Spelling]:
    """All spellings of a person's name; umlauts also the German way."""
    found: set[Spelling] = set()
    variants = {(name.given, name.family), (name.given.translate(_UMLAUTS), name.family.translate(_UMLAUTS))}
    for first, last in variants:
        found.update(_of_words(name_words(first), name_words(name.middle), name_words(last)))
    for short in name_words(name.nick):
        found.update(_with_given(short, name.family))
        found.add((short, NICK))
    return {(text, kind) for text, kind in found if len(text) > 1}


def _of_words(given: list[str], middle: list[str], family: list[str]) -> Iterator[Spelling]:
    last = "".join(family)
    yield from _of_given(given, middle, family)
    yield from _of_family(family)
    if given and last:
        yield from _initials(given, middle, last)
        for short in short_names().get(given[0], ()):
            yield short, NICK
            yield from _pair(short, last)
    for word in given[1:] + middle:
        if len(word) > 2:
            yield word, GIVEN


def _of_given(given: list[str], middle: list[str], family: list[str]) -> Iterator[Spelling]:
    for first in _firsts(given):
        yield first, GIVEN
        for last in {"".join(family), *family[:1], *family[-1:]} - {""}:
            if last not in _PARTICLES:
                yield from _pair(first, last)
        last = "".join(family)
        for between in middle if last else ():
            for written in {between, between[0]}:
                yield first + written + last, FULL
                yield last + first + written, FULL


def _of_family(family: list[str]) -> Iterator[Spelling]:
    last = "".join(family)
    if last:
        yield last, FAMILY
    if len(family) > 1:
        if len(last) >= 8:
            yield last, FULL
        for word in family:
            if word not in _PARTICLES and len(word) > 2:
                yield word, FAMILY


def _firsts(given: list[str]) -> set[str]:
    return {"".join(given), *given[:1]} if given else set()


def _pair(first: str, last: str) -> Iterator[Spelling]:
    yield first + last, FULL
    yield last + first, FULL


def _with_given(short: str, family: str) -> Iterator[Spelling]:
    last = squash(family)
    if last:
        yield from _pair(short, last)


def _initials(given: list[str], middle: list[str], last: str) -> Iterator[Spelling]:
    first = given[0][0]
    letters = first + "".join(word[0] for word in given[1:] + middle)
    for initials in {first, letters}:
        if len(initials + last) >= 5:
            yield initials + last, INITIAL
            yield last + initials, INITIAL
    if len(given[0]) >= 5:  # Ptol. Bjarnhild
        for size in (3, 4):
            yield given[0][:size] + last, FULL


def split_full(full: str) -> tuple[str, str, str]:
    """Given, middle and family name of a full name, also of `Family, Given`."""
    family, comma, given = full.partition(",")
    if comma and given.strip():
        firsts = given.split()
        return firsts[0], " ".join(firsts[1:]), family
    words = [word for word in full.split() if fold(word).strip(".") not in _TITLES]
    if len(words) < 2:
        return "", "", " ".join(words)
    start = next((i for i in range(1, len(words) - 1) if fold(words[i]) in _PARTICLES), len(words) - 1)
    return words[0], " ".join(words[1:start]), " ".join(words[start:])


def email_spellings(email: str) -> Iterator[Spelling]:
    """The address, its user name, and the digests that trackers send."""
    normal = normalize("email", email)
    local, at, _ = normal.partition("@")
    if not at:
        return
    yield normal, EMAIL
    if len(squash(local)) >= 6:
        yield squash(local), HANDLE
    for text in {normal, email.strip().lower()}:
        data = text.encode("utf-8", "replace")
        for algorithm in ("md5", "sha1", "sha256"):
            yield hashlib.new(algorithm, data, usedforsecurity=False).hexdigest(), DIGEST


def phone_spellings(phone: str) -> Iterator[Spelling]:
    """The digits, national and as written."""
    digits = phone_digits(phone)
    if len(digits) >= 7:
        written = "".join(c for c in phone if c.isdigit() and c.isascii())
        for text in {digits, "0" + digits, written, "00" + written}:
            yield text, PHONE


def address_spellings(address: str) -> Iterator[Spelling]:
    """The line of street and number."""
    text = squash(address)
    if len(text) >= _SHORT_ADDRESS and any(c.isalpha() for c in text):
        yield text, ADDRESS


def birthdate_spellings(value: str) -> Iterator[Spelling]:
    """A birth date as the date patterns spell it."""
    date = normalize("birthdate", value)
    if len(date) == 10:
        yield "birthdate:" + date.replace("-", ""), BIRTH


def id_spellings(value: str) -> Iterator[Spelling]:
    """An id of any kind; a GUID by its hex digits."""
    text = squash(value)
    if len(text) == 32 and "-" in value:
        yield text, RECORD
    elif len(text) >= 6:
        yield text, ID


def organization_spellings(name: str) -> Iterator[Spelling]:
    """The name of a company, with and without its legal form."""
    words = name_words(name)
    yield "".join(words), ORG
    while len(words) > 2 and words[-1] in {"inc", "llc", "ltd", "plc", "corp", "co", "gmbh", "sa", "ag", "bv", "group"}:
        words = words[:-1]
        yield "".join(words), ORG
