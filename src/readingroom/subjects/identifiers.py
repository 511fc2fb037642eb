"""The identifiers that a request names: read, recognised, turned into subject tags, and forgotten. Pure.

One identifier a line: `email: …`, `phone: …`, `name: …`, `record: …` (any GUID), `upn: …`, or the bare value,
whose kind is then recognised. Rule 1: no message repeats a value; lines are named by number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from readingroom.anonymize.normalize import normalize, subject_tag
from readingroom.core.errors import UsageError

STRONG: Final = frozenset({"record", "email", "upn"})  # one of these is one person
KINDS: Final = ("email", "phone", "name", "record", "upn", "visitor")
_GUID: Final = re.compile(r"\{?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\}?", re.IGNORECASE)
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_PHONE: Final = re.compile(r"\+?[\d\s().x/-]{7,}", re.IGNORECASE)
_MOST: Final = 200


@dataclass(frozen=True, repr=False)
class Identifier:
    """One identifier of a person; its value lives in memory only."""

    kind: str
    value: str

    @override
    def __repr__(self) -> str:
        """Without the value: a repr may end in a log."""
        return f"Identifier({self.kind})"


def parse_identifiers(text: str) -> tuple[Identifier, ...]:
    """The identifiers in `text`, a line each; UsageError naming the line that is none."""
    found = [_parse(line.strip(), number) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not found:
        raise UsageError("no identifier: give one a line, such as `email: …` or `record: …`")
    if len(found) > _MOST:
        raise UsageError(f"more than {_MOST} identifiers; a request is about one person")
    return tuple(found)


def tags_of(identifiers: Iterable[Identifier], tag_key: bytes) -> dict[bytes, str]:
    """The subject tag of each identifier, with its kind."""
    tags: dict[bytes, str] = {}
    for one in identifiers:
        tags[subject_tag(tag_key, one.kind, one.value)] = one.kind
        if one.kind in {"email", "upn"}:  # a user's sign-in name is an address as well
            other = "upn" if one.kind == "email" else "email"
            tags.setdefault(subject_tag(tag_key, other, one.value), other)
    return tags


def _parse(line: str, number: int) -> Identifier:
    kind, colon, value = line.partition(":")
    kind = kind.strip().lower()
    if not colon or kind not in KINDS:
        kind, value = _recognise(line), line
    value = value.strip()
    if not normalize(kind, value).strip():
        raise UsageError(f"line {number} of the identifiers has no value")
    return Identifier(kind, value)


def _recognise(value: str) -> str:
    if _GUID.fullmatch(value):
        return "record"
    if _EMAIL.fullmatch(value):
        return "email"
    if _PHONE.fullmatch(value):
        return "phone"
    return "name"
