"""Open one part: bytes from the store, checked against the hash written at sealing, unsealed with its key.

Inside `copies` only. Other rooms go through `access`, which reads by `reader` after a decision (rule 3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pyarrow as pa

from readingroom.copies.part_names import seal_context
from readingroom.copies.records import Copy, Part
from readingroom.copies.unseal import read_part
from readingroom.core.errors import SealFault
from readingroom.house import House


def sealed_bytes(house: House, copy: Copy, part: Part) -> bytes:
    """The part's bytes as they were sealed; SealFault if they were changed, ObjectMissing if they are gone."""
    data = house.place(copy.place).store.get(part.path)
    if hashlib.sha256(data).hexdigest() != part.sha256:
        raise SealFault(f"part {part.name} of {copy.id} is not the one that was sealed")
    return data


def open_part(house: House, copy: Copy, part: Part, *, columns: Sequence[str] | None = None) -> pa.Table:
    """The part's rows, in the clear, in memory; KeyFault when its key is gone or not for this role."""
    data = sealed_bytes(house, copy, part)
    key = house.place(copy.place).keyring.part_key(copy.id, part.key)
    return read_part(data, key, seal_context(copy, part), columns=columns)
