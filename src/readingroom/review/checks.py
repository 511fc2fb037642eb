"""The privacy check (*still personal data?*): items of copies, one reviewer each, and planted ones that measure them.

Rule 1: `personal` about an item of a copy raises the flag at once; nobody asks whether it was planted first.
Rule 2: a planted item is no item: it has no row among ITEMS, TASKS, LABELS or VIEWS, so that no dataset, label or
statistic can count it. It takes the place of an item that the gate had admitted, whose view stays in the log: the
customer's log may tell of a look too many, never of one too few.
Rule 3: who checks cannot tell them apart: the same call, the same id, the same answer.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

from sqlalchemy import insert, select

from readingroom.access.dossier import Visit
from readingroom.access.gate import view_items
from readingroom.access.item_view import ItemView, count_placeholders
from readingroom.access.people import check_present, get_person
from readingroom.access.standing import Action
from readingroom.access.tables import VIEWS
from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.copies.tables import COPIES, ITEMS
from readingroom.core.errors import Refusal, UsageError, WrongState
from readingroom.core.ids import ItemId, PersonId, TenantName, new_id
from readingroom.db.engines import EVERY_TENANT
from readingroom.engagement.tenants import get_tenant
from readingroom.house import House
from readingroom.review.canaries import make_canary
from readingroom.review.flag import list_flags, raise_in
from readingroom.review.flag_states import FlagState
from readingroom.review.queues import AHEAD, CATEGORY_OF, MAIL, Reviewer, is_live, queue_place
from readingroom.review.tables import CHECKS, FLAGS, PLANTED
from readingroom.review.task_states import Answer

PURPOSE: Final = "check"
EVERY: Final = 12  # one item in so many is planted, on average
SAID: Final = (Answer.CLEAN, Answer.PERSONAL, Answer.UNSURE)


def plant_now() -> bool:
    """Whether the next item is a planted one: nobody can foresee it."""
    return secrets.randbelow(EVERY) == 0


def next_check(
    house: House,
    reviewer: Reviewer,
    tenant: TenantName,
    *,
    holding: Collection[ItemId] = (),
    plant: Callable[[], bool] = plant_now,
) -> tuple[ItemView, ItemId] | None:
    """The next mail to check, or a planted one in its place, and which item the gate decided about; None at the end."""
    if len(holding) > AHEAD:
        raise Refusal(f"at most {AHEAD} items are fetched ahead; check what you have first")
    visit = Visit(reviewer.purpose, Action.VIEW, person=reviewer.person, workstation=reviewer.workstation)
    picker = _Checks(tenant, holding=frozenset(holding))
    found = view_items(house, visit, tenant, place=queue_place(house, tenant, MAIL), picker=picker)
    if not found:
        return None
    real = found[0]
    return (_planted(house, real, actor=get_person(house, reviewer.person).actor) if plant() else real), real.item


def record_check(house: House, person: PersonId, item: ItemId, *, answer: Answer, tenant: TenantName) -> None:
    """What a reviewer says about an item that was handed out to them, once; `personal` withholds it and its twins."""
    if answer not in SAID:
        raise UsageError(f"about personal data one says {', '.join(SAID)}")
    checker = get_person(house, person)
    check_present(checker)
    place = house.place(get_tenant(house, tenant).place)
    with unit_of_work(place.db, tenant, house.clock) as unit:
        mine = (PLANTED.c.id == item) & (PLANTED.c.actor == checker.actor)
        planted = unit.connection.execute(select(PLANTED.c.id).where(mine)).first() is not None
        purpose = PURPOSE if planted else _purpose(unit, item, actor=checker.actor)
        done = (CHECKS.c.item == item) & (CHECKS.c.actor == checker.actor)
        if unit.connection.execute(select(CHECKS.c.item).where(done)).first() is not None:
            raise WrongState("you have checked this item already")
        row = {"item": item, "actor": checker.actor, "tenant": tenant, "planted": int(planted), "at": unit.at}
        unit.connection.execute(insert(CHECKS).values(**row, answer=answer.value, purpose=purpose))
        facts, sealed = {"purpose": purpose}, {"item": item, "answer": answer.value}
        unit.append(Event("check.recorded", checker.actor, tenant=tenant, facts=facts, sealed=sealed))
        if answer is Answer.PERSONAL and not planted:
            raise_in(unit, item, actor=checker.actor)


@dataclass(frozen=True)
class Recall:
    """How one reviewer does: planted items answered and found, items of copies checked and flagged."""

    actor: str
    planted: int
    found: int
    checked: int
    flagged: int  # their flags in all queues
    dismissed: int  # of these, what the officer did not confirm

    @property
    def value(self) -> float | None:
        """The share of planted items that were found; None before the first."""
        return self.found / self.planted if self.planted else None

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval of the share."""
        if not self.planted:
            return None
        size, share, z = self.planted, self.found / self.planted, 1.96
        middle = (share + z * z / (2 * size)) / (1 + z * z / size)
        half = z * sqrt(share * (1 - share) / size + z * z / (4 * size * size)) / (1 + z * z / size)
        return max(0.0, middle - half), min(1.0, middle + half)


