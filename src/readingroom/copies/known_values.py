"""Values that an earlier copy showed and should not have: later copies know them like the tenant's own people (P14).

Rule 1: no value stands here, not even sealed: its tag, and its spellings as hashes under a key made of the tag key.
Rule 2: they live as long as the tag key, which lives as long as they do (`withheld.suppressions`). What a destroyed
tag key leaves is of no use to anybody, and is passed over.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import insert, select

from readingroom.anonymize.spelled import Spelled
from readingroom.audit.unit import Unit
from readingroom.copies.records import Copy
from readingroom.copies.tables import KNOWN_VALUES
from readingroom.core.ids import TenantName, new_id
from readingroom.house import House

_NONCE = 12


def add_known_values(
    unit: Unit, tenant: TenantName, values: Mapping[bytes, tuple[str, Spelled]], *, tag_key: bytes, request: str
) -> int:
    """Add values (tag → kind and spellings) that are not there yet; how many. The caller appends the event."""
    there = set(unit.connection.scalars(select(KNOWN_VALUES.c.tag).where(KNOWN_VALUES.c.tenant == tenant)))
    fresh = {tag: value for tag, value in values.items() if tag not in there}
    rows = []
    for tag, (kind, spelled) in sorted(fresh.items()):
        nonce = secrets.token_bytes(_NONCE)
        box = nonce + AESGCM(_key(tag_key)).encrypt(nonce, spelled.pack(), _bound(tenant, tag))
        row = {"id": new_id("known"), "tenant": tenant, "tag": tag, "kind": kind}
        rows.append(row | {"spelled": box, "request": request, "since": unit.at})
    if rows:
        unit.connection.execute(insert(KNOWN_VALUES), rows)
    return len(rows)


def known_values(house: House, copy: Copy, tag_key: bytes) -> list[tuple[bytes, Spelled]]:
    """Every value that copies of this tenant must know besides its people."""
    statement = select(KNOWN_VALUES.c.tag, KNOWN_VALUES.c.spelled).where(KNOWN_VALUES.c.tenant == copy.tenant)
    with house.place(copy.place).db.read(copy.tenant) as connection:
        rows = connection.execute(statement.order_by(KNOWN_VALUES.c.tag)).all()
    found = []
    for tag, box in rows:
        try:
            data = AESGCM(_key(tag_key)).decrypt(box[:_NONCE], box[_NONCE:], _bound(copy.tenant, tag))
        except InvalidTag:
            continue  # of a tag key that was destroyed (rule 2)
        found.append((bytes(tag), Spelled.unpack(data)))
    return found


def _key(tag_key: bytes) -> bytes:
    return hashlib.blake2b(b"known values", key=tag_key[:64], digest_size=32).digest()


def _bound(tenant: TenantName, tag: bytes) -> bytes:
    return tenant.encode() + b"\0" + tag
