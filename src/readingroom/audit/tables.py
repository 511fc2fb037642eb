"""Event rows and the salts of their commitments, alike in the room's database and in each place's."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table

from readingroom.db.schema import PLACE, ROOM, Instant

_SEQUENCE = BigInteger().with_variant(Integer, "sqlite")


def _events(schema: MetaData) -> Table:
    return Table(
        "events",
        schema,
        Column("number", _SEQUENCE, primary_key=True, autoincrement=True),
        Column("id", String(40), nullable=False, unique=True),
        Column("tenant", String(64), nullable=False, index=True),  # "" is the room itself
        Column("at", Instant, nullable=False),
        Column("name", String(64), nullable=False),
        Column("copy", String(40), nullable=False, index=True),  # "" where no copy is concerned
        Column("leaf", LargeBinary, nullable=False),  # canonical JSON, public, never edited
        Column("log_index", BigInteger),  # None until the sequencer has written it to the Merkle log
        Index("ix_events_pending", "tenant", "log_index"),
    )


def _salts(schema: MetaData) -> Table:
    return Table(
        "event_salts",
        schema,
        Column("event", String(40), primary_key=True),
        Column("field", String(40), primary_key=True),
        Column("tenant", String(64), nullable=False, index=True),
        Column("copy", String(40), nullable=False, index=True),
        Column("salt", LargeBinary, nullable=False),
        Column("value", String(256), nullable=False),
    )


ROOM_EVENTS = _events(ROOM)
PLACE_EVENTS = _events(PLACE)
ROOM_SALTS = _salts(ROOM)
PLACE_SALTS = _salts(PLACE)
