"""The items of a part: one for each row that a reviewer looks at, with an opaque id (P16, P30).

`twin` says which items of a copy show the same text, `record` which items of several copies come from one source
record: both keyed hashes, so that a flag reaches an item's twins and tells nothing else.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.plans import TablePlan
from readingroom.anonymize.treatments import Action
from readingroom.copies.part_names import ROW
from readingroom.copies.records import Copy
from readingroom.core.ids import new_id

_TEXTS: Final = frozenset({Action.TEXT, Action.HTML, Action.QUERY, Action.JSON})
_HASH_BYTES: Final = 16


class ItemMaker:
    """Makes the item rows of one copy; the key of its twins lives in this object and nowhere else."""

    def __init__(self, copy: Copy, *, record_key: bytes) -> None:
        self._copy = copy
        self._record_key = record_key
        self._twin_key = secrets.token_bytes(32)

    def __call__(self, plan: TablePlan, rows: pa.Table, *, part: str, index: pa.Table) -> list[Mapping[str, Any]]:
        """The rows of ITEMS for the rows of one part; none if its table has no items."""
        if not plan.item_kind:
            return []
        records = self._records(index)
        base = {"copy": self._copy.id, "tenant": self._copy.tenant, "part": part, "kind": plan.item_kind}
        base |= {"table_name": plan.table, "withheld": ""}
        return [
            {**base, "id": new_id("item"), "row": row, "twin": twin, "record": records.get(row, b"")}
            for batch in rows.to_batches()
            for row, twin in zip(batch.column(ROW).to_pylist(), self._twins(plan, batch), strict=True)
        ]

    def _records(self, index: pa.Table) -> dict[int, bytes]:
        own = index.filter(pc.equal(index["role"], "record"))
        hashed = (self._hash(tag, self._record_key) for tag in own["tag"].to_pylist())
        return dict(zip(own["row"].to_pylist(), hashed, strict=True))

    def _twins(self, plan: TablePlan, batch: pa.RecordBatch) -> list[bytes]:
        shown = [column.name for column in plan.shown if column.treatment.action in _TEXTS]
        texts = [batch.column(name).cast(pa.large_string()) for name in shown if name in batch.schema.names]
        if not texts:
            return [b""] * batch.num_rows
        separator = pa.scalar("\0", pa.large_string())
        joined = pc.binary_join_element_wise(*texts, separator, null_handling="replace", null_replacement="")
        return [self._hash(text.encode(), self._twin_key) if text.strip("\0") else b"" for text in joined.to_pylist()]

    @staticmethod
    def _hash(value: bytes, key: bytes) -> bytes:
        return hashlib.blake2b(value, key=key[:64], digest_size=_HASH_BYTES, person=b"item").digest()
