"""Tags: where in a transformed batch each identifier stands, as arrays from the first row to the last.

Rule 1: a tag is a keyed hash (normalize.subject_tag); no table here holds a readable identifier (P16).
Rule 2: `start` and `end` are byte offsets in the output cell (UTF-8); -1 and column "" mean the whole row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

TAG = pa.binary(16)
TAGS = pa.schema(
    [
        ("row", pa.int32()),
        ("column", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("kind", pa.string()),
        ("tag", TAG),
        ("role", pa.string()),
    ]
)
LINKS = pa.schema([("person", TAG), ("kind", pa.string()), ("tag", TAG)])


@dataclass
class TagList:
    """Collects the tags of one batch."""

    _tables: list[pa.Table] = field(default_factory=list)

    def rows(self, tags: pa.Array, *, kind: str, role: str) -> None:
        """One tag for each row whose tag is not null: the whole row."""
        where = np.flatnonzero(tags.is_valid().to_numpy(zero_copy_only=False))
        whole = np.full(len(where), -1)
        self._add(where, whole, whole, tags=tags.take(pa.array(where)), labels=("", kind, role))

    def cells(self, tags: pa.Array, output: pa.Array, *, column: str, kind: str, role: str) -> None:
        """One tag for each row whose tag is not null: the whole output cell."""
        where = np.flatnonzero(tags.is_valid().to_numpy(zero_copy_only=False))
        ends = pc.fill_null(pc.binary_length(output), 0).to_numpy(zero_copy_only=False)[where]
        self._add(where, np.zeros(len(where)), ends, tags=tags.take(pa.array(where)), labels=(column, kind, role))

    def spans(self, spans: pa.Table, *, column: str, role: str | None = None) -> None:
        """The spans (row, start, end, kind, tag, role) of a rewritten column; those without a tag are left out."""
        spans = spans.filter(pc.is_valid(spans["tag"]))
        if not spans.num_rows:
            return
        roles = spans["role"] if role is None else pa.array([role] * spans.num_rows)
        columns = pa.array([column] * spans.num_rows, pa.string())
        arrays = [spans["row"], columns, spans["start"], spans["end"], spans["kind"], spans["tag"], roles]
        self._tables.append(pa.table(arrays, names=TAGS.names).cast(TAGS))

    def table(self) -> pa.Table:
        """Everything collected, in order of rows."""
        if not self._tables:
            return TAGS.empty_table()
        # one identifier may stand in several columns of a row; the row belongs to it once
        whole = pa.concat_tables(self._tables).group_by(TAGS.names).aggregate([]).combine_chunks()
        return whole.sort_by([("row", "ascending"), ("column", "ascending"), ("start", "ascending")])

    def _add(
        self, rows: np.ndarray, starts: np.ndarray, ends: np.ndarray, *, tags: pa.Array, labels: tuple[str, str, str]
    ) -> None:
        if not len(rows):
            return
        column, kind, role = (pa.array([label] * len(rows), pa.string()) for label in labels)
        arrays = [pa.array(a.astype(np.int32)) for a in (rows, starts, ends)]
        tags = tags.cast(TAG)
        self._tables.append(pa.table([arrays[0], column, *arrays[1:], kind, tags, role], schema=TAGS))


def links(person: pa.Array, tags: Iterable[tuple[str, pa.Array]]) -> pa.Table:
    """The rows (person, kind, tag) that say which tags are one person; nulls on either side are left out."""
    tables = []
    for kind, array in tags:
        both = pc.and_(pc.is_valid(person), pc.is_valid(array))
        left, right = person.filter(both).cast(TAG), array.filter(both).cast(TAG)
        tables.append(pa.table([left, pa.array([kind] * len(left), pa.string()), right], schema=LINKS))
    return pa.concat_tables(tables).combine_chunks() if tables else LINKS.empty_table()
