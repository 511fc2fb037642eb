"""How everything stands at one instant, as frozen values: all that the rule may look at, and nothing else.

The gate reads these from the databases afresh for every request, so that a revocation bites at once; `entities` turns
them into Cedar entities; the rule decides. Nothing here does I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from readingroom.access.facts import FactKind
from readingroom.core.category import Category
from readingroom.core.ids import CopyId, GrantId, ItemId, PersonId, TenantName, WorkstationId


class Action(StrEnum):
    """What is done with a copy. Each is an action of the Cedar schema."""

    VIEW = "view"  # a person looks at one item
    TRAIN = "train"  # a job reads parts for a person's model
    JUDGE = "judge"  # a privacy officer looks at one item that was flagged
    CHECK = "check"  # the house looks for what anonymization missed
    ANSWER = "answer"  # the house answers a data subject's request


@dataclass(frozen=True)
class Vouched:
    """One fact about a person."""

    until: datetime
    asserted_by: PersonId
    confirmed_by: PersonId | None


@dataclass(frozen=True)
class PersonStanding:
    """One person. `facts` holds the best fact of each kind; a missing one denies."""

    id: PersonId
    actor: str
    employer: str
    country: str
    present: bool
    roles: frozenset[str]
    vendor: bool
    listed_since: datetime | None
    facts: tuple[tuple[FactKind, Vouched], ...]


@dataclass(frozen=True)
class GrantStanding:
    """The grant that fits the request best."""

    id: GrantId
    person: PersonId
    tenant: TenantName
    category: Category
    purpose: str
    state: str
    approver: PersonId
    approver_actor: str
    why: str
    starts: datetime
    ends: datetime
    list_version: int


@dataclass(frozen=True)
class WorkstationStanding:
    """The device that the request comes from."""

    id: WorkstationId
    owner: PersonId
    compliant: bool
    retired: bool


@dataclass(frozen=True)
class TenantStanding:
    """The engagement of the tenant."""

    name: TenantName
    in_force: bool
    purposes: frozenset[str]


@dataclass(frozen=True)
class CopyStanding:
    """The copy, and the item of it that is asked for."""

    id: CopyId
    tenant: TenantName
    category: Category
    state: str  # "purging" as soon as a purge has begun
    expires: datetime
    item: ItemId | None = None
    withheld: str = ""


@dataclass(frozen=True)
class Numbers:
    """What Cedar cannot count, and the limits that the counts are held against."""

    people: int
    people_cap: int
    views: int
    view_budget: int
    notice: timedelta


@dataclass(frozen=True)
class Ask:
    """One request and all that stands around it at `now`. `person` is None when a process of the house asks."""

    action: Action
    purpose: str
    now: datetime
    process: str
    person: PersonStanding | None
    grant: GrantStanding | None
    workstation: WorkstationStanding | None
    tenant: TenantStanding
    copy: CopyStanding
    numbers: Numbers
