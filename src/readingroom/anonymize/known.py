"""Known identifiers of the tenant's own people (first version: interface only)."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Known:
    """Keyed hashes of every spelling of every identifier of the tenant's people."""

    ids: int
    spellings: int
    nbytes: int


class KnownBuilder:
    """Collects people, batch by batch, and builds Known."""

    def __init__(self, tag_key: bytes, pseudonym_key: bytes) -> None:
        self._keys = (tag_key, pseudonym_key)
        self._people = 0

    def add_people(self, records: pa.RecordBatch) -> None:
        """Take in people (columns: record_id, kind, given, middle, family, full, nick, emails, phones, …)."""
        self._people += records.num_rows

    def build(self) -> Known:
        """The finished table; the builder forgets everything."""
        return Known(self._people, 0, 0)
