"""A copy run: from a tenant's sources to a sealed copy, or to nothing (P02, P11-P14, P17, P18).

Rule 1: raw data is in memory only, while a batch is worked on; what leaves this process is sealed under a part's key.
Rule 2: any error, finding or change of mind ends in `refused`: keys and bytes are destroyed in the same step.
The engagement is asked at the start (the room itself and the mirror), before each part, and inside the sealing
transaction (the mirror). Role copy only: it alone holds pseudonym and tag keys and may make parts.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, Protocol

from readingroom.anonymize.preparation import Preparation
from readingroom.copies import staging
from readingroom.copies.columns import decisions
from readingroom.copies.items import ItemMaker
from readingroom.copies.known_values import known_values
from readingroom.copies.looks import Look
from readingroom.copies.manifest import compose
from readingroom.copies.part_writer import Writer
from readingroom.copies.passes import Passage
from readingroom.copies.plan import CopyPlan, allow_list, plan_copy
from readingroom.copies.records import Copy
from readingroom.copies.recover import Recovered, recover_runs
from readingroom.copies.refuse import refuse_copy
from readingroom.copies.runner import at_work
from readingroom.copies.triggers import note_deletions
from readingroom.copies.withheld import withheld_tags
from readingroom.core.category import Category
from readingroom.core.errors import CopyRefused, Fault, KeyFault, ReadingroomError, Refusal
from readingroom.core.ids import CopyId, PlaceName, TenantName
from readingroom.core.progress import Progress, silent
from readingroom.core.steps import reached, register
from readingroom.engagement.optin import check_copying
from readingroom.house import House
from readingroom.keys.roles import Role
from readingroom.sources import Outcome, SourceSet
from readingroom.stores.places import check_place_for, place_for

STARTED: Final = register("copy.started", "the copy is written down as staging; nothing else exists")
KEYS_MADE: Final = register("copy.keys_made", "the copy has keys; no part is written")
SCANNED: Final = register("copy.scanned", "the sources are pinned and checked")
LEARNT: Final = register("copy.learnt", "the engine is prepared; raw identifiers are in memory")
LOOKED: Final = register("copy.second_look_done", "every part is written and was looked at twice")
BEFORE_SEAL: Final = register("copy.before_seal", "the sealing transaction is about to begin")
SEALED: Final = register("copy.sealed", "the copy is sealed")
NOTED: Final = register("copy.deletions_noted", "deletions at the source are noted for erasure")

# whose telephone numbers are known by their national form; international ones are known everywhere
_REGIONS: Final = {"US": ("US",), "EU": ("DE", "FR", "ES", "IT", "NL", "BE", "AT", "IE")}

OpenSources = Callable[[datetime], SourceSet]
MakeLook = Callable[[], Look]


class TenantLike(Protocol):
    """What a copy run needs to know of a tenant (`engagement.tenants.Tenant`)."""

    @property
    def name(self) -> TenantName:
        """Its name."""
        ...

    @property
    def geo(self) -> str:
        """Where its data is from; it stays there (P17)."""
        ...

    @property
    def place(self) -> PlaceName:
        """The place of its geo."""
        ...

    @property
    def excluded(self) -> tuple[str, ...]:
        """Tables that the customer keeps out."""
        ...


@dataclass
class _Run:
    house: House
    tenant: TenantLike
    copy: Copy
    sources: SourceSet
    progress: Progress
    findings: dict[str, Any] = field(default_factory=lambda: {"kinds": {}})


def run_copy(  # noqa: PLR0913 - the look is an argument, so that a test can break the second look
    house: House,
    *,
    tenant: TenantLike,
    category: Category,
    open_sources: OpenSources,
    actor: str,
    progress: Progress = silent,
    make_look: MakeLook | None = None,
) -> CopyId:
    """Make, check and seal a copy of one category; CopyRefused with its reasons if it ends refused.

    Where somebody was withheld while it ran (an erasure, an objection), that copy is refused and a second one is made,
    which knows of it; a second change in a row is told to the caller.
    """
    if house.role is not Role.COPY:
        raise KeyFault(f"role {house.role} makes no copies")
    look = make_look or partial(_second_look, tenant.geo)
    attempt = partial(_attempt, house, tenant, category, open_sources, actor=actor, progress=progress, make_look=look)
    try:
        return attempt()
    except CopyRefused as error:
        if error.reasons != staging.LIST_CHANGED:
            raise
    return attempt()


def _attempt(  # noqa: PLR0913, PLR0917 - what `run_copy` was given
    house: House,
    tenant: TenantLike,
    category: Category,
    open_sources: OpenSources,
    *,
    actor: str,
    progress: Progress,
    make_look: MakeLook,
) -> CopyId:
    """One copy, sealed or refused."""
    check_copying(house, tenant.name)
    place = place_for(house.settings, category, tenant.geo)
    check_place_for(house.settings, category, tenant.geo, place)
    if category is not Category.SCHEMA and place != tenant.place:
        raise Refusal("the tenant is kept in another place than its geo's", reasons=("data stays in its geo (P17)",))
    recover_runs(house, house.place(place), Recovered())
    copy = staging.begin(house, place, tenant.name, category=category, actor=actor)
    with at_work(copy.id):
        findings: dict[str, Any] = {"kinds": {}}
        try:
            reached(STARTED)
            run = _Run(house, tenant, copy, open_sources(house.clock.now()), progress, findings)
            tag_key = _make(run, make_look)
        except BaseException as error:  # noqa: BLE001 - whatever ends the run ends the copy (rule 2); re-raised as ours
            _refuse(house, copy, error, findings=findings)
            raise _ours(error) from None
        reached(SEALED)
        if category is not Category.SCHEMA:
            note_deletions(house, copy, run.sources.deletions(), tag_key=tag_key)
        reached(NOTED)
    return copy.id


def _make(run: _Run, make_look: MakeLook) -> bytes:
    """Everything up to the sealing transaction; the tag key, for the deletions."""
    house, copy = run.house, run.copy
    tag_key, pseudonym_key = _keys(run)
    reached(KEYS_MADE)
    passage = _scan(run, make_look())
    reached(SCANNED)
    limits = house.settings.limits
    preparation = Preparation(tag_key, pseudonym_key, k=limits.k_anonymity, profile="strict")
    try:
        if copy.category is not Category.SCHEMA:
            for tag, spelled in known_values(house, copy, tag_key):
                preparation.learn_spelled(tag, spelled)
        engine = passage.learn(preparation, None if copy.category is Category.SCHEMA else tag_key)
        reached(LEARNT)
        writer = Writer(house, copy, ItemMaker(copy, record_key=tag_key))
        passage.copy(engine, writer)
    finally:
        run.findings |= {"findings": [vars(one) for one in passage.hard]}
        run.findings["kinds"] |= Counter({one.kind: one.count for one in passage.hard})
    _check_suspicions(run, passage, writer)
    reached(LOOKED)
    manifest = compose(copy, passage, preparation=preparation, totals=writer.totals)
    reached(BEFORE_SEAL)
    staging.seal(house, copy, manifest, withheld=passage.withheld)
    return tag_key


def _keys(run: _Run) -> tuple[bytes, bytes]:
    """Make the copy's keys; the tag key and the pseudonym key of its window. A schema has no subjects, so no tags."""
    copy, keyring = run.copy, run.house.place(run.copy.place).keyring
    keyring.create_copy(copy.id, copy.tenant, copy.category.retention_class, copy.day)
    if copy.category is Category.SCHEMA:
        return secrets.token_bytes(32), secrets.token_bytes(32)
    keyring.create_tenant_keys(copy.tenant)
    return keyring.tag_key(copy.tenant), keyring.pseudonym_key(copy.tenant, copy.day)


