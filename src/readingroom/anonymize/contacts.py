"""People in rows whose fields are told by their names: a file of contacts, or a table that holds its own people.

Rule 1: a field whose name says nothing is not read; nothing is guessed from a value.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from readingroom.anonymize.classification import shipped
from readingroom.anonymize.known import KnownBuilder

Person = dict[str, Any]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NOBODY = "nobody is in it: its fields are told by names such as first_name, last_name, email, phone, iban"
ROWS = 4096  # taken in at one go
FIELDS = {
    "given": _words(
        "first firstname fname givenname given forename vorname prenom primernombre nombre nombres voornaam"
    ),
    "middle": ("middle", "middlename"),
    "family": _words(
        "last lastname lname surname familyname family nachname familienname nom nomdefamille apellido apellidos"
        " primerapellido achternaam cognome"
    ),
    "full": _words(
        "name fullname displayname contactname customername clientname personname employeename nomcomplet"
        " nombrecompleto nombreyapellidos vollername ansprechpartner kontaktperson contactperson"
    ),
    "nick": ("nick", "nickname"),
    "address": _words(
        "street address streetaddress address1line1 addressline1 strasse adresse anschrift direccion rue calle"
        " domicilio indirizzo"
    ),
    "postcode": _words("zip zipcode postcode postalcode plz postleitzahl codepostal codigopostal cap"),
    "city": _words("city town ort stadt wohnort ville ciudad poblacion localidad"),
    "birthdate": _words(
        "birthdate birthday dateofbirth dob geburtsdatum geburtstag datedenaissance datenaissance fechadenacimiento"
        " fechanacimiento"
    ),
}
COMPANY = _words(
    "company companyname organization organisation employer account firma unternehmen entreprise societe empresa"
)
_IDS = _words(
    "iban ssn vat taxid passport nationalid governmentid creditcard card cardnumber driverslicense driverslicence"
    " drivinglicense drivinglicence licensenumber licencenumber kontonummer steuernummer steuerid ausweisnummer"
    " passnummer personalausweis sozialversicherungsnummer fuhrerschein fuehrerschein dni nif nie cif nir numerosecu"
    " tarjeta"
)
_PHONES = _words("phone mobile telephone fax cell telefon telefono telefonnummer handy handynummer movil")
_MAILS = ("correo", "correoelectronico", "courriel")
_LISTS = (("emails", "email"), ("phones", "phone"), ("ids", "id"))


def add_rows(builder: KnownBuilder, rows: Iterable[tuple[str | None, Mapping[str, Any]]]) -> bool:
    """Take in rows, each with the id that it has if it names none of its own; whether a field of any told something."""
    source = iter(rows)
    told = False
    while some := list(islice(source, ROWS)):
        people, tell = people_in_rows(some)
        if people:
            builder.add_rows(people)
            told = told or tell
    return told


def people_in_rows(rows: Iterable[tuple[str | None, Mapping[str, Any]]]) -> tuple[list[Person], bool]:
    """The people in some rows, and whether a field of any told something."""
    people = [person for record, row in rows for person in people_of(record, row)]
    return people, any(person.keys() - {"kind", "record_id"} for person in people)


class _Fields(NamedTuple):
    """Which fields of a row say what, the best first; of a list, all that say it."""

    record: tuple[object, ...]
    single: tuple[tuple[str, tuple[object, ...]], ...]
    lists: tuple[tuple[str, tuple[object, ...]], ...]
    company: tuple[object, ...]


@lru_cache(maxsize=1024)
def _fields(keys: tuple[object, ...]) -> _Fields:
    by_name: dict[str, list[object]] = {}
    for key in reversed(keys):  # of two fields with one name the last counts
        by_name.setdefault(bare(key), []).append(key)
    kinds = {name: kind_of(name) for name in by_name}

    def named(names: Iterable[str]) -> tuple[object, ...]:
        return tuple(key for name in names for key in by_name.get(name, ()))

    single = ((field, named(names)) for field, names in FIELDS.items())
    lists = ((field, tuple(key for key in keys if kinds[bare(key)] == kind)) for field, kind in _LISTS)
    return _Fields(
        named(("id",)),
        tuple((field, told) for field, told in single if told),
        tuple((field, told) for field, told in lists if told),
        named(COMPANY),
    )


def people_of(record: str | None, row: Mapping[Any, Any]) -> Iterator[Person]:
    """The person whom a row describes, and the company."""
    fields = _fields(tuple(row))
    person: Person = {"kind": "contact", "record_id": _first(row, fields.record) or record}
    for field, keys in fields.single:
        if value := _first(row, keys):
            person[field] = value
    for field, keys in fields.lists:
        if values := [text for key in keys if (text := _text(row[key]))]:
            person[field] = values
    yield person
    if company := _first(row, fields.company):
        yield {"kind": "account", "full": company}


def _first(row: Mapping[Any, Any], keys: tuple[object, ...]) -> str:
    return next((text for key in keys if (text := _text(row[key]))), "") if keys else ""


def _text(value: object) -> str:
    """A value as a text; phones and postcodes are sometimes written as numbers."""
    number = isinstance(value, int) and not isinstance(value, bool)
    return str(value).strip() if isinstance(value, str) or number else ""


def kind_of(name: str) -> str:
    """Whether the cells of a field of this bare name are e-mail addresses, phone numbers, ids or something else."""
    if ("mail" in name and "address1" not in name) or name in _MAILS:
        return "email"
    if name.startswith(_PHONES) or name.endswith(_PHONES):
        return "phone"
    return "id" if name in _IDS else str(shipped().kind(name) or "")


def bare(name: object) -> str:
    """A name of a field as letters and digits, without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", str(name).casefold()) if c.isalnum())
