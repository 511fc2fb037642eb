"""Numbering plans without phonenumbers' parser: the same answers as with it."""

from __future__ import annotations

import phonenumbers
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberFormat

from readingroom.anonymize.phone_plans import is_assigned
from readingroom.anonymize.proofs_phones import REGIONS

_KINDS = ("fixed_line", "mobile", "toll_free", "voip", "premium_rate", "uan", "shared_cost", "personal_number")


def examples() -> list[str]:
    """Example numbers of every plan, as its country and as others write them."""
    found = []
    for region in REGIONS:
        data = PhoneMetadata.metadata_for_region(region)
        numbers = [getattr(data, kind) for kind in _KINDS]
        for one in numbers:
            if one is not None and one.example_number:
                number = phonenumbers.parse(one.example_number, region)
                found.append(phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL))
                found.append(phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL))
    return found


def asked(text: str, region: str | None) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, region))
    except NumberParseException:
        return False


@st.composite
def changed(draw: st.DrawFn) -> str:
    """An example with other digits, with a digit too many or too few, or written as if dialled from elsewhere."""
    text = list(draw(st.sampled_from(examples())))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text) - 1))
        if text[at].isdigit():
            text[at] = draw(st.sampled_from("0123456789"))
    made = "".join(text)[draw(st.integers(0, 1)) :] + draw(st.sampled_from(["", "7"]))
    return made.replace("+", draw(st.sampled_from(["+", "00", "", "011"])))


@settings(max_examples=600, deadline=None)
@given(changed() | st.from_regex(r"\+?\(?[0-9][0-9 .()/-]{2,18}[0-9]", fullmatch=True), st.sampled_from(REGIONS))
def test_the_answers_are_those_of_phonenumbers(text: str, region: str) -> None:
    for where in (None, region):
        assert is_assigned(text, where) == asked(text, where), (text, where)


def test_examples_are_assigned() -> None:
    with_plus = [text for text in examples() if text.startswith("+")]
    assert len(with_plus) > 100
    assert [text for text in with_plus if not is_assigned(text, None)] == []
