"""One item as a reviewer may see it, and the placeholders in it. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from typing_extensions import override

from readingroom.core.category import Category
from readingroom.core.ids import CopyId, EventId, GrantId, ItemId, TenantName

_PLACEHOLDER = re.compile(r"\[([A-Z][A-Z_]*?)(?:_[0-9a-f]{4,})?\]")


@dataclass(frozen=True, repr=False)
class ItemView:
    """What the gate hands out: the cells of one item, and what the screen must say about them."""

    item: ItemId
    tenant: TenantName
    copy: CopyId
    category: Category
    kind: str
    table: str
    cells: Mapping[str, Any]
    placeholders: Mapping[str, int]  # kind of placeholder → how often
    copy_expires_at: datetime
    grant: GrantId
    grant_ends_at: datetime
    event: EventId
    views_left: int

    @override
    def __repr__(self) -> str:
        """Without the cells: a repr may end in a log (house rule 1)."""
        return f"ItemView({self.item})"


def count_placeholders(cells: Mapping[str, Any]) -> Mapping[str, int]:
    """How often each kind of placeholder stands in the cells, for the strip above the item."""
    found: Counter[str] = Counter()
    for cell in cells.values():
        if isinstance(cell, str):
            found.update(match[1] for match in _PLACEHOLDER.finditer(cell))
    return dict(sorted(found.items()))
