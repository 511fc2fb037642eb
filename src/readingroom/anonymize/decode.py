# ruff: noqa: FBT001, FBT003, PLR0917, PLR1714 - kernels: numba takes arrays by position and compiles no sets
r"""Escapes undone while reading: UTF-8, percent-encoding (twice and more), HTML entities, quoted-printable, JSON \u.

Rule 1: every function takes a position and gives back what stands there and the position after it, always further on.
Rule 2: what is not a valid escape is read as itself; nothing is skipped.
"""

from __future__ import annotations

import html.entities
import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np

from readingroom.anonymize.folding import LIMIT, UPPER, fold_table
from readingroom.anonymize.kernels import (
    I32,
    U8,
    U64,
    empty_table,
    fill,
    find,
    hash_words,
    kernel,
    mix,
    poly,
    signed,
)

ENTITY_LENGTH = 32
PLAIN, SPACE, LESS, AMP, PERCENT, EQUALS, BACKSLASH, HIGH = range(8)


class Codes(NamedTuple):
    """What the reading kernels know: what each byte may begin, folds, hex digits, entities."""

    action: U8
    letters: I32  # of an ASCII byte: its letter as views.push takes it
    hexes: U8
    fold_start: I32
    fold_data: U8
    fold_kind: U8
    entity_keys: U64
    entity_values: I32


@cache
def codes() -> Codes:
    """The tables, made once per process."""
    action = np.zeros(256, np.uint8)
    action[128:] = HIGH
    action[:33] = SPACE
    action[127] = SPACE
    for sign, what in (("<", LESS), ("&", AMP), ("%", PERCENT), ("=", EQUALS), ("\\", BACKSLASH)):
        action[ord(sign)] = what
    hexes = np.full(256, 255, np.uint8)
    for i, byte in enumerate(b"0123456789abcdef"):
        hexes[byte] = i
        hexes[ord(chr(byte).upper())] = i
    names: list[str] = []
    values: list[int] = []
    for name, text in html.entities.html5.items():
        if name.endswith(";") or _stands_alone(text):
            names.append(name)
            values.append(ord(text[0]))
    table = empty_table(len(names))
    fill(table, hash_words(names), np.array(values, np.int32))
    folds = fold_table()
    letters = np.zeros(256, np.int32)
    letters[:33] = letters[127] = 32 | 32 << 8
    for code in range(33, 127):
        letters[code] = int(folds.data[folds.start[code]]) | code << 8 | (int(folds.kind[code]) & UPPER) << 16
    return Codes(action, letters, hexes, folds.start, folds.data, folds.kind, table.keys, table.values)


def _stands_alone(text: str) -> bool:
    """Old entities are read without their semicolon too, where that gives a letter, a blank or a quote."""
    return text in {"\xa0", "\xad", '"'} or unicodedata.category(text[0]).startswith("L")


@kernel
def read_byte(src: U8, i: int, end: int, c: Codes, inner: bool) -> tuple[int, int]:
    """One byte at `i`, percent-encoding and quoted-printable undone; `inner`: inside a UTF-8 sequence."""
    b = signed(src[i])
    if b == 37:
        return _percent(src, i, end, c)
    if b == 61 and i + 2 < end:
        high, low = signed(c.hexes[src[i + 1]]), signed(c.hexes[src[i + 2]])
        if low < 16 and inner and 8 <= high < 12:
            return high * 16 + low, i + 3
        leads = low < 16 and 12 <= high < 16 and i + 4 < end and src[i + 3] == 61
        if leads and 8 <= c.hexes[src[i + 4]] < 12:
            return high * 16 + low, i + 3
    return b, i + 1


@kernel
def _percent(src: U8, i: int, end: int, c: Codes) -> tuple[int, int]:
    j = i + 1
    while j + 1 < end and src[j] == 50 and src[j + 1] == 53:  # %25 is a percent sign, perhaps of another escape
        j += 2
    if j + 1 < end:
        high, low = signed(c.hexes[src[j]]), signed(c.hexes[src[j + 1]])
        if high < 16 and low < 16:
            return high * 16 + low, j + 2
    return 37, (i + 3 if j > i + 1 else i + 1)


