"""Patterns in literals: `%fragment%` keeps its wildcards, the fragment is treated as the value that it is part of."""

from __future__ import annotations

import re
from collections.abc import Callable

from readingroom.anonymize.pieces import Piece

_WILD = re.compile(r"([%*_]*)(.*?)([%*]*)", re.DOTALL)


def with_wildcards(value: str, treat: Callable[[str], Piece]) -> list[Piece]:
    """The pieces of a literal: leading and trailing wildcards as they are, what is between them treated."""
    found = _WILD.fullmatch(value)
    if found is None or not found[2]:
        return [value] if not value.strip("%*_ ") else [treat(value)]
    inner = found[2].replace("%", " ") if found[1] or found[3] else found[2]
    return [found[1], treat(inner), found[3]]
