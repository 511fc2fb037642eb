"""Presidio as a detector: its recognizers over a spaCy pipeline (extra `presidio`).

`--detectors presidio` runs its pattern recognizers alone, on a pipeline without a model; `presidio:en_core_web_sm` runs
everything over that pipeline.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pyarrow as pa

from readingroom.anonymize.finders import TOLD
from readingroom.core.errors import UsageError

LEAST = 0.4  # of its score; below that its patterns are guesses
LABELS = {
    "PERSON": "PERSON",
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "CREDIT_CARD": "CREDIT_CARD",
    "IBAN_CODE": "IBAN",
    "IP_ADDRESS": "IP",
    "LOCATION": "LOCATION",
    "ORGANIZATION": "ORG",
    "CRYPTO": "ID",
    "MEDICAL_LICENSE": "ID",
    "US_SSN": "ID",
    "US_ITIN": "ID",
    "US_PASSPORT": "ID",
    "US_DRIVER_LICENSE": "ID",
    "US_BANK_NUMBER": "ID",
    "UK_NHS": "ID",
    "ES_NIF": "ID",
    "IT_FISCAL_CODE": "ID",
    "AU_TFN": "ID",
    "IN_PAN": "ID",
}


class PresidioDetector:
    """What Presidio's analyzer finds in English text."""

    name = "presidio"
    labels = tuple(sorted(set(LABELS.values())))

    def __init__(self, model: str = "") -> None:
        presidio = import_module("presidio_analyzer")
        engine = import_module("presidio_analyzer.nlp_engine").SpacyNlpEngine()
        engine.nlp = {"en": _pipeline(model)}  # Presidio's own way downloads what is missing
        self._analyzer: Any = presidio.AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])

    def detect(self, texts: pa.LargeStringArray) -> pa.Table:
        """Whatever its recognizers are sure enough of."""
        rows = [
            (row, found.start, found.end, LABELS[found.entity_type])
            for row, text in enumerate(texts.to_pylist())
            if text
            for found in self._analyzer.analyze(text, language="en", entities=None, score_threshold=LEAST)
            if found.entity_type in LABELS
        ]
        columns = list(zip(*rows, strict=True)) or [()] * len(TOLD)
        return pa.table([pa.array(c, t) for c, t in zip(columns, TOLD.types, strict=True)], schema=TOLD)


def _pipeline(model: str) -> Any:
    spacy = import_module("spacy")
    if not model:
        return spacy.blank("en")
    try:
        return spacy.load(model)
    except OSError:
        raise UsageError(f"detector presidio: no spaCy pipeline {model}; install it, or name another") from None
