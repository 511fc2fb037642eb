# ruff: noqa: PLR0917 - kernels: numba takes arrays by position and compiles no sets
"""Word by word: shown, or masked as a rare word, a long number, a code, or a name that stands alone.

Rule 1 (strict): a word is shown only if it is public, or used by k authors and marked as a name by nobody.
Rule 2: a word that is also a name is a name where names stand: after a title or greeting, beside another name.
Rule 3: in `balanced` only names are masked; in both, what is undecided inside one word masks the word.
Rule 4: in `balanced` a word that only a list calls a name is none where the tagger is sure that nobody is named.
Rule 5: in `strict` relatives (`my father`) are people, too, though no name is said.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from readingroom.anonymize.kernels import BASE, I64, U64, Table, kernel, mix, small_kernel, value_of
from readingroom.anonymize.known import Entries, entry_of
from readingroom.anonymize.lexicon import (
    COMMON,
    FAMILY,
    FOREIGN,
    GIVEN,
    GREETING,
    HONORIFIC,
    KIN,
    MARKUP_WORD,
    MONTH,
    NAME,
    POSSESSIVE,
    WORD,
)
from readingroom.anonymize.linked import Near, has, row_of
from readingroom.anonymize.spellings import LONE
from readingroom.anonymize.tokens import ALL_UPPER, DIGITS, FIRST_UPPER, GAP_NEAR, Records, Tokens
from readingroom.anonymize.views import BLOB, MARKUP, SEGMENT, URL, Letters

F32 = npt.NDArray[np.float32]
SHOW, RARE, NUMBER, CODE, PERSON = range(5)
LONG_NUMBER = 5
MASKED = np.dtype([("start", "i4"), ("end", "i4"), ("entry", "i4"), ("what", "i4")], align=True)
LEAST_WORD, LEAST_NAME = 0.2, 0.03  # below it no name: a word that is also a name; one that is nothing else
KNOWN_NAME = 1 << 30  # a mark beside the lexicon's: a lone name of the tenant's people
TENANT_WORD = 1 << 29
LATELY = 1 << 13  # words whose marks are at hand
_LATELY_SHIFT = np.uint64(64 - 13)
_AN_S, _UNDO = np.uint64(ord("s") + 1), np.uint64(pow(int(BASE), -1, 1 << 64))


class Rules(NamedTuple):
    """What a word is looked up in."""

    lexicon: Table
    tenant: Table
    known: Table
    entries: Entries
    strict: bool


class Evidence(NamedTuple):
    """Of every word: the marks of the lists, and how likely the tagger holds it for part of a person's name."""

    marks: I64
    likely: F32


@kernel
def _is_near(letters: Letters, parts: Records, word: Any, mark: int, rules: Rules, near: Near) -> bool:
    """Whether somebody near the word's row is called so."""
    if len(near.people) == 0 or (mark & COMMON and not word.flags & FIRST_UPPER) or word.last - word.first > 1:
        return False
    row = row_of(near.offsets, letters.start[parts[word.first].start])
    entry = entry_of(rules.known, word.hash)
    low, high = rules.entries.first[entry], rules.entries.first[entry + 1]
    for k in range(near.first[row], near.first[row + 1]):
        if has(rules.entries.people, low, high, near.people[k]):
            return True
    return False


@small_kernel
def _is_known(h: np.uint64, rules: Rules) -> bool:
    """Whether one of the tenant's people is called so alone."""
    entry = entry_of(rules.known, h)
    return entry >= 0 and rules.entries.kinds[entry] & LONE != 0


@small_kernel
def _marks(h: np.uint64, rules: Rules) -> int:
    """Everything known about a word."""
    marks = value_of(rules.lexicon, h)
    if _is_known(h, rules):
        marks |= KNOWN_NAME
    if value_of(rules.tenant, h):
        marks |= TENANT_WORD
    return marks


@small_kernel
def _is_name(marks: int) -> bool:
    return marks & (NAME | KNOWN_NAME) != 0


@small_kernel
def _public(marks: int) -> bool:
    return marks & (WORD | FOREIGN | MARKUP_WORD) != 0


@small_kernel
def _weak_name(marks: int) -> bool:
    """A name that is also a word: only where it stands can tell."""
    return _is_name(marks) and marks & (WORD | MARKUP_WORD | COMMON) != 0


@small_kernel
def _beside_name(words: Records, marks: I64, i: int) -> bool:
    """Whether the words around word i, which begins with a capital, make it a name."""
    mine = marks[i]
    month = (mine >> MONTH) & 15 != 0
    if i > 0 and words[i].gap == GAP_NEAR and words[i - 1].flags & FIRST_UPPER:
        before = marks[i - 1]
        if before & HONORIFIC:
            return True
        if not month and (before & GREETING or (_is_name(before) and not _weak_name(before))):
            return True
        if before & GIVEN and mine & (FAMILY | KNOWN_NAME) and not before & COMMON:
            return True
    if i + 1 < len(words) and words[i + 1].gap == GAP_NEAR and words[i + 1].flags & FIRST_UPPER:
        after = marks[i + 1]
        shouted = words[i].flags & words[i + 1].flags & ALL_UPPER
        if not _public(after) and (after & (FAMILY | KNOWN_NAME) != 0 or (after & TENANT_WORD == 0 and not shouted)):
            return True
        return mine & GIVEN != 0 and after & (FAMILY | KNOWN_NAME) != 0 and not month and not mine & COMMON
    return False


