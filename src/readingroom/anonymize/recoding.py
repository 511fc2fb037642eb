"""Local recoding: every row shows as much as its class can stand, and classes are small (Mondrian over hierarchies).

Rule 1: all rows that show the same are one class, and every class meets the demands, or every row shows nothing.
Rule 2: never more loss than the best full-domain generalization, which is one of the starts wherever its lattice is
small enough to be searched.
Three starts (bottom up: only rows of poor classes climb; top down: from nothing; full domain) are refined top down:
each class is split where that gains most, what is too few for a class of its own stays behind. The least loss wins.
Pure; the rows come as nodes of hierarchies, equal rows once with their count.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from readingroom.anonymize.diversity import Demands, Floats, Ints, Mask, Rows, group
from readingroom.anonymize.hierarchies import ROOT, Hierarchy

LATTICE = 256  # full-domain generalizations that are tried
Trees = tuple[Hierarchy, ...]


@dataclass(frozen=True)
class Recoded:
    """What every row shows, and what it cost; `met` False: no generalization meets the demands, nothing is shown."""

    shown: Ints  # [row, column]
    classes: Ints  # [row]
    met: bool
    loss: float  # mean normalized certainty penalty of a cell (NCP): 0 as it was, 1 nothing shown
    discernibility: int  # rows times rows that cannot be told from them
    suppressed: tuple[int, ...]  # cells that show nothing now, column by column
    generalized: tuple[int, ...]  # cells that show less, but something


def recode(nodes: Ints, trees: Trees, *, rows: Rows, demands: Demands) -> Recoded:
    """The recoding of least loss among three; the same input gives the same output, its output gives itself."""
    if not len(nodes) or not trees:
        nothing = (0,) * len(trees)
        return Recoded(
            nodes,
            np.zeros(len(nodes), np.int64),
            met=True,
            loss=0.0,
            discernibility=0,
            suppressed=nothing,
            generalized=nothing,
        )
    work = _Work(nodes, trees, rows=rows, demands=demands)
    if not bool(work.good(np.zeros_like(nodes)).all()):
        return work.result(np.full_like(nodes, ROOT), met=False)
    starts = [work.climb(), np.full_like(nodes, ROOT), work.full_domain()]
    refined = [work.refine(start) for start in starts if start is not None]
    return work.result(min(refined, key=work.loss), met=True)


def full_domain(nodes: Ints, trees: Trees, *, rows: Rows, demands: Demands) -> Recoded | None:
    """The best generalization that treats a column's cells alike; None if there is none, or too many to try."""
    work = _Work(nodes, trees, rows=rows, demands=demands)
    found = work.full_domain()
    return None if found is None else work.result(found, met=True)


