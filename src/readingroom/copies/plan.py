"""What a copy of one category takes, learns from and leaves out: decided from names and decisions, before any cell.

Rule 1: a table that no classification lists, no decision confirms, or the tenant excludes is not even scanned (rule 2
of the house). Rule 2: a schema copy reads names and types (P13); the tenant's people are learnt for it only so that no
name in it is a person's (P26). Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from typing_extensions import override

from readingroom.anonymize.classification import shipped
from readingroom.anonymize.plans import TablePlan, classify
from readingroom.core.category import Category
from readingroom.sources import AllowList, TableInfo

EXCLUDED: Final = "excluded by the customer"
_LOG: Final = "activity-log"
_DEFINITIONS: Final = "entity-definitions"
_STORES: Final = ("dataverse", "interactions")

Planned = tuple[TableInfo, TablePlan]


@dataclass(frozen=True)
class CopyPlan:
    """The tables of one copy run: `copied`, and `learnt` from (the copied ones among them)."""

    copied: tuple[Planned, ...]
    learnt: tuple[Planned, ...]
    left_out: tuple[tuple[str, str], ...]  # cleared names and why


def plan_copy(
    tables: Sequence[TableInfo], category: Category, *, excluded: Collection[str], decisions: Mapping[str, str]
) -> CopyPlan:
    """The plan over the readable tables of a scan."""
    barred = {name.lower() for name in excluded}
    copied: list[Planned] = []
    learnt: list[Planned] = []
    left_out: list[tuple[str, str]] = []
    for table in tables:
        columns = [(column.name, column.type) for column in table.columns]
        plan = classify(table.name, table.store, columns, decisions=decisions)
        wanted = table.category is category
        if table.name.lower() in barred:
            left_out += [(table.name, EXCLUDED)] if wanted else []
        elif not plan.allowed:
            left_out += [(table.name, plan.reason)] if wanted else []
        else:
            copied += [(table, plan)] if wanted else []
            learnt += [(table, plan)] if wanted or _teaches(plan, category) else []
    return CopyPlan(tuple(copied), tuple(learnt), tuple(left_out))


def allow_list(category: Category, *, excluded: Collection[str], decisions: Mapping[str, str]) -> AllowList:
    """Which tables and columns a scan for a copy of `category` may touch at all."""
    barred = {name.lower() for name in excluded}

    def allowed(table: str) -> frozenset[str] | None:
        if table.lower() in barred:
            return None
        if table == _DEFINITIONS:
            return _Every() if category is Category.SCHEMA else None  # P13
        if table == _LOG:
            return None if category is Category.SCHEMA else _Listed(table, [_LOG], decisions)
        stores = [store for store in _STORES if shipped().table(table, store).known]
        if category is Category.SCHEMA and not any(shipped().table(table, store).person for store in stores):
            return None
        listed = _Listed(table, stores, decisions)
        return listed if stores or listed.decided else None

    return allowed


def _teaches(plan: TablePlan, category: Category) -> bool:
    return bool(plan.person) if category is Category.SCHEMA else plan.store != "schema"


class _Every(frozenset[str]):
    """The columns of a table whose format is fixed: all of them."""

    @override
    def __contains__(self, column: object) -> bool:
        return True


class _Listed(frozenset[str]):
    """The columns of a table that the classification lists or a decision names, asked one by one."""

    def __new__(cls, table: str, stores: Sequence[str], decisions: Mapping[str, str]) -> Self:
        del table, stores, decisions
        return super().__new__(cls)

    def __init__(self, table: str, stores: Sequence[str], decisions: Mapping[str, str]) -> None:
        prefix = f"{table.lower()}."
        self._table, self._stores = table, stores
        self.decided = {key.lower()[len(prefix) :] for key in decisions if key.lower().startswith(prefix)}

    @override
    def __contains__(self, column: object) -> bool:
        if not isinstance(column, str):
            return False
        if column.lower() in self.decided:
            return True
        return any(shipped().treatment(self._table, store, column=column) is not None for store in self._stores)
