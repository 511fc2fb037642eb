"""Evidence of access: how many people, from where, why, what for, eligible by which facts, watched (P20-P23, P27-P29).

A person, fact or workstation is looked up as it stood at the instant of the view or grant, not as it stands today.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from readingroom.access.facts import Fact, FactKind, list_facts
from readingroom.access.grant_states import GrantState
from readingroom.access.grants import Grant, held, list_grants
from readingroom.access.monitor import UNUSED_AFTER, list_alerts, missing_for
from readingroom.access.people import Person, list_people
from readingroom.access.rules import BUDGET_WINDOW, people_with_access
from readingroom.access.standing import Action
from readingroom.access.subprocessors import SubprocessorList, list_versions, listed_since
from readingroom.access.tables import SUBPROCESSOR_OBJECTIONS
from readingroom.access.workstations import list_workstations
from readingroom.assure.evidence_engagement import timelines
from readingroom.assure.finding import Finding, count, not_yet, weigh
from readingroom.assure.register import Seen, place_rows, room_leaves, rows_of, views
from readingroom.assure.timeline import SETTLE, notice_at
from readingroom.assure.vouching import altered_facts, altered_grants
from readingroom.core.canonical import digest
from readingroom.core.ids import PersonId
from readingroom.engagement.notice import list_notices
from readingroom.house import House
from readingroom.models.tables import MODELS
from readingroom.review.tables import LABELS

ROUND: Final = timedelta(hours=1)  # what the worker may take to notice


def _granted(house: House) -> list[Grant]:
    """Every grant that ever began."""
    return [grant for grant in list_grants(house) if grant.starts_at is not None]


def few(house: House) -> Finding:
    """P20: at no moment did more people hold grants for a tenant in 30 days than the cap allows."""
    granted = _granted(house)
    cap, now = house.settings.limits.person_cap, house.clock.now()
    approved = {leaf.facts["grant"] for leaf in room_leaves(house, "access.approved")}
    wrong = ["a grant began without an approval in the log" for grant in granted if grant.id not in approved]
    wrong += altered_grants(house)
    if not granted and not wrong:
        return not_yet("nobody has been given access")
    most = 0
    for tenant in {grant.tenant for grant in granted}:
        mine = held(tuple(grant for grant in granted if grant.tenant == tenant))
        peaks = [len(people_with_access(mine, at)) for at in (*(one.starts for one in mine), now)]
        wrong += ["more people had access than the cap allows"] if max(peaks) > cap else []
        most = max(most, *peaks)
    return weigh(
        wrong, shown=f"{count(len(granted), 'grant')}; at most {count(most, 'person', 'people')} in 30 days, cap {cap}"
    )


def workstations(house: House) -> Finding:
    """P21: every item was looked at from a workstation that was enrolled then, for the person who looked."""
    seen = [one for one in views(house) if one.action == Action.VIEW.value]
    if not seen:
        return not_yet("nobody has looked at anything")
    known = {str(one.id): one for one in list_workstations(house)}
    people = {one.actor: one.id for one in list_people(house)}
    logged = {leaf.facts["workstation"]: leaf.at for leaf in room_leaves(house, "workstation.enrolled")}
    wrong = []
    for one in seen:
        station = known.get(one.workstation)
        if station is None or logged.get(one.workstation) is None:
            wrong.append("an item was looked at from no enrolled workstation")
        elif one.at < station.enrolled_at or (station.retired_at is not None and one.at > station.retired_at):
            wrong.append("an item was looked at from a workstation that was not enrolled then")
        elif people.get(one.actor, station.person) != station.person:
            wrong.append("an item was looked at from somebody else's workstation")
    used = len({one.workstation for one in seen})
    return weigh(wrong, shown=f"{count(len(seen), 'view')} from {count(used, 'enrolled workstation')}")


def justified(house: House) -> Finding:
    """P22: every grant has a reason, an end within hours and another person's yes; views stay within the budget."""
    granted = _granted(house)
    if not granted:
        return not_yet("nobody has been given access")
    limits = house.settings.limits
    wrong = ["a grant has no business justification" for grant in granted if not grant.why.strip()]
    wrong += altered_grants(house)
    for grant in granted:
        lasts = None if grant.ends_at is None or grant.starts_at is None else grant.ends_at - grant.starts_at
        if lasts is None or lasts > timedelta(hours=limits.grant_hours):
            wrong.append("a grant lasts longer than is allowed")
        if grant.decided_by is None or grant.decided_by == grant.person:
            wrong.append("a grant was not approved by somebody else")
    seen = [one for one in views(house) if one.action == Action.VIEW.value]
    spans = {str(grant.id): grant for grant in granted}
    wrong += ["something was looked at outside of a grant" for one in seen if not _inside(spans.get(one.grant), one.at)]
    wrong += _over_budget(seen, limits.view_budget)
    return weigh(wrong, shown=f"{count(len(granted), 'grant')}, each justified; {count(len(seen), 'view')} within one")


