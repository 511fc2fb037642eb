"""Why a mail scores as it does, in public classes of words: how much each class pushed, never which word.

Rule 1 (P31): a reason names a class of the list below. The classes and their words are public and fixed; a mail's own
words and the model's weights stay out of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from readingroom.models import features
from readingroom.models.train import Floats, rescale

CLASSES: Final = MappingProxyType(
    {
        "money words": "money cash price prices cheap discount discounts offer offers sale deal deals free win winner "
        "prize save savings credit loan loans mortgage invest investment stock profit dollars usd euro pay payment "
        "cost costs buy order pharmacy pills viagra cialis software",
        "pressing words": "now today urgent immediately hurry limited act instant instantly guarantee guaranteed only "
        "expires expire last chance click here remove unsubscribe subscribe exclusive amazing best",
        "web links": "http https www com net org biz info html htm php href url link site website",
        "signs of advertising": "! !! !!! !!!! $ $$ $$$ % !$ $!",
        "numbers": "0 00 000 0000 00000 000000 0000000",
        "placeholders": "[PERSON_0a] [EMAIL_0a] [PHONE_0a] [URL_0a] [DATE_0a] [LOCATION_0a] [ORG_0a] [ADDRESS_0a] "
        "[ID_0a] [RARE] {{x}}",
        "words of work": "meeting attached please thanks thank regards agreement contract schedule project report team "
        "conference call group office monday tuesday wednesday thursday friday forward forwarded cc re fw",
        "words of courtesy": "dear hello hi sincerely welcome friend friends sir madam",
    }
)
OTHER: Final = "other wording"


@dataclass(frozen=True)
class Reason:
    """One class of words, which way it pushed, and its share of all that pushed."""

    kind: str
    towards: str  # "spam" or "not spam"
    share: float

    def public(self) -> dict[str, Any]:
        """As `model score --json` shows it."""
        return {"kind": self.kind, "towards": self.towards, "share": round(self.share, 2)}


def explain(text: str, scale: Floats, weights: Floats, *, most: int = 3) -> tuple[Reason, ...]:
    """The classes that pushed the most, strongest first."""
    bits = len(scale).bit_length() - 1
    found = features.grams([text])
    columns, sign = features.buckets(found.hashes, bits=bits)
    row = np.asarray(rescale(features.matrix([text], bits=bits), scale).todense()).ravel()[:-1]
    # a bucket's push is divided over the grams in it, signs cancelling as they do in the bucket
    weight = (row * weights[:-1])[columns]
    crowd = np.bincount(columns, minlength=len(scale))[columns]
    push = np.where(sign != 0, weight / np.maximum(crowd, 1), 0.0)
    kinds = np.array([_KINDS.get(int(value), OTHER) for value in found.hashes[: found.words]])
    pushes: dict[str, float] = {OTHER: float(push[found.words :].sum())}
    for kind in dict.fromkeys(kinds.tolist()):
        pushes[kind] = pushes.get(kind, 0.0) + float(push[: found.words][kinds == kind].sum())
    total = sum(abs(value) for value in pushes.values())
    ranked = sorted((kind for kind in pushes if pushes[kind] != 0), key=lambda kind: -abs(pushes[kind]))
    return tuple(
        Reason(kind, "spam" if pushes[kind] > 0 else "not spam", abs(pushes[kind]) / total) for kind in ranked[:most]
    )


def _hashes() -> dict[int, str]:
    known: dict[int, str] = {}
    for kind, words in CLASSES.items():
        found = features.grams([words])
        known |= {int(value): kind for value in found.hashes[: found.words]}
    return known


_KINDS: Final = _hashes()
