"""The register of requests and its clock (GDPR Art. 12(3): one month, here 30 days)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from readingroom.core.clock import format_instant
from readingroom.core.ids import RequestId, TenantName
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House
from readingroom.subjects.states import RequestKind, RequestState
from readingroom.subjects.tables import REQUESTS

TERM: Final = timedelta(days=30)


@dataclass(frozen=True)
class SubjectRequest:
    """One request: what was asked, until when, and what was done. No identifier."""

    id: RequestId
    tenant: TenantName
    kind: RequestKind
    state: RequestState
    attested_by: str
    received_at: datetime
    due_at: datetime
    done_at: datetime | None
    people: int
    also_touched: int
    copies: int
    rows: int
    spans: int

    def public(self) -> dict[str, Any]:
        """The request as lists show it."""
        return {
            "request": self.id,
            "tenant": self.tenant,
            "kind": self.kind.value,
            "state": self.state.value,
            "received_at": format_instant(self.received_at),
            "due_at": format_instant(self.due_at),
            "done_at": format_instant(self.done_at) if self.done_at else None,
            "people": self.people,
            "also_touched": self.also_touched,
            "copies": self.copies,
            "rows": self.rows,
            "spans": self.spans,
        }


def list_requests(house: House, tenant: TenantName = EVERY_TENANT) -> tuple[SubjectRequest, ...]:
    """The requests of one tenant or of all, newest first."""
    found: list[SubjectRequest] = []
    statement = select(REQUESTS)
    if tenant != EVERY_TENANT:
        statement = statement.where(REQUESTS.c.tenant == tenant)
    for place in house.places.values():
        with place.db.read(tenant) as connection:
            found += [_request(row) for row in connection.execute(statement)]
    return tuple(sorted(found, key=lambda one: (one.received_at, one.id), reverse=True))


def read_request(connection: Connection, tenant: TenantName, request: RequestId) -> SubjectRequest | None:
    """The request of that id, as this transaction sees it."""
    row = connection.execute(
        select(REQUESTS).where(REQUESTS.c.tenant == tenant, REQUESTS.c.id == request)
    ).one_or_none()
    return None if row is None else _request(row)


def deadlines(house: House) -> list[tuple[datetime, str]]:
    """When the open requests must have been answered."""
    open_ones = [one for one in list_requests(house) if one.state is not RequestState.DONE]
    return sorted((one.due_at, f"request {one.id} must be answered") for one in open_ones)


def _request(row: Row[Any]) -> SubjectRequest:
    values = {name: value for name, value in row._asdict().items() if name != "receipt"}
    return SubjectRequest(**{**values, "kind": RequestKind(row.kind), "state": RequestState(row.state)})
