"""What the room remembers of its models: they are the vendor's, hold no customer data, and outlive every purge.

Rule 1 (P31): names, numbers, hashes and instants; no item id, no word, no label.
Rule 2 (P09): every model says whose it is and how it is classed. Rule 3 (P23): and for which purpose it was trained.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, Boolean, Column, Float, Integer, String, Table, UniqueConstraint

from readingroom.db.schema import ROOM, Instant, tenant_column

OWNER: Final = "vendor"  # P09: improvements are the vendor's, the data never is
CONFIDENTIALITY: Final = "vendor confidential"
PURPOSE: Final = "spam-checker"  # P23, P32

MODELS = Table(
    "models",
    ROOM,
    Column("id", String(40), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("purpose", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("owner", String(16), nullable=False, default=OWNER),
    Column("confidentiality", String(32), nullable=False, default=CONFIDENTIALITY),
    Column("trained_by", String(40), nullable=False),  # a person id: the releaser must be somebody else
    Column("trained_actor", String(40), nullable=False),  # as the register knows them
    Column("trained_at", Instant, nullable=False),
    Column("gated_at", Instant),
    Column("released_actor", String(40)),
    Column("released_at", Instant),
    Column("retired_at", Instant),
    Column("sha256", String(64), nullable=False),
    Column("manifest", String(64), nullable=False),  # of the dataset: which items, which labels
    Column("plan", JSON, nullable=False),  # recipe, noise multipliers, contribution bound
    Column("record", JSON, nullable=False),  # counts, spends, lots of the planted
    Column("gate", JSON, nullable=False, default=dict),
)

LEDGER = Table(
    "privacy_ledger",
    ROOM,
    Column("id", Integer, primary_key=True, autoincrement=True),
    tenant_column(),
    Column("model", String(40), nullable=False, index=True),
    Column("unit", String(16), nullable=False),  # person
    Column("epsilon", Float, nullable=False),
    Column("delta", Float, nullable=False),
    Column("mu", Float, nullable=False),  # exact: squares of μ add up over releases
    Column("released", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("tenant", "model"),
)
