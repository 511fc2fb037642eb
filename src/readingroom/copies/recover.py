"""Put right what a crash left behind: the worker's first duty at every start, and the copy run's before it begins.

  staging copy whose process is gone   → refused: keys, then bytes, then rows
  purge that was begun                 → finished (role worker, which signs)
  rewrite that was not switched        → taken back; one that was → finished
  keys of a copy that is not alive     → destroyed
  object that nobody knows             → deleted
Everything here is safe to repeat, and to run beside live processes: what is listed is listed before the database is
asked, and everything alive was in the database before it was in the store or the keyring (rule 4).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy import select, update

from readingroom.audit.unit import Event, unit_of_work
from readingroom.copies.purge import purge_copy
from readingroom.copies.records import Copy, copies_in
from readingroom.copies.refuse import refuse_copy
from readingroom.copies.rewrite import finish_doomed
from readingroom.copies.runner import is_alive
from readingroom.copies.states import CopyState
from readingroom.copies.tables import OBJECTS, ObjectState
from readingroom.core.errors import KeyFault, Refusal
from readingroom.core.ids import CopyId, PartName
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House, Place
from readingroom.keys.roles import Role

CRASHED = "the copy run died"
_ALIVE = (CopyState.STAGING, CopyState.SEALED)


@dataclass
class Recovered:
    """What was put right; empty after a clean stop."""

    refused: list[CopyId] = field(default_factory=list)
    purged: list[CopyId] = field(default_factory=list)
    rewrites: int = 0
    keys: int = 0
    objects: int = 0

    def __bool__(self) -> bool:
        return bool(self.refused or self.purged or self.rewrites or self.keys or self.objects)


def recover(house: House) -> Recovered:
    """Put right every place of this process. Roles copy, subjects and worker; only the worker finishes purges."""
    if house.role is Role.WEB:
        raise KeyFault("role web destroys nothing, so it recovers nothing")
    done = Recovered()
    for place in house.places.values():
        recover_runs(house, place, done)
        _finish_purges(house, place, done)
        _finish_rewrites(house, place, done)
        _drop_keys(place, done)
        _drop_orphans(place, done)
    return done


def recover_runs(house: House, place: Place, done: Recovered) -> None:
    """Refuse every staging copy whose process is gone."""
    now = house.clock.now()
    with place.db.read(EVERY_TENANT) as connection:
        staging = copies_in(connection, state=CopyState.STAGING)
    for copy in staging:
        if not is_alive(copy.runner, copy.id, heartbeat=copy.heartbeat, now=now):
            refuse_copy(house, copy, CRASHED, findings={"kinds": {"crash": 1}}, actor=house.role.value)
            done.refused.append(copy.id)


def _finish_purges(house: House, place: Place, done: Recovered) -> None:
    if house.role is not Role.WORKER:
        return
    with place.db.read(EVERY_TENANT) as connection:
        begun = [c for c in copies_in(connection, state=CopyState.SEALED) if c.purge_started_at is not None]
    for copy in begun:
        purge_copy(house, copy.id, copy.reason)
        done.purged.append(copy.id)


def _finish_rewrites(house: House, place: Place, done: Recovered) -> None:
    now = house.clock.now()
    with place.db.read(EVERY_TENANT) as connection:
        live = {c.id: c for c in copies_in(connection, state=CopyState.SEALED) if c.purge_started_at is None}
        half = select(OBJECTS).where(OBJECTS.c.state.in_([ObjectState.REGISTERED.value, ObjectState.DOOMED.value]))
        rows = connection.execute(half).all()
    for row in rows:
        task = f"rewrite {row.copy}"
        dead = row.state == ObjectState.REGISTERED.value and not is_alive(
            row.runner, task, heartbeat=row.registered_at, now=now
        )
        if row.copy in live and dead:
            _take_back(house, place, live[row.copy], path=row.path)
            done.rewrites += 1
    for copy in {row.copy for row in rows if row.state == ObjectState.DOOMED.value and row.copy in live}:
        done.rewrites += finish_doomed(house, live[copy])


def _take_back(house: House, place: Place, copy: Copy, *, path: str) -> None:
    """The new generation never counted: its path is doomed, and goes as every doomed one does."""
    with unit_of_work(place.db, copy.tenant, house.clock) as unit:
        same = (OBJECTS.c.path == path) & (OBJECTS.c.state == ObjectState.REGISTERED.value)
        unit.connection.execute(update(OBJECTS).where(same).values(state=ObjectState.DOOMED.value))
        unit.append(Event("copy.rewrite_taken_back", house.role.value, tenant=copy.tenant, copy=copy.id))
    finish_doomed(house, copy)


def _drop_keys(place: Place, done: Recovered) -> None:
    listed = place.keyring.list_copies()
    with place.db.read(EVERY_TENANT) as connection:
        alive = {copy.id for state in _ALIVE for copy in copies_in(connection, state=state)}
        objects = connection.execute(select(OBJECTS.c.copy, OBJECTS.c.key, OBJECTS.c.state)).all()
    for copy in listed:
        if copy not in alive:
            place.keyring.destroy_copy(copy)
            done.keys += 1
    for row in objects:
        if row.state == ObjectState.DELETED.value and row.key in place.keyring.list_parts(row.copy):
            place.keyring.destroy_part(row.copy, PartName(row.key))
            done.keys += 1
    done.keys += place.keyring.sweep()


def _drop_orphans(place: Place, done: Recovered) -> None:
    done.objects += place.store.sweep()
    with suppress(Refusal):  # a place that this process may only write to is swept by one that may read it (P25)
        listed = list(place.store.list(""))
        with place.db.read(EVERY_TENANT) as connection:
            known = set(connection.scalars(select(OBJECTS.c.path).where(OBJECTS.c.state != ObjectState.DELETED.value)))
        for path in listed:
            if path not in known:
                place.store.delete(path)
                done.objects += 1
