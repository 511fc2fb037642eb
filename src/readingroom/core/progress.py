"""How long work tells its caller how far it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives counts, never values. Calls are cheap and never raise."""

    def __call__(self, stage: str, done: int, total: int | None = None) -> None:
        """`done` of `total` units (None where unknown) of `stage` are finished."""
        ...


def silent(stage: str, done: int, total: int | None = None) -> None:
    """A Progress that nobody listens to."""
    del stage, done, total
