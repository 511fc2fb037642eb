"""The room's database as the first release made it, before there were migrations. Never edited."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from readingroom.db.schema import NAMES, Instant

revision = "0001"
down_revision = None

FIRST = MetaData(naming_convention=NAMES)

Table(
    "access_alerts",
    FIRST,
    Column("id", String(40), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("person", String(40), nullable=False),
    Column("grant", String(40), nullable=False),
    Column("raised_at", Instant, nullable=False),
    Column("seen_by", String(40)),
    Column("seen_at", Instant),
)
Table(
    "actors",
    FIRST,
    Column("actor", String(40), primary_key=True),
    Column("person", String(40), nullable=False),
    Column("forget_after", Instant),
    UniqueConstraint("person"),
)
Table(
    "challenges",
    FIRST,
    Column("hash", String(64), primary_key=True),
    Column("workstation", String(40), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)
Table(
    "contacts",
    FIRST,
    Column("id", String(40), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("email", String(254), nullable=False),
    Column("since", Instant, nullable=False),
    Index("ix_contacts_tenant", "tenant"),
)
Table(
    "event_salts",
    FIRST,
    Column("event", String(40), primary_key=True),
    Column("field", String(40), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("copy", String(40), nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("value", String(256), nullable=False),
    Index("ix_event_salts_copy", "copy"),
    Index("ix_event_salts_tenant", "tenant"),
)
Table(
    "events",
    FIRST,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String(40), nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("name", String(64), nullable=False),
    Column("copy", String(40), nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("log_index", BigInteger),
    UniqueConstraint("id"),
    Index("ix_events_copy", "copy"),
    Index("ix_events_pending", "tenant", "log_index"),
    Index("ix_events_tenant", "tenant"),
)
Table(
    "facts",
    FIRST,
    Column("id", String(40), primary_key=True),
    Column("person", String(40), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("until", Instant, nullable=False),
    Column("asserted_by", String(40), nullable=False),
    Column("asserted_at", Instant, nullable=False),
    Column("confirmed_by", String(40)),
    Column("confirmed_at", Instant),
    Column("withdrawn_at", Instant),
    Index("ix_facts_person", "person"),
)
Table(
    "grants",
    FIRST,
    Column("id", String(40), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("category", String(16), nullable=False),
    Column("purpose", String(64), nullable=False),
    Column("person", String(40), nullable=False),
    Column("why", Text, nullable=False),
    Column("hours", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("requested_at", Instant, nullable=False),
    Column("answer_by", Instant, nullable=False),
    Column("decided_by", String(40)),
    Column("decided_at", Instant),
    Column("starts_at", Instant),
    Column("ends_at", Instant),
    Column("ended_at", Instant),
    Column("list_version", Integer),
    Index("ix_grants_person", "person"),
    Index("ix_grants_state", "state", "ends_at"),
    Index("ix_grants_tenant", "tenant"),
)
Table(
    "models",
    FIRST,
    Column("id", String(40), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("purpose", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("owner", String(16), nullable=False),
    Column("confidentiality", String(32), nullable=False),
    Column("trained_by", String(40), nullable=False),
    Column("trained_actor", String(40), nullable=False),
    Column("trained_at", Instant, nullable=False),
    Column("gated_at", Instant),
    Column("released_actor", String(40)),
    Column("released_at", Instant),
    Column("retired_at", Instant),
    Column("sha256", String(64), nullable=False),
    Column("manifest", String(64), nullable=False),
    Column("plan", JSON, nullable=False),
    Column("record", JSON, nullable=False),
    Column("gate", JSON, nullable=False),
)
Table(
    "notices",
    FIRST,
    Column("version", Integer, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("published_by", String(64), nullable=False),
    UniqueConstraint("sha256"),
)
Table(
    "people",
    FIRST,
    Column("id", String(40), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("employer", String(120), nullable=False),
    Column("country", String(2), nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("left_at", Instant),
    UniqueConstraint("name"),
)
Table(
    "person_roles",
    FIRST,
    Column("person", String(40), primary_key=True),
    Column("role", String(24), primary_key=True),
)
Table(
    "privacy_ledger",
    FIRST,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("tenant", String(64), nullable=False),
    Column("model", String(40), nullable=False),
    Column("unit", String(16), nullable=False),
    Column("epsilon", Float, nullable=False),
    Column("delta", Float, nullable=False),
    Column("mu", Float, nullable=False),
    Column("released", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("tenant", "model"),
    Index("ix_privacy_ledger_model", "model"),
    Index("ix_privacy_ledger_tenant", "tenant"),
)
Table(
    "receipts",
    FIRST,
    Column("id", String(40), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("step", String(16), nullable=False),
    Column("document", JSON, nullable=False),
    Index("ix_receipts_tenant", "tenant"),
)
Table(
    "sessions",
    FIRST,
    Column("hash", String(64), primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("person", String(40), nullable=False),
    Column("workstation", String(40), nullable=False),
    Column("customer", String(64), nullable=False),
    Column("contact", String(320), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Index("ix_sessions_person", "person"),
    Index("ix_sessions_workstation", "workstation"),
)
Table(
    "sign_in_links",
    FIRST,
    Column("hash", String(64), primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("person", String(40), nullable=False),
    Column("workstation", String(40), nullable=False),
    Column("customer", String(64), nullable=False),
    Column("contact", String(320), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)
Table(
    "subprocessor_lists",
    FIRST,
    Column("version", Integer, primary_key=True),
    Column("published_at", Instant, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("entries", JSON, nullable=False),
)
Table(
    "tenants",
    FIRST,
    Column("tenant", String(64), primary_key=True),
    Column("geo", String(16), nullable=False),
    Column("place", String(64), nullable=False),
    Column("connection", JSON, nullable=False),
    Column("excluded", JSON, nullable=False),
    Column("added_at", Instant, nullable=False),
)
Table(
    "workstations",
    FIRST,
    Column("id", String(40), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("person", String(40), nullable=False),
    Column("public_key", LargeBinary(32), nullable=False),
    Column("compliant", Boolean, nullable=False),
    Column("enrolled_at", Instant, nullable=False),
    Column("retired_at", Instant),
    UniqueConstraint("name"),
    Index("ix_workstations_person", "person"),
)
Table(
    "contact_register",
    FIRST,
    Column("id", String(40), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("contact", String(40), ForeignKey("contacts.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("about", String(64), nullable=False),
    Column("actor", String(64), nullable=False),
    Index("ix_contact_register_tenant", "tenant"),
)
Table(
    "engagements",
    FIRST,
    Column("tenant", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("step", String(16), nullable=False),
    Column("since", Instant, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("ends_at", Instant),
    Column("notice", Integer, ForeignKey("notices.version"), nullable=False),
    Column("purposes", JSON, nullable=False),
    Column("contact_ok", Boolean, nullable=False),
)
Table(
    "feedback",
    FIRST,
    Column("id", String(40), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("text", Text, nullable=False),
    Column("notice", Integer, ForeignKey("notices.version"), nullable=False),
    Column("licence", Text, nullable=False),
    Column("warranty", Text, nullable=False),
    Column("actor", String(64), nullable=False),
    Index("ix_feedback_tenant", "tenant"),
)

TABLES = tuple(FIRST.tables)


def upgrade() -> None:
    """Every table of the first release."""
    FIRST.create_all(op.get_bind(), checkfirst=False)


def downgrade() -> None:
    """There is nothing before the first release."""
    raise NotImplementedError  # never reached: migrating.plan takes no target before the first revision
