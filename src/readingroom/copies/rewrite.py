"""Take subjects or items out of sealed copies: parts are rewritten under new keys, the old keys and bytes destroyed.

For each data part with a hit (P16, P34; DESIGN, "Erasure"):
  registered → written → switched (one transaction: the part now is its new generation) → old key, then old bytes.
Until the switch the old generation counts, after it the new one; `recover` takes half a rewrite back or finishes it.
Role subjects only: it opens tags and data, and makes keys. The reader of a part sees one generation or the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import func, insert, select, update

from readingroom.anonymize.tagging import TAG, TAGS
from readingroom.audit.unit import Event, Unit, unit_of_work
from readingroom.copies.opening import open_part
from readingroom.copies.part_names import ROW, Draft, draft_part, seal_context
from readingroom.copies.records import Copy, Part, get_copy, list_parts, live_copies, parts_in
from readingroom.copies.runner import at_work
from readingroom.copies.seal import write_part
from readingroom.copies.staging import known_copy, object_row
from readingroom.copies.states import CopyState
from readingroom.copies.tables import COPIES, ITEMS, OBJECTS, PARTS, ObjectState, PartKind, Reason
from readingroom.copies.tag_index import LINK_PART, TAG_PART
from readingroom.copies.withdraw import withdraw
from readingroom.copies.withheld import mark_items
from readingroom.core.errors import KeyFault, ObjectMissing, WrongState
from readingroom.core.ids import CopyId, PartName, TenantName
from readingroom.core.steps import reached, register
from readingroom.house import House
from readingroom.keys.roles import Role

REGISTERED: Final = register("erase.registered", "the new generation of a part is registered, no byte is written")
WRITTEN: Final = register("erase.written", "the new generation of a part is in the store; the old one still counts")
SWITCHED: Final = register("erase.switched", "the new generation counts; the old one's key and bytes are still there")
KEYS_DESTROYED: Final = register("erase.keys_destroyed", "the old generation's key is destroyed")
DESTROYED: Final = register("erase.destroyed", "the old generation is gone")
_TRIES: Final = 3
_NO_TAG: Final = bytes(16)  # stands for a row that goes by its number; no identifier hashes to it but by chance 2^-128


@dataclass(frozen=True)
class Withdrawal:
    """What is to go: subject tags wherever they stand, and rows of parts by their number."""

    tags: frozenset[bytes] = frozenset()
    rows: Mapping[tuple[CopyId, PartName], frozenset[int]] = field(default_factory=dict)
    reason: Reason = Reason.ERASED
    request: str = ""
    actor: str = "subjects"


@dataclass(frozen=True)
class Rewritten:
    """What went out of one copy, and with how many parts rewritten."""

    copy: CopyId
    parts: int = 0
    rows: int = 0
    spans: int = 0
    links: int = 0
    items: tuple[str, ...] = ()  # whose rows went: take them out of queues

    def plus(self, other: Rewritten) -> Rewritten:
        """Both together."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in ("parts", "rows", "spans", "links")}
        return Rewritten(self.copy, **sums, items=self.items + other.items)


def withdraw_from_copies(house: House, tenant: TenantName, what: Withdrawal) -> tuple[Rewritten, ...]:
    """Take `what` out of every live copy of the tenant; one result a copy. Safe to repeat after a crash.

    Put the tags on the withheld list first, so that no copy made meanwhile holds them.
    """
    if house.role is not Role.SUBJECTS:
        raise KeyFault(f"role {house.role} rewrites no parts")
    return tuple(_from_live(house, copy, what) for copy in live_copies(house, tenant))


def _from_live(house: House, copy: Copy, what: Withdrawal) -> Rewritten:
    """One copy; one whose purge began meanwhile has nothing left, one that was rewritten meanwhile is done again."""
    for _ in range(_TRIES):
        try:
            return _from_copy(house, copy, what)
        except (WrongState, KeyFault, ObjectMissing):
            if get_copy(house, copy.id).purge_started_at is not None:
                return Rewritten(copy.id)
    return _from_copy(house, copy, what)


def _from_copy(house: House, copy: Copy, what: Withdrawal) -> Rewritten:
    done = Rewritten(copy.id)
    indexes = {part.position: part for part in list_parts(house, copy, kind=PartKind.TAGS)}
    for part in list_parts(house, copy):
        index = indexes.get(part.position)
        tags = open_part(house, copy, index) if index else TAG_PART.empty_table()
        rows = what.rows.get((copy.id, part.name), frozenset())
        if rows or pc.any(pc.is_in(tags["tag"], value_set=_tag_array(what.tags))).as_py():
            done = done.plus(_rewrite_part(house, copy, _Pair(part, index, tags, rows), what=what))
    for part in list_parts(house, copy, kind=PartKind.LINKS):
        done = done.plus(_rewrite_links(house, copy, part, what=what))
    return done


