"""Surrogates: of the same form, valid where the true ones are, the same every time, and never the true ones."""

from __future__ import annotations

import re
from datetime import date

import phonenumbers
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import iban, luhn
from stdnum.de import idnr
from stdnum.es import dni
from stdnum.gb import nhs
from stdnum.us import ssn

from readingroom import anonymize
from readingroom.anonymize import spans
from readingroom.anonymize.door import as_table
from readingroom.anonymize.folding import fold
from readingroom.anonymize.identities import people_batch
from readingroom.anonymize.known import KnownBuilder
from readingroom.anonymize.surrogate_dates import MovedDates
from readingroom.anonymize.surrogate_words import FalseNames
from readingroom.anonymize.surrogates import Surrogates

KEY = b"k" * 32


def surrogates(key: bytes = KEY, *people: dict[str, str]) -> Surrogates:
    builder = KnownBuilder(b"t", b"p")
    if people:
        builder.add_people(people_batch([{"kind": "contact", **person} for person in people]))
    return Surrogates(key, builder.build())


MADE = surrogates()


@given(st.integers(0, 10**14 - 1), st.sampled_from(["", " ", "-"]))
@settings(max_examples=60, deadline=None)
def test_cards_pass_luhn_and_keep_their_layout(number: int, gap: str) -> None:
    bare = f"4{number:014d}"
    bare += luhn.calc_check_digit(bare)
    text = gap.join(bare[at : at + 4] for at in range(0, 16, 4))
    made = MADE.one(spans.CARD, text)
    assert luhn.is_valid(re.sub(r"\D", "", made))
    assert re.sub(r"\d", "0", made) == re.sub(r"\d", "0", text)
    assert made != text
    assert made[0] == "4"
    assert made == surrogates().one(spans.CARD, text)


@pytest.mark.parametrize(
    "text",
    [
        "DE89 3704 0044 0532 0130 00",
        "GB29NWBK60161331926819",
        "FR1420041010050500013M02606",
        "ES9121000418450200051332",
    ],
)
def test_ibans_keep_country_and_are_valid(text: str) -> None:
    made = MADE.one(spans.IBAN, text)
    assert iban.is_valid(made)
    assert made[:2] == text[:2]
    assert made != text
    assert [sign.isspace() for sign in made] == [sign.isspace() for sign in text]


@pytest.mark.parametrize(
    ("text", "proof"),
    [("536-90-4399", ssn), ("36574261809", idnr), ("54362315K", dni), ("943 476 5870", nhs)],
)
def test_national_ids_are_valid_by_their_own_check(text: str, proof: object) -> None:
    assert proof.is_valid(text)  # type: ignore[attr-defined]  # a module of python-stdnum
    made = MADE.one(spans.ID, text)
    assert proof.is_valid(made)  # type: ignore[attr-defined]  # a module of python-stdnum
    assert made != text
    assert re.sub(r"\w", "0", made) == re.sub(r"\w", "0", text)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("+1 458 555-0100", "US"),
        ("(212) 736-5000", "US"),
        ("020 7946 0958", "GB"),
        ("+44 7911 123456", "GB"),
        ("+49 30 901820", "DE"),
        ("01 42 68 53 00", "FR"),
        ("+34 912 345 678", "ES"),
        ("+39 06 6982", "IT"),
    ],
)
def test_phones_are_valid_and_look_alike(text: str, region: str) -> None:
    made = MADE.one(spans.PHONE, text)
    assert made != text
    assert phonenumbers.is_valid_number(phonenumbers.parse(made, region))
    assert made.startswith("+") == text.startswith("+")
    if region == "US":
        assert re.search(r"555\D?01\d\d$", made)  # nobody's
    if region == "GB":
        assert re.search("2079460|7700900", re.sub(r"\D", "", made))


@given(st.dates(date(1930, 1, 1), date(2040, 1, 1)), st.dates(date(1930, 1, 1), date(2040, 1, 1)))
@settings(max_examples=50, deadline=None)
def test_dates_move_together_and_keep_their_form(one: date, other: date) -> None:
    moved = MovedDates(KEY)
    first, second = (date.fromisoformat(moved.text(day.isoformat())) for day in (one, other))
    assert second - first == other - one
    assert first != one
    german = moved.text(f"{one.day:02d}.{one.month:02d}.{one.year}")
    assert german == f"{first.day:02d}.{first.month:02d}.{first.year}"


def test_dates_in_words() -> None:
    moved = MovedDates(KEY)
    day = date.fromisoformat(moved.text("1980-03-12"))
    assert moved.text("12 March 1980") == f"{day.day} {day:%B} {day.year}"
    assert re.fullmatch(r"\d{1,2} de [a-z]+ de \d{4}", moved.text("12 de marzo de 1980"))
    assert moved.text("in spring") != "in spring"


