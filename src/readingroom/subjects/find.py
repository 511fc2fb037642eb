"""Find a data subject in every live copy: rows, passages in text, query literals and result rows (P16, P34)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert

from readingroom.audit.unit import Event, unit_of_work
from readingroom.copies.tag_index import find, linked
from readingroom.core.errors import KeyFault
from readingroom.core.ids import RequestId
from readingroom.engagement.tenants import Tenant
from readingroom.house import House
from readingroom.keys.roles import Role
from readingroom.subjects.identifiers import Identifier, tags_of
from readingroom.subjects.people import Subject, choose
from readingroom.subjects.requests import TERM, read_request
from readingroom.subjects.states import RequestKind, RequestState
from readingroom.subjects.tables import REQUESTS


@dataclass(frozen=True)
class Found:
    """Where a subject stands, counted; no value, no position that a person could look up."""

    request: RequestId
    subject: Subject
    places: tuple[dict[str, Any], ...]

    def public(self) -> dict[str, Any]:
        """The finding as `subject find --json` shows it."""
        return {
            "request": self.request,
            "people": self.subject.people,
            "identifiers": len(self.subject.tags),
            "also_touched": self.subject.also_touched,
            "found": list(self.places),
            "total": sum(one["count"] for one in self.places),
        }


def identify(house: House, tenant: Tenant, identifiers: Sequence[Identifier]) -> Subject:
    """Who the identifiers name, with every tag the link tables know; role subjects only."""
    if house.role is not Role.SUBJECTS:
        raise KeyFault(f"role {house.role} answers no data-subject requests")
    place = house.place(tenant.place)
    given = tags_of(identifiers, place.keyring.tag_key(tenant.name))
    return choose(given, linked(house, tenant.name, given))


def find_subject(
    house: House, tenant: Tenant, identifiers: Sequence[Identifier], *, request: RequestId, attested_by: str
) -> Found:
    """Find a subject and enter the request; the counts are by copy, table, column and role."""
    subject = identify(house, tenant, identifiers)
    counted: Counter[tuple[str, str, str, str, str]] = Counter()
    for part in find(house, tenant.name, subject.tags):
        columns, roles = part.hits["column"].to_pylist(), part.hits["role"].to_pylist()
        for column, role in zip(columns, roles, strict=True):
            counted[part.copy.id, part.copy.category.value, part.part.table_name, column, role] += 1
    names = ("copy", "category", "table", "column", "role")
    places = tuple({**dict(zip(names, key, strict=True)), "count": n} for key, n in sorted(counted.items()))
    copies = len({one["copy"] for one in places})
    with unit_of_work(house.place(tenant.place).db, tenant.name, house.clock) as unit:
        if read_request(unit.connection, tenant.name, request) is None:
            row: dict[str, Any] = {
                "id": request,
                "tenant": tenant.name,
                "kind": RequestKind.FIND,
                "state": RequestState.DONE,
            }
            row |= {"attested_by": attested_by, "received_at": unit.at, "due_at": unit.at + TERM, "done_at": unit.at}
            row |= {"people": subject.people, "also_touched": subject.also_touched, "copies": copies}
            unit.connection.execute(insert(REQUESTS).values(**row, rows=0, spans=sum(counted.values())))
        facts = {"request": request, "people": subject.people, "places": sum(counted.values()), "copies": copies}
        unit.append(Event("subject.found", actor=attested_by, tenant=tenant.name, facts=facts))
    return Found(request, subject, places)
