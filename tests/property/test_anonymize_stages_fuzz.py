"""Every stage of the text engine by itself: any text, any repetition of anything, every normalization form."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from readingroom.anonymize.blobs import open_blobs
from readingroom.anonymize.detecting import Detector, in_code_points
from readingroom.anonymize.finders import Told
from readingroom.anonymize.forms import find_forms
from readingroom.anonymize.known import Known, KnownBuilder
from readingroom.anonymize.lexicon import lexicon
from readingroom.anonymize.linked import Near
from readingroom.anonymize.matching import match_known
from readingroom.anonymize.names import Evidence, Rules, judge, marks_of
from readingroom.anonymize.proofs_find import find_proofs
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.rare import public_only
from readingroom.anonymize.reading import buffers, read
from readingroom.anonymize.tag_features import see
from readingroom.anonymize.tag_words import find_tagged
from readingroom.anonymize.tagger import PERSON, Sight, probabilities, tagger
from readingroom.anonymize.texts import TextEngine
from readingroom.anonymize.tokens import tokenize
from readingroom.anonymize.worded import find_worded
from readingroom.core.errors import ReadingroomError

KEY = b"k" * 32
MARKUPS = ("plain", "html", "url", "json-string")
PEOPLE: list[dict[str, Any]] = [
    {"record_id": "1" * 8, "kind": "contact", "given": "Zoë", "family": "Åkerströmi", "emails": ["zoe@mail.example"]},
    {"record_id": "2" * 8, "kind": "contact", "given": "Iñigo", "family": "Şahinçakmak", "phones": ["+1 458 555 0100"]},
    {"record_id": "3" * 8, "kind": "contact", "given": "Fiona", "family": "Griffithsen"},
    {"record_id": "4" * 8, "kind": "contact", "given": "Đorđe", "family": "Nguyễnović"},
]
MOTIFS = [
    *(
        "a",
        "A",
        "aA",
        "1",
        "1 ",
        "+1 ",
        "(1",
        "1-",
        "1.",
        "12/",
        "@",
        "a@",
        "a@b.",
        " at b dot ",
        "<",
        "<b>",
        "<!--",
        "</",
    ),
    *("<a href='", '<p style="', "&", "&#", "&#x41;", "&amp;", "%25", "%", "%4", "=C3", "=", "\\u", "\\u0041", '\\"'),
    *(
        "é",
        "\u0301",
        "\u200d",
        "\u202e",
        "ﬁ",
        "\uff21",
        "ß",
        "漢",
        "😀",
        ".",
        ",",
        "-",
        "_",
        ":",
        "::",
        "://",
        "a.",
        "[",
        "{{",
    ),
    *(
        "Zoë ",
        "Åkerströmi ",
        "z o e ",
        "one ",
        "may ",
        "born ",
        "tel ",
        "tel 1",
        "Mr ",
        "van ",
        "A. ",
        "'s ",
        "street ",
    ),
    *("1 Main Street ", "DE12 ", "de89 3704 0044 ", "4111 1111 ", "password: ", "0A", "aB3", "QWRhIEV4YW1wbGU", "eyJ"),
    *(" ", "\n", "\t", "\x00", "\r\n", "12:ab:", "1.1234 ", "SW1A 1AA ", "x=1&", "abcdefgh-1234-", "00", "fax 0"),
]
ANY = st.text(max_size=60) | st.lists(st.sampled_from(MOTIFS), max_size=30).map("".join)


@cache
def known() -> Known:
    builder = KnownBuilder(KEY, KEY)
    builder.add_people(pa.RecordBatch.from_pylist([{**dict.fromkeys(_FIELDS), **row} for row in PEOPLE]))
    return builder.build()


_FIELDS = ("record_id", "kind", "given", "family", "emails", "phones")


@cache
def rules(profile: str) -> Rules:
    return Rules(lexicon(), public_only().table, known().table, known().entries, profile == "strict")


def cells(*texts: str) -> pa.Array:
    return pa.array([text.encode("utf-8", "replace") for text in texts], pa.large_binary()).cast(pa.large_string())


class Stages:
    """The stages of one text, each by name as a function of nothing."""

    def __init__(self, column: pa.Array, markup: str) -> None:
        strict = rules("strict")
        self.source, offsets = buffers(column)
        viewed = read(column, markup)[0]
        letters = open_blobs(viewed)[0]
        tokens = tokenize(letters)
        marks = marks_of(tokens, strict)
        sight = Sight(letters, self.source, tokens, marks)
        seen = see(letters, self.source, tokens, marks, quiet=False)
        chance = probabilities(seen, tagger())
        near = Near(offsets, np.zeros(len(offsets), np.int64), np.zeros(0, np.int64))
        evidence = Evidence(marks, chance[:, PERSON])
        self.letters = letters
        self.words = tokens.words
        self.all: dict[str, Callable[[], Any]] = {
            "read": lambda: read(column, markup)[0],
            "blobs": lambda: open_blobs(viewed)[1],
            "tokens": lambda: tokenize(letters).parts,
            "known": lambda: match_known(letters, tokens, known()),
            "marks": lambda: marks_of(tokens, strict),
            "see": lambda: see(letters, self.source, tokens, marks, quiet=False),
            "tagger": lambda: probabilities(seen, tagger()),
            "names": lambda: find_tagged(sight, seen, chance, strict=True, quasi=True),
            "judge": lambda: judge(letters, tokens, evidence, strict, near),
            "worded": lambda: find_worded(letters, tokens, marks, strict),
            "proofs": lambda: find_proofs(letters, tokens),
            "forms": lambda: find_forms(letters, tokens, public_only(), strict=True),
        }


@settings(max_examples=250, deadline=None)
@given(st.lists(ANY, max_size=3), st.sampled_from(MARKUPS))
def test_no_stage_raises_and_all_stay_inside(texts: list[str], markup: str) -> None:
    stages = Stages(cells(*texts), markup)
    view = stages.all["read"]()
    assert (view.start <= view.end).all()
    assert not len(view.start) or (view.start.min() >= 0 and view.end.max() <= len(stages.source))
    chance = stages.all["tagger"]()
    assert np.isfinite(chance).all()
    assert ((chance >= 0) & (chance <= 1.001)).all()
    for name in ("tokens", "known", "names", "judge", "worded", "proofs", "forms"):
        found = stages.all[name]()
        assert (found["start"] >= 0).all(), name
        assert (found["end"] <= len(stages.letters.folded)).all(), name
        assert (found["start"] <= found["end"]).all(), name


def took(work: Callable[[], Any]) -> float:
    """CPU seconds, the best of two."""
    times = []
    for _ in range(2):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


SIZE = 1 << 15


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(MOTIFS), min_size=1, max_size=4).map("".join), st.sampled_from(("plain", "html")))
def test_no_stage_takes_more_than_linear_time(motif: str, markup: str) -> None:
    size = len(motif.encode())
    small, large = (Stages(cells(motif * (n // size + 1)), markup) for n in (SIZE, 4 * SIZE))
    for name, work in large.all.items():
        before, after = took(small.all[name]), took(work)
        # four times the text: linear is 4, quadratic 16; below some milliseconds the clock tells nothing
        assert after <= 0.02 + 8 * before, (name, markup, motif, before, after)


WIDE = {code: code + 0xFEE0 for code in range(33, 127)}
FORMS: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")
WRITTEN = [
    "Please ask Zoë Åkerströmi about it.",
    "Iñigo Şahinçakmak wrote to us, and ŞAHİNÇAKMAK again.",
    "The ﬁle of Fiona Grifﬁthsen, and " + "FIONA GRIFFITHSEN".translate(WIDE) + ".",
    "Call Đorđe Nguyễnović or mail zoe@mail.example.",
]


@pytest.mark.parametrize("text", WRITTEN)
@pytest.mark.parametrize("profile", ["balanced", "strict"])
def test_every_normalization_form_finds_the_same_people(text: str, profile: str) -> None:
    engine = TextEngine(known(), public_only(), Pseudonyms(KEY), KEY, profile)
    people = {tag for tag in (known().tag(person) for person in range(known().ids)) if tag}
    told = []
    for form in FORMS:
        done = engine.rewrite(cells(unicodedata.normalize(form, text)), markup="plain")
        told.append({tag for tag in done.spans["tag"].to_pylist() if tag in people})
    assert told[0]
    assert told == [told[0]] * len(FORMS)


@settings(max_examples=60, deadline=None)
@given(ANY)
def test_the_detector_takes_any_column_of_texts(text: str) -> None:
    detector = Detector(known(), public_only(), "strict")
    plain = cells(text, "", text)
    told = in_code_points(plain, detector.spans(plain))
    columns = [
        plain.cast(pa.string()),
        plain.cast(pa.string()).dictionary_encode(),
        pa.chunked_array([plain[:1], plain[1:]]),
    ]
    for column in [*columns, plain.cast(pa.string_view()), plain.cast(pa.large_binary())]:
        assert in_code_points(column, detector.spans(column)).equals(told)


class Telltale:
    """A detector that fails with the text in its mouth."""

    name = "telltale"
    labels = ("PERSON",)

    def detect(self, texts: pa.LargeStringArray) -> pa.Table:
        raise ValueError(texts[0].as_py())


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=12, max_size=40))
def test_no_error_holds_a_cell(text: str) -> None:
    detector = Detector(known(), public_only(), "strict", finders=(Told(Telltale()),))
    with pytest.raises(ReadingroomError) as caught:
        detector.spans(cells(text))
    error: BaseException | None = caught.value
    while error is not None:
        assert text not in f"{error} {error.args!r}"
        error = None if error.__suppress_context__ else error.__context__
