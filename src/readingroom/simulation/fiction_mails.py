"""Mails of a fictional tenant: marketing mails, wanted and unwanted, made of shared sentences so that they overlap.

Rule 1: the label is of the mixture the sentences were drawn from; neither the frame around them nor the people named
in them tell anything about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from readingroom.simulation.fiction_people import FORMS, Cell, Dice, Person
from readingroom.simulation.fiction_words import LANGUAGES, Language

_OVERLAP = 0.16  # share of sentences of the other kind: some wanted mails sell, some unwanted ones inform


@dataclass(frozen=True)
class Mail:
    """A mail: what it says, who it names, and what it is."""

    language: str
    subject: str
    body: Cell
    label: str
    sender: Person | None


class MailWriter:
    """Writes mails for a tenant whose people are known; spreads the people named over all mails."""

    def __init__(self, dice: Dice, people: Sequence[Person], *, users: Sequence[Person], geo: str) -> None:
        self._dice, self._people, self._users, self._geo = dice, people, users, geo
        self._turn = 0

    def write(self, link: str) -> Mail:
        """One mail, with a link to a page at `link`."""
        dice = self._dice
        code = dice.language(self._geo)
        words = LANGUAGES[code]
        label = "spam" if dice.chance(0.4) else "ham"
        sender = dice.pick(self._users) if dice.chance(0.15) else None
        body = Cell().say(dice.pick(_OPENINGS))
        body.say(f"<p>{dice.pick(words.greetings)}</p>")
        for sentence in self._sentences(words, label):
            body.say("<p>").say(sentence).say("</p>")
        if dice.chance(0.45):
            self._mention(body, words)
        body.say(f'<a href="{link}')
        if dice.chance(0.12):
            body.say("?to=").email(self._next(), "url_encoded_email")
        body.say(f'">{dice.pick(_BUTTONS[code])}</a>')
        self._close(body, words, sender)
        subject = self._fill(dice.pick(words.subjects[self._side(label)]), words)
        return Mail(code, subject, body.say("</body></html>"), label, sender)

    def _side(self, label: str) -> int:
        """0 for a wanted sentence, 1 for an unwanted one; sometimes the other (rule 1)."""
        return int((label == "spam") != self._dice.chance(_OVERLAP))

    def _sentences(self, words: Language, label: str) -> list[str]:
        dice = self._dice
        found = []
        for _ in range(dice.between(3, 7)):
            pool = words.either if dice.chance(0.3) else (words.ham, words.spam)[self._side(label)]
            found.append(self._fill(dice.pick(pool), words))
        return found

    def _fill(self, sentence: str, words: Language) -> str:
        dice = self._dice
        numbers = {"number": dice.pick((20, 50, 75, 100, 150, 300, 500)), "percent": dice.pick((10, 20, 30, 50, 70))}
        names = {"topic": dice.pick(words.topics), "city": dice.pick(words.cities), "day": dice.pick(words.days)}
        for slot, value in (numbers | names).items():
            sentence = sentence.replace("{" + slot + "}", str(value))
        return sentence

    def _mention(self, body: Cell, words: Language) -> None:
        before, after = self._dice.pick(words.mentions).split("{name}")
        person = self._next()
        body.say("<p>").say(before).name(person, self._dice.pick(FORMS)).say(after)
        if self._dice.chance(0.3):
            body.say(" (").email(person).say(")")
        elif self._dice.chance(0.3):
            body.say(" (").phone(person).say(")")
        body.say("</p>")

    def _close(self, body: Cell, words: Language, sender: Person | None) -> None:
        body.say(f"<p>{self._dice.pick(words.closings)}<br>")
        if sender is not None:
            body.name(sender, "plain").say('<br><a href="mailto:').mark(
                "email", "mailto", string=sender.email, value=sender.email, person=sender
            ).say('">').email(sender).say("</a><br>").phone(sender)
        body.say("</p>")

    def _next(self) -> Person:
        """The people take turns, so that nobody is in many mails (P31: the unit of privacy is a person)."""
        self._turn += 1
        return self._people[self._turn % len(self._people)]


_OPENINGS = (
    "<html><body>",
    '<!DOCTYPE html><html><head><meta charset="utf-8"><style>p{margin:0}</style></head><body>',
    '<html><body><div data-layout="true" style="max-width:600px">',
)
_BUTTONS = {
    "en": ("Read more", "Visit our site", "See all dates"),
    "fr": ("En savoir plus", "Voir le site"),
    "es": ("Leer más", "Ver la página"),
    "de": ("Mehr lesen", "Zur Seite"),
}
