"""Requests of data subjects: identifiers, whom they name, states."""

from __future__ import annotations

import pyarrow as pa
import pytest

from readingroom.anonymize.tagging import TAG
from readingroom.core.errors import Refusal, UsageError, WrongState
from readingroom.subjects.identifiers import Identifier, parse_identifiers, tags_of
from readingroom.subjects.people import choose
from readingroom.subjects.states import RequestState, RequestStep, mermaid, next_state

KEY = bytes(range(32))


def _tag(kind: str, value: str) -> bytes:
    return next(iter(tags_of([Identifier(kind, value)], KEY)))


def _links(*rows: tuple[str, str, str]) -> pa.Table:
    """(person, kind, value) as link rows."""
    return pa.table(
        {
            "person": pa.array([_tag("record", person) for person, _, _ in rows], TAG),
            "kind": pa.array([kind for _, kind, _ in rows], pa.string()),
            "tag": pa.array([_tag(kind, value) for _, kind, value in rows], TAG),
        }
    )


ADA, BEN, LEAD = (f"{n:08d}-0000-4000-8000-000000000000" for n in (1, 2, 3))
LINKS = _links(
    (ADA, "record", ADA),
    (ADA, "email", "ada@harbor.example"),
    (ADA, "name", "Ada Example"),
    (ADA, "phone", "555-0101-22"),
    (BEN, "record", BEN),
    (BEN, "email", "ben@harbor.example"),
    (BEN, "name", "Ada Example"),
    (LEAD, "record", LEAD),
    (LEAD, "email", "ada@harbor.example"),
    (LEAD, "name", "Ada M Example"),
)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("email: ada@harbor.example", "email"),
        ("ada@harbor.example", "email"),
        ("{3F2504E0-4F89-11D3-9A0C-0305E82C3301}", "record"),
        ("+1 (555) 010-1234", "phone"),
        ("Ada Example", "name"),
        ("name: 12345678", "name"),
        ("UPN: ada@harbor.example", "upn"),
    ],
)
def test_the_kind_of_an_identifier_is_said_or_recognised(line: str, kind: str) -> None:
    assert parse_identifiers(line)[0].kind == kind


@pytest.mark.parametrize("text", ["", "\n\n", "email: ", "phone: abc", "\n".join(["a@b.example"] * 201)])
def test_bad_identifiers_are_a_usage_error_that_repeats_nothing(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_identifiers(text)
    assert "abc" not in str(caught.value)


def test_an_identifier_does_not_show_its_value() -> None:
    assert "harbor" not in repr(parse_identifiers("ada@harbor.example"))


def test_an_address_names_one_person_with_every_record_of_theirs() -> None:
    subject = choose(tags_of(parse_identifiers("ada@harbor.example"), KEY), LINKS)
    assert subject.people == 2  # the contact and the lead it came from
    assert _tag("phone", "555-0101-22") in subject.tags
    assert _tag("record", LEAD) in subject.tags
    assert _tag("record", BEN) not in subject.tags
    assert subject.also_touched == 1  # Ben bears the same name


def test_a_name_that_several_people_bear_erases_nobody() -> None:
    with pytest.raises(Refusal, match="e-mail address or a record id"):
        choose(tags_of(parse_identifiers("Ada Example"), KEY), LINKS)


def test_a_name_that_one_person_bears_is_enough() -> None:
    subject = choose(tags_of(parse_identifiers("Ada M Example"), KEY), LINKS)
    assert subject.people == 1


def test_somebody_in_no_table_is_found_by_the_identifiers_alone() -> None:
    given = tags_of(parse_identifiers("nobody@harbor.example"), KEY)
    subject = choose(given, LINKS)
    assert (subject.people, dict(subject.tags)) == (0, given)


def test_a_done_request_has_no_further_step() -> None:
    assert next_state(RequestState.RUNNING, RequestStep.FINISH) is RequestState.DONE
    for step in RequestStep:
        with pytest.raises(WrongState):
            next_state(RequestState.DONE, step)
    assert "running --> done: finish" in mermaid()
