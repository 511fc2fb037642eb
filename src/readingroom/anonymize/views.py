# ruff: noqa: PLR0917 - kernels: numba takes arrays by position and compiles no sets
"""The view: what a reader would make of a text, letter by letter, with the way back to the bytes it stands on.

Rule 1: every byte of a cell that can be read by a person or a program is in the view; only tags, comments and
scripts are not, and comments and scripts are cut from the output.
Rule 2: a view letter stands on source bytes start:end; a blank made by a tag stands on none.
Rule 3: a 0 in the view is a wall: nothing matches across it.

Escapes are undone (decode), letters folded (folding), runs of blanks are one blank, inline tags join (`<b>Ho</b>ratio`)
and leave a SOFT mark, other tags part. Attribute values follow after the text, each between walls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from readingroom.anonymize.decode import (
    AMP,
    BACKSLASH,
    EQUALS,
    FOLD_LIMIT,
    LESS,
    PLAIN,
    SPACE,
    Codes,
    codes,
    read_backslash,
    read_character,
    read_entity,
)
from readingroom.anonymize.folding import DELETE, UPPER
from readingroom.anonymize.kernels import I32, I64, U8, kernel, signed, small_kernel

SOFT = 2  # a tag, an escape border: perhaps a border of words
MARKUP = 4  # inside an attribute or style sheet
URL = 8  # inside a URL attribute or a URL cell
BLOB = 16  # decoded from base64 or hex
ESCAPED = 32  # percent-encoded in the source
SEGMENT = MARKUP | URL | BLOB

MODE_PLAIN, MODE_HTML, MODE_URL, MODE_JSON = range(4)
MODES = {"plain": MODE_PLAIN, "html": MODE_HTML, "url": MODE_URL, "json-string": MODE_JSON}
N, PENDING, KIND = range(3)  # places in `state`


class Letters(NamedTuple):
    """Of each letter: folded, as written (255: not ASCII), its flags, and the bytes it stands on; an array for each.

    Not an array of records: most passes read one of the five, and then a block's letters fit in the cache.
    """

    folded: U8
    plain: U8
    flags: U8
    start: I32
    end: I32

    def place(self, at: int, letters: Letters) -> None:
        """Copy letters to where there is room for them."""
        to = self.part(at, at + len(letters.folded))
        to.folded[:], to.plain[:], to.flags[:] = letters.folded, letters.plain, letters.flags
        to.start[:], to.end[:] = letters.start, letters.end

    def part(self, first: int, last: int) -> Letters:
        """The letters first:last, no copy."""
        here = slice(first, last)
        return Letters(self.folded[here], self.plain[here], self.flags[here], self.start[here], self.end[here])


class View(NamedTuple):
    """Letters, and the writing state (length, pending SOFT, segment kind)."""

    letters: Letters
    state: I64


def new_view(capacity: int) -> View:
    """An empty view with room for `capacity` letters."""
    folded, plain, flags = np.empty((3, capacity), np.uint8)
    start, end = np.empty((2, capacity), np.int32)
    return View(Letters(folded, plain, flags, start, end), np.zeros(3, np.int64))


def joined(views: Sequence[Letters]) -> Letters:
    """One view after the other."""
    together = new_view(sum(len(view.folded) for view in views)).letters
    at = 0
    for view in views:
        together.place(at, view)
        at += len(view.folded)
    return together


def trimmed(view: View) -> Letters:
    """The filled part of a view."""
    return view.letters.part(0, int(view.state[N]))


@small_kernel
def push(v: Letters, state: I64, letter: int, start: int, end: int) -> None:
    """Append one letter (folded | plain << 8 | flags << 16); a blank after a blank or a wall only lengthens it."""
    n = state[N]
    byte = letter & 255
    if byte == 32 and n > 0 and (v.folded[n - 1] == 32 or v.folded[n - 1] == 0):
        if v.folded[n - 1] == 32 and v.end[n - 1] == start:
            v.end[n - 1] = end
        return
    v.folded[n] = byte
    v.plain[n] = (letter >> 8) & 255
    v.flags[n] = (letter >> 16) | state[PENDING] | state[KIND]
    v.start[n] = start
    v.end[n] = end
    state[PENDING] = 0
    state[N] = n + 1


BLANK = 32 | 32 << 8


@kernel
def wall(v: Letters, state: I64, at: int) -> None:
    """Append a wall."""
    n = state[N]
    v.folded[n] = 0
    v.plain[n] = 0
    v.flags[n] = 0
    v.start[n] = at
    v.end[n] = at
    state[PENDING] = 0
    state[N] = n + 1


@kernel
def push_code(v: Letters, state: I64, code: int, c: Codes, place: tuple[int, int]) -> None:
    """Append the folded form of a code point that stands on the bytes of `place`."""
    start, end = place
    if code < 33 or code == 127:
        push(v, state, BLANK, start, end)
        return
    if code >= FOLD_LIMIT:
        push(v, state, 128 | (code & 63) | 255 << 8, start, end)
        push(v, state, 128 | ((code >> 6) & 127) | 255 << 8, start, end)
        return
    kind = signed(c.fold_kind[code])
    if kind & DELETE:
        n = state[N]
        if n > 0 and v.end[n - 1] == start and v.folded[n - 1] != 0:
            v.end[n - 1] = end
        return
    plain = code if code < 128 else 255
    for k in range(c.fold_start[code], c.fold_start[code + 1]):
        push(v, state, signed(c.fold_data[k]) | plain << 8 | (kind & UPPER) << 16, start, end)


@small_kernel
def reads_as_itself(src: U8, i: int, end: int, action: U8) -> bool:
    """True for a byte that begins no escape (an equals sign only before what may be quoted-printable)."""
    what = action[src[i]]
    return what <= SPACE or (what == EQUALS and (i + 1 == end or src[i + 1] < 67 or src[i + 1] > 70))


@kernel
def read_word(src: U8, span: tuple[int, int], v: Letters, state: I64, c: Codes) -> int:
    """Append the bytes from the first of `span` on that mean themselves and are no blanks; where they end."""
    i, end = span
    first = n = state[N]
    while i < end and c.action[src[i]] == PLAIN:
        letter = c.letters[src[i]]
        v.folded[n] = letter & 255
        v.plain[n] = src[i]
        v.flags[n] = (letter >> 16) | state[KIND]
        v.start[n] = i
        v.end[n] = i + 1
        i += 1
        n += 1
    if n > first:
        v.flags[first] |= state[PENDING]
        state[PENDING] = 0
        state[N] = n
    return i


@kernel
def read_code(src: U8, i: int, end: int, c: Codes, mode: int) -> tuple[int, int]:
    """The code point at `i`, all escapes undone, and the position after it."""
    action = c.action[src[i]]
    if action == AMP:
        return read_entity(src, i, end, c)
    if action == BACKSLASH:
        return read_backslash(src, i, end, c, mode == MODE_JSON)
    return read_character(src, i, end, c)


@kernel
def read_span(src: U8, span: tuple[int, int], v: Letters, state: I64, c: Codes, mode: int) -> None:
    """Append the bytes of `span` to the view; no tags are looked for."""
    i, end = span
    action = c.action
    letters = c.letters
    while i < end:
        i = read_word(src, (i, end), v, state, c)
        if i == end:
            break
        b = src[i]
        if reads_as_itself(src, i, end, action) or action[b] == LESS:
            push(v, state, signed(letters[b]), i, i + 1)
            i += 1
        else:
            code, j = read_code(src, i, end, c, mode)
            push_code(v, state, code, c, (i, j))
            i = j


@kernel
def read_rows(src: U8, offsets: I64, v: Letters, state: I64, c: Codes, mode: int) -> None:
    """Append every row, a wall after each."""
    for row in range(len(offsets) - 1):
        state[KIND] = URL if mode == MODE_URL else 0
        read_span(src, (offsets[row], offsets[row + 1]), v, state, c, mode)
        wall(v, state, offsets[row + 1])


def plain_view(src: U8, offsets: I64, mode: int) -> Letters:
    """The view of rows without tags."""
    view = new_view(2 * len(src) + 2 * len(offsets) + 16)
    read_rows(src, offsets, view.letters, view.state, codes(), mode)
    return trimmed(view)
