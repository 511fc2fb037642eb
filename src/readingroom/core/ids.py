"""Ids: opaque, typed, unguessable where they are secret, and checked at the door.

Rule 1: an id never holds or encodes a personal value.
Rule 2: names that become paths or SQL parameters have a narrow alphabet, so that no name can climb or quote.
"""

from __future__ import annotations

import re
import secrets
from typing import NewType

from readingroom.core.errors import UsageError

RoomId = NewType("RoomId", str)
PlaceName = NewType("PlaceName", str)
TenantName = NewType("TenantName", str)
CopyId = NewType("CopyId", str)
PartName = NewType("PartName", str)
ItemId = NewType("ItemId", str)
PersonId = NewType("PersonId", str)
WorkstationId = NewType("WorkstationId", str)
GrantId = NewType("GrantId", str)
ModelId = NewType("ModelId", str)
EventId = NewType("EventId", str)
RequestId = NewType("RequestId", str)

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


def new_id(prefix: str) -> str:
    """A fresh id `prefix-<16 hex digits>`, unguessable (64 random bits)."""
    return f"{prefix}-{secrets.token_hex(8)}"


def check_name(name: str, *, what: str) -> str:
    """Return `name` if it is a safe name (a-z, 0-9, inner hyphens, at most 64), else say what is wrong with it."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{what} may have a-z, 0-9 and inner hyphens only, at most 64 characters")
    return name
