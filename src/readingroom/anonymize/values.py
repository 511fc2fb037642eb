# ruff: noqa: PLR0917, PLR0912, C901 - kernels: numba takes arrays by position; one rule of a form a line
"""The normal forms of findings (normalize.py) as messages to be hashed: by one kernel where letters are plain.

Rule 1: the message of a finding is its kind, NUL, its normal form, as `normalize.tag_of_normal` joins them.
Rule 2: the kernel writes a normal form only where it is sure of it; of the others `normalize` itself is asked. A
property test holds the two against each other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from readingroom.anonymize import spans
from readingroom.anonymize.digests import Messages
from readingroom.anonymize.kernels import BASE, I64, U8, U64, kernel, pack, signed, small_kernel
from readingroom.anonymize.normalize import COUNTRY_2, normalize
from readingroom.anonymize.same import texts_of
from readingroom.anonymize.spans import KINDS
from readingroom.anonymize.tokens import Records
from readingroom.anonymize.views import Letters

TAG_KINDS = {
    spans.NAME: "name",
    spans.HANDLE: "name",
    spans.PERSON: "name",
    spans.PHONE: "phone",
    spans.RECORD: "record",
    spans.EMAIL: "email",
    spans.IBAN: "iban",
    spans.CARD: "id",
    spans.ID: "id",
    spans.ADDRESS: "address",
    spans.HOST: "host",
    spans.IP: "ip",
    spans.ORG: "org",
    spans.SECRET: "id",
}
_NAME, _BARE, _EMAIL, _PHONE, _RECORD, _PLAIN = range(6)
_FORMS = {"name": _NAME, "id": _BARE, "iban": _BARE, "address": _BARE, "email": _EMAIL, "phone": _PHONE}
_FORMS |= {"record": _RECORD}
_NAMED = [TAG_KINDS.get(kind, "text") for kind in range(len(KINDS))]
_FORM_OF = np.array([_FORMS.get(name, _PLAIN) for name in _NAMED], np.int64)
_PREFIXES, _PREFIX_AT = pack([f"{name}\0" for name in _NAMED])
GUID = 32
HARD = -1  # no normal form that the kernel is sure of

# what a letter is to a form
_SIGN, _ALNUM, _BLANK, _DROPPED, _STRANGE = range(5)


def _classes(dropped: bytes, strange: bytes) -> U8:
    found = np.full(256, _SIGN, np.uint8)
    found[list(b"abcdefghijklmnopqrstuvwxyz0123456789")] = _ALNUM
    found[list(b" ")] = _BLANK
    found[list(dropped)] = _DROPPED
    found[list(strange)] = _STRANGE
    found[:32] = found[127:] = _STRANGE
    return found


_IN_NAME, _IN_BARE = _classes(b"'", b",`"), _classes(b"", b"`")
_IN_EMAIL, _IN_PLAIN = _classes(b"", b"<>\"',;:+`()[]{}"), _classes(b"", b"`")
_TWO_DIGITS = np.zeros(100, np.bool_)
_TWO_DIGITS[[int(code) for code in COUNTRY_2]] = True
_PHONE_SIGNS = np.zeros(256, np.bool_)
_PHONE_SIGNS[list(b" ().-/+_,")] = True
_DOT, _AT, _DASH, _PLUS, _E, _T, _X = (ord(sign) for sign in ".@-+etx")
LONGEST_EXTENSION = 6


class Worth(NamedTuple):
    """Messages of findings, and the polynomial hash of each normal form (of record ids without dashes)."""

    messages: Messages
    hashes: U64


@small_kernel
def _name(v: Letters, start: int, end: int, out: U8, at: int) -> int:
    """Words of letters and digits with one blank between."""
    first, gap = at, False
    for k in range(start, end):
        what = _IN_NAME[v.folded[k]]
        if what == _STRANGE:
            return HARD
        if what == _ALNUM:
            if gap and at > first:
                out[at] = 32
                at += 1
            out[at] = v.folded[k]
            at += 1
            gap = False
        elif what != _DROPPED:
            gap = True
    return at


@small_kernel
def _bare(v: Letters, start: int, end: int, out: U8, at: int) -> int:
    """Letters and digits alone."""
    for k in range(start, end):
        what = _IN_BARE[v.folded[k]]
        if what == _STRANGE:
            return HARD
        if what == _ALNUM:
            out[at] = v.folded[k]
            at += 1
    return at


@small_kernel
def _email(v: Letters, start: int, end: int, out: U8, at: int) -> int:
    """An address without blanks, and without dots around it."""
    first, signs = at, 0
    for k in range(start, end):
        byte = v.folded[k]
        what = _IN_EMAIL[byte]
        if what == _STRANGE:
            return HARD
        signs += 1 if byte == _AT else 0
        if what != _BLANK and (byte != _DOT or at > first):
            out[at] = byte
            at += 1
    while at > first and out[at - 1] == _DOT:
        at -= 1
    return at if signs == 1 else HARD


@small_kernel
def _plain(v: Letters, start: int, end: int, out: U8, at: int) -> int:
    """What is written, with one blank where there are several."""
    first, gap = at, False
    for k in range(start, end):
        byte = v.folded[k]
        what = _IN_PLAIN[byte]
        if what == _STRANGE:
            return HARD
        if what == _BLANK:
            gap = at > first
            continue
        if gap:
            out[at] = 32
            at += 1
            gap = False
        out[at] = byte
        at += 1
    return at


@small_kernel
def _digit(byte: int) -> bool:
    return 48 <= byte <= 57


@small_kernel
def _extension(v: Letters, k: int, end: int) -> bool:
    """Whether `x 12`, `ext. 12` or the like stands from k to the end."""
    if v.folded[k] == _X:
        k += 1
    elif k + 3 < end and v.folded[k] == _E and v.folded[k + 1] == _X and v.folded[k + 2] == _T:
        k += 3
    else:
        return False
    dots = 0
    while k < end and (v.folded[k] == 32 or v.folded[k] == _DOT):
        dots += 1 if v.folded[k] == _DOT else 0
        k += 1
    first = k
    while k < end and _digit(v.folded[k]):
        k += 1
    size = k - first
    while k < end and v.folded[k] == 32:
        k += 1
    return k == end and 1 <= size <= LONGEST_EXTENSION and dots <= 1


@small_kernel
def _phone(v: Letters, start: int, end: int, out: U8, at: int) -> int:
    """The national digits: as `normalize.phone_digits`, of digits and signs alone."""
    while start < end and v.folded[start] == 32:
        start += 1
    count = 0
    for k in range(start, end):
        byte = v.folded[k]
        if _digit(byte):
            out[at + count] = byte
            count += 1
        elif not _PHONE_SIGNS[byte]:
            if count and _extension(v, k, end):
                break
            return HARD
        if byte == 40 and k + 2 < end and v.folded[k + 1] == 48 and v.folded[k + 2] == 41:  # (0)
            return HARD
    skip = 0
    abroad = start < end and v.folded[start] == _PLUS
    if not abroad and count > 10 and out[at] == 48 and out[at + 1] == 48:
        abroad, skip = True, 2
    elif not abroad and count > 12 and out[at] == 48 and out[at + 1] == 49 and out[at + 2] == 49:
        abroad, skip = True, 3
    if abroad:
        if count - skip < 3:
            return HARD
        ten = (out[at + skip] - 48) * 10 + out[at + skip + 1] - 48
        skip += 1 if ten // 10 == 1 or ten // 10 == 7 else (2 if _TWO_DIGITS[ten] else 3)
    elif count == 11 and out[at] == 49:
        skip = 1
    while skip < count and out[at + skip] == 48:
        skip += 1
    for k in range(skip, count):
        out[at + k - skip] = out[at + k]
    return at + count - skip


@small_kernel
def _record(v: Letters, start: int, end: int, out: U8, at: int) -> int:
    """A GUID with its dashes."""
    count = 0
    for k in range(start, end):
        byte = v.folded[k]
        if byte == _DASH:
            continue
        if count == GUID or not (_digit(byte) or 97 <= byte <= 102):
            return HARD
        if count == 8 or count == 12 or count == 16 or count == 20:  # noqa: PLR1714 - numba compiles no sets
            out[at] = _DASH
            at += 1
        out[at] = byte
        at += 1
        count += 1
    return at if count == GUID else HARD


@small_kernel
def _written(v: Letters, form: int, start: int, end: int, out: U8, at: int) -> int:
    """The end of the normal form, written from `at`, or HARD."""
    if form == _NAME:
        return _name(v, start, end, out, at)
    if form == _BARE:
        return _bare(v, start, end, out, at)
    if form == _EMAIL:
        return _email(v, start, end, out, at)
    if form == _PHONE:
        return _phone(v, start, end, out, at)
    if form == _RECORD:
        return _record(v, start, end, out, at)
    return _plain(v, start, end, out, at)


@kernel
def _write(v: Letters, found: Records, prefixes: tuple[U8, I64, I64], out: Messages) -> int:
    """Write the messages one after the other, an empty one for what is hard; how many are."""
    data, borders, forms = prefixes
    at = hard = 0
    for i in range(len(found)):
        kind = found[i].kind
        out.start[i] = at
        end = at
        for k in range(borders[kind], borders[kind + 1]):
            out.data[end] = data[k]
            end += 1
        end = _written(v, forms[kind], found[i].start, found[i].end, out.data, end)
        if end == HARD:
            hard += 1
            end = at
        out.end[i] = end
        at = end
    return signed(hard)


@kernel
def _hash(found: Records, borders: I64, messages: Messages, out: U64) -> None:
    for i in range(len(found)):
        kind = found[i].kind
        h = np.uint64(0)
        for k in range(messages.start[i] + borders[kind + 1] - borders[kind], messages.end[i]):
            byte = messages.data[k]
            if kind != spans.RECORD or byte != _DASH:
                h = h * BASE + np.uint64(byte) + np.uint64(1)
        out[i] = h


def worth_of(letters: Letters, found: Records) -> Worth:
    """The message and the hash of each finding."""
    lengths = (found["end"] - found["start"]).astype(np.int64)
    longest = _PREFIX_AT[found["kind"] + 1] - _PREFIX_AT[found["kind"]] + lengths + 4  # a GUID gets its dashes
    data = np.empty(int(longest.sum()) + 1, np.uint8)
    messages = Messages(data, np.empty(len(found), np.int64), np.empty(len(found), np.int64))
    if _write(letters, found, (_PREFIXES, _PREFIX_AT, _FORM_OF), messages):
        messages = _with_hard(letters, found, messages)
    hashes = np.empty(len(found), np.uint64)
    _hash(found, _PREFIX_AT, messages, hashes)
    return Worth(messages, hashes)


def _with_hard(letters: Letters, found: Records, messages: Messages) -> Messages:
    """The messages, with those that the kernel left to `normalize`."""
    hard = np.flatnonzero(messages.end == messages.start)
    texts = texts_of(letters, found[hard]).to_pylist()
    kinds = found["kind"][hard].tolist()
    written = [
        f"{_NAMED[kind]}\0{_normal(kind, text.decode('utf-8', 'replace'))}".encode("utf-8", "surrogatepass")
        for kind, text in zip(kinds, texts, strict=True)
    ]
    ends = np.cumsum([len(one) for one in written]) + len(messages.data)
    messages.start[hard] = np.append(len(messages.data), ends[:-1])
    messages.end[hard] = ends
    return messages._replace(data=np.concatenate([messages.data, np.frombuffer(b"".join(written), np.uint8)]))


def _normal(kind: int, text: str) -> str:
    if kind == spans.EMAIL and "@" not in text:
        text = _worded_email(text)
    return normalize(_NAMED[kind], text)


def _worded_email(text: str) -> str:
    """`ada dot example at mail dot example` as an address; a digest stays itself."""
    words = [
        "." if w in {"dot", "punkt", "point", "punto"} else "@" if w in {"at", "arroba", "arobase"} else w
        for w in text.replace("(", " ").replace(")", " ").replace("[", " ").replace("]", " ").split()
    ]
    return "".join(words)
