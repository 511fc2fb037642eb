from __future__ import annotations

from email.message import EmailMessage

import numpy as np
import pytest

from readingroom.core.errors import UsageError, WrongState
from readingroom.models.artefact import Artefact
from readingroom.models.features import buckets, grams
from readingroom.models.reasons import CLASSES, OTHER
from readingroom.models.score import LARGEST, Band, band, read_mail, score_text
from readingroom.models.states import TRANSITIONS, ModelState, check_transition, mermaid

BITS = 12


def _model(pushes: dict[str, float]) -> Artefact:
    weights = np.zeros((1 << BITS) + 1, dtype=np.float32)
    for word, push in pushes.items():
        columns, sign = buckets(grams([word]).hashes, bits=BITS)
        weights[columns] = push * sign
    probes, calibration = np.zeros(0, dtype=np.float32), np.array([4.0, 0.0], dtype=np.float32)
    return Artefact(BITS, np.ones(1 << BITS, dtype=np.float32), weights, probes, calibration)


def test_bands_begin_at_40_and_80() -> None:
    assert [band(score) for score in (0, 39, 40, 79, 80, 100)] == [
        Band.LOW,
        Band.LOW,
        Band.MEDIUM,
        Band.MEDIUM,
        Band.HIGH,
        Band.HIGH,
    ]


def test_a_score_names_the_classes_that_pushed() -> None:
    model = _model({"money": 3.0, "meeting": -3.0})
    spam, work = score_text(model, "money money zebra"), score_text(model, "meeting meeting zebra")
    assert spam.score > 80
    assert spam.band is Band.HIGH
    assert (spam.reasons[0].kind, spam.reasons[0].towards) == ("money words", "spam")
    assert work.score < 20
    assert (work.reasons[0].kind, work.reasons[0].towards) == ("words of work", "not spam")
    assert sum(reason.share for reason in spam.reasons) <= 1.0001


def test_reasons_are_public_classes_whatever_the_mail_says() -> None:
    model = _model({"zebra": 5.0, "ada": 2.0, "money": 1.0})
    found = score_text(model, "zebra ada example money [PERSON_1a2b3c]")
    assert {reason.kind for reason in found.reasons} <= {*CLASSES, OTHER}
    assert "zebra" not in str(found.public())


def test_a_mail_is_read_by_its_best_part() -> None:
    mail = EmailMessage()
    mail["Subject"] = "Grüße"
    mail["From"] = "ada@example.org"
    mail.set_content("plain words")
    mail.add_alternative("<p>html words</p>", subtype="html")
    text = read_mail(mail.as_bytes())
    assert text.startswith("Grüße\n")
    assert "html words" in text
    assert "plain" not in text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"just a text, no headers",
        b"Subject: =?unknown-8bit?q?=FF?=\r\nContent-Type: text/plain; charset=nonsense\r\n\r\n\xff\xff money",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\nno boundary here",
        b"Content-Type: multipart/mixed\r\n\r\n",
        b"Content-Transfer-Encoding: base64\r\nContent-Type: text/html\r\n\r\n%%%%",
        b"From: a\r\n" * 500,
        b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nbody",
        b"Subject: " + b"=?utf-8?b?" * 100,
    ],
)
def test_broken_mail_has_a_score(data: bytes) -> None:
    assert 0 <= score_text(_model({"money": 1.0}), read_mail(data)).score <= 100


def test_a_mail_too_large_is_refused() -> None:
    with pytest.raises(UsageError, match="bytes"):
        read_mail(b"x" * (LARGEST + 1))


def test_states_follow_one_table() -> None:
    check_transition(ModelState.GATED, to=ModelState.RELEASED)
    for state, to in (
        (ModelState.TRAINED, ModelState.RELEASED),
        (ModelState.REFUSED, ModelState.RELEASED),
        (ModelState.REFUSED, ModelState.GATED),
        (ModelState.RETIRED, ModelState.RELEASED),
    ):
        with pytest.raises(WrongState):
            check_transition(state, to=to)
    assert set(TRANSITIONS) == set(ModelState)
    assert all(state in mermaid() for state in ModelState)
