"""What one process holds of the house: its role, its clock, the room's database, and the places it may touch.

A floor of its own between the infrastructure (core … audit) and the rooms: every room's functions take a House and
nothing else from outside. `bootstrap` alone knows how to make one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from readingroom.core.clock import Clock
from readingroom.core.errors import UnknownName, UsageError
from readingroom.core.ids import PlaceName, TenantName
from readingroom.core.settings import RoomSettings
from readingroom.db.engines import Database
from readingroom.keys.keyring import Keyring
from readingroom.keys.roles import Role, RoleKeys
from readingroom.stores.store import ObjectStore


@dataclass(frozen=True)
class Place:
    """One geo's own database, object store, keyring and Merkle logs (P17)."""

    name: PlaceName
    db: Database
    store: ObjectStore
    keyring: Keyring
    logs: Path


@dataclass(frozen=True)
class House:
    """One process: a role with its keys, in one room, with the places that this process may touch."""

    settings: RoomSettings
    role: Role
    keys: RoleKeys
    clock: Clock
    db: Database
    logs: Path
    places: Mapping[PlaceName, Place]

    def place(self, name: PlaceName) -> Place:
        """The place of that name; a process does not hold the others."""
        if name not in self.places:
            if name in self.settings.places:
                raise UsageError(f'this process does not hold place "{name}"')
            raise UnknownName(f'no place "{name}"')
        return self.places[name]

    def close(self) -> None:
        """Give back every database connection of this process."""
        for database in (self.db, *(place.db for place in self.places.values())):
            database.close()

    def log_origin(self, place: PlaceName | None, tenant: TenantName) -> str:
        """The origin line of a log: `readingroom/<room id>[/<place>/<tenant>]` (C2SP tlog-checkpoint)."""
        room = f"readingroom/{self.settings.room_id}"
        return f"{room}/{place}/{tenant}" if place else room
