"""Score one mail: 0-100, in bands at 40 and 80, with reasons by class (P32).

Rule 1: the mail is somebody's: it is read, scored and forgotten; no error, log line or answer holds a word of it.
Rule 2: bad input has an answer: unknown charsets, broken MIME and empty bodies are read as far as they go; more than
five megabytes is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from email import policy
from email.errors import MessageError
from email.message import EmailMessage
from email.parser import BytesParser
from enum import StrEnum
from typing import Any, Final

import numpy as np
from scipy.special import expit

from readingroom.core.errors import UsageError
from readingroom.models import features
from readingroom.models.artefact import Artefact
from readingroom.models.reasons import Reason, explain
from readingroom.models.train import rescale

LARGEST: Final = 5_000_000
_MEDIUM_FROM: Final = 40
_HIGH_FROM: Final = 80
_HEADERS: Final = ("from", "to", "subject", "received", "mime-version", "content-type", "date", "message-id")


class Band(StrEnum):
    """What the score means to the person who wrote the mail."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True)
class Score:
    """The answer for one mail."""

    score: int  # 0-100: how much it looks like spam
    band: Band
    reasons: tuple[Reason, ...]
    model: str = ""

    def public(self) -> dict[str, Any]:
        """As `model score --json` shows it."""
        reasons = [reason.public() for reason in self.reasons]
        return {"score": self.score, "band": self.band.value, "reasons": reasons, "model": self.model}


def band(score: int) -> Band:
    """The band of a score: from 80 high, from 40 medium."""
    if score >= _HIGH_FROM:
        return Band.HIGH
    return Band.MEDIUM if score >= _MEDIUM_FROM else Band.LOW


def score_text(artefact: Artefact, text: str, *, model: str = "") -> Score:
    """The score of a text (subject, newline, body)."""
    scale, weights = artefact.scale.astype(np.float64), artefact.weights.astype(np.float64)
    margin = float((rescale(features.matrix([text], bits=artefact.bits), scale) @ weights)[0])
    slope, offset = (float(value) for value in artefact.calibration)
    value = round(100 * float(expit(slope * margin + offset)))
    return Score(value, band(value), explain(text, scale, weights), model)


def read_mail(data: bytes) -> str:
    """Subject and text of an .eml, or the raw text itself, as the model reads it."""
    if len(data) > LARGEST:
        raise UsageError(f"a mail may have at most {LARGEST} bytes")
    try:
        message = BytesParser(EmailMessage, policy=policy.default).parsebytes(data)
        if not any(name in message for name in _HEADERS):
            return "\n" + data.decode("utf-8", "replace")
        return f"{_subject(message)}\n{_body(message)}"
    except (MessageError, ValueError, LookupError, AttributeError, TypeError, IndexError, KeyError):
        # the parser's own errors carry the mail in their text, and a mail need not be well formed to be scored
        return "\n" + data.decode("utf-8", "replace")


def _subject(message: EmailMessage) -> str:
    return str(message.get("subject", ""))


def _body(message: EmailMessage) -> str:
    part = message.get_body(preferencelist=("html", "plain"))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, ValueError):
        payload = part.get_payload(decode=True)
        return payload.decode("latin-1") if isinstance(payload, bytes) else ""
