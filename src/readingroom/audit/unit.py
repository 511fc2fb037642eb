"""Check, act, append: one transaction (rule 5).

    with unit_of_work(database, tenant, clock) as unit:
        row = unit.connection.execute(select(...))        # check
        unit.connection.execute(update(...))              # act
        unit.append(Event("grant.approved", ...))         # append

Leaving the block commits. If a row changed and no event was appended, nothing is committed and EventMissing is
raised. If anything raises inside, nothing is committed. The event's leaf is public: it holds pseudonymous actor,
employer, country, purpose, decision, policy ids, tenant, copy, counts and time. What must not be public (an item id, a
subject tag) goes into `sealed`: the leaf gets a commitment SHA-256(salt ‖ value), and the salt goes with the purge.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, event, insert
from sqlalchemy.exc import SQLAlchemyError

from readingroom.audit.tables import PLACE_EVENTS, PLACE_SALTS, ROOM_EVENTS, ROOM_SALTS
from readingroom.core.canonical import canonical
from readingroom.core.clock import Clock, format_instant
from readingroom.core.errors import DatabaseFault, EventMissing
from readingroom.core.ids import CopyId, EventId, TenantName, new_id
from readingroom.db.engines import Database, scope
from readingroom.db.schema import ROOM

NO_TENANT = TenantName("")
NO_COPY = CopyId("")
_NAME = re.compile(r"[a-z_]+\.[a-z_]+")
_CHANGE = re.compile(r"\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+\"?(\w+)", re.IGNORECASE)
_OWN = frozenset({"events", "event_salts"})
LEAF_LIMIT = 65_535  # C2SP tlog-tiles: an entry's length is a uint16


@dataclass(frozen=True)
class Event:
    """One line of the register. `name` is `subject.verb`; stored, never edited."""

    name: str
    actor: str  # an actor pseudonym, or a role: "copy", "web", "subjects", "worker"
    tenant: TenantName = NO_TENANT
    copy: CopyId = NO_COPY
    facts: Mapping[str, Any] = field(default_factory=dict)  # public JSON values
    sealed: Mapping[str, str] = field(default_factory=dict)  # committed to, salted; unlinkable after the purge


class Unit:
    """The open transaction: one connection to read and change rows by, and the events that go with it."""

    def __init__(self, connection: Connection, *, tenant: TenantName, at: datetime, room: bool) -> None:
        self.connection = connection
        self.tenant = tenant
        self.at = at
        self.changed: set[str] = set()
        self.events: list[EventId] = []
        self._events = ROOM_EVENTS if room else PLACE_EVENTS
        self._salts = ROOM_SALTS if room else PLACE_SALTS

    def append(self, record: Event) -> EventId:
        """Add `record` to this transaction at its instant; its id is the answer."""
        if not _NAME.fullmatch(record.name):
            raise ValueError("an event is named subject.verb")
        identity = EventId(new_id("ev"))
        commitments = {}
        for name, value in record.sealed.items():
            salt = secrets.token_bytes(16)
            commitments[name] = hashlib.sha256(salt + value.encode()).hexdigest()
            row = {"event": identity, "field": name, "tenant": record.tenant, "copy": record.copy}
            self.connection.execute(insert(self._salts).inline().values(**row, salt=salt, value=value))
        leaf: dict[str, Any] = {"v": 1, "id": identity, "at": format_instant(self.at), "name": record.name}
        leaf |= {"actor": record.actor, "tenant": record.tenant, "facts": dict(record.facts)}
        leaf |= {"copy": record.copy} if record.copy else {}
        leaf |= {"commitments": commitments} if commitments else {}
        body = canonical(leaf)
        if len(body) > LEAF_LIMIT:
            raise ValueError(f"event {record.name} is longer than a log entry may be")
        line: dict[str, Any] = {
            "id": identity,
            "tenant": record.tenant,
            "at": self.at,
            "name": record.name,
            "copy": record.copy,
        }
        self.connection.execute(insert(self._events).inline().values(**line, leaf=body))  # the row need not be readable
        self.events.append(identity)
        return identity

    def forget_salts(self, copy: CopyId) -> int:
        """Delete the salts of a purged copy: its log leaves stay verifiable and can be linked to nothing."""
        return self.connection.execute(delete(self._salts).where(self._salts.c.copy == copy)).rowcount


@contextmanager
def unit_of_work(database: Database, tenant: TenantName, clock: Clock) -> Iterator[Unit]:
    """One transaction on `database`, of one tenant's rows (or EVERY_TENANT); commits only with its events."""
    engine = database.engine.execution_options(readingroom_write=True)
    try:
        with engine.connect() as connection, connection.begin():
            scope(connection, tenant)
            unit = Unit(connection, tenant=tenant, at=clock.now(), room=database.schema is ROOM)

            def note(_c: Any, _cursor: Any, statement: str, _p: Any, _context: Any, _many: Any) -> None:
                found = _CHANGE.match(statement)
                if found and found[1].lower() not in _OWN:
                    unit.changed.add(found[1].lower())

            event.listen(connection, "before_cursor_execute", note)
            try:
                yield unit
            finally:
                event.remove(connection, "before_cursor_execute", note)
            if unit.changed and not unit.events:
                raise EventMissing(f"a change of {', '.join(sorted(unit.changed))} has no event")
    except SQLAlchemyError as error:
        raise DatabaseFault(f"database {database.name}: {type(error).__name__}") from None
