"""Evidence of copies: whose they are, what is in them, how long they live, their tags (P09, P11-P13, P15, P16)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from readingroom.anonymize.classification import shipped
from readingroom.assure.finding import Finding, Status, count, not_yet, weigh
from readingroom.assure.holdings import (
    copies_of,
    manifests,
    purge_entries,
    recorded_parts,
    sealed_sums,
    uncertified,
    unlike_sealed,
)
from readingroom.assure.keyholding import strays, unopenable
from readingroom.assure.lives import begun, unlike_log
from readingroom.assure.register import place_leaves, place_rows, room_leaves, rows_of
from readingroom.assure.withholding import forgotten, shown_again
from readingroom.copies.columns import decisions
from readingroom.copies.records import Copy, list_copies, list_parts
from readingroom.copies.states import CopyState
from readingroom.copies.tables import CONFIDENTIALITY, COPIES, OWNER, PartKind
from readingroom.core.category import Category
from readingroom.core.settings import Limits
from readingroom.house import House
from readingroom.models import tables as models
from readingroom.review import tables as review
from readingroom.sources.definitions import COLUMNS

_STORES: Final = {
    Category.MARKETING: frozenset({"dataverse", "interactions"}),
    Category.QUERY: frozenset({"activity-log"}),
    Category.SCHEMA: frozenset({"schema"}),
}
_NAMES: Final = frozenset(column.name for column in COLUMNS)
_QUERY_DATA: Final = {  # what Exhibit A calls Query Data → where the activity log has it
    "queries": frozenset({"query"}),
    "telemetry": frozenset({"additionalinfo"}),
    "results": frozenset({"queryresults", "returnedrows"}),
}
_KEPT: Final = (CopyState.SEALED, CopyState.PURGED)
_DATA: Final = (Category.MARKETING, Category.QUERY)


def ownership(house: House) -> Finding:
    """P09: every copy is the customer's, every label, adjudication and model the vendor's, and says so."""
    copies = place_rows(house, COPIES)
    ours = [row for table in (review.LABELS, review.ADJUDICATIONS) for _, row in place_rows(house, table)]
    made = rows_of(house.db, models.MODELS)
    if not copies:
        return not_yet("there is no copy")
    said = [((row["owner"], row["confidentiality"]), (OWNER, CONFIDENTIALITY)) for _, row in copies]
    said += [((row["owner"], row["confidentiality"]), (review.OWNER, review.CONFIDENTIALITY)) for row in ours]
    said += [((row["owner"], row["confidentiality"]), (models.OWNER, models.CONFIDENTIALITY)) for row in made]
    wrong = ["something says that it is somebody else's" for is_, should in said if is_ != should]
    found, bad = manifests(house, copies_of(house, *Category, states=_KEPT))
    wrong += [
        *bad,
        *("a manifest says that its copy is somebody else's" for m in found.values() if m["owner"] != OWNER),
    ]
    shown = f"{count(len(copies), 'copy')} the customer's; {count(len(ours), 'label')} and "
    return weigh(wrong, shown=shown + f"{count(len(made), 'model')} the vendor's, each with its class")


def marketing(house: House) -> Finding:
    """P11: tables of marketing copies are listed or confirmed ones, of the two stores, and not excluded."""
    return _contents(house, Category.MARKETING)


def queries(house: House) -> Finding:
    """P12: query copies hold the activity log and nothing else: queries, telemetry and results, as it has them."""
    found = _contents(house, Category.QUERY)
    columns = {name.lower() for name in _columns(house, Category.QUERY)}
    lacks = ", ".join(what for what, names in _QUERY_DATA.items() if not names & columns)
    return weigh((), shown=found.evidence, lacks=lacks) if found.status is Status.KEPT else found


def schemas(house: House) -> Finding:
    """P13: schema copies hold names of tables and columns, and types."""
    found = _contents(house, Category.SCHEMA)
    if found.status is not Status.KEPT:
        return found
    columns = _columns(house, Category.SCHEMA)
    wrong = ["a schema copy has a column for something else than names" for name in columns if name not in _NAMES]
    return weigh(wrong, shown=f"{found.evidence}; {count(len(columns), 'column')} of names and types")


def _columns(house: House, category: Category) -> set[str]:
    """Every column that a manifest of the category lists."""
    listed, _ = manifests(house, copies_of(house, category, states=_KEPT))
    tables = [table for manifest in listed.values() for table in manifest["tables"]]
    return {str(column["column"]) for table in tables for column in table["columns"]}


def _contents(house: House, category: Category) -> Finding:
    copies = copies_of(house, category, states=_KEPT)
    if not copies:
        return not_yet(f"there is no {category} copy")
    found, wrong = manifests(house, copies)
    excluded = [
        (leaf.tenant, str(leaf.facts["table"]).lower(), leaf.at) for leaf in room_leaves(house, "tenant.table_excluded")
    ]
    tables: set[str] = set()
    for copy in (one for one in copies if one.id in found):
        decided = _decided(house, copy)
        barred = {name for tenant, name, at in excluded if tenant == copy.tenant and at <= copy.created_at}
        listed = found[copy.id]["tables"]
        wrong += _unfit(listed, category=category, barred=barred, decided=decided)
        names = {table["table"] for table in listed}
        held = {part.table_name for part in list_parts(house, copy)}
        wrong += ["a copy holds a table that its manifest does not list" for name in held if name not in names]
        tables |= names
    shown = f"{count(len(found), 'manifest')} = log, {count(len(tables), 'table')}, each cleared for {category}"
    return weigh(wrong, shown=shown)


def _unfit(
    listed: Collection[Mapping[str, Any]], *, category: Category, barred: set[str], decided: set[str]
) -> Iterator[str]:
    for table in listed:
        name = str(table["table"]).lower()
        if table["store"] not in _STORES[category]:
            yield "a copy holds a table of another store"
        elif name not in decided and not shipped().table(name, table["store"]).known:
            yield "a copy holds a table that nobody cleared"
        if name in barred:
            yield "a copy holds a table that the customer excluded"


def _decided(house: House, copy: Copy) -> set[str]:
    with house.place(copy.place).db.read(copy.tenant) as connection:
        return {name.rpartition(".")[0].lower() for name in decisions(connection, copy.tenant)}


def purge(house: House) -> Finding:
    """P15: no data copy is older than 30 days; every purged one is certified in time, and nothing of it is there."""
    copies = copies_of(house, *_DATA)
    wrong = [*over_age(house, copies), *unlisted(house, schemas=False), *unlike_log(house, *_DATA)]
    if not copies and not wrong:
        return not_yet("there is no copy of Marketing or Query Data")
    wrong += [word for place in house.places for word in _forgotten(house, place)]
    wrong += strays(house, [name for name in house.places if name != house.settings.schema_place])
    live = [copy for copy in copies if copy.state is CopyState.SEALED]
    gone = [copy for copy in copies if copy.state is CopyState.PURGED]
    since = begun(house)
    oldest = max((house.clock.now() - since.get(copy.id, copy.created_at) for copy in live), default=timedelta(0))
    shown = f"{count(len(live), 'live copy')}, the oldest {oldest.days} days; {len(gone)} purged, certified in time"
    return weigh(wrong, shown=f"{shown}, nothing of them left to list, read or open")


def over_age(house: House, copies: Collection[Copy]) -> Iterator[str]:
    """What is wrong with the ages of copies of one retention class: too old, promised too long, purged unproved."""
    now, entries, since = house.clock.now(), purge_entries(house), begun(house)
    for copy in copies:
        start = since.get(copy.id, copy.created_at)  # a copy without a leaf is a contradiction of its own (unlike_log)
        limit = start + copy.category.lifetime(Limits())  # as promised; a room's own limit is at most that
        if copy.expires_at > limit:
            yield "a copy is to live longer than promised"
        if copy.state in {CopyState.SEALED, CopyState.STAGING} and now > limit:
            yield "a copy is older than promised"
        if copy.state is CopyState.PURGED:
            yield from uncertified(house, copy, limit=min(limit, copy.expires_at), purges=entries)
        if copy.state is CopyState.REFUSED and house.place(copy.place).keyring.copy_exists(copy.id):
            yield "a refused copy has keys"


def unlisted(house: House, *, schemas: bool) -> Iterator[str]:
    """Copies that the log of the schema place, or of the others, names and that no row does."""
    known = {copy.id for copy in list_copies(house)}
    for leaf in place_leaves(house, "copy.started"):
        if (leaf.place == house.settings.schema_place) is schemas and leaf.copy not in known:
            yield "a copy that the log names is not in the register"


def _forgotten(house: House, place: Any) -> Iterator[str]:
    """Keys in the keyring of a copy that is neither live nor in the making."""
    known = {copy.id: copy.state for copy in list_copies(house) if copy.place == place}
    for copy in house.place(place).keyring.list_copies():
        if known.get(copy) not in {CopyState.SEALED, CopyState.STAGING}:
            yield "a key is there of a copy that is not"


def tags(house: House) -> Finding:
    """P16: tag index and link table of every live copy are there, as sealed, with their keys."""
    copies = copies_of(house, *_DATA, states=[CopyState.SEALED])
    if not copies:
        return not_yet("there is no live copy of Marketing or Query Data")
    sums, recorded = sealed_sums(house), recorded_parts(house)
    found, wrong = manifests(house, copies)
    wrong += [*forgotten(house), *shown_again(house), *unopenable(house)]
    parts = 0
    for copy in copies:
        index = list_parts(house, copy, kind=PartKind.TAGS)
        links = list_parts(house, copy, kind=PartKind.LINKS)
        parts += len(index) + len(links)
        named = {part.name for part in (*index, *links)}
        gone = {name for name in recorded.get(copy.id, set()) if name.startswith(("tags-", "links-"))} - named
        wrong += ["a tag part is no longer registered" for _ in gone]
        if found.get(copy.id, {}).get("totals", {}).get("tags", 0) and not index:
            wrong.append("a copy has lost its tag index")
        wrong += unlike_sealed(house, copy, sums=sums, kinds=(PartKind.TAGS, PartKind.LINKS))
    shown = f"{count(len(copies), 'live copy')} with {count(parts, 'tag part')}, hash = log, keys there"
    return weigh(wrong, shown=shown)
