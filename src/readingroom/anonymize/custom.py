r"""Patterns and word lists of a user's own, from TOML; checked when they are read.

    [[pattern]]
    name = "staff number"     # what reports and errors call it
    label = "ID"              # one of finders.KIND_OF
    regex = 'S-\d{5}'
    context = ["staff", "badge"]   # optional: one of them must stand before it, within 40 letters
    check = "luhn"            # optional: luhn, or a module of python-stdnum such as "nl.bsn"

    [[list]]
    name = "projects"
    label = "ORG"
    words = ["Blue Heron"]    # or file = "projects.txt", one a line, beside the TOML file
    ignore_case = true

Rule 1: RE2 alone matches (Arrow's): linear time whatever the expression and the text.
Rule 2: an error names file and line.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import ahocorasick_rs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.finders import KIND_OF, on_letters
from readingroom.anonymize.kernels import I64, U8
from readingroom.anonymize.reading import buffers
from readingroom.anonymize.spans import FINDING
from readingroom.anonymize.tokens import Records
from readingroom.anonymize.views import Letters
from readingroom.core.errors import UsageError

CONTEXT = 40  # letters before a match in which its context must stand
_OPEN, _CLOSE = 1, 2  # control bytes that mark matches; in a cell they are read as blanks
_MOST_WORDS = 1_000_000
_Keys = dict[str, type]
_KEYS: dict[str, tuple[_Keys, _Keys]] = {
    "pattern": ({"name": str, "label": str, "regex": str}, {"context": list, "check": str}),
    "list": ({"name": str, "label": str}, {"words": list, "file": str, "ignore_case": bool}),
}


@dataclass(frozen=True)
class Pattern:
    """Finds what an expression matches, what stands near it, and what a check proves."""

    kind: int
    regex: str
    context: tuple[str, ...] = ()
    check: Callable[[str], bool] | None = None

    def find(self, block: pa.LargeStringArray, letters: Letters) -> Records:
        """Every match, left to right, as findings."""
        source, offsets = buffers(block)
        clean = np.where((source == _OPEN) | (source == _CLOSE), np.uint8(32), source)
        cells = pa.Array.from_buffers(
            pa.large_string(), len(block), [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(clean))]
        )
        marked = pc.replace_substring_regex(cells, self.regex, f"{chr(_OPEN)}\\0{chr(_CLOSE)}")
        shown, _ = buffers(marked)
        opened, closed = np.flatnonzero(shown == _OPEN), np.flatnonzero(shown == _CLOSE)
        start = opened - 2 * np.arange(len(opened))
        end = closed - 2 * np.arange(len(closed)) - 1
        good = [
            at
            for at, (a, b) in enumerate(zip(start.tolist(), end.tolist(), strict=True))
            if b > a and self._proved(clean, offsets, (a, b))
        ]
        return on_letters(letters, _found(start[good], end[good], self.kind))

    def _proved(self, source: U8, offsets: I64, span: tuple[int, int]) -> bool:
        start, end = span
        if self.check and not self.check(source[start:end].tobytes().decode("utf-8", "replace")):
            return False
        if not self.context:
            return True
        row = int(offsets[np.searchsorted(offsets, start, side="right") - 1])
        before = source[max(row, start - CONTEXT) : start].tobytes().decode("utf-8", "replace").casefold()
        return any(word in before for word in self.context)


@dataclass(frozen=True)
class WordList:
    """Finds words and phrases of a list, as whole words."""

    kind: int
    automaton: Any
    ignore_case: bool

    def find(self, block: pa.LargeStringArray, letters: Letters) -> Records:
        """Every whole word of the list, the longest where two begin together."""
        source, offsets = buffers(block)
        rows = np.repeat(np.arange(len(block)), np.diff(offsets))
        walled = np.full(len(source) + len(block), 255, np.uint8)  # a byte that is in no text parts the cells
        walled[np.arange(len(source)) + rows] = _lowered(source) if self.ignore_case else source
        hits = self.automaton.find_matches_as_indexes(walled.tobytes())
        if not hits:
            return np.empty(0, FINDING)
        spans = np.array(hits, np.int64)
        start, end = spans[:, 1], spans[:, 2]
        word = _in_words(walled)
        # a border of words: not both of the bytes beside it are inside words
        left = ~word[np.maximum(start - 1, 0)] | (start == 0)
        right = ~word[np.minimum(end, len(walled) - 1)] | (end == len(walled))
        start, end = start[left & right], end[left & right]
        row = np.cumsum(walled == 255)[np.maximum(start - 1, 0)] * (start > 0)
        return on_letters(letters, _found(start - row, end - row, self.kind))


def read(text: str, name: str, *, file: Callable[[str], str]) -> tuple[Pattern | WordList, ...]:
    """The finders of a TOML file; `file` reads a list that it names. UsageError names file and line."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        line = re.search(r"line (\d+)", str(error))
        raise UsageError(f"{name}:{line[1] if line else 1}: not TOML") from None
    lines = _lines(text)
    if strange := sorted(set(data) - set(_KEYS)):
        raise UsageError(f"{name}:{_line_of(text, strange[0])}: there are [[pattern]] and [[list]], nothing else")
    made: list[Pattern | WordList] = []
    for section in _KEYS:
        entries = data.get(section, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise UsageError(f"{name}:{_line_of(text, section)}: write [[{section}]], with two brackets")
        for number, entry in enumerate(entries):
            found = lines.get(section, [])
            place = f"{name}:{found[number] if number < len(found) else 1}"
            _check_keys(entry, section, place)
            made.append(_pattern(entry, place) if section == "pattern" else _list(entry, place, file))
    return tuple(made)


def _check_keys(entry: Mapping[str, Any], section: str, place: str) -> None:
    needed, optional = _KEYS[section]
    for key, kind in {**needed, **optional}.items():
        if key in needed and key not in entry:
            raise UsageError(f"{place}: [[{section}]] needs {key}")
        if key in entry and not isinstance(entry[key], kind):
            raise UsageError(f"{place}: {key} is of another type")
        if kind is list and not all(isinstance(one, str) and one.strip() for one in entry.get(key, ())):
            raise UsageError(f"{place}: {key} is a list of texts, none of them empty")
    if strange := sorted(set(entry) - set(needed) - set(optional)):
        raise UsageError(f"{place}: [[{section}]] knows no {strange[0]}")
    if entry["label"] not in KIND_OF:
        raise UsageError(f"{place}: label is one of {', '.join(KIND_OF)}")


def _pattern(entry: Mapping[str, Any], place: str) -> Pattern:
    try:
        pc.match_substring_regex(pa.array([""], pa.large_string()), entry["regex"])
    except pa.ArrowException:
        raise UsageError(f"{place}: regex is none that RE2 takes (no look-around, no back references)") from None
    context = tuple(word.casefold() for word in entry.get("context", ()))
    return Pattern(KIND_OF[entry["label"]], entry["regex"], context, _proof(entry.get("check", ""), place))


def _proof(check: str, place: str) -> Callable[[str], bool] | None:
    if not check:
        return None
    if re.fullmatch(r"[a-z]{2,6}_?(\.[a-z0-9_]+)?", check):
        try:
            proof: Callable[[str], bool] = import_module(f"stdnum.{check}").is_valid
        except (ImportError, AttributeError):
            pass
        else:
            return proof
    raise UsageError(f'{place}: check is luhn or a module of python-stdnum, such as "nl.bsn"')


def _list(entry: Mapping[str, Any], place: str, file: Callable[[str], str]) -> WordList:
    if ("words" in entry) == ("file" in entry):
        raise UsageError(f"{place}: [[list]] has either words or file")
    words = entry["words"] if "words" in entry else [line.strip() for line in file(entry["file"]).splitlines()]
    words = [word for word in words if word]
    if not words or len(words) > _MOST_WORDS:
        raise UsageError(f"{place}: a list has from 1 to {_MOST_WORDS} words")
    ignore = bool(entry.get("ignore_case"))
    forms = {form for word in words for form in ((word.lower(), word.upper(), word.title()) if ignore else (word,))}
    needles = {
        _lowered(np.frombuffer(form.encode(), np.uint8)).tobytes() if ignore else form.encode() for form in forms
    }
    kind = ahocorasick_rs.MATCHKIND_LEFTMOST_LONGEST
    return WordList(KIND_OF[entry["label"]], ahocorasick_rs.BytesAhoCorasick(sorted(needles), matchkind=kind), ignore)


def _found(start: I64, end: I64, kind: int) -> Records:
    found = np.empty(len(start), FINDING)
    found["start"], found["end"], found["kind"], found["entry"] = start, end, kind, -1
    return found


def _lowered(source: U8) -> U8:
    """ASCII capitals as small letters."""
    lowered: U8 = np.where((source >= 65) & (source <= 90), source + np.uint8(32), source).astype(np.uint8)
    return lowered


def _in_words(source: U8) -> npt.NDArray[np.bool_]:
    """Bytes of letters, digits and underscores; of other alphabets every byte, of the wall none."""
    table = np.zeros(256, np.bool_)
    table[[*range(48, 58), *range(65, 91), 95, *range(97, 123), *range(128, 255)]] = True
    inside: npt.NDArray[np.bool_] = table[source]
    return inside


def _lines(text: str) -> dict[str, list[int]]:
    """The line of each [[pattern]] and [[list]]."""
    found: dict[str, list[int]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if head := re.match(r"\s*\[\[\s*(pattern|list)\s*\]\]", line):
            found.setdefault(head[1], []).append(number)
    return found


def _line_of(text: str, key: str) -> int:
    lines = text.splitlines()
    return next((number for number, line in enumerate(lines, 1) if key in line), 1)
