"""Destroy a copy's keys, then its bytes, then prove that nothing opens: the order of rule 4, for every ending.

Each act is idempotent, so that whoever finds it half-done does it again from the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

from sqlalchemy import select

from readingroom.copies.part_names import folder
from readingroom.copies.records import Copy
from readingroom.copies.tables import OBJECTS
from readingroom.core.errors import Fault, KeyFault, ObjectMissing, Refusal
from readingroom.core.ids import PartName
from readingroom.house import Place


@dataclass(frozen=True)
class StoredObject:
    """One object that was ever registered for a copy."""

    path: str
    key: PartName
    bytes: int
    sha256: str
    state: str


@dataclass(frozen=True)
class Probes:
    """What was tried after the destruction; every `found` must be nothing."""

    objects_tried: int
    objects_found: int
    keys_tried: int
    keys_found: int
    listing: str  # "empty", or "not permitted" for a place that this process may only write to
    keyring: str  # "no key of this copy"

    def as_json(self) -> dict[str, int | str]:
        """The probes as the certificate shows them."""
        return asdict(self)


def objects_of(place: Place, copy: Copy) -> tuple[StoredObject, ...]:
    """Every object that was ever registered for the copy, by path."""
    columns = (OBJECTS.c.path, OBJECTS.c.key, OBJECTS.c.bytes, OBJECTS.c.sha256, OBJECTS.c.state)
    statement = select(*columns).where(OBJECTS.c.copy == copy.id).order_by(OBJECTS.c.path)
    with place.db.read(copy.tenant) as connection:
        return tuple(StoredObject(*row) for row in connection.execute(statement))


def destroy_keys(place: Place, copy: Copy) -> None:
    """Destroy every key of the copy: from here on nobody reads a byte of it, wherever one may lie."""
    place.keyring.destroy_copy(copy.id)
    if place.keyring.copy_exists(copy.id):
        raise KeyFault(f"the keys of {copy.id} are still there")


def delete_objects(place: Place, copy: Copy, objects: Sequence[StoredObject]) -> int:
    """Delete what is registered, and whatever else lies in the copy's folder; how many paths were deleted."""
    paths = {one.path for one in objects}
    with suppress(Refusal):  # a place that may only be written to (P25): what is registered is all there is (rule 4)
        paths.update(place.store.list(folder(copy)))
    for path in sorted(paths):
        place.store.delete(path)
    return len(paths)


def probe(place: Place, copy: Copy, objects: Sequence[StoredObject]) -> Probes:
    """List, read and open everything again; Fault when anything is still there, and then nothing is certified."""
    listing = "empty"
    found = 0
    try:
        found = sum(1 for _ in place.store.list(folder(copy)))
    except Refusal:
        listing = "not permitted"
    found += sum(_readable(place, one.path) for one in objects)
    keys = sum(_openable(place, copy, one.key) for one in objects) + len(place.keyring.list_parts(copy.id))
    if found or keys or place.keyring.copy_exists(copy.id):
        raise Fault(f"after the purge of {copy.id}: {found} object(s) and {keys} key(s) are still there")
    return Probes(len(objects), found, len(objects), keys, listing, "no key of this copy")


def _readable(place: Place, path: str) -> bool:
    try:
        place.store.get(path)
    except (ObjectMissing, Refusal):
        return False
    return True


def _openable(place: Place, copy: Copy, key: PartName) -> bool:
    try:
        place.keyring.part_key(copy.id, key)
    except KeyFault:
        return False
    return True
