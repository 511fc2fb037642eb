"""Which place may hold what: pure rules over the settings.

Rule 1: a tenant's data stays in the place of its geo (P17).
Rule 2: schemas go to the schema place, whatever the geo (P24), and nothing else ever does (P25).
"""

from __future__ import annotations

from readingroom.core.category import Category
from readingroom.core.errors import Refusal, UsageError
from readingroom.core.ids import PlaceName
from readingroom.core.settings import RoomSettings


def geo_place(settings: RoomSettings, geo: str) -> PlaceName:
    """The place that keeps what comes from `geo`; UsageError if the room knows no such geo."""
    if geo not in settings.geos:
        known = ", ".join(sorted(settings.geos)) or "none"
        raise UsageError(f"the room keeps nothing of this geo; it knows: {known}")
    return settings.geos[geo]


def place_for(settings: RoomSettings, category: Category, geo: str) -> PlaceName:
    """The one place where a copy of `category` from `geo` may be kept."""
    home = geo_place(settings, geo)
    return settings.schema_place if category is Category.SCHEMA else home


def check_place_for(  # noqa: PLR0917 - reads in order: of what, from where, to which place
    settings: RoomSettings, category: Category, geo: str, place: PlaceName
) -> None:
    """Return if `place` is where a copy of `category` from `geo` belongs; Refusal with the reason otherwise."""
    right = place_for(settings, category, geo)
    if place == right:
        return
    if place == settings.schema_place:
        raise Refusal(f'place "{place}" holds schemas only', reasons=(f"{category} is not a schema (P25)",))
    if category is Category.SCHEMA:
        raise Refusal(f'schemas are kept in place "{right}" only', reasons=("a schema goes to the schema place (P24)",))
    raise Refusal(f'what comes from {geo} stays in place "{right}"', reasons=("data stays in its geo (P17)",))
