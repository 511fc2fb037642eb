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

from readingroom.anonymize.kernels import I64, U8, U64, kernel, mix, signed, small_kernel
from readingroom.anonymize.tag_features import BITS, FEATURES, OWN, U32, VERSION, more_features, own_features
from readingroom.anonymize.tokens import Records, Tokens
from readingroom.anonymize.views import Letters
from readingroom.core.errors import Fault

OTHER, PERSON, LOCATION, ORG, ADDRESS, DATE = range(6)
CLASSES = 6
LOWEST = np.float32(-30)
QUIET = np.float32(3e-4)  # of a quiet word, against 1 for OTHER
F32 = npt.NDArray[np.float32]
I8 = npt.NDArray[np.int8]
Six = tuple[np.float32, np.float32, np.float32, np.float32, np.float32, np.float32]  # one number for each class
SETTLED = 3  # after so many quiet words the sums have settled: another one changes nothing that counts


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


class Rows(NamedTuple):
    """Weights as the scoring reads them: the numbers of a feature in one word of 64 bits, and exp of every distance."""

    rows: U64
    worth: F32


BYTES = np.uint64(0x00FF00FF00FF00FF)
LANE = np.uint64(0xFFFF)
LATELY = 1 << 12  # words whose own sums are at hand
_LATELY_SHIFT = np.uint64(64 - 12)


def _rows(weights: Weights) -> Rows:
    """Six numbers from 0 to 255 in a row; the sum of FEATURES of them fits in 16 bits."""
    packed = np.zeros((len(weights.table), 8), np.uint8)
    packed[:, :CLASSES] = weights.table.view(np.uint8) ^ 128
    worth = np.empty(255 * FEATURES + 1, np.float32)
    _worth(weights.scale[0], worth)
    return Rows(packed.reshape(-1).view(np.uint64), worth)


@kernel
def _worth(scale: float, out: F32) -> None:
    for distance in range(len(out)):
        out[distance] = np.exp(np.maximum(np.float32(scale * -distance), LOWEST))


@small_kernel
def _own_sums(seen: Records, i: int, rows: U64, row: U32, lately: U64) -> tuple[np.uint64, np.uint64]:
    """The sums (even classes, odd classes) of what word i tells by itself; of words lately seen they are at hand."""
    h, form = np.uint64(seen[i].hash), np.uint64(seen[i].marks) << np.uint64(32) | np.uint64(seen[i].shape)
    slot = mix(h ^ form) >> _LATELY_SHIFT
    if lately[slot, 0] != h or lately[slot, 1] != form:
        own_features(seen, i, row)
        even = odd = np.uint64(0)
        for k in range(OWN):
            numbers = rows[row[k]]
            even += numbers & BYTES
            odd += (numbers >> np.uint64(8)) & BYTES
        lately[slot, 0], lately[slot, 1], lately[slot, 2], lately[slot, 3] = h, form, even, odd
    return lately[slot, 2], lately[slot, 3]


@kernel
def _score(seen: Records, weights: Rows, row: U32, lately: U64, out: F32) -> None:
    """Write exp(score) of every word and class, the best class of a word being 1."""
    rows, worth = weights
    for i in range(len(seen)):
        if seen[i].quiet:
            for c in range(CLASSES):
                out[i, c] = QUIET
            out[i, 0] = 1
            continue
        even, odd = _own_sums(seen, i, rows, row, lately)
        more_features(seen, i, row)
        for k in range(OWN, FEATURES):
            numbers = rows[row[k]]
            even += numbers & BYTES
            odd += (numbers >> np.uint64(8)) & BYTES
        none, person = signed(even & LANE), signed(odd & LANE)
        place, organization = signed((even >> np.uint64(16)) & LANE), signed((odd >> np.uint64(16)) & LANE)
        address, date = signed((even >> np.uint64(32)) & LANE), signed((odd >> np.uint64(32)) & LANE)
        best = max(none, person, place, organization, address, date)
        out[i, 0] = worth[best - none]
        out[i, 1] = worth[best - person]
        out[i, 2] = worth[best - place]
        out[i, 3] = worth[best - organization]
        out[i, 4] = worth[best - address]
        out[i, 5] = worth[best - date]


