"""Purge: keys, objects, rows, probes, certificate; in this order, each step safe to repeat (P15, P24, P35).

A copy is unreadable from the first step on, whatever happens to the rest: the gate and the reader look at
`purge_started_at`, and the keys go before anything else. Role worker only: it can destroy keys and open none.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update

from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.copies import retention
from readingroom.copies.certificate import compose, read_certificate, signed
from readingroom.copies.destroy import delete_objects, destroy_keys, objects_of, probe
from readingroom.copies.records import Copy, copies_in, get_copy
from readingroom.copies.staging import known_copy
from readingroom.copies.states import CopyState, check_transition
from readingroom.copies.tables import CERTIFICATES, COPIES, ERASURE_TRIGGERS, ITEMS, OBJECTS, PARTS
from readingroom.copies.withheld import suppressions
from readingroom.core.canonical import parse_object
from readingroom.core.clock import format_instant
from readingroom.core.errors import KeyFault
from readingroom.core.ids import CopyId, TenantName
from readingroom.core.steps import reached, register
from readingroom.db.engines import EVERY_TENANT
from readingroom.engagement.mirror import Mirrored, mirror_state
from readingroom.house import House, Place
from readingroom.keys.roles import Role

STARTED: Final = register("purge.started", "the purge is written down; the copy is unreadable")
KEYS_DESTROYED: Final = register("purge.keys_destroyed", "every key of the copy is destroyed")
OBJECTS_DELETED: Final = register("purge.objects_deleted", "every object of the copy is deleted")
ROWS_DELETED: Final = register("purge.rows_deleted", "items, parts and salts of the copy are deleted")
PROBED: Final = register("purge.probed", "nothing of the copy can be listed, read or opened")
RECORDED: Final = register("purge.recorded", "the certificate is signed and the copy is purged")
DUE: Final = "due"
ENDED: Final = "engagement ended"


def purge_copy(house: House, copy: CopyId, why: str, *, actor: str = "worker") -> dict[str, Any]:
    """Purge a sealed copy; its certificate, the same one again if it was purged before.

    The signed document is `certificate.read_certificate`'s.
    """
    if house.role is not Role.WORKER:
        raise KeyFault(f"role {house.role} does not purge")
    found = get_copy(house, copy)
    place = house.place(found.place)
    if found.state is not CopyState.PURGED:
        found = _start(house, place, found, why=why, actor=actor)
        reached(STARTED)
        _destroy(house, place, found)
    document = parse_object(read_certificate(house, copy), what="the certificate")
    return dict(document["certificate"])


def purge_due(house: House) -> list[dict[str, Any]]:
    """Purge every copy that is due now or whose purge was begun; their certificates, the most urgent first."""
    now = house.clock.now()
    done = []
    for copy in due_for_purge(house, now):
        ends_at = engagement_end(house, copy)
        ended = ends_at is not None and ends_at < copy.expires_at
        done.append(purge_copy(house, copy.id, copy.reason or (ENDED if ended else DUE)))
    return done


def due_for_purge(house: House, now: datetime) -> tuple[Copy, ...]:
    """The copies whose purge is due at `now`, the end of each engagement considered (P03, P35)."""
    found: list[Copy] = []
    for place in house.places.values():
        copies, ends = _sealed(place)
        found += retention.due(copies, now, limits=house.settings.limits, ends=ends)
    return tuple(found)


def purge_deadlines(house: House) -> list[tuple[datetime, str]]:
    """Every instant at which a purge falls due, with its copy's place: for the clock and the worker."""
    found: list[tuple[datetime, str]] = []
    for place in house.places.values():
        copies, ends = _sealed(place)
        instants = retention.deadlines(copies, limits=house.settings.limits, ends=ends)
        found += [(instant, f"purge due in {place.name}") for instant in instants]
    return sorted(found)


def purge_all(house: House, tenant: TenantName, why: str, *, actor: str = "worker") -> list[dict[str, Any]]:
    """Purge every sealed copy of a tenant in this process's places: opt-out, termination (P03, P06, P35)."""
    found: list[Copy] = []
    for place in house.places.values():
        with place.db.read(tenant) as connection:
            found += copies_in(connection, tenant=tenant, state=CopyState.SEALED)
    return [purge_copy(house, copy.id, why, actor=actor) for copy in found]


def engagement_end(house: House, copy: Copy) -> datetime | None:
    """When the engagement that `copy` was made in ends or ended, by the mirror in its place."""
    return retention.end_for(copy, _mirror(house.place(copy.place), copy.tenant))


def _mirror(place: Place, tenant: TenantName) -> Mirrored | None:
    with place.db.read(tenant) as connection:
        return mirror_state(connection, tenant)


