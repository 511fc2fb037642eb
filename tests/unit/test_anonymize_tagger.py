"""The tagger: names that no list and no table knows, by where they stand."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest

from readingroom.anonymize.detecting import Detector, in_code_points
from readingroom.anonymize.known import KnownBuilder
from readingroom.anonymize.lexicon import is_public, lexicon
from readingroom.anonymize.names import Rules, marks_of
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.rare import public_only
from readingroom.anonymize.reading import buffers, read
from readingroom.anonymize.tag_features import BITS, see
from readingroom.anonymize.tagger import CLASSES, PERSON, load, probabilities, tagger
from readingroom.anonymize.texts import TextEngine
from readingroom.anonymize.tokens import tokenize
from readingroom.core.errors import Fault

NOBODY = KnownBuilder(b"", b"").build()


def chances(texts: list[str], markup: str = "plain") -> np.ndarray:
    cells = pa.array(texts, pa.large_string())
    letters, _, _ = read(cells, markup)
    tokens = tokenize(letters)
    rules = Rules(lexicon(), public_only().table, NOBODY.table, NOBODY.entries, strict=False)
    return probabilities(see(letters, buffers(cells)[0], tokens, marks_of(tokens, rules)), tagger())


def found(text: str, profile: str = "balanced") -> list[tuple[str, str]]:
    cells = pa.array([text], pa.large_string())
    spans = in_code_points(cells, Detector(NOBODY, public_only(), profile).spans(cells)).to_pylist()
    return [(text[s["start"] : s["end"]], s["kind"]) for s in spans]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Hi Quorvath,\nthe offer is ready.", "Quorvath"),
        ("The report is attached.\n\nBest regards,\nZelmira Quorvath", "Zelmira Quorvath"),
        ("The applicant, Mr Quorvath, was heard.", "Mr Quorvath"),
        ("We spoke with Dr. Li about it.", "Dr. Li"),
    ],
)
def test_names_of_no_list_are_told_by_their_place(text: str, name: str) -> None:
    assert not is_public("quorvath")
    masked = "".join(piece for piece, kind in found(text) if kind == "PERSON")
    assert all(word in masked for word in name.replace(".", "").split())


def test_plain_prose_is_left_alone() -> None:
    text = "Please find the invoice for the last month attached. The total amount is due next week."
    assert found(text) == []


def test_rows_do_not_see_each_other() -> None:
    alone = chances(["Hi Quorvath,"])
    among = chances(["one two Three", "Hi Quorvath,", "Four five"])
    assert np.allclose(alone, among[3:5], atol=1e-5)


def test_chances_are_chances_on_any_text() -> None:
    texts = ["", "\0", "A", "a" * 5000, "é\u202e\u200b", "1 2 3", "\n\n\n", "😂 😂", "A " * 3000]
    chance = chances(texts)
    assert np.isfinite(chance).all()
    assert np.allclose(chance.sum(axis=1), 1, atol=1e-3)
    assert chance.shape[1] == CLASSES


def test_markup_is_no_prose() -> None:
    cell = '<p class="Zelmira Quorvath">Hi</p>'
    assert chances([cell], "html")[1:, PERSON].max() < 0.01


def test_rewriting_masks_a_stranger() -> None:
    engine = TextEngine(NOBODY, public_only(), Pseudonyms(b"p" * 32), b"t" * 32, "balanced")
    cells = pa.array(["Hi Quorvath,\nplease call me.", None], pa.large_string())
    output = engine.rewrite(cells, markup="plain").cells.to_pylist()
    assert "Quorvath" not in output[0]
    assert "[PERSON_" in output[0]
    assert output[1] is None


def test_weights_of_another_version_stop_the_start() -> None:
    file = io.BytesIO()
    np.savez(file, version=np.int64(0), table=np.zeros((1 << BITS, CLASSES), np.int8))
    file.seek(0)
    with pytest.raises(Fault, match="another version"):
        load(file)
