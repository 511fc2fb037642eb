"""Columns and fields told by their names in four languages, a bare `name` by what stands beside it, nested cells."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

import readingroom
from readingroom.anonymize.choices import Cells, among, own_fields
from readingroom.anonymize.documents import Documents
from readingroom.anonymize.runs import Options, Run
from readingroom.core.errors import Fault, UsageError

TOLD = {
    "Vorname": "given",
    "prénom": "given",
    "Apellidos": "family",
    "Familienname": "family",
    "display_name": "name",
    "Ansprechpartner": "name",
    "Straße": "address",
    "dirección": "address",
    "PLZ": "address",
    "Wohnort": "place",
    "Geburtsdatum": "birth",
    "Telefon": "phone",
    "teléfono": "phone",
    "Handy": "phone",
    "correo": "email",
    "Firma": "org",
    "Personalausweis": "number",
    "password": "number",
}


@pytest.mark.parametrize("name", TOLD)
def test_names_of_fields_in_four_languages(name: str) -> None:
    choice = among(name, pa.string(), [name])
    assert choice is not None
    assert choice.cells == TOLD[name]


def test_a_column_name_beside_an_address_is_a_person() -> None:
    table = pa.table(
        {
            "name": ["Ada Zwickel", "Bob Quillfeather"],
            "email": ["ada@mail.example", None],
            "note": ["call Quillfeather", "Zwickel, Ada asked"],
        }
    )
    done = readingroom.anonymize(table)
    assert done.report["columns"]["name"]["treated as"] == "name"
    shown = str(done.table.to_pylist())
    assert not any(word in shown for word in ("Ada", "Zwickel", "Bob", "Quillfeather"))


def test_a_column_name_of_things_is_a_text() -> None:
    table = pa.table({"name": ["Blue lamp", "Red chair"], "price": [1, 2]})
    assert readingroom.anonymize(table).table.equals(table)


def test_numbers_that_place_a_person_are_not_kept() -> None:
    table = pa.table({"latitude": [48.123456], "zip": [12345], "dob": [19750312], "phone": [14585550100], "n": [7]})
    shown = str(readingroom.anonymize(table).table.to_pylist())
    assert not any(word in shown for word in ("48.12", "12345", "1975", "458555"))
    assert "'n': 7" in shown


def test_a_name_inside_json_and_structures() -> None:
    run = Run(Options())
    documents = Documents(run)
    one = {
        "product": {"name": "Blue lamp"},
        "from": {"name": "Example"},
        "to": [{"name": "Sample", "email": "b@c.example"}],
    }
    run.learn(documents.people(one))
    got = documents.rewrite([one])[0]
    assert got["product"] == {"name": "Blue lamp"}
    assert got["from"]["name"].startswith("[PERSON_")
    assert got["to"][0]["name"].startswith("[PERSON_")
    table = pa.table({"p": [{"name": "Example", "email": "b@c.example"}], "w": [[{"name": "Blue lamp"}]]})
    row = readingroom.anonymize(table).table.to_pylist()[0]
    assert row["p"]["name"].startswith("[PERSON_")
    assert row["w"] == [{"name": "Blue lamp"}]


def test_a_name_of_a_contact_is_its_own() -> None:
    assert own_fields({"name": "x", "email": "y"}) == {"name": Cells.NAME, "email": Cells.EMAIL}


def test_numbers_in_lists_stay_numbers_and_bytes_go() -> None:
    table = pa.table(
        {
            "vector": pa.array([[1.5, 123456.0], None, []], pa.list_(pa.float64())),
            "raw": [["Zwickel".encode("utf-16-le")], [], None],
            "words": [["Ada Zwickel", "lamp"], [], None],
        }
    )
    made = readingroom.anonymize(table, known=[{"name": "Ada Zwickel"}]).table
    assert made["vector"].to_pylist() == [[1.5, 123456.0], None, []]
    assert made["raw"].to_pylist() == [[None], [], None]
    assert made["words"].to_pylist()[0][1] == "lamp"
    assert "Zwickel" not in str(made.to_pylist())


def test_a_text_that_is_none_is_a_fault_that_names_the_column() -> None:
    cells = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\x06\0\0\0"), pa.py_buffer(b"SECR\xff\xfe"))
    with pytest.raises(Fault, match='column "note"') as told:
        readingroom.anonymize(pa.table({"note": cells}))
    assert "SECR" not in str(told.value)


@pytest.mark.parametrize("wrong", [{"key": "a text of sixteen letters"}, {"detectors": [5]}])
def test_arguments_of_a_wrong_kind(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        readingroom.anonymize(pa.table({"t": ["a"]}), **wrong)
