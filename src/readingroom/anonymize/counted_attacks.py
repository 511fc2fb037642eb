"""The three attacks on a table of which only the counts of its combinations are at hand, as a copy run has them.

Rule 1: no cell is needed: an attacker's knowledge is the hashed combination, the release what is shown of it, and a
generalization that is applied to every row alike tells him nothing more. Rule 2: memory is bounded by ROWS.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from readingroom.anonymize.attacks import Attacked, three_attacks
from readingroom.anonymize.diversity import Ints, group
from readingroom.anonymize.hierarchies import Hierarchy
from readingroom.anonymize.relations import relate_nodes
from readingroom.anonymize.success import AttackRisk

ROWS: Final = 100_000  # rows that are attacked; of a larger table whole classes are drawn
CONTROL: Final = 10  # one row in ten is taken out of the release, and is the control group
FEWEST: Final = 100
ATTACKS: Final = 300
_SEED: Final = 1


def attack_counts(
    names: Sequence[str], trees: Sequence[Hierarchy], *, nodes: Ints, shown: Ints, counts: Ints
) -> tuple[list[AttackRisk], int]:
    """The attacks on rows that are `nodes` and show `shown`, each `counts` times, and how many rows were looked at."""
    chance = np.random.default_rng(_SEED)
    combination = np.repeat(np.arange(len(counts)), _drawn(shown, counts, chance))
    if len(combination) < FEWEST:
        return [], len(combination)
    order = chance.permutation(len(combination))
    control, people = (np.sort(part) for part in np.split(order, [len(order) // CONTROL]))
    relations = [
        relate_nodes(name, shown[combination[people], at], nodes[combination, at], tree=trees[at])
        for at, name in enumerate(names)
    ]
    return three_attacks(Attacked(relations, people, control, attacks=ATTACKS, seed=_SEED)), len(combination)


def _drawn(shown: Ints, counts: Ints, chance: np.random.Generator) -> Ints:
    """The counts of whole classes, drawn by chance until ROWS are together: a part of a class would look rarer."""
    if counts.sum() <= ROWS:
        return counts
    classes = group(list(shown.T))
    sizes = np.bincount(classes, weights=counts)
    order = chance.permutation(len(sizes))
    taken = order[np.cumsum(sizes[order]) <= ROWS]
    return np.where(np.isin(classes, taken), counts, 0)
