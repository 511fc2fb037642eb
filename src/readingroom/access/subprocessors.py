"""The published list of subprocessors: whose people may be admitted beside the vendor's own (P27).

Rule 1: a list, once published, is never edited; a new version replaces it from its instant on.
Rule 2: an employer counts only when it has stood on the list without a break for the days of notice (at least 30).
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from readingroom.access.people import actor_name
from readingroom.access.tables import SUBPROCESSOR_LISTS
from readingroom.audit.unit import Event, unit_of_work
from readingroom.core.canonical import digest
from readingroom.core.clock import format_instant
from readingroom.core.errors import UsageError
from readingroom.core.ids import PersonId
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House

_COUNTRY = re.compile(r"[A-Z]{2}")
_FIELDS = ("name", "country", "service")


@dataclass(frozen=True)
class Subprocessor:
    """One line of the list, as published."""

    name: str
    country: str
    service: str


@dataclass(frozen=True)
class SubprocessorList:
    """One published version."""

    version: int
    published_at: datetime
    sha256: str
    entries: tuple[Subprocessor, ...]

    def public(self) -> dict[str, Any]:
        """The list as `subprocessor list --json` shows it."""
        return {
            "version": self.version,
            "published_at": format_instant(self.published_at),
            "sha256": self.sha256,
            "subprocessors": [{name: getattr(entry, name) for name in _FIELDS} for entry in self.entries],
        }


def listed_since(lists: Sequence[SubprocessorList], employer: str) -> datetime | None:
    """Since when `employer` has stood on every list without a break; None when it is not on the latest."""
    since: datetime | None = None
    for published in sorted(lists, key=lambda one: one.version, reverse=True):
        if employer not in {entry.name for entry in published.entries}:
            break
        since = published.published_at
    return since


def parse_list(data: bytes) -> tuple[Subprocessor, ...]:
    """The entries in a TOML (`[[subprocessor]]` with name, country, service) or JSON (a list of the same) file."""
    try:
        text = data.decode("utf-8")
        body: Any = json.loads(text) if text.lstrip()[:1] in {"[", "{"} and not _is_toml(text) else tomllib.loads(text)
    except (ValueError, RecursionError):
        raise UsageError("the list of subprocessors is neither TOML nor JSON") from None
    rows = body.get("subprocessor", body.get("subprocessors")) if isinstance(body, dict) else body
    if not isinstance(rows, list):
        raise UsageError("the list of subprocessors has no [[subprocessor]] entries")
    entries = tuple(_entry(number, row) for number, row in enumerate(rows, start=1))
    if len({entry.name for entry in entries}) < len(entries):
        raise UsageError("a subprocessor stands on the list twice")
    return entries


def publish_list(house: House, data: bytes, *, by: PersonId | None = None) -> SubprocessorList:
    """Publish a new version of the list; its people count after the days of notice (P27)."""
    entries = parse_list(data)
    rows = [{name: getattr(entry, name) for name in _FIELDS} for entry in entries]
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        latest = unit.connection.execute(select(func.max(SUBPROCESSOR_LISTS.c.version))).scalar()
        published = SubprocessorList((latest or 0) + 1, unit.at, digest(rows), entries)
        row = {"version": published.version, "published_at": unit.at, "sha256": published.sha256, "entries": rows}
        unit.connection.execute(insert(SUBPROCESSOR_LISTS).values(**row))
        facts = {"version": published.version, "sha256": published.sha256, "subprocessors": rows}
        actor = actor_name(unit.connection, by, house)
        unit.append(Event("subprocessors.published", actor=actor, facts=facts))
        return published


def list_versions(house: House) -> tuple[SubprocessorList, ...]:
    """Every published version, oldest first."""
    with house.db.read(EVERY_TENANT) as connection:
        return lists_in(connection)


def lists_in(connection: Connection) -> tuple[SubprocessorList, ...]:
    """Every published version as this transaction sees them."""
    statement = select(SUBPROCESSOR_LISTS).order_by(SUBPROCESSOR_LISTS.c.version)
    return tuple(
        SubprocessorList(
            row.version, row.published_at, row.sha256, tuple(Subprocessor(**entry) for entry in row.entries)
        )
        for row in connection.execute(statement)
    )


def _is_toml(text: str) -> bool:
    return text.lstrip().startswith("[[")


def _entry(number: int, row: Any) -> Subprocessor:
    where = f"entry {number} of the list of subprocessors"
    if not isinstance(row, dict) or set(row) != set(_FIELDS):
        raise UsageError(f"{where} must have name, country and service, and nothing else")
    for name in _FIELDS:
        text = row[name]
        if not isinstance(text, str) or not text.strip() or len(text) > 200 or not text.isprintable():
            raise UsageError(f"{where}: {name} must be 1 to 200 printable characters")
    if not _COUNTRY.fullmatch(row["country"]):
        raise UsageError(f"{where}: country must be two capital letters (ISO 3166)")
    return Subprocessor(**row)