class _Work:
    """One table's rows and demands, and the steps of recoding over them."""

    def __init__(self, nodes: Ints, trees: Trees, *, rows: Rows, demands: Demands) -> None:
        self._nodes, self._trees, self._rows, self._demands = nodes, trees, rows, demands

    def good(self, shown: Ints) -> Mask:
        """For every row whether its class meets the demands."""
        classes = group(list(shown.T))
        met: Mask = self._rows.meet(classes, self._demands)[classes]
        return met

    def losses(self, shown: Ints) -> Floats:
        """The loss of every row, times its count; a cell that was empty loses nothing."""
        columns = [tree.loss[shown[:, c]] * (self._nodes[:, c] != ROOT) for c, tree in enumerate(self._trees)]
        total: Floats = np.sum(columns, axis=0) * self._rows.counts
        return total

    def loss(self, shown: Ints) -> float:
        """The loss of all rows."""
        return float(self.losses(shown).sum())

    def climb(self) -> Ints:
        """Bottom up: the rows of poor classes climb one step in the column that frees most rows for its loss."""
        shown = self._nodes.copy()
        while True:
            good = self.good(shown)
            poor = ~good & (shown != ROOT).any(axis=1)
            if not poor.any():
                return shown if good.all() else self._absorb(shown, good)
            shown = min(self._climbed(shown, poor), key=lambda step: step[0])[1]

    def _climbed(self, shown: Ints, poor: Mask) -> list[tuple[tuple[float, int], Ints]]:
        """Each column's step, with its price for a row that is freed by it."""
        before = self.loss(shown)
        steps = []
        for column, tree in enumerate(self._trees):
            if not (shown[poor, column] != ROOT).any():
                continue
            step = shown.copy()
            step[poor, column] = tree.up(shown[poor, column])
            freed = int(self._rows.counts[self.good(step) & poor].sum())
            price = (self.loss(step) - before) / freed if freed else np.inf
            steps.append(((price, -int(tree.depth[shown[poor, column]].max())), step))
        return steps

    def _absorb(self, shown: Ints, good: Mask) -> Ints:
        """Rows that show nothing are too few: the classes that lose least join them until they are enough."""
        shown = shown.copy()
        classes = group(list(shown.T))
        price = np.bincount(classes, weights=self._rows.counts * len(self._trees) - self.losses(shown))
        nothing = np.flatnonzero((shown == ROOT).all(axis=1))
        price[classes[nothing]] = -1.0
        for chosen in np.lexsort((np.arange(len(price)), price)).tolist():
            if good.all():
                break
            shown[classes == chosen] = ROOT
            good = self.good(shown)
        return shown

    def full_domain(self) -> Ints | None:
        """The full-domain generalization of least loss; every choice of steps is tried in the order of its loss."""
        heights = [range(tree.height + 1) for tree in self._trees]
        if np.prod([len(steps) for steps in heights], dtype=np.float64) > LATTICE:
            return None
        up = [[tree.up(self._nodes[:, c], steps) for steps in heights[c]] for c, tree in enumerate(self._trees)]
        tried = [
            np.stack([up[c][steps] for c, steps in enumerate(chosen)], axis=1) for chosen in itertools.product(*heights)
        ]
        return next((shown for shown in sorted(tried, key=self.loss) if self.good(shown).all()), None)

    def refine(self, shown: Ints) -> Ints:
        """Top down: split classes where that gains most, until nothing can be split."""
        while True:
            classes = group(list(shown.T))
            splits = [self._split(shown, classes, column) for column in range(len(self._trees))]
            gains = np.stack([np.bincount(classes, weights=self._gain(shown, split)) for split in splits])
            best = gains.argmax(axis=0)
            if not (gains.max(axis=0) > 1e-12).any():
                return shown
            best = np.where(gains.max(axis=0) > 1e-12, best, -1)[classes]
            shown = shown.copy()
            for column, split in enumerate(splits):
                shown[best == column] = split[best == column]

    def _gain(self, shown: Ints, split: Ints) -> Floats:
        gain: Floats = self.losses(shown) - self.losses(split)
        return gain

    def _split(self, shown: Ints, classes: Ints, column: int) -> Ints:
        """`shown` with every class split in one column as far as its parts, and what stays behind, meet the demands."""
        tree = self._trees[column]
        present = shown[:, column]
        below = tree.ancestors[np.minimum(tree.depth[present] + 1, tree.height), self._nodes[:, column]]
        moved = below != present
        parts = group([classes, below])
        poor = moved & ~self._rows.meet(parts, self._demands)[parts]
        moved &= ~poor
        while True:
            halves = group([classes, np.where(moved, below, -1) + 1])
            behind = ~moved & ~self._rows.meet(halves, self._demands)[halves]
            short = np.zeros(int(classes.max()) + 1, np.bool_)
            short[classes[behind]] = True
            joining = moved & short[classes]
            if not joining.any():
                break
            moved &= ~(joining & self._smallest(parts, classes, joining))
        result = shown.copy()
        result[moved, column] = below[moved]
        return result

    def _smallest(self, parts: Ints, classes: Ints, among: Mask) -> Mask:
        """The rows of the smallest part of each class."""
        sizes = self._rows.sizes(parts)
        order = np.lexsort((parts, sizes[parts], classes))
        order = order[among[order]]
        first = order[np.unique(classes[order], return_index=True)[1]]
        chosen: Mask = np.isin(parts, parts[first])
        return chosen

    def result(self, shown: Ints, *, met: bool) -> Recoded:
        """The recoding as it is handed over."""
        classes = group(list(shown.T))
        counts = self._rows.counts
        cells = max(int(counts.sum()) * len(self._trees), 1)
        less = shown != self._nodes
        gone, wider = less & (shown == ROOT), less & (shown != ROOT)
        suppressed, generalized = (tuple((mask * counts[:, None]).sum(axis=0).tolist()) for mask in (gone, wider))
        discernibility = int((self._rows.sizes(classes) ** 2).sum())
        return Recoded(shown, classes, met, self.loss(shown) / cells, discernibility, suppressed, generalized)
