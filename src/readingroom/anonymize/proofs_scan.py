# ruff: noqa: PLR0917, PLR1714 - kernels: numba takes arrays by position and compiles no sets
"""Where something that can be proved may stand: words that announce it, and runs of letters and digits of its form.

Rule 1: one pass over the letters, one over the parts; from each place at most a window of letters is looked at.
Rule 2: a candidate claims nothing: `proofs_find` proves it, once per distinct text.
"""

from __future__ import annotations

import numpy as np

from readingroom.anonymize.folding import UPPER
from readingroom.anonymize.kernels import BASE, Table, kernel, small_kernel, value_of
from readingroom.anonymize.patterns import CLASSES
from readingroom.anonymize.tokens import ALL_UPPER, CLASS, DIGITS, FIRST_UPPER, GAP_NEAR, Records
from readingroom.anonymize.views import BLOB, MARKUP, Letters

# what a candidate may be; `arg`: the number of the word, or where in the window the street word begins
AFTER, STREET, ZIP, KEY, RUN, POSTCODE, NET, PAIR, CREDENTIALS = range(9)
CANDIDATE = np.dtype([("start", "i4"), ("end", "i4"), ("what", "i4"), ("arg", "i4")], align=True)

# bits of a word's value; below them its number
NUMBERED = (1 << 12) - 1
WITH_DIGIT, ANYWHERE, ASSIGNED, TRACKED, IN_STREET, SMALL_STREET, STATE = (1 << bit for bit in range(12, 19))

WINDOW = 48
STREET_BACK = 64
STREET_AHEAD = 80
LONGEST_RUN = 128
_HEX, _WORD, _DIGIT = 8, 16, 4
_RUN = np.zeros(256, np.uint8)
_RUN[list(b"abcdefghijklmnopqrstuvwxyz0123456789_-.")] = 1
RUN_SIGNS = _RUN


@small_kernel
def _sign(v: Letters, i: int) -> int:
    """The letter at i, a wall outside the view."""
    return int(v.folded[i]) if 0 <= i < len(v.folded) else 0


@small_kernel
def _put(out: Records, count: int, span: tuple[int, int], what: int, arg: int) -> int:
    out[count].start = span[0]
    out[count].end = span[1]
    out[count].what = what
    out[count].arg = arg
    return count + 1


@kernel
def _ahead(v: Letters, at: int, size: int) -> int:
    """The end of a window from `at` that crosses no wall."""
    end = at
    while end < len(v.folded) and end - at < size and v.folded[end] != 0:
        end += 1
    return end


@kernel
def _back(v: Letters, at: int, size: int) -> int:
    """The start of a window before `at` that crosses no wall and begins with a word."""
    start = at
    while start > 0 and at - start < size and v.folded[start - 1] != 0:
        start -= 1
    while start < at and at - start >= size and CLASS[v.folded[start]]:
        start += 1
    return start


@small_kernel
def _digit_in(v: Letters, start: int, end: int) -> bool:
    i = start
    while i < end and not CLASSES[v.folded[i]] & _DIGIT:
        i += 1
    return i < end


@small_kernel
def _assigned(v: Letters, at: int, end: int) -> bool:
    """Whether a value may follow: an equals sign, a colon, a quote; after a blank only with a digit."""
    sign = _sign(v, at)
    return sign == 61 or sign == 58 or sign == 34 or sign == 39 or (sign == 32 and _digit_in(v, at, end))


@kernel
def _is_after(v: Letters, at: int, end: int, value: int) -> bool:
    if value & WITH_DIGIT and _digit_in(v, at, end):
        return True
    if value & ASSIGNED and _assigned(v, at, end):
        return True
    return value & ANYWHERE != 0 or (value & TRACKED != 0 and _sign(v, at) == 61)


@kernel
def _near_number(parts: Records, i: int) -> bool:
    """Whether a number stands among the seven parts before part i or the five after it."""
    k = max(0, i - 7)
    end = min(len(parts), i + 6)
    while k < end and not parts[k].flags & DIGITS:
        k += 1
    return k < end


