"""Trees of values for generalizing: every value, what it becomes step by step, and at the root nothing.

Rule 1: a node says at most what its children say; the root (node 0) shows nothing, as an empty cell does.
Rule 2: the loss of a node is its share of the column's values that it could be: 0 at a leaf, 1 at the root (NCP).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from readingroom.anonymize.as_text import text_of
from readingroom.anonymize.generalize import as_timestamps
from readingroom.core.errors import UsageError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Label = str | int | None
ROOT: Final = 0
_FINEST: Final = 1e9  # the largest number divided by the narrowest interval
_STEPS: Final = 64  # of intervals, each five times or twice as wide as the last


@dataclass(frozen=True)
class Hierarchy:
    """The tree of one column; arrays over its nodes."""

    labels: tuple[Label, ...]
    loss: Floats
    depth: Ints
    ancestors: Ints  # [depth, node]: the node's ancestor there, or itself if it stands higher

    @property
    def height(self) -> int:
        """Steps from the deepest leaf to the root."""
        return len(self.ancestors) - 1

    def up(self, nodes: Ints, steps: int = 1) -> Ints:
        """The nodes that many steps above."""
        above: Ints = self.ancestors[np.maximum(self.depth[nodes] - steps, 0), nodes]
        return above

    def covers(self, shown: Ints, nodes: Ints) -> npt.NDArray[np.bool_]:
        """Whether `shown` may stand for `nodes`, pair by pair."""
        same: npt.NDArray[np.bool_] = self.ancestors[self.depth[shown], nodes] == shown
        return same

    def texts(self, nodes: Ints) -> pa.Array:
        """What the nodes show; null at the root."""
        return pa.array(self.labels, pa.large_string()).take(pa.array(nodes))


def tree(levels: Sequence[Sequence[Label]]) -> tuple[Hierarchy, Ints]:
    """The hierarchy over values of which `levels[i][j]` is what value j becomes in step i, and each value's node.

    A value that is None in the first level is at the root already.
    """
    labels: list[Label] = [None]
    parent = [ROOT]
    known: dict[tuple[int, Label], int] = {}
    nodes = np.zeros(len(levels[0]) if levels else 0, np.int64)
    for value in range(len(nodes)):
        above = ROOT
        for level in range(len(levels) - 1, -1, -1):
            label = levels[level][value]
            if label is None or (above != ROOT and label == labels[above]):
                continue
            node = known.setdefault((level, label), len(labels))
            if node == len(labels):
                labels.append(label)
                parent.append(above)
            elif parent[node] != above:
                raise UsageError("a generalized value stands under two others: this is no hierarchy")
            above = node
        nodes[value] = above if levels[0][value] is not None else ROOT
    return _hierarchy(labels, np.array(parent, np.int64), leaves=np.unique(nodes)), nodes


def _hierarchy(labels: Sequence[Label], parent: Ints, *, leaves: Ints) -> Hierarchy:
    chain = [np.arange(len(parent))]
    while (chain[-1] != ROOT).any():
        chain.append(parent[chain[-1]])
    steps = np.stack(chain)  # [steps up, node]
    depth = np.count_nonzero(steps != ROOT, axis=0)
    levels = np.arange(depth.max(initial=0) + 1)[:, None]
    ancestors = np.take_along_axis(steps, np.maximum(depth[None, :] - levels, 0), axis=0)
    leaves = leaves[leaves != ROOT]
    below = np.zeros(len(parent), np.int64)
    for level in range(len(ancestors)):
        own = leaves[depth[leaves] >= level]
        below += np.bincount(ancestors[level, own], minlength=len(parent))
    loss = np.maximum(below - 1, 0) / max(len(leaves) - 1, 1)
    loss[ROOT] = 1.0
    return Hierarchy(tuple(labels), loss.astype(np.float64), depth.astype(np.int64), ancestors.astype(np.int64))


def hierarchy_of(kind: str, cells: pa.Array) -> tuple[Hierarchy, Ints]:
    """The hierarchy of a column's cells read as `date`, `number`, `prefix` or `value`, and each cell's node.

    Dates become months, years, decades; numbers lie in ever wider round intervals; a prefix loses its last characters;
    a value becomes nothing.
    """
    if kind not in _LEVELS:
        raise UsageError(f"no such kind of hierarchy: {', '.join(sorted(_LEVELS))}")
    encoded = text_of(cells).dictionary_encode()
    levels = _LEVELS[kind](encoded.dictionary)
    hierarchy, nodes = tree(levels)
    at = encoded.indices.fill_null(len(nodes)).to_numpy(zero_copy_only=False)
    return hierarchy, np.append(nodes, ROOT)[at]


def kind_of(name: str, cells: pa.Array) -> str:
    """Which kind of hierarchy fits a column: by its type, its name (a postcode), and what nearly all its cells are."""
    if any(word in name.lower() for word in ("zip", "postcode", "postal", "plz")):
        return "prefix"
    values = text_of(cells).unique().drop_null()
    if not len(values):
        return "value"
    if as_timestamps(values).null_count == 0:
        return "date"
    return "number" if all(_number(value) is not None for value in values.to_pylist()) else "value"


def _values(values: pa.Array) -> list[list[Label]]:
    return [values.to_pylist()]


def _dates(values: pa.Array) -> list[list[Label]]:
    days: list[str | None] = [str(day)[:10] if day is not None else None for day in as_timestamps(values).to_pylist()]
    cut: list[list[Label]] = [[day and day[:end] for day in days] for end in (10, 7, 4)]
    return [*cut, [day and f"{day[:3]}0-{day[:3]}9" for day in days]]


def _prefixes(values: pa.Array) -> list[list[Label]]:
    texts: list[str] = values.to_pylist()
    longest = max(map(len, texts), default=0)
    cut: list[list[Label]] = [
        [f"{text[:length]}*" if length < len(text) else None for text in texts] for length in range(1, longest)
    ]
    return [list(texts), *reversed(cut)]


def _numbers(values: pa.Array) -> list[list[Label]]:
    """Nested intervals of widths 1, 5, 10, 50, … times a power of ten; cells that are no number become nothing."""
    texts: list[str] = values.to_pylist()
    numbers = [_number(text) for text in texts]
    known = np.array(sorted({number for number in numbers if number is not None}))
    levels: list[list[Label]] = [[t if n is not None else None for t, n in zip(texts, numbers, strict=True)]]
    if len(known) < 2:
        return levels
    finest = max(np.diff(known).min(), np.abs(known).max() / _FINEST)
    width = Decimal(10) ** int(np.floor(np.log10(finest)))
    floors = [None if number is None else int(Decimal(str(number)) // width) for number in numbers]
    last = len(known)
    for step in range(_STEPS):
        factor = 10 ** (step // 2) * (5 if step % 2 else 1)
        found = {number // factor for number in floors if number is not None}
        if len(found) < last:
            last = len(found)
            levels.append([None if one is None else _interval(one // factor, width * factor) for one in floors])
        if last <= 2:
            break
    return levels


def _interval(number: int, width: Decimal) -> str:
    return f"[{(number * width).normalize():f}, {((number + 1) * width).normalize():f})"


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


_LEVELS: Final[Mapping[str, Callable[[pa.Array], list[list[Label]]]]] = {
    "date": _dates,
    "number": _numbers,
    "prefix": _prefixes,
    "value": _values,
}
