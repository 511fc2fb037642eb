"""Many values at once, by kernels: the same digests as hashlib's, the same normal forms as `normalize`'s."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from readingroom.anonymize import spans
from readingroom.anonymize.digests import Messages, digests, hex_digits, keyed
from readingroom.anonymize.kernels import hash_words
from readingroom.anonymize.normalize import normalize
from readingroom.anonymize.reading import read
from readingroom.anonymize.remembered import Remembered
from readingroom.anonymize.same import hash_texts, tell_apart, texts_of
from readingroom.anonymize.spans import FINDING, KINDS
from readingroom.anonymize.values import TAG_KINDS, worth_of

LIKE = {
    spans.EMAIL: st.from_regex(r"(mailto:)?[a-z.]{1,4}(\+[a-z]{0,2})? ?@ ?[a-z.-]{1,6}[.,;]?|ada dot b at c dot de"),
    spans.PHONE: st.from_regex(r"(\+|00|011|\(0\))?[0-9 .()/-]{3,16}( ?(x|ext|ext\.|app|fax)[ .]{0,2}[0-9]{1,7})? ?"),
    spans.RECORD: st.from_regex(r"\{?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?|[0-9a-f-]{30,40}"),
    spans.NAME: st.from_regex(r"[A-Za-zé]{1,5}[ ,.'-]{1,2}[A-Za-z]{1,5}('s)?"),
}


def messages(parts: list[bytes]) -> Messages:
    ends = np.cumsum([len(part) for part in parts]).astype(np.int64)
    return Messages(np.frombuffer(b"".join(parts), np.uint8), ends - [len(part) for part in parts], ends)


@settings(deadline=None)
@given(st.binary(max_size=80), st.binary(max_size=16), st.lists(st.binary(min_size=1, max_size=400), min_size=1))
@example(b"", b"pseudonym", [b"a" * size for size in (1, 127, 128, 129, 256, 257)])
@example(b"k", b"subject-tag", [b"a" * size for size in (1, 127, 128, 129, 256, 257)])
def test_digests_are_those_of_hashlib(key: bytes, person: bytes, parts: list[bytes]) -> None:
    found = digests(keyed(key, person), messages(parts), np.arange(len(parts)))
    wanted = [hashlib.blake2b(part, key=key[:64], digest_size=16, person=person) for part in parts]
    assert found.tobytes() == b"".join(one.digest() for one in wanted)
    assert hex_digits(found).tolist() == [int(one.hexdigest()[:8], 16) for one in wanted]


@st.composite
def written(draw: st.DrawFn) -> tuple[int, str]:
    """A kind, and a text that may be of it."""
    kind = draw(st.sampled_from(range(len(KINDS))))
    return kind, draw(LIKE.get(kind, st.nothing()) | st.text(max_size=24) | st.text(" ab1.,'-_`@", max_size=12))


@settings(deadline=None, max_examples=400)
@given(st.lists(written(), min_size=1, max_size=8))
def test_normal_forms_are_those_of_normalize(texts: list[tuple[int, str]]) -> None:
    cells = pa.array([text.encode("utf-8", "replace").decode() for _, text in texts], pa.large_string())
    letters, _, _ = read(cells, "plain")
    walls = np.flatnonzero(letters.folded == 0)
    found = np.zeros(len(texts), FINDING)
    found["end"], found["kind"] = walls, [kind for kind, _ in texts]
    found["start"][1:] = walls[:-1] + 1
    worth = worth_of(letters, found)
    shown = [text.decode("utf-8", "replace") for text in texts_of(letters, found).to_pylist()]
    for number, (kind, _) in enumerate(texts):
        if kind == spans.EMAIL and "@" not in shown[number]:
            continue  # an address in words becomes one first
        name = TAG_KINDS.get(kind, "text")
        normal = normalize(name, shown[number])
        message = worth.messages.data[worth.messages.start[number] : worth.messages.end[number]].tobytes()
        assert message == f"{name}\0{normal}".encode(), (name, shown[number])
        bare = normal.replace("-", "") if kind == spans.RECORD else normal
        assert worth.hashes[number] == hash_words([bare])[0]


def spans_of(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The letters of texts, and each text as a span."""
    letters, _, _ = read(pa.array(texts, pa.large_string()), "plain")
    walls = np.flatnonzero(letters.folded == 0)
    found = np.zeros(len(texts), FINDING)
    found["end"] = walls
    found["start"][1:] = walls[:-1] + 1
    return letters, found


@settings(deadline=None)
@given(st.lists(st.tuples(st.text("abcAB8", max_size=9), st.integers(0, 2)), min_size=1, max_size=40))
@example([("kourtney", 0), ("courtney", 0), ("mountain", 0), ("fountain", 0)])  # differ in one letter of eight
def test_texts_are_told_apart_by_letters_and_salt(texts: list[tuple[str, int]]) -> None:
    letters, found = spans_of([text for text, _ in texts])
    salts = np.array([salt for _, salt in texts], np.uint64)
    for cased in (False, True):
        keys = [(text if cased else text.lower(), salt) for text, salt in texts]
        first, which = tell_apart(hash_texts(letters, found, salts, cased=cased))
        distinct = list(dict.fromkeys(keys))
        assert which.tolist() == [distinct.index(key) for key in keys]
        assert first.tolist() == [keys.index(key) for key in distinct]


def test_what_is_remembered_is_asked_once_and_bounded() -> None:
    seen: list[tuple[int, bytes]] = []

    def ask(salt: int, text: bytes) -> list[tuple[int, int, int]]:
        seen.append((salt, text))
        return [(0, len(text), salt)] * (salt + 1)

    remembered = Remembered(ask, most=4, cased=True)
    letters, found = spans_of(["Ab", "c", "ab", "c", "Ab"])
    salts = np.array([0, 1, 0, 1, 0])
    for _ in range(2):
        made = remembered(letters, found, salts)
        assert made["end"].tolist() == [2, 4, 4, 7, 9, 9, 12]
        assert made["kind"].tolist() == [0, 1, 1, 0, 1, 1, 0]
        assert seen == [(0, b"Ab"), (1, b"c"), (0, b"ab")]
    letters, found = spans_of(["d", "e"])
    assert remembered(letters, found, np.array([0, 0]))["start"].tolist() == [0, 2]
    assert len(remembered) == 2
    assert all(not isinstance(kept, bytes | str | list | dict) for kept in vars(remembered).values())  # no texts
