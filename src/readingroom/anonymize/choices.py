"""What is done to the columns of a table that nobody listed: told by name, by type and by content; a person overrides.

Rule 1: a person's word wins, then the name, then the type, then the content; what is left is text, and read as such.
Rule 2: a column that nobody can look into (bytes, unknown types) is dropped, and the report says so.
Rule 3: a decision comes with its reason; no reason holds a value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize import spans
from readingroom.anonymize.as_text import is_text
from readingroom.anonymize.contacts import COMPANY, FIELDS, bare, kind_of
from readingroom.core.errors import UsageError

SAMPLE = 500  # cells that are looked at
ENOUGH = 0.8  # the share of them that must agree


class Cells(StrEnum):
    """What the cells of a column are; `keep` and `drop` say what is done instead."""

    KEEP = "keep"
    DROP = "drop"
    TEXT = "text"
    HTML = "html"
    URL = "url"
    JSON = "json"
    ID = "id"  # of a record: a pseudonym, so that tables can still be joined
    NAME = "name"
    GIVEN = "given"
    FAMILY = "family"
    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "address"
    PLACE = "place"
    BIRTH = "birth"
    ORG = "org"
    NUMBER = "number"  # of a passport, an insurance, an account, …
    IP = "ip"


WHOLE = {
    Cells.NAME: spans.PERSON,
    Cells.GIVEN: spans.NAME,
    Cells.FAMILY: spans.NAME,
    Cells.EMAIL: spans.EMAIL,
    Cells.PHONE: spans.PHONE,
    Cells.ADDRESS: spans.ADDRESS,
    Cells.PLACE: spans.PLACE,
    Cells.BIRTH: spans.DATE,
    Cells.ORG: spans.ORG,
    Cells.NUMBER: spans.ID,
    Cells.IP: spans.IP,
}
MARKUP = {Cells.HTML: "html", Cells.URL: "url"}
_BY_KIND = {
    "email": Cells.EMAIL,
    "phone": Cells.PHONE,
    "name": Cells.NAME,
    "birth": Cells.BIRTH,
    "id": Cells.NUMBER,
    "address": Cells.ADDRESS,
    "postcode": Cells.ADDRESS,
    "place": Cells.PLACE,
    "url": Cells.URL,
    "visitor": Cells.ID,
}
_BY_FIELD = (
    (FIELDS["given"] + FIELDS["middle"] + FIELDS["nick"], Cells.GIVEN),
    (FIELDS["family"], Cells.FAMILY),
    (FIELDS["full"], Cells.NAME),
    (FIELDS["address"] + FIELDS["postcode"], Cells.ADDRESS),
    (FIELDS["city"], Cells.PLACE),
    (FIELDS["birthdate"], Cells.BIRTH),
    (COMPANY, Cells.ORG),
    (("password", "passwort", "motdepasse", "contrasena", "secret", "apikey", "accesstoken"), Cells.NUMBER),
)
_TELL = {Cells.EMAIL, Cells.PHONE, Cells.BIRTH}  # beside one of these a `name` is a person's
_OWNERS = (
    "contact lead user account customer client member patient person employee owner parent record order message"
    " conversation thread ticket case visitor session document"
)
_PERSONS = (
    "from to cc bcc sender recipient recipients author contact customer client user owner manager employee patient"
    " person people participant participants attendee attendees assignee member members kontakt kunde cliente"
)
_ID_NAME = re.compile(r"(^|[_\s-])(id|guid|uuid)$|[a-z](Id|ID|Guid|GUID|Uuid|UUID)$")
_ID_BARE = re.compile(rf"^({'|'.join(_OWNERS.split())})(id|guid|uuid)$")
_KEPT_PLACES = frozenset({"country", "countrycode", "countryname"})
_TIMES = (pa.types.is_temporal, pa.types.is_boolean, pa.types.is_null)
_FOUND = {
    "PERSON": Cells.NAME,
    "EMAIL": Cells.EMAIL,
    "PHONE": Cells.PHONE,
    "CREDIT_CARD": Cells.NUMBER,
    "IBAN": Cells.NUMBER,
    "ID": Cells.NUMBER,
    "ADDRESS": Cells.ADDRESS,
    "LOCATION": Cells.PLACE,
    "IP": Cells.IP,
}


def _one_of(field: str) -> re.Pattern[str]:
    return re.compile("|".join(FIELDS[field]))


_PEOPLE = {Cells.NAME: "fullname", Cells.GIVEN: "firstname", Cells.FAMILY: "lastname"}
_OWN = {
    Cells.NAME: _one_of("full"),
    Cells.GIVEN: _one_of("given"),
    Cells.FAMILY: _one_of("family"),
    Cells.EMAIL: re.compile(r"(personal|work|private)?e?mail(address|adresse)?\d?|correo(electronico)?|courriel"),
    Cells.PHONE: re.compile(
        r"(tele|mobile|cell|home|work)?phone(number)?\d?|mobile|tel|fax|telefon(nummer)?|telefono|handy(nummer)?|movil"
    ),
    Cells.NUMBER: re.compile(r"ssn|iban|nationalid|taxid|passport|governmentid"),
    Cells.ADDRESS: _one_of("address"),
    Cells.BIRTH: _one_of("birthdate"),
}
_GUID = r"^[{(]?[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}[)}]?$"


@dataclass(frozen=True)
class Choice:
    """What a column is and who said so: `asked`, `name`, `type`, `content`, or `default`."""

    cells: Cells
    why: str


def asked(columns: Mapping[str, str]) -> dict[str, Choice]:
    """A person's choices; UsageError names a word that there is not."""
    made = {}
    for column, word in columns.items():
        if word not in set(Cells):
            raise UsageError(f'column "{column}": one of {", ".join(Cells)}')
        made[column] = Choice(Cells(word), "asked")
    return made


