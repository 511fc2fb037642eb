"""spaCy as a detector: the entities of one of its pipelines (extra `spacy`; the model is installed beside it).

`--detectors spacy:en_core_web_sm`, or a path to a pipeline on disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pyarrow as pa

from readingroom.anonymize.finders import TOLD
from readingroom.core.errors import UsageError

MODEL = "en_core_web_sm"
LABELS = {
    "PERSON": "PERSON",
    "PER": "PERSON",
    "ORG": "ORG",
    "GPE": "LOCATION",
    "LOC": "LOCATION",
    "FAC": "LOCATION",
    "EMAIL": "EMAIL",
    "PHONE": "PHONE",
    "ID": "ID",
}
LONGEST = 100_000  # letters in one go: pipelines refuse more than a million, and slow down before


class SpacyDetector:
    """The named entities that a spaCy pipeline finds."""

    name = "spacy"
    labels = tuple(sorted(set(LABELS.values())))

    def __init__(self, model: str = "") -> None:
        try:
            self._pipeline: Any = import_module("spacy").load(model or MODEL)
        except OSError:
            raise UsageError(f"detector spacy: no pipeline {model or MODEL}; install it, or name another") from None

    def detect(self, texts: pa.LargeStringArray) -> pa.Table:
        """Persons, organizations and places."""
        cut = [(row, at, text[at : at + LONGEST]) for row, text in enumerate(texts.to_pylist()) for at in _starts(text)]
        documents = self._pipeline.pipe(text for _, _, text in cut)
        rows = [
            (row, at + entity.start_char, at + entity.end_char, LABELS[entity.label_])
            for (row, at, _), document in zip(cut, documents, strict=True)
            for entity in document.ents
            if entity.label_ in LABELS and entity.end_char > entity.start_char
        ]
        columns = list(zip(*rows, strict=True)) or [()] * len(TOLD)
        return pa.table([pa.array(c, t) for c, t in zip(columns, TOLD.types, strict=True)], schema=TOLD)


def _starts(text: str) -> Iterator[int]:
    yield from range(0, len(text), LONGEST)