def _sealed(place: Place) -> tuple[tuple[Copy, ...], dict[CopyId, datetime | None]]:
    with place.db.read(EVERY_TENANT) as connection:
        copies = copies_in(connection, state=CopyState.SEALED)
        mirrors = {tenant: mirror_state(connection, tenant) for tenant in {copy.tenant for copy in copies}}
    return copies, {copy.id: retention.end_for(copy, mirrors[copy.tenant]) for copy in copies}


def _start(house: House, place: Place, copy: Copy, *, why: str, actor: str) -> Copy:
    with unit_of_work(place.db, copy.tenant, house.clock) as unit:
        present = known_copy(unit, copy.id)
        if present.purge_started_at is not None:
            return present  # begun and not finished: a crash, or another worker at the same moment
        check_transition(present.state, to=CopyState.PURGED)
        change = update(COPIES).where(COPIES.c.id == copy.id)
        unit.connection.execute(change.values(purge_started_at=unit.at, reason=why))
        facts = {"why": why, "expires_at": format_instant(present.expires_at)}
        unit.append(Event("copy.purge_started", actor=actor, tenant=copy.tenant, copy=copy.id, facts=facts))
        return known_copy(unit, copy.id)


def _destroy(house: House, place: Place, copy: Copy) -> None:
    objects = objects_of(place, copy)
    destroy_keys(place, copy)
    reached(KEYS_DESTROYED)
    delete_objects(place, copy, objects)
    reached(OBJECTS_DELETED)
    with unit_of_work(place.db, copy.tenant, house.clock) as unit:
        counts = {}
        for table in (ITEMS, PARTS):
            gone = unit.connection.execute(delete(table).where(table.c.copy == copy.id))
            counts[table.name] = gone.rowcount
        counts["salts"] = unit.forget_salts(copy.id)
        unit.append(Event("copy.rows_deleted", actor="worker", tenant=copy.tenant, copy=copy.id, facts=counts))
    place.db.checkpoint()  # deleted rows leave the write-ahead log too
    reached(ROWS_DELETED)
    probes = probe(place, copy, objects)
    reached(PROBED)
    with unit_of_work(place.db, copy.tenant, house.clock) as unit:
        present = known_copy(unit, copy.id)
        if present.state is CopyState.PURGED:
            return  # another worker was faster; its certificate stands
        limit = retention.limit_for(present, mirror_state(unit.connection, copy.tenant))
        certificate = compose(present, limit=limit, objects=objects, probes=probes, at=unit.at)
        _record(unit, present, signed(house, certificate), certificate=certificate)
        _drop_tenant_keys(unit, place, copy.tenant)
    place.db.checkpoint()
    reached(RECORDED)


def _record(unit: Unit, copy: Copy, document: str, *, certificate: dict[str, Any]) -> None:
    check_transition(copy.state, to=CopyState.PURGED)
    unit.connection.execute(delete(OBJECTS).where(OBJECTS.c.copy == copy.id))
    row = {"copy": copy.id, "tenant": copy.tenant, "signed_at": unit.at, "document": document}
    unit.connection.execute(insert(CERTIFICATES).values(**row))
    values = {"state": CopyState.PURGED.value, "purged_at": unit.at}
    unit.connection.execute(update(COPIES).where(COPIES.c.id == copy.id).values(**values))
    destroyed = certificate["destroyed"]
    facts = {"why": copy.reason, "within_limit": certificate["within_limit"], "merkle_root": destroyed["merkle_root"]}
    facts |= {"objects": destroyed["objects"]["count"], "bytes": destroyed["objects"]["bytes"]}
    facts |= {"certificate_sha256": hashlib.sha256(document.encode()).hexdigest()}
    unit.append(Event("copy.purged", actor="worker", tenant=copy.tenant, copy=copy.id, facts=facts))


def _drop_tenant_keys(unit: Unit, place: Place, tenant: TenantName) -> None:
    """Destroy the tag key with the last copy and suppression: what is left anywhere leads to nobody (P16).

    Inside the write transaction, so that no copy run can begin between the look and the destruction.
    """
    kept = (
        select(func.count())
        .select_from(COPIES)
        .where(COPIES.c.tenant == tenant, COPIES.c.state.in_([CopyState.STAGING.value, CopyState.SEALED.value]))
    )
    if unit.connection.scalar(kept) or suppressions(unit.connection, tenant):
        return
    unit.connection.execute(delete(ERASURE_TRIGGERS).where(ERASURE_TRIGGERS.c.tenant == tenant))
    place.keyring.destroy_tenant_keys(tenant)
    unit.append(Event("tenant.tag_key_destroyed", actor="worker", tenant=tenant))
