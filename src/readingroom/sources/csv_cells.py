"""The CSV grammar as one loop over bytes: where each cell of each row begins and ends, or the exact first error.

    row   = cell *("," cell) (LF | CR LF | end of file)
    cell  = *bare | DQUOTE *(any but DQUOTE | 2DQUOTE) DQUOTE        bare = any but DQUOTE "," CR LF

Rule 1: strict. Whatever the grammar does not allow is an error with row and column; nothing is guessed or padded,
except that a row which reaches `least` cells gets nulls up to `width` (columns that were appended later).
Rule 2: bounded. A cell over `limit` characters is an error as soon as its bytes show it.
Rule 3: only complete rows count; the bytes of an incomplete last row are left for the next call.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from readingroom.sources.kernel import Bytes, Ints, kernel

NULL, DOUBLED, QUOTED = 1, 2, 4
"""Flags of a cell: nothing between commas; holds doubled quotes; stands in quotes."""

FINE, BAD_QUOTING, UNCLOSED, BAD_ROW_END, TOO_SHORT, TOO_LONG, NARROWER, CELL_TOO_LARGE = range(8)
CODES = (
    "",
    "bad_quoting",
    "unclosed_quote",
    "bad_row_end",
    "row_too_short",
    "row_too_long",
    "row_narrower",
    "cell_too_large",
)
# what `split` writes into `state`
ROWS, CONSUMED, ERROR, OFFSET, COLUMN, HAVE, WIDEST = range(7)
STATE_SIZE = 7
BYTES_PER_CHARACTER = 4  # at most; a doubled quote has 2

_QUOTE, _COMMA, _CR, _LF = 34, 44, 13, 10


class Window(NamedTuple):
    """The bytes at hand: `buf[:size]`; `final` if no more follow; a cell has at most `limit` characters."""

    buf: Bytes
    size: int
    final: bool
    limit: int


class Cells(NamedTuple):
    """Room for rows x width cells: content begins, ends and flags; and each row's (first byte, end of last cell)."""

    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    flags: Bytes
    bounds: NDArray[np.int32]


@kernel
def _quoted_end(window: Window, start: int) -> tuple[int, int, int]:
    """(end of content, flags, error): end is -1 while the closing quote is not yet in the window."""
    buf, size = window.buf, window.size
    flags = QUOTED
    at = start
    ceiling = start + BYTES_PER_CHARACTER * window.limit
    while True:
        while at < size and buf[at] != _QUOTE:
            at += 1
        if at > ceiling:
            return ceiling, flags, CELL_TOO_LARGE
        if at >= size:
            return (size, flags, UNCLOSED) if window.final else (-1, flags, FINE)
        if at + 1 < size:
            if buf[at + 1] != _QUOTE:
                return at, flags, FINE
            flags = QUOTED | DOUBLED
            at += 2
        elif window.final:
            return at, flags, FINE
        else:
            return -1, flags, FINE


@kernel
def _bare_end(window: Window, start: int) -> tuple[int, int, int]:
    """As _quoted_end, for a cell without quotes around it."""
    buf, size = window.buf, window.size
    at = start
    while at < size:
        byte = buf[at]
        if byte == _COMMA or byte == _LF or byte == _CR or byte == _QUOTE:  # noqa: PLR1714, SIM109 - a kernel compares
            break
        at += 1
    ceiling = start + BYTES_PER_CHARACTER * window.limit
    if at > ceiling:
        return ceiling, 0, CELL_TOO_LARGE
    if at >= size and not window.final:
        return -1, 0, FINE
    if at < size and buf[at] == _QUOTE:
        return at, 0, BAD_QUOTING
    return at, (NULL if at == start else 0), FINE


@kernel
def _characters(buf: Bytes, start: int, end: int) -> int:
    """Code points of a cell's content, doubled quotes counted once."""
    count = 0
    quotes = 0
    for at in range(start, end):
        if (buf[at] & 0xC0) != 0x80:
            count += 1
        if buf[at] == _QUOTE:
            quotes += 1
    return count - quotes // 2


