"""Evidence of the engagement: notices, periods, ends, contacts, feedback (P01-P08, P35)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from readingroom.assure.finding import Finding, count, not_yet, weigh
from readingroom.assure.holdings import purge_entries, uncertified
from readingroom.assure.lives import unlike_log
from readingroom.assure.register import Leaf, Seen, place_leaves, room_leaves, rows_of, views
from readingroom.assure.timeline import (
    BY_CUSTOMER,
    LEAVING,
    SETTLE,
    End,
    Moment,
    ends,
    may_copy,
    may_view,
    moments,
    notice_at,
)
from readingroom.copies.records import Copy, list_copies
from readingroom.copies.states import CopyState
from readingroom.core.category import Category
from readingroom.core.errors import LogFault
from readingroom.core.ids import TenantName
from readingroom.engagement.contact import CONTACT_DAYS
from readingroom.engagement.mirror import mirror_state
from readingroom.engagement.notice import Notice, list_notices
from readingroom.engagement.notice_terms import compare
from readingroom.engagement.optin import receipts, statuses
from readingroom.engagement.receipt import verify_receipt
from readingroom.engagement.states import EVENTS, EngagementState, Step
from readingroom.engagement.tables import CONTACT_REGISTER, FEEDBACK, RECEIPTS
from readingroom.engagement.tenants import list_tenants
from readingroom.house import House
from readingroom.keys.roles import Role

ROUND: Final = timedelta(hours=24)  # a worker that has not purged what ended within a day has failed
_LATEST: Final = timedelta(days=30)  # P03: the longest notice


def timelines(house: House) -> dict[str, tuple[Moment, ...]]:
    """The steps of every tenant's engagement, as the receipts tell them."""
    return {tenant.name: moments(receipts(house, tenant.name)) for tenant in list_tenants(house)}


def notice(house: House) -> Finding:
    """P01: every notice as published, every receipt signed and naming one, every step with its receipt."""
    published = {leaf.facts["version"]: leaf for leaf in room_leaves(house, "notice.published")}
    notices = {one.version: one for one in list_notices(house)}
    documents = [receipt for tenant in list_tenants(house) for receipt in receipts(house, tenant.name)]
    wrong = []
    for version, one in notices.items():
        entry = published.get(version)
        words = hashlib.sha256(one.text.encode()).hexdigest()
        if words != one.sha256 or entry is None or entry.facts["sha256"] != words:
            wrong.append("a notice is not word for word what was published")
    wrong += ["a published notice is not there" for version in published if version not in notices]
    for document in documents:
        try:
            verify_receipt(document, house.keys.public(Role(document["signature"]["role"])))
        except LogFault:
            wrong.append("a receipt's signature does not verify")
    for step in moments(documents):
        agreed = notices.get(step.notice)
        if agreed is None or agreed.sha256 != step.notice_sha256 or agreed.published_at > step.at:
            wrong.append("a receipt names no notice that was there before it")
    given = {row["id"] for row in rows_of(house.db, RECEIPTS)}
    steps = [leaf for leaf in room_leaves(house, *EVENTS.values()) if "receipt" in leaf.facts]
    wrong += ["a step's receipt is not there" for leaf in steps if leaf.facts["receipt"] not in given]
    if not documents and not wrong:
        return not_yet("no customer has opted in")
    wrong += _unaccepted(house, list(notices.values()))
    shown = (
        f"{count(len(notices), 'notice')}, hash of the text = log = receipt; {count(len(documents), 'receipt')} signed"
    )
    waiting = sum(one.pending is not None for one in statuses(house))
    lacks = f"{count(waiting, 'customer')} must accept a wider notice; nothing is copied until then" if waiting else ""
    return weigh(wrong, shown=shown, lacks=lacks)


def _unaccepted(house: House, notices: Sequence[Notice]) -> Iterator[str]:
    """Where a copy was made while a wider notice waited for the customer's consent."""
    lines, texts = timelines(house), {one.version: one.text for one in notices}
    for copy in list_copies(house):
        agreed = notice_at(lines.get(copy.tenant, ()), copy.created_at)
        there = [one.version for one in notices if one.published_at + SETTLE < copy.created_at]
        newest = max(there, default=0)
        if agreed in texts and newest > agreed and compare(texts[agreed], texts[newest]).needs_acceptance:
            yield "a copy was made while a wider notice waited to be accepted"


