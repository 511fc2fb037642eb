"""What may stand in a typed cell, one column of cells at a time: whole numbers, dates, True/False, GUIDs, numbers.

Rule 1: strict; a value that is not exactly of its type makes the column's first bad row known, never a null or a guess.
Dates are one of (README of the data, operations A2):

    M/d/yyyy h:mm:ss tt            SinkCreatedOn, SinkModifiedOn; interactions add an offset ` +00:00`
    yyyy-MM-ddTHH:mm:ss[.fffffff]  with `Z` or an offset `+00:00`; up to seven decimals, kept to the microsecond

Each kernel writes `out` and returns the first bad row, or -1. Rows whose cell is null are left alone.
"""

from __future__ import annotations

from typing import NamedTuple

from readingroom.sources.csv_cells import NULL
from readingroom.sources.kernel import Bytes, Ints, kernel


class Slices(NamedTuple):
    """One column of cells: content begins and ends in `buf`, and flags, one a row."""

    buf: Bytes
    starts: Ints
    ends: Ints
    flags: Bytes


_LARGEST = 9223372036854775807
_DAY, _HOUR, _MINUTE, _SECOND = 86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000


@kernel
def _number(buf: Bytes, at: int, end: int, most: int) -> tuple[int, int]:  # noqa: PLR0917 - kernels are called by position
    """(value, next byte) of one to `most` digits at `at`; value -1 where there is none."""
    value = 0
    count = 0
    while at < end and count < most and 48 <= buf[at] <= 57:
        value = value * 10 + (buf[at] - 48)
        at += 1
        count += 1
    return (value, at) if count > 0 else (-1, at)


@kernel
def _fixed(buf: Bytes, at: int, end: int, digits: int) -> int:  # noqa: PLR0917 - kernels are called by position
    """The value of exactly `digits` digits at `at`, or -1."""
    value, after = _number(buf, at, end, digits)
    return value if after - at == digits else -1


@kernel
def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of a date of the Gregorian calendar; a very negative number if there is no such date."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if year < 1 or month < 1 or month > 12 or day < 1:
        return -(1 << 40)
    length = 31
    if month == 2:
        length = 29 if leap else 28
    elif month == 4 or month == 6 or month == 9 or month == 11:  # noqa: PLR1714 - a kernel compares, it hashes nothing
        length = 30
    if day > length:
        return -(1 << 40)
    shifted = year - (1 if month <= 2 else 0)
    era = shifted // 400
    in_era = shifted - era * 400
    in_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + in_era * 365 + in_era // 4 - in_era // 100 + in_year - 719468


@kernel
def _clock(hour: int, minute: int, second: int) -> int:
    """Microseconds since midnight, or -1."""
    if hour < 0 or hour > 23 or minute < 0 or minute > 59 or second < 0 or second > 59:
        return -1
    return hour * _HOUR + minute * _MINUTE + second * _SECOND


@kernel
def _offset(buf: Bytes, at: int, end: int) -> int:
    """Microseconds of `+hh:mm` or `-hh:mm` that fills [at, end); -1 if it is none (offsets are whole minutes)."""
    if end - at != 6 or (buf[at] != 43 and buf[at] != 45) or buf[at + 3] != 58:
        return -1
    hours, minutes = _fixed(buf, at + 1, end, 2), _fixed(buf, at + 4, end, 2)
    if hours < 0 or hours > 14 or minutes < 0 or minutes > 59:
        return -1
    span = hours * _HOUR + minutes * _MINUTE
    return -span if buf[at] == 45 else span


@kernel
def _iso(buf: Bytes, start: int, end: int) -> tuple[int, bool]:
    """(microseconds since 1970, good) of yyyy-MM-ddTHH:mm:ss[.fffffff](Z|offset)."""
    if end - start < 20 or buf[start + 4] != 45 or buf[start + 7] != 45 or buf[start + 10] != 84:
        return 0, False
    if buf[start + 13] != 58 or buf[start + 16] != 58:
        return 0, False
    days = _days(
        _fixed(buf, start, end, 4),
        _fixed(buf, start + 5, end, 2),
        _fixed(buf, start + 8, end, 2),
    )
    clock = _clock(
        _fixed(buf, start + 11, end, 2),
        _fixed(buf, start + 14, end, 2),
        _fixed(buf, start + 17, end, 2),
    )
    at = start + 19
    micros = 0
    if at < end and buf[at] == 46:
        value, after = _number(buf, at + 1, end, 7)
        digits = after - at - 1
        if value < 0:
            return 0, False
        micros = value
        for _ in range(digits, 7):
            micros *= 10
        micros //= 10
        at = after
    if at >= end or days < -(1 << 30) or clock < 0:
        return 0, False
    if buf[at] == 90 and at + 1 == end:
        return days * _DAY + clock + micros, True
    shift = _offset(buf, at, end)
    if shift == -1:
        return 0, False
    return days * _DAY + clock + micros - shift, True


