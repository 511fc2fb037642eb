"""Whole parts for a purpose: training, checking, a data subject's request. A dataset is never a copy (DESIGN, Words).

Rule 1: one decision and one event a part, with the count of rows, on disk before the part is opened.
Rule 2: training gets no withheld item; checking and requests get every row, for that is what they are about.
Rule 3: nothing is kept: a part is read when it is asked for, and given up when the next one is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, func, insert, select

from readingroom.access.dossier import Visit, copy_standing, read_dossier
from readingroom.access.gate import record, refusal, view_row
from readingroom.access.policy import load_policies
from readingroom.access.standing import Action
from readingroom.access.tables import VIEWS
from readingroom.audit.unit import unit_of_work
from readingroom.copies.part_names import ROW
from readingroom.copies.reader import read_rows
from readingroom.copies.records import Copy, Part, list_parts, live_copies, read_copy
from readingroom.copies.tables import ITEMS
from readingroom.core.category import Category
from readingroom.core.errors import AccessDenied, UnknownName, UsageError
from readingroom.core.ids import PersonId, TenantName
from readingroom.house import House
from readingroom.keys.roles import Role

ITEM = "_item"  # the id of a row's item in a training table; null where the row is no item
CHECK = "check"
SUBJECT_REQUEST = "subject-request"


@dataclass(frozen=True)
class Wanted:
    """Which parts and columns; None is all of them."""

    tables: Collection[str] | None = None
    columns: Sequence[str] | None = None


ALL = Wanted()


def open_dataset(
    house: House,
    person: PersonId,
    purpose: str,
    *,
    tenant: TenantName,
    category: Category,
    wanted: Wanted = ALL,
) -> Iterator[tuple[Part, pa.Table]]:
    """The parts of a tenant's live copies of a category, for a person's model; AccessDenied with the reasons.

    Each table has the item ids of its rows in `_item`, and lacks the rows whose items are withheld.
    """
    visit = Visit(purpose, Action.TRAIN, person=person)
    copies = [copy for copy in live_copies(house, tenant) if copy.category is category]
    if not copies:
        raise UnknownName("no live copy of that tenant and category in the places of this process")
    for copy in copies:
        for part, table in _open(house, visit, copy, wanted=wanted):
            with house.place(copy.place).db.read(tenant) as connection:
                yield part, _without_withheld(connection, part, table)


def open_for_check(house: House, copy: Copy, *, wanted: Wanted = ALL) -> Iterator[tuple[Part, pa.Table]]:
    """The parts of a sealed copy, to be checked for what anonymization missed; every row, with `_row`."""
    yield from _open(house, Visit(CHECK, Action.CHECK), copy, wanted=wanted)


def open_for_request(
    house: House, copy: Copy, *, request: str, wanted: Wanted = ALL
) -> Iterator[tuple[Part, pa.Table]]:
    """The parts of a sealed copy, to answer a data subject's request (P34); every row, with `_row`."""
    if house.role is not Role.SUBJECTS:
        raise AccessDenied("requests are answered by the process of role subjects")
    if not request:
        raise UsageError("a request is named by its id")
    yield from _open(house, Visit(SUBJECT_REQUEST, Action.ANSWER, request=request), copy, wanted=wanted)


def _open(house: House, visit: Visit, copy: Copy, *, wanted: Wanted) -> Iterator[tuple[Part, pa.Table]]:
    for part in list_parts(house, copy):
        if wanted.tables is not None and part.table_name not in wanted.tables:
            continue
        _admit(house, visit, copy, part=part)
        yield part, read_rows(house, copy, part.name, columns=wanted.columns)


def _admit(house: House, visit: Visit, copy: Copy, *, part: Part) -> None:
    """Decide about one part and write the event; AccessDenied, with its event, otherwise."""
    with unit_of_work(house.place(copy.place).db, copy.tenant, house.clock) as unit:
        dossier = read_dossier(house, visit, copy.tenant, place=unit.connection, now=unit.at)
        present = read_copy(unit.connection, copy.id) or copy
        ask = dossier.ask_about(copy_standing(present), views=0)
        decision = load_policies().decide(ask)
        rows = part.rows
        if visit.action is Action.TRAIN:
            withheld = (ITEMS.c.copy == copy.id) & (ITEMS.c.part == part.name) & (ITEMS.c.withheld != "")
            rows -= unit.connection.execute(select(func.count()).select_from(ITEMS).where(withheld)).scalar() or 0
        extra = {"part": part.name, "rows": rows} | ({"request": visit.request} if visit.request else {})
        event = record(unit, ask, decision, extra=extra)
        if decision.permit:
            unit.connection.execute(insert(VIEWS).values(**view_row(unit, ask, event, part=part.name, rows=rows)))
    if not decision.permit:
        raise refusal(decision)


def _without_withheld(connection: Connection, part: Part, table: pa.Table) -> pa.Table:
    """The rows that may be trained on, with their item ids."""
    statement = select(ITEMS.c.row, ITEMS.c.id, ITEMS.c.withheld)
    found = connection.execute(statement.where(ITEMS.c.copy == part.copy, ITEMS.c.part == part.name)).all()
    ids = {row.row: row.id for row in found}
    hidden = np.array([row.row for row in found if row.withheld], np.int64)
    numbers = table[ROW].to_numpy().astype(np.int64)
    names = pa.array([ids.get(number) for number in numbers.tolist()], pa.string())
    return table.append_column(ITEM, names).filter(pa.array(~np.isin(numbers, hidden)))
