"""Bring a restored database up to its log: what was ended, purged, revoked or forgotten since stays so.

A restored database is older than the log that it belongs to. Every entry of the log that it does not know becomes an
event row again, so that no event is lost and the two agree; and what an entry took away is taken away again. What an
entry *gave* (an opt-in, a grant, a sealed copy, a resumption) is not given again: people do that once more (rule 2).

    purge begun, copy purged or refused      → the same again; its objects and keys go
    copy rewritten or flagged since          → its purge is begun: its parts are not those that the database knows
    engagement ended, suspended, on notice   → the same again
    erasure, flag, exclusion since           → the engagement is suspended: what was withheld must be withheld anew
    anything about people or access          → every grant is revoked, every session ended; who left has left
    contact forgotten                        → forgotten
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update

from readingroom.access.grant_states import GrantState
from readingroom.access.tables import ACTORS, GRANTS, LINKS, PEOPLE, SESSIONS
from readingroom.audit.logs import Log, events_of, every_log
from readingroom.audit.sequencer import event_identity, of_tenant, read_head
from readingroom.audit.tiles import Tiles
from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.copies.states import CopyState
from readingroom.copies.tables import COPIES, ITEMS, OBJECTS, PARTS
from readingroom.core.clock import parse_instant
from readingroom.core.errors import LogFault
from readingroom.core.ids import CopyId, TenantName
from readingroom.db.engines import EVERY_TENANT
from readingroom.engagement.states import EngagementState, Step
from readingroom.engagement.tables import CONTACT_REGISTER, CONTACTS, ENGAGEMENTS
from readingroom.house import House
from readingroom.keys.roles import Role

BEHIND: Final = "restored from a backup that is older than its last change"
_ENDS: Final = {
    "engagement.opted_out": Step.OPT_OUT,
    "engagement.terminated": Step.TERMINATE,
    "engagement.ran_out": Step.RUN_OUT,
}
_HOLDS: Final = ("subject.", "flag.", "column.withheld", "tenant.table_excluded", "restriction.", "objection.")
_HOLDS_NOTHING: Final = "subject.found"  # was told and changed nothing
_PEOPLE: Final = ("access.", "person.", "fact.", "workstation.", "session.", "identity.", "subprocessors.", "alert.")
_GIVING: Final = frozenset(
    {
        "engagement.opted_in",
        "engagement.resumed",
        "engagement.notice_accepted",
        "notice.published",
        "subprocessors.published",
        "tenant.added",
        "person.added",
        "person.role_added",
        "fact.confirmed",
        "access.approved",
        "column.confirmed",
        "copy.sealed",
        "label.recorded",
        "model.released",
        "feedback.given",
    }
)
_REWRITES: Final = ("copy.part_", "copy.rewrite_", "flag.", "subject.erased")
_ENDED_COPY: Final = {"copy.purged": CopyState.PURGED, "copy.refused": CopyState.REFUSED}


@dataclass
class Replayed:
    """What the logs told that the databases did not know."""

    entries: int = 0
    copies_ended: list[str] = field(default_factory=list)
    copies_lost: list[str] = field(default_factory=list)  # made since: their parts are nowhere in the database
    held: set[str] = field(default_factory=set)  # tenants that are suspended until people have looked
    again: dict[str, int] = field(default_factory=dict)  # kinds of events whose effect people must see to, counted


def replay(house: House) -> Replayed:
    """Bring every database of this (worker's) house up to its log; LogFault where log and database contradict."""
    done = Replayed()
    begun = [log for log in every_log(house) if log.directory.joinpath("checkpoint").exists()]
    tails = [(log, _enter(house, log)) for log in begun]
    for log, tail in tails:
        done.entries += len(tail)
        if log.place is not None and tail:
            _copies(house, log, tail=tail, done=done)
        _count(tail, done)
    _room(house, [leaf for _log, tail in tails for leaf in tail], done)
    return done


def _enter(house: House, log: Log) -> list[Mapping[str, Any]]:
    """Give the database a row for every entry it does not know; those entries."""
    table = events_of(log.db)
    head, _note = read_head(log.directory, log.origin, house.keys.public(Role.WORKER))
    with log.db.read(log.tenant) as connection:
        mine = of_tenant(log, table)
        known = connection.execute(select(func.max(table.c.log_index)).where(mine)).scalar()
    start = 0 if known is None else known + 1
    if start > head.size:
        raise LogFault(f"{log.origin}: the database knows {start} entries, the log has {head.size}: the log was cut")
    fresh = []
    with unit_of_work(log.db, log.tenant, house.clock) as unit:
        for index, entry in enumerate(Tiles(log.directory, head.size).entries(start), start=start):
            same = table.c.id == event_identity(entry)
            leaf = unit.connection.execute(select(table.c.leaf).where(same)).scalar()
            if leaf is None:
                fresh.append(_insert(unit.connection, log, entry, index=index))
            elif leaf == entry:
                unit.connection.execute(update(table).where(same).values(log_index=index))
            else:
                raise LogFault(f"{log.origin}: entry {index} is not what the database says")
    return fresh


def _insert(connection: Connection, log: Log, entry: bytes, *, index: int) -> Mapping[str, Any]:
    leaf: Mapping[str, Any] = json.loads(entry)
    row = {"id": leaf["id"], "tenant": leaf["tenant"], "name": leaf["name"], "copy": leaf.get("copy", "")}
    row |= {"at": parse_instant(leaf["at"]), "leaf": entry, "log_index": index}
    connection.execute(insert(events_of(log.db)).values(**row))
    return leaf


def _copies(house: House, log: Log, *, tail: Sequence[Mapping[str, Any]], done: Replayed) -> None:
    with unit_of_work(log.db, log.tenant, house.clock) as unit:
        for leaf in tail:
            copy, name = CopyId(leaf.get("copy", "")), leaf["name"]
            if not copy:
                continue
            state = unit.connection.scalar(select(COPIES.c.state).where(COPIES.c.id == copy))
            if state is None:
                if name == "copy.sealed":
                    done.copies_lost.append(copy)
            elif name in _ENDED_COPY:
                _end_copy(unit, copy, leaf, state=_ENDED_COPY[name])
                done.copies_ended.append(copy)
            elif state == CopyState.SEALED and (name == "copy.purge_started" or name.startswith(_REWRITES)):
                begun = {"purge_started_at": parse_instant(leaf["at"]), "reason": BEHIND}
                same = (COPIES.c.id == copy) & COPIES.c.purge_started_at.is_(None)
                unit.connection.execute(update(COPIES).where(same).values(**begun))
                unit.append(Event("restore.copy_ended", house.role.value, tenant=leaf["tenant"], copy=copy))


def _end_copy(unit: Unit, copy: CopyId, leaf: Mapping[str, Any], *, state: CopyState) -> None:
    for table in (ITEMS, PARTS, OBJECTS):
        unit.connection.execute(delete(table).where(table.c.copy == copy))
    at = parse_instant(leaf["at"])
    values: dict[str, Any] = {"state": state.value, "purge_started_at": at, "purged_at": at}
    unit.connection.execute(update(COPIES).where(COPIES.c.id == copy).values(**values))
    unit.forget_salts(copy)
    unit.append(Event("restore.copy_ended", "worker", tenant=leaf["tenant"], copy=copy))


def _count(tail: Sequence[Mapping[str, Any]], done: Replayed) -> None:
    for leaf in tail:
        holds = leaf["name"].startswith(_HOLDS) and leaf["name"] != _HOLDS_NOTHING
        if leaf["tenant"] and holds:
            done.held.add(leaf["tenant"])
        if holds or leaf["name"] in _GIVING:
            done.again[leaf["name"]] = done.again.get(leaf["name"], 0) + 1


def _room(house: House, leaves: Sequence[Mapping[str, Any]], done: Replayed) -> None:
    if not leaves:
        return
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        for leaf in sorted(leaves, key=lambda one: one["at"]):
            _forget(unit, leaf)
            _engagement(house, unit, leaf)
        for tenant in sorted(done.held):
            _set(unit, tenant, EngagementState.SUSPENDED, Step.SUSPEND, since=unit.at)
        if any(leaf["name"].startswith(_PEOPLE) for leaf in leaves):
            _shut(unit)
        facts = {"entries": len(leaves), "copies_ended": len(done.copies_ended), "held": sorted(done.held)}
        unit.append(Event("restore.replayed", house.role.value, facts=facts))


def _forget(unit: Unit, leaf: Mapping[str, Any]) -> None:
    facts, c = leaf.get("facts", {}), unit.connection
    if leaf["name"] == "contact.forgotten":
        c.execute(delete(CONTACT_REGISTER).where(CONTACT_REGISTER.c.contact == facts["contact"]))
        c.execute(delete(CONTACTS).where(CONTACTS.c.id == facts["contact"]))
    if leaf["name"] == "person.left":
        person = c.scalar(select(ACTORS.c.person).where(ACTORS.c.actor == facts["person"]))
        here = (PEOPLE.c.id == person) & PEOPLE.c.left_at.is_(None)
        c.execute(update(PEOPLE).where(here).values(left_at=parse_instant(leaf["at"])))


def _engagement(house: House, unit: Unit, leaf: Mapping[str, Any]) -> None:
    name, at = leaf["name"], parse_instant(leaf["at"])
    if name in _ENDS:
        _set(unit, leaf["tenant"], EngagementState.ENDED, _ENDS[name], since=at)
    elif name == "engagement.suspended":
        _set(unit, leaf["tenant"], EngagementState.SUSPENDED, Step.SUSPEND, since=at)
    elif name == "engagement.notice_received":
        told = leaf.get("facts", {}).get("ends_at")
        ends = parse_instant(told) if told else at + timedelta(days=house.settings.limits.opt_out_notice_days)
        _set(unit, leaf["tenant"], EngagementState.OPTING_OUT, Step.GIVE_NOTICE, since=at, ends_at=ends)


def _set(  # noqa: PLR0917 - a state is a state, the step to it, and when
    unit: Unit, tenant: str, state: EngagementState, step: Step, *, since: datetime, ends_at: datetime | None = None
) -> None:
    """Write a state that takes away; one that has ended stays ended."""
    same = (ENGAGEMENTS.c.tenant == tenant) & (ENGAGEMENTS.c.state != EngagementState.ENDED.value)
    if state is EngagementState.SUSPENDED:
        same &= ENGAGEMENTS.c.state == EngagementState.ACTIVE.value
    over = since if state is EngagementState.ENDED else ends_at
    values: dict[str, Any] = {"state": state.value, "step": step.value, "since": since, "ends_at": over}
    if unit.connection.execute(update(ENGAGEMENTS).where(same).values(**values)).rowcount:
        facts = {"state": state.value, "step": step.value}
        unit.append(Event("restore.engagement_held", "worker", tenant=TenantName(tenant), facts=facts))


def _shut(unit: Unit) -> None:
    c = unit.connection
    alive = GRANTS.c.state.in_([GrantState.REQUESTED.value, GrantState.APPROVED.value])
    grants = c.execute(update(GRANTS).where(alive).values(state=GrantState.REVOKED.value, ended_at=unit.at)).rowcount
    sessions = c.execute(update(SESSIONS).where(SESSIONS.c.ended_at.is_(None)).values(ended_at=unit.at)).rowcount
    c.execute(update(LINKS).where(LINKS.c.used_at.is_(None)).values(used_at=unit.at))
    unit.append(Event("restore.access_shut", "worker", facts={"grants": grants, "sessions": sessions}))
