from __future__ import annotations

import pyarrow as pa
import pytest

from readingroom.anonymize.generalize import generalize

TEXTS = ["2020-05-03T14:22:11Z", "6/28/2026 4:34:35 PM +00:00", "12/1/2026 12:10:00 AM", "Ada", "1899-13-45", "", None]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("date", ["2020-05", "2026-06", "2026-12", None, None, None, None]),
        ("birth", ["2020-2029", "2020-2029", "2020-2029", None, None, None, None]),
        (
            "time",
            ["2020-05-03T14:00:00Z", "2026-06-28T16:00:00Z", "2026-12-01T00:00:00Z", None, None, None, None],
        ),
        ("number", [None] * 7),
    ],
)
def test_texts_with_dates_are_read_as_what_they_hold(how: str, expected: list[str | None]) -> None:
    assert generalize(how, pa.array(TEXTS)).to_pylist() == expected


def test_instants() -> None:
    cells = pa.array([0, None, 10**15], pa.timestamp("us", "UTC"))
    assert generalize("birth", cells).to_pylist() == ["1970-1979", None, "2000-2009"]
    assert generalize("time", cells).to_pylist() == ["1970-01-01T00:00:00Z", None, "2001-09-09T01:00:00Z"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (pa.array([6914, 0, None, -12, 9999]), ["7000", "0", None, "-10", "10000"]),
        (pa.array([0.0371, float("nan"), float("inf")]), ["0.04", None, None]),
        (pa.array(["404", "about 5"]), ["400", None]),
        (pa.array([True]), [None]),
    ],
)
def test_numbers_keep_one_digit(cells: pa.Array, expected: list[str | None]) -> None:
    assert generalize("number", cells).to_pylist() == expected


def test_no_rows() -> None:
    for how in ("date", "birth", "time", "number", "place"):
        for kind in (pa.large_string(), pa.int64(), pa.timestamp("us", "UTC")):
            assert len(generalize(how, pa.array([], kind))) == 0
