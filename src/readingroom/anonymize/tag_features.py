# ruff: noqa: FBT001, PLR0917 - kernels: numba takes arrays by position and compiles no sets
"""What the tagger sees of a word: hashes of its form, its neighbours, its marks in the lexicon, its place in the line.

Rule 1: training and use compute features by this one kernel; a change here needs new weights (`VERSION`).
Rule 2: features are hashes alone; no word can be read back from the weights.
Rule 3: a word between plain lower-case words that are nobody's name is quiet: it is not looked at (most of prose is).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from readingroom.anonymize.kernels import I64, U8, kernel, mix, signed, small_kernel
from readingroom.anonymize.lexicon import (
    COMMON,
    FAMILY,
    FOREIGN,
    GIVEN,
    GREETING,
    HONORIFIC,
    MARKUP_WORD,
    MONTH,
    NAME,
    NUMBER,
    PARTICLE,
    WORD,
)
from readingroom.anonymize.tokens import ALL_UPPER, DIGITS, FIRST_UPPER, Records, Tokens
from readingroom.anonymize.views import SEGMENT, Letters

VERSION = 1
FEATURES = 30
BITS = 18
U32 = npt.NDArray[np.uint32]
SEEN = np.dtype(
    [
        ("hash", "u8"),
        ("prefix", "u8"),
        ("two", "u8"),
        ("three", "u8"),
        ("four", "u8"),
        ("head", "u8"),  # the first word of the line
        ("marks", "u4"),
        ("shape", "u4"),
        ("sep", "u4"),  # what stands before the word
        ("place", "u4"),  # where in the line
        ("line", "u1"),  # lines broken before the word
        ("wall", "u1"),  # the first word of its cell
        ("quiet", "u1"),
        ("skip", "u1"),  # inside markup or a URL: not prose
    ],
    align=True,
)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_OTHER = np.uint64(0xC2B2AE3D27D4EB4F)
_NOBODY = np.uint64(0x1B873593CC9E2D51)
LONGEST_GAP = 12
LONGEST_BLANK = 24


@small_kernel
def _gazetteer(marks: int) -> int:
    """Ten bits of the lexicon's marks."""
    found = 1 if marks & GIVEN else 0
    found |= 2 if marks & FAMILY else 0
    found |= 4 if marks & (WORD | MARKUP_WORD) else 0
    found |= 8 if marks & FOREIGN else 0
    found |= 16 if marks & COMMON else 0
    found |= 32 if marks & HONORIFIC else 0
    found |= 64 if marks & GREETING else 0
    found |= 128 if marks & PARTICLE else 0
    found |= 256 if (marks >> MONTH) & 15 else 0
    found |= 512 if (marks >> NUMBER) & 15 else 0
    return found


@small_kernel
def _shape(flags: int, length: int, parts: int) -> int:
    """Capitals, digits, humps and a rough length."""
    size = length if length < 4 else (4 if length < 7 else 5)
    shape = 1 if flags & FIRST_UPPER else 0
    shape |= 2 if flags & ALL_UPPER and length > 1 else 0
    shape |= 4 if flags & DIGITS else 0
    shape |= 8 if parts > 1 else 0
    return shape | size << 4


@small_kernel
def _ending(letters: Letters, start: int, end: int, length: int) -> np.uint64:
    h = np.uint64(length)
    for k in range(max(start, end - length), end):
        h = h * _SPREAD + np.uint64(letters.folded[k]) + np.uint64(1)
    return h


@small_kernel
def _before(letters: Letters, source: U8, start: int) -> tuple[int, int, int]:
    """What stands between the word at `start` and the one before: signs, broken lines, or the cell's border."""
    k = start - 1
    low = max(0, start - LONGEST_GAP)
    sign, lines, wall = 0, 0, 1 if k < 0 else 0
    while k >= low:
        byte = letters.folded[k]
        if byte == 0:
            wall = 1
            break
        if byte == 32:
            first, last = letters.start[k], letters.end[k]
            if first == last:
                lines += 1
            for at in range(first, min(last, first + LONGEST_BLANK)):
                lines += 1 if source[at] == 10 else 0
        elif (48 <= byte <= 57) or (97 <= byte <= 122) or byte >= 128:
            break
        else:
            sign = (sign * 31 + signed(byte)) & 0xFFFFFF
        k -= 1
    sep = sign * 4 + min(lines, 2) + (3 if wall else 0) + (1 << 28 if start - k > 1 else 0)
    return sep, 1 if lines or wall else 0, wall


@small_kernel
def _place(out: Records, i: int, j: int) -> None:
    """Where each word of the line i:j stands."""
    size = j - i
    length = size if size < 4 else (4 if size < 8 else 5)
    for k in range(i, j):
        out[k].head = out[i].hash
        out[k].place = min(k - i, 3) | length << 2 | (32 if k == j - 1 else 0)


@kernel
def _see(letters: Letters, source: U8, tokens: Tokens, marks: I64, out: Records) -> None:
    parts, words = tokens.parts, tokens.words
    line = 0
    for i in range(len(words)):
        word = words[i]
        start, end = parts[word.first].start, parts[word.last - 1].end
        seen = out[i]
        seen.hash = word.hash
        seen.marks = _gazetteer(marks[i])
        seen.shape = _shape(signed(word.flags), end - start, signed(word.last - word.first))
        seen.sep, seen.line, seen.wall = _before(letters, source, start)
        plain = marks[i] & (WORD | FOREIGN | COMMON) != 0 and marks[i] & NAME == 0
        seen.quiet = 1 if plain and not word.flags & (FIRST_UPPER | DIGITS) else 0
        seen.skip = 1 if word.flags & SEGMENT else 0
        if seen.line and i:
            _place(out, line, i)
            line = i
    if len(words):
        _place(out, line, len(words))


