# ruff: noqa: PLR0917 - kernels: numba takes arrays by position and compiles no sets
"""What stands after a phone number: its extension, and words such as `fax` and `office`.

Rule 1: `555 0100 x 12` is one number with its extension; so it is found and masked as one.
Rule 2: digits before such a word are a number if a numbering plan assigns them (proofs_phones).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from readingroom.anonymize.kernels import BASE, U64, hash_words, kernel
from readingroom.anonymize.patterns import CLASSES
from readingroom.anonymize.tokens import Records
from readingroom.anonymize.views import Letters

LONGEST_EXTENSION = 6
LONGEST_WORD = 12
AFTER = ("office", "fax", "mobile", "mob", "cell", "cellular", "home", "work", "phone", "tel", "direct", "landline")
_DIGIT, _WORD = 4, 16
_SPACE, _COMMA, _DOT, _COLON, _E, _T, _X = (ord(sign) for sign in " ,.:etx")
Bools = npt.NDArray[np.bool_]


@kernel
def _extended(v: Letters, last: int) -> int:
    """The end of an extension after the number that ends at `last`, or `last`."""
    k = last
    while k < len(v.folded) and k - last < 2 and (v.folded[k] == _SPACE or v.folded[k] == _COMMA):
        k += 1
    if k + 2 < len(v.folded) and v.folded[k] == _E and v.folded[k + 1] == _X and v.folded[k + 2] == _T:
        k += 3
    elif k < len(v.folded) and v.folded[k] == _X:
        k += 1
    else:
        return last
    while k < len(v.folded) and (v.folded[k] == _DOT or v.folded[k] == _SPACE or v.folded[k] == _COLON):
        k += 1
    end = k
    while end < len(v.folded) and CLASSES[v.folded[end]] & _DIGIT:
        end += 1
    return end if 1 <= end - k <= LONGEST_EXTENSION else last


@kernel
def _extend(v: Letters, found: Records) -> None:
    for i in range(len(found)):
        found[i].end = _extended(v, found[i].end)


def with_extensions(letters: Letters, phones: Records) -> Records:
    """Phone numbers (start, end) together with `x 123` or `ext. 123` after them."""
    longer = phones.copy()
    _extend(letters, longer)
    return longer


@kernel
def _named_after(v: Letters, found: Records, words: U64, out: Bools) -> None:
    for i in range(len(found)):
        k = found[i].end
        while k < len(v.folded) and k - found[i].end < 2 and not CLASSES[v.folded[k]] & _WORD:
            k += 1
        h = np.uint64(0)
        start = k
        while k < len(v.folded) and k - start < LONGEST_WORD and ord("a") <= v.folded[k] <= ord("z"):
            h = h * BASE + np.uint64(v.folded[k]) + np.uint64(1)
            k += 1
        for word in words:
            out[i] |= h == word


@cache
def _after() -> U64:
    return hash_words(list(AFTER))


def named_after(letters: Letters, clusters: Records) -> Bools:
    """Which clusters are followed by a word that says what they are: `555 0100 (fax)`, `555-0100-Office`."""
    named = np.zeros(len(clusters), np.bool_)
    _named_after(letters, clusters, _after(), named)
    return named
