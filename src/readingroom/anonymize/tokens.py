"""Tokens of a view: parts (one camel-case hump, one run of digits) and words (parts with nothing between them).

Rule 1: every letter and digit of the view is in exactly one part, every part in exactly one word.
Rule 2: hashes are polynomials, so that the hash of a chain of parts comes from theirs without reading a letter again;
every table mixes them with a secret of its own before it looks, and they never leave memory.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from readingroom.anonymize.folding import UPPER
from readingroom.anonymize.kernels import BASE, U64, kernel, powers, small_kernel
from readingroom.anonymize.views import SEGMENT, SOFT, Letters

DIGITS = 1
FIRST_UPPER = 2
ALL_UPPER = 64  # beyond SEGMENT, which shares the byte
JOINED = 128  # nothing stands between this part and the one before

GAP_NONE, GAP_NEAR, GAP_FAR = range(3)
NEAR = 4  # separators that may stand inside one identifier

PART = np.dtype([("hash", "u8"), ("start", "i4"), ("end", "i4"), ("flags", "u1"), ("gap", "u1")], align=True)
WORD = np.dtype([("hash", "u8"), ("first", "i4"), ("last", "i4"), ("flags", "u1"), ("gap", "u1")], align=True)
Records = npt.NDArray[Any]
POWERS = 4096
POWER = powers(POWERS)

_CLASS = np.zeros(256, np.uint8)
_CLASS[ord("a") : ord("z") + 1] = 1
_CLASS[128:] = 1
_CLASS[ord("0") : ord("9") + 1] = 2
CLASS = _CLASS


class Tokens(NamedTuple):
    """Parts and words of a view, in order."""

    parts: Records
    words: Records


@small_kernel
def _breaks(v: Letters, i: int, kind: int) -> bool:
    """Whether a part ends before letter i, which is of the same run of letters or digits."""
    if CLASS[v.folded[i]] != kind or v.flags[i] & SOFT:
        return True
    if kind == 1 and v.flags[i] & UPPER:
        if not v.flags[i - 1] & UPPER:
            return True
        following = i + 1 < len(v.folded) and CLASS[v.folded[i + 1]] == 1 and not v.flags[i + 1] & UPPER
        return following and v.start[i + 1] != v.start[i]
    return False


@kernel
def split_parts(v: Letters, parts: Records) -> int:
    """Write the parts of the view; their number."""
    count = 0
    last_end = 0
    gap_far = True
    i = 0
    n = len(v.folded)
    while i < n:
        kind = CLASS[v.folded[i]]
        if kind == 0:
            gap_far = gap_far or v.folded[i] == 0 or v.folded[i] == 64
            i += 1
            continue
        start = i
        upper = True
        h = np.uint64(0)
        while True:
            h = h * BASE + np.uint64(v.folded[i]) + np.uint64(1)
            upper = upper and v.flags[i] & UPPER != 0
            i += 1
            if i >= n or i - start >= POWERS - 1 or _breaks(v, i, kind):
                break
        p = parts[count]
        p.hash = h
        p.start = start
        p.end = i
        joined = start == last_end and count > 0
        p.gap = GAP_NONE if joined else (GAP_FAR if gap_far or start - last_end > NEAR else GAP_NEAR)
        flags = v.flags[start] & SEGMENT
        flags |= (DIGITS if kind == 2 else 0) | (FIRST_UPPER if v.flags[start] & UPPER else 0)
        p.flags = flags | (ALL_UPPER if upper else 0) | (JOINED if joined else 0)
        count += 1
        last_end = i
        gap_far = False
    return count


@kernel
def group_words(parts: Records, power: U64, words: Records) -> int:
    """Write the words; their number."""
    count = 0
    i = 0
    n = len(parts)
    while i < n:
        h = parts[i].hash
        upper = parts[i].flags & ALL_UPPER
        j = i + 1
        while j < n and parts[j].flags & JOINED:
            h = h * power[parts[j].end - parts[j].start] + parts[j].hash
            upper &= parts[j].flags
            j += 1
        w = words[count]
        w.hash = h
        w.first = i
        w.last = j
        w.gap = parts[i].gap
        w.flags = (parts[i].flags & (255 ^ ALL_UPPER)) | upper
        count += 1
        i = j
    return count


def tokenize(letters: Letters) -> Tokens:
    """The parts and words of a view."""
    parts = np.empty(len(letters.folded) + 1, PART)
    parts = parts[: split_parts(letters, parts)]
    words = np.empty(len(parts), WORD)
    words = words[: group_words(parts, POWER, words)]
    return Tokens(parts, words)
