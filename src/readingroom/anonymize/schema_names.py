"""Names of tables, columns and keys: shown only if no word in them can be a person's (P26).

Rule 1: a listed name (Common Data Model or classification) is shown.
Rule 2: any other name is shown only if every word in it is a word of the vocabulary, and nothing in it is a name
of a person of the tenant, an e-mail address or a number long enough for a phone.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pyarrow as pa

from readingroom.anonymize.classification import Classification
from readingroom.anonymize.folding import fold
from readingroom.anonymize.kernels import hash_words, look_up
from readingroom.anonymize.lexicon import MONTH, NAME, WORD, lexicon

_PREFIX = re.compile(r"^(?:[a-z][a-z0-9]{1,7})_(?=.)")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_EMAIL = re.compile(r"@|_at_|_dot_|(?:^|_)at(?:_|$).*(?:^|_)(?:com|org|net|de|fr|es|uk)(?:_|$)")
_DIGITS = re.compile(r"\d(?:[_\W]?\d){6,}")
_TITLES = frozenset({"mr", "mrs", "ms", "dr", "prof", "frau", "herr", "mme", "sra"})
_SMALL = frozenset({"id", "no", "by", "at", "of", "in", "on", "to", "is", "up", "a", "an", "as", "or", "if"})
_MAX = 200
_LONG = 5  # letters of a name that is looked for inside a longer word
_MANY = 10  # "price", "bill" and "sales" are names of people, too
# Dataverse's AttributeType and AttributeTypeName; cells of a column of types are codes of the product
_TYPES = {"bigint", "boolean", "calendarrules", "customer", "datetime", "decimal", "double", "entityname", "file"}
_TYPES |= {
    "image",
    "integer",
    "lookup",
    "managedproperty",
    "memo",
    "money",
    "multiselectpicklist",
    "owner",
    "partylist",
}
_TYPES |= {"picklist", "state", "status", "string", "uniqueidentifier", "virtual", "guid", "int64"}


def word_marks(word: str) -> int:
    """What the public lexicon says about a word: WORD, GIVEN, FAMILY, a month."""
    return int(look_up(lexicon(), hash_words([fold(word)]))[0])


def words_of(name: str) -> list[str]:
    """The words of a name without its publisher's prefix: split at underscores, capitals and digits; lower case."""
    return [word.lower() for word in _WORD.findall(_PREFIX.sub("", name))]


class PersonWords:
    """Keyed hashes of the words and joined forms of the names of the tenant's people."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._single: set[int] = set()
        self._joined: set[int] = set()
        self._initials: set[int] = set()

    def add(self, full_names: Iterable[str]) -> None:
        """Take in full names; only hashes are kept."""
        for full in full_names:
            words = re.findall(r"[^\W\d_]+", fold(full.replace("'", "")))
            self._single.update(self._hash(word) for word in words if len(word) > 2)
            if len(words) < 2:
                continue
            first, last = words[0], words[-1]
            self._joined.update(map(self._hash, (first + last, last + first)))
            initials = (first[0] + last, last + first[0], first + last[0])
            self._initials.update(self._hash(form) for form in initials if len(form) > 3)

    def is_name(self, word: str) -> bool:
        """Whether somebody of the tenant is called that."""
        return self._hash(word) in self._single

    def is_joined(self, word: str) -> bool:
        """Whether the word is somebody's first and last name written as one."""
        return self._hash(word) in self._joined

    def is_user_name(self, word: str) -> bool:
        """Whether the word is somebody's initial and last name, or first name and initial, written as one."""
        return self._hash(word) in self._initials

    def _hash(self, word: str) -> int:
        digest = hashlib.blake2b(fold(word).encode(), key=self._key[:64], digest_size=8, person=b"name word")
        return int.from_bytes(digest.digest(), "little")


