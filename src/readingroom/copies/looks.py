"""What the copy run asks of a second look: other code than the engine, judging the engine's output (P14).

*Hard findings* refuse the copy; *suspicions* withhold the item. Findings name table, column and kind, never a value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa


@dataclass(frozen=True)
class LookFinding:
    """So many cells of one column that hold something of one kind that must not be there."""

    table: str
    column: str
    kind: str  # email, phone, id, name, canary, or the name of a proven pattern
    count: int


@dataclass(frozen=True)
class LookResult:
    """What one look at one batch of output found."""

    hard: tuple[LookFinding, ...] = ()
    suspicious_rows: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))  # in the batch


class Look(Protocol):
    """A second look at one copy. An error inside it stops the copy (rule 2); it never returns "nothing" for one."""

    def learn(self, table: str, batch: pa.RecordBatch) -> None:
        """Take the raw identifiers of a batch of an identity table, in memory only (rule 1)."""
        ...

    def check(self, table: str, batch: pa.RecordBatch) -> LookResult:
        """Judge a batch of the engine's output, before anything of it is written."""
        ...
