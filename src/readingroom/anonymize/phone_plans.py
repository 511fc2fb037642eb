"""Whether a numbering plan assigns a number: what phonenumbers says, for common numbers without its parser.

Rule 1: the answer is that of `phonenumbers.is_valid_number(phonenumbers.parse(text, region))`, whose data this reads;
where a prefix needs more than to be cut off (carrier codes, rules of transformation, international prefixes), it asks.
Rule 2: no number is kept.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, NumberParseException, PhoneMetadata

_PLAIN = re.compile(r"\+?[0-9 .()/-]*[0-9]")
_SIGNS = str.maketrans("", "", "+ .()/-")
_LEAST, _MOST = 2, 17  # digits of a national number
_KINDS = (
    *("fixed_line", "premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan"),
    "voicemail",
)


class _Kind(NamedTuple):
    """One kind of number: its lengths (none: all of them) and its form."""

    lengths: frozenset[int]
    form: re.Pattern[str]


class _Plan(NamedTuple):
    """What a region's numbers look like."""

    code: str
    form: re.Pattern[str]
    lengths: frozenset[int]
    local: frozenset[int]
    abroad: re.Pattern[str] | None
    prefix: re.Pattern[str] | None
    plain_prefix: bool
    leading: re.Pattern[str] | None
    kinds: tuple[_Kind, ...]

    def has(self, national: str) -> bool:
        """Some kind of number has this form."""
        if self.lengths and len(national) not in self.lengths:
            return False
        if not self.form.fullmatch(national):
            return False
        return any(
            (not kind.lengths or len(national) in kind.lengths) and kind.form.fullmatch(national) for kind in self.kinds
        )


def _kind(found: object) -> _Kind | None:
    form = getattr(found, "national_number_pattern", None)
    return _Kind(frozenset(getattr(found, "possible_length", ())), re.compile(form)) if form else None


@cache
def _plan(region: str) -> _Plan | None:
    data = PhoneMetadata.metadata_for_region(region)
    general = _kind(data.general_desc) if data else None
    if data is None or general is None:
        return None
    names = _KINDS if data.same_mobile_and_fixed_line_pattern else (*_KINDS, "mobile")
    kinds = (_kind(getattr(data, name)) for name in names)
    cut = data.national_prefix_for_parsing
    prefix = re.compile(cut) if cut else None
    return _Plan(
        code=str(data.country_code),
        form=general.form,
        lengths=general.lengths,
        local=frozenset(getattr(data.general_desc, "possible_length_local_only", ())),
        abroad=re.compile(data.international_prefix) if data.international_prefix else None,
        prefix=prefix,
        plain_prefix=prefix is not None and not prefix.groups and not data.national_prefix_transform_rule,
        leading=re.compile(data.leading_digits) if data.leading_digits else None,
        kinds=tuple(kind for kind in kinds if kind is not None),
    )


def is_assigned(text: str, region: str | None) -> bool:
    """Whether `text`, a number as it is dialled in `region` (None: with a plus), is assigned by a plan."""
    answer = None
    if _PLAIN.fullmatch(text) and (text[0] == "+") == (region is None):
        digits = text.translate(_SIGNS)
        answer = _dialled(digits, region) if region else _abroad(digits)
    return _asked(text, region) if answer is None else answer


def _dialled(digits: str, region: str) -> bool | None:
    """Of a number without a country code; None: phonenumbers must say."""
    plan = _plan(region)
    if plan is None or len(digits) <= _LEAST or (plan.abroad and plan.abroad.match(digits)):
        return None
    if digits.startswith(plan.code) and (len(digits) > max(plan.lengths) or not plan.form.fullmatch(digits)):
        return None
    return _national(plan, digits)


def _abroad(digits: str) -> bool | None:
    """Of a number that begins with a country code."""
    if len(digits) <= _LEAST:
        return None
    for size in (1, 2, 3):
        regions = COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:size])) if digits[0] != "0" else None
        if regions:
            plan = _plan(regions[0])
            return _national(plan, digits[size:]) if plan else None
    return None


def _national(plan: _Plan, digits: str) -> bool | None:
    """Of a number whose country is known: its national prefix is cut off, where it has one."""
    prefix = plan.prefix.match(digits) if plan.prefix else None
    if prefix and not plan.plain_prefix:
        return None
    if prefix:
        rest = digits[prefix.end() :]
        kept = plan.form.fullmatch(digits) and not plan.form.fullmatch(rest)
        if not kept and (len(rest) > max(plan.lengths) or len(rest) in plan.lengths - plan.local):
            digits = rest
    if not _LEAST <= len(digits) <= _MOST:
        return False
    regions = COUNTRY_CODE_TO_REGION_CODE[int(plan.code)]
    if len(regions) == 1:
        return plan.has(digits)
    for region in regions:
        own = _plan(region)
        if own and own.leading and own.leading.match(digits):
            return own.has(digits)
        if own and not own.leading and own.has(digits):
            return True
    return False


def _asked(text: str, region: str | None) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, region))
    except NumberParseException:
        return False