def period(house: House) -> Finding:
    """P02: no copy made or sealed, no part written and nothing read outside an engagement."""
    lines = timelines(house)
    wrong = list(_states(house, lines))
    if not any(lines.values()) and not wrong:
        return not_yet("no customer has opted in")
    copies, seen = list_copies(house), views(house)
    if not copies and not seen and not wrong:
        return not_yet("nothing has been copied or read")
    wrong += unlike_log(house, *Category)
    for copy in copies:
        instants = [copy.created_at] + ([copy.sealed_at] if copy.sealed_at else [])
        if not all(may_copy(lines.get(copy.tenant, ()), at) for at in instants):
            wrong.append("a copy was made outside an engagement")
    parts = place_leaves(house, "copy.part_recorded")
    wrong += [
        "a part was written outside an engagement" for one in parts if not may_copy(lines.get(one.tenant, ()), one.at)
    ]
    wrong += [
        "something was read outside an engagement" for one in seen if not may_view(lines.get(one.tenant, ()), one.at)
    ]
    shown = f"{count(len(copies), 'copy')} and {count(len(seen), 'read')} inside {count(len(lines), 'engagement')}"
    return weigh(wrong, shown=shown)


def _states(house: House, lines: dict[str, tuple[Moment, ...]]) -> Iterator[str]:
    """Where the tables of the room or a place say something else than the last receipt."""
    for status in statuses(house):
        steps = lines[status.tenant]
        told = steps[-1].state if steps else None
        if status.state is not told:
            yield "the engagement's state is not the last receipt's"
        for place in house.places.values():
            with place.db.read(status.tenant) as connection:
                mirror = mirror_state(connection, status.tenant)
            if (
                mirror is not None
                and mirror.state is not told
                and steps[-1:]
                and steps[-1].at + ROUND < house.clock.now()
            ):
                yield "a place knows another state of the engagement"


@dataclass(frozen=True)
class _Ended:
    """One engagement that is over, with the copies made in it and the reads of its tenant."""

    tenant: TenantName
    end: End
    copies: tuple[Copy, ...]
    later: tuple[Seen, ...]  # reads after its end, before any new opt-in


def _over(house: House, steps: Collection[Step]) -> list[_Ended]:
    copies, seen = list_copies(house), views(house)
    found = []
    for tenant, line in timelines(house).items():
        for end in ends(line):
            if end.step in steps:
                mine = tuple(c for c in copies if c.tenant == tenant and end.began_at <= c.created_at <= end.told_at)
                late = (one for one in seen if one.tenant == tenant and one.at > end.at + SETTLE)
                late = (one for one in late if one.at <= end.told_at or not may_view(line, one.at))
                found.append(_Ended(TenantName(tenant), end, mine, tuple(late)))
    return found


def _ending(house: House, steps: Collection[Step], *, nobody: str) -> Finding:
    over = _over(house, steps)
    if not over:
        return not_yet(nobody)
    now, entries = house.clock.now(), purge_entries(house)
    wrong, waiting, purged = list(unlike_log(house, *Category, tenants={one.tenant for one in over})), 0, []
    for one in over:
        wrong += ["something was read after the end" for _ in one.later]
        for copy in one.copies:
            limit = min(copy.expires_at, one.end.at) if one.end.noticed else copy.expires_at
            if copy.state is CopyState.PURGED:
                wrong += uncertified(house, copy, limit=limit, purges=entries)
                purged += [copy.purged_at] if copy.purged_at else []
            elif copy.state is not CopyState.REFUSED and now > one.end.at + (
                timedelta(0) if one.end.noticed else ROUND
            ):
                wrong.append("a copy is there after the end")
            elif copy.state is not CopyState.REFUSED:
                waiting += 1
    lacks = f"{count(waiting, 'copy')}, readable to nobody, that the worker purges in its next round" if waiting else ""
    shown = f"{count(len(over), 'end')}, no read after; {count(len(purged), 'copy')} purged with certificate"
    return weigh(wrong, shown=shown + _last(purged), lacks=lacks)


def _last(purged: list[datetime]) -> str:
    return f", the last at {max(purged):%Y-%m-%d %H:%M}" if purged else ""


def leaving(house: House) -> Finding:
    """P03: after the customer left nothing was read, and no copy outlived the date."""
    for line in timelines(house).values():
        for one in line:
            if one.step is Step.GIVE_NOTICE and (one.ends_at is None or one.ends_at > one.at + _LATEST):
                return weigh(["a notice runs longer than 30 days"], shown="")
    return _ending(house, BY_CUSTOMER, nobody="no customer has left")


def termination(house: House) -> Finding:
    """P06: the same as P03, where the vendor ended it."""
    return _ending(house, {Step.TERMINATE}, nobody="the vendor has ended no engagement")


