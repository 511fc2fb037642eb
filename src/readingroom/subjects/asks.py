"""Requests that come through the portal: sealed by whoever takes them, opened by whoever answers (P16, P34).

Rule 1: the web process cannot read tags and cannot answer; what was typed is sealed to the role `subjects` in the same
        request, and nobody else opens it.
Rule 2: the sealed identifiers are deleted in the transaction that enters the answer.
Rule 3: what cannot be answered is refused with a reason that repeats no identifier, and can be asked anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from readingroom.audit.unit import Event, unit_of_work
from readingroom.core.errors import KeyFault, Refusal, UsageError, WrongState
from readingroom.core.ids import RequestId, TenantName, check_name, new_id
from readingroom.db.engines import EVERY_TENANT
from readingroom.engagement.tenants import Tenant, get_tenant
from readingroom.house import House
from readingroom.keys.roles import Role
from readingroom.subjects.ask_states import AskState, AskStep, next_ask
from readingroom.subjects.erase import erase_subject
from readingroom.subjects.find import find_subject
from readingroom.subjects.identifiers import parse_identifiers
from readingroom.subjects.requests import TERM, list_requests
from readingroom.subjects.states import RequestKind, RequestState
from readingroom.subjects.tables import ASKS

KINDS = (RequestKind.FIND, RequestKind.ERASE)
LONGEST = 8_000  # characters of identifiers


@dataclass(frozen=True)
class Asked:
    """One request from the portal; no identifier."""

    id: RequestId
    kind: RequestKind
    state: AskState
    asked_at: datetime
    due_at: datetime
    answered_at: datetime | None
    answer: Mapping[str, Any]


def ask(house: House, tenant: Tenant, kind: RequestKind, *, identifiers: str, name: str = "") -> RequestId:
    """Seal a request for the role `subjects`; its id is the answer. UsageError naming the line that is none."""
    if kind not in KINDS:
        raise UsageError(f"a request is one of {', '.join(KINDS)}")
    if len(identifiers) > LONGEST:
        raise UsageError(f"identifiers have at most {LONGEST} characters; a request is about one person")
    parse_identifiers(identifiers)
    request = RequestId(check_name(name, what="a request's id") if name else new_id("dsr"))
    if request in {one.id for one in list_requests(house, tenant.name)}:
        raise WrongState("a request of this id is in the register: choose another", reasons=("the id is taken",))
    box = house.keys.wrap_to(Role.SUBJECTS, identifiers.encode(), _context(tenant.name, request))
    with unit_of_work(house.place(tenant.place).db, tenant.name, house.clock) as unit:
        mine = (ASKS.c.tenant == tenant.name) & (ASKS.c.id == request)
        if unit.connection.execute(select(ASKS.c.id).where(mine)).first() is not None:
            raise WrongState("a request of this id was made already: choose another", reasons=("the id is taken",))
        row = {"tenant": tenant.name, "id": request, "kind": kind, "state": AskState.WAITING, "asked_at": unit.at}
        unit.connection.execute(insert(ASKS).values(**row, due_at=unit.at + TERM, box=json.dumps(box)))
        facts = {"request": request, "kind": kind.value}
        unit.append(Event("subject.asked", actor="customer", tenant=tenant.name, facts=facts))
    return request


def list_asked(house: House, tenant: Tenant) -> tuple[Asked, ...]:
    """The requests that `tenant` made through the portal, newest first."""
    statement = select(ASKS).where(ASKS.c.tenant == tenant.name).order_by(ASKS.c.asked_at.desc(), ASKS.c.id)
    with house.place(tenant.place).db.read(tenant.name) as connection:
        return tuple(_asked(row) for row in connection.execute(statement))


def answer_asked(house: House) -> list[str]:
    """Answer every request that waits; what was done, a line each. The duty of the role `subjects`."""
    done = []
    for place in house.places.values():
        with place.db.read(EVERY_TENANT) as connection:
            statement = select(ASKS).where(ASKS.c.state == AskState.WAITING).order_by(ASKS.c.asked_at)
            waiting = connection.execute(statement).all()
        for row in waiting:
            step, answer = _carry_out(house, row)
            _close(house, row, step, answer=answer)
            done.append(f"request {row.id} {next_ask(AskState.WAITING, step).value}")
    return done


def deadlines(house: House) -> list[tuple[datetime, str]]:
    """When the waiting requests must have been answered."""
    found = []
    for place in house.places.values():
        with place.db.read(EVERY_TENANT) as connection:
            statement = select(ASKS.c.due_at, ASKS.c.id).where(ASKS.c.state == AskState.WAITING)
            found += [(row.due_at, f"request {row.id} must be answered") for row in connection.execute(statement)]
    return sorted(found)


def _carry_out(house: House, row: Row[Any]) -> tuple[AskStep, dict[str, Any]]:
    tenant, request = get_tenant(house, row.tenant), RequestId(row.id)
    if any(one.id == request and one.state is RequestState.DONE for one in list_requests(house, tenant.name)):
        return AskStep.ANSWER, {}  # a crash came between the register's entry and ours; the register has the counts
    try:
        text = house.keys.unwrap(json.loads(row.box), _context(tenant.name, request)).decode()
    except (KeyFault, ValueError):
        return AskStep.REFUSE, {"why": "what was sealed is not readable any more: ask again"}
    try:
        answer = _answer(house, tenant, RequestKind(row.kind), request=request, text=text)
    except KeyFault:
        return AskStep.REFUSE, {"why": "there is no copy that could hold anything of this person"}
    except (Refusal, UsageError) as refusal:
        return AskStep.REFUSE, {"why": str(refusal)}  # ours, and without a value (identifiers rule 1)
    return AskStep.ANSWER, answer


def _answer(house: House, tenant: Tenant, kind: RequestKind, *, request: RequestId, text: str) -> dict[str, Any]:
    who = parse_identifiers(text)
    if kind is RequestKind.FIND:
        found = find_subject(house, tenant, who, request=request, attested_by="customer").public()
        return {name: found[name] for name in ("people", "also_touched", "found", "total")}
    return {"receipt": erase_subject(house, tenant, who, request=request, attested_by="customer")}


def _close(house: House, row: Row[Any], step: AskStep, *, answer: dict[str, Any]) -> None:
    tenant = TenantName(row.tenant)
    with unit_of_work(house.place(get_tenant(house, tenant).place).db, tenant, house.clock) as unit:
        mine = (ASKS.c.tenant == tenant) & (ASKS.c.id == row.id)
        state = AskState(unit.connection.execute(select(ASKS.c.state).where(mine)).scalar_one())
        values = {"state": next_ask(state, step), "answered_at": unit.at, "box": "", "answer": answer}
        unit.connection.execute(update(ASKS).where(mine).values(**values))
        facts = {"request": row.id, "state": values["state"]}
        unit.append(Event(f"subject.{values['state']}", actor="subjects", tenant=tenant, facts=facts))


def _context(tenant: TenantName, request: RequestId) -> dict[str, str]:
    return {"what": "subject request", "tenant": tenant, "id": request}


def _asked(row: Row[Any]) -> Asked:
    return Asked(
        id=RequestId(row.id),
        kind=RequestKind(row.kind),
        state=AskState(row.state),
        asked_at=row.asked_at,
        due_at=row.due_at,
        answered_at=row.answered_at,
        answer=row.answer or {},
    )