@small_kernel
def _is_border(letters: Letters, i: int) -> bool:
    """Whether a cell, or a quoted value in it, ends at letter i."""
    return i < 0 or i >= len(letters.folded) or letters.folded[i] == 0 or letters.folded[i] == 34


@small_kernel
def _stands_as_name(letters: Letters, tokens: Tokens, marks: I64, i: int) -> bool:
    """Whether word i, a word and a name, is a name here."""
    parts, words = tokens.parts, tokens.words
    if not words[i].flags & FIRST_UPPER or words[i].flags & SEGMENT:
        return False
    if _beside_name(words, marks, i):
        return True
    start, end = parts[words[i].first].start, parts[words[i].last - 1].end
    alone = _is_border(letters, start - 1) and _is_border(letters, end)
    month = (marks[i] >> MONTH) & 15 != 0
    owns = end + 1 < len(letters.folded) and letters.folded[end] == 39 and letters.folded[end + 1] == 115
    if alone or (owns and not month and marks[i] & (GIVEN | KNOWN_NAME)):
        return True
    if marks[i] & KNOWN_NAME and marks[i] & GIVEN and not marks[i] & COMMON and not month:
        return True
    inside = i > 0 and words[i].gap == GAP_NEAR and start - parts[words[i - 1].last - 1].end == 1
    return inside and not month and marks[i] & KNOWN_NAME != 0 and not words[i - 1].flags & (FIRST_UPPER | DIGITS)


@kernel
def _judge_part(h: np.uint64, length: int, flags: int, rules: Rules) -> int:
    """The verdict on one part of a longer word."""
    return _judge_marked(0 if flags & DIGITS or length == 1 else _marks(h, rules), length, flags, rules)


@small_kernel
def _judge_marked(marks: int, length: int, flags: int, rules: Rules) -> int:
    """The verdict on a part, or on a word of one part, by its marks."""
    if flags & DIGITS:
        return NUMBER if length >= LONG_NUMBER and rules.strict else SHOW
    if length == 1:
        return SHOW
    if _public(marks) and not (_is_name(marks) and flags & FIRST_UPPER and not marks & (MARKUP_WORD | COMMON)):
        return SHOW
    if _is_name(marks):
        return PERSON if rules.strict or flags & FIRST_UPPER else SHOW
    return SHOW if marks & TENANT_WORD or not rules.strict else RARE


@kernel
def _judge_public(letters: Letters, tokens: Tokens, marks: I64, i: int) -> int:
    """The verdict on word i, which is a public word: a name only where names stand, or of another language only."""
    mine = marks[i]
    if not _is_name(mine):
        return SHOW
    if not _weak_name(mine) and (mine & GIVEN or tokens.words[i].flags & FIRST_UPPER):
        return PERSON
    return PERSON if _stands_as_name(letters, tokens, marks, i) else SHOW


@kernel
def _judge(letters: Letters, tokens: Tokens, marks: I64, i: int, rules: Rules) -> int:
    """The verdict on word i."""
    parts, word, mine = tokens.parts, tokens.words[i], marks[i]
    if _public(mine):
        return _judge_public(letters, tokens, marks, i)
    length = parts[word.last - 1].end - parts[word.first].start
    single = word.last - word.first == 1
    if _is_name(mine) and length > 1 and not (single and word.flags & DIGITS):
        return PERSON if not single or rules.strict or word.flags & FIRST_UPPER else SHOW
    if single:
        return _judge_marked(mine, length, word.flags, rules)
    return SHOW if mine & TENANT_WORD else _judge_parts(letters, parts, word, length, rules)


@kernel
def _judge_parts(letters: Letters, parts: Records, word: Any, length: int, rules: Rules) -> int:
    """The verdict on a word of several parts: the worst of theirs; letters and digits in turn are a code."""
    first, last = word.first, word.last
    digits = 0
    worst = SHOW
    for k in range(first, last):
        flags = parts[k].flags
        digits += flags & DIGITS
        verdict = _judge_part(parts[k].hash, parts[k].end - parts[k].start, flags, rules)
        worst = max(worst, verdict)
    if rules.strict and digits >= 2 and length >= 6:
        start = parts[first].start
        colour = word.flags & MARKUP and start > 0 and letters.folded[start - 1] == 35 and length <= 8
        return SHOW if colour else CODE
    if rules.strict and digits and length >= 3 and length <= 8 and word.flags & MARKUP:
        start = parts[first].start
        return SHOW if start > 0 and letters.folded[start - 1] == 35 else worst
    return worst


@kernel
def _write(out: Records, count: int, span: tuple[int, int], entry: int, what: int) -> int:
    out[count].start = span[0]
    out[count].end = span[1]
    out[count].entry = entry
    out[count].what = what
    return count + 1


