"""Planted items for the privacy check: anonymized mails of nobody, in which one piece of personal data was left. Pure.

Rule 1: made of the words in this file and of people who do not exist; never of anything of a customer's.
Rule 2: they look like what the engine leaves (placeholders, generalized dates, plain words), the one leak excepted.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Draw = Callable[[int], int]  # a number below the given one

_GIVEN: Final = (
    "Alda",
    "Berno",
    "Cilja",
    "Dorian",
    "Evike",
    "Fenno",
    "Gisla",
    "Harro",
    "Ilka",
    "Jarno",
    "Kaija",
    "Levin",
)
_FAMILY: Final = (
    "Quistorp",
    "Vendelmark",
    "Ostrander",
    "Halvergate",
    "Brennholt",
    "Marlinghaus",
    "Tavernier",
    "Wexcombe",
)
_STREETS: Final = ("Heron Lane", "Tannery Row", "Mill Close", "Quarry Road", "Abbey Walk")
_SUBJECTS: Final = (
    "Your order is on its way",
    "News of the month",
    "A question about your invoice",
    "Invitation to our open day",
    "Reminder: your appointment",
    "Thank you for your message",
)
_FIRST: Final = (
    "thank you for your interest in our spring collection.",
    "we have received your order and will send it within two days.",
    "as agreed on the telephone, here are the details of the offer.",
    "this is a reminder of the meeting next week.",
    "your account shows an open invoice.",
)
_LAST: Final = (
    "Do not hesitate to write to us if you have any questions.",
    "You receive this message because you are a customer. Unsubscribe at any time.",
    "We look forward to seeing you again.",
    "Please confirm that you have received this message.",
)
# (kind of leak, sentence): one of these stands where a placeholder should
_LEAKS: Final = (
    ("name", "{given} {family} will call you about it."),
    ("name", "Please ask for {family} at the desk."),
    ("nickname", "{given} from the shop sends her regards."),
    ("email", "Write to {local}@{domain}.example directly."),
    ("phone", "The direct line is 0{three} 555 0{two}{two2}."),
    ("address", "We deliver to {number} {street} as usual."),
    ("birthdate", "Congratulations on your birthday, the {day}th of May 19{two}!"),
    ("customer number", "Your customer number is KD-{three}{two}{two2}."),
)


@dataclass(frozen=True)
class Canary:
    """One planted mail, and what kind of leak stands in it."""

    leak: str
    subject: str
    body: str

    def cells(self) -> dict[str, str]:
        """As a mail of a copy has them."""
        return {
            "msdyncrm_subject": self.subject,
            "msdyncrm_emailbody": self.body,
            "msdyncrm_fromname": "[ORG]",
        }


def make_canary(draw: Draw = secrets.randbelow) -> Canary:
    """A fresh one; the same twice in a life by chance only."""
    leak, sentence = _LEAKS[draw(len(_LEAKS))]
    given, family = _GIVEN[draw(len(_GIVEN))], _FAMILY[draw(len(_FAMILY))]
    filled = sentence.format(
        given=given,
        family=family,
        local=f"{given[0]}.{family}".lower(),
        domain=family.lower(),
        three=100 + draw(900),
        two=10 + draw(80),
        two2=10 + draw(90),
        number=1 + draw(120),
        street=_STREETS[draw(len(_STREETS))],
        day=10 + draw(10),
    )
    greeting = ("Dear", "Hello", "Good morning")[draw(3)]
    person, sender = f"[PERSON_{draw(1 << 32):08x}]", f"[PERSON_{draw(1 << 32):08x}]"
    middle = [_FIRST[draw(len(_FIRST))].capitalize(), filled]
    lines = middle if draw(2) else middle[::-1]
    body = "".join(f"<p>{line}</p>" for line in (f"{greeting} {person},", *lines, _LAST[draw(len(_LAST))], sender))
    return Canary(leak, _SUBJECTS[draw(len(_SUBJECTS))], f"<html><body>{body}</body></html>")