@kernel
def _cell(window: Window, start: int) -> tuple[int, int, int, int, int]:
    """(content start, content end, next byte, flags, error) of the cell beginning at `start`; end -1: incomplete."""
    if start < window.size and window.buf[start] == _QUOTE:
        start += 1
        end, flags, error = _quoted_end(window, start)
        after = end + 1
    else:
        end, flags, error = _bare_end(window, start)
        after = end
    if error == FINE and end - start > window.limit and _characters(window.buf, start, end) > window.limit:
        error = CELL_TOO_LARGE
    return start, end, after, flags, error


@kernel
def _row_end(window: Window, at: int) -> tuple[int, bool, int]:
    """(next byte, ended, error) after a cell: a comma goes on, a row end ends; next -1: incomplete."""
    if at >= window.size:
        return (at, True, FINE) if window.final else (-1, False, FINE)
    byte = window.buf[at]
    if byte == _COMMA:
        return at + 1, False, FINE
    if byte == _LF:
        return at + 1, True, FINE
    if byte != _CR:
        return at, False, BAD_QUOTING
    if at + 1 >= window.size:
        return (at, False, BAD_ROW_END) if window.final else (-1, False, FINE)
    return (at + 2, True, FINE) if window.buf[at + 1] == _LF else (at, False, BAD_ROW_END)


@kernel
def _one_row(window: Window, cells: Cells, row: int, begin: int, state: Ints) -> tuple[int, int]:  # noqa: PLR0917 - kernels are called by position
    """(next row's first byte, end of this row), -1 while incomplete; cells beyond the width are counted only."""
    width = cells.starts.shape[1]
    column = 0
    at = begin
    while True:
        if column < width:
            cells.starts[row, column] = at
        start, end, after, flag, error = _cell(window, at)
        ended = False
        if error != FINE:
            after = end
        elif end < 0:
            return -1, -1
        else:
            at, ended, error = _row_end(window, after)
        if error != FINE:
            state[ERROR], state[OFFSET], state[COLUMN] = error, after, column
            return -1, -1
        if at < 0:
            return -1, -1
        if column < width:
            cells.starts[row, column], cells.ends[row, column], cells.flags[row, column] = start, end, flag
        column += 1
        if ended:
            state[HAVE] = column
            return at, after


@kernel
def split(window: Window, cells: Cells, least: int, state: Ints) -> None:  # noqa: PLR0917 - kernels are called by position
    """Split the window into as many rows as `cells` has room for; `state` says how many, and the first error.

    `state[WIDEST]` lives on from call to call: a row narrower than an earlier one shows a cut file.
    """
    most, width = cells.starts.shape
    at = 0
    row = 0
    state[ERROR] = FINE
    while row < most and at < window.size:
        following, end = _one_row(window, cells, row, at, state)
        if following < 0:
            break
        have = state[HAVE]
        if have > width or have < least or have < state[WIDEST]:
            state[ERROR] = TOO_LONG if have > width else (TOO_SHORT if have < least else NARROWER)
            state[OFFSET], state[COLUMN] = end, -1
            break
        for column in range(have, width):
            cells.starts[row, column], cells.ends[row, column], cells.flags[row, column] = end, end, NULL
        state[WIDEST] = have
        cells.bounds[row, 0], cells.bounds[row, 1] = at, end
        at = following
        row += 1
    state[ROWS], state[CONSUMED] = row, at


def new_state() -> Ints:
    """A fresh `state` for a file."""
    return np.zeros(STATE_SIZE, dtype=np.int64)


def room(rows: int, width: int) -> Cells:
    """Room for `rows` rows of `width` cells."""
    return Cells(
        np.zeros((rows, width), dtype=np.int32),
        np.zeros((rows, width), dtype=np.int32),
        np.zeros((rows, width), dtype=np.uint8),
        np.zeros((rows, 2), dtype=np.int32),
    )
