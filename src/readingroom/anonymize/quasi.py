"""The quasi-identifying cells of a batch, generalized and hashed, as counting and suppressing both need them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from readingroom.anonymize.as_text import as_text
from readingroom.anonymize.generalize import generalize
from readingroom.anonymize.plans import TablePlan
from readingroom.anonymize.shared import hashes
from readingroom.anonymize.treatments import Action


def quasi_hashes(plan: TablePlan, batch: pa.RecordBatch, *, key: bytes) -> npt.NDArray[np.uint64]:
    """One row of keyed hashes for each row, one column for each quasi-identifier; 0 for an empty cell."""
    columns = []
    for name in plan.quasi:
        column = plan.column(name)
        cells = batch.column(name)
        if column is not None and column.treatment.action is Action.GENERALIZE:
            cells = generalize(column.treatment.argument, cells)
        columns.append(hashes(key, as_text(cells)))
    return np.stack(columns, axis=1)
