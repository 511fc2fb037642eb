"""Finders from outside the pipeline: what they tell about cells, brought onto the letters of a block.

Rule 1: what a finder tells is checked before it is believed: rows that exist, offsets inside the cell on whole
characters, labels that there are; anything else refuses, and names the finder (P14: a detector that errs stops).
Rule 2: findings only add; no finder can take another's away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from typing_extensions import override

from readingroom.anonymize import spans
from readingroom.anonymize.kernels import I64
from readingroom.anonymize.reading import buffers
from readingroom.anonymize.spans import FINDING
from readingroom.anonymize.tokens import Records
from readingroom.anonymize.views import BLOB, Letters
from readingroom.core.errors import Refusal

TOLD = pa.schema([("row", pa.int64()), ("start", pa.int64()), ("end", pa.int64()), ("label", pa.string())])
KIND_OF = {
    "PERSON": spans.PERSON,
    "EMAIL": spans.EMAIL,
    "PHONE": spans.PHONE,
    "CREDIT_CARD": spans.CARD,
    "IBAN": spans.IBAN,
    "ID": spans.ID,
    "ADDRESS": spans.ADDRESS,
    "LOCATION": spans.PLACE,
    "DATE": spans.DATE,
    "ORG": spans.ORG,
    "URL": spans.HOST,
    "IP": spans.IP,
    "RARE": spans.RARE,
}


class Detector(Protocol):
    """Finds identifiers in texts; what a plug-in of `readingroom.detectors` makes.

    `labels` are those of KIND_OF that it may tell. `detect` gets whole cells (no nulls, as they are written, markup
    included) and tells spans as a table with the columns of TOLD, start and end in code points of the cell. It keeps
    nothing of what it saw, writes it nowhere, and the same cells give the same spans. It raises what it likes: any
    error stops the run, and its text is not shown.
    """

    @property
    def name(self) -> str:
        """What errors call it."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that it may tell."""
        ...

    def detect(self, texts: pa.LargeStringArray) -> pa.Table:
        """Every span in `texts`."""
        ...


class Finder(Protocol):
    """Finds on the letters of a block."""

    def find(self, block: pa.LargeStringArray, letters: Letters) -> Records:
        """Findings, in letters."""
        ...


@dataclass(frozen=True)
class Whole:
    """Finds that every cell is an identifier of one kind: columns that hold nothing else."""

    kind: int

    def find(self, block: pa.LargeStringArray, letters: Letters) -> Records:
        """Each cell, from its first letter to its last."""
        offsets = buffers(block)[1]
        starts = _readable(letters)
        first = np.searchsorted(starts, offsets[:-1], side="left")
        last = np.searchsorted(starts, offsets[1:], side="left")
        filled = np.flatnonzero(offsets[1:] > offsets[:-1])
        found = np.empty(len(filled), FINDING)
        found["start"], found["end"] = first[filled], last[filled]
        # the wall after the cell before stands where this one begins
        found["start"] += letters.folded[np.minimum(found["start"], len(letters.folded) - 1)] == 0
        found["kind"], found["entry"] = self.kind, -1
        return found


class Told:
    """What a Detector tells, checked and brought onto letters."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def find(self, block: pa.LargeStringArray, letters: Letters) -> Records:
        """The detector's spans as findings; Refusal when it fails or tells nonsense."""
        name = self._detector.name
        try:
            told = self._detector.detect(block)
        except Exception:  # noqa: BLE001 - a plug-in raises what it likes, and its text may hold a cell's content
            raise Refusal(f"detector {name}: it failed on a block of {len(block)} cells") from None
        return on_letters(letters, self._checked(told, block))

    @override
    def __repr__(self) -> str:
        """For people who debug."""
        return f"Told({self._detector.name})"

    def _checked(self, told: object, block: pa.LargeStringArray) -> Records:
        name = self._detector.name
        if isinstance(told, pa.RecordBatch):
            told = pa.Table.from_batches([told])
        if not isinstance(told, pa.Table) or not set(TOLD.names) <= set(told.column_names):
            raise Refusal(f"detector {name}: not a table with the columns {', '.join(TOLD.names)}")
        try:
            table = told.select(TOLD.names).cast(TOLD).combine_chunks()
        except pa.ArrowException:
            raise Refusal(f"detector {name}: row, start and end must be integers, label a text") from None
        if any(table[column].null_count for column in TOLD.names):
            raise Refusal(f"detector {name}: a span with a null")
        row, start, end = (table[column].to_numpy() for column in TOLD.names[:3])
        length = pc.utf8_length(block).to_numpy(zero_copy_only=False)
        if len(row) and (row.min() < 0 or row.max() >= len(block)):
            raise Refusal(f"detector {name}: a row that was not asked for")
        if np.any((start < 0) | (end <= start) | (end > length[row])):
            raise Refusal(f"detector {name}: a span outside its cell, or empty")
        labels = table["label"].to_pylist()
        if strange := set(labels) - (set(self._detector.labels) & set(KIND_OF)):
            raise Refusal(f"detector {name}: {len(strange)} labels that it did not declare or that do not exist")
        return _in_bytes(block, (row, start, end), [KIND_OF[label] for label in labels])


def on_letters(letters: Letters, found: Records) -> Records:
    """Findings in bytes of a block as findings in letters; one that tags part becomes several."""
    starts = _readable(letters)
    order = np.argsort(starts, kind="stable")
    ordered = starts[order]
    made = []
    for start, end, kind in zip(*(found[name].tolist() for name in ("start", "end", "kind")), strict=True):
        first, last = np.searchsorted(ordered, (start, end))
        chosen = np.sort(order[first:last])
        chosen = chosen[letters.end[chosen] > letters.start[chosen]]  # blanks that tags made stand on nothing
        if len(chosen):
            borders = np.flatnonzero(np.diff(chosen) > 1)
            runs = zip(np.append(0, borders + 1).tolist(), np.append(borders, len(chosen) - 1).tolist(), strict=True)
            made += [(int(chosen[a]), int(chosen[b]) + 1, -1, kind) for a, b in runs]
    return np.array(made, FINDING) if made else np.empty(0, FINDING)


def _readable(letters: Letters) -> I64:
    """Where the letters stand that are not decoded from something opaque (those follow after all others)."""
    opaque = np.flatnonzero(letters.flags & BLOB)
    starts: I64 = letters.start[: opaque[0] if len(opaque) else len(letters.folded)].astype(np.int64)
    return starts


def _in_bytes(block: pa.LargeStringArray, told: tuple[I64, I64, I64], kinds: list[int]) -> Records:
    """Spans in code points of their cells as spans in bytes of the block."""
    source, offsets = buffers(block)
    begins = np.append(np.flatnonzero((source & 0xC0) != 0x80), len(source))
    base = np.searchsorted(begins, offsets)
    row, start, end = told
    found = np.empty(len(row), FINDING)
    found["start"], found["end"] = begins[base[row] + start], begins[base[row] + end]
    found["kind"], found["entry"] = kinds, -1
    return found