@kernel
def _spell(letters: Letters, tokens: Tokens, out: Records, quiet: bool) -> None:
    """Of quiet words only those stay quiet whose neighbours are quiet, too; how the others begin and end.

    Of quiet ones nobody asks that, except who trains.
    """
    parts, words = tokens.parts, tokens.words
    before = 1
    for i in range(len(words)):
        seen = out[i]
        mine = seen.quiet
        after = out[i + 1].quiet if i + 1 < len(words) else 1
        seen.quiet = 1 if (mine and before and after) or seen.skip else 0
        before = mine
        if seen.quiet and not quiet:
            continue
        start, end = parts[words[i].first].start, parts[words[i].last - 1].end
        h = np.uint64(0)
        for k in range(start, min(end, start + 3)):
            h = h * _SPREAD + np.uint64(letters.folded[k]) + np.uint64(1)
        seen.prefix = h
        seen.two = _ending(letters, start, end, 2)
        seen.three = _ending(letters, start, end, 3)
        seen.four = _ending(letters, start, end, 4)


def see(letters: Letters, source: U8, tokens: Tokens, marks: I64, *, quiet: bool = True) -> Records:
    """One record (SEEN) for each word; without `quiet`, how quiet words are spelled is left open."""
    out = np.empty(len(tokens.words), SEEN)
    _see(letters, source, tokens, marks, out)
    _spell(letters, tokens, out, quiet)
    return out


@small_kernel
def _join(slot: int, a: np.uint64, b: np.uint64) -> np.uint32:
    h = mix(a * _SPREAD + b * _OTHER + np.uint64(slot + 1))
    return np.uint32(h >> np.uint64(64 - BITS))


@small_kernel
def _look(seen: Records, i: int, step: int) -> np.uint64:
    """Marks and shape of the word `step` words after word i in the same cell."""
    j = i + step
    if j < 0 or j >= len(seen):
        return np.uint64(0)
    return np.uint64(seen[j].marks) << np.uint64(8) | np.uint64(seen[j].shape) | np.uint64(1 << 40)


@small_kernel
def _left_hash(seen: Records, i: int, step: int) -> np.uint64:
    for k in range(step):
        if i - k <= 0 or seen[i - k].wall:
            return _NOBODY
    return np.uint64(seen[i - step].hash)


@small_kernel
def _right_hash(seen: Records, i: int, step: int) -> np.uint64:
    for k in range(1, step + 1):
        if i + k >= len(seen) or seen[i + k].wall:
            return _NOBODY
    return np.uint64(seen[i + step].hash)


OWN = 8  # features of a word by itself, before those that see its neighbours


@small_kernel
def own_features(seen: Records, i: int, out: U32) -> None:
    """Write the first OWN feature numbers of word i: those that its form and its marks tell."""
    me = seen[i]
    none = np.uint64(0)
    g = _look(seen, i, 0)
    shape = np.uint64(me.shape)
    caps = np.uint64(me.shape & 15)
    out[0] = _join(0, none, none)
    out[1] = _join(1, me.hash, none)
    out[2] = _join(2, me.hash, caps)
    out[3] = _join(3, me.prefix, caps)
    out[4] = _join(4, me.three, caps)
    out[5] = _join(5, me.two, shape)
    out[6] = _join(6, me.four, caps)
    out[7] = _join(7, g, none)


@kernel
def features_of(seen: Records, i: int, out: U32) -> None:
    """Write the feature numbers of word i."""
    own_features(seen, i, out)
    more_features(seen, i, out)


@small_kernel
def more_features(seen: Records, i: int, out: U32) -> None:
    """Write the other feature numbers of word i: those in which its neighbours and its place have a part."""
    me = seen[i]
    none = np.uint64(0)
    h1, h2 = _left_hash(seen, i, 1), _left_hash(seen, i, 2)
    r1, r2 = _right_hash(seen, i, 1), _right_hash(seen, i, 2)
    g = _look(seen, i, 0)
    gl1 = none if h1 == _NOBODY else _look(seen, i, -1)
    gl2 = none if h2 == _NOBODY else _look(seen, i, -2)
    gr1 = none if r1 == _NOBODY else _look(seen, i, 1)
    gr2 = none if r2 == _NOBODY else _look(seen, i, 2)
    caps = np.uint64(me.shape & 15)
    sep = np.uint64(me.sep)
    after = none if r1 == _NOBODY else np.uint64(seen[i + 1].sep) + np.uint64(7)
    out[8] = _join(8, h1, none)
    out[9] = _join(9, r1, none)
    out[10] = _join(10, h2, caps)
    out[11] = _join(11, r2, caps)
    out[12] = _join(12, gl1, caps)
    out[13] = _join(13, gr1, caps)
    out[14] = _join(14, gl1, g)
    out[15] = _join(15, g, gr1)
    out[16] = _join(16, gl1 * _OTHER + gr1, g)
    out[17] = _join(17, h1, g)
    out[18] = _join(18, r1, g)
    out[19] = _join(19, sep * _OTHER + after, caps)
    out[20] = _join(20, sep * _OTHER + h1, caps)
    out[21] = _join(21, np.uint64(me.head), caps)
    out[22] = _join(22, np.uint64(me.place), g)
    out[23] = _join(23, gl2 * _OTHER + gl1, g)
    out[24] = _join(24, gr2 * _OTHER + gr1, g)
    out[25] = _join(25, h2 * _OTHER + h1, caps)
    out[26] = _join(26, r2 * _OTHER + r1, caps)
    out[27] = _join(27, sep * _OTHER + gl1, g)
    out[28] = _join(28, after * _OTHER + gr1, g)
    out[29] = _join(29, after * _OTHER + r1, caps)
