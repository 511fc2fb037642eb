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
Policies and grants are made from the tables as they are, after init and after each migration: there is none to forget.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from enum import StrEnum
from typing import Final

from psycopg import sql
from sqlalchemy import Connection, MetaData, Table, inspect

TENANT_SETTING: Final = "readingroom.tenant"
SCOPE_SETTING: Final = "readingroom.scope"
LOGINS: Final = ("copy", "web", "subjects", "worker")
POLICY: Final = "tenant_rows"
APPENDING: Final = "house_events"
REGISTER: Final = frozenset({"events", "event_salts"})
EVERYTHING: Final = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
READ: Final = frozenset({"SELECT"})
APPEND: Final = frozenset({"SELECT", "INSERT"})
KEEP: Final = frozenset({"SELECT", "INSERT", "UPDATE"})


class Scope(StrEnum):
    """What `readingroom.scope` says; anything else is nothing."""

    ONE = "one"
    HOUSE = "house"  # rows of nobody: what concerns the room or the place itself
    EVERY = "every"


# what a role may do where it is not everything; a table that is not named here may be read and written by all four
GRANTS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "events": dict.fromkeys(LOGINS, APPEND),  # rule 4
    "alembic_version": dict.fromkeys(LOGINS, READ),
}
UPDATABLE: Mapping[tuple[str, str], Sequence[str]] = {("events", "worker"): ("log_index",)}  # rule 4

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
                for statement in _grants(table.name, role, login):
                    cursor.execute(statement)
        for role, login in logins.items():
            for statement in _grants("alembic_version", role, login):
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


def _grants(table: str, role: str, login: str) -> Iterator[sql.Composed]:
    name, who = sql.Identifier(table), sql.Identifier(login)
    yield sql.SQL("REVOKE ALL ON {} FROM PUBLIC, {}").format(name, who)
    allowed = GRANTS.get(table, {}).get(role, EVERYTHING)
    if allowed:
        verbs = sql.SQL(", ").join(sql.SQL(verb) for verb in sorted(allowed))
        yield sql.SQL("GRANT {} ON {} TO {}").format(verbs, name, who)
    for column in UPDATABLE.get((table, role), ()):
        yield sql.SQL("GRANT UPDATE ({}) ON {} TO {}").format(sql.Identifier(column), name, who)
