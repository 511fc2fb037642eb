"""The compiled CSV loop says the same as a slow reader written from the grammar, on sound and on mangled bytes."""

from __future__ import annotations

import io
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from readingroom.sources import columns
from readingroom.sources.blocks import Layout, Limits, RowReader
from readingroom.sources.files import SourceFile
from readingroom.sources.model import BadData, Column

WIDTH, LEAST, CELL = 4, 3, 12
NAMES = ("a", "b", "c", "d")
FILE = SourceFile(Path("x.csv"), "x.csv")
Row = list[str | None]


class Bytes:
    """Plain bytes, given in pieces of any size."""

    def __init__(self, data: bytes, piece: int = 7) -> None:
        self._data, self._piece = io.BytesIO(data), piece

    def read_into(self, view: memoryview) -> int:
        part = self._data.read(min(self._piece, len(view)))
        view[: len(part)] = part
        return len(part)


@dataclass
class Slow:
    """The reference: one byte at a time, one row at a time, as plainly as can be."""

    data: bytes
    rows: list[Row] = field(default_factory=list)
    error: tuple[str, int, str] | None = None
    at: int = 0

    def read(self) -> Slow:
        if self.data.startswith(b"\xef\xbb\xbf"):
            self.data = self.data[3:]
        widest = 0
        while self.at < len(self.data) and self.error is None:
            begun, cells = self.at, []
            code, where = self._row(cells)
            error = self._bytes(begun, where, code) or (code, len(cells) if len(cells) < WIDTH else -1)
            if not error[0] and len(cells) > WIDTH:
                error = ("row_too_long", -1)
            elif not error[0] and len(cells) < LEAST:
                error = ("row_too_short", -1)
            elif not error[0] and len(cells) < widest:
                error = ("row_narrower", -1)
            if error[0]:
                self.error = (error[0], len(self.rows) + 1, NAMES[error[1]] if error[1] >= 0 else "")
            else:
                widest = len(cells)
                decoded = [None if cell is None else cell.decode() for cell in cells]
                self.rows.append([*decoded, *([None] * (WIDTH - len(cells)))])
        return self

    def _row(self, cells: list[bytes | None]) -> tuple[str, int]:
        """Read one row into `cells`; (code of a fault of quoting or size or "", the offset up to which it was read)."""
        self.begins = []
        while True:
            self.begins.append(self.at + (self.data[self.at : self.at + 1] == b'"'))
            start = self.at
            cell, code = self._cell()
            ceiling = start + (self.data[start : start + 1] == b'"') + 4 * CELL
            if code == "cell_too_large" or self.at > ceiling + 1:
                return "cell_too_large", min(self.at, ceiling)
            if code:
                return code, self.at
            if cell is not None and sum((byte & 0xC0) != 0x80 for byte in cell) > CELL:
                return "cell_too_large", self.at - (self.data[start : start + 1] == b'"')
            rest = self.data[self.at : self.at + 2]
            if rest[:1] == b",":
                self.at += 1
                cells.append(cell)
                continue
            if rest[:1] == b"\n" or rest == b"\r\n" or not rest:
                end = self.at
                self.at += 2 if rest == b"\r\n" else len(rest[:1])
                cells.append(cell)
                return "", end
            return ("bad_row_end" if rest[:1] == b"\r" else "bad_quoting"), self.at

    def _cell(self) -> tuple[bytes | None, str]:
        if self.data[self.at : self.at + 1] != b'"':
            start = self.at
            while self.at < len(self.data) and self.data[self.at] not in b',\r\n"':
                self.at += 1
            if self.at - start > 4 * CELL:
                return None, "cell_too_large"
            if self.data[self.at : self.at + 1] == b'"':
                return None, "bad_quoting"
            return self.data[start : self.at] or None, ""
        start = self.at = self.at + 1
        content = bytearray()
        while True:
            end = self.data.find(b'"', self.at)
            stop = len(self.data) if end < 0 else end
            if stop - start > 4 * CELL:
                self.at = stop
                return None, "cell_too_large"
            content += self.data[self.at : stop]
            self.at = stop
            if end < 0:
                return None, "unclosed_quote"
            if self.data[end + 1 : end + 2] != b'"':
                self.at = end + 1
                return bytes(content), ""
            content += b'"'
            self.at = end + 2

    def _bytes(self, begun: int, reach: int, code: str) -> tuple[str, int] | None:
        """The first byte of the row, up to where it was read, that is no UTF-8 or a NUL."""
        for offset in range(begun, reach):
            bad = "nul_byte" if self.data[offset] == 0 else ""
            try:
                self.data[begun:reach].decode()
            except UnicodeDecodeError as error:
                cut = code == "cell_too_large" and error.reason == "unexpected end of data"
                bad = "invalid_utf8" if error.start + begun == offset and not cut else bad
            if bad:
                column = sum(begin <= offset for begin in self.begins) - 1
                return bad, column if column < WIDTH else -1
        return None


