"""Facts about people and grants as they were entered in the room's log, against the rows the gate works by (P20-P28).

Rule 1: whoever is in the log is a pseudonym; a row's person counts as the same one as long as the room knows them. A
year after somebody left only pseudonyms remain, and nothing is left to compare.
Rule 2: what is not in the log in clear (the reason of a grant) stands there as a commitment, which its salt opens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, select

from readingroom.access.facts import Fact, facts_in
from readingroom.access.grant_states import EVENTS, GrantState, GrantStep
from readingroom.access.people import list_people
from readingroom.access.tables import GRANTS
from readingroom.assure.register import Leaf, leaves_in, opens
from readingroom.core.clock import parse_instant
from readingroom.core.ids import PersonId
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House

_SECOND: Final = timedelta(seconds=1)
_REQUESTED: Final = "access.requested"
_STATES: Final = {
    _REQUESTED: GrantState.REQUESTED,
    EVENTS[GrantStep.APPROVE]: GrantState.APPROVED,
    EVENTS[GrantStep.DENY]: GrantState.DENIED,
    EVENTS[GrantStep.REVOKE]: GrantState.REVOKED,
    EVENTS[GrantStep.EXPIRE]: GrantState.EXPIRED,
}


class _Crowd:
    """Who is who, as far as the room still knows (rule 1)."""

    def __init__(self, house: House) -> None:
        self._actors: dict[PersonId, str] = {one.id: one.actor for one in list_people(house)}
        self._known = frozenset(self._actors.values())

    def differ(self, person: PersonId | None, actor: str) -> bool:
        """Whether `person` is somebody else than whom the log calls `actor`."""
        if person in self._actors:
            return self._actors[person] != actor
        return person is None or actor in self._known


def altered_facts(house: House) -> Iterator[str]:
    """Where a fact about a person says something else than when it was asserted, confirmed or withdrawn (P28)."""
    names = ("fact.asserted", "fact.confirmed", "fact.withdrawn")
    with house.db.read(EVERY_TENANT) as connection:
        facts = {fact.id: fact for fact in facts_in(connection, None)}
        told: dict[str, dict[str, Leaf]] = {}
        for leaf in leaves_in(connection, house.db, None, names):
            told.setdefault(leaf.facts["fact"], {})[leaf.name] = leaf
    crowd = _Crowd(house)
    for identity, leaves in told.items():
        if identity not in facts:
            yield "a fact that the log names is not there"
        elif _fact_differs(facts[identity], leaves, crowd):
            yield "a fact about a person is not the one that was entered"
    for identity in facts:
        if "fact.asserted" not in told.get(identity, {}):
            yield "a fact about a person was entered by nobody"


def _fact_differs(fact: Fact, leaves: Mapping[str, Leaf], crowd: _Crowd) -> bool:
    asserted, confirmed = leaves.get("fact.asserted"), leaves.get("fact.confirmed")
    withdrawn = leaves.get("fact.withdrawn")
    if asserted is None:
        return True
    said = asserted.facts
    return (
        fact.kind.value != said["kind"]
        or not _same(fact.until, parse_instant(said["until"]))
        or crowd.differ(fact.person, said["person"])
        or crowd.differ(fact.asserted_by, asserted.actor)
        or not _same(fact.asserted_at, asserted.at)
        or not _same(fact.confirmed_at, confirmed.at if confirmed else None)
        or not _same(fact.withdrawn_at, withdrawn.at if withdrawn else None)
        or (confirmed is not None and crowd.differ(fact.confirmed_by, confirmed.actor))
    )


def altered_grants(house: House) -> Iterator[str]:
    """Where a grant says something else than when it was asked for, decided and ended (P20, P22, P23)."""
    with house.db.read(EVERY_TENANT) as connection:
        rows = {row["id"]: dict(row) for row in connection.execute(select(GRANTS)).mappings()}
        told: dict[str, dict[str, Leaf]] = {}
        for leaf in leaves_in(connection, house.db, None, tuple(_STATES)):
            told.setdefault(leaf.facts["grant"], {})[leaf.name] = leaf
        reasons = {identity: _reason_holds(connection, house, rows, identity, told) for identity in told}
    crowd = _Crowd(house)
    for identity, leaves in told.items():
        row = rows.get(identity)
        if row is None:
            yield "a grant in the log is not there"
            continue
        if not reasons[identity]:
            yield "a grant's reason is not the one that was given"
        if _REQUESTED not in leaves or _asked_otherwise(row, leaves[_REQUESTED], crowd):
            yield "a grant is not the one that was asked for"
        if _decided_otherwise(row, leaves, crowd):
            yield "a grant is not the one that was decided about"
    for _ in rows.keys() - told.keys():
        yield "a grant was asked for by nobody"


def _reason_holds(  # noqa: PLR0917 - one grant among all
    connection: Connection, house: House, rows: Mapping[str, Any], identity: str, told: Mapping[str, Any]
) -> bool:
    leaf = told[identity].get(_REQUESTED)
    if identity not in rows or leaf is None or "why" not in leaf.commitments:
        return True  # told otherwise, or entered before reasons were committed to
    why = hashlib.sha256(rows[identity]["why"].encode()).hexdigest()
    return opens(connection, house.db, leaf, name="why", value=why)


def _asked_otherwise(row: Mapping[str, Any], leaf: Leaf, crowd: _Crowd) -> bool:
    said = leaf.facts
    told = (leaf.tenant, said["category"], said["purpose"], said["hours"])
    return (
        (row["tenant"], row["category"], row["purpose"], row["hours"]) != told
        or crowd.differ(row["person"], leaf.actor)
        or not _same(row["requested_at"], leaf.at)
    )


def _decided_otherwise(row: Mapping[str, Any], leaves: Mapping[str, Leaf], crowd: _Crowd) -> bool:
    last = max(leaves.values(), key=lambda leaf: (leaf.at, list(_STATES).index(leaf.name)))
    approved = leaves.get(EVENTS[GrantStep.APPROVE])
    decided = approved or leaves.get(EVENTS[GrantStep.DENY])
    ended = leaves.get(EVENTS[GrantStep.REVOKE]) or leaves.get(EVENTS[GrantStep.DENY])
    return (
        row["state"] != _STATES[last.name].value
        or not _same(row["decided_at"], decided.at if decided else None)
        or not _same(row["starts_at"], approved.at if approved else None)
        or not _same(row["ends_at"], parse_instant(approved.facts["ends_at"]) if approved else None)
        or row["list_version"] != (approved.facts["list_version"] if approved else None)
        or (decided is not None and crowd.differ(row["decided_by"], decided.actor))
        or (ended is not None and not _same(row["ended_at"], ended.at))
    )


def _same(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= _SECOND
