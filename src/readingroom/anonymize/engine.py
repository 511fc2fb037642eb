"""The engine: one batch in; columns as the plan says, tags, links and counts out. (Pure: nothing is read or written.)

Rule 1: a column that the plan does not show is not in the output; a row that nothing may show is not either (P14).
Rule 2: whatever fails, fails the batch: an error names table and column, never a value, and nothing is half-shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from readingroom.anonymize.plans import TablePlan


@dataclass(frozen=True)
class Transformed:
    """What the engine makes of one batch.

    `tags` has the schema tagging.TAGS (rows count within `batch`), `links` tagging.LINKS (None: no people's table).
    """

    batch: pa.RecordBatch
    tags: pa.Table
    links: pa.Table | None
    counts: Mapping[str, int] = field(default_factory=dict)


class Engine:
    """Transforms batches of the tables it was prepared for."""

    def transform(self, plan: TablePlan, batch: pa.RecordBatch) -> Transformed:
        """The anonymized batch with its tags; Fault, naming table and column, when anything goes wrong."""
        raise NotImplementedError
