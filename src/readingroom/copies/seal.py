"""Sealing: record batches in, one encrypted Parquet file out, never a plain byte on the way (P14, P18).

Rule 1: a part is encrypted whole (AES-256-GCM: pages, headers, footer, schema and statistics) under a key of its own.
Rule 2: the AAD binds a part to its place, tenant, category, copy, position and name, and is stored outside the file:
a part that was swapped, renamed or moved to another place does not open.
Rule 3: memory holds at most one row group in the clear and the compressed rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.parquet import encryption

from readingroom.core.canonical import canonical
from readingroom.core.category import Category
from readingroom.core.errors import SealFault
from readingroom.core.ids import CopyId, PartName, PlaceName, TenantName

KEY_BYTES: Final = 32
ROW_GROUP_BYTES: Final = 8 * 1024 * 1024
ROW_GROUP_ROWS: Final = 64 * 1024
MAGIC: Final = b"PARE"  # Parquet with an encrypted footer


def part_aad(
    *, place: PlaceName, tenant: TenantName, category: Category, copy: CopyId, position: int, name: PartName
) -> bytes:
    """What binds a part to where it belongs: canonical JSON, so that one place has one sequence of bytes."""
    where = {"place": place, "tenant": tenant, "category": category.value, "copy": copy}
    return b"readingroom/part/v1\n" + canonical(where | {"position": position, "part": name})


class PartWriter:
    """Takes record batches of one schema and gives the sealed bytes at the end; one writer, one key, one file.

    with PartWriter(key, aad, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    data = writer.data
    """

    def __init__(self, key: bytes, aad: bytes, schema: pa.Schema) -> None:
        if len(key) != KEY_BYTES:
            raise SealFault("a part's key has 32 bytes")
        # what a source wrote beside its columns, in the schema or in a field, is no part of a copy
        self.schema = pa.schema([field.remove_metadata() for field in schema])
        self.rows = 0
        self._pending: list[pa.RecordBatch] = []
        self._pending_bytes = 0
        self._pending_rows = 0
        self._sink = pa.BufferOutputStream()
        self._data: bytes | None = None
        try:
            properties = encryption.create_encryption_properties(
                key, aad_prefix=aad, store_aad_prefix=False, encryption_algorithm="AES_GCM_V1", plaintext_footer=False
            )
            self._writer = pq.ParquetWriter(
                self._sink, self.schema, compression="zstd", encryption_properties=properties, version="2.6"
            )
        except (pa.ArrowException, OSError, ValueError, TypeError) as error:
            raise _cannot_seal(error) from None

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Add rows; SealFault if they are of another schema."""
        if self._data is not None:
            raise SealFault("the part is closed")
        if not batch.schema.equals(self.schema):
            raise SealFault("a batch is of another schema than its part")
        self._pending.append(pa.RecordBatch.from_arrays(batch.columns, schema=self.schema))
        self._pending_rows += batch.num_rows
        self._pending_bytes += batch.nbytes
        self.rows += batch.num_rows
        if self._pending_bytes >= ROW_GROUP_BYTES or self._pending_rows >= ROW_GROUP_ROWS:
            self._flush()

    def close(self) -> bytes:
        """Finish the file and return its bytes; nothing can be added afterwards."""
        if self._data is None:
            self._flush()
            try:
                self._writer.close()
                self._data = self._sink.getvalue().to_pybytes()
            except (pa.ArrowException, OSError, ValueError) as error:
                raise _cannot_seal(error) from None
            if not self._data.startswith(MAGIC) or not self._data.endswith(MAGIC):
                raise SealFault("the part was not encrypted")  # cannot happen; if it does, nothing leaves
        return self._data

    @property
    def data(self) -> bytes:
        """The sealed bytes, once the writer is closed."""
        if self._data is None:
            raise SealFault("the part is not closed yet")
        return self._data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._pending.clear()

    def _flush(self) -> None:
        if not self._pending:
            return
        try:
            table = pa.Table.from_batches(self._pending, schema=self.schema)
            self._writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
        except (pa.ArrowException, OSError, ValueError, TypeError) as error:
            raise _cannot_seal(error) from None
        finally:
            self._pending, self._pending_bytes, self._pending_rows = [], 0, 0


def write_part(batches: Iterable[pa.RecordBatch] | pa.Table, key: bytes, aad: bytes) -> bytes:
    """The sealed bytes of a table, or of record batches of one schema (at least one)."""
    if isinstance(batches, pa.Table):
        source, schema = iter(batches.to_batches()), batches.schema
    else:
        source = iter(batches)
        first = next(source, None)
        if first is None:
            raise SealFault("a part needs at least one batch, even an empty one")
        source, schema = _chain(first, source), first.schema
    with PartWriter(key, aad, schema) as writer:
        for batch in source:
            writer.write_batch(batch)
    return writer.data


def _chain(first: pa.RecordBatch, rest: Any) -> Any:
    yield first
    yield from rest


def _cannot_seal(error: BaseException) -> SealFault:
    # Arrow's messages quote cells; the kind of the error says enough
    return SealFault(f"a part cannot be written: {type(error).__name__}")
