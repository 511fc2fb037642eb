"""What a place remembers of the review: tasks, leases, labels, adjudications and flags.

Rule 1: no cell of a customer's data stands here; labels refer to item ids, and so may outlive a purge (P09, P31).
Rule 2: a comment is stored only after it was anonymized.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, String, Table, Text

from readingroom.db.schema import PLACE, Instant, tenant_column

OWNER: Final = "vendor"  # P09: improvements are the vendor's
CONFIDENTIALITY: Final = "vendor confidential"

TASKS = Table(
    "tasks",
    PLACE,
    Column("item", String(40), primary_key=True),
    tenant_column(),
    Column("copy", String(40), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("priority", Integer, nullable=False),  # written by the worker; higher first
    Column("state", String(16), nullable=False),
    Column("answer", String(16), nullable=False),  # of a decided task, else ""
    Index("ix_tasks_queue", "tenant", "kind", "state", "priority", "item"),
)

QUEUED_COPIES = Table(
    "queued_copies",
    PLACE,
    Column("copy", String(40), primary_key=True),
    tenant_column(),
    Column("queued_at", Instant, nullable=False),
)

LEASES = Table(
    "leases",
    PLACE,
    Column("item", String(40), primary_key=True),
    Column("actor", String(40), primary_key=True),
    tenant_column(),
    Column("until", Instant, nullable=False),
    Index("ix_leases_actor", "actor", "until"),
)

LABELS = Table(
    "labels",
    PLACE,
    Column("id", String(40), primary_key=True),
    tenant_column(),
    Column("copy", String(40), nullable=False, index=True),
    Column("item", String(40), nullable=False),
    Column("actor", String(40), nullable=False),
    Column("purpose", String(64), nullable=False),  # P23
    Column("answer", String(16), nullable=False),
    Column("comment", Text, nullable=False),  # anonymized before it was stored
    Column("at", Instant, nullable=False),
    Column("undone_at", Instant),
    Column("owner", String(16), nullable=False, default=OWNER),
    Column("confidentiality", String(32), nullable=False, default=CONFIDENTIALITY),
    Index("ix_labels_item", "item", "actor"),
    Index("ix_labels_last", "actor", "at"),
)

ADJUDICATIONS = Table(
    "adjudications",
    PLACE,
    Column("item", String(40), primary_key=True),
    tenant_column(),
    Column("actor", String(40), nullable=False),
    Column("answer", String(16), nullable=False),
    Column("at", Instant, nullable=False),
    Column("owner", String(16), nullable=False, default=OWNER),
    Column("confidentiality", String(32), nullable=False, default=CONFIDENTIALITY),
)

FLAGS = Table(
    "flags",
    PLACE,
    Column("id", String(40), primary_key=True),
    tenant_column(),
    Column("copy", String(40), nullable=False, index=True),
    Column("item", String(40), nullable=False, index=True),
    Column("actor", String(40), nullable=False),
    Column("state", String(16), nullable=False),
    Column("twins", Integer, nullable=False),  # how many other items were withheld with it
    Column("raised_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),  # the privacy officer decides within 24 h
    Column("decided_by", String(40)),
    Column("decided_at", Instant),
    Column("box", Text, nullable=False, default=""),  # what the officer named, sealed to `subjects`; "" once removed
    Column("tell_by", Instant),  # the customer, of a confirmed flag
    Column("removed_at", Instant),  # the parts were rewritten without it, and the customer was told
    Index("ix_flags_open", "tenant", "state", "due_at"),
)

FLAGGED_ITEMS = Table(
    "flagged_items",
    PLACE,
    Column("flag", String(40), primary_key=True),
    Column("item", String(40), primary_key=True),
    tenant_column(),
)

PLANTED = Table(
    "planted_items",
    PLACE,
    Column("id", String(40), primary_key=True),  # looks like an item's, and is none
    tenant_column(),  # in whose queue it was; nothing of it is the tenant's
    Column("actor", String(40), nullable=False),  # to whom it was handed out
    Column("leak", String(32), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_planted_items_actor", "actor", "at"),
)

CHECKS = Table(
    "privacy_checks",
    PLACE,
    Column("item", String(40), primary_key=True),  # of a copy, or a planted one
    Column("actor", String(40), primary_key=True),
    tenant_column(),
    Column("planted", Integer, nullable=False),  # 1: measures the reviewer, and is never counted as data
    Column("answer", String(16), nullable=False),
    Column("purpose", String(64), nullable=False),  # P23
    Column("at", Instant, nullable=False),
)