@dataclass(frozen=True)
class _Pair:
    """A data part, its index part and the rows to take out by number."""

    part: Part
    index: Part | None
    tags: pa.Table
    rows: frozenset[int]


def _rewrite_part(house: House, copy: Copy, pair: _Pair, *, what: Withdrawal) -> Rewritten:
    rows = open_part(house, copy, pair.part).combine_chunks()
    batch = rows.to_batches()[0] if rows.num_rows else pa.RecordBatch.from_pylist([], schema=rows.schema)
    numbers = batch.column(ROW).to_numpy()
    tags = _positions(pair.tags, numbers, pair.rows)
    result = withdraw(batch, tags, gone=what.tags | ({_NO_TAG} if pair.rows else frozenset()))
    kept = result.batch.column(ROW).to_numpy()
    place = result.tags["row"].to_numpy().astype(np.int64)
    columns = {name: result.tags[name] for name in TAG_PART.names if name != "row"}
    index = pa.table({**columns, "row": pa.array(kept[place], pa.int64())}).select(TAG_PART.names).cast(TAG_PART)
    fresh = [_Fresh(pair.part, pa.Table.from_batches([result.batch]))]
    if pair.index:
        fresh.append(_Fresh(pair.index, index.sort_by([("tag", "ascending"), ("row", "ascending")])))
    gone = np.setdiff1d(numbers, kept).tolist()
    done = Rewritten(copy.id, parts=len(fresh), rows=result.rows, spans=result.spans)
    return _replace(house, copy, fresh, change=_Change(what, done, pair.part.name, gone))


def _rewrite_links(house: House, copy: Copy, part: Part, *, what: Withdrawal) -> Rewritten:
    table = open_part(house, copy, part)
    wanted = _tag_array(what.tags)
    gone = pc.or_(pc.is_in(table["tag"], value_set=wanted), pc.is_in(table["person"], value_set=wanted))
    count = int(pc.sum(gone.cast(pa.int64())).as_py() or 0)
    if not count:
        return Rewritten(copy.id)
    rest = table.filter(pc.invert(gone)).cast(LINK_PART)
    done = Rewritten(copy.id, parts=1, links=count)
    return _replace(house, copy, [_Fresh(part, rest)], change=_Change(what, done, part.name, []))


@dataclass(frozen=True)
class _Fresh:
    """A part and what its next generation holds."""

    old: Part
    table: pa.Table


@dataclass(frozen=True)
class _Change:
    """What a rewrite did, for the transaction that makes it count."""

    what: Withdrawal
    done: Rewritten
    part: PartName
    rows: Sequence[int]  # numbers of the rows that went


def _replace(house: House, copy: Copy, fresh: Sequence[_Fresh], *, change: _Change) -> Rewritten:
    place = house.place(copy.place)
    with at_work(f"rewrite {copy.id}"):
        drafts = _register(house, copy, fresh)
        reached(REGISTERED)
        sums = []
        for one, draft in zip(fresh, drafts, strict=True):
            key = place.keyring.new_part_key(copy.id, draft.key)
            data = write_part(one.table, key, seal_context(copy, draft))
            place.store.put(draft.path, data)
            sums.append((len(data), hashlib.sha256(data).hexdigest()))
        reached(WRITTEN)
        items = _switch(house, copy, list(zip(fresh, drafts, sums, strict=True)), change=change)
        reached(SWITCHED)
        finish_doomed(house, copy)
    return Rewritten(copy.id, change.done.parts, change.done.rows, change.done.spans, change.done.links, items)


def _register(house: House, copy: Copy, fresh: Sequence[_Fresh]) -> list[Draft]:
    with unit_of_work(house.place(copy.place).db, copy.tenant, house.clock) as unit:
        _check_live(unit, copy)
        drafts = []
        for one in fresh:
            last = select(func.max(OBJECTS.c.generation)).where(
                OBJECTS.c.copy == copy.id, OBJECTS.c.part == one.old.name
            )
            generation = int(unit.connection.scalar(last) or one.old.generation) + 1
            drafts.append(draft_part(copy, one.old.kind, one.old.position, generation=generation))
        unit.connection.execute(insert(OBJECTS), [object_row(copy, draft, at=unit.at) for draft in drafts])
        facts = {"parts": [draft.key for draft in drafts]}
        unit.append(Event("copy.rewrite_registered", actor="subjects", tenant=copy.tenant, copy=copy.id, facts=facts))
    return drafts


