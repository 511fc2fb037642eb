"""Columns cut into blocks, and each block read into a view.

Rule 1: a block is some 1 MiB, or one cell; what a block needs is thrown away after it, so memory does not grow.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from readingroom.anonymize.html import html_view
from readingroom.anonymize.kernels import I64, U8
from readingroom.anonymize.views import MODES, Letters, plain_view

BLOCK = 1 << 20  # what a stage needs for it is less than 32 MiB: the allocator keeps that, no page is faulted in again


def buffers(cells: pa.LargeStringArray) -> tuple[U8, I64]:
    """The bytes of a column and its offsets, from 0; a null cell is empty."""
    offsets = np.frombuffer(cells.buffers()[1], np.int64)[cells.offset : cells.offset + len(cells) + 1]
    data = cells.buffers()[2]
    if data is None or not len(cells):
        return np.zeros(0, np.uint8), np.zeros(len(cells) + 1, np.int64)
    source = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]
    return source, offsets - offsets[0]


def blocks(cells: pa.LargeStringArray) -> Iterator[tuple[int, pa.LargeStringArray]]:
    """Slices of about BLOCK bytes, with the row where each begins."""
    if not len(cells):
        return
    offsets = buffers(cells)[1]
    cuts = np.searchsorted(offsets, np.arange(BLOCK, int(offsets[-1]), BLOCK))
    borders = np.unique(np.concatenate(([0], cuts, [len(cells)])))
    for start, end in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True):
        yield start, cells.slice(start, end - start)


def read(block: pa.LargeStringArray, markup: str) -> tuple[Letters, I64, I64]:
    """The view of a block, its offsets, and the parts to cut from the output."""
    source, offsets = buffers(block)
    if markup == "html":
        letters, cuts = html_view(source, offsets)
        return letters, offsets, cuts
    return plain_view(source, offsets, MODES[markup]), offsets, np.zeros((0, 2), np.int64)
