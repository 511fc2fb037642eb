# ruff: noqa: FBT001, PLR0917 - kernels: numba takes arrays by position and compiles no sets
"""Which words are part of a person's name: rules 2, 3 and 4 of tag_words as passes over the words.

Rule 1: a pass goes over the words once, forwards or backwards, and from a word looks at its neighbours only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from readingroom.anonymize.kernels import (
    I64,
    U8,
    U64,
    Table,
    empty_table,
    fill,
    hash_words,
    kernel,
    small_kernel,
    value_of,
)
from readingroom.anonymize.names import TENANT_WORD
from readingroom.anonymize.tagger import F32, PERSON
from readingroom.anonymize.tokens import GAP_NEAR, Records, Tokens
from readingroom.anonymize.views import Letters

LIKELY, BALANCED, STRICT = 0.5, 0.4, 0.01  # from which probability a word is taken for what it may be
SMALL = 0.02  # the same for a word in lower case, in strict
OWN = 0.9  # the same for a word that many of the tenant's authors write
ECHOED = np.float32(0.6)  # of a word whose other places in the cell are names, too
CAPITAL, ALONE, JUST_DIGITS = 1, 5, 4  # bits of the shape (tag_features)
LISTED, PUBLIC, USUAL, TITLE, GREETING, PARTICLE = 3, 4 | 8, 16, 32, 64, 128  # bits of the marks (tag_features)
PARTICLES = 4  # so many of them in a row: `von und zu` is two with a word between
NAMED, TITLED, NEAR, INITIAL = 1, 2, 4, 8  # part of a name; a title; close to the word before; an initial of a name
_BLANKS = 1 << 28  # of `sep`: more than one sign or blank stands before the word
_MONTHS = 256
_ROW = np.uint64(0x9E3779B97F4A7C15)
_S = hash_words(["s"])[0]
_SHORT = ("us", "uk", "eu", "un", "dc", "am", "pm", "vs")  # U.S., U.K. and the like are no initials
_PAIRS = hash_words([two[0] for two in _SHORT]) * _ROW + hash_words([two[1] for two in _SHORT])
_DOT, _QUOTE = ord("."), ord("'")
_SIGNS, _BOUND = np.zeros(256, np.uint8), np.zeros(256, np.uint8)
_SIGNS[list(b"./:@=&?%_#+-~")] = 1
_BOUND[list(b"abcdefghijklmnopqrstuvwxyz0123456789/")] = 1


class Look(NamedTuple):
    """What the rules read: the letters, their tokens, and one record (SEEN) for each word."""

    letters: Letters
    tokens: Tokens
    seen: Records


@small_kernel
def _sign(v: Letters, i: int) -> int:
    """The letter at i, a wall outside the view."""
    return int(v.folded[i]) if 0 <= i < len(v.folded) else 0


@small_kernel
def _inside(look: Look, i: int) -> bool:
    """Word i is inside an address of the web, a path, a file name: a sign joins it to what stands beside."""
    v, parts, word = look.letters, look.tokens.parts, look.tokens.words[i]
    start, end = parts[word.first].start, parts[word.last - 1].end
    if _SIGNS[_sign(v, start - 1)] and _BOUND[_sign(v, start - 2)]:
        return True
    return bool(_SIGNS[_sign(v, end)] and _BOUND[_sign(v, end + 1)])


@small_kernel
def _least(marks: int, own: bool, strict: bool) -> float:
    """How likely a name a word in lower case must be; words of no list are rare words, whoever they name."""
    if not strict or marks & GREETING:  # ask, call, contact
        return LIKELY
    if own:  # many write it: that it is nobody's name needs less proof
        return OWN
    return SMALL if marks & (PUBLIC | LISTED) else LIKELY


@kernel
def _likely(look: Look, marks: I64, chance: F32, strict: bool, said: U8) -> int:
    """Say of each word what it is by itself; how many capitalised ones are names beyond doubt (rule 3)."""
    seen, words = look.seen, look.tokens.words
    sure = 0
    for i in range(len(seen)):
        one = seen[i]
        capital = one.shape & CAPITAL
        here = NEAR if one.line == 0 and words[i].gap == GAP_NEAR else 0
        if one.marks & TITLE and capital:
            here |= TITLED
        likely = chance[i, PERSON]
        if likely >= STRICT and one.shape & 12 != JUST_DIGITS:  # less is a name in neither profile
            if capital:
                here |= NAMED if likely >= (STRICT if strict else BALANCED) else 0
            elif likely >= _least(one.marks, marks[i] & TENANT_WORD != 0, strict) and not _inside(look, i):
                here |= NAMED
            sure += 1 if likely >= ECHOED and _open(one.shape, one.marks, one.skip) else 0
        said[i] = here
    return sure


@small_kernel
def _open(shape: int, marks: int, skip: int) -> bool:
    """A capitalised word in prose that is no usual word."""
    return shape & ALONE == CAPITAL and marks & (USUAL | _MONTHS) == 0 and skip == 0


@kernel
def _titled(seen: Records, said: U8) -> None:
    """Capitalised words right after Mr, Dr and the like (rule 2)."""
    since = PARTICLES + 1  # particles since the last title
    for i in range(len(seen)):
        one = seen[i]
        capital = one.shape & ALONE == CAPITAL and one.marks & USUAL == 0 and one.skip == 0
        if capital and since <= PARTICLES and said[i] & NEAR:
            said[i] |= NAMED
        if said[i] & TITLED:
            since = 0
        elif since < PARTICLES and one.marks & PARTICLE and said[i] & NEAR:
            since += 1
        else:
            since = PARTICLES + 1


@kernel
def _sure(seen: Records, chance: F32, out: U64) -> None:
    """Write the capitalised words that are names beyond doubt, each with the number of its cell."""
    count, cell = 0, np.uint64(0)
    for i in range(len(seen)):
        one = seen[i]
        cell += np.uint64(one.wall)
        if chance[i, PERSON] >= ECHOED and _open(one.shape, one.marks, one.skip):
            out[count] = one.hash ^ (cell * _ROW)
            count += 1


@kernel
def _echoed(seen: Records, sure: Table, said: U8) -> None:
    """Capitalised words that are a name elsewhere in their cell (rule 3)."""
    cell = np.uint64(0)
    for i in range(len(seen)):
        one = seen[i]
        cell += np.uint64(one.wall)
        open_ = not said[i] & NAMED and _open(one.shape, one.marks, one.skip)
        if open_ and value_of(sure, one.hash ^ (cell * _ROW)):
            said[i] |= NAMED


@small_kernel
def _begins(seen: Records, said: U8, i: int) -> bool:
    """A name may begin with word i, or goes on with it."""
    one = seen[i]
    if one.line != 0 or one.sep & (_BLANKS - 1) >= 4:  # a new line, or a sign before the word
        return True
    if i == 0:
        return False
    if said[i - 1] & TITLED or seen[i - 1].marks & GREETING:
        return True
    return bool(said[i - 1] & NAMED and said[i] & NEAR)


@kernel
def _particles(seen: Records, said: U8, steps: U8) -> None:
    """The small words of family names, at most PARTICLES in a row (rule 4)."""
    last = len(seen) - 1
    for i in range(last):
        steps[i] = 0
        if not seen[i].marks & PARTICLE or seen[i].skip or said[i] & NAMED or not said[i + 1] & NEAR:
            continue
        if not said[i + 1] & NAMED and (not seen[i + 1].marks & PARTICLE or seen[i + 1].skip):
            continue
        if _begins(seen, said, i):
            steps[i] = 1
        elif i > 0 and said[i] & NEAR and 0 < steps[i - 1] < PARTICLES:
            steps[i] = steps[i - 1] + 1
    steps[last] = 0
    for i in range(last):  # not those after which nothing follows
        if steps[i] and (said[i + 1] & NAMED or steps[i + 1]):
            said[i] |= NAMED


@small_kernel
def _is_dotted(look: Look, i: int) -> bool:
    """Word i is a capital and a dot."""
    one = look.seen[i]
    if one.shape >> 4 != 1 or one.shape & ALONE != CAPITAL or one.skip:
        return False
    return _sign(look.letters, look.tokens.parts[look.tokens.words[i].last - 1].end) == _DOT


@small_kernel
def _is_pair(hashes: np.uint64) -> bool:
    found = False
    for known in _PAIRS:
        found = found or hashes == known
    return found


@kernel
def _initials(look: Look, said: U8, strict: bool) -> None:
    """Initials before a name: `A.B. Example`; in strict, two without a name, and the s of `Example's`."""
    v, seen, words, parts = look.letters, look.seen, look.tokens.words, look.tokens.parts
    steps = 0  # from the name backwards
    for i in range(len(seen) - 2, -1, -1):
        dotted = _is_dotted(look, i)
        if not dotted and (not strict or not said[i] & NAMED):
            steps = 0
            continue
        end = parts[words[i].last - 1].end
        gap = parts[words[i + 1].first].start - end
        close = gap <= 2 and seen[i + 1].line == 0
        if dotted and close and said[i + 1] & NAMED:
            steps = 1
        else:
            steps = steps + 1 if dotted and close and 0 < steps < PARTICLES else 0
        said[i] |= INITIAL if steps else 0
        if not strict:
            continue
        if dotted and gap == 1 and _is_dotted(look, i + 1) and not _is_pair(words[i].hash * _ROW + words[i + 1].hash):
            said[i] |= INITIAL
            said[i + 1] |= INITIAL
        single = seen[i + 1].shape >> 4 == 1 and seen[i + 1].skip == 0
        if said[i] & NAMED and close and single and words[i + 1].hash == _S and _sign(v, end) == _QUOTE:
            said[i + 1] |= INITIAL


def find_names(look: Look, marks: I64, chance: F32, *, strict: bool) -> U8:
    """What the rules say of each word (NAMED, TITLED, NEAR, INITIAL)."""
    said = np.zeros(len(look.seen), np.uint8)
    if not len(said):
        return said
    sure = np.empty(_likely(look, marks, chance, strict, said), np.uint64)
    _titled(look.seen, said)
    if len(sure):
        _sure(look.seen, chance, sure)
        table = empty_table(len(sure))
        fill(table, sure, np.ones(len(sure), np.int32))
        _echoed(look.seen, table, said)
    _particles(look.seen, said, np.zeros(len(said), np.uint8))
    _initials(look, said, strict)
    return said
