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
from readingroom.anonymize.kernels import empty_table, fill, hash_words, look_up
from readingroom.anonymize.names import TENANT_WORD
from readingroom.anonymize.spans import FINDING
from readingroom.anonymize.tagger import F32, LOCATION, PERSON, Sight
from readingroom.anonymize.tokens import GAP_NEAR, Records, Tokens

LIKELY, BALANCED, STRICT = 0.5, 0.4, 0.01  # from which probability a word is taken for what it may be
SMALL = 0.02  # the same for a word in lower case, in strict
OWN = 0.9  # the same for a word that many of the tenant's authors write
ECHOED = 0.6  # of a word whose other places in the cell are names, too
CAPITAL, ALONE, JUST_DIGITS = 1, 5, 4  # bits of the shape (tag_features)
LISTED, PUBLIC, USUAL, TITLE, GREETING, PARTICLE = 3, 4 | 8, 16, 32, 64, 128  # bits of the marks (tag_features)
PARTICLES = 4  # so many of them in a row: `von und zu` is two with a word between
_S = hash_words(["s"])[0]
_ROW = np.uint64(0x9E3779B97F4A7C15)
_SHORT = ("us", "uk", "eu", "un", "dc", "am", "pm", "vs")  # U.S., U.K. and the like are no initials
_NO_INITIALS = hash_words([two[0] for two in _SHORT]) * _ROW + hash_words([two[1] for two in _SHORT])
_QUASI = np.array([spans.PLACE, spans.ORG, spans.ADDRESS, spans.DATE], np.int32)
_SIGNS, _BOUND = np.zeros(256, bool), np.zeros(256, bool)
_SIGNS[list(b"./:@=&?%_#+-~")] = True
_BOUND[list(b"abcdefghijklmnopqrstuvwxyz0123456789/")] = True


def find_tagged(sight: Sight, seen: Records, chance: F32, *, strict: bool, quasi: bool) -> Records:
    """Words (FINDING) that are part of a name; with `quasi` also titles, places, organizations and addresses.

    Dates are told in `strict`, with `quasi`.
    """
    capital = seen["shape"] & CAPITAL != 0
    own = sight.marks & TENANT_WORD != 0  # many write it: that it is nobody's name needs less proof
    public = seen["marks"] & (PUBLIC | LISTED) != 0  # other words in lower case are rare words, whoever they name
    low, small = (STRICT, np.where(own, OWN, np.where(public, SMALL, LIKELY))) if strict else (BALANCED, LIKELY)
    small = np.where(seen["marks"] & GREETING != 0, LIKELY, small)  # ask, call, contact
    least = np.where(capital, low, small)
    person = (chance[:, PERSON] >= least) & ((seen["shape"] & 12) != JUST_DIGITS) & (capital | ~_inside(sight))
    near = (seen["line"] == 0) & (sight.tokens.words["gap"] == GAP_NEAR)
    title = (seen["marks"] & TITLE != 0) & capital
    person |= _titled(seen, title, near)
    person |= _echoed(seen, chance)
    person |= _particles(seen, person, title, near=near)
    person |= _initials(sight, seen, person, strict=strict)
    kinds = np.where(person, spans.NAME, -1).astype(np.int32)
    if quasi:
        _other_kinds(seen, chance, kinds, strict=strict)
        kinds[:-1][title[:-1] & person[1:] & (seen["line"][1:] == 0)] = spans.NAME
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