def by_name(name: str, kind: pa.DataType) -> Choice | None:
    """What name and type of a column tell; None when its content must."""
    told = _told(name)
    if pa.types.is_nested(kind):
        return Choice(Cells.TEXT, "type")  # its leaves are looked at one by one
    if is_opaque(kind):
        return Choice(Cells.DROP, "type")
    if any(is_kind(kind) for is_kind in _TIMES):
        return Choice(Cells.BIRTH, "name") if told is Cells.BIRTH else Choice(Cells.KEEP, "type")
    if is_number(kind):
        fits = told in {Cells.ID, Cells.PHONE, Cells.NUMBER, Cells.ADDRESS, Cells.BIRTH}
        return Choice(told, "name") if told and fits else Choice(Cells.KEEP, "type")
    return Choice(told, "name") if told else None


def among(path: str, kind: pa.DataType, siblings: Iterable[str]) -> Choice | None:
    """What the last name of a path tells; a bare `name` is a person's where its siblings or its owner say so."""
    owner, _, name = path.rpartition(".")
    if bare(name) != "name" or bare(owner.rpartition(".")[2]) in _PERSONS.split():
        return by_name(name, kind)
    told = {_told(one) for one in siblings}
    return by_name(name, kind) if told & _TELL else None


def by_content(cells: pa.LargeStringArray, found: pa.Table) -> Choice:
    """What some cells tell; `found` is what the engine finds in them (detecting.FOUND)."""
    filled = pc.sum(pc.greater(pc.binary_length(cells), 0)).as_py() or 0
    if not filled:
        return Choice(Cells.TEXT, "default")
    need = ENOUGH * filled
    if _count(pc.match_substring_regex(cells, _GUID)) >= need:
        return Choice(Cells.ID, "content")
    if _count(pc.match_substring_regex(cells, r"(?i)<(html|body|div|p|br|span|table|a|td)\b[^<>]*>")) >= need / 2:
        return Choice(Cells.HTML, "content")
    if _count(pc.match_substring_regex(cells, r"^\s*[\[{]")) >= need and _jsons(cells) >= need:
        return Choice(Cells.JSON, "content")
    if _count(pc.match_substring_regex(cells, r"^[a-z][a-z0-9+.-]*://\S+$")) >= need:
        return Choice(Cells.URL, "content")
    size = pc.binary_length(cells).to_numpy(zero_copy_only=False)
    row, start, end = (found[name].to_numpy() for name in ("row", "start", "end"))
    whole = found.filter(pa.array((start == 0) & (end == size[row])))
    for pair in pc.value_counts(whole["kind"].combine_chunks()).to_pylist():
        if pair["counts"] >= need and pair["values"] in _FOUND:
            return Choice(_FOUND[pair["values"]], "content")
    return Choice(Cells.TEXT, "default")


def own_fields(names: Mapping[str, object]) -> dict[str, Cells]:
    """Of the fields of a row those that describe the one person whom the row is about (`ownername` does not)."""
    found = {}
    for name, value in names.items():
        told = by_name(str(name), pa.string())
        cells = value if isinstance(value, Cells) else told.cells if told else None
        if cells in _OWN and _OWN[cells].fullmatch(bare(name)):
            found[name] = cells
    return found


def canonical(name: str, cells: Cells) -> str:
    """The name by which contacts.people_of knows such a field."""
    return _PEOPLE.get(cells, bare(name))


def is_number(kind: pa.DataType) -> bool:
    """Whether the type is one of numbers."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _told(name: str) -> Cells | None:
    low = bare(name)
    if _ID_NAME.search(name) or _ID_BARE.search(low):
        return Cells.ID
    for names, cells in _BY_FIELD:
        if low in names:
            return cells
    if low in _KEPT_PLACES:
        return Cells.TEXT  # the engine masks what is no place
    if low in {"ip", "ipaddress", "clientip", "remoteaddr"}:
        return Cells.IP
    return _BY_KIND.get(kind_of(low) or kind_of(name.lower()))


def is_opaque(kind: pa.DataType) -> bool:
    """Whether nobody can look into cells of this type."""
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    plain = is_number(value) or any(is_kind(value) for is_kind in _TIMES)
    return not plain and not is_text(pa.nulls(0, value))


def _count(mask: pa.Array) -> int:
    return int(pc.sum(mask).as_py() or 0)


def _jsons(cells: pa.LargeStringArray) -> int:
    good = 0
    for text in cells.to_pylist():
        try:
            good += isinstance(json.loads(text or ""), dict | list)
        except (ValueError, RecursionError):
            continue
    return good
