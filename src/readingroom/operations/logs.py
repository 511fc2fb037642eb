"""Structured logs, one JSON object a line, that cannot hold a personal value.

Rule 1: an event is one of EVENTS; what anybody else logs becomes `foreign`, with its logger, its level and where it
        came from. No message, argument, exception text or traceback is ever written.
Rule 2: only the keys of KEYS are written, each only if its value has the form that the key must have.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TextIO

from typing_extensions import override

EVENTS: Final = frozenset({"request", "round", "duty.done", "duty.failed", "started", "stopped"})
_NAME: Final = re.compile(r"[a-z][a-z_ .]{0,39}")
KEYS: Final[Mapping[str, re.Pattern[str] | type]] = MappingProxyType(
    {
        "ms": float,
        "status": int,
        "count": int,
        "failed": int,
        "method": re.compile(r"GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|other"),
        "route": re.compile(r"/[a-z_/{}.:-]{0,99}|other"),  # the template, never what was asked for
        "duty": _NAME,
        "role": re.compile(r"copy|web|subjects|worker"),
        "error": re.compile(r"[A-Z][A-Za-z]{2,59}"),  # the kind of an exception of this program
    }
)
_WHERE: Final = re.compile(r"[a-z_]+\.py")
_OTHER_LOGGER: Final = "other"


class JsonLines(logging.Formatter):
    """Writes a record as one line by rules 1 and 2."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """The line; whatever the record holds, nothing but known words and numbers comes out."""
        known = isinstance(record.msg, str) and record.msg in EVENTS and not record.args
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower() if record.levelname.isalpha() else "info",
            "event": record.msg if known else "foreign",
        }
        if known:
            line |= {key: value for key in KEYS if _fits(key, value := getattr(record, key, None))}
        else:
            line |= _origin(record)
        return json.dumps(line)


def configure_logs(stream: TextIO | None = None) -> None:
    """Send every logger of this process through JsonLines, and nothing anywhere else."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("readingroom.db").setLevel(logging.WARNING)  # SQLAlchemy's pool logs under our class's name
    logging.captureWarnings(capture=True)
    threading.excepthook = _thread_ended  # Python's own would print the exception's text


def _thread_ended(_arguments: threading.ExceptHookArgs) -> None:
    logging.getLogger("readingroom").error("a thread ended by an exception")


def log(event: str, **values: object) -> None:
    """Log one of EVENTS with values of KEYS; what does not fit is left out, never altered."""
    logging.getLogger("readingroom").info(event, extra={key: value for key, value in values.items() if key in KEYS})


def _fits(key: str, value: object) -> bool:
    kind = KEYS[key]
    if isinstance(kind, re.Pattern):
        return isinstance(value, str) and kind.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool) and isinstance(value, kind)


def _origin(record: logging.LogRecord) -> dict[str, Any]:
    """Which module logged, and on which line; a name that is no module's is not repeated."""
    path = Path(record.pathname).name
    head = record.name.split(".")[0]
    logger = head if head in sys.modules else _OTHER_LOGGER
    where: dict[str, Any] = {"logger": logger, "line": record.lineno}
    return where | ({"file": path} if _WHERE.fullmatch(path) else {})
