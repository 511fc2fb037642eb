"""People and mails that were never there, planted in every training so that the model carries its own evidence.

A *probe* is an invented person with a coordinate of their own and as many mails as the bound allows: no mail of
anybody's touches that coordinate, so what stands there afterwards is noise, plus the probe if it took part. A *canary*
is an invented mail of nonsense words, with a label drawn by lot, of an invented person with as many copies as the bound
allows. Half of both, by lot, take part; the others are the comparison. Who took part is in the training record,
not in the artefact. Probes cost no utility; canaries are one mail in twenty, at least 48.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from readingroom.models import features
from readingroom.models.noise import LatticeNoise
from readingroom.models.train import Examples

_SYLLABLES: Final = "ba ce di fo gu ha je ki lo mu na pe qu ro su ta ve wi xo zu"
_CHOICES: Final = 20
_WORDS_IN_CANARY: Final = 24
_MOST_CANARIES: Final = 512
_FEWEST_CANARIES: Final = 96  # fewer could not catch anything


@dataclass(frozen=True)
class Planted:
    """The lots of one training."""

    probes_in: npt.NDArray[np.bool_]
    canaries_in: npt.NDArray[np.bool_]
    canary_seed: int  # public: the texts are a function of it
    canary_spam: npt.NDArray[np.bool_]

    def record(self) -> dict[str, Any]:
        """As the training record keeps it."""
        names = ("probes_in", "canaries_in", "canary_spam")
        lots = {name: "".join("01"[int(flag)] for flag in getattr(self, name)) for name in names}
        return {**lots, "canary_seed": self.canary_seed}

    @classmethod
    def load(cls, record: dict[str, Any]) -> Planted:
        """The lots of a training record."""
        flags = {name: np.array([c == "1" for c in record[name]]) for name in ("probes_in", "canaries_in")}
        spam = np.array([c == "1" for c in record["canary_spam"]])
        return cls(**flags, canary_seed=int(record["canary_seed"]), canary_spam=spam)


def draw_lots(probes: int, mails: int, noise: LatticeNoise) -> Planted:
    """Half of everything planted takes part, by lot from the secure generator."""
    canaries = min(max(mails // 10, _FEWEST_CANARIES), _MOST_CANARIES)
    lots = noise.words(probes + 2 * canaries + 1)
    flags = (lots[:-1] >> np.uint64(63)).astype(bool)
    inside, spam = flags[probes : probes + canaries], flags[probes + canaries :]
    return Planted(flags[:probes], inside, int(lots[-1] >> np.uint64(33)), spam)


def canary_texts(planted: Planted) -> list[str]:
    """The canaries' mails."""
    return nonsense(planted.canary_seed, len(planted.canaries_in))


def nonsense(seed: int, count: int) -> list[str]:
    """`count` mails of nonsense words from a public list of syllables, the same for the same seed."""
    lots = LatticeNoise(seed)
    texts = []
    for _ in range(count):
        picks = (lots.words(4 * _WORDS_IN_CANARY) % np.uint64(_CHOICES)).reshape(-1, 4)
        texts.append(" ".join("".join(_SYLLABLES[3 * int(p) : 3 * int(p) + 2] for p in word) for word in picks))
    return texts


def with_planted(rows: Any, spam: npt.NDArray[np.float64], planted: Planted, *, mails_each: int) -> Examples:
    """The examples of a training: the mails, the canaries that take part, and the probes that do."""
    bits = int(rows.shape[1] - 1).bit_length() - 1
    canaries = features.matrix(canary_texts(planted), bits=bits)
    inside = np.repeat(np.flatnonzero(planted.canaries_in), mails_each)
    labels = np.concatenate([spam, planted.canary_spam[inside].astype(np.float64)])
    probes = np.repeat(np.flatnonzero(planted.probes_in), mails_each)
    return Examples(sparse.vstack([rows, canaries[inside]], format="csr"), labels, probes)
