# ruff: noqa: PLR0917 - kernels: numba takes arrays by position
"""From the tagger's probabilities to the words that are taken for names, places, organizations, addresses and dates.

Rule 1: what is found adds to what other finders found; nothing is taken back (P14).
Rule 2: a capitalised word after a title is a name whatever the weights say.
Rule 3: a name once found in a cell is a name wherever its capitalised word stands again in that cell.
Rule 4: small words such as `van der` belong to the name after them, where a name may begin or goes on; so do initials.
Rule 5: in `balanced` places and organizations are told only on lines of their own, as in a signature: in a sentence
they are what a mail is about.
Rule 6: a line of an address without a number is a place: the town, the country.
"""

from __future__ import annotations

import numpy as np

from readingroom.anonymize import spans
from readingroom.anonymize.kernels import I32, kernel
from readingroom.anonymize.spans import FINDING
from readingroom.anonymize.tag_names import (
    INITIAL,
    JUST_DIGITS,
    LIKELY,
    NAMED,
    PARTICLE,
    TITLED,
    Look,
    find_names,
)
from readingroom.anonymize.tagger import F32, LOCATION, PERSON, Sight
from readingroom.anonymize.tokens import Records, Tokens

_QUASI = np.array([spans.PLACE, spans.ORG, spans.ADDRESS, spans.DATE], np.int32)


def find_tagged(sight: Sight, seen: Records, chance: F32, *, strict: bool, quasi: bool) -> Records:
    """Words (FINDING) that are part of a name; with `quasi` also titles, places, organizations and addresses.

    Dates are told in `strict`, with `quasi`.
    """
    said = find_names(Look(sight.letters, sight.tokens, seen), sight.marks, chance, strict=strict)
    person = said & (NAMED | INITIAL) != 0
    kinds = np.where(person, spans.NAME, -1).astype(np.int32)
    if quasi:
        _other_kinds(seen, chance, kinds, strict=strict)
        kinds[:-1][(said[:-1] & TITLED != 0) & person[1:] & (seen["line"][1:] == 0)] = spans.NAME
    return _of_words(sight.tokens, kinds)


def _other_kinds(seen: Records, chance: F32, kinds: np.ndarray, *, strict: bool) -> None:
    """Add places, organizations, addresses and dates; what is rather one of them is not called a person."""
    best = chance[:, LOCATION:].argmax(axis=1)
    highest = chance[np.arange(len(seen)), best + LOCATION]
    other = _QUASI[best]
    told = (kinds < 0) & (highest >= LIKELY)
    if not strict:  # a date alone is what a mail is about; of births, worded knows
        told &= other != spans.DATE
        told &= ~_in_sentence(seen, np.where(told, other, kinds))
    told |= (kinds >= 0) & (highest > chance[:, PERSON]) & (other != spans.DATE)
    kinds[told] = other[told]
    kinds[_towns(seen, kinds)] = spans.PLACE


def _towns(seen: Records, kinds: np.ndarray) -> np.ndarray:
    """Of addresses: lines without a number, after the line of the street (rule 6)."""
    address = kinds == spans.ADDRESS
    line = np.cumsum(seen["line"] != 0)
    numbered = np.zeros(int(line[-1]) + 2 if len(line) else 2, bool)
    numbered[line[address & (seen["shape"] & JUST_DIGITS != 0)]] = True
    after = np.zeros(len(numbered), bool)
    after[1:] = numbered[:-1]
    found: np.ndarray = address & ~numbered[line] & after[line]
    return found


def _in_sentence(seen: Records, kinds: np.ndarray) -> np.ndarray:
    """Places and organizations whose line holds words that are none (rule 5)."""
    line = np.cumsum(seen["line"] != 0)
    plain = (kinds < 0) & (seen["marks"] & PARTICLE == 0) & (seen["shape"] & JUST_DIGITS == 0)
    crowded = np.zeros(int(line[-1]) + 1 if len(line) else 1, bool)
    crowded[line[plain]] = True
    found: np.ndarray = np.isin(kinds, (spans.PLACE, spans.ORG)) & crowded[line]
    return found


@kernel
def _write(parts: Records, words: Records, kinds: I32, out: Records) -> int:
    count = 0
    for i in range(len(words)):
        if kinds[i] >= 0:
            out[count].start = parts[words[i].first].start
            out[count].end = parts[words[i].last - 1].end
            out[count].entry = -1
            out[count].kind = kinds[i]
            count += 1
    return count


def _of_words(tokens: Tokens, kinds: I32) -> Records:
    found = np.empty(len(kinds), FINDING)
    return found[: _write(tokens.parts, tokens.words, kinds, found)]
