"""The three attacks: they succeed on a raw table, fail on an anonymized one and on noise, and are judged fairly."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from readingroom.anonymize.attacks import Attacked, three_attacks
from readingroom.anonymize.diversity import Demands, Rows
from readingroom.anonymize.exposure import Asked, Exposure, exposure, shortfalls
from readingroom.anonymize.hierarchies import Hierarchy, hierarchy_of, kind_of
from readingroom.anonymize.recoding import recode
from readingroom.anonymize.relations import relate, relate_nodes
from readingroom.anonymize.success import AttackRisk, Rate
from readingroom.core.errors import UsageError

ASKED = Asked(attacks=200)


def people(seed: int, rows: int = 600) -> pa.Table:
    chance = np.random.default_rng(seed)
    dates = zip(*(chance.integers(*span, rows).tolist() for span in ((1940, 2000), (1, 13), (1, 29))), strict=True)
    return pa.table(
        {
            "born": [f"{year}-{month:02d}-{day:02d}" for year, month, day in dates],
            "postcode": [str(code) for code in chance.integers(10000, 10400, rows)],
            "sex": chance.choice(["f", "m"], rows).tolist(),
            "income": chance.lognormal(10, 0.5, rows).round().astype(np.int64),
            "illness": chance.choice(["a", "b", "c", "d"], rows, p=[0.5, 0.3, 0.15, 0.05]).tolist(),
        }
    )


def recoded(table: pa.Table, demands: Demands) -> pa.Table:
    """The table by local recoding, the illness as it was."""
    names = ["born", "postcode", "sex", "income"]
    read = [hierarchy_of(kind_of(name, table[name]), table[name]) for name in names]
    trees: tuple[Hierarchy, ...] = tuple(tree for tree, _ in read)
    illness = table["illness"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    rows = Rows(np.ones(table.num_rows, np.int64), (illness,))
    made = recode(np.stack([nodes for _, nodes in read], axis=1), trees, rows=rows, demands=demands)
    assert made.met
    columns = {name: tree.texts(made.shown[:, at]) for at, (name, tree) in enumerate(zip(names, trees, strict=True))}
    return pa.table({**columns, "illness": table["illness"]})


def risks(report: Exposure) -> dict[str, float]:
    return {
        f"{one.attack} {one.columns[0]}" if one.attack == "inference" else one.attack: one.risk
        for one in report.attacks
    }


def test_a_raw_table_gives_its_people_away() -> None:
    raw = people(1)
    report = exposure(raw, ASKED, original=raw, control=people(2))
    assert min(risks(report).values()) > 0.9
    assert report.rows_unique == report.rows == 600
    assert (report.control, report.smallest_class) == ("given", 1)
    assert report.uniques[0].columns == ("born",)


def test_an_anonymized_table_does_not() -> None:
    raw = people(1)
    release = recoded(raw, Demands(25, l=3))
    asked = Asked(("born", "postcode", "sex", "income"), ("illness",), "illness", k=25, attacks=200)
    report = exposure(release, asked, original=raw, control=people(2))
    found = risks(report)
    assert found["singling out"] < 0.05
    assert found["linkability"] < 0.05
    assert found["inference illness"] < 0.2
    assert report.smallest_class >= 25
    assert report.diversity[0].distinct >= 3
    assert report.remedy is None
    assert shortfalls(report, k=25, l=3, risk=0.2) == ()
    beside = exposure(release, asked, original=raw)
    assert beside.control.startswith("held out")
    assert risks(beside)["linkability"] < 0.05


def test_noise_of_the_same_kind_gives_nobody_away_however_unique_its_rows_are() -> None:
    report = exposure(people(3), ASKED, original=people(1), control=people(2))
    assert report.rows_unique == report.rows
    assert all(one.interval[0] < 0.05 for one in report.attacks)
    assert max(value for name, value in risks(report).items() if name != "inference sex") < 0.1


def test_what_the_whole_population_tells_is_no_leak() -> None:
    """Income follows from sex: whoever knows the population infers it, whether or not somebody is in the release."""
    tables = []
    for seed in (1, 2):
        sex = np.random.default_rng(seed).choice(["f", "m"], 300).tolist()
        tables.append(pa.table({"sex": sex, "title": [{"f": "Ms", "m": "Mr"}[one] for one in sex]}))
    report = exposure(tables[0], Asked((), (), "title"), original=tables[0], control=tables[1])
    inferred = report.attacks[-1]
    assert inferred.main.successes == inferred.main.attacks
    assert inferred.risk == 0


def test_the_same_tables_give_the_same_figures() -> None:
    raw, other = people(1), people(2)
    first, second = (exposure(raw, ASKED, original=raw, control=other).as_json() for _ in range(2))
    assert first == second


def test_a_generalized_cell_is_read_for_what_it_covers() -> None:
    shown = pa.array(["1980-1989", "2001-05", "1990", "2003-02-01", None])
    relation = relate("born", shown, pa.array(["1985-03-02", "2001-05-30", "1990-12-12", "2003-02-01"]))
    assert [relation.meaning.covers(code).tolist().index(True) for code in range(4)] == [0, 1, 2, 3]
    assert [int(relation.meaning.distance(code)[:-1].argmin()) for code in range(4)] == [0, 1, 2, 3]
    numbers = relate("n", pa.array(["[0, 10)", "30-39", "50"]), pa.array(["5", "39", "50"]))
    assert [numbers.meaning.covers(code).tolist() for code in range(3)] == np.eye(3, dtype=bool).tolist()
    places = relate("zip", pa.array(["101*", " 20095 "]), pa.array(["10115", "20095"]))
    assert [places.meaning.covers(code).tolist() for code in range(2)] == np.eye(2, dtype=bool).tolist()
    assert places.meaning.distance(0).tolist() == [0.25, 1.0, 0.5]


def test_attacks_on_nodes_of_a_hierarchy() -> None:
    tree, nodes = hierarchy_of("date", people(1)["born"])
    codes = np.array([int(code) for code in people(1)["postcode"].to_pylist()])
    other, places = hierarchy_of("prefix", pa.array([str(code) for code in codes]))
    everyone = np.arange(600)
    inside, outside = everyone[:400], everyone[400:]
    for shown, bound in ((nodes, (0.5, 1.0)), (tree.up(nodes, 3), (0.0, 0.1))):
        relations = [
            relate_nodes("born", shown[inside], nodes, tree=tree),
            relate_nodes("place", other.up(places[inside], 4 if bound[0] == 0 else 0), places, tree=other),
        ]
        found = three_attacks(Attacked(relations, inside, outside, attacks=150))
        linked = next(one for one in found if one.attack == "linkability")
        assert bound[0] <= linked.risk <= bound[1]


def test_an_empty_release_is_attacked_in_vain() -> None:
    raw = people(1, 40)
    report = exposure(raw.slice(0, 0), ASKED, original=raw, control=people(2, 40))
    assert set(risks(report).values()) == {0.0}
    assert (report.rows, report.classes, report.smallest_class, report.remedy) == (0, 0, 0, None)
    assert shortfalls(report, k=5, l=2, risk=0.0) == ()


def test_without_an_original_only_the_release_speaks() -> None:
    release = pa.table(
        {"contactid": ["contact_7f3a2c91d0e4"] * 3, "state": ["x", "x", None], "tags": [["a"], [], None]}
    )
    report = exposure(release, Asked())
    assert report.columns == ("state",)
    assert sorted(report.left_out) == ["contactid", "tags"]
    assert (report.attacks, report.rows_unique) == ((), 1)
    for wrong in (Asked(quasi=("nothing",)), Asked(quasi=("tags",)), Asked((), (), "nothing")):
        with pytest.raises(UsageError, match="column"):
            exposure(release, wrong)


def test_wilson_and_the_rest_risk() -> None:
    assert Rate(5, 10).value == pytest.approx(0.5)
    assert Rate(5, 10).interval == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert Rate(0, 100).interval == pytest.approx((0, 0.03699), abs=1e-4)
    even = AttackRisk("x", (), Rate(80, 100), Rate(50, 100))
    assert even.risk == pytest.approx((Rate(80, 100).value - 0.5) / 0.5)
    assert even.interval[0] < even.risk < even.interval[1]
    assert AttackRisk("x", (), Rate(10, 100), Rate(50, 100)).risk == 0
    assert AttackRisk("x", (), Rate(50, 100)).risk == pytest.approx(0.5)
    assert AttackRisk("x", (), Rate(0, 0), Rate(0, 0)).as_json()["interval"] == [0, 0]
