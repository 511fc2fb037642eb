"""What a place remembers of requests: kinds, clocks and counts. Identifiers are never stored, not even hashed here.

Those of a request from the portal wait, sealed, until the role `subjects` has answered it.
The subject's tags stand on the withheld list under the request's id, so that a crashed erasure can be finished, and a
later copy or a restored backup cannot bring the person back.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Integer, String, Table, Text

from readingroom.db.schema import PLACE, Instant, tenant_column

REQUESTS = Table(
    "subject_requests",
    PLACE,
    tenant_column(primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attested_by", String(80), nullable=False),  # pseudonym: the customer is the controller and vouches
    Column("received_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("done_at", Instant),
    Column("people", Integer, nullable=False, default=0),
    Column("also_touched", Integer, nullable=False, default=0),  # others who share a name, phone or address
    Column("copies", Integer, nullable=False, default=0),
    Column("rows", BigInteger, nullable=False, default=0),
    Column("spans", BigInteger, nullable=False, default=0),
    Column("receipt", JSON),
)

ASKS = Table(
    "subject_asks",
    PLACE,
    tenant_column(primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("answered_at", Instant),
    Column("box", Text, nullable=False),  # the identifiers, sealed to the role `subjects`; "" once it has answered
    Column("answer", JSON),  # counts, or why it was refused; no identifier
)
