"""The second look's own short lists of names: given, family, and those that are also common words.

From the name providers of Faker (MIT); the file says so. They raise suspicions, they prove nothing.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from importlib import resources
from typing import Final

_FILE: Final = "look_names.txt.gz"


def given_names() -> frozenset[str]:
    """Given names, in small letters a to z."""
    return _lists()["g"]


def family_names() -> frozenset[str]:
    """Family names."""
    return _lists()["f"]


def common_words() -> frozenset[str]:
    """Names that are common words as well, and words that look like names in a capital."""
    return _lists()["w"]


@lru_cache(1)
def _lists() -> dict[str, frozenset[str]]:
    raw = gzip.decompress(resources.files("readingroom.copies").joinpath(_FILE).read_bytes()).decode("ascii")
    rows = [line.split() for line in raw.splitlines() if not line.startswith("#")]
    return {flag: frozenset(word for word, flags in rows if flag in flags) for flag in "gfw"}