def _scan(run: _Run, look: Look) -> Passage:
    """Pin and check the sources; CopyRefused when the export itself is refused."""
    tenant, category = run.tenant, run.copy.category
    with run.house.place(tenant.place).db.read(tenant.name) as connection:
        decided = decisions(connection, tenant.name)
        withheld = withheld_tags(connection, tenant.name)
    allowed = allow_list(category, excluded=tenant.excluded, decisions=decided)
    passage = Passage(run.sources, CopyPlan((), (), ()), look, withheld, run.progress)
    with passage.timed("scan"):
        report = run.sources.scan(run.progress, allowed=allowed)
    refused = [finding for finding in report.findings if finding.outcome is Outcome.REFUSE_EXPORT]
    if refused:
        run.findings["scan"] = [finding.as_json() for finding in refused]
        run.findings["kinds"] |= Counter(finding.code for finding in refused)
        raise CopyRefused("the export is refused", reasons=tuple(str(finding) for finding in refused))
    passage.plan = plan_copy(report.tables, category, excluded=tenant.excluded, decisions=decided)
    if not passage.plan.copied:
        raise CopyRefused("the sources hold nothing of this category", reasons=("no table to copy",))
    return passage


def _check_suspicions(run: _Run, passage: Passage, writer: Writer) -> None:
    """Refuse when too much had to be withheld: then something is wrong with the copy, not with an item."""
    limit = run.house.settings.limits.withheld_share
    items = (writer.totals.withheld, writer.totals.items)
    suspicious = sum(counts.suspicious for counts in passage.tables.values()) - writer.totals.withheld
    rows = (suspicious, sum(counts.rows for counts in passage.tables.values()) - writer.totals.items + suspicious)
    for what, (withheld, total) in (("items", items), ("rows", rows)):
        if withheld > limit * total:
            run.findings["kinds"] |= {f"suspicious {what}": withheld}
            reason = f"{withheld} of {total} {what} are withheld by suspicion; at most {limit:.1%} may be"
            raise CopyRefused("the second look suspects too much", reasons=(reason,))


def _refuse(house: House, copy: Copy, error: BaseException, *, findings: Mapping[str, Any]) -> None:
    reasons = error.reasons if isinstance(error, Refusal) else ()
    reason = "; ".join((str(_ours(error)), *reasons))
    refuse_copy(house, copy, reason, findings={**findings, "reasons": list(reasons)}, actor="copy")


def _ours(error: BaseException) -> BaseException:
    """The error as one of ours: a foreign one may carry a cell in its text (rule 1)."""
    if isinstance(error, ReadingroomError) or not isinstance(error, Exception):
        return error
    return Fault(f"the copy run failed: {type(error).__name__}")


def _second_look(geo: str) -> Look:
    from readingroom.copies.second_look import SecondLook

    return SecondLook(regions=_REGIONS.get(geo, _REGIONS["US"]))