@small_kernel
def _times(v: Six, m: F32, step: int, of: int) -> np.float32:
    """The sum of v[b] * m[of + b * step]."""
    return np.float32(
        v[0] * m[of]
        + v[1] * m[of + step]
        + v[2] * m[of + 2 * step]
        + v[3] * m[of + 3 * step]
        + v[4] * m[of + 4 * step]
        + v[5] * m[of + 5 * step]
    )


@small_kernel
def _scaled(a: Six) -> Six:
    """The same proportions, of sum 1."""
    each = np.float32(1) / (a[0] + a[1] + a[2] + a[3] + a[4] + a[5])
    return a[0] * each, a[1] * each, a[2] * each, a[3] * each, a[4] * each, a[5] * each


@small_kernel
def _product(a: Six, score: F32, i: int) -> Six:
    return (
        a[0] * score[i, 0],
        a[1] * score[i, 1],
        a[2] * score[i, 2],
        a[3] * score[i, 3],
        a[4] * score[i, 4],
        a[5] * score[i, 5],
    )


@small_kernel
def _write(out: F32, i: int, a: Six) -> None:
    out[i, 0], out[i, 1], out[i, 2], out[i, 3], out[i, 4], out[i, 5] = a


@kernel
def forwards(seen: Records, follows: F32, score: F32, out: F32) -> None:
    """Write the scaled forward sums; a cell begins anew. Of a long run of quiet words the first few count."""
    one = np.float32(1)
    none = (one, one, one, one, one, one)
    state = none
    run = 0
    for i in range(len(seen)):
        run = (1 if seen[i].wall else run + 1) if seen[i].quiet else 0
        if run > SETTLED:
            continue
        reach = none
        if i > 0 and not seen[i].wall:
            reach = (
                _times(state, follows, CLASSES, 0),
                _times(state, follows, CLASSES, 1),
                _times(state, follows, CLASSES, 2),
                _times(state, follows, CLASSES, 3),
                _times(state, follows, CLASSES, 4),
                _times(state, follows, CLASSES, 5),
            )
        state = _scaled(_product(reach, score, i))
        _write(out, i, state)


@kernel
def backwards(seen: Records, follows: F32, score: F32, sums: F32) -> None:
    """Turn the forward sums into the probability of each class of each word; inside a run of quiet words it is 0."""
    one, zero = np.float32(1), np.float32(0)
    none = (one, one, one, one, one, one)
    state = none
    run = 0
    for i in range(len(seen) - 1, -1, -1):
        last = i + 1 == len(seen) or seen[i + 1].wall
        run = (1 if last else run + 1) if seen[i].quiet else 0
        if run > SETTLED:
            _write(sums, i, (one, zero, zero, zero, zero, zero))
            continue
        back = none
        if i + 1 < len(seen) and not seen[i + 1].wall:
            ahead = _product(state, score, i + 1)
            back = (
                _times(ahead, follows, 1, 0),
                _times(ahead, follows, 1, CLASSES),
                _times(ahead, follows, 1, 2 * CLASSES),
                _times(ahead, follows, 1, 3 * CLASSES),
                _times(ahead, follows, 1, 4 * CLASSES),
                _times(ahead, follows, 1, 5 * CLASSES),
            )
        state = _scaled(back)
        if not seen[i].quiet:
            _write(sums, i, _scaled(_product(state, sums, i)))
        else:
            _write(sums, i, (one, zero, zero, zero, zero, zero))


def probabilities(seen: Records, weights: Weights) -> F32:
    """The probability of each class, for each word; a quiet word is nothing."""
    score = np.empty((len(seen), CLASSES), np.float32)
    lately = np.zeros((LATELY, 4), np.uint64)  # an empty place has no shape of a word: no word is taken for it
    _score(
        seen, _shipped_rows() if weights is tagger() else _rows(weights), np.zeros(FEATURES, np.uint32), lately, score
    )
    sums = np.empty_like(score)
    follows = weights.follows.reshape(-1)
    forwards(seen, follows, score, sums)
    backwards(seen, follows, score, sums)
    return sums


@cache
def _shipped_rows() -> Rows:
    return _rows(tagger())


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
