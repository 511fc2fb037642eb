"""From lists and probabilities to names: those that go on, those that come again, words that are none."""

from __future__ import annotations

from functools import cache

import pyarrow as pa
import pytest

from readingroom.anonymize.detecting import Detector, in_code_points
from readingroom.anonymize.known import KnownBuilder
from readingroom.anonymize.patterns import read_cluster
from readingroom.anonymize.rare import public_only


@cache
def detector(profile: str) -> Detector:
    return Detector(KnownBuilder(b"", b"").build(), public_only(), profile)


def found(text: str, profile: str = "balanced", kinds: tuple[str, ...] = ("PERSON",)) -> list[str]:
    cells = pa.array([text], pa.large_string())
    spans = in_code_points(cells, detector(profile).spans(cells)).to_pylist()
    return [text[s["start"] : s["end"]] for s in spans if s["kind"] in kinds]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Kind regards,\nZelmira van der Quorvath", "van der Quorvath"),
        ("Mr. de Quorvath,\n\nthe offer is ready.", "de Quorvath"),
        ("The court heard Mr A.B. Quorvath and others.", "A.B. Quorvath"),
        ("The court heard Ms I. Quorvath and others.", "I. Quorvath"),
    ],
)
def test_small_words_and_initials_belong_to_the_name(text: str, name: str) -> None:
    assert any(name in piece for piece in found(text)), found(text)


def test_small_words_without_a_name_are_words() -> None:
    assert found("La casa de la playa y el mar.") == []


def test_a_name_once_found_is_found_again() -> None:
    text = "Dear Mr Quorvath,\nthe offer is ready. After lunch the others said that Quorvath signed."
    assert sum("Quorvath" in piece for piece in found(text)) == 2


def test_words_that_only_a_list_calls_names_are_words_where_nobody_is_named() -> None:
    assert found("Please send the invoice. The IBAN is below. Will the audit be finished? Mark the task as done.") == []


def test_relatives_are_people_in_strict_only() -> None:
    text = "She asked my father and her sister."
    assert found(text) == []
    assert found(text, "strict") == ["my father", "her sister"]
    assert found("Vive con su madre.", "strict") == ["su madre"]


def test_two_initials_alone_are_masked_in_strict_but_no_country() -> None:
    text = "Then J.G. left the U.S. for good."
    assert any("J.G" in piece for piece in found(text, "strict", ("PERSON", "RARE")))
    assert not any("U.S" in piece for piece in found(text, "strict", ("PERSON",)))


def test_places_in_a_sentence_are_what_it_is_about_in_balanced() -> None:
    text = "The rollout in Germany is on track."
    assert found(text, kinds=("LOCATION", "ORG")) == []
    assert found(text, "strict", ("LOCATION",)) == ["Germany"]


def test_the_town_on_a_line_of_its_own_is_a_place() -> None:
    text = "Ship it to:\n12 Quorvath Street\nSpringfield\n"
    spans = found(text, kinds=("ADDRESS",))
    assert spans
    assert "Quorvath Street" in spans[0]
    assert "Springfield" not in " ".join(spans)


@pytest.mark.parametrize("number", ["1249/03", "682/02", "2004/351", "77129/01"])
def test_docket_numbers_are_numbers(number: str) -> None:
    assert read_cluster(number) == [(0, len(number), "number")]


@pytest.mark.parametrize("number", ["1999/00", "120/80", "12/05/2024", "24/07"])
def test_years_pressures_and_dates_are_no_docket_numbers(number: str) -> None:
    assert "number" not in [kind for _, _, kind in read_cluster(number)]


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("Call (505)498-8487x6837 today", "(505)498-8487x6837"),
        ("Call 505-498-8487 ext. 12 today", "505-498-8487 ext. 12"),
        ("Call 001-505-498-8487 today", "001-505-498-8487"),
        ("It is (22) 154-300 now", "(22) 154-300"),
        ("They can be reached at 20 32 85 26", "20 32 85 26"),
        ("3732695155-Fax", "3732695155"),
        ("020 7946 0958 (office)", "020 7946 0958"),
    ],
)
def test_phones_as_people_write_them(text: str, phone: str) -> None:
    assert found(text, kinds=("PHONE",)) == [phone]


def test_a_german_street_does_not_swallow_the_lines_above() -> None:
    text = "Account Executive\nMuster GmbH\nErkan-Krebs-Weg 46, 62241 Waren\nTel: 0395 1234567"
    address = " ".join(found(text, kinds=("ADDRESS",)))
    assert "Erkan-Krebs-Weg 46" in address
    assert "Executive" not in address
    assert "Tel" not in address
