"""Opt-in, suspension, opt-out, termination: each one unit of work with its event and its signed receipt.

Rule 1: a step that the state machine does not have is refused and changes nothing (P02).
Rule 2: a step changes the engagement and nothing else of the customer's (P05): this file writes `engagements`,
        `receipts` and `contacts`, and the mirror of the first.
Rule 3: the address of the administrator who acted is kept in `contacts` alone; an event has a salted commitment to it,
        a receipt has the contact's id.
Rule 4: what has been answered to the customer is on disk in the room and in its place.

On SQLite a unit of work takes the write lock before it reads, so that two opt-ins cannot both pass the check; on
PostgreSQL the row is locked, and a first opt-in is decided by the primary key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from readingroom.audit.logs import log_head
from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.core.category import Category
from readingroom.core.clock import format_instant
from readingroom.core.errors import UnknownName, UsageError, WrongState
from readingroom.core.ids import TenantName, new_id
from readingroom.db.engines import EVERY_TENANT
from readingroom.engagement.contact import contact_id
from readingroom.engagement.mirror import write_mirror
from readingroom.engagement.notice import Notice, read_latest, read_notice
from readingroom.engagement.pending import Newer, newer_notice, pending_notice
from readingroom.engagement.receipt import Facts, LogHead, build_receipt, sign_receipt
from readingroom.engagement.states import (
    EVENTS,
    EngagementState,
    Step,
    can_view,
    check_may_copy,
    check_may_view,
    next_state,
)
from readingroom.engagement.tables import ENGAGEMENTS, RECEIPTS
from readingroom.engagement.tenants import Tenant, get_tenant, list_tenants
from readingroom.house import House
from readingroom.stores.places import place_for


@dataclass(frozen=True)
class Engagement:
    """Where one tenant's engagement stands. Before the first opt-in `state` is None and there is no purpose."""

    tenant: TenantName
    state: EngagementState | None
    since: datetime | None
    began_at: datetime | None
    ends_at: datetime | None  # of `opting_out`: when it will end; of `ended`: when it did
    notice_version: int | None
    purposes: tuple[str, ...]
    contact_ok: bool
    pending: int | None = None  # a wider notice that waits to be accepted: no new copy until then (P01)


@dataclass(frozen=True)
class _Change:
    """One step, and what goes with it."""

    step: Step
    actor: str
    by: str | None = None  # an administrator's address
    ends_at: datetime | None = None
    contact_ok: bool = False  # of an opt-in
    read: int | None = None  # the version of the notice that was read
    why: str = ""


def opt_in(
    house: House,
    tenant: str,
    by: str,
    *,
    actor: str = "customer",
    contact_ok: bool = False,
    read: int | None = None,
) -> dict[str, Any]:
    """Begin the engagement under the latest notice; the signed receipt is the answer.

    WrongState if it is in force already, Refusal if no notice has been published. `by` is the administrator's e-mail
    address. Being contacted is a permission of its own and off unless given (P04). With `read`, the version that was
    shown, WrongState if another has been published since.
    """
    return _act(house, tenant, _Change(Step.OPT_IN, actor, by=by, contact_ok=contact_ok, read=read))


def accept_notice(house: House, tenant: str, by: str, *, read: int, actor: str = "customer") -> dict[str, Any]:
    """Agree to the newest notice, of version `read`; the engagement goes on under it. The receipt is the answer.

    WrongState if it is agreed to already, if another has been published since, or if nothing is in force.
    """
    return _act(house, tenant, _Change(Step.ACCEPT_NOTICE, actor, by=by, read=read))


def opt_out(
    house: House, tenant: str, by: str | None = None, *, received: datetime | None = None, actor: str = "customer"
) -> dict[str, Any]:
    """End the engagement: at once (the toggle), or by the notice of a letter `received` at that instant (P03).

    With `received` the state is `opting_out` and ends at received + opt_out_notice_days; if that has passed already it
    is `ended`. UsageError if the letter comes from the future or from before the engagement; WrongState if it has
    ended, or notice is running already.
    """
    if received is None:
        return _act(house, tenant, _Change(Step.OPT_OUT, actor, by=by))
    now = house.clock.now()
    if received > now:
        raise UsageError("an opt-out cannot have been received in the future")
    began = status(house, tenant).began_at
    if began is not None and received.date() < began.date():  # a bare date is its midnight
        raise UsageError("the opt-out was received before this engagement began")
    ends_at = received + timedelta(days=house.settings.limits.opt_out_notice_days)
    step = Step.GIVE_NOTICE if ends_at > now else Step.OPT_OUT
    return _act(house, tenant, _Change(step, actor, by=by, ends_at=ends_at))


def suspend(house: House, tenant: str, *, actor: str = "customer", by: str | None = None) -> dict[str, Any]:
    """Stop copying and reading until `resume`; purges go on."""
    return _act(house, tenant, _Change(Step.SUSPEND, actor, by=by))


