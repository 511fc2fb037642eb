"""The words of a normalized block as arrays: where they stand, what stands between them, which sequences are known.

A word is a run of letters; digits and signs separate. Two words belong together if what stands between them could
stand inside a name: a blank, one line end, a dot, a hyphen, an underscore, an apostrophe; a comma between family and
given name only.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from readingroom.copies.look_hashes import Bytes, Hasher, Hashes, HashSet, Ints, Mask

_WORD: Final = re.compile("[a-z\u0080-\U0010ffff]+")
MOST_WORDS: Final = 5  # of one name
_SPELLED: Final = 5  # single letters in a row that may be a word
_FARTHEST: Final = 60  # bytes between two words of one name
_LINE, _COMMA, _JOINER, _DOT, _OTHER = (1 << bit for bit in (8, 12, 16, 20, 26))


def _lower_table() -> Bytes:
    table = np.arange(256, dtype=np.uint8)
    table[65:91] += 32
    return table


def _letter_table() -> Mask:
    table = np.zeros(256, np.bool_)
    table[65:91] = table[97:123] = table[128:] = True  # beyond ASCII only letters are left in normal form
    return table


def _gap_table() -> npt.NDArray[np.int64]:
    table = np.full(256, _OTHER, np.int64)
    for signs, weight in ((b" \t\r", 1), (b"\n", _LINE), (b",", _COMMA), (b"_-+'`", _JOINER), (b".", _DOT)):
        table[list(signs)] = weight
    return table


_LOWER, _LETTER, _GAP = _lower_table(), _letter_table(), _gap_table()
_CAPITAL: Final = np.zeros(256, np.bool_)
_CAPITAL[65:91] = True


@dataclass(frozen=True)
class Words:
    """The words of one block; `near[i]`: word i+1 may continue word i; `comma[i]`: with a comma between."""

    data: Bytes  # the block, case kept
    starts: Ints
    ends: Ints
    hashes: Hashes
    near: Mask
    comma: Mask

    @property
    def capital(self) -> Mask:
        """Which words begin with a capital."""
        return _CAPITAL[self.data[self.starts]]

    def text(self, word: int) -> str:
        """One word as it stands there."""
        return self.data[self.starts[word] : self.ends[word]].tobytes().decode("utf-8", "replace")


def find_words(data: bytes, hasher: Hasher) -> Words:
    """The words of a normalized block."""
    raw = np.frombuffer(data, np.uint8)
    edges = np.zeros(len(raw) + 2, np.int8)
    edges[1:-1] = _LETTER[raw]
    steps = np.diff(edges)
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    hashes = hasher.spans(_LOWER[raw], starts, ends)
    near, comma = _between(raw, starts, ends)
    return Words(raw, starts, ends, hashes, near, comma)


def camel_words(words: Words) -> list[tuple[int, str]]:
    """The words that change from small to capital letters inside: their number, and their text taken apart there."""
    data = words.data
    small = (data >= 97) & (data <= 122)
    turns = np.flatnonzero(small[:-1] & _CAPITAL[data[1:]]) + 1
    if not len(turns):
        return []
    found: list[tuple[int, str]] = []
    owner = np.searchsorted(words.starts, turns, side="right") - 1
    for word in np.unique(owner).tolist():
        start, end = int(words.starts[word]), int(words.ends[word])
        cuts = [start, *turns[owner == word].tolist(), end] if len(turns) < 4096 else _cuts(turns, start, end)
        parts = [data[a:b].tobytes().decode("utf-8", "replace") for a, b in itertools.pairwise(cuts)]
        found.append((word, " ".join(parts)))
    return found


def known_sequences(words: Words, hasher: Hasher, *, parts: HashSet, plain: HashSet, turned: HashSet) -> Ints:
    """First words of every known sequence: of `plain` without a comma inside, of `turned` also with one.

    `parts` holds every single word of both; a lone letter between two of them (an initial) is passed over.
    """
    part = parts.has(words.hashes)
    lone = words.ends - words.starts == 1
    last = len(words.starts) - 1
    begin = np.flatnonzero(part[:-1] & words.near) if last > 0 else np.zeros(0, np.int64)
    found: list[Ints] = []
    initial = begin[lone[begin + 1]]
    initial = initial[initial + 2 <= last]
    initial = initial[words.near[initial + 1] & part[initial + 2]]
    pair = hasher.chain(words.hashes[initial], words.hashes[initial + 2])
    found.append(initial[plain.has(pair)])
    chain: list[Hashes] = [words.hashes[begin]]
    comma = np.zeros(len(begin), np.bool_)
    for step in range(1, MOST_WORDS):
        fits = begin + step <= last
        begin, comma, chain = begin[fits], comma[fits], [column[fits] for column in chain]
        fits = words.near[begin + step - 1] & part[begin + step]
        begin, comma, chain = begin[fits], comma[fits], [column[fits] for column in chain]
        if not len(begin):
            break
        chain.append(words.hashes[begin + step])
        comma = comma | words.comma[begin + step - 1]
        sequence = hasher.chain(*chain)
        found.append(begin[(plain.has(sequence) & ~comma) | turned.has(sequence)])
    return np.unique(np.concatenate(found))


def spelled_words(words: Words) -> list[tuple[str, int]]:
    """Runs of five or more single letters, put together to words (a wider gap parts them), with their positions."""
    lone = words.ends - words.starts == 1
    if np.count_nonzero(lone) < _SPELLED:
        return []
    linked = lone[:-1] & lone[1:] & words.near
    edges = np.diff(np.concatenate([[0], linked.astype(np.int8), [0]]))
    found: list[tuple[str, int]] = []
    for first, last in zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True):
        if last - first + 1 >= _SPELLED:
            gaps = ["", *("" if gap == 1 else " " for gap in (words.starts[1:] - words.ends[:-1])[first:last].tolist())]
            letters = (gap + words.text(first + at) for at, gap in enumerate(gaps))
            found.append(("".join(letters), int(words.starts[first])))
    return found


def split_words(text: str) -> Sequence[str]:
    """The words of one normalized text, in small letters, by the same rule."""
    return _WORD.findall(text.lower())


def _cuts(turns: Ints, start: int, end: int) -> list[int]:
    first, last = np.searchsorted(turns, [start, end])
    return [start, *turns[first:last].tolist(), end]


def _between(raw: Bytes, starts: Ints, ends: Ints) -> tuple[Mask, Mask]:
    if len(starts) < 2:
        return np.zeros(0, np.bool_), np.zeros(0, np.bool_)
    sums = np.zeros(len(raw) + 1, np.int64)
    np.cumsum(_GAP[raw], out=sums[1:])
    gap = sums[starts[1:]] - sums[ends[:-1]]
    length = starts[1:] - ends[:-1]
    blanks, lines, commas = gap & 255, (gap >> 8) & 15, (gap >> 12) & 15
    joiners, dots = (gap >> 16) & 15, (gap >> 20) & 63
    near = (length <= _FARTHEST) & (gap < _OTHER) & (lines <= 1) & (commas <= 1) & (dots <= 1) & (joiners <= 1)
    long = ends[:-1] - starts[:-1] > 1
    near &= ~((dots == 1) & (blanks + lines > 0) & long)  # a sentence ends here
    near &= ~((joiners == 1) & (blanks + lines + commas > 0))
    return near, commas == 1
