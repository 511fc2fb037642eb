"""Tenants: which customer environments are known, where their data lives, and how their sources are reached.

Rule 1: a tenant's geo names its place, once, when it is added; nothing moves it afterwards (P17).
Rule 2: an excluded table is never asked for, whatever its classification.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from readingroom.audit.sequencer import open_log
from readingroom.audit.unit import Event, unit_of_work
from readingroom.core.errors import UnknownName, UsageError
from readingroom.core.ids import PlaceName, TenantName, check_name
from readingroom.db.engines import EVERY_TENANT
from readingroom.engagement.tables import TENANTS
from readingroom.house import House
from readingroom.stores.places import geo_place

CONNECTIONS = ("synapse", "interactions", "activity_log", "entity_definitions")
_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True)
class Tenant:
    """One customer environment."""

    name: TenantName
    geo: str
    place: PlaceName
    connection: Mapping[str, str]  # kind of source → absolute path
    excluded: tuple[str, ...]  # tables that the customer keeps out


def add_tenant(house: House, name: str, *, geo: str, connection: Mapping[str, str], actor: str) -> Tenant:
    """Make a tenant known; UsageError if it is already, or the geo or a source is unknown.

    A tenant's log begins with a signed checkpoint of size 0, so that its first receipt can quote one. Only the
    worker's key signs logs: in a process of role worker the log is opened here, in any other the worker opens it at
    its next pass (audit.sequencer.sequence_all), and receipts until then say that there is no checkpoint yet.
    """
    checked = TenantName(check_name(name, what="a tenant's name"))
    place = geo_place(house.settings, geo)
    paths = _absolute(connection)
    with unit_of_work(house.db, checked, house.clock) as unit:
        if unit.connection.execute(select(TENANTS.c.tenant).where(TENANTS.c.tenant == checked)).first():
            raise UsageError(f'tenant "{checked}" is known already')
        row = {"tenant": checked, "geo": geo, "place": place, "connection": paths, "excluded": []}
        unit.connection.execute(insert(TENANTS).values(**row, added_at=unit.at))
        facts = {"geo": geo, "place": place, "sources": sorted(paths)}
        unit.append(Event("tenant.added", actor=actor, tenant=checked, facts=facts))
    tenant = Tenant(checked, geo, place, paths, ())
    open_log(house, place, checked)
    return tenant


def get_tenant(house: House, name: str) -> Tenant:
    """The tenant of that name; UnknownName if there is none."""
    with house.db.read(TenantName(name)) as connection:
        return read_tenant(connection, TenantName(name))


def read_tenant(connection: Connection, name: TenantName) -> Tenant:
    """The tenant of that name, read in an open transaction of the room's database."""
    row = connection.execute(select(TENANTS).where(TENANTS.c.tenant == name)).mappings().first()
    if row is None:
        raise UnknownName(f'no tenant "{check_name(name, what="the name of a tenant")}"')
    return _tenant(row)


def list_tenants(house: House) -> list[Tenant]:
    """Every known tenant, by name."""
    with house.db.read(EVERY_TENANT) as connection:
        rows = connection.execute(select(TENANTS).order_by(TENANTS.c.tenant)).mappings().all()
    return [_tenant(row) for row in rows]


def exclude_table(house: House, name: str, table: str, *, actor: str) -> Tenant:
    """Keep `table` out of every later copy of this tenant; idempotent."""
    if not _TABLE.fullmatch(table):
        raise UsageError("a table's name has letters, digits, dots, hyphens and underscores, at most 128")
    tenant = TenantName(name)
    with unit_of_work(house.db, tenant, house.clock) as unit:
        found = read_tenant(unit.connection, tenant)
        if table in found.excluded:
            return found
        excluded = (*found.excluded, table)
        change = update(TENANTS).where(TENANTS.c.tenant == tenant).values(excluded=list(excluded))
        unit.connection.execute(change)
        unit.append(Event("tenant.table_excluded", actor=actor, tenant=tenant, facts={"table": table}))
    return Tenant(found.name, found.geo, found.place, found.connection, excluded)


def _absolute(connection: Mapping[str, str]) -> dict[str, str]:
    unknown = sorted(set(connection) - set(CONNECTIONS))
    if unknown:
        raise UsageError(f"unknown source(s) {', '.join(unknown)}; known are {', '.join(CONNECTIONS)}")
    paths = {kind: str(Path(path).resolve()) for kind, path in connection.items() if path}
    if not paths:
        raise UsageError("a tenant needs at least one source")
    return paths


def _tenant(row: RowMapping) -> Tenant:
    body: dict[str, Any] = dict(row)
    return Tenant(
        name=TenantName(body["tenant"]),
        geo=body["geo"],
        place=PlaceName(body["place"]),
        connection=body["connection"],
        excluded=tuple(body["excluded"]),
    )