def resume(house: House, tenant: str, *, actor: str = "customer", by: str | None = None) -> dict[str, Any]:
    """Take a suspended engagement up again, under the notice that was agreed to."""
    return _act(house, tenant, _Change(Step.RESUME, actor, by=by))


def terminate(house: House, tenant: str, why: str, *, actor: str) -> dict[str, Any]:
    """The vendor ends the engagement, with a reason; on the data it acts like an opt-out (P06)."""
    if not why.strip():
        raise UsageError("a termination needs a reason")
    return _act(house, tenant, _Change(Step.TERMINATE, actor, why=why.strip()))


def end_due(house: House) -> list[TenantName]:
    """End every engagement whose notice has run out; the tenants concerned. The worker's duty."""
    with house.db.read(EVERY_TENANT) as connection:
        due = select(ENGAGEMENTS.c.tenant).where(
            ENGAGEMENTS.c.state == EngagementState.OPTING_OUT.value, ENGAGEMENTS.c.ends_at <= house.clock.now()
        )
        tenants = [TenantName(name) for name in connection.execute(due.order_by(ENGAGEMENTS.c.tenant)).scalars()]
    for tenant in tenants:
        _act(house, tenant, _Change(Step.RUN_OUT, house.role.value))
    return tenants


def deadlines(house: House) -> list[tuple[datetime, str]]:
    """The instants at which an engagement ends by itself, earliest first, each with what happens then."""
    found = [(entry, entry.ends_at) for entry in statuses(house) if entry.state is EngagementState.OPTING_OUT]
    return sorted((ends, f"engagement of {entry.tenant} ends") for entry, ends in found if ends is not None)


def status(house: House, tenant: str) -> Engagement:
    """Where the engagement of `tenant` stands; UnknownName if there is no such tenant."""
    name = get_tenant(house, tenant).name
    with house.db.read(name) as connection:
        return _with_pending(connection, read_status(connection, name))


def statuses(house: House) -> list[Engagement]:
    """Where every tenant's engagement stands, by name."""
    with house.db.read(EVERY_TENANT) as connection:
        rows = {row["tenant"]: row for row in connection.execute(select(ENGAGEMENTS)).mappings()}
        known = {name: _with_pending(connection, _engagement(TenantName(name), row)) for name, row in rows.items()}
    return [known.get(tenant.name) or _engagement(tenant.name, None) for tenant in list_tenants(house)]


def read_status(connection: Connection, tenant: TenantName) -> Engagement:
    """Where the engagement stands, read in an open transaction of the room's database; whoever views needs no more.

    Whether a wider notice waits is not looked for here: it stops copies and no view.
    """
    return _engagement(tenant, _row(connection, tenant))


def newer(house: House, tenant: str) -> Newer | None:
    """The notice that was published after the one `tenant` agreed to, and how it differs; None if there is none."""
    found = status(house, tenant)
    if found.state is None or found.state is EngagementState.ENDED:
        return None
    with house.db.read(found.tenant) as connection:
        return newer_notice(connection, found.notice_version)


def in_force(house: House, tenant: str, now: datetime) -> bool:
    """Whether sealed copies of `tenant` may be read at `now` (P02); the rule is states.check_may_view."""
    found = status(house, tenant)
    return can_view(found.state, found.ends_at, now)


def check_copying(house: House, tenant: str) -> Engagement:
    """The engagement, if a new copy may be made now; WrongState with the reason otherwise (P02)."""
    found = status(house, tenant)
    check_may_copy(found.state, found.ends_at, house.clock.now(), pending=found.pending)
    return found


def check_viewing(house: House, tenant: str) -> Engagement:
    """The engagement, if sealed copies may be read now; WrongState with the reason otherwise (P02)."""
    found = status(house, tenant)
    check_may_view(found.state, found.ends_at, house.clock.now())
    return found


def receipt(house: House, tenant: str) -> dict[str, Any]:
    """The latest signed receipt of `tenant`; UnknownName if there is none yet."""
    found = receipts(house, tenant)
    if not found:
        raise UnknownName("no receipt: the customer has not opted in")
    return found[-1]


def receipts(house: House, tenant: str) -> list[dict[str, Any]]:
    """Every signed receipt of `tenant`, oldest first."""
    name = get_tenant(house, tenant).name
    with house.db.read(name) as connection:
        query = select(RECEIPTS.c.document).where(RECEIPTS.c.tenant == name).order_by(RECEIPTS.c.number)
        return list(connection.execute(query).scalars())