@kernel
def read_character(src: U8, i: int, end: int, c: Codes) -> tuple[int, int]:
    """One code point at `i` and the position after it; a broken sequence is read as Latin-1."""
    lead, j = read_byte(src, i, end, c, False)
    if lead < 0xC2 or lead > 0xF4:
        return lead, j
    more = 1 if lead < 0xE0 else (2 if lead < 0xF0 else 3)
    code = lead & (0x3F >> more)
    k = j
    for _ in range(more):
        if k >= end:
            return lead, j
        b, k = read_byte(src, k, end, c, True)
        if b & 0xC0 != 0x80:
            return lead, j
        code = (code << 6) | (b & 0x3F)
    return code, k


@kernel
def read_entity(src: U8, i: int, end: int, c: Codes) -> tuple[int, int]:
    """The character of the entity at `i` (an ampersand), or the ampersand itself; `&amp;eacute;` is undone twice."""
    code, j = _entity(src, i + 1, end, c)
    while code == 38 and j < end:
        again, k = _entity(src, j, end, c)
        if again < 0:
            break
        code, j = again, k
    return (code, j) if code >= 0 else (38, i + 1)


@kernel
def _entity(src: U8, i: int, end: int, c: Codes) -> tuple[int, int]:
    """The entity whose body begins at `i`, or (-1, i)."""
    if i < end and src[i] == 35:
        return _numeric(src, i + 1, end, c)
    j = i
    while j < end and j - i < ENTITY_LENGTH and (48 <= src[j] <= 57 or 65 <= (src[j] & 0xDF) <= 90):
        j += 1
    if j < end and src[j] == 59:
        slot = find(c.entity_keys, mix(poly(src, i, j + 1)))
        if slot >= 0:
            return signed(c.entity_values[slot]), j + 1
    for k in range(min(j, i + 8), i + 1, -1):
        slot = find(c.entity_keys, mix(poly(src, i, k)))
        if slot >= 0:
            return signed(c.entity_values[slot]), k
    return -1, i


@kernel
def _numeric(src: U8, i: int, end: int, c: Codes) -> tuple[int, int]:
    base = 10
    if i < end and src[i] | 32 == 120:
        base = 16
        i += 1
    j = i
    code = 0
    while j < end and j - i < 9 and c.hexes[src[j]] < base:
        code = code * base + signed(c.hexes[src[j]])
        j += 1
    if j == i or code > 0x10FFFF:
        return -1, i
    if j < end and src[j] == 59:
        j += 1
    return code, j


@kernel
def read_backslash(src: U8, i: int, end: int, c: Codes, json: bool) -> tuple[int, int]:
    r"""The character of `\u0041` or, in JSON, of `\n` and `\"`; else the backslash itself."""
    if i + 1 >= end:
        return 92, i + 1
    follows = src[i + 1]
    if follows == 117:
        code = _four(src, i + 2, end, c)
        if 0xD800 <= code < 0xDC00 and i + 7 < end and src[i + 6] == 92 and src[i + 7] == 117:
            low = _four(src, i + 8, end, c)
            if 0xDC00 <= low < 0xE000:
                return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00), i + 12
        if code >= 0:
            return code, i + 6
    if json and follows < 128:
        known = follows == 110 or follows == 114 or follows == 116
        return (32 if known else signed(follows)), i + 2
    return 92, i + 1


@kernel
def _four(src: U8, i: int, end: int, c: Codes) -> int:
    if i + 4 > end:
        return -1
    code = 0
    for j in range(i, i + 4):
        digit = signed(c.hexes[src[j]])
        if digit > 15:
            return -1
        code = code * 16 + digit
    return code


FOLD_LIMIT = LIMIT
