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

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from readingroom.anonymize.decode import (
    AMP,
    BACKSLASH,
    EQUALS,
    FOLD_LIMIT,
    LESS,
    SPACE,
    Codes,
    codes,
    read_backslash,
    read_character,
    read_entity,
)
from readingroom.anonymize.folding import DELETE, UPPER
from readingroom.anonymize.kernels import I64, U8, kernel, signed, small_kernel

SOFT = 2  # a tag, an escape border: perhaps a border of words
MARKUP = 4  # inside an attribute or style sheet
URL = 8  # inside a URL attribute or a URL cell
BLOB = 16  # decoded from base64 or hex
ESCAPED = 32  # percent-encoded in the source
SEGMENT = MARKUP | URL | BLOB

MODE_PLAIN, MODE_HTML, MODE_URL, MODE_JSON = range(4)
MODES = {"plain": MODE_PLAIN, "html": MODE_HTML, "url": MODE_URL, "json-string": MODE_JSON}
N, PENDING, KIND = range(3)  # places in `state`


LETTER = np.dtype([("folded", "u1"), ("plain", "u1"), ("flags", "u1"), ("start", "i4"), ("end", "i4")], align=True)
Letters = npt.NDArray[Any]


class View(NamedTuple):
    """One record per letter (LETTER), and the writing state (length, pending SOFT, segment kind)."""

    letters: Letters
    state: I64


def new_view(capacity: int) -> View:
    """An empty view with room for `capacity` letters."""
    return View(np.empty(capacity, LETTER), np.zeros(3, np.int64))


def trimmed(view: View) -> Letters:
    """The filled part of a view."""
    return view.letters[: int(view.state[N])]


@small_kernel
def push(v: Letters, state: I64, letter: int, start: int, end: int) -> None:
    """Append one letter (folded | plain << 8 | flags << 16); a blank after a blank or a wall only lengthens it."""
    n = state[N]
    byte = letter & 255
    if byte == 32 and n > 0 and (v[n - 1].folded == 32 or v[n - 1].folded == 0):
        if v[n - 1].folded == 32 and v[n - 1].end == start:
            v[n - 1].end = end
        return
    v[n].folded = byte
    v[n].plain = (letter >> 8) & 255
    v[n].flags = (letter >> 16) | state[PENDING] | state[KIND]
    v[n].start = start
    v[n].end = end
    state[PENDING] = 0
    state[N] = n + 1


BLANK = 32 | 32 << 8


@kernel
def wall(v: Letters, state: I64, at: int) -> None:
    """Append a wall."""
    n = state[N]
    v[n].folded = 0
    v[n].plain = 0
    v[n].flags = 0
    v[n].start = at
    v[n].end = at
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
        if n > 0 and v[n - 1].end == start and v[n - 1].folded != 0:
            v[n - 1].end = end
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
