"""Whatever text stands around it, however it is encoded: a learnt identifier is found, and in its own cell."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable
from urllib.parse import quote

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from readingroom.copies.second_look import SecondLook

NAMES = ("Ada Example", "Bob Sample", "Zoë Muster", "Siobhán O'Placeholder", "Ludwig van Beispiel")
EMAILS = ("ada.example@fabrikam.example", "bob+list@sample.example", "z_m@sub.muster.example")
PHONES = ("+1 650 555-0151", "(446) 555-0132", "+44 20 7946 0958")
ENCODINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "upper": str.upper,
    "html": html.escape,
    "entities": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "percent": lambda text: quote(text, safe=""),
    "twice percent": lambda text: quote(quote(text, safe=""), safe=""),
    "base64": lambda text: base64.b64encode(f"to={text}&".encode()).decode(),
    "base64 for links": lambda text: base64.urlsafe_b64encode(f"{text} ~~??".encode()).decode().rstrip("="),
    "hex": lambda text: text.encode().hex(),
    "tags": lambda text: f"<b>{text[:2]}</b>{text[2:]}",
    "zero width": "\u200b".join,
}
AROUND = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)


@pytest.fixture(scope="module")
def look() -> SecondLook:
    made = SecondLook()
    rows = [{"fullname": name, "firstname": name.split(" ", 1)[0], "lastname": name.split(" ", 1)[1]} for name in NAMES]
    made.learn("contact", pa.RecordBatch.from_pylist(rows))
    made.learn("lead", pa.RecordBatch.from_pydict({"emailaddress1": list(EMAILS), "mobilephone": list(PHONES)}))
    return made


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    value=st.sampled_from([*(("name", one) for one in NAMES), *(("email", one) for one in EMAILS)]),
    encoding=st.sampled_from(sorted(ENCODINGS)),
    before=AROUND,
    after=AROUND,
)
def test_a_learnt_identifier_is_found_in_any_text(
    look: SecondLook, value: tuple[str, str], encoding: str, before: str, after: str
) -> None:
    kind, text = value
    cell = f"{before} | {ENCODINGS[encoding](text)} | {after}"
    batch = pa.RecordBatch.from_pydict({"text": pa.array(["quiet", cell, "quiet"], pa.large_string())})
    found = {finding.kind: finding.count for finding in look.check("mail", batch).hard}
    assert found.get(kind) == 1


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    phone=st.sampled_from(PHONES),
    encoding=st.sampled_from(["raw", "html", "entities", "percent", "base64", "hex", "zero width"]),
    before=AROUND,
)
def test_a_learnt_telephone_number_is_found_in_any_text(
    look: SecondLook, phone: str, encoding: str, before: str
) -> None:
    batch = pa.RecordBatch.from_pydict({"text": [f"{before} | {ENCODINGS[encoding](phone)}"]})
    assert "phone" in {finding.kind for finding in look.check("mail", batch).hard}


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    cells=st.lists(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=300)), max_size=8)
)
def test_no_text_breaks_it(look: SecondLook, cells: list[str | None]) -> None:
    result = look.check("mail", pa.RecordBatch.from_pydict({"text": pa.array(cells, pa.large_string())}))
    assert all(0 < finding.count <= len(cells) for finding in result.hard)
