"""What a notice must say, checked before it can be published. Pure: TOML bytes in, a Form out.

Rule 1: a section that a promise rests on may not be missing or empty (P01-P09, P24, P25, P34, P35); the error names it.
Rule 2: a number in the notice may not promise less life to the customer's data than the room keeps: the room's limits
        must be at most what the notice says, and the notice at most what the promises say (P03, P15, P24).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from readingroom.core.errors import UsageError
from readingroom.core.ids import check_name
from readingroom.core.settings import Limits
from readingroom.engagement.notice_terms import terms_of

# section → what every notice must say there, and the promise that rests on it
TEXTS: Mapping[str, tuple[str, ...]] = {
    "agreement": (
        "introduction",
        "human_review",  # P30
        "ownership",  # P09
        "no_charge",  # P07
        "nothing_else_changes",  # P05
        "transparency",  # P10
    ),
    "feedback": ("voluntary", "licence", "warranty"),  # P08
    "contact": ("permission", "email"),  # P04
    "exhibit_a": ("period", "reason", "purpose"),  # P01, P02, P31-P33
    "exhibit_a.data": ("marketing", "query", "schema"),  # P11, P12, P13
    "exhibit_a.access_and_use": (
        "anonymization",  # P14
        "storage",  # P17-P19
        "purge",  # P15
        "schema",  # P24-P26
        "people",  # P20-P22, P27-P29
        "use",  # P23
    ),
    "opt_out": ("toggle", "mail", "suspension", "termination", "afterwards"),  # P03, P06, P35
    "rights": ("requests",),  # P34, P16
    "exhibit_b": ("title", "text"),  # P01
}
HEADINGS: Mapping[str, str] = {
    "agreement": "The agreement",
    "feedback": "Feedback",
    "contact": "Being contacted",
    "exhibit_a": "Exhibit A",
    "exhibit_a.data": "Exhibit A: the data",
    "exhibit_a.access_and_use": "Exhibit A: access and use",
    "opt_out": "How to leave, and what happens then",
    "rights": "Rights of the people in the data",
    "exhibit_b": "Exhibit B",
}
_NUMBERS = (  # section, key, the longest that the promises allow, the room's limit that must keep it
    ("retention", "marketing_days", 30, "retention_days"),  # P15
    ("retention", "query_days", 30, "retention_days"),  # P15
    ("retention", "schema_days", 365, "schema_retention_days"),  # P24
    ("opt_out", "notice_days", 30, "opt_out_notice_days"),  # P03
)
_EMAIL = re.compile(r"[^\s@<>\"]{1,64}@[^\s@<>\"]{1,189}")


@dataclass(frozen=True)
class Purpose:
    """One purpose of the engagement (P23)."""

    id: str
    text: str


@dataclass(frozen=True)
class Section:
    """One heading of a notice with its paragraphs, ready to be shown."""

    heading: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Form:
    """A notice that has been checked."""

    title: str
    language: str
    services: tuple[str, ...]
    purposes: tuple[Purpose, ...]
    contact_email: str
    retention_days: Mapping[str, int]  # category → days
    opt_out_notice_days: int
    licence: str
    warranty: str
    sections: tuple[Section, ...]


def parse_notice(data: bytes) -> Form:
    """The checked form of a notice; UsageError naming the first section that is missing or wrong."""
    try:
        body = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise UsageError("the notice is not readable as TOML in UTF-8") from None
    texts = {section: {key: _text(body, section, key) for key in keys} for section, keys in TEXTS.items()}
    days = {f"{section}.{key}": _number(body, section, key) for section, key, _most, _limit in _NUMBERS}
    for section, key, most, _limit in _NUMBERS:
        if not 0 < days[f"{section}.{key}"] <= most:
            raise UsageError(f"the notice's [{section}] {key} must be between 1 and {most}")
    return Form(
        title=_text(body, "", "title"),
        language=_text(body, "", "language"),
        services=_services(body),
        purposes=_purposes(body),
        contact_email=check_email(texts["contact"]["email"], what="the notice's [contact] email"),
        retention_days={name: days[f"retention.{name}_days"] for name in ("marketing", "query", "schema")},
        opt_out_notice_days=days["opt_out.notice_days"],
        licence=texts["feedback"]["licence"],
        warranty=texts["feedback"]["warranty"],
        sections=(*_sections(texts), *_more(body, texts)),
    )


def check_kept(form: Form, limits: Limits) -> None:
    """UsageError if the room would keep data longer than the notice says."""
    said = {f"retention.{name}_days": days for name, days in form.retention_days.items()}
    said["opt_out.notice_days"] = form.opt_out_notice_days
    for section, key, _most, limit in _NUMBERS:
        if getattr(limits, limit) > said[f"{section}.{key}"]:
            raise UsageError(f"the notice's [{section}] {key} is less than the room's limit {limit}")


def check_email(address: str, *, what: str) -> str:
    """Return `address` if it looks like an e-mail address; an error that does not repeat it otherwise."""
    if not _EMAIL.fullmatch(address):
        raise UsageError(f"{what} must be an e-mail address")
    return address


def _find(body: Mapping[str, Any], section: str, key: str) -> Any:
    where: Any = body
    for step in section.split(".") if section else ():
        where = where.get(step) if isinstance(where, dict) else None
    if not isinstance(where, dict):
        raise UsageError(f"the notice has no section [{section}]")
    if key not in where:
        raise UsageError(f"the notice's {f'[{section}] ' if section else ''}{key} is missing")
    return where[key]


def _text(body: Mapping[str, Any], section: str, key: str) -> str:
    value = _find(body, section, key)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"the notice's {f'[{section}] ' if section else ''}{key} must be a text that is not empty")
    return value.strip()


def _number(body: Mapping[str, Any], section: str, key: str) -> int:
    value = _find(body, section, key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(f"the notice's [{section}] {key} must be a whole number of days")
    return value


def _services(body: Mapping[str, Any]) -> tuple[str, ...]:
    value = _find(body, "exhibit_a", "services")
    if not isinstance(value, list) or not value or not all(isinstance(name, str) and name.strip() for name in value):
        raise UsageError("the notice's [exhibit_a] services must list at least one service")
    return tuple(value)


def _purposes(body: Mapping[str, Any]) -> tuple[Purpose, ...]:
    value = _find(body, "exhibit_a", "purposes")
    if not isinstance(value, list) or not value:
        raise UsageError("the notice's [[exhibit_a.purposes]] must list at least one purpose")
    purposes = []
    for row in value:
        if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not isinstance(row.get("text"), str):
            raise UsageError("the notice's [[exhibit_a.purposes]] need an id and a text each")
        purposes.append(Purpose(check_name(row["id"], what="the id of a purpose"), row["text"].strip()))
    if len({purpose.id for purpose in purposes}) != len(purposes):
        raise UsageError("the notice's [[exhibit_a.purposes]] name a purpose twice")
    return tuple(purposes)


def _more(body: Mapping[str, Any], texts: Mapping[str, Mapping[str, str]]) -> Iterator[Section]:
    """What stands in a notice beyond what every notice must say: it binds too, so it is shown, under its own name."""
    known = {f"{section}.{key}" for section, entries in texts.items() for key in entries}
    found: dict[str, list[str]] = {}
    for path, value in terms_of(body).items():
        section, _, key = path.rpartition(".")
        listed = path.startswith(("exhibit_a.services", "exhibit_a.purposes", "retention.", "opt_out.notice_days"))
        if section and path not in known and not listed:
            found.setdefault(section, []).append(f"{key}: {value}")
    return (Section(f"Further: {section}", tuple(lines)) for section, lines in sorted(found.items()))


def _sections(texts: Mapping[str, Mapping[str, str]]) -> tuple[Section, ...]:
    return tuple(Section(HEADINGS[section], tuple(body.values())) for section, body in texts.items())
