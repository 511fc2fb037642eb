"""The three attacks of WP29 Opinion 05/2014 on a release: singling out, linkability, inference.

In the manner of Anonymeter (Giomi et al.): the same attack on people in the release and on a control group that is not,
and, as `naive`, on a release whose columns were shuffled one by one. Rule 1: the release alone is the attacker's data;
the truth only judges. Rule 2: chance comes from one seed; the same tables give the same figures.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from readingroom.anonymize.diversity import Ints, Mask, group
from readingroom.anonymize.relations import Relation
from readingroom.anonymize.success import AttackRisk, Rate

ATTACKS: Final = 500
_MOST_COLUMNS: Final = 3  # of one predicate
_SUBSETS: Final = 64
_ALIKE: Final = 0.8  # a control group of this share of the people is as good as one of their number
_CLOSE: Final = 0.05  # a number guessed this near is guessed, as a share of the width of the middle half
Relations = Sequence[Relation]
Subsets = Sequence[tuple[int, ...]]
Act = Callable[[Relations, Ints, np.random.Generator], int]


@dataclass(frozen=True)
class Attacked:
    """A release beside the truth: who is in it, and who is the control group (positions of the truth)."""

    relations: Relations
    people: Ints
    control: Ints | None = None
    attacks: int = ATTACKS
    seed: int = 1

    def chance(self, attack: str) -> np.random.Generator:
        """The chance of one attack."""
        return np.random.default_rng([self.seed, *attack.encode()])

    def victims(self, attack: str, people: Ints) -> Ints:
        """Whom an attack is tried on."""
        order = self.chance(attack).permutation(len(people))[: self.attacks]
        return people[order]


def three_attacks(attacked: Attacked, target: Relation | None = None) -> list[AttackRisk]:
    """Singling out, linkability of two columns or more, inference of `target` or of each column by the others."""
    release = attacked.relations
    found = [singling_out(attacked)]
    if len(release) > 1:
        found.append(linkability(attacked))
    for secret in release if target is None else (target,):
        others = [relation for relation in release if relation.name != secret.name]
        if others:
            found.append(inference(replace(attacked, relations=[*others, secret]), secret.name))
    return found


@dataclass(frozen=True)
class _Predicate:
    """Cells of one released row, as conditions: column, code, and 0 for "is", 1 for "at least", -1 for "at most"."""

    terms: tuple[tuple[int, int, int], ...]


def singling_out(attacked: Attacked) -> AttackRisk:
    """Conditions on up to three columns that one released row alone meets: how many meet one person alone?

    A larger control group is cut to the number of people; by a much smaller one chance is reckoned (`_by_chance`).
    """
    release, people, control = attacked.relations, attacked.people, attacked.control
    if control is not None:
        control = attacked.chance("sizes").permutation(control)[: len(people)]
    predicates = _predicates(attacked)
    tried = max(len(predicates), 1)
    guesses = _predicates(replace(attacked, relations=_shuffled(attacked)))
    return AttackRisk(
        "singling out",
        tuple(relation.name for relation in release),
        main=Rate(_isolated(predicates, release, people), tried),
        control=None if control is None else Rate(_by_chance(predicates, release, control, size=len(people)), tried),
        naive=Rate(_isolated(guesses, release, people), max(len(guesses), 1)),
    )


def _predicates(attacked: Attacked) -> list[_Predicate]:
    chance = attacked.chance("singling out")
    release = attacked.relations
    columns = range(len(release))
    sizes = range(1, min(_MOST_COLUMNS, len(release)) + 1)
    subsets = [subset for size in sizes for subset in itertools.combinations(columns, size)]
    chosen = [subsets[at] for at in chance.permutation(len(subsets))[:_SUBSETS].tolist()]
    found = [*_unique_cells(release, chosen, chance), *_extremes(release, chosen, chance)]
    return [found[at] for at in chance.permutation(len(found))[: attacked.attacks].tolist()]


def _unique_cells(release: Relations, subsets: Subsets, chance: np.random.Generator) -> Iterator[_Predicate]:
    for subset in subsets:
        cells = [release[column].released for column in subset]
        groups = group([codes + 1 for codes in cells])
        alone = (np.bincount(groups, minlength=1)[groups] == 1) & np.logical_and.reduce([codes >= 0 for codes in cells])
        rows = np.flatnonzero(alone)
        for row in rows[chance.permutation(len(rows))[:ATTACKS]].tolist():
            yield _Predicate(tuple((column, int(release[column].released[row]), 0) for column in subset))


def _extremes(release: Relations, subsets: Subsets, chance: np.random.Generator) -> Iterator[_Predicate]:
    """Conditions with "at least" and "at most" on numbers, of random rows, kept where one released row meets them."""
    orders = {column: one.meaning.numbers[0] for column, one in enumerate(release) if one.meaning.numbers is not None}
    useful = [subset for subset in subsets if any(column in orders for column in subset)]
    middle = {
        column: np.nanmedian(np.append(order, np.nan)[release[column].released]) for column, order in orders.items()
    }
    for _ in range(ATTACKS if useful and len(release[0].released) else 0):
        subset = useful[int(chance.integers(len(useful)))]
        row = int(chance.integers(len(release[0].released)))
        codes = {column: int(release[column].released[row]) for column in subset}
        if min(codes.values()) < 0:
            continue
        signs = {c: (1 if orders[c][codes[c]] > middle[c] else -1) if c in orders else 0 for c in subset}
        met = np.logical_and.reduce([_meets(release[c], codes[c], signs[c]) for c in subset])
        if np.count_nonzero(met) == 1:
            yield _Predicate(tuple((c, codes[c], signs[c]) for c in subset))


def _meets(relation: Relation, code: int, sign: int) -> Mask:
    """Which released rows meet one condition."""
    if not sign or relation.meaning.numbers is None:
        same: Mask = relation.released == code
        return same
    numbers = np.append(relation.meaning.numbers[0], np.nan)[relation.released]
    met: Mask = (numbers - relation.meaning.numbers[0][code]) * sign >= 0
    return met


def _isolated(predicates: list[_Predicate], release: Relations, people: Ints) -> int:
    return sum(_matching(predicate, release, people) == 1 for predicate in predicates)


def _by_chance(predicates: list[_Predicate], release: Relations, control: Ints, *, size: int) -> int:
    """How many predicates isolate one of `size` strangers, as the control group tells.

    A condition that m of n strangers meet isolates one of N with the chance N m n^m / (n + N)^(m + 1) (Poisson, its
    rate as uncertain as m of n leave it). What nobody in a small group meets counts as never met: the risk is then
    bound from above.
    """
    if len(control) >= _ALIKE * size:
        return _isolated(predicates, release, control)
    expected = 0.0
    for predicate in predicates:
        if met := _matching(predicate, release, control):
            share = len(control) / (len(control) + size)
            expected += met * share**met * (1 - share)
    return round(expected)


def _matching(predicate: _Predicate, release: Relations, people: Ints) -> int:
    """How many of the people meet a predicate."""
    met = np.ones(len(people), np.bool_)
    for column, code, sign in predicate.terms:
        relation = release[column]
        truth = relation.truth[people]
        if sign and relation.meaning.numbers is not None:
            met &= (
                np.append(relation.meaning.numbers[1], np.nan)[truth] - relation.meaning.numbers[0][code]
            ) * sign >= 0
        else:
            met &= np.append(relation.meaning.covers(code), False)[truth]
    return int(np.count_nonzero(met))


def linkability(attacked: Attacked) -> AttackRisk:
    """Two parts of a person's columns, held apart: does the release say that they are one person's?

    Each part is matched to its nearest released row (ties by chance); it succeeds when both are the same row.
    """
    names = tuple(relation.name for relation in attacked.relations)
    return _by_victims("linkability", names, attacked, act=_linked)


def _linked(release: Relations, victims: Ints, chance: np.random.Generator) -> int:
    halves = [_Nearest(release[start::2]) for start in (0, 1)]
    return sum(len({half.row(person, chance) for half in halves}) == 1 for person in victims.tolist())


def inference(attacked: Attacked, secret: str) -> AttackRisk:
    """Everything but one column of a person is known: does the nearest released row tell that one?

    The guess is what most of the nearest rows show, of a number their median; a little off is still right.
    """
    names = tuple(relation.name for relation in attacked.relations)

    def inferred(release: Relations, victims: Ints, _: np.random.Generator) -> int:
        target = release[names.index(secret)]
        nearest = _Nearest([relation for relation in release if relation.name != secret])
        return sum(_guessed(target, nearest.rows(person), person) for person in victims.tolist())

    others = tuple(name for name in names if name != secret)
    return _by_victims("inference", (secret, *others), attacked, act=inferred)


def _guessed(target: Relation, rows: Ints, person: int) -> bool:
    truth = int(target.truth[person])
    shown = target.released[rows]
    shown = shown[shown >= 0]
    if not len(shown) or truth < 0:
        return False
    if target.meaning.numbers is not None:
        guess, fact = float(np.median(target.meaning.numbers[0][shown])), float(target.meaning.numbers[1][truth])
        low, high = np.nanquantile(target.meaning.numbers[1], [0.25, 0.75])
        return abs(guess - fact) <= _CLOSE * float(high - low)
    return bool(target.meaning.covers(int(np.bincount(shown).argmax()))[truth])


def _by_victims(attack: str, columns: tuple[str, ...], attacked: Attacked, *, act: Act) -> AttackRisk:
    chance = attacked.chance(attack)
    people = attacked.victims(attack, attacked.people)
    control = None if attacked.control is None else attacked.victims(attack, attacked.control)
    release, shuffled = attacked.relations, _shuffled(attacked)
    return AttackRisk(
        attack,
        columns,
        main=Rate(act(release, people, chance), len(people)),
        control=None if control is None else Rate(act(release, control, chance), len(control)),
        naive=Rate(act(shuffled, people, chance), len(people)),
    )


class _Nearest:
    """The released rows nearest to a person in some columns; equal rows are measured once."""

    def __init__(self, relations: Relations) -> None:
        self._relations = relations
        self._groups = group([relation.released + 1 for relation in relations])
        self._order = np.argsort(self._groups, kind="stable")
        self._sizes = np.bincount(self._groups, minlength=1)
        self._starts = np.cumsum(self._sizes) - self._sizes
        first = self._order[self._starts] if len(self._order) else self._order
        self._codes = [relation.released[first] for relation in relations]

    def row(self, person: int, chance: np.random.Generator) -> int:
        """One of the nearest rows, by chance; -1 minus the chance if there is none."""
        near = self._near(person)
        if not len(near):
            return -1 - int(chance.integers(1 << 62))
        ends = np.cumsum(self._sizes[near])
        at = int(chance.integers(int(ends[-1])))
        which = int(np.searchsorted(ends, at, side="right"))
        return int(self._order[self._starts[near[which]] + ends[which] - 1 - at])

    def rows(self, person: int) -> Ints:
        """All of the nearest rows."""
        near = self._near(person)
        ends = self._starts[near] + self._sizes[near]
        spans = [self._order[start:end] for start, end in zip(self._starts[near], ends, strict=True)]
        return np.concatenate([self._order[:0], *spans])

    def _near(self, person: int) -> Ints:
        if not len(self._order):
            return self._order
        far = np.zeros(len(self._sizes))
        for relation, codes in zip(self._relations, self._codes, strict=True):
            truth = int(relation.truth[person])
            if truth >= 0:
                far += relation.meaning.distance(truth)[codes]
        return np.flatnonzero(far <= far.min() + 1e-12)


def _shuffled(attacked: Attacked) -> list[Relation]:
    """The release with every column in an order of its own: what is left is what each column alone tells."""
    chance = attacked.chance("shuffled")
    shuffled = []
    for relation in attacked.relations:
        order = chance.permutation(len(relation.released))
        shuffled.append(replace(relation, released=relation.released[order]))
    return shuffled
