"""Known people in files: the same people are found, under the same key alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pyarrow as pa
import pytest

from readingroom.anonymize.identities import people_batch
from readingroom.anonymize.known import Known, KnownBuilder
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.rare import public_only
from readingroom.anonymize.texts import TextEngine
from readingroom.cli.known_files import load, save
from readingroom.core.errors import UsageError

KEY = b"k" * 32
TEXT = "Ada Exampleworth and BOB.SAMPLETON@mail.example met; call +1 458 555 0100, ask Sampleton."


@pytest.fixture
def known() -> Known:
    builder = KnownBuilder(KEY, KEY)
    ada = {
        "record_id": "1" * 8,
        "kind": "contact",
        "given": "Ada",
        "family": "Exampleworth",
        "phones": ["+14585550100"],
    }
    bob = {"kind": "contact", "given": "Bob", "family": "Sampleton", "emails": ["bob.sampleton@mail.example"]}
    builder.add_people(people_batch([ada, bob]))
    return builder.build()


def rewritten(known: Known) -> tuple[pa.Array, pa.Table]:
    engine = TextEngine(known, public_only(), Pseudonyms(KEY), KEY, "strict")
    done = engine.rewrite(pa.array([TEXT]), markup="plain")
    return done.cells, done.spans


def test_what_was_saved_finds_the_same(known: Known, tmp_path: Path) -> None:
    save(known, tmp_path / "people", KEY)
    opened = load(tmp_path / "people", KEY)
    assert opened.report() == known.report()
    cells, spans = rewritten(known)
    again, places = rewritten(opened)
    assert again.equals(cells)
    assert places.equals(spans)
    tags = spans["tag"].combine_chunks()
    assert opened.people_of_tags(tags).tolist() == known.people_of_tags(tags).tolist()


def test_nobody_can_be_read_in_the_files(known: Known, tmp_path: Path) -> None:
    save(known, tmp_path / "people", KEY)
    assert stat.S_IMODE((tmp_path / "people").stat().st_mode) == 0o700
    for file in (tmp_path / "people").iterdir():
        data = file.read_bytes().lower()
        assert b"exampleworth" not in data
        assert b"sampleton" not in data
        assert KEY not in data


def test_another_key_another_folder_and_damage_are_refused(known: Known, tmp_path: Path) -> None:
    folder = tmp_path / "people"
    save(known, folder, KEY)
    with pytest.raises(UsageError, match="already"):
        save(known, folder, KEY)
    with pytest.raises(UsageError, match="another key"):
        load(folder, b"x" * 32)
    with pytest.raises(UsageError, match="no known people"):
        load(tmp_path, KEY)
    (folder / "first.npy").write_bytes((folder / "kinds.npy").read_bytes())
    with pytest.raises(UsageError, match="damaged"):
        load(folder, KEY)
    (folder / "values.npy").unlink()
    with pytest.raises(UsageError, match="no known people"):
        load(folder, KEY)
