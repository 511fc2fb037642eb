# ruff: noqa: PLR0917 - kernels: numba takes arrays by position and compiles no sets
"""The tagger: how likely each word is part of a person's name, a place, an organization, an address or a date.

A linear-chain model over hashed features (tag_features), read forwards and backwards over each cell, as array code.
data/MODEL_CARD.md says what it learnt from, and how well it does; training/train_tagger.py makes the weights.

Rule 1: the weights are hashes and small numbers: no word of the training texts is in them.
Rule 2: a probability is no verdict: tag_words and names say what follows from it.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import IO, NamedTuple

import numpy as np
import numpy.typing as npt

from readingroom.anonymize.kernels import I64, U8, kernel
from readingroom.anonymize.tag_features import BITS, FEATURES, U32, VERSION, features_of
from readingroom.anonymize.tokens import Records, Tokens
from readingroom.anonymize.views import Letters
from readingroom.core.errors import Fault

OTHER, PERSON, LOCATION, ORG, ADDRESS, DATE = range(6)
CLASSES = 6
LOWEST = np.float32(-30)
QUIET = np.float32(3e-4)  # of a quiet word, against 1 for OTHER
F32 = npt.NDArray[np.float32]
I8 = npt.NDArray[np.int8]


class Weights(NamedTuple):
    """Small numbers per feature and class, what one of them is worth, and exp of what follows what."""

    table: I8
    scale: F32
    follows: F32


class Sight(NamedTuple):
    """A block as the tagger sees it."""

    letters: Letters
    source: U8
    tokens: Tokens
    marks: I64


@kernel
def _score(seen: Records, weights: Weights, row: U32, out: F32) -> None:
    """Write exp(score) of every word and class, the best class of a word being 1."""
    table, scale = weights.table, weights.scale[0]
    for i in range(len(seen)):
        if seen[i].quiet:
            for c in range(CLASSES):
                out[i, c] = QUIET
            out[i, 0] = 1
            continue
        features_of(seen, i, row)
        none = person = place = organization = address = date = 0
        for k in range(FEATURES):
            at = row[k]
            none += table[at, 0]
            person += table[at, 1]
            place += table[at, 2]
            organization += table[at, 3]
            address += table[at, 4]
            date += table[at, 5]
        best = max(none, person, place, organization, address, date)
        out[i, 0] = scale * (none - best)
        out[i, 1] = scale * (person - best)
        out[i, 2] = scale * (place - best)
        out[i, 3] = scale * (organization - best)
        out[i, 4] = scale * (address - best)
        out[i, 5] = scale * (date - best)
        for c in range(CLASSES):
            out[i, c] = np.exp(max(out[i, c], LOWEST))


@kernel
def forwards(seen: Records, follows: F32, score: F32, out: F32) -> None:
    """Write the scaled forward sums; a cell begins anew."""
    for i in range(len(seen)):
        total = np.float32(0)
        for c in range(CLASSES):
            reach = np.float32(1)
            if i > 0 and not seen[i].wall:
                reach = np.float32(0)
                for b in range(CLASSES):
                    reach += out[i - 1, b] * follows[b, c]
            out[i, c] = reach * score[i, c]
            total += out[i, c]
        for c in range(CLASSES):
            out[i, c] /= total


@kernel
def backwards(seen: Records, follows: F32, score: F32, sums: F32, state: F32) -> None:
    """Turn the forward sums into the probability of each class of each word."""
    for i in range(len(seen) - 1, -1, -1):
        last = i + 1 == len(seen) or seen[i + 1].wall
        total = np.float32(0)
        for c in range(CLASSES):
            back = np.float32(1)
            if not last:
                back = np.float32(0)
                for b in range(CLASSES):
                    back += follows[c, b] * score[i + 1, b] * state[b]
            state[CLASSES + c] = back
            total += back
        norm = np.float32(0)
        for c in range(CLASSES):
            state[c] = state[CLASSES + c] / total
            sums[i, c] *= state[c]
            norm += sums[i, c]
        for c in range(CLASSES):
            sums[i, c] /= norm


def probabilities(seen: Records, weights: Weights) -> F32:
    """The probability of each class, for each word."""
    score = np.empty((len(seen), CLASSES), np.float32)
    _score(seen, weights, np.zeros(FEATURES, np.uint32), score)
    sums = np.empty_like(score)
    forwards(seen, weights.follows, score, sums)
    backwards(seen, weights.follows, score, sums, np.zeros(2 * CLASSES, np.float32))
    return sums


@cache
def tagger() -> Weights:
    """The shipped weights, read once per process; what does not fit this code stops the start."""
    with resources.files("readingroom.anonymize").joinpath("data", "tagger.npz").open("rb") as file:
        return load(file)


def load(file: IO[bytes]) -> Weights:
    """Weights of a file."""
    with np.load(file, allow_pickle=False) as data:
        if int(data["version"]) != VERSION or data["table"].shape != (1 << BITS, CLASSES):
            raise Fault("the tagger's weights are of another version than its features: train it again")
        return Weights(*(np.ascontiguousarray(data[name]) for name in Weights._fields))