@small_kernel
def _may_be_suffixed(parts: Records, i: int) -> bool:
    """Whether part i is a long capitalised word with a number behind it."""
    return (
        parts[i].flags & FIRST_UPPER != 0
        and i + 1 < len(parts)
        and parts[i + 1].flags & DIGITS != 0
        and parts[i + 1].gap == GAP_NEAR
        and parts[i].end - parts[i].start >= 6
    )


@kernel
def _suffixed(v: Letters, parts: Records, i: int, suffixes: Table) -> bool:
    """Whether part i ends as streets do (Hauptstrasse)."""
    part = parts[i]
    for size in range(3, 8):
        h = np.uint64(0)
        for k in range(part.end - size, part.end):
            h = h * BASE + np.uint64(v.folded[k]) + np.uint64(1)
        if value_of(suffixes, h):
            return True
    return False


@small_kernel
def _is_zip(v: Letters, parts: Records, i: int) -> bool:
    if i + 1 >= len(parts) or not parts[i].flags & ALL_UPPER:
        return False
    after = parts[i + 1]
    return (
        bool(after.flags & DIGITS)
        and not CLASS[_sign(v, after.end)]
        and bool(after.end - after.start == 5 and after.start - parts[i].end <= 2)
    )


@kernel
def _zip_end(v: Letters, end: int) -> int:
    """The end of five digits, or of five and four."""
    if _sign(v, end) != 45 or CLASSES[_sign(v, end + 5)] & _DIGIT:
        return end
    for k in range(end + 1, end + 5):
        if not CLASSES[_sign(v, k)] & _DIGIT:
            return end
    return end + 5


@kernel
def scan_words(v: Letters, parts: Records, words: Table, suffixes: Table, out: Records) -> int:
    """Write what the words of the view announce; the number of candidates."""
    count = 0
    for i in range(len(parts)):
        part = parts[i]
        value = value_of(words, part.hash)
        if value:
            end = _ahead(v, part.end, WINDOW)
            if _is_after(v, part.end, end, value):
                count = _put(out, count, (part.end, end), AFTER, value & NUMBERED)
            if value & STATE and _is_zip(v, parts, i):
                count = _put(out, count, (part.start, _zip_end(v, parts[i + 1].end)), ZIP, 0)
        street = value & IN_STREET and (part.flags & FIRST_UPPER or value & SMALL_STREET)
        if part.flags & (BLOB | MARKUP):
            continue
        if (street and _near_number(parts, i)) or (
            not value and _may_be_suffixed(parts, i) and _suffixed(v, parts, i, suffixes)
        ):
            start = _back(v, part.start, STREET_BACK)
            count = _put(out, count, (start, _ahead(v, part.start, STREET_AHEAD)), STREET, part.start - start)
    return count


@kernel
def _postcode(v: Letters, start: int, end: int, out: Records, count: int) -> int:
    """A British postcode ends at `end`, where the run from `start` does."""
    if not (CLASSES[v.folded[end - 3]] & _DIGIT and v.flags[end - 1] & UPPER and v.flags[end - 2] & UPPER):
        return count
    if end - start == 3 and _sign(v, start - 1) == 32:
        low = start - 1
        while low > 0 and start - low < 6 and CLASS[v.folded[low - 1]]:
            low -= 1
        start = low
    if 5 <= end - start <= 8 and v.flags[start] & UPPER and not CLASS[_sign(v, start - 1)]:
        return _put(out, count, (start, end), POSTCODE, 0)
    return count


@kernel
def _run(v: Letters, start: int, end: int, out: Records, count: int) -> int:
    """What the run of letters, digits, dashes, dots and low lines from start to end may be."""
    digits = letters = 0
    for k in range(start, end):
        kind = CLASS[v.folded[k]]
        digits += kind == 2
        letters += kind == 1
    if not digits or not letters:
        return count
    if end - start >= 3:
        count = _postcode(v, start, end, out, count)
    if digits + letters >= 14 and letters >= 4:
        count = _put(out, count, (start, end), KEY, 0)
    machine = (end - start == 17 and v.folded[start + 2] == 45) or (end - start == 14 and v.folded[start + 4] == 46)
    if machine or (8 <= digits + letters <= 16 and digits >= 5):
        count = _put(out, count, (start, end), RUN, 0)
    return count


