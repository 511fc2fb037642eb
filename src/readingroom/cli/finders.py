"""The options --patterns and --detectors: finders that join the engine."""

from __future__ import annotations

from pathlib import Path

from readingroom.anonymize import custom, plugins
from readingroom.anonymize.finders import Finder
from readingroom.cli.files import read_text


def finders(patterns: str | None, detectors: str) -> tuple[Finder, ...]:
    """Those of a TOML file, and the plug-ins of a list of names with commas between."""
    made: list[Finder] = []
    if patterns:
        folder = Path(patterns).parent
        made += custom.read(read_text(patterns), patterns, file=lambda name: read_text(str(folder / name)))
    made += plugins.load(name.strip() for name in detectors.split(",") if name.strip())
    return tuple(made)
