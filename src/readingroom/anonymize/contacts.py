"""People in rows whose fields are told by their names: a file of contacts, or a table that holds its own people.

Rule 1: a field whose name says nothing is not read; nothing is guessed from a value.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from readingroom.anonymize.classification import shipped
from readingroom.anonymize.identities import people_batch
from readingroom.anonymize.known import KnownBuilder


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
        people = [person for record, row in some for person in people_of(record, row)]
        if people:
            builder.add_people(people_batch(people))
            told = told or any(person.keys() - {"kind", "record_id"} for person in people)
    return told


def people_of(record: str | None, row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The person whom a row describes, and the company."""
    low = {bare(key): text for key, value in row.items() if (text := _text(value))}
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
