# ruff: noqa: FBT001, PLR0917 - kernels: numba takes arrays by position and compiles no sets
"""Findings painted on the bytes they stand on: what overlaps is masked once, and everything found is masked.

Rule 1: the union of all findings is masked, whoever wins where two overlap.
Rule 2: a later kind in KINDS paints over an earlier one; of one kind, the longer paints over the shorter.
Rule 3: a finding paints letters, not the tags between them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from readingroom.anonymize.kernels import I32, I64, U64, kernel, small_kernel
from readingroom.anonymize.tokens import Records
from readingroom.anonymize.views import BLOB, Letters

(
    RARE,
    NUMBER,
    CODE,
    HOST,
    PLACE,
    NAME,
    DATE,
    IP,
    SECRET,
    HANDLE,
    ORG,
    ADDRESS,
    ID,
    IBAN,
    CARD,
    PHONE,
    PERSON,
    RECORD,
    EMAIL,
) = range(19)
KINDS = (
    *("rare", "number", "number", "host", "place", "person", "date", "ip", "secret", "person", "org", "address", "id"),
    *("iban", "card", "phone", "person", "record", "email"),
)
LABELS = (
    *("RARE", "NUMBER", "CODE", "HOST", "PLACE", "PERSON", "DATE", "IP", "SECRET", "PERSON", "ORG", "ADDRESS", "ID"),
    *("IBAN", "CARD", "PHONE", "PERSON", "RECORD", "EMAIL"),
)
FINDING = np.dtype([("start", "i4"), ("end", "i4"), ("entry", "i4"), ("kind", "i4")], align=True)
NOTHING, CUT = -1, -2
Bools = npt.NDArray[np.bool_]
PLAIN = np.isin(
    np.arange(len(KINDS)), (RARE, NUMBER, CODE, DATE)
)  # kinds with one text for all: nothing to tell apart, unless it is known whose they are
_KIND_AT, _SIZE_AT = np.uint64(59), np.uint64(31)  # in the key by which findings are ordered: kind, size, start
_LONGEST = (1 << 28) - 1


def findings(spans: Records, kinds: np.ndarray, entries: np.ndarray) -> Records:
    """Records with start and end as findings."""
    found = np.empty(len(spans), FINDING)
    found["start"], found["end"] = spans["start"], spans["end"]
    found["kind"], found["entry"] = kinds, entries
    return found


def in_order(found: list[Records]) -> Records:
    """All findings, in the order in which they begin: what reads them reads the letters from front to back."""
    together = np.concatenate([np.empty(0, FINDING), *found])
    together = together[together["end"] > together["start"]]
    return together[np.argsort(together["start"], kind="stable")]


def _strengths(found: Records) -> U64:
    """What paints over what (rule 2): the kind, the size, then where it begins."""
    size = np.minimum(found["end"] - found["start"], _LONGEST).astype(np.uint64)
    kind, start = found["kind"].astype(np.uint64), found["start"].astype(np.uint64)
    strengths: U64 = kind << _KIND_AT | size << _SIZE_AT | start
    return strengths


@kernel
def _paint_opaque(letters: Letters, found: Records, weakest_first: I64, labels: I32, owner: I32) -> None:
    """Findings inside opaque tokens: of one kind the first stands for all, since each paints the whole token."""
    for f in weakest_first:
        for k in range(found[f].start, found[f].end):
            start = letters.start[k]
            before = labels[start]
            if before >= 0 and found[before].kind == found[f].kind:
                owner[f] = before
                continue
            for byte in range(start, letters.end[k]):
                labels[byte] = f


@small_kernel
def _over(labels: I32, start: int, end: int, f: int, strengths: U64) -> None:
    for byte in range(start, end):
        if labels[byte] < 0 or strengths[labels[byte]] <= strengths[f]:
            labels[byte] = f


@kernel
def _paint(letters: Letters, strengths: U64, found: Records, solid: bool, labels: I32) -> None:
    """Write the number of the strongest finding on every byte."""
    for f in range(len(found)):
        first, last = found[f].start, found[f].end - 1
        if letters.flags[first] & BLOB:
            continue
        if solid:
            _over(labels, letters.start[first], letters.end[last], f, strengths)
            continue
        for k in range(first, last + 1):
            _over(labels, letters.start[k], letters.end[k], f, strengths)


@kernel
def _cut(labels: I32, cuts: I64) -> None:
    for k in range(len(cuts)):
        for byte in range(cuts[k, 0], cuts[k, 1]):
            labels[byte] = CUT


@kernel
def _see(letters: Letters, found: Records, labels: I32, seen: Bools) -> None:
    for f in range(len(found)):
        k, end = found[f].start, found[f].end
        if PLAIN[found[f].kind] and found[f].entry < 0:
            seen[f] = False
            continue
        while k < end and labels[letters.start[k]] != f:
            k += 1
        seen[f] = k < end


def seen_of(letters: Letters, found: Records, labels: I32, owner: I32) -> Bools:
    """Which findings are to be told apart and shown: they, or the finding that stands for them, won somewhere."""
    seen = np.empty(len(found), np.bool_)
    _see(letters, found, labels, seen)
    shown: Bools = seen[owner]
    return shown


def paint(letters: Letters, found: Records, cuts: I64, size: int, *, solid: bool) -> tuple[I32, I32]:
    """(labels, owners): for each of `size` bytes the finding on it; for each finding the one shown in its place.

    In a `solid` text, one without tags, all bytes between two letters belong to the letters between them.
    """
    labels = np.full(size, NOTHING, np.int32)
    owner = np.arange(len(found), dtype=np.int32)
    strengths = _strengths(found)
    opaque = np.flatnonzero(letters.flags[found["start"]] & BLOB)
    if len(opaque):
        weakest_first = opaque[np.argsort(strengths[opaque], kind="stable")].astype(np.int64)
        _paint_opaque(letters, found, weakest_first, labels, owner)
    _paint(letters, strengths, found, solid, labels)
    _cut(labels, cuts)
    return labels, owner