def recalls(house: House) -> tuple[Recall, ...]:
    """How every reviewer does, over all tenants of this process's places; for the privacy officer."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(("planted", "found", "checked"), 0))
    for place in house.places.values():
        with place.db.read(EVERY_TENANT) as connection:
            rows = connection.execute(select(CHECKS.c.actor, CHECKS.c.planted, CHECKS.c.answer)).all()
        for actor, planted, answer in rows:
            counts[actor]["planted" if planted else "checked"] += 1
            counts[actor]["found"] += bool(planted) and answer == Answer.PERSONAL.value
    flags = list_flags(house)
    return tuple(
        Recall(
            actor,
            **found,
            flagged=sum(flag.actor == actor for flag in flags),
            dismissed=sum(flag.actor == actor and flag.state is FlagState.DISMISSED for flag in flags),
        )
        for actor, found in sorted(counts.items())
    )


@dataclass(frozen=True)
class _Checks:
    """The gate's Picker for mails of live copies that nobody has checked, the newest copy first."""

    tenant: TenantName
    holding: frozenset[ItemId]

    def pick(self, unit: Unit, actor: str) -> Sequence[ItemId]:
        """One item that nobody has checked and that is not flagged."""
        del actor
        checked = select(CHECKS.c.item).where(CHECKS.c.item == ITEMS.c.id)
        flagged = select(FLAGS.c.item).where(FLAGS.c.item == ITEMS.c.id)
        live = (COPIES.c.category == CATEGORY_OF[MAIL].value) & is_live(unit.at)
        statement = (
            select(ITEMS.c.id)
            .join(COPIES, COPIES.c.id == ITEMS.c.copy)
            .where(ITEMS.c.tenant == self.tenant, ITEMS.c.kind == MAIL, ITEMS.c.withheld == "", live)
            .where(~checked.exists(), ~flagged.exists(), ITEMS.c.id.not_in(self.holding))
            .order_by(COPIES.c.created_at.desc(), ITEMS.c.id)
            .limit(1)
        )
        return [ItemId(item) for item in unit.connection.execute(statement).scalars()]

    def admitted(self, unit: Unit, actor: str, items: Sequence[ItemId]) -> None:
        """Nothing to note: a view is noted by the gate."""


def _planted(house: House, real: ItemView, *, actor: str) -> ItemView:
    """A planted item in the place of a real one, which stays unchecked and comes again."""
    canary = make_canary()
    cells = {**dict.fromkeys(real.cells, None), **canary.cells()}
    item = ItemId(new_id("item"))
    with unit_of_work(house.place(queue_place(house, real.tenant, MAIL)).db, real.tenant, house.clock) as unit:
        row: dict[str, Any] = {"id": item, "tenant": real.tenant, "actor": actor, "leak": canary.leak, "at": unit.at}
        unit.connection.execute(insert(PLANTED).values(**row))
        unit.append(Event("check.prepared", actor="web", tenant=real.tenant, sealed={"item": item}))
    return ItemView(
        item=item,
        tenant=real.tenant,
        copy=real.copy,
        category=real.category,
        kind=real.kind,
        table=real.table,
        cells=cells,
        placeholders=count_placeholders(cells),
        copy_expires_at=real.copy_expires_at,
        grant=real.grant,
        grant_ends_at=real.grant_ends_at,
        event=real.event,
        views_left=real.views_left,
    )


def _purpose(unit: Unit, item: ItemId, *, actor: str) -> str:
    seen = (VIEWS.c.item == item) & (VIEWS.c.actor == actor) & (VIEWS.c.action == Action.VIEW.value)
    row = unit.connection.execute(select(VIEWS.c.purpose).where(seen).order_by(VIEWS.c.at.desc()).limit(1)).first()
    if row is None:
        raise Refusal("only an item that was handed out to you can be checked by you")
    return str(row.purpose)