def _fast(data: bytes, block: int, piece: int) -> tuple[list[Row], tuple[str, int, str] | None]:
    layout = Layout(tuple(Column(name, "string") for name in NAMES), LEAST)
    rows: list[Row] = []
    try:
        reader = RowReader(Bytes(data, piece), FILE, Limits(cell=CELL, row=1 << 16, block=block))
        for part in reader.blocks(layout):
            assert part.first_row == len(rows) + 1
            every = np.arange(part.rows)
            rows += [list(row.values()) for row in columns.batch(part, every, layout.columns).to_pylist()]
    except BadData as error:
        return rows, (error.code, error.position.row or 0, error.position.column)
    return rows, None


TEXT = st.text(st.sampled_from('ab",\r\n é€😀\ufeff'), max_size=CELL + 2)


@st.composite
def sound_files(draw: st.DrawFn) -> bytes:
    lines = []
    for _ in range(draw(st.integers(0, 6))):
        cells = []
        for _ in range(draw(st.sampled_from([LEAST, WIDTH, WIDTH, WIDTH]))):
            value = draw(TEXT)
            bare = not set(value) & set('",\r\n') and draw(st.booleans())
            cells.append(value if bare else '"' + value.replace('"', '""') + '"')
        lines.append(",".join(cells) + draw(st.sampled_from(["\n", "\n", "\r\n"])))
    return draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + "".join(lines).encode()


@st.composite
def mangled_files(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(sound_files()))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        byte = draw(
            st.sampled_from(
                [b'"', b",", b"\n", b"\r", b"\0", b"\xe9", b"\xc3", b"\xed\xa0\x80", b"x", b'""', b"y" * 60]
            )
        )
        data[at : at + draw(st.integers(0, 2))] = byte
    return bytes(data[: draw(st.integers(0, len(data)))]) if draw(st.booleans()) else bytes(data)


@settings(max_examples=250, deadline=None)
@given(data=st.one_of(sound_files(), mangled_files()), block=st.integers(8, 90), piece=st.integers(1, 40))
@example(data=b'a,b,"c\xc3"x', block=16, piece=3)
@example(data=b"a,b,\r", block=16, piece=3)
@example(data=b"a,b,c,d\na,b,c\n", block=16, piece=3)
@example(data=b'a,"' + b"z" * 60, block=16, piece=3)
@example(data=b"\xff\xfeF\0", block=16, piece=3)
def test_fast_and_slow_agree(data: bytes, block: int, piece: int) -> None:
    slow = Slow(data).read()
    assert _fast(data, block, piece) == (slow.rows, slow.error)


@settings(max_examples=80, deadline=None)
@given(data=sound_files())
def test_a_sound_file_of_small_cells_has_no_error_but_a_cut_one(data: bytes) -> None:
    slow = Slow(data).read()
    assert slow.error is None or slow.error[0] in {"cell_too_large", "row_narrower"}


# --- typed cells ---


def _typed(kind: str, cells: list[str | None]) -> tuple[list[object], int]:
    """(values, row of the first bad one or 0) of one column."""
    data = "".join(("" if cell is None else '"' + cell + '"') + ",\n" for cell in cells).encode()
    layout = Layout((Column("v", kind), Column("w", "string")), 2)
    for block in RowReader(Bytes(data), FILE).blocks(layout):
        try:
            columns.check(block)
        except BadData as error:
            return [], error.position.row or 0
        return columns.batch(block, np.arange(block.rows), layout.columns[:1]).column(0).to_pylist(), 0
    return [], 0


ISO = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
AMERICAN = re.compile(r"(\d\d?)/(\d\d?)/(\d{4}) (\d\d?):(\d\d):(\d\d) ([AP])M(?: ([+-]\d\d:\d\d))?", re.ASCII)


def _zone(text: str | None) -> timezone | None:
    if text in {None, "Z"}:
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:])
    if hours > 14 or minutes > 59:
        return None
    span = timedelta(hours=hours, minutes=minutes)
    return timezone(-span if text[0] == "-" else span)


