from __future__ import annotations

from time import process_time

import numpy as np
import pytest

from readingroom.models.features import BITS, buckets, grams, matrix, plain


def _same(one: str, other: str) -> bool:
    a, b = matrix([one]), matrix([other])
    return a.shape == b.shape and abs(a - b).sum() == 0


def test_a_placeholder_counts_as_its_kind_alone() -> None:
    assert _same("Dear [PERSON_7f3a2c], hello", "Dear [PERSON_000001], hello")
    assert not _same("Dear [PERSON_7f3a2c], hello", "Dear [EMAIL_7f3a2c], hello")
    assert _same("for {{contact.fullname}} only", "for {{ contact.id }} only")


def test_markup_scripts_and_comments_are_not_read() -> None:
    dressed = "<style>p{color:red}</style><p class='x'>Buy <b>now</b></p><!-- secret --><script>var a=1</script>"
    assert plain([dressed]).split() == ["buy", "now"]
    assert plain(["<script>never closed Buy"]).split() == []


def test_numbers_count_as_their_shape() -> None:
    assert _same("call 555 0101", "call 731 9984")


def test_letter_case_and_entities_make_no_difference() -> None:
    assert _same("Caf&eacute; OFFER", "café offer")


def test_a_hidden_end_of_text_begins_no_new_text() -> None:
    assert matrix(["one &#0; two\x00three", "four"]).shape[0] == 2
    assert _same("one\x00two", "one two")


def test_rows_do_not_depend_on_their_neighbours() -> None:
    texts = ["alpha beta", "", "gamma delta epsilon", "!!! $$$", "é", "   "]
    together = matrix(texts)
    for row, text in enumerate(texts):
        assert abs(together[row] - matrix([text])).sum() < 1e-12
    # no pair of tokens reaches over the end of a text
    assert grams(["alpha", "beta"]).words == len(grams(["alpha", "beta"]).hashes) == 2


def test_a_batch_longer_than_a_block_gives_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"mail {'x' * n} end" for n in range(50)]
    whole = matrix(texts)
    monkeypatch.setattr("readingroom.models.features._BLOCK", 64)
    assert abs(matrix(texts) - whole).sum() < 1e-9


def test_no_row_is_longer_than_one() -> None:
    rows = matrix(["a", "a a a a a a", "", "word " * 1000, "$$$ !!!"])
    assert float(np.sqrt(rows.multiply(rows).sum(axis=1)).max()) <= 1


def test_the_hash_is_public_and_does_not_move() -> None:
    # a released model is useless if these numbers change
    columns, sign = buckets(grams(["hello world"]).hashes, bits=BITS)
    assert columns.tolist() == KNOWN_COLUMNS
    assert sign.tolist() == KNOWN_SIGNS


KNOWN_COLUMNS = [4512, 9076, 13960]
KNOWN_SIGNS = [-1.0, -1.0, 1.0]


@pytest.mark.parametrize(
    "hostile",
    ["<" * 300_000, "<style" * 50_000, "<!--" * 70_000, "[A_" * 100_000, "{{" * 150_000, "&" * 300_000, "a" * 300_000],
)
def test_no_text_takes_quadratic_time(hostile: str) -> None:
    took = []
    for text in (hostile[: len(hostile) // 4], hostile):
        tries = []
        for _ in range(2):
            begun = process_time()
            matrix([text])
            tries.append(process_time() - begun)
        took.append(min(tries))
    assert took[1] < 0.2 + 10 * took[0]  # best of two; four times the text: linear is 4, quadratic 16
