"""The people of a fictional tenant, and cells of text that remember where somebody is named in them.

Rule 1: every value comes from one numpy Generator, in a fixed order; no set is ever walked. The same seed gives the
same bytes, whatever PYTHONHASHSEED is.
Rule 2: nobody can be reached: hosts end in `.example`, phones are from ranges that are kept for fiction.
"""

from __future__ import annotations

import unicodedata
import urllib.parse
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from readingroom.simulation.fiction_words import COMPANIES, LANGUAGES, SHARES

T = TypeVar("T")


class Dice:
    """Draws from one seeded generator."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        return int(self._rng.integers(limit))

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        return low + self.below(high - low + 1)

    def chance(self, share: float) -> bool:
        """True in that share of draws."""
        return float(self._rng.random()) < share

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, all alike."""
        return options[self.below(len(options))]

    def some(self, options: Sequence[T], count: int) -> list[T]:
        """`count` different options."""
        chosen = self._rng.permutation(len(options))[:count]
        return [options[int(at)] for at in chosen]

    def language(self, geo: str) -> str:
        """A language, as often as it is spoken in the geo."""
        left = float(self._rng.random())
        for name, share in SHARES[geo]:
            left -= share
            if left < 0:
                return name
        return SHARES[geo][0][0]

    def guid(self) -> str:
        """A GUID."""
        return str(uuid.UUID(bytes=self._rng.bytes(16), version=4))


@dataclass(frozen=True)
class Person:
    """A contact, lead or user (`kind` is the table)."""

    kind: str
    id: str
    first: str
    last: str
    email: str
    phone: str
    language: str
    company: str

    @property
    def full(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"


@dataclass(frozen=True)
class Mark:
    """Where an identifier of somebody stands in a cell: code points, as in the gold of the real tenants."""

    start: int
    end: int
    kind: str
    form: str
    string: str
    value: str
    person: Person


@dataclass
class Cell:
    """Text in the making, with its marks."""

    text: str = ""
    marks: list[Mark] = field(default_factory=list)

    def say(self, text: str) -> Cell:
        """Go on with text that names nobody."""
        self.text += text
        return self

    def mark(self, kind: str, form: str, *, string: str, value: str, person: Person) -> Cell:
        """Go on with `string`, which names `person`."""
        start = len(self.text)
        self.text += string
        self.marks.append(Mark(start, len(self.text), kind, form, string, value, person))
        return self

    def name(self, person: Person, form: str) -> Cell:
        """Go on with the person's full name, written in one of FORMS."""
        return self.mark("full_name", form, string=spell(person, form), value=person.full, person=person)

    def email(self, person: Person, form: str = "plain") -> Cell:
        """Go on with the person's address."""
        string = urllib.parse.quote(person.email, safe="") if form == "url_encoded_email" else person.email
        return self.mark("email", form, string=string, value=person.email, person=person)

    def phone(self, person: Person) -> Cell:
        """Go on with the person's number."""
        return self.mark("phone", "plain", string=person.phone, value=person.phone, person=person)

    def find(self, person: Person, *parts: tuple[str, str, str]) -> Cell:
        """Mark (kind, form, string) of `person` where they stand already, first occurrence."""
        for kind, form, string in parts:
            start = self.text.find(string)
            if start >= 0:
                value = {"full_name": person.full, "email": person.email, "phone": person.phone}.get(kind, string)
                self.marks.append(Mark(start, start + len(string), kind, form, string, value, person))
        return self


FORMS = ("plain", "plain", "plain", "surname_comma_given", "upper_case", "lower_case", "possessive", "split_tags")


def spell(person: Person, form: str) -> str:
    """A full name in one of the forms of the gold."""
    first, last = person.first, person.last
    return {
        "plain": person.full,
        "surname_comma_given": f"{last}, {first}",
        "upper_case": person.full.upper(),
        "lower_case": person.full.lower(),
        "possessive": f"{person.full}'s",
        "split_tags": f"<b>{first}</b> <i>{last}</i>",
        "url_encoded": urllib.parse.quote(person.full),
    }[form]


def fold(name: str) -> str:
    """A name as it stands in an address: no accents, lower case, letters and hyphens."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    return "".join(one for one in plain if one.isascii() and (one.isalpha() or one == "-")).lower()


class Census:
    """Makes people; no two have the same full name, number or address."""

    def __init__(self, dice: Dice, geo: str, own: str) -> None:
        self._dice, self._geo, self._own = dice, geo, own
        self._names: set[str] = set()
        self._phones: set[str] = set()

    def person(self, kind: str) -> Person:
        """A new contact, lead or user; users work for the tenant itself."""
        language = self._dice.language(self._geo)
        words = LANGUAGES[language]
        full = ""
        first = last = full
        while not full or full in self._names:
            first, last = self._dice.pick(words.given), self._dice.pick(words.family)
            full = f"{first} {last}"
        self._names.add(full)
        company = self._own if kind == "systemuser" else self._dice.pick(COMPANIES)
        email = f"{fold(first)}.{fold(last)}@{host(company)}"
        return Person(kind, self._dice.guid(), first, last, email, self._phone(language), language, company)

    def _phone(self, language: str) -> str:
        number = ""
        while not number or number in self._phones:
            number = self._number(language)
        self._phones.add(number)
        return number

    def _number(self, language: str) -> str:
        dice = self._dice
        if self._geo == "US":
            area = dice.between(200, 989)
            shape = dice.pick(("({0}) 555-01{1:02}", "{0}-555-01{1:02}", "+1 {0} 555-01{1:02}"))
            return shape.format(area, dice.below(100))
        if language == "fr":
            return f"+33 1 99 00 {dice.below(100):02} {dice.below(100):02}"
        if language == "de":
            return f"+49 30 23125 {dice.below(1000):03}"
        return f"+44 1632 960{dice.below(1000):03}"


def host(company: str) -> str:
    """The host of a company, of a kind that can never exist."""
    return f"{fold(company.replace(' ', '-'))}.example"