def _slow_instant(text: str) -> datetime | None:
    try:
        if found := ISO.fullmatch(text):
            zone = _zone(found[3])
            micros = int(((found[2] or "") + "0" * 7)[:7]) // 10
            return datetime.fromisoformat(found[1]).replace(microsecond=micros, tzinfo=zone) if zone else None
        if found := AMERICAN.fullmatch(text):
            month, day, year, hour, minute, second = map(int, found.groups()[:6])
            zone = _zone(found[8])
            if not zone or not 1 <= hour <= 12:
                return None
            hour = hour % 12 + (12 if found[7] == "P" else 0)
            return datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except (ValueError, OverflowError):
        return None
    return None


def _slow_value(kind: str, text: str) -> object:
    if kind == "int64":
        sound = re.fullmatch(r"-?\d{1,19}", text, re.ASCII) and abs(int(text)) <= 2**63 - 1
        return int(text) if sound else None
    if kind == "boolean":
        return {"True": True, "true": True, "False": False, "false": False}.get(text)
    if kind == "double":
        sound = re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d{1,2})?", text, re.ASCII) and len(text) <= 64
        return float(text) if sound else None
    if kind == "guid":
        sound = re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text, re.ASCII)
        return text if sound else None
    return _slow_instant(text)


def _american(one: datetime, hour: int) -> str:
    return f"{one.month}/{one.day}/{one.year:04} {hour}:{one.minute:02}:{one.second:02}"


def _mangle(draw: st.DrawFn, text: str) -> str:
    if text and draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(text) - 1))
        return (
            text[:at]
            + draw(st.sampled_from(["", "0", "9", " ", "-", "+", ":", "T", "Z", "é", "/", "."]))
            + text[at + 1 :]
        )
    return text


@st.composite
def typed_cells(draw: st.DrawFn) -> tuple[str, list[str | None]]:
    kind = draw(st.sampled_from(["int64", "boolean", "double", "guid", "dateTime"]))
    instants = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001 - the zone is written behind
    sound = {
        "int64": st.one_of(
            st.integers().map(str), st.integers(-(2**64), 2**64).map(str), st.text("0123456789-", max_size=21)
        ),
        "boolean": st.sampled_from(["True", "False", "true", "false", "TRUE", "1", ""]),
        "double": st.one_of(
            st.floats(allow_nan=False, allow_infinity=False).map(str), st.text("0123456789-.eE+", max_size=9)
        ),
        "guid": st.uuids().map(str),
        "dateTime": st.one_of(
            instants.map(lambda one: one.isoformat(timespec="microseconds") + "0Z"),
            instants.map(lambda one: one.isoformat(timespec="seconds") + "Z"),
            instants.map(lambda one: one.isoformat(timespec="seconds") + "-03:30"),
            instants.map(lambda one: _american(one, one.hour % 12 or 12) + f" {'AP'[one.hour // 12]}M"),
            instants.map(lambda one: _american(one, one.hour) + " AM +00:00"),
        ),
    }[kind]
    cells = draw(st.lists(st.one_of(st.none(), sound), max_size=5))
    return kind, [None if cell is None else _mangle(draw, cell) for cell in cells]


def _same(kind: str, fast: object, slow: object) -> bool:
    if kind == "double" and fast is not None:
        return bool(np.isclose(np.float64(str(fast)), np.float64(str(slow)), rtol=1e-15))
    return fast == slow


@settings(max_examples=300, deadline=None)
@given(given_cells=typed_cells())
@example(given_cells=("dateTime", ["2024-02-29T23:59:59Z", "2023-02-29T00:00:00Z"]))
@example(given_cells=("dateTime", ["2/30/2024 1:00:00 AM"]))
@example(given_cells=("dateTime", ["2024-02-29T23:59:59+15:00"]))
@example(given_cells=("int64", ["9223372036854775807", "9223372036854775808"]))
@example(given_cells=("guid", [str(uuid.UUID(int=2**128 - 1)).upper()]))
def test_typed_cells_are_what_a_slow_parser_says(given_cells: tuple[str, list[str | None]]) -> None:
    kind, cells = given_cells
    slow = [None if cell is None else _slow_value(kind, cell) for cell in cells]
    bad = next((at + 1 for at, cell in enumerate(cells) if cell is not None and slow[at] is None), 0)
    fast, row = _typed(kind, cells)
    assert row == bad
    if not bad:
        assert all(_same(kind, one, other) for one, other in zip(fast, slow, strict=True))
