"""The manifest of a copy: what it holds and what was left out, in names and counts, never values (P11-P14).

It stands on the copy's row and its hash in the event `copy.sealed`, so that nobody can rewrite it unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from readingroom.copies.records import get_copy
from readingroom.copies.tables import COPIES
from readingroom.core.canonical import digest
from readingroom.core.errors import SealFault
from readingroom.core.ids import CopyId
from readingroom.house import House


def manifest_digest(manifest: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of a manifest."""
    return digest(dict(manifest))


def read_manifest(house: House, copy: CopyId) -> dict[str, Any]:
    """The manifest of a copy (of a refused one: what was found); SealFault if it is not the one that was sealed."""
    found = get_copy(house, copy)
    with house.place(found.place).db.read(found.tenant) as connection:
        manifest = connection.scalar(select(COPIES.c.manifest).where(COPIES.c.id == copy)) or {}
    if found.manifest_sha256 and manifest_digest(manifest) != found.manifest_sha256:
        raise SealFault(f"the manifest of {copy} is not the one that was sealed")
    return dict(manifest)
