"""Names of parts, keys and objects, and the bytes that bind a part to its place.

A name is made of numbers and ids only: table names can hold personal data (P26), and paths are seen by the store.
`place/tenant/category/day/copy/part.parquet`, the place being the store itself (P17, P18).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from readingroom.copies.records import Copy, Part
from readingroom.copies.seal import part_aad
from readingroom.copies.tables import PartKind
from readingroom.core.ids import PartName

ROW: Final = "_row"  # the number of a row in its table's copy; never renumbered
_PREFIX: Final = {PartKind.DATA: "p", PartKind.TAGS: "tags", PartKind.LINKS: "links"}


@dataclass(frozen=True)
class Draft:
    """One generation of a part that is about to be written: its path and the name of its key are fixed."""

    name: PartName
    kind: PartKind
    position: int
    generation: int
    path: str
    key: PartName


def draft_part(copy: Copy, kind: PartKind, position: int, *, generation: int = 1) -> Draft:
    """The draft of one generation of a part of `copy`."""
    name = part_name(kind, position)
    key = key_name(name, generation)
    return Draft(name, kind, position, generation, f"{folder(copy)}/{key}.parquet", key)


def part_name(kind: PartKind, position: int) -> PartName:
    """The stable name of a part: p-00001, tags-00001, links-00001; the prefix picks the key chain."""
    return PartName(f"{_PREFIX[kind]}-{position:05d}")


def key_name(part: PartName, generation: int) -> PartName:
    """The name in the keyring of the key of one generation of a part."""
    return part if generation == 1 else PartName(f"{part}.g{generation}")


def folder(copy: Copy) -> str:
    """The folder of a copy in its place's store."""
    return f"{copy.tenant}/{copy.category.value}/{copy.day}/{copy.id}"


def seal_context(copy: Copy, part: Part | Draft) -> bytes:
    """The additional authenticated data of a part: its place, tenant, category, copy, position and generation."""
    return part_aad(
        place=copy.place,
        tenant=copy.tenant,
        category=copy.category,
        copy=copy.id,
        position=part.position,
        name=part.key,
    )
