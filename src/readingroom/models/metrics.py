"""How well a model does on mails it has never touched: those that the contribution bound left out.

Outside the privacy budget, so rounded to a hundredth and only said where there are enough mails of both kinds.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from scipy.special import expit
from scipy.stats import rankdata

from readingroom.models import features
from readingroom.models.dataset import Material
from readingroom.models.train import Fitted, Floats, rescale

_FEWEST: Final = 50  # of each kind


def area(scores: Floats, spam: Floats) -> float:
    """AUC: the chance that a spam mail scores above one that is not."""
    positive = spam > 0
    ranks = rankdata(scores)
    inside, outside = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - inside * (inside + 1) / 2) / (inside * outside))


def held_out(fitted: Fitted, material: Material) -> dict[str, Any]:
    """AUC and the share of each kind from 40 up, on the mails left out; says so where there are too few."""
    spam = material.rest_spam
    if min(int(spam.sum()), int((1 - spam).sum())) < _FEWEST:
        return {"mails": len(spam), "auc": None, "why": f"fewer than {_FEWEST} mails of a kind were left out"}
    bits = len(fitted.scale).bit_length() - 1
    margins = np.asarray(rescale(features.matrix(material.rest_texts, bits=bits), fitted.scale) @ fitted.weights)
    scores = 100 * expit(fitted.calibration[0] * margins + fitted.calibration[1])
    flagged = scores >= 40  # the medium band begins there
    return {
        "mails": len(spam),
        "auc": round(area(margins, spam), 2),
        "spam_from_40": round(float(flagged[spam > 0].mean()), 2),
        "not_spam_from_40": round(float(flagged[spam == 0].mean()), 2),
    }
