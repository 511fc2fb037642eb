"""Erase a data subject from every live copy and keep them out of every later one (GDPR Art. 17; P16, P34).

Order, each step durable before the next, so that a crash anywhere is finished by the worker without the identifiers:
  accepted: the request and the person's tags (on the withheld list) in one transaction; the gate and later copies
            honour the list from here on
  rewritten: parts without those rows and passages under new keys, old keys and bytes destroyed (`copies.rewrite`)
  done: queues emptied of the items, triggers settled, counts and a signed receipt.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import insert, select, update

from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.copies.rewrite import Rewritten, Withdrawal, withdraw_from_copies
from readingroom.copies.tables import WITHHELD, Reason
from readingroom.copies.triggers import settle_triggers
from readingroom.copies.withheld import withhold_tags
from readingroom.core.canonical import canonical
from readingroom.core.clock import format_instant
from readingroom.core.errors import WrongState
from readingroom.core.ids import ItemId, RequestId, TenantName
from readingroom.core.steps import reached, register
from readingroom.engagement.tenants import Tenant, get_tenant
from readingroom.house import House
from readingroom.review.labels import clear_comments
from readingroom.review.task_states import TaskStep
from readingroom.review.tasks import move_tasks
from readingroom.subjects.find import identify
from readingroom.subjects.identifiers import Identifier
from readingroom.subjects.people import Subject
from readingroom.subjects.requests import TERM, SubjectRequest, list_requests, read_request
from readingroom.subjects.states import RequestKind, RequestState, RequestStep, next_state
from readingroom.subjects.tables import REQUESTS

ACCEPTED: Final = register(
    "erase.accepted", "the request is entered and its tags are withheld; nothing is rewritten yet"
)
REWRITTEN: Final = register("erase.rewritten", "every part is rewritten; the request is still open")
DONE: Final = register("erase.done", "the request is answered")


def erase_subject(
    house: House, tenant: Tenant, identifiers: Sequence[Identifier], *, request: RequestId, attested_by: str
) -> dict[str, Any]:
    """Erase the person whom `identifiers` name; the signed receipt is the answer. Safe to repeat after a crash.

    Refusal if the identifiers fit several people; WrongState if this request was answered already.
    """
    subject = identify(house, tenant, identifiers)
    _accept(house, tenant, subject, request=request, attested_by=attested_by, kind=RequestKind.ERASE)
    reached(ACCEPTED)
    return _finish(house, tenant, request)


def erase_tags(house: House, tenant: Tenant, tags: Mapping[bytes, str], *, request: RequestId) -> dict[str, Any]:
    """Erase what was deleted at the source, by its tags (`ContactDeleted`, `EntityDeleted`, IsDelete)."""
    subject = Subject(tags, people=len(tags), also_touched=0)
    _accept(house, tenant, subject, request=request, attested_by="source", kind=RequestKind.TRIGGER)
    reached(ACCEPTED)
    return _finish(house, tenant, request)


def resume_erasures(house: House) -> list[RequestId]:
    """Finish every erasure that a crash interrupted; the requests that needed it. The worker's duty."""
    waiting = [r for r in list_requests(house) if r.state is RequestState.RUNNING]
    for one in waiting:
        _finish(house, get_tenant(house, one.tenant), one.id)
    return [one.id for one in waiting]


def _accept(
    house: House, tenant: Tenant, subject: Subject, *, request: RequestId, attested_by: str, kind: RequestKind
) -> None:
    with unit_of_work(house.place(tenant.place).db, tenant.name, house.clock) as unit:
        known = read_request(unit.connection, tenant.name, request)
        if known is not None:
            _check_resumable(known)
        else:
            row: dict[str, Any] = {"id": request, "tenant": tenant.name, "kind": kind, "state": RequestState.RUNNING}
            row |= {"attested_by": attested_by, "received_at": unit.at, "due_at": unit.at + TERM}
            row |= {"people": subject.people, "also_touched": subject.also_touched}
            unit.connection.execute(insert(REQUESTS).values(**row))
        withhold_tags(unit, tenant.name, subject.tags, reason=Reason.ERASED, request=request)
        facts = {"request": request, "kind": kind.value, "identifiers": len(subject.tags)}
        unit.append(Event("subject.erasure_accepted", actor=attested_by, tenant=tenant.name, facts=facts))


def _check_resumable(known: SubjectRequest) -> None:
    if known.state is RequestState.DONE:
        raise WrongState(f"request {known.id} was answered already; use another id for another request")
    next_state(known.state, RequestStep.RESUME)


def _finish(house: House, tenant: Tenant, request: RequestId) -> dict[str, Any]:
    place = house.place(tenant.place)
    tags = _withheld_by(house, tenant, request)
    results = withdraw_from_copies(house, tenant.name, Withdrawal(tags=tags, reason=Reason.ERASED, request=request))
    reached(REWRITTEN)
    with unit_of_work(place.db, tenant.name, house.clock) as unit:
        receipt = _close(house, unit, tenant.name, request=request, results=results)
        settle_triggers(unit, tenant.name, tags, request=request)
    place.db.checkpoint()
    reached(DONE)
    return receipt


def _close(
    house: House, unit: Unit, tenant: TenantName, *, request: RequestId, results: Sequence[Rewritten]
) -> dict[str, Any]:
    known = read_request(unit.connection, tenant, request)
    if known is None:
        raise WrongState(f"request {request} is not in the register")
    state = next_state(known.state, RequestStep.FINISH)
    items = [ItemId(item) for one in results for item in one.items]
    move_tasks(unit, items, TaskStep.WITHHOLD)
    clear_comments(unit, items)
    touched = [one for one in results if one.parts]
    counts = {
        "copies": len(touched),
        "parts": sum(one.parts for one in results),
        "rows": sum(one.rows for one in results),
        "spans": sum(one.spans for one in results),
        "items": len(items),
    }
    body = {
        "type": "readingroom/erasure-receipt@v1",
        "room": house.settings.room_id,
        "tenant": tenant,
        "request": request,
        "received_at": format_instant(known.received_at),
        "done_at": format_instant(unit.at),
        "people": known.people,  # 0: no live copy knows the person by these identifiers; later copies honour them
        "also_touched": known.also_touched,
        **counts,
    }
    receipt = {"receipt": body, "role": house.role.value, "signature": _sign(house, body)}
    mine = (REQUESTS.c.tenant == tenant) & (REQUESTS.c.id == request)
    values = {name: counts[name] for name in ("copies", "rows", "spans")}
    unit.connection.execute(
        update(REQUESTS).where(mine).values(state=state, done_at=unit.at, receipt=receipt, **values)
    )
    unit.append(Event("subject.erased", actor="subjects", tenant=tenant, facts={"request": request, **counts}))
    return receipt


def _withheld_by(house: House, tenant: Tenant, request: RequestId) -> frozenset[bytes]:
    statement = select(WITHHELD.c.tag).where(
        WITHHELD.c.tenant == tenant.name, WITHHELD.c.request == request, WITHHELD.c.tag.is_not(None)
    )
    with house.place(tenant.place).db.read(tenant.name) as connection:
        return frozenset(connection.execute(statement).scalars())


def _sign(house: House, body: Mapping[str, Any]) -> str:
    return base64.b64encode(house.keys.sign(canonical(body))).decode()
