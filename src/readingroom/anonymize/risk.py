"""Quasi-identifiers: local suppression until every combination that is shown is shared by at least k rows.

Rule 1: cells are generalized first; what is counted are keyed hashes of generalized cells.
Rule 2: a class of fewer than k rows loses its most identifying cell, then the next; what is left over joins the rows
that show nothing, and these are at least k, or all rows show nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Combination = tuple[int, ...]
SUPPRESSED = 0


@dataclass(frozen=True)
class RiskReport:
    """What k-anonymity cost in one table; numbers only."""

    table: str
    columns: tuple[str, ...]
    k: int
    rows: int
    classes_before: int
    rows_unique_before: int
    classes: int
    smallest_class: int
    suppressed: dict[str, int]

    @property
    def share_suppressed(self) -> float:
        """The share of quasi-identifying cells that were suppressed."""
        cells = self.rows * len(self.columns)
        return sum(self.suppressed.values()) / cells if cells else 0.0

    def as_json(self) -> dict[str, object]:
        """The report as it stands in a manifest."""
        return {
            "table": self.table,
            "columns": list(self.columns),
            "k": self.k,
            "rows": self.rows,
            "classes_before": self.classes_before,
            "rows_unique_before": self.rows_unique_before,
            "classes": self.classes,
            "k_reached": self.smallest_class,
            "suppressed": self.suppressed,
            "share_suppressed": round(self.share_suppressed, 4),
        }


class Combinations:
    """Counts the combinations of one table's quasi-identifiers; columns stand most identifying first."""

    def __init__(self, table: str, columns: tuple[str, ...]) -> None:
        self.table, self.columns = table, columns
        self._counts: dict[Combination, int] = {}

    def add(self, hashed: npt.NDArray[np.uint64]) -> None:
        """Count rows; `hashed` has one column for each quasi-identifier, 0 where a cell is empty."""
        combinations, counts = np.unique(hashed, axis=0, return_counts=True)
        for combination, count in zip(combinations.tolist(), counts.tolist(), strict=True):
            key = tuple(combination)
            self._counts[key] = self._counts.get(key, 0) + count

    def solve(self, k: int) -> Suppression:
        """Which cells of which combination are suppressed."""
        return _solve(self, self._counts, k)


@dataclass(frozen=True)
class Suppression:
    """For every combination the one that is shown instead, and the report."""

    shown: dict[Combination, Combination]
    report: RiskReport

    def keep(self, hashed: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """For every cell whether it is shown; a combination that was never counted shows nothing."""
        combinations, inverse = np.unique(hashed, axis=0, return_inverse=True)
        nothing = (SUPPRESSED,) * hashed.shape[1]
        shown = [self.shown.get(tuple(combination), nothing) for combination in combinations.tolist()]
        table = np.array(shown, np.uint64).reshape(len(combinations), hashed.shape[1])
        kept: npt.NDArray[np.bool_] = (table == combinations)[np.reshape(inverse, -1)]
        return kept


def _solve(counted: Combinations, counts: dict[Combination, int], k: int) -> Suppression:
    shown = {combination: combination for combination in counts}
    for position in range(len(counted.columns)):
        classes = _classes(shown, counts)
        for combination, present in shown.items():
            if classes[present] < k:
                shown[combination] = (*present[:position], SUPPRESSED, *present[position + 1 :])
    _fill_nothing(shown, counts, k=k)
    return Suppression(shown, _report(counted, counts, shown=shown, k=k))


def _classes(shown: dict[Combination, Combination], counts: dict[Combination, int]) -> dict[Combination, int]:
    classes: dict[Combination, int] = {}
    for combination, present in shown.items():
        classes[present] = classes.get(present, 0) + counts[combination]
    return classes


def _fill_nothing(shown: dict[Combination, Combination], counts: dict[Combination, int], *, k: int) -> None:
    """Rows that show nothing are a class, too: while it is smaller than k, the smallest other class joins it."""
    while shown:
        classes = _classes(shown, counts)
        nothing = (SUPPRESSED,) * len(next(iter(shown)))
        if not 0 < classes.get(nothing, 0) < k or len(classes) == 1:
            return
        smallest = min((size, key) for key, size in classes.items() if key != nothing)[1]
        for combination, present in shown.items():
            if present == smallest:
                shown[combination] = nothing


def _report(
    counted: Combinations, counts: dict[Combination, int], *, shown: dict[Combination, Combination], k: int
) -> RiskReport:
    classes = _classes(shown, counts)
    suppressed = {
        column: sum(n for key, n in counts.items() if key[index] != shown[key][index])
        for index, column in enumerate(counted.columns)
    }
    return RiskReport(
        table=counted.table,
        columns=counted.columns,
        k=k,
        rows=sum(counts.values()),
        classes_before=len(counts),
        rows_unique_before=sum(n for n in counts.values() if n == 1),
        classes=len(classes),
        smallest_class=min(classes.values(), default=0),
        suppressed=suppressed,
    )
