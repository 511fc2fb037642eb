"""Take subjects out of a batch by their tags: rows go, spans are replaced, every other tag still points right. Pure.

One function serves the copy run (people on the withheld list) and the rewrite of a sealed part (erasure), so that
both mean the same by it (P16). A span that only partly overlaps a withdrawn one goes with it: a placeholder is never
cut in half, and erasure rather takes too much than too little.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.tagging import TAG

MARK: Final = "[WITHHELD]"
WHOLE_ROW: Final = ("row", "record")  # roles whose row belongs to the subject
Interval = tuple[int, int]


@dataclass(frozen=True)
class Withdrawn:
    """A batch without the withdrawn subjects; `kept` are the positions of its rows in the batch that came in."""

    batch: pa.RecordBatch
    tags: pa.Table
    kept: npt.NDArray[np.int64]
    rows: int  # removed
    cells: int  # changed
    spans: int  # replaced


def holds_any(tags: pa.Table, gone: Iterable[bytes]) -> npt.NDArray[np.bool_]:
    """Which tag rows carry one of the tags `gone`."""
    wanted = pa.array(sorted(gone), TAG)
    found = pc.is_in(tags["tag"].cast(TAG), value_set=wanted)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.bool_)


def withdraw(batch: pa.RecordBatch, tags: pa.Table, *, gone: frozenset[bytes]) -> Withdrawn:
    """`batch` and its `tags` without every row and span that carries a tag of `gone`."""
    hit = holds_any(tags, gone) if gone and tags.num_rows else np.zeros(tags.num_rows, np.bool_)
    if not hit.any():
        return Withdrawn(batch, tags, np.arange(batch.num_rows, dtype=np.int64), rows=0, cells=0, spans=0)
    row = tags["row"].to_numpy().astype(np.int64)
    keep = np.ones(batch.num_rows, np.bool_)
    keep[row[hit & _whole(tags)]] = False
    cells = _cells(tags, hit & keep[row])
    batch, tags, spans = _replace(batch, tags, cells)
    batch, tags = _drop_rows(batch, tags, keep)
    return Withdrawn(batch, tags, np.flatnonzero(keep), rows=int((~keep).sum()), cells=len(cells), spans=spans)


def replace_spans(text: bytes, spans: Sequence[Interval], *, mark: bytes) -> bytes:
    """`text` with each of the disjoint, ordered `spans` replaced by `mark`."""
    pieces, at = [], 0
    for start, end in spans:
        pieces += [text[at:start], mark]
        at = end
    return b"".join([*pieces, text[at:]])


def closed(spans: Iterable[Interval], others: Iterable[Interval]) -> list[Interval]:
    """The union of `spans`, grown over every one of `others` that it only partly overlaps; disjoint and in order."""
    grown, rest = merged(spans), set(others)
    while True:
        cut = {o for o in rest if any(_partly(o, span) for span in grown)}
        if not cut:
            return grown
        rest -= cut
        grown = merged([*grown, *cut])


def merged(spans: Iterable[Interval]) -> list[Interval]:
    """The union of `spans` as disjoint intervals in order."""
    union: list[Interval] = []
    for start, end in sorted(spans):
        if union and start < union[-1][1]:
            union[-1] = (union[-1][0], max(end, union[-1][1]))
        else:
            union.append((start, end))
    return union


def _partly(other: Interval, span: Interval) -> bool:
    overlaps = other[0] < span[1] and span[0] < other[1]
    inside = span[0] <= other[0] and other[1] <= span[1]
    around = other[0] <= span[0] and span[1] <= other[1]
    return overlaps and not inside and not around


def _whole(tags: pa.Table) -> npt.NDArray[np.bool_]:
    role = pc.is_in(tags["role"].cast(pa.string()), value_set=pa.array(WHOLE_ROW, pa.string()))
    bare = pc.equal(tags["column"].cast(pa.string()), "")
    return np.asarray(pc.or_(role, bare).to_numpy(zero_copy_only=False), dtype=np.bool_)


@dataclass
class _Cell:
    """The tag rows of one cell: all of them, and the intervals that must go (None: the whole cell)."""

    members: list[int]
    gone: list[Interval]
    whole: bool = False


def _cells(tags: pa.Table, hit: npt.NDArray[np.bool_]) -> dict[tuple[str, int], _Cell]:
    """The cells that lose a span, with every tag row that lies in them."""
    row, column = tags["row"].to_pylist(), tags["column"].to_pylist()
    start, end = tags["start"].to_pylist(), tags["end"].to_pylist()
    cells: dict[tuple[str, int], _Cell] = defaultdict(lambda: _Cell([], []))
    for at in np.flatnonzero(hit).tolist():
        cell = cells[column[at], row[at]]
        cell.whole |= start[at] < 0
        cell.gone.append((start[at], end[at]))
    touched = np.isin(tags["row"].to_numpy(), [r for _, r in cells])
    for at in np.flatnonzero(touched).tolist():
        found = cells.get((column[at], row[at]))
        if found is not None:
            found.members.append(at)
    return dict(cells)


def _replace(
    batch: pa.RecordBatch, tags: pa.Table, cells: dict[tuple[str, int], _Cell]
) -> tuple[pa.RecordBatch, pa.Table, int]:
    start = tags["start"].to_numpy().astype(np.int64).copy()
    end = tags["end"].to_numpy().astype(np.int64).copy()
    stays = np.ones(tags.num_rows, np.bool_)
    replaced = 0
    changed: dict[str, dict[int, bytes | None]] = defaultdict(dict)
    for (name, row), cell in cells.items():
        text = _text(batch, name, row)
        if cell.whole or text is None:
            changed[name][row] = None
            stays[cell.members] = False
            replaced += 1
            continue
        spans = closed(cell.gone, [(int(start[m]), int(end[m])) for m in cell.members if start[m] >= 0])
        changed[name][row] = replace_spans(text, spans, mark=MARK.encode())
        replaced += len(spans)
        for member in cell.members:
            moved = _moved((int(start[member]), int(end[member])), spans)
            stays[member] = moved is not None
            start[member], end[member] = moved or (-1, -1)
    for name, values in changed.items():
        at = batch.schema.get_field_index(name)
        batch = batch.set_column(at, batch.schema.field(at), _with(batch.column(at), values))
    tags = tags.set_column(2, "start", pa.array(start, pa.int32())).set_column(3, "end", pa.array(end, pa.int32()))
    return batch, tags.filter(pa.array(stays)), replaced


def _moved(tag: Interval, spans: Sequence[Interval]) -> Interval | None:
    """Where `tag` lies after the replacement; None if it went with a span. A tag of the whole cell stays one."""
    if tag[0] < 0:
        return tag
    start, end = tag
    shift_start = shift_end = 0
    for low, high in spans:
        if low <= start and end <= high:
            return None
        growth = len(MARK) - (high - low)
        shift_start += growth if high <= start else 0
        shift_end += growth if high <= end else 0
    return start + shift_start, end + shift_end


def _text(batch: pa.RecordBatch, name: str, row: int) -> bytes | None:
    column = batch.column(name)
    kind = column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return None
    value = column[row].as_py()
    return None if value is None else value.encode()


def _with(column: pa.Array, values: dict[int, bytes | None]) -> pa.Array:
    rows = sorted(values)
    mask = np.zeros(len(column), np.bool_)
    mask[rows] = True
    fresh = [None if (value := values[row]) is None else value.decode(errors="replace") for row in rows]
    return pc.replace_with_mask(column, pa.array(mask), pa.array(fresh, column.type))


def _drop_rows(batch: pa.RecordBatch, tags: pa.Table, keep: npt.NDArray[np.bool_]) -> tuple[pa.RecordBatch, pa.Table]:
    if keep.all():
        return batch, tags
    row = tags["row"].to_numpy().astype(np.int64)
    renumbered = np.cumsum(keep) - 1
    stays = pa.array(keep[row])
    tags = tags.set_column(0, "row", pa.array(renumbered[row], pa.int32())).filter(stays)
    return batch.filter(pa.array(keep)), tags
