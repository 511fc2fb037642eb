"""What a notice allows, and whether another one allows more. Pure: two notices in, a comparison out (P01, P02).

Rule 1: more of anything is wider: a purpose, a service, a kind of data, an exhibit, a longer term.
Rule 2: words that bind and have changed cannot be weighed by a machine, so they are wider (empty means no). Only what
        FREE names may change without anybody's consent.
Rule 3: layout is no change: comments, order, spaces and line ends are not compared.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from readingroom.core.errors import UsageError

FREE: Final = frozenset({"title", "agreement.introduction", "contact.email"})  # these allow nothing
_LONGER: Final = ("retention.", "opt_out.notice_days")  # numbers of days: less is narrower
_LESS: Final = ("exhibit_a.purposes[", "exhibit_a.services[", "exhibit_a.data.")  # without it, less is allowed
_NAMES: Final = (("exhibit_a.purposes[", "the purpose"), ("exhibit_a.services[", "the service"))


@dataclass(frozen=True)
class Comparison:
    """What a later notice allows beyond an earlier one, and what it no longer allows; a line each."""

    wider: tuple[str, ...]
    narrower: tuple[str, ...]

    @property
    def needs_acceptance(self) -> bool:
        """Whether the customer must accept the later one before anything new is copied."""
        return bool(self.wider)


@lru_cache(maxsize=64)
def compare(agreed: str, later: str) -> Comparison:
    """How the notice `later` differs from the one that was agreed to; both are TOML, word for word."""
    before, after = terms_of(_parse(agreed)), terms_of(_parse(later))
    wider: list[str] = []
    narrower: list[str] = []
    for name in sorted(before.keys() | after.keys()):
        if name in FREE or before.get(name) == after.get(name):
            continue
        where, words = _judge(name, before.get(name), after.get(name))
        (wider if where else narrower).append(words)
    return Comparison(tuple(wider), tuple(narrower))


def terms_of(body: Mapping[str, Any]) -> Mapping[str, str | int]:
    """Every term of a notice, by its path; spaces and line ends are one space."""
    found: dict[str, str | int] = {}
    _flatten(body, "", found)
    return found


def _parse(text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise UsageError("the notice is not readable as TOML") from None


def _flatten(value: Any, name: str, found: dict[str, str | int]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _flatten(inner, f"{name}.{key}" if name else key, found)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict):  # an array of tables: by id, so that its order says nothing
                rest = {key: one for key, one in inner.items() if key != "id"}
                _flatten(rest, f"{name}[{inner.get('id', '')}]", found)
            else:
                found[f"{name}[{inner}]"] = ""
    elif isinstance(value, int) and not isinstance(value, bool):
        found[name] = value
    else:
        found[name] = " ".join(str(value).split())


def _judge(name: str, before: str | int | None, after: str | int | None) -> tuple[bool, str]:
    """Whether the change of one term allows more, and what to say of it."""
    what = _what(name)
    if name.startswith(_LONGER) and isinstance(before, int) and isinstance(after, int):
        return after > before, f"{what} is {after} days and was {before}"
    if before is None:
        return True, f"{what} is new"
    if after is None:
        return not name.startswith(_LESS), f"{what} is gone"
    return True, f"{what} says something else"


def _what(name: str) -> str:
    for prefix, words in _NAMES:
        if name.startswith(prefix):
            return f"{words} {name.removeprefix(prefix).partition(']')[0]}"
    section, _, key = name.rpartition(".")
    return f"[{section}] {key}" if section else name
