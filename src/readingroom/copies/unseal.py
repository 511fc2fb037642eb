"""Unsealing: a sealed part back into rows, or SealFault; the gate in `access` is the one door to it (house rule 3).

Rule 1: nothing of a part is believed before it is authenticated: what comes out is what went in, or SealFault. A plain
Parquet file, another part's bytes, a changed byte and a cut file all end so. (Parquet leaves a few bytes that say
nothing unauthenticated, and ignores bytes that no footer names: that a file is the very same is what the SHA-256 in
the manifest tells.)
Rule 2: Arrow's messages never leave: they may quote what stands in the file.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.parquet import encryption

from readingroom.copies.seal import MAGIC
from readingroom.core.errors import SealFault

_SHUT: Final = "a part does not open: it is corrupt, or belongs elsewhere"


def read_part(data: bytes, key: bytes, aad: bytes, *, columns: Sequence[str] | None = None) -> pa.Table:
    """All rows of a part, of `columns` or all; SealFault if it is not the part that `aad` says."""
    with _ours():
        file = _open(data, key, aad)
        _check_columns(file, columns)
        return file.read(columns=_list(columns), use_threads=False)


def iter_batches(
    data: bytes, key: bytes, aad: bytes, *, columns: Sequence[str] | None = None, rows: int = 8192
) -> Iterator[pa.RecordBatch]:
    """The rows of a part in batches of at most `rows`, one row group in memory at a time.

    A changed byte in a later row group is found when that group is read: who must not act on a part that is corrupt
    further on reads it whole.
    """
    with _ours():
        file = _open(data, key, aad)
        _check_columns(file, columns)
    for group in range(file.metadata.num_row_groups):  # asked for all at once, Arrow would join small groups
        with _ours():
            table = file.read_row_group(group, columns=_list(columns), use_threads=False)
        yield from table.to_batches(max_chunksize=rows)


def take_rows(data: bytes, key: bytes, aad: bytes, *, rows: Sequence[int]) -> pa.Table:
    """The rows at the positions `rows`, in that order; only the row groups that hold them are decrypted."""
    with _ours():
        file = _open(data, key, aad)
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
        starts = list(accumulate(sizes, initial=0))
        if any(not 0 <= row < starts[-1] for row in rows):
            raise SealFault("the part has fewer rows than asked for")
        homes = [bisect_right(starts, row) - 1 for row in rows]
        groups = sorted(set(homes))
        offsets = dict(zip(groups, accumulate((sizes[group] for group in groups), initial=0), strict=False))
        places = [offsets[home] + row - starts[home] for home, row in zip(homes, rows, strict=True)]
        return file.read_row_groups(groups, use_threads=False).take(pa.array(places, pa.int64()))


def count_rows(data: bytes, key: bytes, aad: bytes) -> int:
    """How many rows a part has, by its authenticated footer."""
    with _ours():
        return int(_open(data, key, aad).metadata.num_rows)


def _open(data: bytes, key: bytes, aad: bytes) -> pq.ParquetFile:
    if not data.startswith(MAGIC):  # Arrow does not look
        raise SealFault(_SHUT)
    properties = encryption.create_decryption_properties(
        key, aad_prefix=aad, check_footer_integrity=True, allow_plaintext_files=False
    )
    return pq.ParquetFile(pa.BufferReader(data), decryption_properties=properties)


def _check_columns(file: pq.ParquetFile, columns: Sequence[str] | None) -> None:
    if columns is not None and not set(columns) <= set(file.schema_arrow.names):
        raise SealFault("the part has no column of that name")


def _list(columns: Sequence[str] | None) -> list[str] | None:
    return None if columns is None else list(columns)


@contextmanager
def _ours() -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError):
        raise SealFault(_SHUT) from None
