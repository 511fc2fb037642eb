# ruff: noqa: FBT001, PLR0917, PLR1714 - kernels: numba takes arrays by position and compiles no sets
"""Identifiers told by their form: e-mail addresses, handles, GUIDs, hosts, digit clusters; each with its proof.

Rule 1: kernels find where something may stand, in one pass; what it is, is decided on distinct values only.
Rule 2: a check digit, a parser or a grammar decides, never the shape alone; what stays undecided is a number, and long
numbers are not shown in `strict`.
"""

from __future__ import annotations

import re

import numpy as np

from readingroom.anonymize.kernels import kernel, small_kernel
from readingroom.anonymize.proofs_ids import formed_in, is_card
from readingroom.anonymize.proofs_phones import phones_in
from readingroom.anonymize.tokens import DIGITS, Records
from readingroom.anonymize.views import Letters

EMAIL, HANDLE, GUID, HOST, CLUSTER, SPELLED = range(1, 7)
CANDIDATE = np.dtype([("start", "i4"), ("end", "i4"), ("what", "i4")], align=True)
LOCAL_LIMIT = 96
DOMAIN_LIMIT = 255
CLUSTER_LIMIT = 64

# classes of a folded byte
_LOCAL, _DOMAIN, _DIGIT, _HEX, _WORD, _GAP = 1, 2, 4, 8, 16, 32
CLASSES = np.zeros(256, np.uint8)
for _bit, _signs in (
    (_LOCAL | _DOMAIN | _WORD, b"abcdefghijklmnopqrstuvwxyz0123456789" + bytes(range(128, 256))),
    (_LOCAL | _DOMAIN, b".-_"),
    (_LOCAL, b"%+'*~"),
    (_DIGIT, b"0123456789"),
    (_HEX, b"0123456789abcdef"),
    (_GAP, b" .-/()_"),
):
    CLASSES[list(_signs)] |= _bit


@small_kernel
def _is(v: Letters, i: int, bit: int) -> bool:
    return 0 <= i < len(v.folded) and CLASSES[v.folded[i]] & bit != 0


@kernel
def _left(v: Letters, at: int, spaced: bool) -> int:
    """Where the local part before `at` begins."""
    i = at - 1 if spaced else at
    while i > 0 and at - i < LOCAL_LIMIT:
        if _is(v, i - 1, _LOCAL) or (
            spaced and v.folded[i - 1] == 32 and i > 1 and i < at - 1 and (v.folded[i] == 46 or v.folded[i - 2] == 46)
        ):
            i -= 1
        else:
            break
    return i


@kernel
def _right(v: Letters, at: int, spaced: bool) -> int:
    """Where the domain after `at` ends."""
    i = at + 2 if spaced else at + 1
    n = len(v.folded)
    while i < n and i - at < DOMAIN_LIMIT:
        if _is(v, i, _DOMAIN) or (
            spaced and v.folded[i] == 32 and i + 1 < n and (v.folded[i - 1] == 46 or v.folded[i + 1] == 46)
        ):
            i += 1
        else:
            break
    while i > at + 1 and (v.folded[i - 1] == 46 or v.folded[i - 1] == 45 or v.folded[i - 1] == 32):
        i -= 1
    return i


@kernel
def _address(v: Letters, at: int, out: Records) -> int:
    """The address or handle around the at sign; 1 if there is one."""
    spaced = _is_blank(v, at - 1) and _is_blank(v, at + 1)
    start, end = _left(v, at, spaced), _right(v, at, spaced)
    while start < at and (v.folded[start] == 46 or v.folded[start] == 39 or v.folded[start] == 32):
        start += 1
    if end <= at + (2 if spaced else 1):
        return 0
    out[0].start = start
    out[0].end = end
    out[0].what = EMAIL
    if start >= at - (1 if spaced else 0):
        if spaced or _is(v, at - 1, _WORD):
            return 0
        out[0].start = at + 1
        out[0].what = HANDLE
    elif spaced:
        end = _domain_end(v, at + 2, end)
        out[0].end = end
        return 1 if end > 0 else 0
    return 1


@small_kernel
def _is_blank(v: Letters, i: int) -> bool:
    return 0 <= i < len(v.folded) and v.folded[i] == 32


@small_kernel
def _has_dot(v: Letters, i: int, end: int) -> bool:
    while i < end and v.folded[i] != 46:
        i += 1
    return i < end


