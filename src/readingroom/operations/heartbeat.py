"""The worker's sign of life: when its last round ended, and which duties failed in it. No more than that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from readingroom.core.clock import format_instant, parse_instant
from readingroom.core.errors import UsageError

_FILE: Final = "worker.beat"


@dataclass(frozen=True)
class Beat:
    """The end of the worker's last round."""

    at: datetime
    failed: tuple[str, ...]  # names of duties


def beat(root: Path, at: datetime, failed: Sequence[str]) -> None:
    """Leave a sign of life; a disk that takes none is the doctor's to find, not the round's to fail on."""
    path = root / "room" / _FILE
    fresh = path.with_suffix(".beat-new")
    with suppress(OSError):
        fresh.write_text(json.dumps({"at": format_instant(at), "failed": list(failed)}), encoding="utf-8")
        fresh.replace(path)


def last_beat(root: Path) -> Beat | None:
    """The last sign of life; None if there never was one, or it does not read."""
    try:
        body = json.loads((root / "room" / _FILE).read_text(encoding="utf-8"))
        return Beat(parse_instant(body["at"]), tuple(str(name) for name in body["failed"]))
    except (OSError, ValueError, KeyError, TypeError, UsageError):
        return None
