"""How exposed the people of one table are: classes, uniques, diversity of what is sensitive, and the three attacks.

Rule 1: a report holds names of columns and numbers, never a cell. Rule 2: what was not measured is said, not left out.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.as_text import text_of
from readingroom.anonymize.attacks import Attacked, three_attacks
from readingroom.anonymize.diversity import Demands, Ints, Rows, group
from readingroom.anonymize.hierarchies import hierarchy_of, kind_of
from readingroom.anonymize.recoding import recode
from readingroom.anonymize.relations import relate
from readingroom.anonymize.success import AttackRisk
from readingroom.core.errors import UsageError

SUBSETS: Final = 300  # combinations of columns of one size that are looked at
WORST: Final = 5
HELD_OUT: Final = 10  # one row in ten, of a release that stands row by row beside its original
_FEWEST: Final = 10  # rows of a control group
_PSEUDONYM: Final = r"^([a-z]+_[0-9a-f]{12}(, )?)+$|^\[[A-Z_]+(_[0-9a-f]{8})?\]$"
NESTED: Final = "nested: no quasi-identifier can be compared in it"
RANDOM: Final = "pseudonyms: nobody outside knows them"


@dataclass(frozen=True)
class Asked:
    """What a report is asked for: which columns, and against which k."""

    quasi: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    secret: str = ""
    k: int = 5
    attacks: int = 500
    seed: int = 1


@dataclass(frozen=True)
class Uniques:
    """Rows that some columns alone single out."""

    columns: tuple[str, ...]
    unique: int
    below_k: int


@dataclass(frozen=True)
class Diversity:
    """The poorest class of one sensitive column."""

    column: str
    distinct: int
    entropy: float
    distance: float


@dataclass(frozen=True)
class Exposure:
    """The report of one table."""

    rows: int
    columns: tuple[str, ...]
    left_out: Mapping[str, str]
    k: int
    classes: int
    smallest_class: int
    rows_unique: int
    rows_below_k: int
    uniques: tuple[Uniques, ...]
    diversity: tuple[Diversity, ...]
    remedy: Mapping[str, Any] | None  # what local recoding would cost to reach k
    control: str
    attacks: tuple[AttackRisk, ...]

    def as_json(self) -> dict[str, Any]:
        """The report as one object."""
        return {**asdict(self), "attacks": [one.as_json() for one in self.attacks]}


def exposure(
    release: pa.Table, asked: Asked, *, original: pa.Table | None = None, control: pa.Table | None = None
) -> Exposure:
    """The exposure of a release; the attacks need the original, and a control group to be judged by."""
    columns, left_out = _columns(release, asked, original)
    codes = {name: _codes(release[name]) for name in (*columns, *asked.sensitive)}
    quasi = [codes[name] for name in columns]
    ones = np.ones(release.num_rows, np.int64)
    rows = Rows(ones, tuple(codes[name] for name in asked.sensitive))
    classes = group(quasi) if quasi else np.zeros(release.num_rows, np.int64)
    sizes = rows.sizes(classes)
    attacks, group_of = _attacks(release, columns, asked, others=(original, control))
    poor = int(sizes[sizes < asked.k].sum())
    return Exposure(
        rows=release.num_rows,
        columns=columns,
        left_out=left_out,
        k=asked.k,
        classes=len(sizes),
        smallest_class=int(sizes.min()) if len(sizes) else 0,
        rows_unique=int((sizes == 1).sum()),
        rows_below_k=poor,
        uniques=tuple(_uniques(columns, quasi, asked.k)),
        diversity=tuple(_diversity(rows, classes, asked.sensitive)),
        remedy=_remedy(release, columns, asked.k) if poor else None,
        control=group_of,
        attacks=attacks,
    )


def shortfalls(report: Exposure, *, k: int | None, l: int | None, risk: float | None) -> tuple[str, ...]:  # noqa: E741 - l-diversity is called so
    """Why a report does not hold the thresholds that somebody named; nothing if it does."""
    found: list[str] = []
    if k is not None and report.rows and report.smallest_class < k:
        found.append(f"k: the smallest class has {report.smallest_class} rows, fewer than {k}")
    poor = [one for one in report.diversity if one.distinct < (l or 0)] if report.rows else []
    found += [f"l: a class has {one.distinct} distinct values of {one.column}, fewer than {l}" for one in poor]
    for attack in report.attacks if risk is not None else ():
        if attack.risk > (risk or 0.0):
            secret = f" of {attack.columns[0]}" if attack.attack == "inference" else ""
            found.append(f"risk: {attack.attack}{secret} succeeds at {attack.risk:.3f}, more than {risk:g}")
    return tuple(found)


def _columns(release: pa.Table, asked: Asked, original: pa.Table | None) -> tuple[tuple[str, ...], dict[str, str]]:
    """The quasi-identifiers: those that were named, or every column that somebody outside could know."""
    names = (
        release.column_names if original is None else [n for n in release.column_names if n in original.column_names]
    )
    for name in (*asked.quasi, *asked.sensitive, *((asked.secret,) if asked.secret else ())):
        if name not in names:
            where = "the file" if name not in release.column_names else "the original"
            raise UsageError(f"column {name!r} is not in {where}")
        if pa.types.is_nested(release.schema.field(name).type):
            raise UsageError(f"column {name!r} is nested: it cannot be compared")
    if asked.quasi:
        return tuple(dict.fromkeys(asked.quasi)), {}
    reasons = {name: _why_not(release[name]) for name in release.column_names if name not in asked.sensitive}
    reasons |= dict.fromkeys((name for name in reasons if name not in names), "not in the original")
    chosen = tuple(name for name, reason in reasons.items() if not reason)
    if not chosen and not asked.sensitive:
        told = ", ".join(f"{name} ({reason})" for name, reason in reasons.items())
        raise UsageError(f"no column is left to look at: {told}")
    return chosen, {name: reason for name, reason in reasons.items() if reason}


def _why_not(column: pa.ChunkedArray) -> str:
    if pa.types.is_nested(column.type):
        return NESTED
    values = text_of(column).unique().drop_null()
    if len(values) and all(re.match(_PSEUDONYM, value) for value in values.to_pylist()):
        return RANDOM
    return ""


def _codes(column: pa.ChunkedArray) -> Ints:
    encoded = text_of(column).dictionary_encode()
    codes: Ints = pc.add(pc.fill_null(encoded.indices.cast(pa.int64()), -1), 1).to_numpy(zero_copy_only=False)
    return codes


def _uniques(names: Sequence[str], quasi: Sequence[Ints], k: int) -> list[Uniques]:
    """The worst combinations of one, two and three columns."""
    found = []
    for size in range(1, min(3, len(names)) + 1):
        tried = []
        for chosen in itertools.islice(itertools.combinations(range(len(names)), size), SUBSETS):
            sizes = np.bincount(group([quasi[column] for column in chosen]))
            alone, poor = int((sizes == 1).sum()), int(sizes[sizes < k].sum())
            tried.append(Uniques(tuple(names[column] for column in chosen), alone, poor))
        found += sorted(tried, key=lambda one: (-one.unique, -one.below_k, one.columns))[:WORST]
    return found


def _diversity(rows: Rows, classes: Ints, names: Sequence[str]) -> list[Diversity]:
    if not len(classes):
        return []
    measured = zip(names, rows.distinct(classes), rows.effective(classes), rows.distances(classes), strict=True)
    return [
        Diversity(name, int(distinct.min()), round(float(worth.min()), 4), round(float(far.max()), 4))
        for name, distinct, worth, far in measured
    ]


def _remedy(release: pa.Table, columns: Sequence[str], k: int) -> dict[str, Any]:
    """What local recoding would cost to reach k with these columns."""
    read = [hierarchy_of(kind_of(name, release[name]), release[name]) for name in columns]
    nodes, inverse, counts = np.unique(
        np.stack([nodes for _, nodes in read], axis=1), axis=0, return_inverse=True, return_counts=True
    )
    made = recode(nodes, tuple(tree for tree, _ in read), rows=Rows(counts), demands=Demands(k))
    return {
        "met": made.met,
        "loss": round(made.loss, 4),
        "discernibility": made.discernibility,
        "suppressed": dict(zip(columns, made.suppressed, strict=True)),
        "generalized": dict(zip(columns, made.generalized, strict=True)),
        "classes": len(np.unique(made.classes[inverse.reshape(-1)])),
    }


def _attacks(
    release: pa.Table, columns: Sequence[str], asked: Asked, *, others: tuple[pa.Table | None, pa.Table | None]
) -> tuple[tuple[AttackRisk, ...], str]:
    original, control = others
    names = list(dict.fromkeys([*columns, *((asked.secret,) if asked.secret else ())]))
    if original is None or not columns:
        return (), "no original: only what the release alone shows was measured"
    truth, how = original.select(names), "given"
    people = np.arange(original.num_rows)
    guard: Ints | None = None
    if control is not None:
        missing = [name for name in names if name not in control.column_names]
        if missing:
            raise UsageError(f"column {missing[0]!r} is not in the control group")
        texts = [pa.chunked_array([text_of(table[n]) for table in (original, control)]) for n in names]
        truth = pa.table(texts, names=names)
        guard = np.arange(original.num_rows, truth.num_rows)
    elif original.num_rows == release.num_rows and original.num_rows >= HELD_OUT * _FEWEST:
        order = np.random.default_rng(asked.seed).permutation(original.num_rows)
        guard, people = (np.sort(half) for half in np.split(order, [original.num_rows // HELD_OUT]))
        release, how = release.take(pa.array(people)), "held out: one row in ten was taken out of the release"
    else:
        how = "none: rates of success stand as they are, and bound the risk from above"
    relations = [relate(name, release[name], truth[name]) for name in names]
    known = [relation for relation in relations if relation.name in columns]
    attacked = Attacked(known, people, guard, attacks=asked.attacks, seed=asked.seed)
    return tuple(three_attacks(attacked, next((one for one in relations if one.name == asked.secret), None))), how
