# ruff: noqa: FBT001, PLR0917, PLR1714 - kernels: numba takes arrays by position and compiles no sets
"""Known identifiers in a view: chains of parts whose letters, put together, are a known spelling.

Rule 1: a match begins and ends where a part does; between its parts there may be up to four signs and any tag.
Rule 2: the longest spelling wins; a lone name (only a given or family name) is reported, never decided, here.
Rule 3: from one part at most LETTERS letters are looked at, so the time is linear in the text.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from readingroom.anonymize.beginnings import LONG, MIDDLE, SHORT, WHOLE, Beginnings, may_begin
from readingroom.anonymize.kernels import BASE, U64, kernel, signed, small_kernel
from readingroom.anonymize.known import Known, Spellings, entry_of
from readingroom.anonymize.spellings import (
    ADDRESS,
    AMBIGUOUS,
    DIGEST,
    FULL,
    HANDLE,
    ID,
    INITIAL,
    LONE,
    ORG,
    PHONE,
    RECORD,
)
from readingroom.anonymize.tokens import DIGITS, FIRST_UPPER, GAP_FAR, GAP_NEAR, POWER, Records, Tokens
from readingroom.anonymize.views import Letters

LETTERS = 64
WORDS = 6
WORDS_FROM_DIGITS = 9

MATCH = np.dtype(
    [("start", "i4"), ("end", "i4"), ("entry", "i4"), ("first", "i4"), ("last", "i4"), ("kinds", "u2")], align=True
)
Start = tuple[np.uint64, int]  # the hash of the first letters of a chain, and how many they are
_ANYWHERE = ID | DIGEST | PHONE | RECORD
_UNAMBIGUOUS = FULL | INITIAL | HANDLE | ORG


@small_kernel
def _accepted(letters: Letters, parts: Records, span: tuple[int, int], words: int, kinds: int) -> int:
    """Those kinds of a spelling that may stand here as parts[i:j], written as `words` words."""
    i, j = span
    if kinds & AMBIGUOUS and words == 1:
        kinds &= ~_UNAMBIGUOUS
    found = kinds & _ANYWHERE
    found |= kinds & (FULL | HANDLE)
    if words >= 2:
        found |= kinds & (ADDRESS | ORG)
        if kinds & INITIAL and _initial_stands(letters, parts, i, j):
            found |= INITIAL
    else:
        found |= kinds & (LONE | INITIAL)
        if parts[i].flags & FIRST_UPPER:
            found |= kinds & ORG
    return found


@small_kernel
def _initial_stands(letters: Letters, parts: Records, i: int, j: int) -> bool:
    """Capitals on both sides, or a sign of user names between: `H. Tolliverton`, `h_tolliverton`, not `a grant`."""
    if parts[i].flags & FIRST_UPPER and parts[j - 1].flags & FIRST_UPPER:
        return True
    sign = letters.folded[parts[j - 1].start - 1]
    return bool(parts[j - 1].start - parts[j - 2].end == 1 and (sign == 46 or sign == 95 or sign == 45))


@small_kernel
def _leet(letters: Letters, start: int, end: int, one: int) -> np.uint64:
    """The hash of digits read as the letters they look like; `one` is what a 1 looks like."""
    h = np.uint64(0)
    for k in range(start, end):
        digit = letters.folded[k] - 48
        letter = LOOKS[digit]
        if digit == 1:
            letter = one
        h = h * BASE + np.uint64(letter) + np.uint64(1)
    return h


LOOKS = np.frombuffer(b"oizeasgtbg", np.uint8)


PLAIN, LEET_I, LEET_L, SKIPPING = range(4)  # the hashes of a chain: as written, as leet, without one initial


@small_kernel
def _append(chain: U64, letters: Letters, part: Any) -> None:
    """Add a part to the hashes of a chain."""
    shift = POWER[part.end - part.start]
    chain[PLAIN] = chain[PLAIN] * shift + part.hash
    chain[SKIPPING] = chain[SKIPPING] * shift + part.hash
    if part.flags & DIGITS:
        chain[LEET_I] = chain[LEET_I] * shift + _leet(letters, part.start, part.end, 105)
        chain[LEET_L] = chain[LEET_L] * shift + _leet(letters, part.start, part.end, 108)
    else:
        chain[LEET_I] = chain[LEET_I] * shift + part.hash
        chain[LEET_L] = chain[LEET_L] * shift + part.hash


@small_kernel
def _entry(h: np.uint64, known: Spellings) -> int:
    """The entry of a spelling, or -1."""
    return entry_of(known.table, h) if may_begin(known.begin, h ^ WHOLE) else -1


@small_kernel
def _look(chain: U64, mixed: bool, skips: bool, known: Spellings) -> tuple[int, int]:
    """(entry, kinds) of a chain, or (-1, 0): as written, else as leet, else without its initial."""
    entry = _entry(chain[PLAIN], known)
    if entry < 0 and mixed:
        entry = _entry(chain[LEET_I], known)
        if entry < 0:
            entry = _entry(chain[LEET_L], known)
    if entry >= 0:
        return entry, signed(known.entries.kinds[entry])
    if skips:
        entry = _entry(chain[SKIPPING], known)
        if entry >= 0:
            return entry, signed(known.entries.kinds[entry]) & FULL
    return -1, 0


@small_kernel
def _new_words(parts: Records, i: int, j: int) -> int:
    """1 if part j begins a new word of the chain that began at i; letters set apart are one word."""
    if j == i or parts[j].gap != GAP_NEAR:
        return 0
    single = parts[j].end - parts[j].start == 1 and parts[j - 1].end - parts[j - 1].start == 1
    return 0 if single else 1


@small_kernel
def _lengthened(start: Start, letters: Letters, part: Any, known: Beginnings) -> Start:
    """The start of a chain with the letters of one part more; its size is below 0 if no spelling begins so."""
    h, size = start
    k = part.start
    while k < part.end and 0 <= size < LONG:
        h = h * BASE + np.uint64(letters.folded[k]) + np.uint64(1)
        size += 1
        k += 1
        if (size == SHORT or size == MIDDLE or size == LONG) and not may_begin(known, h):  # noqa: SIM109 - slower
            size = -1
    return h, size


@small_kernel
def _is_whole(start: Start, known: Beginnings) -> bool:
    return start[1] > 0 and may_begin(known, start[0] ^ WHOLE)


@small_kernel
def _may_begin(letters: Letters, parts: Records, i: int, known: Beginnings) -> bool:
    """Whether a spelling may begin at part i, by its first letters; digits beside letters may stand for others."""
    plain = (np.uint64(0), 0)
    skipping = (np.uint64(0), -1)  # without one initial
    for j in range(i, len(parts)):
        part = parts[j]
        if j > i and part.gap == GAP_FAR:
            return False
        if j > i and (part.flags ^ parts[j - 1].flags) & DIGITS:
            return True
        initial = j > i and skipping[1] < 0 and part.end - part.start == 1 and part.gap == GAP_NEAR
        skipping = plain if initial else _lengthened(skipping, letters, part, known)
        plain = _lengthened(plain, letters, part, known)
        if plain[1] >= LONG or skipping[1] >= LONG:
            return True
        if plain[1] < 0 and skipping[1] < 0:
            return False
        if _is_whole(plain, known) or (_is_whole(skipping, known) and not initial):
            return True
    return False


@kernel
def _longest(letters: Letters, parts: Records, i: int, known: Spellings, chain: U64, out: Records) -> int:
    """Write the best match that begins at part i into out[0]; its end part, or 0."""
    chain[:] = 0
    mixed = skips = False
    words, size, best = 1, 0, 0
    limit = WORDS_FROM_DIGITS if parts[i].flags & DIGITS else WORDS
    for j in range(i, len(parts)):
        part = parts[j]
        length = part.end - part.start
        size += length
        words += _new_words(parts, i, j)
        if (j > i and part.gap == GAP_FAR) or size > LETTERS or words > limit:
            break
        mixed = mixed or (j > i and (part.flags ^ parts[j - 1].flags) & DIGITS != 0)
        before = chain[PLAIN]
        _append(chain, letters, part)
        initial = length == 1 and j > i and part.gap == GAP_NEAR and not part.flags & DIGITS
        if initial and not skips:
            skips = True
            chain[SKIPPING] = before
        entry, kinds = _look(chain, mixed, skips and length > 1, known)
        found = _accepted(letters, parts, (i, j + 1), words, kinds)
        if found:
            best = j + 1
            out[0].entry = entry
            out[0].kinds = found
    if best:
        out[0].start = parts[i].start
        out[0].end = parts[best - 1].end
        out[0].first = i
        out[0].last = best
    return best


@kernel
def _match(letters: Letters, parts: Records, known: Spellings, chain: U64, out: Records) -> int:
    """Write all matches; their number."""
    count = 0
    i = 0
    while i < len(parts):
        end = 0
        if _may_begin(letters, parts, i, known.begin):
            end = _longest(letters, parts, i, known, chain, out[count : count + 1])
        if end:
            lone = out[count].kinds & ~LONE == 0
            count += 1
            # inside a longer word a lone name may hide a full one that begins later
            i = i + 1 if lone and end - i == 1 else end
        else:
            i += 1
    return count


def match_known(letters: Letters, tokens: Tokens, known: Known) -> Records:
    """All known spellings in the view, in order."""
    out = np.empty(len(tokens.parts) + 1, MATCH)
    if known.spellings == 0:
        return out[:0]
    return out[: _match(letters, tokens.parts, known.by_spelling, np.zeros(4, np.uint64), out)]
