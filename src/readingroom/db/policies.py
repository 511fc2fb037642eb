"""Who may touch which row of a PostgreSQL database: row-level security by tenant, and each process role's grants.

Rule 1: every table with a column `tenant` has row-level security, enabled and forced (its owner obeys too). A row is
visible and writable only in a transaction scoped to its tenant, or scoped to every tenant. An event of the house
itself (of no tenant) may be appended in any scope, and not read again.
Rule 2: no scope, no rows. Both settings are local to a transaction; what PostgreSQL leaves behind in a session is the
empty text, which is nobody's name here.
Rule 3: processes log in as roles that own nothing and cannot pass by the policies; tables belong to the owner, who
logs in for migrations alone.
Rule 4: the register is append-only for everybody: no role may delete or edit an event; the worker alone may write its
place in the log.
Rule 5: a login may do what its process does, table by table, and nothing else.
Policies and grants are made from the tables as they are, after init and after each migration: there is none to forget.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from enum import StrEnum
from typing import Final

from psycopg import sql
from sqlalchemy import Connection, MetaData, Table, inspect

from readingroom.db.schema import ROOM

TENANT_SETTING: Final = "readingroom.tenant"
SCOPE_SETTING: Final = "readingroom.scope"
LOGINS: Final = ("copy", "web", "subjects", "worker")
POLICY: Final = "tenant_rows"
APPENDING: Final = "house_events"
REGISTER: Final = frozenset({"events", "event_salts"})
READ: Final = "SELECT"
# what a role does to a table, a letter each: Read, Insert, Update, Delete
_VERBS: Final = {"R": READ, "I": "INSERT", "U": "UPDATE", "D": "DELETE"}


class Scope(StrEnum):
    """What `readingroom.scope` says; anything else is nothing."""

    ONE = "one"
    HOUSE = "house"  # rows of nobody: what concerns the room or the place itself
    EVERY = "every"


# Rule 5: what a process does not do, its login cannot do. Who is not named in a line may not even read; a table
# without a line is nobody's, and a test says so.
ROOM_GRANTS: Mapping[str, Mapping[str, str]] = {
    "access_alerts": {"web": "RU", "worker": "RI"},
    "actors": {"web": "RIU", "subjects": "R", "worker": "RD"},
    "challenges": {"web": "RIUD", "worker": "R"},
    "contact_choices": {"web": "RI", "worker": "R"},
    "contact_register": {"web": "RI", "worker": "RD"},  # the worker replays the log after a restore
    "contacts": {"web": "RIU", "worker": "RD"},
    "engagements": {"copy": "R", "web": "RIU", "subjects": "R", "worker": "RU"},
    "event_salts": {"copy": "I", "web": "RID", "subjects": "I", "worker": "RI"},
    "events": {"copy": "I", "web": "RI", "subjects": "RI", "worker": "RI"},  # rule 4
    "facts": {"web": "RIU", "subjects": "R", "worker": "R"},
    "feedback": {"web": "RIU", "worker": "RU"},
    "grants": {"web": "RIU", "subjects": "R", "worker": "RU"},
    "identities": {"web": "RID", "worker": "R"},
    "models": {"web": "RIU", "subjects": "R", "worker": "R"},
    "notices": {"copy": "R", "web": "RI", "subjects": "R", "worker": "R"},
    "people": {"web": "RIU", "subjects": "R", "worker": "RUD"},
    "person_roles": {"web": "RI", "subjects": "R", "worker": "RD"},
    "privacy_ledger": {"web": "RIU", "worker": "R"},
    "receipts": {"web": "RI", "worker": "RI"},  # an engagement that time ends has a receipt too
    "sessions": {"web": "RIU", "worker": "RU"},
    "sign_in_links": {"web": "RIU", "worker": "RU"},
    "subprocessor_lists": {"web": "RI", "subjects": "R", "worker": "R"},
    "subprocessor_objections": {"web": "RIU", "subjects": "R", "worker": "R"},
    "tenants": {"copy": "R", "web": "RIU", "subjects": "R", "worker": "R"},
    "workstations": {"web": "RIU", "subjects": "R", "worker": "R"},
}
PLACE_GRANTS: Mapping[str, Mapping[str, str]] = {
    "adjudications": {"web": "RI", "subjects": "R", "worker": "R"},
    "certificates": {"copy": "R", "web": "R", "subjects": "R", "worker": "RI"},  # only the worker purges
    "column_decisions": {"copy": "RID", "web": "R", "worker": "R"},
    "copies": {"copy": "RIU", "web": "RU", "subjects": "RU", "worker": "RU"},  # counts; states
    "engagement_mirror": {"copy": "R", "web": "RIU", "subjects": "R", "worker": "RIU"},
    "erasure_triggers": {"copy": "RIU", "subjects": "RU", "worker": "RD"},
    "event_salts": {"copy": "RID", "web": "RI", "subjects": "I", "worker": "RID"},
    "events": {"copy": "RI", "web": "RI", "subjects": "RI", "worker": "RI"},  # rule 4
    "flagged_items": {"web": "RI", "subjects": "R", "worker": "R"},
    "flags": {"web": "RIU", "subjects": "RU", "worker": "R"},
    "items": {"copy": "RID", "web": "RU", "subjects": "RU", "worker": "RD"},  # update: what withholds it
    "known_values": {"copy": "R", "subjects": "RI", "worker": "R"},
    "labels": {"web": "RIU", "subjects": "RU", "worker": "R"},  # subjects: clear a comment that names somebody
    "leases": {"web": "RID", "worker": "RD"},  # the worker ends what was not decided before the purge
    "objects": {"copy": "RIUD", "web": "R", "subjects": "RIU", "worker": "RUD"},
    "parts": {"copy": "RID", "web": "R", "subjects": "RU", "worker": "RD"},
    "planted_items": {"web": "RI", "worker": "R"},  # mails of nobody that measure the reviewers
    "privacy_checks": {"web": "RI", "worker": "R"},
    "queued_copies": {"web": "RI", "worker": "R"},
    "subject_asks": {"web": "RI", "subjects": "RU", "worker": "R"},
    "subject_requests": {"web": "R", "subjects": "RIU", "worker": "R"},
    "tasks": {"web": "RIU", "subjects": "RU", "worker": "RU"},
    "views": {"web": "RI", "subjects": "RI", "worker": "R"},
    "withheld": {"copy": "R", "web": "RIU", "subjects": "RIU", "worker": "R"},
}
UPDATABLE: Mapping[tuple[str, str], Sequence[str]] = {("events", "worker"): ("log_index",)}  # rule 4
# whose rows stand in a place is the evidence of P17, which the pages show: of these tables `web` sees that and no more
READABLE: Mapping[tuple[str, str], Sequence[str]] = {
    ("erasure_triggers", "web"): ("tenant",),
    ("known_values", "web"): ("tenant",),
}


def allowed(schema: MetaData, table: str, role: str) -> frozenset[str]:
    """What a process of `role` may do to the rows of a table (rule 5)."""
    if table == "alembic_version":
        return frozenset({READ})
    letters = (ROOM_GRANTS if schema is ROOM else PLACE_GRANTS).get(table, {}).get(role, "")
    return frozenset(_VERBS[letter] for letter in letters)


_SCOPED: Final = sql.SQL("nullif(current_setting({}, true), '') IS NOT NULL").format(sql.Literal(SCOPE_SETTING))
_ROWS: Final = sql.SQL(
    "current_setting({scope}, true) = {every}"
    " OR (current_setting({scope}, true) = {one} AND tenant = nullif(current_setting({tenant}, true), ''))"
    " OR (current_setting({scope}, true) = {house} AND tenant = '')"
).format(
    scope=sql.Literal(SCOPE_SETTING),
    tenant=sql.Literal(TENANT_SETTING),
    every=sql.Literal(Scope.EVERY.value),
    one=sql.Literal(Scope.ONE.value),
    house=sql.Literal(Scope.HOUSE.value),
)


def secure(connection: Connection, schema: MetaData, logins: Mapping[str, str]) -> None:
    """Make every policy and grant anew, in the owner's transaction; `logins` gives each process role's login."""
    present = set(inspect(connection).get_table_names())
    with closing(connection.connection.cursor()) as cursor:
        for table in (table for table in schema.tables.values() if table.name in present):
            for statement in _rows_of(table):
                cursor.execute(statement)
            for role, login in logins.items():
                for statement in _grants(schema, table.name, role, login=login):
                    cursor.execute(statement)
        for role, login in logins.items():
            for statement in _grants(schema, "alembic_version", role, login=login):
                cursor.execute(statement)
            cursor.execute(sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}").format(sql.Identifier(login)))


def _rows_of(table: Table) -> Iterator[sql.Composed]:
    """Rule 1."""
    if "tenant" not in table.columns:
        return
    name, policy = sql.Identifier(table.name), sql.Identifier(POLICY)
    yield sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(name)
    yield sql.SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY").format(name)
    yield sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(policy, name)
    yield sql.SQL("CREATE POLICY {} ON {} USING ({rows}) WITH CHECK ({rows})").format(policy, name, rows=_ROWS)
    if table.name in REGISTER:
        policy = sql.Identifier(APPENDING)
        yield sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(policy, name)
        yield sql.SQL("CREATE POLICY {} ON {} FOR INSERT WITH CHECK ({} AND tenant = '')").format(policy, name, _SCOPED)


def _grants(schema: MetaData, table: str, role: str, *, login: str) -> Iterator[sql.Composed]:
    name, who = sql.Identifier(table), sql.Identifier(login)
    yield sql.SQL("REVOKE ALL ON {} FROM PUBLIC, {}").format(name, who)
    verbs = sorted(allowed(schema, table, role))
    if verbs:
        yield sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(", ").join(map(sql.SQL, verbs)), name, who)
    for verb, columns in ((READ, READABLE), ("UPDATE", UPDATABLE)):
        for column in columns.get((table, role), ()):
            yield sql.SQL("GRANT {} ({}) ON {} TO {}").format(sql.SQL(verb), sql.Identifier(column), name, who)
