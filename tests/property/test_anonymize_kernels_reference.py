"""The fast kernels against slow plain ones: what they spare is time alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from readingroom.anonymize import tagger as fast
from readingroom.anonymize.beginnings import LONG, MIDDLE, SHORT, WHOLE, add_whole, beginnings, may_begin, spots_of
from readingroom.anonymize.kernels import hash_words, pack
from readingroom.anonymize.known import Known, KnownBuilder
from readingroom.anonymize.lexicon import lexicon
from readingroom.anonymize.matching import match_known
from readingroom.anonymize.names import Rules, marks_of
from readingroom.anonymize.rare import public_only
from readingroom.anonymize.reading import read
from readingroom.anonymize.tag_features import FEATURES, features_of, see
from readingroom.anonymize.tokens import tokenize

SECRET = np.uint64(77)
WORDS = st.text("abcdeß1", min_size=1, max_size=12)
PEOPLE = (("Vestomur", "Gorthzamir"), ("Al", "Bo"), ("Ann", "Example"), ("Ottokar", "von Quillfeather"))
PIECES = (
    *("Vestomur", "gorthzamir", "G", "Al", "bo", "Ann", "Exam", "ple", "Quill", "feather", "v", "4nn", "0ttokar", "an"),
    *(" ", ", ", ".", "-", "@", "\n", "the", "see", "A", "5", "won", "will", "Houston", "Friday"),
)


@given(st.lists(WORDS, min_size=1, max_size=30))
def test_no_beginning_is_denied(words: list[str]) -> None:
    known = beginnings([spots_of(*pack(words), SECRET)], SECRET, spellings=len(words))
    add_whole(known, hash_words(words))
    for word in words:
        data = word.encode()
        for size in (SHORT, MIDDLE, LONG):
            if len(data) >= size:
                h = np.uint64(0)
                for byte in data[:size]:
                    h = np.uint64((int(h) * 0x9E3779B97F4A7C15 + byte + 1) % 2**64)
                assert may_begin(known, h)
        assert may_begin(known, hash_words([word])[0] ^ WHOLE)


def known_people(*, bitmap: bool) -> Known:
    builder = KnownBuilder(b"k", b"k")
    rows = [{"record_id": str(i) * 8, "kind": "contact", "given": g, "family": f} for i, (g, f) in enumerate(PEOPLE)]
    builder.add_people(pa.RecordBatch.from_pylist(rows))
    known = builder.build()
    if not bitmap:
        known.by_spelling.begin.bits[:] = 255
    return known


WITH, WITHOUT = known_people(bitmap=True), known_people(bitmap=False)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_matching_finds_the_same_without_the_bitmap(text: str) -> None:
    letters, _, _ = read(pa.array([text], pa.large_string()), "plain")
    tokens = tokenize(letters)
    assert match_known(letters, tokens, WITH).tolist() == match_known(letters, tokens, WITHOUT).tolist()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join))
@example("see @ see see G won")  # a run of quiet words over the border of two cells
def test_probabilities_are_those_of_the_model(text: str) -> None:
    letters, _, _ = read(pa.array([text, "and then", text], pa.large_string()), "plain")
    tokens = tokenize(letters)
    nobody = KnownBuilder(b"", b"").build()
    rules = Rules(lexicon(), public_only().table, nobody.table, nobody.entries, strict=False)
    source = np.frombuffer(f"{text}and then{text}".encode(), np.uint8)
    seen = see(letters, source, tokens, marks_of(tokens, rules))
    expected = slow(seen, fast.tagger())
    found = fast.probabilities(seen, fast.tagger())
    loud = seen["quiet"] == 0
    np.testing.assert_allclose(found[loud], expected[loud], atol=2e-4)
    assert (expected[~loud, 1:] < 0.2).all()


def slow(seen: np.ndarray, weights: fast.Weights) -> np.ndarray:
    """The chain in 64 bits, word by word, cell by cell."""
    score = np.full((len(seen), fast.CLASSES), float(fast.QUIET))
    score[:, 0] = 1
    row = np.zeros(FEATURES, np.uint32)
    for i in np.flatnonzero(seen["quiet"] == 0):
        features_of(seen, int(i), row)
        sums = weights.table[row].sum(axis=0, dtype=np.int64) * float(weights.scale[0])
        score[i] = np.exp(np.maximum(sums - sums.max(), -30))
    out = np.ones_like(score)
    for cell in np.split(np.arange(len(seen)), np.flatnonzero(seen["wall"])):
        ahead, behind = np.ones_like(score), np.ones_like(score)
        for i in cell:
            ahead[i] = score[i] * (ahead[i - 1] @ weights.follows if i != cell[0] else 1)
            ahead[i] /= ahead[i].sum()
        for i in cell[::-1]:
            if i != cell[-1]:
                behind[i] = weights.follows @ (score[i + 1] * behind[i + 1])
            behind[i] /= behind[i].sum()
            out[i] = ahead[i] * behind[i] / (ahead[i] * behind[i]).sum()
    return out
