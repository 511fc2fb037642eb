"""Files that a command is given: read whole, with an error that names the file and never its content."""

from __future__ import annotations

import sys
from pathlib import Path

from readingroom.core.errors import UsageError

LIMIT = 64 * 1024 * 1024


def read_input(name: str, *, limit: int = LIMIT) -> bytes:
    """The bytes of the file `name`, or of standard input for `-`; UsageError when unreadable or too large."""
    try:
        data = sys.stdin.buffer.read(limit + 1) if name == "-" else _read(Path(name), limit)
    except OSError as error:
        raise UsageError(f"{name}: cannot be read ({type(error).__name__})") from None
    if len(data) > limit:
        raise UsageError(f"{name}: more than {limit} bytes")
    return data


def read_text(name: str, *, limit: int = LIMIT) -> str:
    """The UTF-8 text of a file, or of standard input for `-`."""
    try:
        return read_input(name, limit=limit).decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{name}: not UTF-8 text") from None


def _read(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        return file.read(limit + 1)