def _over_budget(seen: Sequence[Seen], budget: int) -> Iterator[str]:
    """Where somebody looked at more items of a tenant within 24 hours than the budget has; `seen` in order of time."""
    windows: dict[tuple[str, str], deque[Seen]] = {}
    for one in seen:
        window = windows.setdefault((one.tenant, one.actor), deque())
        window.append(one)
        while window[0].at <= one.at - BUDGET_WINDOW:
            window.popleft()
        if len(window) > budget and len({view.item for view in window}) > budget:
            yield "somebody's views exceed the budget"


def _inside(grant: Grant | None, at: datetime) -> bool:
    if grant is None or grant.starts_at is None or grant.ends_at is None:
        return False
    over = grant.ends_at if grant.ended_at is None else min(grant.ends_at, grant.ended_at)
    return grant.starts_at <= at <= over


def purposes(house: House) -> Finding:
    """P23: every grant, view, label and model names a purpose of the notice that was agreed to then."""
    lines = timelines(house)
    named = {one.version: {purpose.id for purpose in one.form.purposes} for one in list_notices(house)}
    used: list[tuple[str, str, datetime]] = [(g.tenant, g.purpose, g.requested_at) for g in list_grants(house)]
    used += [(one.tenant, one.purpose, one.at) for one in views(house)]
    used += [(row["tenant"], row["purpose"], row["at"]) for _, row in place_rows(house, LABELS)]
    for row in rows_of(house.db, MODELS):
        used += [(tenant, row["purpose"], row["trained_at"]) for tenant in row["record"]["tenants"]]
    if not used:
        return not_yet("nothing has been used")
    wrong = [
        "something was used for another purpose"
        for tenant, purpose, at in used
        if purpose not in named.get(notice_at(lines.get(tenant, ()), at) or 0, set())
    ]
    wrong += altered_grants(house)
    kinds = len({purpose for _, purpose, _ in used})
    return weigh(wrong, shown=f"{count(len(used), 'use')} for {count(kinds, 'purpose')} of the notice")


def subprocessors(house: House) -> Finding:
    """P27: everybody with a grant works for the vendor, or for somebody on the published list for 30 days by then."""
    granted = _granted(house)
    if not granted:
        return not_yet("nobody has been given access")
    lists, people = list_versions(house), {one.id: one for one in list_people(house)}
    wrong = list(_lists(house, lists))
    employers = {leaf.facts["person"]: leaf.facts["employer"] for leaf in room_leaves(house, "person.added")}
    others = 0
    for grant in granted:
        person = people.get(grant.person)
        if person is None:
            continue  # forgotten, a year after they left
        if employers.get(person.actor) != person.employer:
            wrong.append("a person's employer is not the one that the log names")
        if grant.list_version != _list_at(lists, grant):
            wrong.append("a grant names another list than the one of its time")
        if person.employer != house.settings.vendor:
            others += 1
            wrong += (
                []
                if _listed(house, lists, person=person, grant=grant)
                else ["a grant went to somebody whose employer is not listed"]
            )
    wrong += _objections(house, {one.actor: one.employer for one in people.values()})
    shown = (
        f"{count(len(granted), 'grant')}, {others} to people of listed subprocessors; {count(len(lists), 'list')} = log"
    )
    return weigh(wrong, shown=shown)


def _objections(house: House, employers: Mapping[str, str]) -> Iterator[str]:
    """Where the objections are not those of the log, or somebody looked against one."""
    since: dict[tuple[str, str], datetime] = {}
    spans: list[tuple[tuple[str, str], datetime, datetime]] = []
    for leaf in room_leaves(house, "subprocessors.objected", "subprocessors.objection_withdrawn"):
        who = (leaf.tenant, leaf.facts["employer"])
        if leaf.name == "subprocessors.objected":
            since[who] = leaf.at
        elif who in since:
            spans.append((who, since.pop(who), leaf.at))
    rows = rows_of(house.db, SUBPROCESSOR_OBJECTIONS)
    if {(row["tenant"], row["employer"]) for row in rows if row["withdrawn_at"] is None} != set(since):
        yield "the objections to subprocessors are not those of the log"
    spans += [(who, at, house.clock.now()) for who, at in since.items()]
    for one in views(house):
        who = (one.tenant, employers.get(one.actor, ""))
        if any(who == span and start + SETTLE < one.at < end for span, start, end in spans):
            yield "somebody of a subprocessor looked against the customer's objection"