def afterwards(house: House) -> Finding:
    """P35: whoever ended it: every copy is gone, with a certificate that the log names."""
    return _ending(house, LEAVING, nobody="no engagement has ended")


def contact(house: House) -> Finding:
    """P04: the permission is as the receipts and switches say; every contact was made while it was on."""
    switches = room_leaves(house, "contact.allowed", "contact.refused")
    made = {leaf.facts["contact"] + leaf.at.isoformat() for leaf in room_leaves(house, "contact.made")}
    wrong, tenants = [], 0
    for status in statuses(house):
        if status.state is None:
            continue
        tenants += 1
        steps = moments(receipts(house, status.tenant))
        changes = _permissions(steps, [leaf for leaf in switches if leaf.tenant == status.tenant])
        if not changes or changes[-1][1] != status.contact_ok:
            wrong.append("the permission is not what the customer said last")
        rows = [row for row in rows_of(house.db, CONTACT_REGISTER) if row["tenant"] == status.tenant]
        times = sorted(row["at"] for row in rows)
        wrong += ["a contact was made without permission" for at in times if not _allowed(steps, changes, at)]
        close = (second - first for first, second in pairwise(times))
        wrong += ["a contact came too soon after another" for gap in close if gap < timedelta(days=CONTACT_DAYS)]
        wrong += ["a contact is not in the log" for row in rows if row["contact"] + row["at"].isoformat() not in made]
    if not tenants:
        return not_yet("no customer has opted in")
    contacts = len(rows_of(house.db, CONTACT_REGISTER))
    wrong += ["a contact in the log is not in the register"] if contacts < len(made) else []
    return weigh(
        wrong, shown=f"{count(tenants, 'permission')} as the customer set it; {count(contacts, 'contact')} made"
    )


def _permissions(steps: tuple[Moment, ...], switches: list[Leaf]) -> list[tuple[datetime, bool]]:
    changes = [(one.at, one.contact_ok) for one in steps if one.step is Step.OPT_IN]
    return sorted(changes + [(leaf.at, leaf.name == "contact.allowed") for leaf in switches])


def _allowed(steps: tuple[Moment, ...], changes: list[tuple[datetime, bool]], at: datetime) -> bool:
    said = [allowed for since, allowed in changes if since <= at]
    states = [one.state for one in steps if one.at <= at]
    return bool(said) and said[-1] and states[-1] is not EngagementState.ENDED


def nothing_else(house: House) -> Finding:
    """P05: what a step changes is told by its receipt; what lies outside the room cannot be seen from here."""
    taken = [one for line in timelines(house).values() for one in line if one.step is not Step.OPT_IN]
    if not taken:
        return not_yet("nobody has suspended, resumed or left")
    shown = f"{count(len(taken), 'step')}, each with a receipt under the notice that was agreed to"
    lacks = "the customer's other agreements lie outside of this room; only the customer can see that none changed"
    return weigh((), shown=shown, lacks=lacks)


def free(house: House) -> Finding:
    """P07: every notice that was agreed to says that nobody pays; its text is the one whose hash the receipt names."""
    texts = {one.version: one for one in list_notices(house)}  # parsed: a notice without `no_charge` raises
    agreed = {(one.notice, one.notice_sha256) for line in timelines(house).values() for one in line}
    if not agreed:
        return not_yet("no customer has opted in")
    wrong = [
        "the notice that was agreed to is not there"
        for version, sha256 in agreed
        if version not in texts or hashlib.sha256(texts[version].text.encode()).hexdigest() != sha256
    ]
    return weigh(wrong, shown=f"{count(len(agreed), 'notice')} agreed to, each with its sentence on charges")


def feedback(house: House) -> Finding:
    """P08: what was said is kept with the licence and warranty of the notice of its time, and with its event."""
    rows = rows_of(house.db, FEEDBACK)
    notices = {one.version: one.form for one in list_notices(house)}
    given = {leaf.facts["id"] for leaf in room_leaves(house, "feedback.given")}
    wrong = ["feedback has no entry in the log" for row in rows if row["id"] not in given]
    wrong += ["feedback that was given is not there" for _ in given - {row["id"] for row in rows}]
    if not rows and not wrong:
        return not_yet("no feedback was given, and none is required")
    for row in rows:
        form = notices.get(row["notice"])
        if form is None or (row["licence"], row["warranty"]) != (form.licence, form.warranty):
            wrong.append("feedback is kept under other terms than its notice's")
    return weigh(wrong, shown=f"{count(len(rows), 'entry')} with licence and warranty of the notice")
