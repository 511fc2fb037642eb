"""What a person decides about columns: confirmed with a treatment, or withheld; kept per tenant, in its place (P17).

A decision may make the shipped classification stricter, never looser (`anonymize.plans`), and may give a treatment to
what no classification lists. Names of custom columns can hold personal data (P26), so the public log leaf has a
commitment to the name only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from readingroom.anonymize.classification import shipped
from readingroom.anonymize.plans import TablePlan, check_decision, classify
from readingroom.anonymize.schema_names import NameCheck
from readingroom.anonymize.treatments import Treatment
from readingroom.audit.unit import Event, unit_of_work
from readingroom.copies.shown_names import cleared
from readingroom.copies.tables import COLUMN_DECISIONS
from readingroom.core.errors import UsageError
from readingroom.core.ids import TenantName
from readingroom.engagement.tenants import get_tenant
from readingroom.house import House
from readingroom.sources import TableInfo

WITHHOLD: Final = "withhold"
_COLUMN: Final = re.compile(r"([A-Za-z][\w-]{0,199})\.([A-Za-z]\w{0,199})", re.ASCII)


@dataclass(frozen=True)
class ColumnState:
    """One column of a tenant's export as `columns list` shows it."""

    table: str
    column: str
    type: str
    treatment: str  # "withhold" for a withheld one
    origin: str  # shipped, platform, name, type, confirmed; or why it is withheld


def decisions(connection: Connection, tenant: TenantName) -> dict[str, str]:
    """TABLE.COLUMN → treatment or `withhold`, as `anonymize.classify` takes it."""
    statement = select(COLUMN_DECISIONS).where(COLUMN_DECISIONS.c.tenant == tenant)
    return {f"{row.table_name}.{row.column_name}": row.treatment for row in connection.execute(statement)}


def confirm_column(house: House, tenant: TenantName, name: str, *, treatment: str, actor: str) -> None:
    """From the next copy on, treat TABLE.COLUMN so; UsageError if that shows more than the classification does."""
    table, column = _split(name)
    chosen = Treatment.parse(treatment)
    for store in ("dataverse", "interactions", "activity-log"):
        if shipped().table(table, store).known and store != "activity-log":
            default = shipped().treatment(table, store, column=column)
            check_decision(default[0] if default else None, chosen, column=name)
    _decide(house, tenant, (table, column, str(chosen)), actor=actor)


def withhold_column(house: House, tenant: TenantName, name: str, *, actor: str) -> None:
    """From the next copy on, leave TABLE.COLUMN out."""
    _decide(house, tenant, (*_split(name), WITHHOLD), actor=actor)


def list_columns(
    house: House, tenant: TenantName, tables: Sequence[TableInfo], *, check: NameCheck | None
) -> tuple[ColumnState, ...]:
    """Every column of the tenant's export with its treatment, or why it is withheld.

    With a `check` (`shown_names.name_check`) names that may be a person's are withheld, too (P26); without one every
    name is shown: that is the customer's own act.
    """
    with house.place(get_tenant(house, tenant).place).db.read(tenant) as connection:
        decided = decisions(connection, tenant)
    found: list[ColumnState] = []
    for number, table in enumerate(tables, start=1):
        typed = [(column.name, column.type) for column in table.columns]
        shown = cleared(table.name, check, number)
        for at, state in enumerate(_states(table, classify(table.name, table.store, typed, decisions=decided)), 1):
            found.append(replace(state, table=shown, column=cleared(state.column, check, at)))
    return tuple(found)


def _states(table: TableInfo, plan: TablePlan) -> list[ColumnState]:
    types = {column.name: column.type for column in table.columns}
    withheld = dict(plan.withheld)
    states = []
    for name, kind in types.items():
        known = plan.column(name)
        if name in withheld or known is None:
            states.append(ColumnState(table.name, name, kind, WITHHOLD, withheld.get(name, plan.reason)))
        else:
            states.append(ColumnState(table.name, name, kind, str(known.treatment), known.origin))
    return states


def _split(name: str) -> tuple[str, str]:
    found = _COLUMN.fullmatch(name)
    if not found:
        raise UsageError("a column is written TABLE.COLUMN, in letters, digits, _ and - (at most 200 each)")
    return found[1].lower(), found[2].lower()


def _decide(house: House, tenant: TenantName, decision: tuple[str, str, str], *, actor: str) -> None:
    table, column, treatment = decision
    place = house.place(get_tenant(house, tenant).place)
    with unit_of_work(place.db, tenant, house.clock) as unit:
        key = {"tenant": tenant, "table_name": table, "column_name": column}
        same = (COLUMN_DECISIONS.c.tenant == tenant) & (COLUMN_DECISIONS.c.table_name == table)
        unit.connection.execute(delete(COLUMN_DECISIONS).where(same, COLUMN_DECISIONS.c.column_name == column))
        unit.connection.execute(insert(COLUMN_DECISIONS).values(**key, treatment=treatment, actor=actor, at=unit.at))
        name = "column.withheld" if treatment == WITHHOLD else "column.confirmed"
        sealed = {"column": f"{table}.{column}"[:256]}
        unit.append(Event(name, actor=actor, tenant=tenant, facts={"treatment": treatment}, sealed=sealed))
