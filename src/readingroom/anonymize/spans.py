# ruff: noqa: FBT001, PLR0917 - kernels: numba takes arrays by position and compiles no sets
"""Findings painted on the bytes they stand on: what overlaps is masked once, and everything found is masked.

Rule 1: the union of all findings is masked, whoever wins where two overlap.
Rule 2: a later kind in KINDS paints over an earlier one; of one kind, the longer paints over the shorter.
Rule 3: a finding paints letters, not the tags between them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from readingroom.anonymize.kernels import I32, I64, kernel
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
    """All findings, the weakest first."""
    together = np.concatenate([np.empty(0, FINDING), *found])
    start, size = together["start"].astype(np.uint64), (together["end"] - together["start"]).astype(np.int64)
    if np.any(size <= 0):
        kept = size > 0
        together, start, size = together[kept], start[kept], size[kept]
    key = together["kind"].astype(np.uint64) << _KIND_AT | np.minimum(size, _LONGEST).astype(np.uint64) << _SIZE_AT
    return together[np.argsort(key | start, kind="stable")]


@kernel
def _paint(letters: Letters, found: Records, solid: bool, labels: I32, owner: I32) -> None:
    """Write the number of the winning finding on every byte; owner[f]: the finding that stands for f."""
    for f in range(len(found)):
        owner[f] = f
        if solid and not letters.flags[found[f].start] & BLOB:
            for byte in range(letters.start[found[f].start], letters.end[found[f].end - 1]):
                labels[byte] = f
            continue
        last_start, last_end = -1, -1
        for k in range(found[f].start, found[f].end):
            start, end = letters.start[k], letters.end[k]
            if start == last_start and end == last_end:
                continue
            last_start, last_end = start, end
            if letters.flags[k] & BLOB and labels[start] >= 0:
                before = labels[start]
                if found[before].kind == found[f].kind and letters.flags[found[before].start] & BLOB:
                    owner[f] = before
                    continue
            for byte in range(start, end):
                labels[byte] = f


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
    owner = np.empty(len(found), np.int32)
    _paint(letters, found, solid, labels, owner)
    _cut(labels, cuts)
    return labels, owner
