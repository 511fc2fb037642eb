from __future__ import annotations

from pathlib import Path

import pytest

from readingroom.core.category import Category
from readingroom.core.errors import Refusal, UsageError
from readingroom.core.ids import PlaceName, RoomId
from readingroom.core.settings import Limits, PlaceSettings, RoomSettings
from readingroom.stores.places import check_place_for, geo_place, place_for

US, EU, SCHEMA = PlaceName("us"), PlaceName("eu"), PlaceName("schema-us")
SETTINGS = RoomSettings(
    root=Path("room"),
    room_id=RoomId("room-1"),
    name="Fictional",
    vendor="Example Vendor",
    simulation=True,
    database="",
    geos={"US": US, "EU": EU},
    schema_place=SCHEMA,
    places={name: PlaceSettings(name) for name in (US, EU, SCHEMA)},
    limits=Limits(),
    identity_provider={},
)


def test_each_geo_has_its_place() -> None:
    assert geo_place(SETTINGS, "US") == US
    assert geo_place(SETTINGS, "EU") == EU
    with pytest.raises(UsageError):
        geo_place(SETTINGS, "us")


@pytest.mark.parametrize("geo", ["US", "EU"])
@pytest.mark.parametrize("category", list(Category))
@pytest.mark.parametrize("place", [US, EU, SCHEMA, PlaceName("elsewhere")])
def test_exactly_one_place_is_right(geo: str, category: Category, place: PlaceName) -> None:
    # P17, P24, P25: written out, not computed the way the rule does
    right = {
        ("US", Category.MARKETING): "us",
        ("US", Category.QUERY): "us",
        ("US", Category.SCHEMA): "schema-us",
        ("EU", Category.MARKETING): "eu",
        ("EU", Category.QUERY): "eu",
        ("EU", Category.SCHEMA): "schema-us",
    }[geo, category]
    assert place_for(SETTINGS, category, geo) == right
    if place == right:
        check_place_for(SETTINGS, category, geo, place)
    else:
        with pytest.raises(Refusal) as caught:
            check_place_for(SETTINGS, category, geo, place)
        assert caught.value.reasons


def test_an_unknown_geo_has_no_place_even_for_schemas() -> None:
    with pytest.raises(UsageError):
        check_place_for(SETTINGS, Category.SCHEMA, "MOON", SCHEMA)


def test_the_refusal_names_its_promise() -> None:
    with pytest.raises(Refusal) as caught:
        check_place_for(SETTINGS, Category.MARKETING, "EU", US)
    assert "P17" in caught.value.reasons[0]
    with pytest.raises(Refusal) as caught:
        check_place_for(SETTINGS, Category.QUERY, "US", SCHEMA)
    assert "P25" in caught.value.reasons[0]
