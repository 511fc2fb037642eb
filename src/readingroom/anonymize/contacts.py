"""People in rows whose fields are told by their names: a file of contacts, or a table that holds its own people.

Rule 1: a field whose name says nothing is not read; nothing is guessed from a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from readingroom.anonymize.classification import shipped
from readingroom.anonymize.identities import people_batch
from readingroom.anonymize.known import KnownBuilder

ROWS = 4096  # taken in at one go
FIELDS = {
    "given": ("first", "firstname", "givenname", "given", "forename", "vorname", "prenom", "nombre"),
    "middle": ("middle", "middlename"),
    "family": ("last", "lastname", "surname", "familyname", "family", "nachname", "apellido", "apellidos"),
    "full": ("name", "fullname", "displayname"),
    "nick": ("nick", "nickname"),
    "address": ("street", "address", "streetaddress", "address1line1", "addressline1"),
    "postcode": ("zip", "zipcode", "postcode", "postalcode"),
    "city": ("city", "town"),
    "birthdate": ("birthdate", "birthday", "dateofbirth", "dob"),
}
COMPANY = ("company", "companyname", "organization", "organisation", "employer", "account")
_IDS = ("iban", "ssn", "vat", "taxid", "passport", "nationalid", "governmentid", "creditcard", "card")
_PHONES = ("phone", "mobile", "telephone", "fax", "cell")
_LISTS = (("emails", "email"), ("phones", "phone"), ("ids", "id"))


def add_rows(builder: KnownBuilder, rows: Iterable[tuple[str | None, Mapping[str, Any]]]) -> None:
    """Take in rows, each with the id that it has if it names none of its own."""
    source = iter(rows)
    while some := list(islice(source, ROWS)):
        people = [person for record, row in some for person in people_of(record, row)]
        if people:
            builder.add_people(people_batch(people))


def people_of(record: str | None, row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The person whom a row describes, and the company."""
    low = {bare(key): value.strip() for key, value in row.items() if isinstance(value, str) and value.strip()}
    person: dict[str, Any] = {"kind": "contact", "record_id": low.get("id", record)}
    for field, names in FIELDS.items():
        if value := next((low[name] for name in names if name in low), None):
            person[field] = value
    kinds = {key: kind_of(key) for key in low}
    for field, kind in _LISTS:
        if values := [low[key] for key in low if kinds[key] == kind]:
            person[field] = values
    yield person
    if company := next((low[name] for name in COMPANY if name in low), None):
        yield {"kind": "account", "full": company}


def kind_of(name: str) -> str:
    """Whether the cells of a field of this bare name are e-mail addresses, phone numbers, ids or something else."""
    if "mail" in name and "address1" not in name:
        return "email"
    if name.startswith(_PHONES) or name.endswith(_PHONES):
        return "phone"
    return "id" if name in _IDS else str(shipped().kind(name) or "")


def bare(name: object) -> str:
    """A name of a field as letters and digits."""
    return "".join(c for c in str(name).lower() if c.isalnum())
