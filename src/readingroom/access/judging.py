"""The privacy officer's look at a flagged item, through the gate: purpose `check`, the event first (house rule 3).

Rule 1: only what a flag withholds, and nothing that an erasure, a restriction or the second look withholds.
Rule 2: as everybody else who looks: vetted, present, at their own workstation. The flag, raised by somebody else,
stands where a grant stands otherwise; nothing is shown when the copy or the engagement is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import insert
from typing_extensions import override

from readingroom.access.dossier import Visit, copy_standing, read_dossier, withheld_reasons
from readingroom.access.gate import record, refusal, view_row
from readingroom.access.policy import load_policies
from readingroom.access.standing import Action
from readingroom.access.tables import VIEWS
from readingroom.audit.unit import unit_of_work
from readingroom.copies.reader import read_item
from readingroom.copies.records import get_copy, get_item, read_copy
from readingroom.core.ids import CopyId, EventId, ItemId, PersonId, TenantName, WorkstationId
from readingroom.house import House

CHECK: Final = "check"  # the purpose, as the notice names it


@dataclass(frozen=True, repr=False)
class Judged:
    """A flagged item as the officer sees it: all its cells, nothing more taken out."""

    item: ItemId
    tenant: TenantName
    copy: CopyId
    kind: str
    cells: Mapping[str, Any]
    event: EventId

    @override
    def __repr__(self) -> str:
        """Without the cells: a repr may end in a log (house rule 1)."""
        return f"Judged({self.item})"


def judge_item(house: House, person: PersonId, *, workstation: WorkstationId | None, item: ItemId) -> Judged:
    """One flagged item for a privacy officer; AccessDenied with the reasons otherwise. Either way there is an event."""
    found = get_item(house, item)
    copy = get_copy(house, found.copy)
    visit = Visit(CHECK, Action.JUDGE, person=person, workstation=workstation)
    with unit_of_work(house.place(copy.place).db, found.tenant, house.clock) as unit:
        dossier = read_dossier(house, visit, found.tenant, place=unit.connection, now=unit.at)
        withheld = withheld_reasons(unit.connection, [item])[item]
        present = read_copy(unit.connection, copy.id) or copy
        ask = dossier.ask_about(copy_standing(present, item, withheld=withheld), views=0)
        decision = load_policies().decide(ask)
        event = record(unit, ask, decision, item=item)
        if decision.permit:
            row = view_row(unit, ask, event, part=found.part, item=item)
            unit.connection.execute(insert(VIEWS).values(**row))
    if not decision.permit:
        raise refusal(decision)
    cells = read_item(house, copy, found)
    return Judged(item, found.tenant, copy.id, found.kind, cells, event)
