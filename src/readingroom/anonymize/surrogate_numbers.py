"""False numbers for true ones: of the same form, their check digits valid, from ranges that nobody has where there are.

Rule 1: the layout (blanks, hyphens, brackets, capitals) is that of the true number.
Rule 2: whatever proves the true number proves the false one: Luhn, mod 97, phonenumbers, python-stdnum.
Rule 3: a false number is not the true one.
Ranges: NANP 555-0100 to 0199; Ofcom, ARCEP and Bundesnetzagentur numbers for films; RFC 5737, RFC 3849 addresses.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from itertools import islice
from typing import Any

import phonenumbers
from stdnum import iban, luhn

from readingroom.anonymize.surrogate_draws import Draw

TRIES = 1500
_REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL")
# prefix of the national number and how many digits follow, by country code
_FICTIONAL = {
    44: (("2079460", 3), ("7700900", 3)),
    33: (("19900", 4), ("26191", 4), ("35301", 4), ("46571", 4), ("53649", 4), ("63998", 4)),
    49: (("3023125", 3), ("6990009", 3), ("4066969", 3), ("2214710", 3), ("8999998", 3)),
}
_AREAS = ("212", "303", "312", "404", "415", "458", "503", "512", "602", "617", "702", "713", "801", "907", "919")
_STDNUM = (
    *(
        "us.ssn",
        "gb.nhs",
        "gb.utr",
        "gb.vat",
        "de.idnr",
        "de.vat",
        "fr.nir",
        "fr.siren",
        "fr.siret",
        "fr.tva",
    ),
    *("es.dni", "es.nie", "es.cif", "it.codicefiscale", "it.iva", "nl.bsn", "nl.btw", "be.nn", "be.vat", "pl.pesel"),
    *(
        "pl.nip",
        "se.personnummer",
        "dk.cpr",
        "pt.nif",
        "at.vnr",
        "br.cpf",
        "br.cnpj",
        "in_.aadhaar",
        "in_.pan",
        "ca.sin",
    ),
    *("au.tfn", "au.abn", "ch.ssn", "ie.pps", "cz.rc", "ro.cnp", "fi.hetu"),
)
_DOCUMENTATION = ("192.0.2", "198.51.100", "203.0.113")


def card(text: str, draw: Draw) -> str:
    """A payment card of the same scheme and length; Luhn is right."""
    digits = [sign for sign in text if sign.isdecimal() and sign.isascii()]
    if len(digits) < 8:
        return draw.shape(text)
    made = digits[0] + "".join(str(draw.below(10)) for _ in digits[3:])
    another = str((int(digits[-2]) + 1 + draw.below(9)) % 10)  # not the true one's, so that it is another card
    return _laid_out(text, made + another + luhn.calc_check_digit(made + another))


def account(text: str, draw: Draw) -> str:
    """An IBAN of the same country; its check digits are right, and the country's own where python-stdnum knows them."""
    bare = [sign for sign in text if sign.isalnum()]
    country = "".join(bare[:2]).upper()
    strict = iban.is_valid("".join(bare).upper())
    for number in range(TRIES):
        made = draw.shape("".join(bare[4:]).upper())
        made = country + iban.calc_check_digits(f"{country}00{made}") + made
        if list(made) != [b.upper() for b in bare] and (not strict or number == TRIES - 1 or iban.is_valid(made)):
            return _laid_out(text, made)
    return _laid_out(text, draw.shape("".join(bare)))


def identifier(text: str, draw: Draw) -> str:
    """An identifier of the same form, valid wherever the true one is."""
    if re.fullmatch(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}", text):
        return f"02{draw.hexes(text)[2:]}"  # a MAC address that is locally administered
    bare = "".join(sign for sign in text if sign.isalnum())
    proofs = [proof for proof in _proofs() if proof(bare)]
    for made in _variants(bare, draw, proofs):
        if made != bare and all(proof(made) for proof in proofs[:1]):
            return _laid_out(text, made)
    return draw.shape(text)


