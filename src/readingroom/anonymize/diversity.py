"""What a class of rows must be before it may be shown: large enough, and of many minds about what is sensitive.

Rule 1: every demand that a union of two classes keeps once both keep it, so that merging classes always leads there.
k: rows; l: distinct sensitive values; entropy l: exp of the entropy of the sensitive values; t: the largest distance
(total variation) between a class's sensitive values and the table's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Demands:
    """The thresholds; 1 and 1.0 demand nothing."""

    k: int = 5
    l: int = 1  # noqa: E741 - l-diversity is called so
    entropy_l: float = 1.0
    t: float = 1.0


@dataclass(frozen=True)
class Rows:
    """Rows counted: how often each stands there, and its sensitive values as codes, column by column."""

    counts: Ints
    sensitive: tuple[Ints, ...] = ()

    def sizes(self, groups: Ints) -> Ints:
        """The rows of each group."""
        return _sums(groups, self.counts, _number_of(groups)).astype(np.int64)

    def distinct(self, groups: Ints) -> tuple[Ints, ...]:
        """For each sensitive column the distinct values of each group."""
        found = []
        for codes in self.sensitive:
            pairs = np.unique(groups * _base(codes) + codes)
            found.append(np.bincount(pairs // _base(codes), minlength=_number_of(groups)))
        return tuple(found)

    def effective(self, groups: Ints) -> tuple[Floats, ...]:
        """For each sensitive column exp(entropy) of each group: how many values it is worth."""
        found = []
        for codes in self.sensitive:
            owner, share = self._shares(groups, codes)
            found.append(np.exp(_sums(owner, -share * np.log(share), _number_of(groups))))
        return tuple(found)

    def distances(self, groups: Ints) -> tuple[Floats, ...]:
        """For each sensitive column the total variation between each group's values and all rows'."""
        found = []
        for codes in self.sensitive:
            whole = _sums(codes, self.counts, int(codes.max(initial=-1)) + 1) / max(self.counts.sum(), 1)
            pairs, weights = _counted(groups * _base(codes) + codes, self.counts)
            owner, value = pairs // _base(codes), pairs % _base(codes)
            share = weights / self.sizes(groups)[owner]
            seen = _sums(owner, whole[value], _number_of(groups))
            far = _sums(owner, np.abs(share - whole[value]), _number_of(groups))
            found.append((far + 1 - seen) / 2)
        return tuple(found)

    def meet(self, groups: Ints, demands: Demands) -> Mask:
        """Which groups meet the demands."""
        good = self.sizes(groups) >= demands.k
        if demands.l > 1:
            good &= _all(count >= demands.l for count in self.distinct(groups))
        if demands.entropy_l > 1:
            good &= _all(worth >= demands.entropy_l - _ROUNDING for worth in self.effective(groups))
        if demands.t < 1:
            good &= _all(far <= demands.t + _ROUNDING for far in self.distances(groups))
        return good

    def _shares(self, groups: Ints, codes: Ints) -> tuple[Ints, Floats]:
        pairs, weights = _counted(groups * _base(codes) + codes, self.counts)
        owner = pairs // _base(codes)
        return owner, weights / self.sizes(groups)[owner]


def group(columns: Sequence[Ints]) -> Ints:
    """One number for each row, equal for equal rows, from 0 without gaps, in the order of the values."""
    key = np.zeros(len(columns[0]) if columns else 0, np.int64)
    for column in columns:
        wide = key * _base(column) + column
        key = np.unique(wide, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return key


def _all(masks: object) -> Mask:
    found: Mask = np.logical_and.reduce(list(masks))  # type: ignore[call-overload]
    return found


def _base(codes: Ints) -> int:
    return int(codes.max(initial=0)) + 1


def _number_of(groups: Ints) -> int:
    return int(groups.max(initial=-1)) + 1


def _counted(keys: Ints, counts: Ints) -> tuple[Ints, Floats]:
    unique, inverse = np.unique(keys, return_inverse=True)
    return unique, _sums(inverse.reshape(-1), counts, len(unique))


def _sums(owner: Ints, values: npt.NDArray[np.generic], size: int) -> Floats:
    return np.bincount(owner, weights=values, minlength=size).astype(np.float64)