def _act(house: House, name: str, change: _Change) -> dict[str, Any]:
    tenant = get_tenant(house, name)
    house.place(tenant.place)  # a process that does not hold the place must not begin what it cannot mirror (rule 4)
    head = log_head(house, tenant.place, tenant.name)
    with unit_of_work(house.db, tenant.name, house.clock) as unit:
        before = _row(unit.connection, tenant.name, lock=True)
        state = next_state(EngagementState(before["state"]) if before else None, change.step)
        notice = _notice(unit.connection, change, before)
        indicated_by = contact_id(unit, tenant.name, change.by) if change.by is not None else change.actor
        row = _next_row(unit, change, state=state, before=before, notice=notice)
        _store(unit, tenant.name, row, known=before is not None)
        facts = _facts(house, tenant, row, notice=notice, indicated_by=indicated_by, head=LogHead(*head))
        facts = replace(facts, number=_number(unit.connection, tenant.name))
        document = _issue(house, unit, facts)
        public = {"state": state.value, "notice": notice.version, "receipt": facts.identity}
        public |= {"ends_at": format_instant(row["ends_at"])} if row["ends_at"] else {}
        public |= {"why": change.why} if change.why else {}
        sealed = {"by": change.by} if change.by is not None else {}  # rule 3
        unit.append(Event(EVENTS[change.step], actor=change.actor, tenant=tenant.name, facts=public, sealed=sealed))
    write_mirror(house, tenant.name, actor=change.actor)
    return document


def _row(connection: Connection, tenant: TenantName, *, lock: bool = False) -> RowMapping | None:
    query = select(ENGAGEMENTS).where(ENGAGEMENTS.c.tenant == tenant)
    return connection.execute(query.with_for_update() if lock else query).mappings().first()


def _notice(connection: Connection, change: _Change, before: RowMapping | None) -> Notice:
    """Consent is to the latest notice, as it was read; every other step stays with the one that was agreed to."""
    if change.step not in {Step.OPT_IN, Step.ACCEPT_NOTICE} and before is not None:
        return read_notice(connection, before["notice"])
    latest = read_latest(connection)
    if change.read is not None and change.read != latest.version:
        raise WrongState("another notice has been published since: read it first", reasons=("not the newest notice",))
    if change.step is Step.ACCEPT_NOTICE and before is not None and before["notice"] == latest.version:
        raise WrongState(f"notice {latest.version} is agreed to already", reasons=("there is no newer notice",))
    return latest


def _next_row(
    unit: Unit, change: _Change, *, state: EngagementState, before: RowMapping | None, notice: Notice
) -> dict[str, Any]:
    begins = change.step is Step.OPT_IN or before is None
    ends_at = change.ends_at or (before["ends_at"] if before and not begins else None)
    if state is EngagementState.ENDED:  # over is over, at the earlier of now and the date that was announced
        ends_at = min(ends_at, unit.at) if ends_at else unit.at
    return {
        "state": state.value,
        "step": change.step.value,
        "since": unit.at,
        "began_at": unit.at if begins else before["began_at"],  # type: ignore[index]  # before is None only if begins
        "ends_at": ends_at,
        "notice": notice.version,
        "purposes": [purpose.id for purpose in notice.form.purposes],
        "contact_ok": change.contact_ok if begins else before["contact_ok"],  # type: ignore[index]
    }


def _store(unit: Unit, tenant: TenantName, row: Mapping[str, Any], *, known: bool) -> None:
    if known:
        unit.connection.execute(update(ENGAGEMENTS).where(ENGAGEMENTS.c.tenant == tenant).values(**row))
    else:
        unit.connection.execute(insert(ENGAGEMENTS).values(tenant=tenant, **row))


def _facts(
    house: House, tenant: Tenant, row: Mapping[str, Any], *, notice: Notice, indicated_by: str, head: LogHead
) -> Facts:
    return Facts(
        identity=new_id("rc"),
        number=0,  # given below
        tenant=tenant.name,
        vendor=house.settings.vendor,
        step=Step(row["step"]),
        state=EngagementState(row["state"]),
        at=row["since"],
        began_at=row["began_at"],
        ends_at=row["ends_at"],
        indicated_by=indicated_by,
        notice_version=notice.version,
        notice_sha256=notice.sha256,
        form=notice.form,
        geo=tenant.geo,
        places={category.value: place_for(house.settings, category, tenant.geo) for category in Category},
        contact_ok=row["contact_ok"],
        log=head,
    )


def _number(connection: Connection, tenant: TenantName) -> int:
    count: int = connection.execute(select(func.count()).where(RECEIPTS.c.tenant == tenant)).scalar_one()
    return count + 1


def _issue(house: House, unit: Unit, facts: Facts) -> dict[str, Any]:
    document = sign_receipt(build_receipt(facts), role=house.role.value, sign=house.keys.sign)
    row = {"id": facts.identity, "tenant": facts.tenant, "number": facts.number, "at": facts.at}
    unit.connection.execute(insert(RECEIPTS).values(**row, step=facts.step.value, document=document))
    return document


def _with_pending(connection: Connection, found: Engagement) -> Engagement:
    return replace(found, pending=pending_notice(connection, found.state, found.notice_version))


def _engagement(tenant: TenantName, row: RowMapping | None) -> Engagement:
    if row is None:
        return Engagement(tenant, None, None, None, None, None, (), contact_ok=False)
    return Engagement(
        tenant=tenant,
        state=EngagementState(row["state"]),
        since=row["since"],
        began_at=row["began_at"],
        ends_at=row["ends_at"],
        notice_version=row["notice"],
        purposes=tuple(row["purposes"]),
        contact_ok=row["contact_ok"],
    )
