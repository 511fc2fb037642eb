"""A CSV file as blocks of complete rows, checked byte by byte before anyone sees them.

Rule 1: the first error of a file is the one that is told: by row; within a row bytes and quoting by offset, then the
row's width, then the cells' types by column (`columns.check`).
Rule 2: bounded memory: a block is a few MiB, or one row if that is larger; a row over ROW_LIMIT is an error.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from readingroom.sources import csv_cells
from readingroom.sources.files import SourceFile
from readingroom.sources.kernel import Bytes, Ints
from readingroom.sources.model import BadData, Column

CELL_LIMIT = 1_048_576  # characters: the largest text column of Dataverse
ROW_LIMIT = 64 << 20
BLOCK = 1 << 20
_BOM = b"\xef\xbb\xbf"
_MOST_CELLS = 1 << 20


@dataclass(frozen=True)
class Layout:
    """What rows of a file hold: its columns in order, and how many of them a row must reach (rest: null)."""

    columns: tuple[Column, ...]
    least: int

    def index(self, name: str) -> int | None:
        """Where the column of that name stands."""
        return next((at for at, one in enumerate(self.columns) if one.name == name), None)


@dataclass(frozen=True)
class Limits:
    """The sizes of a pass; tests make them small."""

    cell: int = CELL_LIMIT
    row: int = ROW_LIMIT
    block: int = BLOCK


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Block:
    """Complete rows of a file: bytes, and where each cell is. Valid until the next block is asked for."""

    file: SourceFile
    layout: Layout
    buf: Bytes
    starts: Ints
    ends: Ints
    flags: Bytes
    bounds: Ints
    first_row: int  # counted from 1 within the file, the header not counted

    @property
    def rows(self) -> int:
        """How many rows."""
        return int(self.starts.shape[0])


class Plain(Protocol):
    """Gives the plain bytes of a file, once, in order."""

    def read_into(self, view: memoryview) -> int:
        """Fill the front of `view` with the next bytes; 0 at the end."""
        ...


class RowReader:
    """Reads rows of one file; the layout may change once, after a header."""

    def __init__(self, source: Plain, file: SourceFile, limits: Limits = DEFAULT_LIMITS) -> None:
        self._source, self._file, self._limits = source, file, limits
        self._data = bytearray(limits.block)
        self._size = 0
        self._final = False
        self._rows = 0
        self._state = csv_cells.new_state()
        self.plain_bytes = 0
        self._fill()
        if self._data.startswith(_BOM) and self._size >= len(_BOM):
            self._drop(len(_BOM))

    @property
    def rows(self) -> int:
        """Rows given so far."""
        return self._rows

    def header(self) -> list[str] | None:
        """The first row as names; None in an empty file."""
        try:
            block = next(self._blocks(_HEADER, csv_cells.room(1, len(_HEADER.columns))), None)
        except BadData as error:
            raise BadData(error.code, self._file.at(), error.detail) from None
        if block is None:
            return None
        have = int(self._state[csv_cells.HAVE])
        cells = zip(block.starts[0, :have], block.ends[0, :have], strict=True)
        names = [bytes(block.buf[start:end]).decode().replace('""', '"') for start, end in cells]
        self._drop(int(self._state[csv_cells.CONSUMED]))
        self._fill()
        return names

    def blocks(self, layout: Layout) -> Iterator[Block]:
        """All (further) rows, block by block; BadData at the first error, after the rows before it were given."""
        width = len(layout.columns)
        return self._blocks(layout, csv_cells.room(max(1, min(1 << 16, _MOST_CELLS // width)), width))

    def _blocks(self, layout: Layout, cells: csv_cells.Cells) -> Iterator[Block]:
        state = self._state = csv_cells.new_state()
        while True:
            buf = np.frombuffer(self._data, dtype=np.uint8)
            window = csv_cells.Window(buf, self._size, self._final, self._limits.cell)
            csv_cells.split(window, cells, layout.least, state)
            rows, fault = self._first_fault(layout, cells, state)
            if rows:
                part = (cells.starts[:rows], cells.ends[:rows], cells.flags[:rows], cells.bounds[:rows])
                yield Block(self._file, layout, buf, *part, first_row=self._rows + 1)  # type: ignore[arg-type]
                self._rows += rows
            if fault is not None:
                raise fault
            consumed = int(state[csv_cells.CONSUMED])
            if consumed == self._size and self._final:
                return
            self._refill(consumed, rows)

    def _refill(self, consumed: int, rows: int) -> None:
        """Drop what was given; where nothing was, make more room, up to the largest row."""
        self._drop(consumed)
        if rows == 0 and self._size == len(self._data):
            if self._size >= self._limits.row:
                raise BadData("row_too_large", self._file.at(self._rows + 1))
            larger = bytearray(2 * len(self._data))
            larger[: self._size] = self._data
            self._data = larger
        self._fill()

    def _fill(self) -> None:
        view = memoryview(self._data)
        while not self._final and self._size < len(self._data):
            count = self._source.read_into(view[self._size :])
            self._final = count == 0
            self._size += count
            self.plain_bytes += count

    def _drop(self, count: int) -> None:
        left = self._size - count
        self._data[:left] = self._data[count : self._size]
        self._size = left

    def _first_fault(self, layout: Layout, cells: csv_cells.Cells, state: Ints) -> tuple[int, BadData | None]:
        """(sound rows, what is wrong after them)."""
        rows, error = int(state[csv_cells.ROWS]), int(state[csv_cells.ERROR])
        reach = int(state[csv_cells.OFFSET if error else csv_cells.CONSUMED])
        bad = _bad_byte(self._data, reach, cut=error == csv_cells.CELL_TOO_LARGE)
        if bad is not None:
            code, offset = bad
            row = int(np.searchsorted(cells.bounds[:rows, 0], offset, side="right")) - 1
            row = rows if offset >= state[csv_cells.CONSUMED] else row
            column = int(np.searchsorted(cells.starts[row, : _begun(layout, rows - row, state)], offset, side="right"))
            return row, self._fault(code, row, _name(layout, column - 1))
        if not error:
            return rows, None
        name = _name(layout, int(state[csv_cells.COLUMN]))
        detail = {}
        if error in {csv_cells.TOO_SHORT, csv_cells.TOO_LONG, csv_cells.NARROWER}:
            want = len(layout.columns) if error == csv_cells.TOO_LONG else layout.least
            want = int(state[csv_cells.WIDEST]) if error == csv_cells.NARROWER else want
            detail = {"have": int(state[csv_cells.HAVE]), "want": want}
        return rows, self._fault(csv_cells.CODES[error], rows, name, detail=detail)

    def _fault(self, code: str, row: int, column: str, *, detail: dict[str, int] | None = None) -> BadData:
        return BadData(code, self._file.at(self._rows + row + 1, column), detail)


_HEADER = Layout(tuple(Column("", "string") for _ in range(2048)), 1)


def _name(layout: Layout, column: int) -> str:
    return layout.columns[column].name if 0 <= column < len(layout.columns) else ""


def _begun(layout: Layout, rows_before_last: int, state: Ints) -> int:
    """How many cells of a row have a known begin: all, or those before the error in the row of the error."""
    width = len(layout.columns)
    if rows_before_last > 0 or not state[csv_cells.ERROR]:
        return width
    column = int(state[csv_cells.COLUMN])
    return min(width, column + 1 if column >= 0 else int(state[csv_cells.HAVE]))


def _bad_byte(data: bytearray, reach: int, *, cut: bool) -> tuple[str, int] | None:
    """The first byte before `reach` that is no UTF-8, or a NUL; `cut`: a character may be cut at `reach`."""
    nul = data.find(b"\0", 0, reach)
    try:
        codecs.utf_8_decode(memoryview(data)[: nul if nul >= 0 else reach], "strict", not cut or nul >= 0)
    except UnicodeDecodeError as error:
        return "invalid_utf8", error.start
    return ("nul_byte", nul) if nul >= 0 else None
