"""From frozen standings to Cedar entities and context: pure, total, and the only place that knows Cedar's JSON.

Rule 1: what is missing stays missing: an attribute is left out, never defaulted (house rule 2: empty means no).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from readingroom.access.standing import (
    Ask,
    CopyStanding,
    GrantStanding,
    PersonStanding,
    TenantStanding,
    Vouched,
    WorkstationStanding,
)
from readingroom.copies.tables import Reason

Json = dict[str, Any]


def principal(ask: Ask) -> Json:
    """Who asks: a person, or a process of the house."""
    if ask.person is None:
        return {"type": "Process", "id": ask.process}
    return {"type": "Person", "id": ask.person.id}


def request(ask: Ask) -> Json:
    """The Cedar request of `ask`, with its context."""
    return {
        "principal": principal(ask),
        "action": {"type": "Action", "id": ask.action.value},
        "resource": {"type": "Copy", "id": ask.copy.id},
        "context": context(ask),
    }


def context(ask: Ask) -> Json:
    """What the request itself brings: its instant, purpose, grant, device and counts."""
    found: Json = {
        "now": instant(ask.now),
        "purpose": ask.purpose,
        "item_withheld": bool(ask.copy.withheld),
        "item_flagged": ask.copy.withheld == Reason.FLAGGED.value,
        "people": ask.numbers.people,
        "people_cap": ask.numbers.people_cap,
        "views": ask.numbers.views,
        "view_budget": ask.numbers.view_budget,
        "notice_milliseconds": ask.numbers.notice // timedelta(milliseconds=1),
    }
    if ask.grant is not None:
        found["grant"] = _reference("Grant", ask.grant.id)
    if ask.workstation is not None:
        found["workstation"] = _reference("Workstation", ask.workstation.id)
    return found


def entities(ask: Ask) -> list[Json]:
    """Everything that the rule may look at, as Cedar entities."""
    found = [_tenant(ask.tenant), _copy(ask.copy)]
    if ask.person is not None:
        found.append(_person(ask.person))
    if ask.grant is not None:
        found.append(_grant(ask.grant))
    if ask.workstation is not None:
        found.append(_workstation(ask.workstation))
    return found


def instant(value: datetime) -> Json:
    """An instant as Cedar's datetime (milliseconds, rounded down)."""
    utc = value.astimezone(UTC)
    return {"__extn": {"fn": "datetime", "arg": f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"}}


def _person(person: PersonStanding) -> Json:
    attrs: Json = {"present": person.present, "roles": sorted(person.roles), "vendor": person.vendor}
    if person.listed_since is not None:
        attrs["listed_since"] = instant(person.listed_since)
    attrs |= {kind.value: _vouched(fact) for kind, fact in person.facts}
    return _entity("Person", person.id, attrs)


def _vouched(fact: Vouched) -> Json:
    found: Json = {"until": instant(fact.until), "asserted_by": _reference("Person", fact.asserted_by)}
    if fact.confirmed_by is not None:
        found["confirmed_by"] = _reference("Person", fact.confirmed_by)
    return found


def _grant(grant: GrantStanding) -> Json:
    attrs = {
        "person": _reference("Person", grant.person),
        "tenant": _reference("Tenant", grant.tenant),
        "category": grant.category.value,
        "purpose": grant.purpose,
        "state": grant.state,
        "approver": _reference("Person", grant.approver),
        "why": grant.why.strip(),
        "starts": instant(grant.starts),
        "ends": instant(grant.ends),
    }
    return _entity("Grant", grant.id, attrs)


def _workstation(workstation: WorkstationStanding) -> Json:
    attrs = {
        "owner": _reference("Person", workstation.owner),
        "compliant": workstation.compliant,
        "retired": workstation.retired,
    }
    return _entity("Workstation", workstation.id, attrs)


def _tenant(tenant: TenantStanding) -> Json:
    return _entity("Tenant", tenant.name, {"in_force": tenant.in_force, "purposes": sorted(tenant.purposes)})


def _copy(copy: CopyStanding) -> Json:
    attrs = {
        "tenant": _reference("Tenant", copy.tenant),
        "category": copy.category.value,
        "state": copy.state,
        "expires": instant(copy.expires),
    }
    return _entity("Copy", copy.id, attrs)


def _entity(kind: str, identity: str, attrs: Json) -> Json:
    return {"uid": {"type": kind, "id": identity}, "attrs": attrs, "parents": []}


def _reference(kind: str, identity: str) -> Json:
    return {"__entity": {"type": kind, "id": identity}}
