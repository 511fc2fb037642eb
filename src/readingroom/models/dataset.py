"""A training's material: the labelled, attributed mails that the contribution bound admits, as features.

Texts are held in memory for the time of a training or a gate and nowhere else; they come through the access gate as an
argument (DESIGN rule 3). The manifest is one hash over which items, texts, labels and people took part, so that the
gate can say whether it looks at what the model was trained on (P23, P30).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from readingroom.core.canonical import canonical
from readingroom.core.errors import UsageError
from readingroom.models import features
from readingroom.models.contributions import Choice, choose
from readingroom.models.train import Floats


class Mail(NamedTuple):
    """One item as reviewers saw it: anonymized subject and text (HTML or plain)."""

    item: str
    subject: str
    body: str

    @property
    def text(self) -> str:
        """What the model reads."""
        return f"{self.subject}\n{self.body}"


@dataclass(frozen=True)
class Material:
    """What a model learns from, and what is left over to try it on."""

    choice: Choice
    persons: Mapping[str, tuple[int, ...]]
    texts: tuple[str, ...]
    spam: Floats
    rows: Any  # CSR
    rest_texts: tuple[str, ...]  # labelled mails that the bound left out: never trained on
    rest_spam: Floats
    manifest: str


def gather(
    dataset: Iterable[Mail],
    labels: Mapping[str, bool],
    persons: Mapping[str, tuple[int, ...]],
    *,
    bits: int = features.BITS,
    cap: int | None = None,
) -> Material:
    """The material in `dataset`: `labels` says spam (True) or not; what has no label is passed over."""
    mails = {mail.item: mail.text for mail in dataset if mail.item in labels}
    choice = choose(mails, persons, cap=cap)
    if not choice.items:
        raise UsageError("no labelled mail with known attribution: there is nothing to train on")
    texts = tuple(mails[item] for item in choice.items)
    spam = np.array([float(labels[item]) for item in choice.items])
    if not 0 < spam.sum() < len(spam):
        raise UsageError("a training needs mails of both kinds, spam and not spam")
    taken = set(choice.items)
    rest = sorted(item for item in mails if item not in taken and item in persons)
    return Material(
        choice=choice,
        persons={item: persons[item] for item in choice.items},
        texts=texts,
        spam=spam,
        rows=features.matrix(texts, bits=bits),
        rest_texts=tuple(mails[item] for item in rest),
        rest_spam=np.array([float(labels[item]) for item in rest]),
        manifest=_manifest(mails, (choice, labels, persons)),
    )


def _manifest(mails: Mapping[str, str], how: tuple[Choice, Mapping[str, bool], Mapping[str, tuple[int, ...]]]) -> str:
    choice, labels, persons = how
    total = hashlib.sha256()
    for item in choice.items:
        text = hashlib.sha256(mails[item].encode("utf-8", "surrogatepass")).hexdigest()
        total.update(canonical([item, text, bool(labels[item]), sorted({int(p) for p in persons[item]})]))
    return total.hexdigest()
