"""The first passes over a tenant's tables: who is known, which words many authors use, which cells many share.

Rule 1: state grows only with distinct ids, people, words and generalized cells, as keyed hashes.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from readingroom.anonymize.engine import Engine
from readingroom.anonymize.plans import TablePlan


class Preparation:
    """Collects what the engine must know before it transforms the first batch.

    Pass 1: `learn` every batch of every table. Pass 2 (or the same): `count` every batch. Then `engine`.
    """

    def __init__(self, tag_key: bytes, pseudonym_key: bytes, *, k: int = 5, profile: str = "strict") -> None:
        self._tag_key, self._pseudonym_key, self._k, self._profile = tag_key, pseudonym_key, k, profile

    def learn(self, plan: TablePlan, batch: pa.RecordBatch) -> None:
        """Take in the people of a batch: contacts, leads, users, accounts, and those whom other tables name."""
        raise NotImplementedError

    def count(self, plan: TablePlan, batch: pa.RecordBatch) -> None:
        """Count the authors of words, the subjects of codes and places, and combinations of quasi-identifiers."""
        raise NotImplementedError

    def engine(self, plans: Sequence[TablePlan]) -> Engine:
        """The engine for these tables; nothing can be learnt afterwards."""
        raise NotImplementedError
