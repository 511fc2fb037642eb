"""The keyrings and folders of the places, against the copies that live there (P15, P16, P18, P19, P25).

Nothing here opens a key: files are listed and looked at (`Keyring.inventory`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from sqlalchemy import select

from readingroom.copies.records import Copy, list_copies
from readingroom.copies.states import CopyState
from readingroom.copies.tables import WITHHELD
from readingroom.core.category import Category
from readingroom.core.ids import PlaceName
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House
from readingroom.keys.inventory import Epoch, Inventory

_DATABASE: Final = frozenset({"db.sqlite", "db.sqlite-wal", "db.sqlite-shm", "db.sqlite-journal"})
_FOLDERS: Final = frozenset({"objects", "keyring", "logs", "logins"})  # logins: on PostgreSQL


def strays(house: House, places: Collection[PlaceName]) -> Iterator[str]:
    """Files and folders in a place's folder, or in its keyring, that the room did not make."""
    for name in places:
        home = house.settings.root / "places" / name
        for path in home.iterdir() if home.is_dir() else ():
            known = path.name in (_FOLDERS if path.is_dir() else _DATABASE) and not path.is_symlink()
            if not known:
                yield f"something lies in place {name} that the room did not put there"
        for _ in house.place(name).keyring.inventory().unknown:
            yield f"something lies in the keyring of {name} that is no key"


def unopenable(house: House) -> Iterator[str]:
    """What live copies, and the requests that outlive them, can no longer be opened or answered with."""
    copies = [copy for copy in list_copies(house) if copy.state is CopyState.SEALED and copy.purge_started_at is None]
    for place in house.places.values():
        held = place.keyring.inventory()
        mine = [copy for copy in copies if copy.place == place.name]
        yield from _incomplete(held, mine)
        with place.db.read(EVERY_TENANT) as connection:
            standing = WITHHELD.c.tag.is_not(None) & WITHHELD.c.lifted_at.is_(None)
            suppressed = set(connection.execute(select(WITHHELD.c.tenant).distinct().where(standing)).scalars())
        named = suppressed | {str(copy.tenant) for copy in mine if copy.category is not Category.SCHEMA}
        for _ in named - held.tag_keys:
            yield "a tenant's tag key is not there, or not whole"


def _incomplete(held: Inventory, copies: Collection[Copy]) -> Iterator[str]:
    live = {str(copy.id) for copy in copies}
    for path in held.damaged:  # of a copy that is being purged, keys may be half destroyed: the worker goes on there
        if live & set(path.split("/")[4:5]):
            yield "a key file of a live copy is not whole"
    under = dict(held.copies)
    for copy in copies:
        epoch = Epoch(str(copy.tenant), copy.category.retention_class, copy.day)
        if epoch not in held.epochs:
            yield "the epoch key of a live copy is not there, or not whole"
        if under.get(str(copy.id)) != epoch:
            yield "a live copy has no keys in its own tenant's folder"
    if len(under) != len(held.copies):
        yield "a copy has keys in two folders"
