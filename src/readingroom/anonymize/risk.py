"""Quasi-identifiers: local suppression until every combination that is shown is shared by at least k rows.

Rule 1: cells are generalized first; what is counted are keyed hashes of generalized cells.
Rule 2: what is suppressed is what local recoding (recoding.py) takes with the least loss; rows that show nothing are
a class, too: at least k, or all rows show nothing.
Rule 3: the report is of the whole table, and of attacks that were tried on what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from readingroom.anonymize.counted_attacks import attack_counts
from readingroom.anonymize.diversity import Demands, Ints, Rows
from readingroom.anonymize.hierarchies import ROOT, Hierarchy, tree
from readingroom.anonymize.recoding import Recoded, recode
from readingroom.anonymize.success import AttackRisk

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
    rows_unique: int = 0
    loss: float = 0.0  # mean normalized certainty penalty of a cell
    discernibility: int = 0
    attacks: tuple[AttackRisk, ...] = ()
    attacked_rows: int = 0

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
            "rows_unique": self.rows_unique,
            "loss": round(self.loss, 4),
            "discernibility": self.discernibility,
            "attacks": [attack.as_json() for attack in self.attacks],
            "attacked_rows": self.attacked_rows,
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
    combinations = list(counts)
    read = [tree([_labels(combinations, column)]) for column in range(len(counted.columns))]
    trees = tuple(hierarchy for hierarchy, _ in read)
    nodes = np.stack([found for _, found in read], axis=1) if read else np.zeros((len(combinations), 0), np.int64)
    rows = Rows(np.array(list(counts.values()), np.int64))
    made = recode(nodes, trees, rows=rows, demands=Demands(k))
    kept = (made.shown != ROOT).tolist()
    shown = {
        combination: tuple(cell if keep else SUPPRESSED for cell, keep in zip(combination, keeps, strict=True))
        for combination, keeps in zip(combinations, kept, strict=True)
    }
    return Suppression(shown, _report(counted, rows, made=made, trees=trees, nodes=nodes, k=k))


def _labels(combinations: list[Combination], column: int) -> list[str | int | None]:
    return [combination[column] or None for combination in combinations]


def _report(
    counted: Combinations, rows: Rows, *, made: Recoded, trees: tuple[Hierarchy, ...], nodes: Ints, k: int
) -> RiskReport:
    sizes = rows.sizes(made.classes)
    attacks, looked_at = attack_counts(counted.columns, trees, nodes=nodes, shown=made.shown, counts=rows.counts)
    return RiskReport(
        table=counted.table,
        columns=counted.columns,
        k=k,
        rows=int(rows.counts.sum()),
        classes_before=len(rows.counts),
        rows_unique_before=int((rows.counts == 1).sum()),
        classes=len(sizes),
        smallest_class=int(sizes.min()) if len(sizes) else 0,
        suppressed=dict(zip(counted.columns, made.suppressed, strict=True)),
        rows_unique=int((sizes == 1).sum()),
        loss=made.loss,
        discernibility=made.discernibility,
        attacks=tuple(attacks),
        attacked_rows=looked_at,
    )
