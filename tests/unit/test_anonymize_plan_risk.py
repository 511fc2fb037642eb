from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from readingroom.anonymize.counted_attacks import attack_counts
from readingroom.anonymize.hierarchies import tree
from readingroom.anonymize.risk import Combinations, Suppression
from readingroom.anonymize.shared import SharedCells, hashes

KEY = b"k" * 32


def solve(rows: list[tuple[int, ...]], k: int) -> Suppression:
    columns = tuple(f"q{index}" for index in range(len(rows[0])))
    counted = Combinations("contact", columns)
    half = len(rows) // 2
    for part in (rows[:half], rows[half:]):  # batches add up
        if part:
            counted.add(np.array(part, np.uint64))
    return counted.solve(k)


def classes(rows: list[tuple[int, ...]], suppression: Suppression) -> dict[tuple[int, ...], int]:
    table = np.array(rows, np.uint64)
    shown = np.where(suppression.keep(table), table, 0)
    keys, counts = np.unique(shown, axis=0, return_counts=True)
    return {tuple(key): int(count) for key, count in zip(keys.tolist(), counts.tolist(), strict=True)}


def test_only_the_most_identifying_cell_of_a_rare_row_goes() -> None:
    rows = [(1, 7)] * 5 + [(2, 7)] * 5 + [(3, 7)] * 3 + [(4, 7)] * 2
    suppression = solve(rows, 5)
    assert classes(rows, suppression) == {(1, 7): 5, (2, 7): 5, (0, 7): 5}
    assert suppression.report.suppressed == {"q0": 5, "q1": 0}


def test_rows_that_show_nothing_are_at_least_k() -> None:
    rows = [(1, 1)] * 5 + [(2, 2)] * 6 + [(3, 3)]
    found = classes(rows, solve(rows, 5))
    assert min(found.values()) >= 5
    assert found == {(0, 0): 6, (2, 2): 6}


@pytest.mark.parametrize("seed", range(20))
def test_every_class_that_is_shown_has_k_rows(seed: int) -> None:
    chance = np.random.default_rng(seed)
    rows = [tuple(row) for row in chance.zipf(1.6, (300, 3)).clip(0, 40).tolist()]
    suppression = solve(rows, 5)
    found = classes(rows, suppression)
    assert all(count >= 5 for count in found.values())
    report = suppression.report
    assert (report.rows, report.smallest_class, report.classes) == (300, min(found.values()), len(found))
    assert sum(report.suppressed.values()) == int(
        (~suppression.keep(np.array(rows, np.uint64)) & (np.array(rows) != 0)).sum()
    )


def test_fewer_rows_than_k_show_nothing() -> None:
    rows = [(1, 1), (1, 1), (2, 2)]
    assert classes(rows, solve(rows, 5)) == {(0, 0): 3}


def test_a_combination_that_was_never_counted_shows_nothing() -> None:
    suppression = solve([(1, 1)] * 9, 5)
    assert suppression.keep(np.array([(9, 9)], np.uint64)).tolist() == [[False, False]]


def test_a_code_is_shared_when_k_subjects_have_it_in_whatever_batches() -> None:
    shared = SharedCells(KEY, 3)
    for batch in range(3):
        subjects = hashes(KEY, pa.array([f"s{batch}", f"s{batch}", "s0", None]))
        shared.add("t.c", pa.array(["Open", "rare", "once", "nobody"]), subjects=subjects)
    mask = shared.mask("t.c", pa.array(["Open", " OPEN", "rare", "once", "nobody", "new", None, ""]))
    assert mask.tolist() == [True, True, True, False, False, False, False, False]
    assert not shared.has("t.d", "Open")


def test_one_subject_with_many_rows_shares_nothing() -> None:
    shared = SharedCells(KEY, 3)
    for _ in range(10):
        shared.add("t.c", pa.array(["mine"] * 5), subjects=hashes(KEY, pa.array(["me"] * 5)))
    assert not shared.has("t.c", "mine")
    assert shared.size == 1


def test_the_report_says_what_the_attacks_on_the_shown_combinations_reach() -> None:
    chance = np.random.default_rng(5)
    rows = [tuple(row) for row in chance.integers(1, 30, (2000, 3)).tolist()]
    before, after = solve(rows, 1).report, solve(rows, 8).report
    assert (before.loss, after.rows_unique) == (0.0, 0)
    assert before.rows_unique > 1500
    assert 0 < after.loss < 1
    risks = [{one.attack: one.risk for one in report.attacks} for report in (before, after)]
    assert risks[0]["singling out"] > 0.8
    assert max(risks[1].values()) < 0.1
    assert after.attacked_rows == 2000
    assert after.as_json()["attacks"]


def test_of_a_large_table_whole_classes_are_attacked() -> None:
    counts = np.full(50, 10_000)
    tree_of, nodes = tree([list(range(1, 51))])
    found, rows = attack_counts(("q",), (tree_of,), nodes=nodes[:, None], shown=nodes[:, None], counts=counts)
    assert rows == 100_000
    assert found[0].risk == 0


def test_a_table_of_few_rows_is_not_attacked() -> None:
    report = solve([(1, 1)] * 20, 5).report
    assert (report.attacks, report.smallest_class) == ((), 20)
