"""Readingroom: a reading room for customer data, from opt-in to purge, and provable.

The floors, bottom to top, are drawn in docs/architecture.md; a room imports only from rooms below it.

`readingroom.anonymize(table)` is the engine on its own; it is imported when it is asked for (types: __init__.pyi).
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"


def __getattr__(name: str) -> ModuleType:
    """The engine, which takes a second to import."""
    if name != "anonymize":
        raise AttributeError(f"module 'readingroom' has no attribute {name!r}")
    return import_module("readingroom.anonymize")