def _lists(house: House, lists: Sequence[SubprocessorList]) -> Iterator[str]:
    published = {leaf.facts["version"]: leaf.facts["sha256"] for leaf in room_leaves(house, "subprocessors.published")}
    for one in lists:
        rows = [{"name": e.name, "country": e.country, "service": e.service} for e in one.entries]
        if digest(rows) != one.sha256 or published.get(one.version) != one.sha256:
            yield "a list of subprocessors is not the one that was published"


def _list_at(lists: Sequence[SubprocessorList], grant: Grant) -> int:
    """The version of the list that was published last when the grant was approved; 0 before the first."""
    return max(
        (one.version for one in lists if one.published_at <= (grant.decided_at or grant.requested_at)), default=0
    )


def _listed(house: House, lists: Sequence[SubprocessorList], *, person: Person, grant: Grant) -> bool:
    """Whether the employer stood on the list, as published when the grant began, for the days of notice."""
    at = grant.starts_at or grant.requested_at
    since = listed_since([one for one in lists if one.published_at <= at], person.employer)
    return since is not None and at - since >= timedelta(days=house.settings.limits.subprocessor_notice_days)


def eligible(house: House) -> Finding:
    """P28: whoever looked was screened, trained and bound then, each asserted by one and confirmed by another."""
    seen = [one for one in views(house) if one.workstation or one.grant]
    if not seen:
        return not_yet("nobody has looked at anything")
    facts, people = list_facts(house), {one.actor: one.id for one in list_people(house)}
    logged = {leaf.facts["fact"] for leaf in room_leaves(house, "fact.confirmed")}
    wrong = [
        "a fact was not confirmed by another person"
        for fact in facts
        if fact.confirmed_by is not None
        and (len({fact.person, fact.asserted_by, fact.confirmed_by}) < 3 or fact.id not in logged)
    ]
    wrong += altered_facts(house)
    of: dict[PersonId, list[Fact]] = {}
    for fact in facts:
        of.setdefault(fact.person, []).append(fact)
    for one in seen:
        person = people.get(one.actor)
        if person is not None and not _current(of.get(person, []), one.at):
            wrong.append("somebody looked whose eligibility was not current")
    reviewers = len({one.actor for one in seen})
    return weigh(
        wrong,
        shown=f"{count(len(seen), 'read')} by {count(reviewers, 'person', 'people')}, all three facts current at each",
    )


def _current(facts: Sequence[Fact], at: datetime) -> bool:
    have = {
        fact.kind
        for fact in facts
        if fact.confirmed_at is not None
        and fact.confirmed_at <= at < fact.until
        and (fact.withdrawn_at is None or at < fact.withdrawn_at)
    }
    return have == set(FactKind)


def watched(house: House) -> Finding:
    """P29: no grant lies unused, none belongs to somebody who is no longer eligible; alerts are counted."""
    granted = _granted(house)
    if not granted:
        return not_yet("nobody has been given access")
    now = house.clock.now()
    used = {one.grant for one in views(house)}
    active = [grant for grant in granted if grant.state is GrantState.APPROVED]
    standing = _missing(house, now - ROUND)
    wrong, waiting = [*altered_facts(house), *altered_grants(house)], 0
    for grant in active:
        idle = now - (grant.starts_at or now)
        if grant.id not in used and idle > UNUSED_AFTER + ROUND:
            wrong.append("an unused grant was not taken away")
        if idle > ROUND and standing.get(grant.person, ("unknown",)):
            wrong.append("a grant of somebody who is not eligible was not taken away")
        waiting += grant.id not in used and UNUSED_AFTER < idle <= UNUSED_AFTER + ROUND
    gone = len(room_leaves(house, "access.revoked"))
    shown = f"{count(len(active), 'active grant')}, none idle or lapsed; {gone} revoked, "
    shown += f"{count(len(list_alerts(house)), 'alert')} open"
    lacks = f"{count(waiting, 'grant')} that the worker takes away in its next round" if waiting else ""
    return weigh(wrong, shown=shown, lacks=lacks)


def _missing(house: House, now: datetime) -> Mapping[PersonId, tuple[str, ...]]:
    """What each person lacked at `now`; what was withdrawn since is the next round's."""
    facts = [
        replace(one, withdrawn_at=None) if one.withdrawn_at and one.withdrawn_at > now else one
        for one in list_facts(house)
    ]
    lists, vendor, limits = list_versions(house), house.settings.vendor, house.settings.limits
    return {p.id: missing_for(p, facts, lists, vendor=vendor, limits=limits, now=now) for p in list_people(house)}