def _titled(seen: Records, title: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Capitalised words right after Mr, Dr and the like (rule 2)."""
    reach = title.copy()
    small = (seen["marks"] & PARTICLE != 0) & near
    for _ in range(PARTICLES):
        reach[1:] |= reach[:-1] & small[1:]
    titled = np.zeros(len(seen), bool)
    titled[1:] = reach[:-1] & (seen["shape"][1:] & ALONE == CAPITAL) & (seen["marks"][1:] & USUAL == 0)
    found: np.ndarray = titled & (seen["skip"] == 0) & near
    return found


def _echoed(seen: Records, chance: F32) -> np.ndarray:
    """Capitalised words that are a name elsewhere in their cell (rule 3)."""
    open_ = (seen["shape"] & ALONE == CAPITAL) & (seen["marks"] & (USUAL | 256) == 0) & (seen["skip"] == 0)
    where = np.flatnonzero(open_)
    key = seen["hash"][where] ^ (np.cumsum(seen["wall"])[where].astype(np.uint64) * _ROW)
    sure = np.unique(key[chance[where, PERSON] >= ECHOED])
    table = empty_table(max(len(sure), 1))
    fill(table, sure, np.ones(len(sure), np.int32))
    echoed = np.zeros(len(seen), bool)
    echoed[where] = look_up(table, key) != 0
    return echoed


def _particles(seen: Records, person: np.ndarray, title: np.ndarray, *, near: np.ndarray) -> np.ndarray:
    """The small words of family names (rule 4)."""
    small = (seen["marks"] & PARTICLE != 0) & (seen["skip"] == 0)
    begins = (seen["line"] != 0) | (seen["sep"] & ((1 << 28) - 1) >= 4)  # a new line, or a sign before the word
    begins[1:] |= title[:-1] | (seen["marks"][:-1] & GREETING != 0)
    person = person.copy()
    for _ in range(PARTICLES):  # from the name backwards: each may be followed by a name or by another one
        follows = np.zeros(len(seen), bool)
        follows[:-1] = (person[1:] | small[1:]) & near[1:]
        goes_on = begins.copy()
        goes_on[1:] |= person[:-1] & near[1:]
        more = small & follows & goes_on & ~person
        if not more.any():
            break
        person |= more
    alone = np.zeros(len(seen), bool)
    alone[:-1] = ~(person[1:] & near[1:])
    found: np.ndarray = person & ~(small & alone)
    return found


def _initials(sight: Sight, seen: Records, person: np.ndarray, *, strict: bool) -> np.ndarray:
    """Initials before a name: `A.B. Example`; in strict, two without a name, and the s of `Example's`."""
    parts, words = sight.tokens.parts, sight.tokens.words
    folded = np.concatenate([sight.letters["folded"], np.zeros(3, np.uint8)])
    end = parts["end"][words["last"] - 1]
    single = (seen["shape"] >> 4 == 1) & (seen["skip"] == 0)
    dotted = single & (seen["shape"] & ALONE == CAPITAL) & (folded[end] == ord("."))
    close = np.zeros(len(seen), bool)  # the next word follows at once, or after one blank
    close[:-1] = (parts["start"][words["first"]][1:] - end[:-1] <= 2) & (seen["line"][1:] == 0)
    found = np.zeros(len(seen), bool)
    for _ in range(PARTICLES):
        found[:-1] |= dotted[:-1] & close[:-1] & (person[1:] | found[1:])
    if not strict:
        return found
    pair = np.zeros(len(seen), bool)
    pair[:-1] = dotted[:-1] & dotted[1:] & (parts["start"][words["first"]][1:] - end[:-1] == 1)
    pair[:-1] &= ~np.isin(words["hash"][:-1] * _ROW + words["hash"][1:], _NO_INITIALS)
    pair[1:] |= pair[:-1]
    owned = np.zeros(len(seen), bool)
    owned[1:] = person[:-1] & single[1:] & (words["hash"][1:] == _S) & (folded[end[:-1]] == ord("'")) & close[:-1]
    return found | pair | owned


def _in_sentence(seen: Records, kinds: np.ndarray) -> np.ndarray:
    """Places and organizations whose line holds words that are none (rule 5)."""
    line = np.cumsum(seen["line"] != 0)
    plain = (kinds < 0) & (seen["marks"] & PARTICLE == 0) & (seen["shape"] & JUST_DIGITS == 0)
    crowded = np.zeros(int(line[-1]) + 1 if len(line) else 1, bool)
    crowded[line[plain]] = True
    found: np.ndarray = np.isin(kinds, (spans.PLACE, spans.ORG)) & crowded[line]
    return found


def _inside(sight: Sight) -> np.ndarray:
    """Words inside an address of the web, a path, a file name: a sign joins them to what stands beside."""
    parts, words = sight.tokens.parts, sight.tokens.words
    folded = np.concatenate([sight.letters["folded"], np.zeros(3, np.uint8)])
    start, end = parts["start"][words["first"]], parts["end"][words["last"] - 1]
    before = _SIGNS[folded[start - 1]] & _BOUND[folded[start - 2]]  # the first word reads the zeros at the end
    inside: np.ndarray = before | (_SIGNS[folded[end]] & _BOUND[folded[end + 1]])
    return inside


def _of_words(tokens: Tokens, kinds: np.ndarray) -> Records:
    at = np.flatnonzero(kinds >= 0)
    words, parts = tokens.words[at], tokens.parts
    found = np.empty(len(at), FINDING)
    found["start"] = parts["start"][words["first"]]
    found["end"] = parts["end"][words["last"] - 1]
    found["entry"] = -1
    found["kind"] = kinds[at]
    return found
