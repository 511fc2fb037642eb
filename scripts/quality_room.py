"""Spam AUC on a room's own copy: anonymized text and reviewers' labels, beside raw text and gold labels.

Usage: .venv/bin/python scripts/quality_room.py ROOM [--tenant enron] [--json]      (simulation rooms only)

The room must hold a live marketing copy of the tenant, labelled by `review simulate`. Folds leave one corpus of origin
out at a time (gold/provenance.csv.gz). Held-out mails are always scored against the gold label, never a reviewer's.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select

from readingroom.access.datasets import Wanted, open_for_check
from readingroom.bootstrap import open_house
from readingroom.copies.part_names import ROW
from readingroom.copies.records import live_copies
from readingroom.copies.tables import ITEMS
from readingroom.core.category import Category
from readingroom.engagement.tenants import get_tenant
from readingroom.keys.roles import Role
from readingroom.review.labels import labels_for_training
from readingroom.simulation.gold_items import gold_items, read_gold
from readingroom.subjects.attribution import people_by_item

HERE = Path(__file__).parent
READ = ("msdyncrm_subject", "msdyncrm_emailbody")


def _quality() -> Any:
    spec = importlib.util.spec_from_file_location("quality_spam", HERE / "quality_spam.py")
    if spec is None or spec.loader is None:
        sys.exit("scripts/quality_spam.py is absent")
    module = importlib.util.module_from_spec(spec)
    sys.modules["quality_spam"] = module
    spec.loader.exec_module(module)
    return module


def _texts(
    room: Path, tenant: str, shared: Path
) -> tuple[dict[str, str], dict[str, float], dict[str, tuple[int, ...]]]:
    """By raw mail id: anonymized text, reviewers' label (where they agreed), people."""
    web, subjects = open_house(room, Role.WEB), open_house(room, Role.SUBJECTS)
    found = get_tenant(subjects, tenant)
    data = (shared / "data" / "tenants" / tenant / "gold" / "spam_labels.csv").read_bytes()
    numbered = {raw: str(number) for number, raw in enumerate(read_gold(data))}
    by_number = {number: raw for raw, number in numbered.items()}
    identity = {item: by_number[number] for item, number in gold_items(subjects, found, numbered).items()}
    labels = {identity[i]: float(s == "spam") for i, s in labels_for_training(web, found.name).items() if i in identity}
    texts: dict[str, str] = {}
    people: dict[str, tuple[int, ...]] = {}
    for copy in live_copies(subjects, found.name):
        if copy.category is not Category.MARKETING:
            continue
        who = people_by_item(subjects, copy, kind="mail", columns=READ, purpose="check")
        people |= {identity[item]: persons for item, persons in who.items() if item in identity}
        wanted = Wanted(tables=("msdyncrm_marketingemail",), columns=READ)
        statement = select(ITEMS.c.id, ITEMS.c.part, ITEMS.c.row).where(ITEMS.c.copy == copy.id)
        with subjects.place(copy.place).db.read(copy.tenant) as connection:
            items = {(row.part, row.row): row.id for row in connection.execute(statement)}
        for part, table in open_for_check(subjects, copy, wanted=wanted):
            columns = (table[name].to_pylist() for name in (ROW, *READ))
            for row, subject, body in zip(*columns, strict=True):
                item = items.get((part.name, row))
                if item in identity:
                    texts[identity[item]] = f"{subject or ''}\n{body or ''}"
    return texts, labels, people


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("room", type=Path)
    parser.add_argument("--tenant", default="enron")
    parser.add_argument("--shared", type=Path, default=HERE.parent.parent / "shared")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    quality = _quality()
    raw = quality.tenant(asked.shared)
    texts, labels, people = _texts(asked.room, asked.tenant, asked.shared)
    rows = [row for row, item in enumerate(raw.ids) if item in texts and item in labels]
    ids = [raw.ids[row] for row in rows]
    part = quality.Mails(ids, [raw.texts[r] for r in rows], raw.spam[rows], raw.folds[rows], raw.persons)
    reviewed = np.array([labels[item] for item in ids])
    agree = float((reviewed == part.spam).mean())
    found = {
        "mails": len(ids),
        "labels_equal_to_gold": round(agree, 4),
        "raw": quality.measure(part),
        "anonymized": quality.measure(part._replace(texts=[texts[item] for item in ids], persons=people)),
        "anonymized, reviewers' labels": quality.measure(
            part._replace(texts=[texts[item] for item in ids], persons=people, spam=reviewed), truth=part.spam
        ),
    }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