def phone(text: str, draw: Draw) -> str:
    """A number of the same country and layout that rings nobody where such ranges are published."""
    number = _parsed(text)
    digits = "".join(sign for sign in text if sign.isdigit())
    code = None if number is None else number.country_code
    if number is None or code is None:
        return draw.shape(text)
    national = phonenumbers.national_significant_number(number)
    for made in islice(_nationals(code, national, draw), TRIES):
        if made == national or not _valid(code, made):
            continue
        at = digits.rfind(national)
        if at >= 0 and len(made) == len(national):
            return _laid_out(text, digits[:at] + made + draw.shape(digits[at + len(national) :]))
        other = phonenumbers.PhoneNumber(country_code=code, national_number=int(made))
        return phonenumbers.format_number(other, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return draw.shape(text)


def address(text: str, draw: Draw) -> str:
    """An IP address from the ranges for documentation."""
    try:
        ip = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return draw.shape(text)
    if ip.version == 4:
        return f"{draw.one(_DOCUMENTATION)}.{1 + draw.below(254)}"
    return str(ipaddress.ip_address((0x20010DB8 << 96) + draw.below(1 << 64)))


def guid(text: str, draw: Draw) -> str:
    """A GUID, its version and variant as a random one has them."""
    made = draw.hexes(text)
    bare = [at for at, sign in enumerate(made) if sign.isalnum()]
    if len(bare) == 32:
        signs = list(made)
        signs[bare[12]] = "4"
        signs[bare[16]] = "a" if made.lower() == made else "A"
        made = "".join(signs)
    return made


def _laid_out(text: str, signs: str) -> str:
    """Signs in the places of letters and digits of a text; capitals as they were."""
    source = iter(signs)
    made = []
    for sign in text:
        other = next(source, "") if sign.isalnum() else sign
        made.append(other.lower() if sign.islower() else other)
    return "".join([*made, *source])


def _variants(bare: str, draw: Draw, proofs: list[Any]) -> Iterator[str]:
    """Other identifiers of the same form; letters stay where a proof may hang on them."""
    if not proofs:
        yield draw.shape(bare)
        return
    for _ in range(TRIES):
        made = [str(draw.below(10)) if sign.isdigit() else sign for sign in bare]
        if made[-1].isalpha():  # a check letter is found by trying, like a check digit
            made[-1] = chr(65 + draw.below(26)) if bare[-1].isupper() else chr(97 + draw.below(26))
        yield "".join(made)


@cache
def _proofs() -> tuple[Callable[[str], bool], ...]:
    return tuple(import_module(f"stdnum.{name}").is_valid for name in _STDNUM)


def _parsed(text: str) -> phonenumbers.PhoneNumber | None:
    for region in _REGIONS:
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number) or (number.country_code == 1 and _is_fictional(number)):
            return number
    return None


def _is_fictional(number: phonenumbers.PhoneNumber) -> bool:
    return re.fullmatch(r"\d{3}55501\d\d", str(number.national_number)) is not None


def _valid(code: int, national: str) -> bool:
    number = phonenumbers.PhoneNumber(country_code=code, national_number=int(national))
    number.italian_leading_zero = national.startswith("0")
    return bool(phonenumbers.is_valid_number(number))


def _nationals(code: int, national: str, draw: Draw) -> Iterator[str]:
    """Candidates for another national number, without end."""
    if code == 1:
        while True:
            yield f"{draw.one(_AREAS)}55501{draw.below(100):02d}"
    ranges = [one for one in _FICTIONAL.get(code, ()) if len(one[0]) + one[1] == len(national)]
    alike = [one for one in ranges if one[0][0] == national[0]]  # a mobile one for a mobile one
    for some in filter(None, (alike, ranges)):
        for _ in range(100):
            prefix, more = draw.one(some)
            yield prefix + "".join(str(draw.below(10)) for _ in range(more))
    while True:
        yield national[:2] + "".join(str(draw.below(10)) for _ in national[2:])
