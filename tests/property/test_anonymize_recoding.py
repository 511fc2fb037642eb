"""Local recoding, on whatever rows: every class meets the demands, at no more loss than full-domain generalization."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from readingroom.anonymize.diversity import Demands, Rows, group
from readingroom.anonymize.hierarchies import ROOT, Hierarchy, hierarchy_of, tree
from readingroom.anonymize.recoding import Recoded, full_domain, recode
from readingroom.core.errors import UsageError

DATES = [f"{year}-{month:02d}-0{day}" for year in (1981, 1989, 1990, 2003) for month in (1, 7) for day in (1, 2)]
ROW = st.tuples(
    st.sampled_from([*DATES, None]),
    st.sampled_from(["10115", "10117", "20095", "20097", "80331", "8", None]),
    st.integers(0, 120).map(str),
    st.sampled_from(["a", "b", "c"]),
)
ROWS = st.lists(ROW, min_size=1, max_size=60)
DEMANDS = st.builds(
    Demands,
    k=st.integers(1, 6),
    l=st.integers(1, 3),
    entropy_l=st.sampled_from([1.0, 1.5, 2.0]),
    t=st.sampled_from([1.0, 0.5]),
)


def read(rows: list[Any]) -> tuple[np.ndarray, tuple[Hierarchy, ...], Rows]:
    dates, codes, numbers, secrets = zip(*rows, strict=True)
    found = [
        hierarchy_of(kind, pa.array(cells, pa.string()))
        for kind, cells in (("date", dates), ("prefix", codes), ("number", numbers))
    ]
    sensitive = np.unique(secrets, return_inverse=True)[1].astype(np.int64)
    nodes = np.stack([nodes for _, nodes in found], axis=1)
    return nodes, tuple(hierarchy for hierarchy, _ in found), Rows(np.ones(len(rows), np.int64), (sensitive,))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, demands=DEMANDS)
def test_every_class_meets_the_demands_and_stands_above_what_it_was(rows: list[Any], demands: Demands) -> None:
    nodes, trees, counted = read(rows)
    made = recode(nodes, trees, rows=counted, demands=demands)
    assert (made.classes == group(list(made.shown.T))).all()
    if made.met:
        assert _meets(made, rows, demands)
    else:
        assert (made.shown == ROOT).all()
        assert not _meets(made, rows, demands)
    for column, hierarchy in enumerate(trees):
        assert hierarchy.covers(made.shown[:, column], nodes[:, column]).all()
        gone = (made.shown[:, column] == ROOT) & (nodes[:, column] != ROOT)
        wider = (made.shown[:, column] != ROOT) & (made.shown[:, column] != nodes[:, column])
        assert (made.suppressed[column], made.generalized[column]) == (gone.sum(), wider.sum())


def _meets(made: Recoded, rows: list[Any], demands: Demands) -> bool:
    """The demands, counted the slow way."""
    classes: dict[tuple[int, ...], list[str]] = {}
    for shown, row in zip(made.shown.tolist(), rows, strict=True):
        classes.setdefault(tuple(shown), []).append(row[3])
    whole = {value: sum(row[3] == value for row in rows) / len(rows) for value in "abc"}
    for values in classes.values():
        shares = {value: values.count(value) / len(values) for value in "abc"}
        entropy = -sum(share * np.log(share) for share in shares.values() if share)
        far = sum(abs(shares[value] - whole[value]) for value in "abc") / 2
        if len(values) < demands.k or len(set(values)) < demands.l:
            return False
        if np.exp(entropy) < demands.entropy_l - 1e-6 or far > demands.t + 1e-6:
            return False
    return True


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, demands=DEMANDS)
def test_it_loses_no_more_than_full_domain_is_deterministic_and_leaves_its_own_output_alone(
    rows: list[Any], demands: Demands
) -> None:
    nodes, trees, counted = read(rows)
    made = recode(nodes, trees, rows=counted, demands=demands)
    again = recode(nodes, trees, rows=counted, demands=demands)
    assert (made.shown == again.shown).all()
    twice = recode(made.shown, trees, rows=counted, demands=demands)
    assert (twice.shown == made.shown).all()
    whole = full_domain(nodes, trees, rows=counted, demands=demands)
    if whole is not None and made.met:
        assert made.loss <= whole.loss + 1e-9
        assert 0 <= made.loss <= 1
    order = np.argsort(np.arange(len(rows)) * 7919 % len(rows), kind="stable")
    turned = recode(nodes[order], trees, rows=Rows(counted.counts, (counted.sensitive[0][order],)), demands=demands)
    assert turned.loss == pytest.approx(made.loss)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, k=st.integers(1, 6))
def test_equal_rows_counted_once_give_what_single_rows_give(rows: list[Any], k: int) -> None:
    nodes, trees, _ = read(rows)
    unique, inverse, counts = np.unique(nodes, axis=0, return_inverse=True, return_counts=True)
    single = recode(nodes, trees, rows=Rows(np.ones(len(rows), np.int64)), demands=Demands(k))
    counted = recode(unique, trees, rows=Rows(counts), demands=Demands(k))
    assert counted.loss == pytest.approx(single.loss)
    assert (counted.shown[inverse.reshape(-1)] == single.shown).all()
    assert (counted.suppressed, counted.discernibility) == (single.suppressed, single.discernibility)


def test_local_recoding_keeps_what_a_full_domain_generalization_must_give_up() -> None:
    """One rare year spoils the months of all in a full domain, and of its own rows only here."""
    cells = ["1981-01-01"] * 5 + ["1981-07-01"] * 5 + ["1990-01-01"] * 3 + ["1990-07-01"] * 2
    hierarchy, nodes = hierarchy_of("date", pa.array(cells))
    rows = Rows(np.ones(len(cells), np.int64))
    made = recode(nodes[:, None], (hierarchy,), rows=rows, demands=Demands(5))
    shown = hierarchy.texts(made.shown[:, 0]).to_pylist()
    assert shown == [*cells[:10], *["1990"] * 5]
    whole = full_domain(nodes[:, None], (hierarchy,), rows=rows, demands=Demands(5))
    assert whole is not None
    assert hierarchy.texts(whole.shown[:, 0]).to_pylist() == ["1981"] * 10 + ["1990"] * 5
    assert made.loss < whole.loss


def test_demands_that_nothing_meets_show_nothing() -> None:
    hierarchy, nodes = hierarchy_of("value", pa.array(["x", "x", "y"]))
    made = recode(nodes[:, None], (hierarchy,), rows=Rows(np.ones(3, np.int64)), demands=Demands(5))
    assert (made.met, made.shown.tolist(), made.suppressed) == (False, [[0], [0], [0]], (3,))


def test_a_hierarchy_is_a_tree() -> None:
    hierarchy, nodes = tree([["a1", "a2", "b1", None], ["a", "a", "b", None]])
    assert hierarchy.height == 2
    assert hierarchy.texts(hierarchy.up(nodes)).to_pylist() == ["a", "a", "b", None]
    assert hierarchy.loss[nodes].tolist() == [0.0, 0.0, 0.0, 1.0]
    assert hierarchy.loss[hierarchy.up(nodes)].tolist() == [0.5, 0.5, 0.0, 1.0]
    with pytest.raises(UsageError, match="no hierarchy"):
        tree([["same", "same"], ["a", "b"]])
    with pytest.raises(UsageError, match="no such kind"):
        hierarchy_of("colour", pa.array(["red"]))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-1e12, 1e12, allow_nan=False), max_size=30))
def test_intervals_of_numbers_nest(numbers: list[float]) -> None:
    hierarchy, nodes = hierarchy_of("number", pa.array([repr(number) for number in numbers], pa.string()))
    for step in range(hierarchy.height):
        assert hierarchy.covers(hierarchy.up(nodes, step), nodes).all()