@small_kernel
def _is_plain(marks: int) -> bool:
    """A public word that nobody is called and that names no relative: most of prose; always shown."""
    return _public(marks) and marks & (NAME | KNOWN_NAME | KIN | POSSESSIVE) == 0


@small_kernel
def _is_relative(marks: I64, i: int) -> bool:
    """Whether word i is a relative, or whose."""
    return marks[i] & KIN != 0 or (marks[i] & POSSESSIVE != 0 and i + 1 < len(marks) and marks[i + 1] & KIN != 0)


@small_kernel
def _is_listed_only(word: Any, known: Evidence, i: int) -> bool:
    """Whether nothing but a list says that a word of prose is a name, and the tagger says the contrary."""
    least = LEAST_WORD if _public(known.marks[i]) else LEAST_NAME
    return not word.flags & SEGMENT and known.likely[i] < least


@kernel
def _verdict(letters: Letters, tokens: Tokens, known: Evidence, i: int, rules: Rules) -> int:
    """The verdict on word i by lists and tagger."""
    what = _judge(letters, tokens, known.marks, i, rules)
    if rules.strict:
        return PERSON if what == SHOW and _is_relative(known.marks, i) else what
    if what == PERSON and _is_listed_only(tokens.words[i], known, i):
        return SHOW
    return what


@kernel
def _judge_all(letters: Letters, tokens: Tokens, known: Evidence, rules: Rules, near: Near, out: Records) -> int:
    """Write what is masked; the number of spans."""
    parts, words, marks = tokens.parts, tokens.words, known.marks
    count = 0
    for i in range(len(words)):
        word = words[i]
        if _is_plain(marks[i]) or word.flags & BLOB:
            continue
        what = _verdict(letters, tokens, known, i, rules)
        if what == SHOW and marks[i] & KNOWN_NAME and _is_near(letters, parts, word, marks[i], rules, near):
            what = PERSON
        if what == SHOW:
            continue
        span = (parts[word.first].start, parts[word.last - 1].end)
        if word.flags & (MARKUP | URL) and word.last - word.first > 1 and what != CODE:
            for k in range(word.first, word.last):
                part = parts[k]
                verdict = _judge_part(part.hash, part.end - part.start, part.flags, rules)
                if verdict != SHOW:
                    entry = entry_of(rules.known, part.hash)
                    count = _write(out, count, (part.start, part.end), entry, verdict)
            continue
        capital = word.flags & FIRST_UPPER and word.gap == GAP_NEAR and count > 0
        if (
            what == RARE
            and capital
            and out[count - 1].what == PERSON
            and _one_blank(letters, out[count - 1].end, span[0])
        ):
            out[count - 1].end = span[1]
            out[count - 1].entry = -1
            continue
        count = _write(out, count, span, entry_of(rules.known, word.hash) if what == PERSON else -1, what)
    return count


@small_kernel
def _one_blank(letters: Letters, end: int, start: int) -> bool:
    return start - end == 1 and letters.folded[end] == 32


@small_kernel
def _is_foreign(marks: int) -> bool:
    """A public word, and none of English."""
    return marks & FOREIGN != 0 and marks & (WORD | MARKUP_WORD | COMMON) == 0


@kernel
def _mark_all(words: Records, rules: Rules, lately: tuple[U64, I64], out: I64) -> None:
    hashes, marks = lately  # most words are few: the tables are far larger than the cache
    for i in range(len(words)):
        h = words[i].hash
        slot = mix(h) >> _LATELY_SHIFT
        if hashes[slot] != h or h == 0:
            hashes[slot] = h
            marks[slot] = _marks(h, rules)
        out[i] = marks[slot]
    for i in range(len(words)):
        if not words[i].flags & FIRST_UPPER or not _public(out[i]) or _is_name(out[i]):
            continue
        # German genitives: the s comes off the hash; where a word does not end in one, nothing is found
        if _is_known((words[i].hash - _AN_S) * _UNDO, rules):
            noun = i + 1 < len(words) and words[i + 1].flags & FIRST_UPPER and words[i + 1].gap == GAP_NEAR
            if _is_foreign(out[i]) or (noun and _is_foreign(out[i + 1])):
                out[i] = (out[i] | KNOWN_NAME) & ~(WORD | FOREIGN | MARKUP_WORD | COMMON)


def marks_of(tokens: Tokens, rules: Rules) -> I64:
    """The marks of every word: the lexicon's, KNOWN_NAME, TENANT_WORD."""
    marks = np.empty(len(tokens.words), np.int64)
    _mark_all(tokens.words, rules, (np.zeros(LATELY, np.uint64), np.zeros(LATELY, np.int64)), marks)
    return marks


def judge(letters: Letters, tokens: Tokens, known: Evidence, rules: Rules, near: Near) -> Records:
    """The spans of the view (MASKED) whose words may not be shown."""
    out = np.empty(len(tokens.parts) + 1, MASKED)
    return out[: _judge_all(letters, tokens, known, rules, near, out)]