@small_kernel
def _domain_end(v: Letters, start: int, end: int) -> int:
    """Where the last label of two letters behind a dot ends, 0 if nowhere: 18.5 and 9.30am are no domains."""
    i = end
    while i > start:
        first = i
        while first > start and v.folded[first - 1] >= 97:
            first -= 1
        if i - first >= 2 and not _is(v, first - 1, _DIGIT) and _has_dot(v, start, first):
            return i
        i = min(first, i - 1)
    return 0


@kernel
def _guid(v: Letters, i: int) -> bool:
    """Whether 8-4-4-4-12 hex digits stand at i, alone."""
    if i + 36 > len(v.folded) or v.folded[i + 8] != 45 or _is(v, i - 1, _WORD) or _is(v, i + 36, _WORD):
        return False
    for k in range(36):
        if k == 8 or k == 13 or k == 18 or k == 23:
            if v.folded[i + k] != 45:
                return False
        elif not CLASSES[v.folded[i + k]] & _HEX:
            return False
    return True


@kernel
def _cluster(v: Letters, i: int, out: Records) -> int:
    """The digit cluster at i: digits with at most two signs between; where it ends."""
    end, count, j = i, 0, i
    while j < len(v.folded):
        if CLASSES[v.folded[j]] & _DIGIT:
            count += 1
            j += 1
            end = j
        elif CLASSES[v.folded[j]] & _GAP and j - end < 2 and j - i < CLUSTER_LIMIT:
            j += 1
        else:
            break
    start = i
    while start > 0 and i - start < 2 and (v.folded[start - 1] == 40 or v.folded[start - 1] == 43):
        start -= 1
    out[0].start = start
    out[0].end = end
    out[0].what = CLUSTER if count >= 5 else 0
    return end


@kernel
def _host(v: Letters, i: int, out: Records) -> int:
    """The host that begins at i; 1 if there is one."""
    end = i
    while end < len(v.folded) and end - i < DOMAIN_LIMIT and _is(v, end, _DOMAIN):
        end += 1
    if end < len(v.folded) and v.folded[end] == 64:  # what stood there is a user name; the host follows
        return 0
    while end > i and v.folded[end - 1] == 46:
        end -= 1
    out[0].start = i
    out[0].end = end
    out[0].what = HOST
    return 1 if end > i else 0


@kernel
def _in_gap(v: Letters, gap: tuple[int, int], out: Records, count: int) -> int:
    """Write what signs between two parts announce: addresses and handles, hosts."""
    for i in range(gap[0], gap[1]):
        byte = v.folded[i]
        if byte == 64:
            count += _address(v, i, out[count : count + 1])
        elif byte == 47 and i > 1 and v.folded[i - 1] == 47 and v.folded[i - 2] == 58:
            count += _host(v, i + 1, out[count : count + 1])
    return count


@kernel
def _candidates(v: Letters, parts: Records, out: Records) -> int:
    """Write candidates in order of their first sign; their number."""
    count = done = 0  # what a candidate has taken is not looked at again
    for p in range(len(parts)):
        start = parts[p].start
        count = _in_gap(v, (max(done, parts[p - 1].end if p else 0), start), out, count)
        if start < done:
            continue
        if (
            CLASSES[v.folded[start]] & _HEX
            and start + 36 <= len(v.folded)
            and v.folded[start + 8] == 45
            and _guid(v, start)
        ):
            out[count].start = start
            out[count].end = done = start + 36
            out[count].what = GUID
            count += 1
        elif parts[p].flags & DIGITS and not _is(v, start - 1, _DIGIT):
            done = _cluster(v, start, out[count : count + 1])
            count += 1 if out[count].what else 0
    return _in_gap(v, (max(done, parts[len(parts) - 1].end if len(parts) else 0), len(v.folded)), out, count)


