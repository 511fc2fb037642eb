# ruff: noqa: PLR0917, PLR1714 - kernels: numba takes arrays by position and compiles no sets
"""Identifiers written in words: phone numbers digit by digit, addresses with "at" and "dot", dates of birth.

Rule 1: a date is masked only if somebody of the tenant was born on it or the words before it speak of birth; other
dates are what a mail is about.
"""

from __future__ import annotations

import numpy as np

from readingroom.anonymize.kernels import BASE, I64, hash_words, kernel, small_kernel
from readingroom.anonymize.known import entry_of
from readingroom.anonymize.lexicon import AT, DOT, MONTH, NUMBER
from readingroom.anonymize.names import MASKED, Rules
from readingroom.anonymize.tokens import DIGITS, GAP_FAR, Records, Tokens
from readingroom.anonymize.views import Letters

PHONE, EMAIL, BIRTHDATE = range(3)
DIGIT_WORDS = 7
BIRTH_WORDS = hash_words(
    [
        "born",
        "birth",
        "birthday",
        "birthdate",
        "dob",
        "geboren",
        "geburtstag",
        "geburtsdatum",
        "naissance",
        "nacimiento",
        "nacido",
        "nacida",
        "nee",
        "bday",
        "geb",
        "naquit",
        "nacio",
        "anniversaire",
        "cumpleanos",
        "nato",
        "nata",
        "nascita",
        "geboortedatum",
    ]
)
_NE, _LE = hash_words(["ne", "le"])  # "né le": alone the word is folded to a French "ne", which is not
_PREFIX = hash_words(["birthdate:"])[0]


@small_kernel
def _span(parts: Records, words: Records, i: int, j: int) -> tuple[int, int]:
    return parts[words[i].first].start, parts[words[j - 1].last - 1].end


@small_kernel
def _put(out: Records, count: int, span: tuple[int, int], entry: int, what: int) -> int:
    out[count].start = span[0]
    out[count].end = span[1]
    out[count].entry = entry
    out[count].what = what
    return count + 1


@kernel
def _phone(words: Records, marks: I64, i: int) -> int:
    """The end of a run of number words from word i, or 0."""
    j = i
    while j < len(words) and (marks[j] >> NUMBER) & 15 and (j == i or words[j].gap != GAP_FAR):
        j += 1
    return j if j - i >= DIGIT_WORDS else 0


@kernel
def _joined_right(letters: Letters, parts: Records, words: Records, marks: I64, j: int) -> tuple[int, bool]:
    """The end of a domain from word j, and whether it has a dot in it."""
    dotted = False
    end = j + 1
    while end < len(words) and end - j < 12 and words[end].gap != GAP_FAR:
        sign = letters.folded[parts[words[end].first].start - 1]
        if marks[end] & DOT and end + 1 < len(words) and words[end + 1].gap != GAP_FAR:
            dotted = True
            end += 2
        elif sign == 46 and letters.folded[parts[words[end].first].start - 2] != 32:
            dotted = True
            end += 1
        elif sign == 45:
            end += 1
        else:
            break
    return end, dotted


@kernel
def _joined_left(letters: Letters, parts: Records, words: Records, marks: I64, i: int) -> int:
    """The first word of a local part that ends with word i."""
    low = i - 10
    while i > 0 and i > low and words[i].gap != GAP_FAR:
        sign = letters.folded[parts[words[i].first].start - 1]
        if marks[i - 1] & DOT and i > 1:
            i -= 2
        elif sign == 46 or sign == 45 or sign == 95:
            i -= 1
        else:
            break
    return i


@kernel
def _day_month_year(tokens: Tokens, letters: Letters, marks: I64, i: int, out: I64) -> int:
    """Read a date from word i into out (year, month, day, other reading's month, day); its end, or 0."""
    words, parts = tokens.words, tokens.parts
    day = month = other = year = 0
    j = i
    while j < len(words) and j - i < 5 and (j == i or words[j].gap != GAP_FAR):
        number, digits = _number(parts, words, letters, j)
        named = (marks[j] >> MONTH) & 15
        if named and not month:
            month = named
        elif digits == 4 and 1880 < number < 2100 and not year:
            year = number
        elif 0 < digits <= 2 and 0 < number <= 31 and not day:
            day = number
        elif 0 < digits <= 2 and 0 < number <= 31 and not month and not other:
            other = number
        elif j == i or digits or not _link(parts, words, j):
            break
        j += 1
    if not year or not day or not (month or other):
        return 0
    out[0] = year
    out[1], out[2] = (month, day) if month else (other, day)
    out[3], out[4] = (month, day) if month else (day, other)
    return j