def test_a_person_is_one_person_everywhere() -> None:
    full = MADE.one(spans.PERSON, "Adelheid Quillfeather")
    first, last = full.split()
    assert MADE.one(spans.PERSON, "Quillfeather, Adelheid") == f"{last}, {first}"
    assert MADE.one(spans.NAME, "ADELHEID") == first.upper()
    assert MADE.one(spans.NAME, "quillfeather's") == f"{last.lower()}'s"
    assert MADE.one(spans.PERSON, "Mr. A. Quillfeather") == f"Mr. {first[0]}. {last}"
    local = MADE.one(spans.EMAIL, "adelheid.quillfeather@mail.quill.example").partition("@")[0]
    assert re.sub(r"\d+$", "", local) == f"{fold(first)}.{fold(last)}"


def test_user_names_of_one_word_are_taken_apart_when_the_person_is_known() -> None:
    made = surrogates(KEY, {"record_id": "1", "full": "Adelheid Quillfeather"})
    first, last = made.one(spans.PERSON, "Adelheid Quillfeather").split()
    local = made.one(spans.EMAIL, "aquillfeather@quill.example").partition("@")[0]
    assert re.sub(r"\d+$", "", local) == fold(first)[0] + fold(last)


def test_names_keep_gender_and_language() -> None:
    names = FalseNames(KEY, lambda _: False)
    data = [names.word(name) for name in ("Wolfgang", "Brunhilde")]
    from readingroom.anonymize.surrogate_words import _class_of

    assert [_class_of(fold(name)) for name in data] == [_class_of(name) for name in ("wolfgang", "brunhilde")]


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40), st.sampled_from(range(19)))
@settings(max_examples=150, deadline=None)
def test_anything_has_a_surrogate_and_it_is_told_by_the_key(text: str, kind: int) -> None:
    made = MADE.one(kind, text)
    assert made == MADE.one(kind, text)
    assert made.encode()


@given(
    st.sampled_from(["Smith", "Jones", "Maria", "Ostrander", "Wu", "Adelheid", "O'Neill", "García"]),
    st.binary(min_size=16, max_size=16),
)
@settings(max_examples=80, deadline=None)
def test_no_name_stays_itself(name: str, key: bytes) -> None:
    names = FalseNames(key, lambda _: False)
    assert fold(names.word(name)) != fold(name)
    assert names.initial(name) != fold(name)[0].upper()


def test_no_surrogate_is_a_known_persons_name_while_there_is_another() -> None:
    first = MADE.one(spans.PERSON, "Adelheid Quillfeather")
    other = surrogates(KEY, {"record_id": "1", "full": first}).one(spans.PERSON, "Adelheid Quillfeather")
    assert set(fold(other).split()).isdisjoint(fold(first).split())


def test_other_kinds_are_of_their_ranges() -> None:
    assert MADE.one(spans.IP, "8.8.8.8").startswith(("192.0.2.", "198.51.100.", "203.0.113."))
    assert MADE.one(spans.IP, "2a00:1450::1").startswith("2001:db8:")
    made = MADE.one(spans.RECORD, "{0F8FAD5B-D9CB-469F-A165-70867728950E}")
    assert re.fullmatch(r"\{[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-A[0-9A-F]{3}-[0-9A-F]{12}\}", made)
    assert re.fullmatch(r"[a-z0-9.]+@example\.(com|net|org)", MADE.one(spans.EMAIL, "someone@gmail.com"))
    assert MADE.one(spans.EMAIL, "ada at mail dot example").count(" at ") == 1
    assert re.fullmatch(r"[1-9]\d \w+ Street", MADE.one(spans.ADDRESS, "12 Elm Street"))
    assert re.fullmatch(r"\w+straße [1-9]", MADE.one(spans.ADDRESS, "Lindenstraße 5"))


TEXT = "Adelheid Quillfeather (ada@quill.example, +1 458 555-0100, 4111 1111 1111 1111) wrote; Adelheid's turn."


@pytest.mark.parametrize("profile", ["balanced", "strict"])
def test_a_table_with_surrogates(profile: str) -> None:
    people = [{"first_name": "Adelheid", "last_name": "Quillfeather", "email": "ada@quill.example"}]
    table = as_table(pa.table({"note": [TEXT, "<p>Adelheid <b>Quill</b>feather</p>", None], "n": [1, 2, 3]}))
    done = anonymize(table, known=people, style="surrogate", key=KEY, profile=profile)
    again = anonymize(table, known=people, style="surrogate", key=KEY, profile=profile)
    other = anonymize(table, known=people, style="surrogate", profile=profile)
    assert done.table == again.table
    assert done.table != other.table
    shown = done.table["note"].to_pylist()
    assert not any(raw in shown[0] for raw in ("Adelheid", "Quillfeather", "ada@", "458", "4111 1111"))
    assert "Quill" not in shown[1]
    assert "[" not in shown[0]
    found = [span for span in done.spans.to_pylist() if span["row"] == 0]
    assert len(found) >= 5
    names = [shown[0][span["start"] : span["end"]] for span in found if span["kind"] == "person"]
    assert names[0].split()[0] in names[1:]  # Adelheid alone is who she was in full
