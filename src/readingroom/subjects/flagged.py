"""What becomes of a confirmed flag: out of every live copy, known to every later one, and the customer told (P14, P16).

Order, each step safe to repeat after a crash: the values that the officer named join the known identifiers; the parts
are rewritten without the flagged items, under new keys, old keys and bytes destroyed; then, in one transaction, the
flag is `removed`, the sealed values are deleted and the customer is told: the event is in its log, the line in its
portal. Role subjects only.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from sqlalchemy import Row, select, update

from readingroom.anonymize.normalize import subject_tag
from readingroom.anonymize.spelled import Spelled, spell
from readingroom.audit.unit import Event, unit_of_work
from readingroom.copies.known_values import add_known_values
from readingroom.copies.rewrite import Rewritten, Withdrawal, withdraw_from_copies
from readingroom.copies.tables import ITEMS, Reason
from readingroom.core.errors import KeyFault, UsageError
from readingroom.core.ids import CopyId, PartName, TenantName
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House, Place
from readingroom.keys.roles import Role
from readingroom.review.flag import box_context
from readingroom.review.flag_states import FlagState, FlagStep, next_state
from readingroom.review.tables import FLAGGED_ITEMS, FLAGS
from readingroom.subjects.identifiers import parse_identifiers


def remove_flagged(house: House) -> list[str]:
    """Finish every confirmed flag; what was done, a line each. The duty of the role `subjects`."""
    if house.role is not Role.SUBJECTS:
        raise KeyFault(f"role {house.role} rewrites no parts")
    done = []
    for place in house.places.values():
        with place.db.read(EVERY_TENANT) as connection:
            confirmed = select(FLAGS).where(FLAGS.c.state == FlagState.CONFIRMED.value).order_by(FLAGS.c.due_at)
            rows = connection.execute(confirmed).all()
        for row in rows:
            known = _learn(house, place, row)
            results = _rewrite(house, place, row)
            _close(house, place, row, known=known, results=results)
            done.append(f"flag {row.id}: {sum(one.rows for one in results)} rows removed, the customer told")
    return done


def _learn(house: House, place: Place, row: Row[Any]) -> int:
    """Let later copies know what the officer named; how many values are new."""
    tenant = TenantName(row.tenant)
    if not row.box:
        return 0
    try:
        text = house.keys.unwrap(json.loads(row.box), box_context(row.id, tenant)).decode()
        tag_key = place.keyring.tag_key(tenant)
        named = parse_identifiers(text)
    except (KeyFault, UsageError):
        return 0  # the tag key went with the last copy: there is none that could be compared with, and none to come
    values: dict[bytes, tuple[str, Spelled]] = {
        subject_tag(tag_key, one.kind, one.value): (one.kind, spell(tag_key, one.kind, one.value)) for one in named
    }
    with unit_of_work(place.db, tenant, house.clock) as unit:
        count = add_known_values(unit, tenant, values, tag_key=tag_key, request=row.id)
        if count:
            facts = {"flag": row.id, "values": count}
            unit.append(Event("flag.values_known", actor="subjects", tenant=tenant, copy=row.copy, facts=facts))
    return count


def _rewrite(house: House, place: Place, row: Row[Any]) -> tuple[Rewritten, ...]:
    rows: dict[tuple[CopyId, PartName], set[int]] = defaultdict(set)
    mine = select(FLAGGED_ITEMS.c.item).where(FLAGGED_ITEMS.c.flag == row.id)
    statement = select(ITEMS.c.copy, ITEMS.c.part, ITEMS.c.row).where(ITEMS.c.id.in_(mine))
    with place.db.read(TenantName(row.tenant)) as connection:
        for copy, part, number in connection.execute(statement):
            rows[CopyId(copy), PartName(part)].add(number)
    gone = {key: frozenset(numbers) for key, numbers in rows.items()}
    what = Withdrawal(rows=gone, reason=Reason.FLAGGED, request=row.id)
    return withdraw_from_copies(house, TenantName(row.tenant), what)


def _close(house: House, place: Place, row: Row[Any], *, known: int, results: tuple[Rewritten, ...]) -> None:
    tenant = TenantName(row.tenant)
    with unit_of_work(place.db, tenant, house.clock) as unit:
        now = unit.connection.execute(select(FLAGS.c.state).where(FLAGS.c.id == row.id)).scalar_one()
        state = next_state(FlagState(now), FlagStep.REMOVE)
        values = {"state": state.value, "removed_at": unit.at, "box": ""}
        unit.connection.execute(update(FLAGS).where(FLAGS.c.id == row.id).values(**values))
        facts: dict[str, Any] = {"flag": row.id, "items": row.twins + 1, "values": known, "told": "customer"}
        facts |= {"rows": sum(one.rows for one in results), "copies": sum(bool(one.parts) for one in results)}
        unit.append(Event("flag.removed", actor="subjects", tenant=tenant, copy=row.copy, facts=facts))
