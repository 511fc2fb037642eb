"""Who wrote a cell: the authors by whom rare words are counted.

Rule 1: an author is a keyed hash; 0 is "unknown" and counts for nothing (DESIGN, rare words).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.as_text import as_text
from readingroom.anonymize.plans import TablePlan
from readingroom.anonymize.shared import Hashes, hashes


def authors_of(plan: TablePlan, batch: pa.RecordBatch, *, key: bytes) -> Hashes:
    """The author of each row of the batch."""
    if plan.author is None or plan.author not in batch.schema.names:
        return np.zeros(batch.num_rows, np.uint64)
    cells = as_text(batch.column(plan.author))
    # a shared sender such as news@ is one author, which is the cautious way to count
    return hashes(key, pc.utf8_lower(cells))


def subjects_of(plan: TablePlan, batch: pa.RecordBatch, *, key: bytes) -> Hashes:
    """Whom each row is about: its data subject, else its own id, else nobody (0)."""
    found = np.zeros(batch.num_rows, np.uint64)
    for name in (plan.subject, plan.record):
        if name is not None and name in batch.schema.names:
            found = np.where(found == 0, hashes(key, as_text(batch.column(name))), found)
    return found
