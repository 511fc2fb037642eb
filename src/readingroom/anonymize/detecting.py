"""Detection: where the text engine would mask, told in the offsets of the text that came in; nothing is rewritten.

Rule 1: there is one code path: a span here is what `TextEngine.look` painted, no more and no less.
Rule 2: spans are disjoint, in order, inside their row, and on whole characters.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize import spans
from readingroom.anonymize.finders import Finder
from readingroom.anonymize.kernels import I64
from readingroom.anonymize.known import Known
from readingroom.anonymize.opened import Extras, OpenTextEngine
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.rare import Vocabulary
from readingroom.anonymize.reading import blocks, buffers
from readingroom.anonymize.texts import MARKUPS, Painted
from readingroom.anonymize.textual import Column, text_cells
from readingroom.core.errors import Fault, Refusal, UsageError

FOUND = pa.schema([("row", pa.int32()), ("start", pa.int32()), ("end", pa.int32()), ("kind", pa.string())])
BRIDGE = 2  # signs, but no letter or digit, that may stand between two spans of one kind which are one to a reader
_NAMES = {
    spans.RARE: "RARE",
    spans.NUMBER: "RARE",
    spans.CODE: "RARE",
    spans.HOST: "URL",
    spans.PLACE: "LOCATION",
    spans.NAME: "PERSON",
    spans.DATE: "DATE",
    spans.IP: "IP",
    spans.SECRET: "RARE",
    spans.HANDLE: "PERSON",
    spans.ORG: "ORG",
    spans.ADDRESS: "ADDRESS",
    spans.ID: "ID",
    spans.IBAN: "IBAN",
    spans.CARD: "CREDIT_CARD",
    spans.PHONE: "PHONE",
    spans.PERSON: "PERSON",
    spans.RECORD: "ID",
    spans.EMAIL: "EMAIL",
}
LABELS = sorted(set(_NAMES.values()))
_NUMBER = np.array([LABELS.index(_NAMES[kind]) for kind in range(len(_NAMES))], np.int32)
_JOINS = [LABELS.index(name) for name in ("PERSON", "ORG", "LOCATION", "ADDRESS", "DATE")]
_BLANKS = np.zeros(256, bool)
_BLANKS[list(b" ,.'-")] = True


class Detector:
    """Tells what the engine finds in texts."""

    def __init__(
        self, known: Known, vocabulary: Vocabulary, profile: str = "balanced", *, finders: Sequence[Finder] = ()
    ) -> None:
        self._engine = OpenTextEngine(known, vocabulary, Pseudonyms(b""), b"", profile, Extras(finders))

    def spans(self, cells: Column, markup: str = "plain") -> pa.Table:
        """Every span (FOUND) of `cells`, a column of texts of any type; offsets are bytes of the cell in UTF-8."""
        if markup not in MARKUPS:
            raise UsageError(f"markup is one of {', '.join(MARKUPS)}")
        cells = text_cells(cells)
        filled = pc.fill_null(cells, "") if cells.null_count else cells
        tables = [FOUND.empty_table()]
        for start, block in blocks(filled):
            try:
                found = _spans_of(self._engine.look(block, markup, quasi=True))
            except Refusal:  # a finder's, which names it and no content
                raise
            except Exception:  # noqa: BLE001 - whatever it is, its text may hold a cell's content
                raise Fault(f"detection failed on a block of {len(block)} cells ({markup})") from None
            tables.append(found.set_column(0, "row", pc.add(found["row"], pa.scalar(start, pa.int32()))))
        return pa.concat_tables(tables).combine_chunks()


def in_code_points(cells: Column, found: pa.Table) -> pa.Table:
    """The same spans with start and end in code points."""
    cells = text_cells(cells)
    source, offsets = buffers(pc.fill_null(cells, "") if cells.null_count else cells)
    before = np.zeros(len(source) + 1, np.int64)
    np.cumsum((source & 0xC0) != 0x80, out=before[1:])
    base = offsets[found["row"].to_numpy()]
    for name in ("start", "end"):
        points = before[base + found[name].to_numpy()] - before[base]
        found = found.set_column(found.schema.get_field_index(name), name, pa.array(points, pa.int32()))
    return found


def _spans_of(painted: Painted) -> pa.Table:
    """Runs of bytes with one label, put together where a reader would see one."""
    labels = np.append(painted.labels, -1)
    border = np.flatnonzero(np.diff(labels, prepend=-1))
    which = labels[border[:-1]] if len(border) else labels[:0]
    start, end = border[:-1][which >= 0], border[1:][which >= 0]
    found = painted.hits.found["kind"][which[which >= 0]]
    kind = _NUMBER[found] if len(found) else found
    row = np.searchsorted(painted.offsets, start, side="right") - 1
    fresh = np.ones(len(start), bool)
    if len(start) > 1:
        fresh[1:] = (kind[1:] != kind[:-1]) | (row[1:] != row[:-1]) | ~_bridged(painted, kind, (end[:-1], start[1:]))
    first = np.flatnonzero(fresh)
    last = np.append(first[1:], len(start))[: len(first)] - 1
    base = painted.offsets[row[first]]
    columns = [
        pa.array(row[first], pa.int32()),
        pa.array(start[first] - base, pa.int32()),
        pa.array(end[last] - base, pa.int32()),
        pa.array(LABELS).take(pa.array(kind[first])).cast(pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=FOUND)


def _bridged(painted: Painted, kind: np.ndarray, gap: tuple[I64, I64]) -> np.ndarray:
    """Whether between two neighbouring spans there is next to nothing: names and places of several words."""
    end, start = gap
    blank = np.zeros(len(painted.source) + 1, np.int64)
    np.cumsum(_BLANKS[painted.source], out=blank[1:])
    size = start - end
    bridged: np.ndarray = (size <= BRIDGE) & (blank[start] - blank[end] == size) & np.isin(kind[1:], _JOINS)
    return bridged
