"""Patterns in literals: `%fragment%` keeps its wildcards, the fragment is treated as the value that it is part of."""

from __future__ import annotations

from collections.abc import Callable

from readingroom.anonymize.pieces import Piece


def with_wildcards(value: str, treat: Callable[[str], Piece]) -> list[Piece]:
    """The pieces of a literal: leading and trailing wildcards as they are, what is between them treated."""
    rest = value.lstrip("%*_")
    inner = rest.rstrip("%*")
    if not inner.strip():
        return [value] if not value.strip("%*_ ") else [treat(value)]
    before, after = value[: len(value) - len(rest)], rest[len(inner) :]
    return [before, treat(inner.replace("%", " ") if before or after else inner), after]
