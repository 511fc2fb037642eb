# ruff: noqa: PLR0917 - kernels: numba takes arrays by position and compiles no sets
"""The new column, written once: bytes that nothing paints are copied, each finding becomes its placeholder.

Rule 1: a finding whose bytes lie apart (tags between them) shows its placeholder at the first and nothing at the rest.
Rule 2: placeholders stand on whole characters, so valid UTF-8 stays valid.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from readingroom.anonymize.kernels import I32, I64, U8, kernel


class Placeholders(NamedTuple):
    """Distinct placeholders as one buffer, and which of them each finding shows."""

    data: U8
    offsets: I64
    of_finding: I32


class Written(NamedTuple):
    """Offsets of the new rows; per finding where its placeholder stands in the new buffer (-1: not shown)."""

    rows: I64
    start: I64
    end: I64


@kernel
def _write(src: U8, offsets: I64, labels: I32, p: Placeholders, out: U8, w: Written) -> int:
    size = 0
    w.rows[0] = 0
    for row in range(len(offsets) - 1):
        for i in range(offsets[row], offsets[row + 1]):
            f = labels[i]
            if f == -1:
                out[size] = src[i]
                size += 1
            elif f >= 0 and w.start[f] < 0:
                w.start[f] = size
                which = p.of_finding[f]
                for k in range(p.offsets[which], p.offsets[which + 1]):
                    out[size] = p.data[k]
                    size += 1
                w.end[f] = size
        w.rows[row + 1] = size
    return size


def splice(source: U8, offsets: I64, labels: I32, placeholders: Placeholders) -> tuple[pa.LargeStringArray, Written]:
    """The rewritten rows, and where each finding now stands."""
    count = len(placeholders.of_finding)
    lengths = placeholders.offsets[1:] - placeholders.offsets[:-1]
    room = len(source) + int(lengths[placeholders.of_finding].sum())
    out = np.empty(room + 1, np.uint8)
    written = Written(np.empty(len(offsets), np.int64), np.full(count, -1, np.int64), np.full(count, -1, np.int64))
    size = _write(source, offsets, labels, placeholders, out, written)
    buffers = [None, pa.py_buffer(written.rows), pa.py_buffer(out[:size].copy())]
    return pa.Array.from_buffers(pa.large_string(), len(offsets) - 1, buffers), written
