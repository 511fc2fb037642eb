"""What a place remembers of its copies: no cell of a customer's data stands in any of these tables.

Rule 1: names of cleared tables and columns, counts, hashes, keyed tags, ids and instants only.
Rule 4: an object is registered before its first byte is written, so that no crash leaves a byte nobody knows of;
key bytes, wrapped or not, are never here.
Everything stands in the place's own database (P17), every row names its tenant (P18), and every copy says whose it is
and how it is classed (P09).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from readingroom.db.schema import PLACE, Instant, tenant_column

OWNER: Final = "customer"  # P09, P35: customer data stays the customer's
CONFIDENTIALITY: Final = "customer confidential"


class PartKind(StrEnum):
    """Which key chain seals a part: `data` for the gate, `tags` and `links` for `copy` and `subjects` alone."""

    DATA = "data"
    TAGS = "tags"
    LINKS = "links"


class ObjectState(StrEnum):
    """The life of one object in a store: `registered → live → doomed → deleted`, or `registered → doomed`."""

    REGISTERED = "registered"  # a path is promised; bytes may or may not be there
    LIVE = "live"  # the bytes are there and their hash is known
    DOOMED = "doomed"  # to be deleted: the key is destroyed first
    DELETED = "deleted"  # deleted, with all versions


class Reason(StrEnum):
    """Why something is withheld."""

    ERASED = "erased"
    RESTRICTED = "restricted"
    OBJECTED = "objected"
    FLAGGED = "flagged"  # a reviewer says: still personal data
    SUPPRESSED = "suppressed"  # outlives a restore
    SUSPICION = "suspicion"  # the second look


COPIES = Table(
    "copies",
    PLACE,
    Column("id", String(40), primary_key=True),
    tenant_column(),
    Column("category", String(16), nullable=False),
    Column("place", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("day", String(10), nullable=False),  # of the epoch key: YYYY-MM-DD
    Column("actor", String(80), nullable=False),  # pseudonym of whoever asked for it
    Column("owner", String(32), nullable=False, default=OWNER),  # P09
    Column("confidentiality", String(32), nullable=False, default=CONFIDENTIALITY),  # P09
    Column("notice", String(64), nullable=False, default=""),  # version of the notice in force at its start
    Column("runner", String(120), nullable=False, default=""),  # host, pid and start of the process; "" when it ended
    Column("heartbeat", Instant),
    Column("created_at", Instant, nullable=False),
    Column("sealed_at", Instant),
    Column("expires_at", Instant, nullable=False),  # P15, P24: no byte lives past this
    Column("purge_due", Instant, nullable=False),
    Column("purge_started_at", Instant),  # from here on unreadable, whatever the state says
    Column("purged_at", Instant),
    Column("rows", BigInteger, nullable=False, default=0),
    Column("items", BigInteger, nullable=False, default=0),
    Column("withheld_items", BigInteger, nullable=False, default=0),
    Column("bytes", BigInteger, nullable=False, default=0),
    Column("reason", String(200), nullable=False, default=""),  # why refused or purged
    Column("manifest", JSON, nullable=False, default=dict),
    Column("manifest_sha256", String(64), nullable=False, default=""),
    Index("ix_copies_state", "state", "purge_due"),
)
# P18, and two workers at once: the database itself admits one running copy per tenant and category
Index(
    "uq_copies_staging",
    COPIES.c.tenant,
    COPIES.c.category,
    unique=True,
    sqlite_where=COPIES.c.state == "staging",
    postgresql_where=COPIES.c.state == "staging",
)

PARTS = Table(
    "parts",
    PLACE,
    Column("copy", String(40), ForeignKey("copies.id"), primary_key=True),
    Column("name", String(64), primary_key=True),  # stable over rewrites: p-00001, tags-00001, links-00001
    tenant_column(),
    Column("kind", String(8), nullable=False),
    Column("position", Integer, nullable=False),  # bound by the AAD
    Column("generation", Integer, nullable=False),  # 1, and one more for each rewrite
    Column("key", String(80), nullable=False),  # the name of its key in the keyring
    Column("path", String(300), nullable=False, unique=True),
    Column("table_name", String(200), nullable=False),  # a cleared name
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    UniqueConstraint("copy", "kind", "position"),
)

OBJECTS = Table(
    "objects",
    PLACE,
    Column("path", String(300), primary_key=True),
    tenant_column(),
    Column("copy", String(40), ForeignKey("copies.id"), nullable=False, index=True),
    Column("part", String(64), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("key", String(80), nullable=False),
    Column("runner", String(120), nullable=False),  # the process that registered it
    Column("state", String(12), nullable=False),
    Column("bytes", BigInteger, nullable=False, default=0),
    Column("sha256", String(64), nullable=False, default=""),
    Column("registered_at", Instant, nullable=False),
    Column("deleted_at", Instant),
)

ITEMS = Table(
    "items",
    PLACE,
    Column("id", String(40), primary_key=True),
    Column("copy", String(40), ForeignKey("copies.id"), nullable=False),
    tenant_column(),
    Column("part", String(64), nullable=False),
    Column("row", BigInteger, nullable=False),  # the part's internal column `_row`, stable over rewrites
    Column("kind", String(16), nullable=False),  # mail, query, schema
    Column("table_name", String(200), nullable=False),
    Column("withheld", String(16), nullable=False, default=""),  # a Reason, or ""
    Column("twin", LargeBinary(16), nullable=False, default=b""),  # keyed hash of what it shows, for this copy
    Column("record", LargeBinary(16), nullable=False, default=b""),  # keyed hash of its source record, over copies
    Index("ix_items_copy_part_row", "copy", "part", "row"),
    Index("ix_items_tenant_kind", "tenant", "kind"),
    Index("ix_items_tenant_record", "tenant", "record"),
    Index("ix_items_tenant_twin", "tenant", "twin"),
)

WITHHELD = Table(
    "withheld",
    PLACE,
    Column("id", String(40), primary_key=True),
    tenant_column(),
    Column("tag", LargeBinary(16), index=True),  # a subject tag, or
    Column("item", String(40), index=True),  # an item
    Column("reason", String(16), nullable=False),
    Column("request", String(64), nullable=False, default=""),  # what asked for it
    Column("since", Instant, nullable=False),
    Column("lifted_at", Instant),
)

KNOWN_VALUES = Table(
    "known_values",
    PLACE,
    Column("id", String(40), primary_key=True),
    tenant_column(),
    Column("tag", LargeBinary(16), nullable=False),  # what it is the tag of was found in a copy that should not show it
    Column("kind", String(16), nullable=False),
    Column("spelled", LargeBinary, nullable=False),  # its spellings as hashes, under a key made of the tag key
    Column("request", String(64), nullable=False),  # the flag that named it
    Column("since", Instant, nullable=False),
    UniqueConstraint("tenant", "tag"),
)

COLUMN_DECISIONS = Table(
    "column_decisions",
    PLACE,
    tenant_column(primary_key=True),
    Column("table_name", String(200), primary_key=True),
    Column("column_name", String(200), primary_key=True),
    Column("treatment", String(80), nullable=False),  # as anonymize.Treatment writes it, or "withhold"
    Column("actor", String(80), nullable=False),
    Column("at", Instant, nullable=False),
)

CERTIFICATES = Table(
    "certificates",
    PLACE,
    Column("copy", String(40), primary_key=True),
    tenant_column(),
    Column("signed_at", Instant, nullable=False),
    Column("document", Text, nullable=False),  # JSON: certificate, key, signature
)

ERASURE_TRIGGERS = Table(
    "erasure_triggers",
    PLACE,
    Column("id", String(40), primary_key=True),
    tenant_column(),
    Column("tag", LargeBinary(16), nullable=False),
    Column("kind", String(16), nullable=False),  # of the identifier: contact, lead, user, record
    Column("source", String(64), nullable=False),  # where the deletion was seen: a cleared table name
    Column("seen_by", String(40), nullable=False),  # the copy whose run saw it
    Column("seen_at", Instant, nullable=False),
    Column("acted_at", Instant),
    Column("request", String(64), nullable=False, default=""),
    UniqueConstraint("tenant", "tag"),
)
