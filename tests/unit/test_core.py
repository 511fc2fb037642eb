"""Core: errors, ids, time, canonical JSON, settings, steps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from readingroom.core import errors, steps
from readingroom.core.canonical import canonical, digest, parse_object
from readingroom.core.category import Category
from readingroom.core.clock import FixedClock, SimulatedClock, format_instant, parse_instant, parse_span
from readingroom.core.errors import BadSetting, UsageError
from readingroom.core.ids import PlaceName, RoomId, check_name, new_id
from readingroom.core.settings import Limits, PlaceSettings, RoomSettings, load, render


def _tree(kind: type[BaseException]) -> list[type[BaseException]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in _tree(child))]


def test_every_error_is_drawn_in_the_module_and_has_a_status() -> None:
    for kind in _tree(errors.ReadingroomError):
        if kind.__module__ == errors.__name__:
            assert kind.__name__ in (errors.__doc__ or "")
            assert any(base in errors.STATUS for base in kind.__mro__)


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (errors.UsageError("x"), 2, 400),
        (errors.UnknownName("x"), 2, 404),
        (errors.Refusal("x"), 3, 403),
        (errors.WrongState("x"), 3, 409),
        (errors.KeyFault("x"), 1, 500),
        (ValueError("x"), 1, 500),
    ],
)
def test_one_table_gives_exit_code_and_http_status(error: Exception, code: int, status: int) -> None:
    assert (errors.exit_code(error), errors.http_status(error)) == (code, status)


def test_a_source_fault_says_where_and_what_to_do() -> None:
    fault = errors.SourceFault("bad_int", errors.Position("contact/2026.csv", row=5, column="age"), "export again")
    assert str(fault) == 'contact/2026.csv, row 5, column "age": bad_int: export again'


@pytest.mark.parametrize("name", ["", "Upper", "a/b", "../x", "a b", "-a", "a-", "a" * 65, "a';--", "ä"])
def test_names_that_could_climb_or_quote_are_refused(name: str) -> None:
    with pytest.raises(UsageError):
        check_name(name, what="a tenant's name")


def test_ids_are_fresh() -> None:
    assert len({new_id("x") for _ in range(1000)}) == 1000


def test_instants_sort_as_text() -> None:
    early, late = datetime(2026, 1, 9, tzinfo=UTC), datetime(2026, 1, 10, 1, tzinfo=UTC)
    assert format_instant(early) < format_instant(late)
    assert parse_instant(format_instant(late)) == late
    assert parse_instant("2026-01-09") == early


@pytest.mark.parametrize("text", ["31", "d", "-1d", "1w", "1.5h", ""])
def test_a_bad_span_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_span(text)


def test_the_simulated_clock_goes_forward_only(tmp_path: Path) -> None:
    clock = SimulatedClock.create(tmp_path / "clock.json")
    before = clock.now()
    clock.advance(parse_span("31d"))
    assert clock.now() - before >= timedelta(days=31)
    with pytest.raises(UsageError):
        clock.advance(timedelta(days=-1))
    with pytest.raises(FileExistsError):
        SimulatedClock.create(tmp_path / "clock.json")
    (tmp_path / "clock.json").write_text("{")
    with pytest.raises(BadSetting):
        SimulatedClock(tmp_path / "clock.json")


def test_a_fixed_clock_stands(clock: FixedClock) -> None:
    first = clock.now()
    clock.advance(timedelta(days=400))
    assert clock.now() - first == timedelta(days=400)


def test_canonical_json_is_one_sequence_of_bytes() -> None:
    assert canonical({"b": 1, "a": [True, None, "é"]}) == '{"a":[true,null,"é"],"b":1}'.encode()
    assert digest({"a": 1}) == digest({"a": 1})
    with pytest.raises(UsageError):
        canonical({"a": float("nan")})
    for bad in (b"{", b"[]", b"[" * 100_000):
        with pytest.raises(UsageError, match="notice"):
            parse_object(bad, what="the notice")


def test_steps_are_announced_to_watchers_only_when_registered() -> None:
    name = steps.register("test.step", "a step of this test")
    seen: list[str] = []
    stop = steps.watch(seen.append)
    steps.reached(name)
    stop()
    steps.reached(name)
    assert seen == [name]
    with pytest.raises(ValueError, match="twice"):
        steps.register("test.step", "again")
    with pytest.raises(ValueError, match="not registered"):
        steps.reached("test.unknown")


PROVIDER = """[identity_provider]
issuer = "https://id.example"
client_id = "room"
client_secret_file = "secret"
address = "https://room.example"
"""


def _settings(root: Path) -> RoomSettings:
    place = PlaceName("us")
    return RoomSettings(
        root=root,
        room_id=RoomId("room-1"),
        name="room",
        vendor="Example Vendor",
        simulation=True,
        database="",
        geos={"US": place},
        schema_place=PlaceName("schema-us"),
        places={name: PlaceSettings(name=name) for name in (place, PlaceName("schema-us"))},
        limits=Limits(),
        identity_provider={},
    )


def test_settings_are_what_was_rendered(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    (tmp_path / "room.toml").write_text(render(settings))
    assert load(tmp_path) == settings


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("retention_days = 30", "retention_days = 31", "retention_days"),
        ("retention_days = 30", 'retention_days = "30"', "retention_days"),
        ("withheld_share = 0.02", "withheld_share = 0.5", "withheld_share"),
        ("subprocessor_notice_days = 30", "subprocessor_notice_days = 1", "subprocessor_notice_days"),
        ('US = "us"', 'US = "mars"', "mars"),
        ('US = "us"', 'US = "schema-us"', "nothing else"),
        ("[limits]", "[limits]\nsurprise = 1", "surprise"),
        ("[room]", "[rooom]", "rooom"),
        ("simulation = true", "simulation = tru", "TOML"),
        ('id = "room-1"', "", "id"),
        ("person_cap = 6", "person_cap = 13", "person_cap"),
        ("[identity_provider]", '[identity_provider]\nissuer = "https://id.example"', "lacks address, client_id"),
        ("[identity_provider]", PROVIDER.replace("https://id", "http://id"), "issuer must begin with https"),
        ("[identity_provider]", PROVIDER.replace("https://room", "http://room"), "address must begin with https"),
        ("[identity_provider]", PROVIDER.replace("room.example", "room.example/"), "without a path"),
        ("[identity_provider]", '[identity_provider]\nsurprise = "x"', "surprise"),
    ],
)
def test_a_broken_setting_stops_the_start_and_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = render(_settings(tmp_path))
    assert old in text
    (tmp_path / "room.toml").write_text(text.replace(old, new))
    with pytest.raises(BadSetting, match=says):
        load(tmp_path)


def test_a_missing_room_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="readingroom init"):
        load(tmp_path)


def test_retention_by_category() -> None:
    limits = replace(Limits(), retention_days=7)
    assert Category.MARKETING.lifetime(limits) == timedelta(days=7)
    assert Category.SCHEMA.lifetime(limits) == timedelta(days=365)
    assert {c.retention_class for c in Category} == {"data", "schema"}
