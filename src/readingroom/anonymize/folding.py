# ruff: noqa: RUF001, RUF002 - this file is about look-alikes
"""Folding: one table from code point to plain ASCII letters, so that every spelling of a letter looks the same.

Rule 1: both sides of every comparison are folded by this table; nothing else folds.
Rule 2: a letter that has no ASCII form is folded to the UTF-8 bytes of its case-folded self, never dropped.

Case, accents, compatibility forms (ﬁ, ①, 𝐇), look-alikes of Greek and Cyrillic and format characters (zero width,
soft hyphen, bidi controls) disappear; what is no letter, digit or sign of ASCII becomes a space.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

LIMIT = 0x20000  # code points above are rare letters of the Han script; they fold to themselves
MAX_FOLD = 4  # longest fold in bytes: keeps a view at most twice as long as its text

# letters that Unicode does not decompose, and the look-alikes that hide a Latin letter
_SPECIAL = {
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ı": "i",
    "ħ": "h",
    "ŋ": "n",
    "ŧ": "t",
    "ĸ": "k",
    "ſ": "s",
    "ə": "e",
    "ɑ": "a",
    "ɡ": "g",
    "ⅼ": "l",
}
_LOOKALIKES = dict(
    zip("авеёкмнорстухіїјѕԁԛԝҽһӏ", "abeekmhopctyxiijsdqwehl", strict=True),
)
_LOOKALIKES |= dict(zip("αβγεζηικνορστυχω", "abyeznikvopctuxw", strict=True))
_QUOTES = {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "′": "'", "＇": "'"}
_DASHES = "‐‑‒–—―−⁃﹘﹣－"
_DELETED = {"Cf", "Mn", "Me", "Cs"}


class FoldTable(NamedTuple):
    """For code point c: its fold is data[start[c]:start[c + 1]]; kind[c] holds the bits below."""

    start: npt.NDArray[np.int32]
    data: npt.NDArray[np.uint8]
    kind: npt.NDArray[np.uint8]


UPPER = 1  # an upper-case letter
DELETE = 2  # shows nothing and separates nothing
LETTER = 4
DIGIT = 8


@cache
def fold_character(character: str) -> str:
    """The folded form of one character: ASCII where there is one, "" for what shows nothing."""
    if character in _QUOTES:
        return "'"
    if character in _DASHES:
        return "-"
    category = unicodedata.category(character)
    if category in _DELETED:
        return ""
    if character.isspace() or category.startswith("C"):
        return " "
    folded = "".join(_letters(part) for part in unicodedata.normalize("NFKD", character).casefold())
    folded = "".join(part for part in folded if unicodedata.category(part) not in _DELETED)
    if not folded or len(folded.encode("utf-8", "replace")) > MAX_FOLD:
        return character if category[0] == "L" else " "
    return folded if folded.isascii() or category[0] in "LN" else " "


def _letters(character: str) -> str:
    return _SPECIAL.get(character) or _LOOKALIKES.get(character) or character


def _kind(character: str, folded: str) -> int:
    if not folded:
        return DELETE
    bits = UPPER if character.isupper() else 0
    if folded[0].isalpha() or not folded.isascii():
        bits |= LETTER
    elif folded[0].isdigit():
        bits |= DIGIT
    return bits


@cache
def fold_table() -> FoldTable:
    """The whole table, made once per process."""
    start = np.zeros(LIMIT + 1, np.int32)
    kind = np.zeros(LIMIT, np.uint8)
    parts: list[bytes] = []
    length = 0
    for code in range(LIMIT):
        character = chr(code)
        if _is_plain_block(code):
            folded = character
            kind[code] = LETTER
        else:
            folded = fold_character(character)
            kind[code] = _kind(character, folded)
        data = folded.encode("utf-8", "replace")
        parts.append(data)
        length += len(data)
        start[code + 1] = length
    return FoldTable(start, np.frombuffer(b"".join(parts), np.uint8), kind)


def _is_plain_block(code: int) -> bool:
    """Han, Hangul, Yi and the rare scripts: letters that fold to themselves (saves most of the work)."""
    return 0x3400 <= code < 0xD800 or 0x10000 <= code < 0x1D400 or 0x1D800 <= code < 0x1F000


def fold(text: str) -> str:
    """`text` folded letter by letter, runs of space made one."""
    if text.isascii():
        return " ".join(text.lower().replace("`", "'").split())
    folded = "".join(fold_character(c) if ord(c) < LIMIT else c for c in text)
    return " ".join(folded.split())