def _switch(
    house: House, copy: Copy, parts: Sequence[tuple[_Fresh, Draft, tuple[int, str]]], *, change: _Change
) -> tuple[str, ...]:
    with unit_of_work(house.place(copy.place).db, copy.tenant, house.clock) as unit:
        _check_live(unit, copy)
        growth = 0
        for one, draft, (size, digest) in parts:
            _switch_part(unit, one, draft, size=size, digest=digest)
            growth += size - one.old.bytes
        items = _items_of(unit, copy, change)
        mark_items(unit, items, reason=change.what.reason)
        more = {"rows": COPIES.c["rows"] - change.done.rows, "bytes": COPIES.c["bytes"] + growth}
        unit.connection.execute(update(COPIES).where(COPIES.c.id == copy.id).values(**more))
        facts: dict[str, Any] = {"reason": change.what.reason.value, "rows": change.done.rows, "items": len(items)}
        facts |= {"spans": change.done.spans, "links": change.done.links}
        facts |= {"parts": [{"part": draft.key, "sha256": digest} for _, draft, (_, digest) in parts]}
        sealed = {"request": change.what.request} if change.what.request else {}
        actor = change.what.actor
        unit.append(Event("copy.part_rewritten", actor, tenant=copy.tenant, copy=copy.id, facts=facts, sealed=sealed))
    return items


def _switch_part(unit: Unit, one: _Fresh, draft: Draft, *, size: int, digest: str) -> None:
    old = one.old
    same = (PARTS.c.copy == old.copy) & (PARTS.c.name == old.name) & (PARTS.c.generation == old.generation)
    body = {"bytes": size, "sha256": digest}
    place = {"generation": draft.generation, "key": draft.key, "path": draft.path}
    change = update(PARTS).where(same).values(**body, **place, rows=one.table.num_rows)
    if unit.connection.execute(change).rowcount != 1:
        raise WrongState(f"part {old.name} of {old.copy} was rewritten by another process meanwhile")
    live = update(OBJECTS).where(OBJECTS.c.path == draft.path).values(**body, state=ObjectState.LIVE.value)
    unit.connection.execute(live)
    doomed = update(OBJECTS).where(OBJECTS.c.path == old.path).values(state=ObjectState.DOOMED.value)
    unit.connection.execute(doomed)


def _items_of(unit: Unit, copy: Copy, change: _Change) -> tuple[str, ...]:
    gone = set(change.rows)
    statement = select(ITEMS.c.id, ITEMS.c.row).where(ITEMS.c.copy == copy.id, ITEMS.c.part == change.part)
    return tuple(item for item, row in unit.connection.execute(statement) if row in gone)


def finish_doomed(house: House, copy: Copy) -> int:
    """Destroy the key, then the bytes, of every generation that no longer counts; how many. Safe to repeat."""
    place = house.place(copy.place)
    chosen = (OBJECTS.c.copy == copy.id) & (OBJECTS.c.state == ObjectState.DOOMED.value)
    with place.db.read(copy.tenant) as connection:
        doomed = connection.execute(select(OBJECTS.c.path, OBJECTS.c.key).where(chosen)).all()
    if not doomed:
        return 0
    for _, key in doomed:
        place.keyring.destroy_part(copy.id, PartName(key))
    reached(KEYS_DESTROYED)
    for path, _ in doomed:
        place.store.delete(path)
    with unit_of_work(place.db, copy.tenant, house.clock) as unit:
        gone = chosen & OBJECTS.c.path.in_([path for path, _ in doomed])
        unit.connection.execute(update(OBJECTS).where(gone).values(state=ObjectState.DELETED.value, deleted_at=unit.at))
        facts = {"keys": [key for _, key in doomed]}
        unit.append(Event("copy.part_destroyed", house.role.value, tenant=copy.tenant, copy=copy.id, facts=facts))
    reached(DESTROYED)
    return len(doomed)


def _check_live(unit: Unit, copy: Copy) -> None:
    present = known_copy(unit, copy.id)
    if present.state is not CopyState.SEALED or present.purge_started_at is not None:
        raise WrongState(f"{copy.id} is {present.state} or being purged; there is nothing left to rewrite")


def _positions(tags: pa.Table, numbers: np.ndarray, rows: Collection[int]) -> pa.Table:
    """The index of a part as tags of its one batch, with one tag more for each row that goes by number."""
    place = np.searchsorted(numbers, tags["row"].to_numpy()).astype(np.int32)
    found = tags.set_column(tags.schema.get_field_index("row"), "row", pa.array(place)).select(TAGS.names).cast(TAGS)
    where = np.flatnonzero(np.isin(numbers, sorted(rows))).astype(np.int32)
    whole = [-1] * len(where)
    labels = [pa.array([text] * len(where), pa.string()) for text in ("", "row")]
    ends = pa.array(whole, pa.int32())
    tag = pa.array([_NO_TAG] * len(where), TAG)
    extra = pa.table([pa.array(where), labels[0], ends, ends, labels[0], tag, labels[1]], schema=TAGS)
    return pa.concat_tables([found, extra])


def _tag_array(tags: Collection[bytes]) -> pa.Array:
    return pa.array(sorted(tags), TAG)


def part_generation(house: House, copy: Copy, part: PartName) -> int:
    """Which generation of a part counts now."""
    with house.place(copy.place).db.read(copy.tenant) as connection:
        return next(one.generation for one in parts_in(connection, copy.id, kind=None) if one.name == part)
