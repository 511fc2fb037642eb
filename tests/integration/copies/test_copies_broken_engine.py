"""The engine broken on purpose: a pattern, a spelling, a column shifted. The second look refuses the copy.

The break is in the engine's last step, whatever found the span: it is blind where a text stands in that form.
"""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pytest

from readingroom.anonymize.engine import Engine
from readingroom.anonymize.identities import people_batch
from readingroom.anonymize.known import KnownBuilder
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.rare import public_only
from readingroom.anonymize.texts import TextEngine
from readingroom.copies.second_look import SecondLook
from readingroom.core.errors import CopyRefused
from readingroom.keys.roles import Role

FIRST, LAST = "Adalgisa", "Exemplaria"
EMAIL = "adalgisa.exemplaria@fabrikam.example"
PERSON = {"firstname": FIRST, "lastname": LAST, "fullname": f"{FIRST} {LAST}", "emailaddress1": EMAIL}
# the spellings of DESIGN and of the canaries that are one person's beyond doubt, so that finding one refuses
FORMS = {
    "plain": f"{FIRST} {LAST}",
    "surname first": f"{LAST}, {FIRST}",
    "possessive": f"{FIRST} {LAST}'s",
    "capitals": f"{FIRST} {LAST}".upper(),
    "small letters": f"{FIRST} {LAST}".lower(),
    "split by markup": f"{FIRST[:3]}<b>{FIRST[3:]}</b> {LAST}",
    "entities": "".join(f"&#{ord(letter)};" for letter in f"{FIRST} {LAST}"),
    "percent": quote(f"{FIRST} {LAST}"),
    "base64": base64.b64encode(f"{FIRST} {LAST}".encode()).decode(),
    "camel case": f"{FIRST}{LAST}",
    "file name": f"{FIRST}_{LAST}.pdf".lower(),
    "zero width": "\u200b".join(f"{FIRST} {LAST}"),
    "json": f'{{"to": "{FIRST} {LAST}"}}',
    "e-mail": EMAIL,
    "spoken e-mail": EMAIL.replace("@", " (at) ").replace(".", " (dot) "),
    "phone": "(202) 555-0100",
    "spaced phone": "2 0 2 5 5 5 0 1 0 0",
}


class Blind(TextEngine):
    """An engine that is blind to what matches `form`."""

    form = re.compile("(?!)")

    def look(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        painted = super().look(*args, **kwargs)
        _uncover(painted, self.form)
        return painted


def _uncover(painted: Any, form: re.Pattern[str]) -> None:
    for match in re.finditer(form.pattern.encode(), painted.source.tobytes()):
        painted.labels[match.start() : match.end()] = -1


@pytest.fixture(scope="module")
def look() -> SecondLook:
    made = SecondLook()
    made.learn("contact", pa.RecordBatch.from_pylist([{**PERSON, "telephone1": "(202) 555-0100"}]))
    return made


@pytest.fixture(scope="module")
def blind() -> Blind:
    builder = KnownBuilder(b"t" * 32, b"p" * 32)
    person = {"kind": "contact", "record_id": "1", "given": FIRST, "family": LAST, "full": f"{FIRST} {LAST}"}
    builder.add_people(people_batch([{**person, "emails": [EMAIL], "phones": ["(202) 555-0100"]}]))
    return Blind(builder.build(), public_only(), Pseudonyms(b"p" * 32), b"t" * 32, "strict")


@pytest.mark.parametrize("form", sorted(FORMS))
def test_each_spelling_that_the_engine_loses_is_a_hard_finding(look: SecondLook, blind: Blind, form: str) -> None:
    text = f"Please tell {FORMS[form]} about the meeting on Monday."
    cells = pa.array([text], pa.large_string())
    markup = "html" if form in {"split by markup", "entities"} else "plain"
    found = {}
    for broken in (False, True):
        blind.form = re.compile(re.escape(FORMS[form]) if broken else "(?!)")
        shown = blind.rewrite(cells, markup=markup).cells
        batch = pa.RecordBatch.from_arrays([shown], ["text"])
        found[broken] = {one.kind for one in look.check("mail", batch).hard}
    assert found[False] == set()
    assert found[True]


def break_engine(monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    sound = TextEngine.look

    def blind_look(self: TextEngine, *args: Any, **kwargs: Any) -> Any:
        painted = sound(self, *args, **kwargs)
        _uncover(painted, re.compile(pattern))
        return painted

    monkeypatch.setattr(TextEngine, "look", blind_look)


def mail(export: Any, text: str) -> None:
    export.mails["00000002-0000-4000-8000-000000000077"] = ("news", "news", f"<html><body><p>{text}</p></body></html>")
    export.write()


@pytest.mark.parametrize(
    ("text", "pattern", "kind"),
    [
        ("Write to nobody.known@elsewhere.example today.", r"nobody\.known@elsewhere\.example", "email"),
        ("The card is 4111 1111 1111 1111 until Monday.", r"4111[ \d]+1111", "card"),
        ("Pay to DE89 3704 0044 0532 0130 00 by Monday.", r"DE89[ \d]+00", "iban"),
        ("Tell Exemplaria, Adalgisa about it.", r"Exemplaria, Adalgisa", "name"),
        ("Tell adalgisa exemplaria about it.", r"adalgisa exemplaria", "name"),
    ],
)
def test_a_lost_pattern_or_spelling_refuses_the_copy(
    room: Any, export: Any, run: Any, monkeypatch: pytest.MonkeyPatch, text: str, pattern: str, kind: str
) -> None:
    mail(export, text)
    break_engine(monkeypatch, pattern)
    with pytest.raises(CopyRefused) as caught:
        run(room.open(Role.COPY), make_look=SecondLook)
    assert any(reason.endswith(f"x {kind}") for reason in caught.value.reasons)


def test_columns_shifted_by_one_refuse_the_copy(
    room: Any, export: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = Engine.transform

    def shifted(self: Engine, plan: Any, batch: pa.RecordBatch) -> Any:
        """Every column shows the cells that came in one column to its right."""
        done = sound(self, plan, batch)
        names = done.batch.schema.names
        beside = [(batch.schema.names.index(name) + 1) % batch.num_columns for name in names]
        return replace(done, batch=pa.RecordBatch.from_arrays([batch.column(at) for at in beside], names))

    monkeypatch.setattr(Engine, "transform", shifted)
    with pytest.raises(CopyRefused) as caught:
        run(room.open(Role.COPY), make_look=SecondLook)
    assert any(reason.endswith("x name") for reason in caught.value.reasons)


def test_the_sound_engine_passes_the_same_mails(room: Any, export: Any, run: Any) -> None:
    mail(export, "Write to nobody.known@elsewhere.example. Tell Exemplaria, Adalgisa.")
    assert run(room.open(Role.COPY), make_look=SecondLook)


def test_a_lost_unknown_name_is_a_suspicion(look: SecondLook) -> None:
    batch = pa.RecordBatch.from_pydict({"text": pa.array(["nothing", "Dear Wojciech, thank you"], pa.large_string())})
    assert look.check("mail", batch).suspicious_rows.tolist() == [1]