@small_kernel
def _link(parts: Records, words: Records, j: int) -> bool:
    """A short word inside a date: of, de, the."""
    return bool(parts[words[j].last - 1].end - parts[words[j].first].start <= 3)


@small_kernel
def _number(parts: Records, words: Records, letters: Letters, j: int) -> tuple[int, int]:
    """The value and the count of digits of word j (26th counts as 26); (0, 0) for a word."""
    first = parts[words[j].first]
    length = first.end - first.start
    suffix = words[j].last - words[j].first
    if not first.flags & DIGITS or length > 4 or suffix > 2:
        return 0, 0
    value = 0
    for k in range(first.start, first.end):
        value = value * 10 + letters.folded[k] - 48
    return value, length


@kernel
def _birth_hash(year: int, month: int, day: int) -> np.uint64:
    """The hash of `birthdate:YYYYMMDD`, as spellings writes it."""
    h = np.uint64(_PREFIX)
    number = year * 10000 + month * 100 + day
    divisor = 10000000
    while divisor:
        h = h * BASE + np.uint64(48 + (number // divisor) % 10) + np.uint64(1)
        divisor //= 10
    return h


@kernel
def _speaks_of_birth(words: Records, i: int) -> bool:
    for k in range(max(0, i - 6), i):
        if words[k].hash == _NE and words[k + 1].hash == _LE:
            return True
        for h in BIRTH_WORDS:
            if words[k].hash == h:
                return True
    return False


@kernel
def _birthdate(tokens: Tokens, letters: Letters, marks: I64, i: int, rules: Rules, date: I64) -> tuple[int, int]:
    """(end, entry) of a birth date that begins at word i; end is 0 if there is none."""
    end = _day_month_year(tokens, letters, marks, i, date)
    if not end:
        return 0, -1
    for k in (1, 3):
        entry = entry_of(rules.known, _birth_hash(date[0], date[k], date[k + 1]))
        if entry >= 0:
            return end, entry
    return (end, -1) if _speaks_of_birth(tokens.words, i) else (0, -1)


@kernel
def _worded(letters: Letters, tokens: Tokens, marks: I64, rules: Rules, out: Records, date: I64) -> int:
    parts, words = tokens.parts, tokens.words
    count = 0
    i = 0
    while i < len(words):
        mine = marks[i]
        if (mine >> NUMBER) & 15:
            end = _phone(words, marks, i)
            if end:
                count = _put(out, count, _span(parts, words, i, end), -1, PHONE)
                i = end
                continue
        if mine & AT and i > 0 and i + 1 < len(words) and words[i].gap != GAP_FAR and words[i + 1].gap != GAP_FAR:
            end, dotted = _joined_right(letters, parts, words, marks, i + 1)
            if dotted and not words[end - 1].flags & DIGITS:  # a margin stands at 18.5, a flight leaves at 9.30am
                start = _joined_left(letters, parts, words, marks, i - 1)
                count = _put(out, count, _span(parts, words, start, end), -1, EMAIL)
        if words[i].flags & DIGITS or (mine >> MONTH) & 15:
            end, entry = _birthdate(tokens, letters, marks, i, rules, date)
            if end:
                count = _put(out, count, _span(parts, words, i, end), entry, BIRTHDATE)
                i = end
                continue
        i += 1
    return count


def find_worded(letters: Letters, tokens: Tokens, marks: I64, rules: Rules) -> Records:
    """The spans of the view (MASKED) that hold an identifier in words."""
    out = np.empty(len(tokens.words) + 1, MASKED)
    return out[: _worded(letters, tokens, marks, rules, out, np.zeros(5, np.int64))]
