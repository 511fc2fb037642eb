"""Where an unknown person may be named: suspicions, which withhold an item and prove nothing.

A suspicion needs a capital and a place where names stand: two names in a row, a form of address before, the end of a
letter before. Common words are no names unless the place says so. False alarms are dear: more than 2 % refuse a copy.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from readingroom.copies.look_hashes import Hasher, HashSet, Ints, Mask
from readingroom.copies.look_identifiers import Known
from readingroom.copies.look_words import Words

# before a person's name, and hardly before anything else
_TITLES: Final = "mr mrs ms dr prof herr frau monsieur mme mlle madame senor senora sra signor signora miss"
# before a name, or before whoever reads
_GREETINGS: Final = "dear hi hello hey hola bonjour cher chere lieber liebe estimado estimada querido querida ciao"
# after a form of address, and nobody's name
_OFFICES: Final = (
    "president chairman speaker secretary minister chancellor ambassador mayor judge dean editor director manager "
    "senator governor right clean universe america and the sir madam president vice read click"
)
_CLOSINGS: Final = "regards sincerely cheers truly thanks cordialement saludos atentamente grusse grussen mfg"

_BLANK: Final = np.zeros(256, np.bool_)
_BLANK[list(b" \t\n")] = True


class Suspicions:
    """Finds the places in one block's words after another."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._titles = _set(known.hasher, _TITLES)
        self._greetings = _set(known.hasher, _GREETINGS)
        self._offices = _set(known.hasher, _OFFICES)
        self._closings = _set(known.hasher, _CLOSINGS)

    def find(self, words: Words) -> Ints:
        """The words at which a suspicion begins."""
        if len(words.starts) < 2:
            return np.zeros(0, np.int64)
        capital = words.capital & (words.ends - words.starts >= 3)
        at = np.flatnonzero(capital)
        given = np.zeros(len(capital), np.bool_)
        family, common = given.copy(), given.copy()
        given[at] = self._known.given.has(words.hashes[at])
        family[at] = self._known.family.has(words.hashes[at])
        common[at] = self._known.common.has(words.hashes[at])
        follows = words.near & ~words.comma
        pair = given[:-1] & family[1:] & ~(common[:-1] | common[1:]) & follows
        offices = self._offices.has(words.hashes[1:])
        titled = self._titles.has(words.hashes[:-1]) & capital[1:] & self._beside(words) & ~offices
        first = given[1:] & ~common[1:]
        greeted = self._greetings.has(words.hashes[:-1]) & first & follows
        signed = self._closings.has(words.hashes[:-1]) & first & words.near
        return np.flatnonzero(pair | titled | greeted | signed)

    @staticmethod
    def _beside(words: Words) -> Mask:
        """`Mr Name`, `Mr. Name`: one blank between, and perhaps a dot (which ends a sentence after any other word)."""
        gap = words.starts[1:] - words.ends[:-1]
        first = words.data[np.minimum(words.ends[:-1], len(words.data) - 1)]
        beside: Mask = ((gap == 1) & words.near) | (
            (gap == 2) & (first == ord(".")) & _BLANK[words.data[words.starts[1:] - 1]]
        )
        return beside


def _set(hasher: Hasher, words: str) -> HashSet:
    found = HashSet()
    found.add(hasher.texts(words.split()))
    return found
