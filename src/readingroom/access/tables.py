"""What the room remembers of the people it admits, and what each place remembers of what they looked at.

Rule 1: a person's name stands in PEOPLE and nowhere else; every event, view and label carries the actor pseudonym of
ACTORS, which has a retention of its own (staff are data subjects too).
Rule 2: a secret (sign-in link, session, challenge) is kept as its hash; a device's private key is not kept at all.
Rule 3: VIEWS stands in the place of its tenant (P17); it holds ids, never a cell.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from readingroom.db.schema import PLACE, ROOM, Instant, tenant_column

PEOPLE = Table(
    "people",
    ROOM,
    Column("id", String(40), primary_key=True),
    Column("name", String(120), nullable=False, unique=True),
    Column("employer", String(120), nullable=False),  # the vendor, or a subprocessor on the published list (P27)
    Column("country", String(2), nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("left_at", Instant),
)

ROLES = Table(
    "person_roles",
    ROOM,
    Column("person", String(40), primary_key=True),
    Column("role", String(24), primary_key=True),
)

ACTORS = Table(
    "actors",
    ROOM,
    Column("actor", String(40), primary_key=True),
    Column("person", String(40), nullable=False, unique=True),
    Column("forget_after", Instant),  # set when the person leaves; then only the pseudonym remains in the log
)

FACTS = Table(
    "facts",
    ROOM,
    Column("id", String(40), primary_key=True),
    Column("person", String(40), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("until", Instant, nullable=False),
    Column("asserted_by", String(40), nullable=False),
    Column("asserted_at", Instant, nullable=False),
    Column("confirmed_by", String(40)),  # P28: another than asserted_by, and neither is the person
    Column("confirmed_at", Instant),
    Column("withdrawn_at", Instant),
)

WORKSTATIONS = Table(
    "workstations",
    ROOM,
    Column("id", String(40), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("person", String(40), nullable=False, index=True),
    Column("public_key", LargeBinary(32), nullable=False),  # Ed25519; the private half was shown once (P21)
    Column("compliant", Boolean, nullable=False),
    Column("enrolled_at", Instant, nullable=False),
    Column("retired_at", Instant),
)

CHALLENGES = Table(
    "challenges",
    ROOM,
    Column("hash", String(64), primary_key=True),
    Column("workstation", String(40), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)

SUBPROCESSOR_LISTS = Table(
    "subprocessor_lists",
    ROOM,
    Column("version", Integer, primary_key=True),
    Column("published_at", Instant, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("entries", JSON, nullable=False),  # [{"name", "country", "service"}]
)

SUBPROCESSOR_OBJECTIONS = Table(
    "subprocessor_objections",
    ROOM,
    Column("id", String(40), primary_key=True),
    tenant_column(),
    Column("employer", String(200), nullable=False),
    Column("list_version", Integer, nullable=False),  # the newest list at that time
    Column("why", Text, nullable=False),  # the customer's own words, or ""
    Column("made_at", Instant, nullable=False),
    Column("made_by", String(40), nullable=False),  # an administrator's id
    Column("withdrawn_at", Instant),
)

GRANTS = Table(
    "grants",
    ROOM,
    Column("id", String(40), primary_key=True),
    tenant_column(),
    Column("category", String(16), nullable=False),
    Column("purpose", String(64), nullable=False),  # P23
    Column("person", String(40), nullable=False, index=True),
    Column("why", Text, nullable=False),  # P22: the business justification
    Column("hours", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("requested_at", Instant, nullable=False),
    Column("answer_by", Instant, nullable=False),  # unanswered after 12 h, a request expires
    Column("decided_by", String(40)),
    Column("decided_at", Instant),
    Column("starts_at", Instant),
    Column("ends_at", Instant),
    Column("ended_at", Instant),  # when it was revoked or expired
    Column("list_version", Integer),  # P27: the subprocessor list it was approved under
    Index("ix_grants_state", "state", "ends_at"),
)

SESSIONS = Table(
    "sessions",
    ROOM,
    Column("hash", String(64), primary_key=True),
    Column("kind", String(12), nullable=False),  # staff or customer
    Column("person", String(40), nullable=False, index=True),  # "" for a customer
    Column("workstation", String(40), nullable=False, index=True),  # "" for a customer
    Column("customer", String(64), nullable=False),  # the tenant of a customer's administrator, "" for staff
    Column("contact", String(320), nullable=False),  # who at the customer, "" for staff
    Column("started_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("identity", String(64), nullable=False, server_default="", index=True),  # hash of issuer and subject
    Column("provider_session", String(64), nullable=False, server_default=""),  # hash of the provider's session id
)

IDENTITIES = Table(
    "identities",
    ROOM,
    Column("identity", String(64), primary_key=True),  # hash of issuer and subject: who it is there stays there
    Column("kind", String(12), nullable=False),
    Column("person", String(40), nullable=False, index=True),  # "" for a customer
    Column("customer", String(64), nullable=False),
    Column("contact", String(320), nullable=False),
    Column("bound_at", Instant, nullable=False),
)

LINKS = Table(
    "sign_in_links",
    ROOM,
    Column("hash", String(64), primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("person", String(40), nullable=False),
    Column("workstation", String(40), nullable=False),
    Column("customer", String(64), nullable=False),
    Column("contact", String(320), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)

ALERTS = Table(
    "access_alerts",
    ROOM,
    Column("id", String(40), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("person", String(40), nullable=False),
    Column("grant", String(40), nullable=False),
    Column("raised_at", Instant, nullable=False),
    Column("seen_by", String(40)),
    Column("seen_at", Instant),
)

VIEWS = Table(
    "views",
    PLACE,
    Column("id", String(40), primary_key=True),
    tenant_column(),
    Column("copy", String(40), nullable=False, index=True),
    Column("part", String(64), nullable=False),
    Column("item", String(40), nullable=False, index=True),  # "" where a whole part was read
    Column("rows", BigInteger, nullable=False),
    Column("actor", String(40), nullable=False),
    Column("workstation", String(40), nullable=False),
    Column("grant", String(40), nullable=False),
    Column("purpose", String(64), nullable=False),
    Column("action", String(12), nullable=False),
    Column("at", Instant, nullable=False),
    Column("event", String(40), nullable=False),
    Index("ix_views_budget", "tenant", "actor", "at", "item"),
)