def candidates(letters: Letters, parts: Records) -> Records:
    """Where addresses, handles, GUIDs, hosts and digit clusters may stand."""
    out = np.empty(len(letters.folded) // 2 + 8, CANDIDATE)
    return out[: _candidates(letters, parts, out)]


# ---- what a digit cluster is
_DATE = re.compile(
    r"(?<!\d)(?<!\d[./-])(?:(?:19|20)\d\d([-/.])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])([-/.])(?:0?[1-9]|[12]\d|3[01])\2(?:(?:19|20)\d\d|\d\d))(?![./-]?\d)"
)
_IP = re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])")
_SSN = re.compile(r"(?<!\d)\d{3}[- ]\d\d[- ]\d{4}(?!\d)")
_US_PHONE = re.compile(r"(?<!\d)(?:(?:\+|00)?1[-. ]?)?(?:\(\d{3}\) ?|\d{3}[-. /])\d{3}[-. ]?\d{4}(?!\d)")
_LOCAL_PHONE = re.compile(r"(?<![\d.])\d{3}-\d{4}(?![\d.])")
_SINGLE_DIGITS = re.compile(r"(?<!\d)\d(?:[ .-]\d){6,14}(?!\d)")
_PAIRS = re.compile(r"(?<!\d)\+?\d{2,4}(?:[ .-]\d\d){4}(?!\d)")
_PLUS = re.compile(r"\+\d[\d .()/-]{6,22}\d")
_AREA = re.compile(r"\(\d{2,5}\)[ -]?\d{2,4}(?:[ -]\d{2,4}){1,3}(?!\d)")
_TRUNK = re.compile(r"(?<!\d)\(?0\d[\d .()/-]{6,16}\d(?!\d)")
_GROUPS = re.compile(r"(?<!\d)(?!(?:(?:19|20)\d\d[ -]?){3,})\d{2,4}(?:[ -]\d{2,4}){2,}(?!\d)")
_LONG = re.compile(  # also 12345/94, 1234/05, 123/05 and 2004/351, as courts and offices number
    r"\d{5,}(?:/\d\d(?!\d))?|(?<![\d./-])(?:(?!(?:19|20)\d\d/)\d{4}/\d\d|\d{3}/0\d|(?:19|20)\d\d/\d{3,6})(?![\d/-])"
)
Found = tuple[int, int, str]


_CARD = re.compile(
    r"(?<!\d)(?:3[47]\d{2}[ -]?\d{6}[ -]?\d{5}|\d{4}(?:[ -]?\d{4}){2}(?:[ -]?\d{1,4}(?:[ -]?\d{1,3})?)?"
    r"|3[068]\d\d[ -]?\d{6}[ -]?\d{4})(?!\d)"
)
_SHAPED = (
    (_IP, "ip"),
    (_SSN, "id"),
    (_US_PHONE, "phone"),
    (_SINGLE_DIGITS, "phone"),
    (_PLUS, "phone"),
    (_TRUNK, "phone"),
    (_AREA, "phone"),
    (_PAIRS, "phone"),
    (_LOCAL_PHONE, "phone"),
)
_NUMBERS = (_GROUPS, _LONG)


def _proved(text: str) -> list[Found]:
    """Cards and national numbers: what a check digit proves."""
    cards = (hit for hit in _CARD.finditer(text) if is_card("".join(c for c in hit[0] if c.isdigit())))
    return [(*hit.span(), "card") for hit in cards] + [(start, end, "id") for start, end, _ in formed_in(text)]


_FEW = 6  # digits: two groups of so many in all have no form but a number's


def _plain_numbers(text: str) -> list[Found] | None:
    """Of the commonest clusters, where no form can hold, what read_cluster says; None: read it."""
    if text[:1] in {"0", "+", "("}:
        return None
    if text.isdecimal():
        return [(0, len(text), "number")] if 5 <= len(text) <= 11 else None
    first, blank, second = text.partition(" ")
    if not blank or len(text) > _FEW + 1 or not (first.isdecimal() and second.isdecimal()):
        return None
    if len(first) >= 5:
        return [(0, len(first), "number")]
    return [(len(first) + 1, len(text), "number")] if len(second) >= 5 else []


def read_cluster(text: str) -> list[Found]:
    """What stands in a digit cluster: (start, end, kind), disjoint; a plain date is not listed."""
    plain = _plain_numbers(text)
    return _read_cluster(text) if plain is None else plain


def _read_cluster(text: str) -> list[Found]:
    taken = bytearray(len(text))
    found: list[Found] = []
    for start, end, kind in _proved(text):
        _take(found, taken, (start, end), kind)
    for hit in _DATE.finditer(text):
        _take([], taken, hit.span(), "date")
    for pattern, kind in _SHAPED:
        for hit in pattern.finditer(text):
            _take(found, taken, hit.span(), kind)
    if not any(taken):  # a plan is asked only where no shape has answered
        for span in phones_in(text):
            _take(found, taken, span, "phone")
    for pattern in _NUMBERS:
        for hit in pattern.finditer(text):
            _take(found, taken, hit.span(), "number")
    return found


def _take(found: list[Found], taken: bytearray, span: tuple[int, int], kind: str) -> None:
    start, end = span
    if not any(taken[start:end]):
        taken[start:end] = b"\1" * (end - start)
        found.append((start, end, kind))
