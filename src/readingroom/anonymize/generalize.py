"""Generalizing: a date becomes a month, a birth date a band of ten years, a time its hour, a number one digit.

Rule 1: the output is a text that many cells share; what cannot be read as the kind asked for becomes null.
Rule 2: a declared type is a hint: a text column with dates in it is read as what it holds.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.as_text import TEXT, as_text

_ISO = r"^\s*(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)(?:[T ](?P<h>\d\d):\d\d)?"
_US = r"^\s*(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})(?: +(?P<h>\d{1,2}):\d\d(?::\d\d)?(?: *(?P<p>[AaPp])[Mm])?)?"
_DASH, _BLANK = pa.scalar("-", TEXT), pa.scalar(" ", TEXT)
_FORMATS = {"date": "%Y-%m", "time": "%Y-%m-%dT%H:00:00Z"}


def generalize(argument: str, cells: pa.Array) -> pa.Array:
    """`cells` generalized as `date`, `birth`, `time` or `number` (large_string); `place` only becomes a text here."""
    if argument == "place":
        return pc.utf8_trim_whitespace(as_text(cells))
    if argument == "number":
        return _number(cells)
    return _time(argument, as_timestamps(cells))


def as_timestamps(cells: pa.Array) -> pa.Array:
    """`cells` as instants with second precision, null where they are none."""
    if pa.types.is_temporal(cells.type):
        return cells.cast(pa.timestamp("us", "UTC") if pa.types.is_timestamp(cells.type) else pa.timestamp("us"))
    if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
        return pa.nulls(len(cells), pa.timestamp("us"))
    encoded = as_text(cells).dictionary_encode()
    iso, us = (pc.extract_regex(encoded.dictionary, form) for form in (_ISO, _US))
    texts = pc.coalesce(_iso_text(iso), _us_text(us))
    # strptime marks impossible dates as null; it never shows them
    return pc.strptime(texts, "%Y-%m-%d %H", "us", error_is_null=True).take(encoded.indices)


def _iso_text(found: pa.Array) -> pa.Array:
    year, month, day, hour = (found.field(index) for index in range(4))
    hour = pc.if_else(pc.equal(pc.utf8_length(hour), 0), pa.scalar("00", TEXT), hour)
    return _join([year, month, day], hour, valid=pc.is_valid(found))


def _us_text(found: pa.Array) -> pa.Array:
    names = [found.type.field(index).name for index in range(found.type.num_fields)]
    part = {name: found.field(index) for index, name in enumerate(names)}
    empty = pc.equal(pc.utf8_length(part["h"]), 0)
    hour = pc.if_else(empty, pa.scalar("0", TEXT), part["h"]).cast(pa.int64())
    half = pc.utf8_lower(part["p"])
    twelve = pc.if_else(pc.equal(half, ""), hour, pc.if_else(pc.equal(hour, 12), 0, hour))
    hour = pc.if_else(pc.equal(half, "p"), pc.add(twelve, 12), twelve)
    date = [part["y"], _two(part["m"]), _two(part["d"])]
    return _join(date, _two(hour.cast(TEXT)), valid=pc.is_valid(found))


def _two(digits: pa.Array) -> pa.Array:
    return pc.utf8_lpad(digits, 2, "0")


def _join(date: list[pa.Array], hour: pa.Array, *, valid: pa.Array) -> pa.Array:
    text = pc.binary_join_element_wise(pc.binary_join_element_wise(*date, _DASH), hour.cast(TEXT), _BLANK)
    return pc.if_else(valid, text, pa.scalar(None, text.type))


def _time(argument: str, instants: pa.Array) -> pa.Array:
    if argument in _FORMATS:
        return pc.strftime(pc.floor_temporal(instants, unit="hour"), _FORMATS[argument]).cast(TEXT)
    decade = pc.multiply(pc.floor(pc.divide(pc.year(instants).cast(pa.float64()), 10)), 10).cast(pa.int64())
    first, last = (pc.add(decade, years).cast(TEXT) for years in (0, 9))
    return pc.binary_join_element_wise(first, last, _DASH)


def _number(cells: pa.Array) -> pa.Array:
    """One significant digit: 6914 becomes 7000."""
    if pa.types.is_boolean(cells.type) or pa.types.is_temporal(cells.type):
        return pa.nulls(len(cells), TEXT)
    encoded = cells.dictionary_encode()
    values = [_float(value) for value in encoded.dictionary.to_pylist()]
    return pa.array([_one_digit(value) for value in values], TEXT).take(encoded.indices)


def _float(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _one_digit(value: float | None) -> str | None:
    if value is None or not np.isfinite(value):
        return None
    if value == 0:
        return "0"
    scale = 10.0 ** np.floor(np.log10(abs(value)))
    return f"{round(value / scale) * scale:.15g}"
