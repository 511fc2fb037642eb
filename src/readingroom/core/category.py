"""The three categories of engagement customer data, and how long a copy of each may live."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from readingroom.core.settings import Limits


class Category(StrEnum):
    """What the notice's Exhibit A names."""

    MARKETING = "marketing"  # P11
    QUERY = "query"  # P12
    SCHEMA = "schema"  # P13

    @property
    def retention_class(self) -> str:
        """Copies of one retention class share an epoch key: `data` (30 days) or `schema` (12 months)."""
        return "schema" if self is Category.SCHEMA else "data"

    def lifetime(self, limits: Limits) -> timedelta:
        """The longest life of a copy of this category (P15, P24)."""
        days = limits.schema_retention_days if self is Category.SCHEMA else limits.retention_days
        return timedelta(days=days)
