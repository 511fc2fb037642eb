"""Detectors from other packages: entry points of the group `readingroom.detectors`, loaded when they are named.

An entry point is a callable that takes one text (what stands after the colon in `spacy:en_core_web_sm`, else empty) and
gives a finders.Detector. Rule 1: nothing is loaded that nobody named. Rule 2: what does not load stops the start.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import entry_points

from readingroom.anonymize.finders import KIND_OF, Detector, Told
from readingroom.core.errors import ReadingroomError, UsageError

GROUP = "readingroom.detectors"


def load(names: Iterable[str]) -> tuple[Told, ...]:
    """The detectors of these names, as finders; UsageError for one that is not there or does not start."""
    return tuple(Told(one(name)) for name in names)


def one(name: str) -> Detector:
    """The detector that `name` or `name:argument` makes."""
    plain, _, argument = name.partition(":")
    found = {point.name: point for point in entry_points(group=GROUP)}
    if plain not in found:
        raise UsageError(f"no detector {plain}; installed: {', '.join(sorted(found)) or 'none'}")
    try:
        made = found[plain].load()(argument)
        labels = tuple(made.labels)
        known = set(labels) <= set(KIND_OF) and bool(labels)
        whole = isinstance(made.name, str) and callable(made.detect)
    except ReadingroomError:
        raise
    except ImportError:
        raise UsageError(f"detector {plain}: what it needs is not installed") from None
    except Exception as error:  # noqa: BLE001 - foreign code; its text may hold anything
        raise UsageError(f"detector {plain}: it does not start ({type(error).__name__})") from None
    if not whole or not known:
        raise UsageError(f"detector {plain}: it needs name, detect and labels, which are of {', '.join(KIND_OF)}")
    detector: Detector = made
    return detector
