"""False names for true ones, word by word: one word has one false word wherever it stands.

Rule 1: a false name has the gender, the language and about the length of the true one, as far as the lists know it.
Rule 2: initials follow: the first letter of a false name is told by the first letter of the true one alone, so `A.
Example`, `Ada Example` and `ada.example@…` stay one person.
Rule 3: a false name is not the true one, and no word of a known person's name as long as there is another.
The lists (data/README.md) are Faker's.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from functools import cache
from importlib import resources

from readingroom.anonymize.folding import fold
from readingroom.anonymize.surrogate_draws import Draw

LETTERS = "abcdefghjklmnprstvw"  # most names begin with one of them
ENOUGH = 4
_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "sv", "da", "fi", "pl", "cs", "ro", "tr", "in")
LONGEST = 12
NEAR = 2  # letters longer or shorter
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019](?:[^\W\d_]{2,}|[sS]\b))?")
_TITLES = "mr mrs ms miss dr prof sir madam mme mlle herr frau sr sra srta don dona jr phd md"
_SMALL = "van von der den de del della di da dos du la le el al bin ibn ter ten zu zum st san y et e o und and"
_FORMS = "inc llc ltd plc corp co gmbh ag sa bv kg srl spa ab as oy group company at dot punkt point arroba"
_KEPT = frozenset(f"{_TITLES} {_SMALL} {_FORMS}".split())


class FalseNames:
    """Gives false words for the words of names."""

    def __init__(self, key: bytes, is_known: Callable[[str], bool]) -> None:
        self._key = key
        self._is_known = is_known
        self._made: dict[str, str] = {}
        order = sorted(LETTERS, key=lambda letter: Draw(key, "letter", letter).below(1 << 40))
        shift = dict(zip(LETTERS, order, strict=True))
        self._letters = {chr(97 + n): shift.get(chr(97 + n), order[n % len(order)]) for n in range(26)}
        for letter, other in shift.items():
            if letter == other:  # an initial that stayed itself would say what it is
                self._letters[letter] = order[(order.index(other) + 1) % len(order)]

    def text(self, text: str) -> str:
        """Every word of a name replaced; titles, particles, punctuation and the way it is written stay."""
        return _WORD.sub(lambda found: self._written(found[0]), text)

    def word(self, word: str) -> str:
        """The false word, capitalized, of one word."""
        folded = fold(word)
        if folded not in self._made:
            if len(self._made) > 1 << 20:
                self._made.clear()
            self._made[folded] = self._draw(folded)
        return self._made[folded]

    def parts(self, word: str) -> list[str]:
        """A user name of one word as the names that it is made of: `aexample`, `adaexample`."""
        if _listed(word):
            return [word]
        for at in range(1, len(word) - 2):
            first, last = word[:at], word[at:]
            if (at == 1 or _listed(first) or self._is_known(first)) and (_listed(last) or self._is_known(last)):
                return [first, last]
        return [word]

    def initial(self, letter: str) -> str:
        """The initial that stands for an initial."""
        return self._letters.get(fold(letter)[:1], "m").upper()

    def _written(self, word: str) -> str:
        for ending in ("'s", "\u2019s", "'S"):
            if word.endswith(ending):
                return self._written(word[: -len(ending)]) + ending
        if fold(word) in _KEPT and len(word) > 1:
            return word
        made = self.initial(word) if len(word) == 1 else self.word(word)
        if word.isupper() and len(word) > 1:
            return made.upper()
        return made.lower() if word.islower() else made

    def _draw(self, word: str) -> str:
        letter = self._letters.get(word[:1], "m")
        draw = Draw(self._key, "word", word)
        choices = _fitting(_class_of(word), letter, min(len(word), LONGEST))
        tried = [draw.one(choices) for _ in range(24)]
        other = [name for name in tried if fold(name) != word]
        fresh = [name for name in other if not self._is_known(fold(name))]
        return (fresh or other or [draw.one(_fitting(_class_of(""), letter, 6)) + "son"])[0]


@cache
def _names() -> dict[str, dict[str, list[str]]]:
    data = resources.files("readingroom.anonymize").joinpath("data", "surrogate-names.json.gz").read_bytes()
    names: dict[str, dict[str, list[str]]] = json.loads(gzip.decompress(data))
    return names


@cache
def _classes() -> dict[str, tuple[str, str]]:
    """From a folded name to the language and part it is listed in; the first list that has it counts, given first."""
    found: dict[str, tuple[str, str]] = {}
    for part in ("male", "female", "family"):
        for language in _LANGUAGES:
            for name in _names()[language][part]:
                found.setdefault(fold(name), (language, part))
    return found


def _listed(word: str) -> bool:
    return len(word) > 2 and word in _classes()


def _class_of(word: str) -> tuple[str, str]:
    known = _classes().get(word)
    return known or ("", "family")


@cache
def _beginning(part: str) -> dict[tuple[str, str], list[str]]:
    """Names of a part by language (empty: any) and first letter."""
    found: dict[tuple[str, str], list[str]] = {}
    for language in _LANGUAGES:
        for name in _names()[language][part]:
            for wanted in ("", language):
                found.setdefault((wanted, fold(name)[:1]), []).append(name)
    return found


@cache
def _fitting(kind: tuple[str, str], letter: str, length: int) -> tuple[str, ...]:
    """Names of a class that begin with a letter, of about a length; of any language if there are too few."""
    language, part = kind
    own = _beginning(part).get((language or "en", letter), [])
    every = own if len(own) >= ENOUGH else _beginning(part).get(("", letter), [])
    near = [name for name in every if abs(len(name) - length) <= NEAR]
    return tuple(near if len(near) >= ENOUGH else every or _names()["en"][part])
