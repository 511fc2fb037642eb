"""The room's tables of the engagement, and the mirror of its state that every place keeps.

Personal values in here are the administrators' e-mail addresses (`contacts.email`) and, sealed, what they write as
feedback; nothing of the tenant's data.
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Integer, String, Table, Text

from readingroom.db.schema import PLACE, ROOM, Instant, tenant_column

NOTICES = Table(
    "notices",
    ROOM,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("text", Text, nullable=False),  # word for word, as published (P01)
    Column("published_at", Instant, nullable=False),
    Column("published_by", String(64), nullable=False),
)

TENANTS = Table(
    "tenants",
    ROOM,
    tenant_column(primary_key=True),
    Column("geo", String(16), nullable=False),
    Column("place", String(64), nullable=False),
    Column("connection", JSON, nullable=False),
    Column("excluded", JSON, nullable=False),
    Column("added_at", Instant, nullable=False),
)

ENGAGEMENTS = Table(
    "engagements",
    ROOM,
    tenant_column(primary_key=True),
    Column("state", String(16), nullable=False),
    Column("step", String(16), nullable=False),  # the step that led to this state
    Column("since", Instant, nullable=False),
    Column("began_at", Instant, nullable=False),  # the opt-in of this engagement (P02)
    Column("ends_at", Instant),
    Column("notice", Integer, ForeignKey("notices.version"), nullable=False),
    Column("purposes", JSON, nullable=False),
    Column("contact_ok", Boolean, nullable=False),
)

RECEIPTS = Table(
    "receipts",
    ROOM,
    Column("id", String(40), primary_key=True),
    tenant_column(),
    Column("number", Integer, nullable=False),  # 1, 2, … per tenant
    Column("at", Instant, nullable=False),
    Column("step", String(16), nullable=False),
    Column("document", JSON, nullable=False),  # signed; holds no e-mail address
)

CONTACTS = Table(
    "contacts",
    ROOM,
    Column("id", String(40), primary_key=True),
    tenant_column(),
    Column("email", String(254), nullable=False),
    Column("since", Instant, nullable=False),
)

CONTACT_REGISTER = Table(
    "contact_register",
    ROOM,
    Column("id", String(40), primary_key=True),
    tenant_column(),
    Column("contact", String(40), ForeignKey("contacts.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("topic", String(16)),  # one of those that the customer allowed; None in entries older than topics
    Column("about", String(64), nullable=False),
    Column("actor", String(64), nullable=False),
)

CONTACT_CHOICES = Table(
    "contact_choices",
    ROOM,
    Column("id", String(40), primary_key=True),
    tenant_column(),
    Column("at", Instant, nullable=False),
    Column("allowed", Boolean, nullable=False),
    Column("contact", String(40)),  # who may be asked; None: whichever administrator acted last
    Column("topics", JSON, nullable=False),
    Column("actor", String(64), nullable=False),
)

FEEDBACK = Table(
    "feedback",
    ROOM,
    Column("id", String(40), primary_key=True),
    tenant_column(),
    Column("at", Instant, nullable=False),
    Column("text", Text, nullable=False),  # sealed to the role that serves people; never in the clear
    Column("notice", Integer, ForeignKey("notices.version"), nullable=False),  # whose licence terms apply (P08)
    Column("licence", Text, nullable=False),
    Column("warranty", Text, nullable=False),
    Column("actor", String(64), nullable=False),
)

MIRROR = Table(
    "engagement_mirror",
    PLACE,
    tenant_column(primary_key=True),
    Column("state", String(16), nullable=False),
    Column("step", String(16), nullable=False),
    Column("since", Instant, nullable=False),
    Column("ends_at", Instant),
    Column("notice", Integer, nullable=False),
    Column("began_at", Instant),  # the opt-in; None in a mirror that an older version wrote
    Column("pending", Integer),  # a wider notice that waits to be accepted: no new copy until then (P01)
)