@kernel
def _us(buf: Bytes, start: int, end: int) -> tuple[int, bool]:
    """(microseconds since 1970, good) of M/d/yyyy h:mm:ss tt, with or without an offset after a space."""
    month, at = _number(buf, start, end, 2)
    if month < 0 or at >= end or buf[at] != 47:
        return 0, False
    day, at = _number(buf, at + 1, end, 2)
    if day < 0 or end - at < 16 or buf[at] != 47 or buf[at + 5] != 32:
        return 0, False
    days = _days(_fixed(buf, at + 1, end, 4), month, day)
    hour, at = _number(buf, at + 6, end, 2)
    if end - at < 9 or buf[at] != 58 or buf[at + 3] != 58 or buf[at + 6] != 32:
        return 0, False
    minute, second = _fixed(buf, at + 1, end, 2), _fixed(buf, at + 4, end, 2)
    half = buf[at + 7]
    known = half == 65 or half == 80  # noqa: PLR1714 - a kernel compares, it hashes nothing
    if hour < 1 or hour > 12 or not known or buf[at + 8] != 77:
        return 0, False
    clock = _clock(hour % 12 + (12 if half == 80 else 0), minute, second)
    at += 9
    shift = 0
    if at < end:
        shift = _offset(buf, at + 1, end) if buf[at] == 32 else -1
    if days < -(1 << 30) or clock < 0 or shift == -1:
        return 0, False
    return days * _DAY + clock - shift, True


@kernel
def instants(cells: Slices, out: Ints) -> int:
    """Dates as microseconds since 1970-01-01T00:00Z."""
    for row in range(cells.starts.shape[0]):
        if cells.flags[row] & NULL:
            continue
        start, end = cells.starts[row], cells.ends[row]
        good = end - start >= 20 and cells.buf[start + 4] == 45
        value, good = _iso(cells.buf, start, end) if good else _us(cells.buf, start, end)
        if not good:
            return row
        out[row] = value
    return -1


@kernel
def whole_numbers(cells: Slices, out: Ints) -> int:
    """Whole numbers of 64 bits: an optional minus and one to nineteen digits."""
    for row in range(cells.starts.shape[0]):
        if cells.flags[row] & NULL:
            continue
        at, end = cells.starts[row], cells.ends[row]
        negative = at < end and cells.buf[at] == 45
        if negative:
            at += 1
        if end - at < 1 or end - at > 19:
            return row
        value = 0
        while at < end:
            digit = cells.buf[at] - 48
            if digit < 0 or digit > 9 or value > (_LARGEST - digit) // 10:
                return row
            value = value * 10 + digit
            at += 1
        out[row] = -value if negative else value
    return -1


@kernel
def _is(buf: Bytes, start: int, word: Bytes) -> bool:
    """Whether `word` stands at `start`, the first letter in either case."""
    if buf[start] != word[0] and buf[start] != word[0] - 32:
        return False
    for at in range(1, word.shape[0]):  # noqa: SIM110 - kernels have no generators
        if buf[start + at] != word[at]:
            return False
    return True


@kernel
def truths(cells: Slices, words: tuple[Bytes, Bytes], out: Bytes) -> int:
    """`True`, `true`, `False` or `false`, as 1 and 0; `words` are the two in lower case."""
    for row in range(cells.starts.shape[0]):
        if cells.flags[row] & NULL:
            continue
        start, length = cells.starts[row], cells.ends[row] - cells.starts[row]
        if length == 4 and _is(cells.buf, start, words[0]):
            out[row] = 1
        elif length == 5 and _is(cells.buf, start, words[1]):
            out[row] = 0
        else:
            return row
    return -1


@kernel
def _nibble(byte: int) -> int:
    """The value of a hex digit, or -1."""
    if 48 <= byte <= 57:
        return byte - 48
    if 97 <= byte <= 102:
        return byte - 87
    return byte - 55 if 65 <= byte <= 70 else -1


@kernel
def guids(cells: Slices, out: Bytes) -> int:
    """GUIDs (8-4-4-4-12 hex digits) as 16 bytes each, so that upper and lower case are one."""
    for row in range(cells.starts.shape[0]):
        if cells.flags[row] & NULL:
            continue
        start = cells.starts[row]
        if cells.ends[row] - start != 36:
            return row
        filled = 0
        for at in range(36):
            byte = cells.buf[start + at]
            if at == 8 or at == 13 or at == 18 or at == 23:  # noqa: PLR1714 - a kernel compares, it hashes nothing
                if byte != 45:
                    return row
                continue
            digit = _nibble(byte)
            if digit < 0:
                return row
            if filled % 2 == 0:
                out[row, filled // 2] = digit << 4
            else:
                out[row, filled // 2] |= digit
            filled += 1
    return -1


@kernel
def _digits(buf: Bytes, at: int, end: int) -> int:
    """The byte after one or more digits at `at`, or -1."""
    after = at
    while after < end and 48 <= buf[after] <= 57:
        after += 1
    return after if after > at else -1


@kernel
def _exponent(buf: Bytes, at: int, end: int) -> int:
    """The byte after an exponent of at most two digits whose E stands at `at`, or -1."""
    at += 1
    if at < end and (buf[at] == 43 or buf[at] == 45):
        at += 1
    after = _digits(buf, at, end)
    return after if after - at <= 2 else -1


@kernel
def number_shapes(cells: Slices) -> int:
    """Numbers: an optional minus, digits, an optional fraction, an optional exponent; at most 64 bytes."""
    buf = cells.buf
    for row in range(cells.starts.shape[0]):
        if cells.flags[row] & NULL:
            continue
        at, end = cells.starts[row], cells.ends[row]
        if end - at > 64:
            return row
        at = _digits(buf, at + 1 if at < end and buf[at] == 45 else at, end)
        if 0 <= at < end and buf[at] == 46:
            at = _digits(buf, at + 1, end)
        if 0 <= at < end and (buf[at] == 69 or buf[at] == 101):
            at = _exponent(buf, at, end)
        if at != end:
            return row
    return -1
