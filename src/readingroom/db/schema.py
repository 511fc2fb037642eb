"""The two schemas: ROOM (people, notices, engagements, grants) and PLACE (everything derived from a tenant).

A room adds its tables in its own tables.py: `Table("copies", PLACE, …)`. A table whose rows belong to one tenant has
a column `tenant`, made by `tenant_column()`; on PostgreSQL row-level security hangs on it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Dialect, MetaData, String, types
from typing_extensions import override

from readingroom.core.clock import format_instant, parse_instant

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

ROOM = MetaData(naming_convention=NAMES)
PLACE = MetaData(naming_convention=NAMES)


class Instant(types.TypeDecorator[datetime]):
    """An aware UTC datetime, stored as RFC 3339 text of fixed width: sorts and compares alike in every database."""

    impl = String(27)  # type: ignore[mutable-override]  # SQLAlchemy documents it so
    cache_ok = True  # type: ignore[mutable-override]  # SQLAlchemy documents it so

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Text of fixed width; a naive datetime is a mistake."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant must be aware")
        return format_instant(value)

    @override
    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """The instant again, in UTC."""
        return None if value is None else parse_instant(value).astimezone(UTC)


def tenant_column(*, primary_key: bool = False) -> Column[str]:
    """The column that row-level security hangs on."""
    return Column("tenant", String(64), nullable=False, index=not primary_key, primary_key=primary_key)
