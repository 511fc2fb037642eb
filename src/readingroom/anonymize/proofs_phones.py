"""Telephone numbers by the numbering plans of their countries (phonenumbers).

Rule 1: a number is believed if a plan assigns it, and if it is written with a country code, as its country groups
it, or after a word such as `tel`.
Rule 2: only groupings that some plan uses are parsed at all.
"""

from __future__ import annotations

import re
from functools import cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberFormat

from readingroom.anonymize.phone_plans import is_assigned

REGIONS = (
    *("US", "GB", "DE", "FR", "ES", "IT", "NL", "BE", "AT", "CH", "IE", "PT", "DK", "SE", "NO", "FI", "PL", "CZ", "SK"),
    *("HU", "RO", "BG", "GR", "HR", "SI", "LT", "LV", "EE", "LU", "AU", "NZ", "IN", "JP", "SG", "HK", "BR", "MX", "ZA"),
    *("IL", "TR", "AE", "CA"),
)
WORDS = (
    *("phone", "tel", "telephone", "fax", "mobile", "mob", "cell", "cellphone", "call", "ph", "telefon", "telefono"),
    *("telefax", "handy", "mobil", "portable", "movil", "telefoon", "mobiel", "cellulare", "whatsapp", "sms", "dial"),
    *("answering", "reach", "reached", "ring", "hotline", "callback", "voicemail", "pager", "landline", "anrufen"),
    *("rufen", "erreichen", "appeler", "appelez", "joindre", "llamar", "llame", "chiamare", "bellen"),
)
_WRITTEN = re.compile(r"(?:\+|00)?\(?\d[\d .()/-]{5,24}\d")
_INTERNATIONAL = re.compile(r"(?:\+|\b00(?=[1-9]))[\d .()/-]{7,24}\d")
_GROUP = re.compile(r"\d+")
_BETWEEN = 20


@cache
def _groupings() -> dict[tuple[int, ...], tuple[str, ...]]:
    """For each way to group the digits of a national number: the regions that write so."""
    found: dict[tuple[int, ...], list[str]] = {}
    for region in REGIONS:
        for example in _examples(region):
            groups = tuple(map(len, _GROUP.findall(example)))
            if len(groups) > 1 and region not in found.setdefault(groups, []):
                found[groups].append(region)
    return {groups: tuple(regions) for groups, regions in found.items()}


def _examples(region: str) -> list[str]:
    """The example numbers of a plan as its country writes them."""
    metadata = PhoneMetadata.metadata_for_region(region)
    kinds = (metadata.fixed_line, metadata.mobile, metadata.toll_free, metadata.voip) if metadata else ()
    numbers = [
        phonenumbers.parse(kind.example_number, region) for kind in kinds if kind is not None and kind.example_number
    ]
    return [phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL) for number in numbers]


@cache
def _plan(region: str) -> tuple[str, re.Pattern[str]] | None:
    """The trunk prefix of a region and the form of all its national numbers."""
    metadata = PhoneMetadata.metadata_for_region(region)
    form = metadata.general_desc.national_number_pattern if metadata and metadata.general_desc else None
    return (metadata.national_prefix or "", re.compile(form)) if metadata and form else None


def _may_be(digits: str, region: str) -> bool:
    """Whether the form of the region's numbers allows these digits: cheap, and only then is the plan asked."""
    plan = _plan(region)
    if plan is None:
        return False
    prefix, form = plan
    return bool(form.fullmatch(digits) or (prefix and form.fullmatch(digits.removeprefix(prefix))))


def phones_in(cluster: str) -> list[tuple[int, int]]:
    """The numbers in a digit cluster that need no word: international, or grouped as their country does."""
    found: list[tuple[int, int]] = []
    for hit in _INTERNATIONAL.finditer(cluster):
        text = hit[0] if hit[0][0] == "+" else "+" + hit[0][2:]
        if is_assigned(text, None):
            found.append(hit.span())
    groups = tuple(map(len, _GROUP.findall(cluster)))
    least = 8 if cluster[:1] == "(" or len(groups) > 3 else 9
    if found or sum(groups) < least or not (cluster[:1] in {"0", "("} or len(groups) > 2):
        return found
    digits = "".join(_GROUP.findall(cluster))
    regions = _groupings().get(groups, ())
    if any(_may_be(digits, region) and is_assigned(cluster, region) for region in regions):
        found.append((0, len(cluster)))
    return found


def phone_after(text: str) -> tuple[int, int] | None:
    """The number in `text`, which follows a word such as `tel`: whatever plan assigns it."""
    hit = _WRITTEN.search(text, 0, len(text))
    if hit is None or hit.start() > _BETWEEN:
        return None
    written = hit[0][: hit[0].find(" (", 9)] if " (" in hit[0][9:] else hit[0]  # the next one begins there
    digits = "".join(_GROUP.findall(written))
    span = hit.start(), hit.start() + len(written)
    if not 7 <= len(digits) <= 15:
        return None
    if written[0] in "+0" and is_assigned("+" + digits.lstrip("0"), None):
        return span
    return span if any(_may_be(digits, region) and is_assigned(written, region) for region in REGIONS) else None
