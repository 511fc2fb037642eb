"""Which released cells may stand for which true ones, and how far they are from one another: one column.

An attacker reads a generalized cell for what it covers: an interval its numbers, "1980-1989" its years, "2001-05" its
days, "101*" its postcodes, an empty cell everything. Codes stand for distinct cells; nothing here knows a row's person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.as_text import text_of
from readingroom.anonymize.generalize import as_timestamps
from readingroom.anonymize.hierarchies import ROOT, Floats, Hierarchy, Ints

Mask = npt.NDArray[np.bool_]
VAGUE: Final = 0.5  # how far an empty cell is from anything: nearer than what contradicts, farther than what fits
_INTERVAL: Final = re.compile(r"^\[?\s*(-?\d+(?:\.\d+)?)\s*(?:,|\u2013|(?<=\d)-)\s*(-?\d+(?:\.\d+)?)\s*(\))?\]?$")
_DAY: Final = re.compile(r"^\d{4}(-\d\d){0,2}$")


class Meaning(Protocol):
    """What the released cells of one column may stand for."""

    @property
    def numbers(self) -> tuple[Floats, Floats] | None:
        """The released and the true codes as numbers, where all of them are plain numbers."""
        ...

    def covers(self, code: int) -> Mask:
        """For every true code whether the released one may stand for it."""
        ...

    def distance(self, code: int) -> Floats:
        """For every released code, and last for the empty cell, how far it is from the true one: 0 to 1."""
        ...


@dataclass(frozen=True)
class Relation:
    """One column of a release beside the truth, as dense codes; a negative code is an empty cell."""

    name: str
    released: Ints  # [released row]
    truth: Ints  # [person]
    meaning: Meaning


@dataclass(frozen=True)
class NodeMeaning:
    """Codes that are nodes of one hierarchy."""

    tree: Hierarchy

    @property
    def numbers(self) -> None:
        """A hierarchy knows no numbers."""
        return

    def covers(self, code: int) -> Mask:
        """The nodes below."""
        nodes = np.arange(len(self.tree.labels))
        return self.tree.covers(np.full_like(nodes, code), nodes)

    def distance(self, code: int) -> Floats:
        """The share of VAGUE that a node above loses; 1 for any other."""
        nodes = np.arange(len(self.tree.labels))
        above = self.tree.covers(nodes, np.full_like(nodes, code))
        return np.append(np.where(above, self.tree.loss * VAGUE, 1.0), VAGUE)


def relate(name: str, released: pa.Array, truth: pa.Array) -> Relation:
    """The relation of two columns of a file: cells are read for what they may cover."""
    shown, true = (text_of(cells).dictionary_encode() for cells in (released, truth))
    meaning = CellMeaning(shown.dictionary, true.dictionary)
    return Relation(name, _codes(shown), _codes(true), meaning)


def relate_nodes(name: str, released: Ints, truth: Ints, *, tree: Hierarchy) -> Relation:
    """The relation of nodes of one hierarchy."""
    shown, true = (np.where(nodes == ROOT, -1, nodes) for nodes in (released, truth))
    return Relation(name, shown, true, NodeMeaning(tree))


class CellMeaning:
    """What distinct released texts may stand for among distinct true ones."""

    def __init__(self, shown: pa.Array, true: pa.Array) -> None:
        texts: list[str] = [_folded(text) for text in shown.to_pylist()]
        days = as_timestamps(true)
        self._dated = bool(len(days)) and days.null_count == 0
        facts = _days(days) if self._dated else [_folded(text) for text in true.to_pylist()]
        if self._dated:
            texts = _shown_days(shown, texts)
        self._texts, self._facts = np.array([*texts, ""], np.str_)[:-1], np.array([*facts, ""], np.str_)[:-1]
        self._shown_numbers, plain = _numbers(texts), _numbers(facts)
        self._low, self._high = _intervals(texts)
        self._fact_numbers = np.array([float(day[:4]) for day in facts]) if self._dated else plain
        known = np.concatenate([self._fact_numbers, self._shown_numbers])
        known = known[np.isfinite(known)]
        self._range = float(known.max() - known.min()) if len(known) and known.max() > known.min() else 1.0
        self._prefixes = _prefixes(texts, dated=self._dated)
        plainly = bool(len(facts) and len(texts)) and not self._dated
        orderly = plainly and bool(np.isfinite(plain).all() and np.isfinite(self._shown_numbers).all())
        self.numbers = (self._shown_numbers, plain) if orderly else None

    def covers(self, code: int) -> Mask:
        """Equal cells; the numbers of an interval; what begins with a prefix."""
        found: Mask = self._facts == self._texts[code]
        if np.isfinite(self._low[code]):
            found |= (self._fact_numbers >= self._low[code]) & (self._fact_numbers < self._high[code])
            return found
        if code in self._prefixes:
            found = found | np.char.startswith(self._facts, self._prefixes[code])
        elif np.isfinite(self._shown_numbers[code]) and not self._dated:
            found = found | (self._fact_numbers == self._shown_numbers[code])
        return found

    def distance(self, code: int) -> Floats:
        """0 for equal cells, the share of the range for numbers, up to VAGUE for what covers it, 1 for the rest."""
        far = np.ones(len(self._texts) + 1)
        fact, number = str(self._facts[code]), float(self._fact_numbers[code])
        if np.isfinite(number) and not self._dated:
            apart = np.abs(self._shown_numbers - number) / self._range
            far[:-1] = np.where(np.isfinite(apart), np.minimum(apart, 1.0), 1.0)
        inside = (self._low <= number) & (number < self._high)
        far[:-1] = np.where(inside, VAGUE * np.minimum((self._high - self._low) / self._range, 1.0), far[:-1])
        far[[at for at, prefix in self._prefixes.items() if fact.startswith(prefix)]] = VAGUE / 2
        far[:-1][self._texts == fact] = 0.0
        far[-1] = VAGUE
        return far


def _codes(encoded: pa.DictionaryArray) -> Ints:
    codes: Ints = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return codes


def _folded(text: str) -> str:
    return text.strip().casefold()


def _days(instants: pa.Array) -> list[str]:
    return [str(instant)[:10] for instant in instants.to_pylist()]


def _shown_days(cells: pa.Array, texts: list[str]) -> list[str]:
    """A full date as its day; a month, a year or a decade as it stands."""
    days = zip(as_timestamps(cells).to_pylist(), texts, strict=True)
    return [text if day is None else str(day)[:10] for day, text in days]


def _numbers(texts: list[str]) -> Floats:
    found = np.full(len(texts), np.nan)
    for index, text in enumerate(texts):
        try:
            found[index] = float(text)
        except ValueError:
            continue
    found[~np.isfinite(found)] = np.nan
    return found


def _intervals(texts: list[str]) -> tuple[Floats, Floats]:
    low, high = np.full(len(texts), np.nan), np.full(len(texts), np.nan)
    for index, text in enumerate(texts):
        match = _INTERVAL.match(text)
        if match and not _DAY.match(text) and float(match[1]) <= float(match[2]):
            low[index], high[index] = float(match[1]), float(match[2]) + (0 if match[3] else 1)
    return low, high


def _prefixes(texts: list[str], *, dated: bool) -> dict[int, str]:
    """What the texts that are beginnings begin with."""
    found = {at: text[:-1] for at, text in enumerate(texts) if text.endswith("*")}
    return found | ({at: text for at, text in enumerate(texts) if _DAY.match(text)} if dated else {})
