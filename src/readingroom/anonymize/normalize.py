"""Normal forms: what makes two spellings of one identifier the same value, and its subject tag.

Rule 1: a subject tag is BLAKE2b-128 under the tenant's tag key of `kind NUL normal form`; nothing shorter, nothing
unkeyed is ever stored (DESIGN, "Copies, tags, requests").
Rule 2: normalizing is idempotent, total, and never raises on any text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

import pyarrow as pa

from readingroom.anonymize.folding import fold

TAG_BYTES = 16
TAG_TYPE = pa.binary(TAG_BYTES)

COUNTRY_2 = {
    *("20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49"),
    *("51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66"),
    *("81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98"),
}
_EXTENSION = re.compile(r"(?:ext\.?|extension|x|app\.?|poste|durchwahl)\s*\.?\s*\d{1,6}\s*$", re.IGNORECASE)
_NOT_ALNUM = re.compile(r"[\W_]+")
_HEX = re.compile(r"[0-9a-f]+")


def normalize(kind: str, value: str) -> str:
    """The normal form of `value` as an identifier of `kind`; an unknown kind is folded and trimmed."""
    return _NORMAL.get(kind, _plain)(value)


def subject_tag(key: bytes, kind: str, value: str) -> bytes:
    """The tag (16 bytes) of one identifier under the tenant's tag key."""
    return tag_of_normal(key, kind, normalize(kind, value))


def tag_of_normal(key: bytes, kind: str, normal: str) -> bytes:
    """The tag of a value that is in normal form already."""
    message = kind.encode() + b"\0" + normal.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(message, key=key[:64], digest_size=TAG_BYTES, person=b"subject-tag").digest()


def subject_tags(key: bytes, kind: str, values: pa.Array) -> pa.Array:
    """A tag for each value (fixed_size_binary(16), null stays null); unique values are hashed once."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    encoded = values.cast(pa.large_string()).dictionary_encode()
    tags = [subject_tag(key, kind, value) for value in encoded.dictionary.to_pylist()]
    return pa.array(tags, TAG_TYPE).take(encoded.indices)


def _plain(value: str) -> str:
    return fold(value)


def _email(value: str) -> str:
    """Lower case, no blanks, no `+tag`: plus addresses reach the same person."""
    text = fold(value).replace(" ", "").removeprefix("mailto:").strip("<>\"'.,;")
    local, at, domain = text.rpartition("@")
    return f"{local.split('+', 1)[0] or local}@{domain}" if at else text


def _name(value: str) -> str:
    """Folded words in the order written; `Surname, Given` is turned round."""
    text = fold(value)
    family, comma, given = text.partition(",")
    if comma and given.strip() and "," not in given:
        text = f"{given} {family}"
    return " ".join(_NOT_ALNUM.sub(" ", text.replace("'", "")).split())


def phone_digits(value: str) -> str:
    """The national significant digits: no country code, no trunk zero, no extension."""
    text = fold(value).replace("(0)", "").strip()
    text = _EXTENSION.sub("", text)
    digits = "".join(c for c in text if c.isdigit() and c.isascii())
    international = text.startswith(("+", "tel:+"))
    if not international and digits.startswith("00") and len(digits) > 10:
        international, digits = True, digits[2:]
    elif not international and digits.startswith("011") and len(digits) > 12:
        international, digits = True, digits[3:]
    if international:
        digits = digits[_country_length(digits) :]
    elif len(digits) == 11 and digits.startswith("1"):
        digits = digits[1:]
    return digits.lstrip("0")


def _country_length(digits: str) -> int:
    if digits[:1] in {"1", "7"}:
        return 1
    return 2 if digits[:2] in COUNTRY_2 else 3


def _record(value: str) -> str:
    """A GUID in lower case with its dashes; another id folded."""
    text = fold(value).strip("{}() ")
    bare = text.replace("-", "")
    if len(bare) == 32 and _HEX.fullmatch(bare):
        return "-".join((bare[:8], bare[8:12], bare[12:16], bare[16:20], bare[20:]))
    return text


def _alnum(value: str) -> str:
    return "".join(c for c in fold(value) if c.isalnum())


def _birthdate(value: str) -> str:
    """The ISO date without time; anything else folded."""
    text = fold(value)
    return text[:10] if re.match(r"\d{4}-\d\d-\d\d", text) else text


_NORMAL: dict[str, Callable[[str], str]] = {
    "email": _email,
    "upn": _email,
    "phone": phone_digits,
    "name": _name,
    "record": _record,
    "contact": _record,
    "lead": _record,
    "user": _record,
    "account": _record,
    "visitor": _record,
    "address": _alnum,
    "iban": _alnum,
    "id": _alnum,
    "birthdate": _birthdate,
}