@kernel
def _net(v: Letters, i: int, out: Records, count: int) -> int:
    """Groups of hexadecimal digits whose first colon is at i."""
    start = i
    while start > 0 and i - start < 5 and CLASSES[v.folded[start - 1]] & _HEX:
        start -= 1
    if _sign(v, start - 1) == 58 or CLASSES[_sign(v, start - 1)] & _WORD:
        return count
    end, colons = start, 0
    while end < len(v.folded) and end - start < 46 and (CLASSES[v.folded[end]] & _HEX or v.folded[end] == 58):
        colons += v.folded[end] == 58
        end += 1
    if colons < 3 or CLASSES[_sign(v, end)] & _WORD:
        return count
    return _put(out, count, (start, end), NET, 0)


@kernel
def _pair(v: Letters, i: int, out: Records, count: int) -> int:
    """A number with four places or more, its point at i, and something after it that may be a second one."""
    start = i
    while start > 0 and i - start < 3 and CLASSES[v.folded[start - 1]] & _DIGIT:
        start -= 1
    end = i + 1
    while end < len(v.folded) and end - i < 17 and CLASSES[v.folded[end]] & _DIGIT:
        end += 1
    sign = _sign(v, end)
    if start == i or end - i < 5 or not (sign == 44 or sign == 59 or sign == 32 or sign == 110 or sign == 115):
        return count
    if _sign(v, start - 1) == 45 or _sign(v, start - 1) == 43:
        start -= 1
    return _put(out, count, (start, _ahead(v, start, WINDOW)), PAIR, 0)


@kernel
def _credentials(v: Letters, at: int, out: Records, count: int) -> int:
    """`user:word@` that begins at `at`, after `://`."""
    colon = False
    i = at
    while i < len(v.folded) and i - at < 200:
        sign = v.folded[i]
        if sign == 64:
            return _put(out, count, (at, i), CREDENTIALS, 0) if colon and i > at else count
        if sign == 0 or sign == 32 or sign == 47 or sign == 34 or sign == 60 or sign == 63 or sign == 35:
            return count
        colon = colon or sign == 58
        i += 1
    return count


@kernel
def _at_colon(v: Letters, i: int, out: Records, count: int) -> int:
    """What stands around the colon at i."""
    if CLASSES[_sign(v, i - 1)] & _HEX or _sign(v, i + 1) == 58:
        count = _net(v, i, out, count)
    if _sign(v, i + 1) == 47 and _sign(v, i + 2) == 47:
        count = _credentials(v, i + 3, out, count)
    return count


@kernel
def _colons(v: Letters, gap: tuple[int, int], out: Records, count: int) -> int:
    for i in range(gap[0], gap[1]):
        if v.folded[i] == 58:
            count = _at_colon(v, i, out, count)
    return count


@kernel
def _around(v: Letters, at: int, out: Records, count: int) -> tuple[int, int]:
    """Write what the run around the digit at `at` may be; where the run ends, and the number of candidates."""
    start = end = at
    while start > 0 and RUN_SIGNS[v.folded[start - 1]]:
        start -= 1
    while not CLASS[v.folded[start]]:
        start += 1
    i = start
    while i < len(v.folded) and RUN_SIGNS[v.folded[i]]:
        if v.folded[i] == 46 and CLASSES[_sign(v, i - 1)] & _DIGIT:
            count = _pair(v, i, out, count)
        end = i + 1 if CLASS[v.folded[i]] else end
        i += 1
    if end - start <= LONGEST_RUN and not CLASS[_sign(v, start - 1)] and not CLASS[_sign(v, i)]:
        count = _run(v, start, end, out, count)
    return i, count


@kernel
def scan_runs(v: Letters, parts: Records, out: Records) -> int:
    """Write the runs of the view that have a digit and the form of something; the number of candidates."""
    count = done = 0
    for p in range(len(parts)):
        start = parts[p].start
        count = _colons(v, (parts[p - 1].end if p else 0, start), out, count)
        if parts[p].flags & DIGITS and start >= done:
            done, count = _around(v, start, out, count)
    return _colons(v, (parts[len(parts) - 1].end if len(parts) else 0, len(v.folded)), out, count)
