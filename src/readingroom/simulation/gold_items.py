"""From the ids of a gold file to the items of a live copy, by the record tags; simulation rooms only.

A real room never has a gold file: labels come from people. In a simulation the seeded reviewers need to know which
item is which mail, and the tag index, opened by the role `subjects`, is the only thing that can say so.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import select

from readingroom.anonymize.normalize import subject_tag
from readingroom.copies.records import live_copies
from readingroom.copies.tables import ITEMS
from readingroom.copies.tag_index import find_in
from readingroom.core.errors import SimulationOnly, UsageError
from readingroom.core.ids import ItemId
from readingroom.engagement.tenants import Tenant
from readingroom.house import House

_ANSWERS = frozenset({"spam", "ham"})


def read_gold(data: bytes) -> dict[str, str]:
    """Record id → spam or ham, from a CSV with an id column first and a column `label`."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError("the gold file is not UTF-8 text") from None
    rows = csv.DictReader(io.StringIO(text))
    names = rows.fieldnames or []
    if "label" not in names or names[0] == "label":
        raise UsageError("the gold file needs an id column and a column `label`")
    gold: dict[str, str] = {}
    for number, row in enumerate(rows, 2):
        if row["label"] not in _ANSWERS or not row[names[0]]:
            raise UsageError(f"the gold file, row {number}: a label is spam or ham, and every row has an id")
        gold[row[names[0]]] = row["label"]
    return gold


def gold_items(house: House, tenant: Tenant, gold: Mapping[str, str]) -> dict[ItemId, str]:
    """Item → gold answer, for the items of the tenant's live copies; needs the role subjects."""
    if not house.settings.simulation:
        raise SimulationOnly("gold answers exist in simulation rooms only; in this room, people label")
    place = house.place(tenant.place)
    key = place.keyring.tag_key(tenant.name)
    by_tag = {subject_tag(key, "record", identity): answer for identity, answer in gold.items()}
    found: dict[ItemId, str] = {}
    for copy in live_copies(house, tenant.name):
        statement = select(ITEMS.c.id, ITEMS.c.part, ITEMS.c.row).where(ITEMS.c.copy == copy.id, ITEMS.c.kind == "mail")
        with place.db.read(tenant.name) as connection:
            items = {(row.part, row.row): ItemId(row.id) for row in connection.execute(statement)}
        for part in find_in(house, copy, by_tag) if items else ():
            own = part.hits.filter(pc.equal(part.hits["role"].cast(pa.string()), "record"))
            for tag, row in zip(own["tag"].to_pylist(), own["row"].to_pylist(), strict=True):
                item = items.get((part.part.name, row))
                if item is not None:
                    found[item] = by_tag[tag]
    return found