class NameCheck:
    """Decides about names with the list, the vocabulary and the tenant's people."""

    def __init__(
        self, listed: Classification, people: PersonWords, *, marks: Callable[[str], int] = word_marks
    ) -> None:
        self._names = listed.names
        self._listed_words = listed_words(listed.spelt)
        self._people = people
        self._marks = lru_cache(maxsize=100_000)(marks)
        self.allowed = lru_cache(maxsize=100_000)(self._allowed)

    def why_not(self, name: str) -> str:
        """Why the name is withheld: listed reasons only, never the name; empty when it may be shown."""
        if name.strip().lower() in self._names or name.strip().lower() in _TYPES:
            return ""
        if not name.strip() or len(name) > _MAX:
            return "no name"
        plain = _PREFIX.sub("", fold(name.strip()))
        if _EMAIL.search(plain):
            return "e-mail address"
        if _DIGITS.search(plain):
            return "long number"
        prefix = _PREFIX.match(name.strip())
        if prefix is not None and self._is_person(prefix[0].rstrip("_")):
            return "name of a person of the tenant"
        words = words_of(name.strip())
        return self._why_not_words(words, whole="".join(words))

    def _allowed(self, name: str) -> bool:
        return not self.why_not(name)

    def _is_person(self, word: str) -> bool:
        return word not in self._listed_words and (self._people.is_name(word) or self._people.is_joined(word))

    def _why_not_words(self, words: list[str], *, whole: str) -> str:
        if self._people.is_joined(whole) or any(self._people.is_joined(word) for word in words):
            return "name of a person of the tenant"
        if any(self._people.is_joined(a + b) for a, b in pairwise(words)):
            return "name of a person of the tenant"
        if any(a in _TITLES for a in words[:-1]):
            return "title of a person"
        why = (self._why_not_word(word) for word in words if not word.isdigit())
        return next(filter(None, why), "") if words else "no word"

    def _why_not_word(self, word: str) -> str:
        marks = self._marks(word)
        if word in _SMALL or word in self._listed_words or marks >> MONTH:
            return ""
        if self._people.is_name(word):  # grant, baker, price: words, unless somebody of the tenant is called that
            return "name of a person of the tenant"
        if marks & WORD:
            return ""
        if self._people.is_user_name(word):
            return "name of a person of the tenant"
        if marks & NAME:
            return "name"
        return "" if self._known(word) else "word outside the vocabulary"

    def _common(self, word: str) -> bool:
        """Whether the word is in the public vocabulary and is no name, or stands in listed names."""
        marks = self._marks(word)
        return word in self._listed_words or bool(marks & WORD and not marks & NAME) or bool(marks >> MONTH)

    def _known(self, word: str) -> bool:
        """Whether the word is made of at most three words of the vocabulary, none of them a name."""
        return any(self._parts(word, parts) for parts in (2, 3)) and not self._begins_or_ends_with_a_person(word)

    def _begins_or_ends_with_a_person(self, word: str) -> bool:
        """Whether somebody's name of two words of the vocabulary (nether and fold) stands at either end."""
        ends = (part for cut in range(_LONG, len(word) - 1) for part in (word[:cut], word[-cut:]))
        return any(self._people.is_name(part) or self._people.is_joined(part) for part in ends)

    def _parts(self, word: str, parts: int) -> bool:
        if parts == 1:
            return (word in _SMALL or (len(word) > 2 and self._common(word))) and not self._people.is_name(word)
        return any(self._parts(word[:cut], 1) and self._parts(word[cut:], parts - 1) for cut in range(2, len(word) - 1))


@lru_cache(maxsize=2)
def listed_words(spelt: tuple[str, ...]) -> frozenset[str]:
    """Words of listed names that are no names of people, or stand in so many of them that they are the product's."""
    counts = Counter(word for name in spelt for word in set(words_of(name)) if len(word) > 2 and word.isalpha())
    return frozenset(word for word, count in counts.items() if count >= _MANY or not word_marks(word) & NAME)


def clean_rows(batch: pa.RecordBatch, check: NameCheck) -> tuple[np.ndarray, dict[str, int]]:
    """Which rows of a batch of names may be shown (every cell must), and why the others are withheld, counted."""
    keep = np.ones(batch.num_rows, bool)
    reasons: dict[str, int] = {}
    for column in batch.columns:
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            continue
        encoded = column.dictionary_encode()
        why = [check.why_not(name) if name else "" for name in encoded.dictionary.to_pylist()]
        bad = np.array([bool(reason) for reason in [*why, ""]])
        indices = encoded.indices.fill_null(len(why)).to_numpy(zero_copy_only=False)
        for index, count in zip(*np.unique(indices[keep & bad[indices]], return_counts=True), strict=True):
            reasons[why[index]] = reasons.get(why[index], 0) + int(count)
        keep &= ~bad[indices]
    return keep, reasons
