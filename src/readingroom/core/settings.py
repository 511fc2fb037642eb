"""Settings of a room: one TOML file, read once, checked whole; a broken one stops the start (rule 2).

Every setting stands in the dataclasses below with its meaning; docs/settings.md is generated from them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from readingroom.core.errors import BadSetting
from readingroom.core.ids import PlaceName, RoomId


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True)
class Limits:
    """The numbers of the promises and of good custom; each stays within BOUNDS, checked at load."""

    retention_days: int = _setting(30, "days a Marketing or Query copy may live (P15); at most 30")
    schema_retention_days: int = _setting(365, "days a schema copy may live (P24); at most 365")
    purge_margin_hours: int = _setting(24, "a purge falls due this long before the limit; at least 1")
    person_cap: int = _setting(6, "distinct people with an active grant per tenant in 30 days (P20)")
    grant_hours: int = _setting(8, "longest life of one grant")
    view_budget: int = _setting(2000, "items one person may view per tenant and day (P22); 50000 in simulation rooms")
    k_anonymity: int = _setting(5, "smallest group of contacts that share generalized quasi-identifiers; at least 3")
    rare_word_authors: int = _setting(5, "distinct authors that make a non-public word shown; at least 3")
    withheld_share: float = _setting(0.02, "share of items withheld by suspicion above which a copy is refused")
    subprocessor_notice_days: int = _setting(30, "days a subprocessor must stand on the list before its people (P27)")
    opt_out_notice_days: int = _setting(30, "days of notice of an opt-out by e-mail (P03); at most 30")


@dataclass(frozen=True)
class PlaceSettings:
    """One place: a geo's own database, store and keyring."""

    name: PlaceName
    database: str = _setting("", "SQLAlchemy URL; empty is SQLite in places/NAME/db.sqlite")
    store: str = _setting("", "object store URL; empty is the folder places/NAME/objects")
    write_only: bool = _setting(
        default=False, meaning="true: this process may write to the place and read nothing back"
    )


@dataclass(frozen=True)
class RoomSettings:
    """Everything a process must know to open the room at `root`."""

    root: Path
    room_id: RoomId
    name: str
    vendor: str
    simulation: bool
    database: str
    geos: Mapping[str, PlaceName]
    schema_place: PlaceName
    places: Mapping[PlaceName, PlaceSettings]
    limits: Limits
    identity_provider: Mapping[str, str]


# what a promise fixes has the promise's number as its end; the others end where no engagement needs more
BOUNDS = (
    ("retention_days", 1, 30),
    ("schema_retention_days", 1, 365),
    ("purge_margin_hours", 1, 29 * 24),
    ("person_cap", 1, 12),
    ("grant_hours", 1, 12),
    ("view_budget", 1, 50_000),
    ("k_anonymity", 3, 1000),
    ("rare_word_authors", 3, 1000),
    ("withheld_share", 0.0, 0.02),
    ("subprocessor_notice_days", 30, 365),
    ("opt_out_notice_days", 0, 30),
)

_PROVIDER = {"issuer", "client_id", "client_secret_file", "address"}
_PROVIDER_MAY = {"acr"}
_LOOPBACK = ("http://127.0.0.1:", "http://localhost:")


def load(root: Path) -> RoomSettings:
    """Read and check `root/room.toml`; BadSetting names the setting and what it must be."""
    path = root / "room.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadSetting(f"{path}: no room here; make one with `readingroom init`") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise BadSetting(f"{path}: not readable as TOML") from None
    _only(data, {"room", "geos", "places", "limits", "identity_provider"}, where="room.toml")
    room = _table(data, "room")
    _only(room, {"id", "name", "vendor", "simulation", "database", "schema_place"}, where="[room]")
    places = {PlaceName(name): _place(name, body) for name, body in _table(data, "places").items()}
    geos = {str(geo): PlaceName(str(place)) for geo, place in _table(data, "geos").items()}
    schema_place = PlaceName(_text(room, "schema_place"))
    for place in (*geos.values(), schema_place):
        if place not in places:
            raise BadSetting(f'room.toml: place "{place}" is named but has no [places.{place}]')
    if schema_place in geos.values():
        raise BadSetting("room.toml: the schema place holds nothing else (P25), so no geo may be kept there")
    return RoomSettings(
        root=root,
        room_id=RoomId(_text(room, "id")),
        name=_text(room, "name"),
        vendor=_text(room, "vendor"),
        simulation=room.get("simulation") is True,
        database=str(room.get("database", "")),
        geos=geos,
        schema_place=schema_place,
        places=places,
        limits=_limits(data.get("limits", {})),
        identity_provider=_provider(data.get("identity_provider", {})),
    )


def render(settings: RoomSettings) -> str:
    """The TOML text of `settings`; load() of it gives them back."""
    lines = [
        "# A room's settings. Every limit has bounds that no room may pass: docs/settings.md.",
        "[room]",
        f'id = "{settings.room_id}"',
        f'name = "{settings.name}"',
        f'vendor = "{settings.vendor}"',
        f"simulation = {str(settings.simulation).lower()}",
        f'database = "{settings.database}"',
        f'schema_place = "{settings.schema_place}"',
        "",
        "[geos]",
        *(f'{geo} = "{place}"' for geo, place in settings.geos.items()),
    ]
    for place in settings.places.values():
        lines += ["", f"[places.{place.name}]", f'database = "{place.database}"', f'store = "{place.store}"']
        lines += [f"write_only = {str(place.write_only).lower()}"]
    lines += ["", "[limits]", *(f"{f.name} = {getattr(settings.limits, f.name)}" for f in fields(Limits))]
    lines += ["", "[identity_provider]", *(f'{key} = "{value}"' for key, value in settings.identity_provider.items())]
    return "\n".join(lines) + "\n"


def _table(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    if not isinstance(value, dict):
        raise BadSetting(f"room.toml: [{key}] is missing")
    return value


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value or '"' in value or "\n" in value:
        raise BadSetting(f"room.toml: [room] {key} must be a non-empty text without quotes")
    return value


def _only(data: Mapping[str, Any], known: set[str], *, where: str) -> None:
    unknown = sorted(set(data) - known)
    if unknown:
        raise BadSetting(f"room.toml: {where} has unknown setting(s): {', '.join(unknown)}")


def _place(name: str, body: Any) -> PlaceSettings:
    if not isinstance(body, dict):
        raise BadSetting(f"room.toml: [places.{name}] must be a table")
    _only(body, {"database", "store", "write_only"}, where=f"[places.{name}]")
    return PlaceSettings(
        name=PlaceName(name),
        database=str(body.get("database", "")),
        store=str(body.get("store", "")),
        write_only=body.get("write_only") is True,
    )


def _provider(body: Mapping[str, Any]) -> Mapping[str, str]:
    """Nobody, or a provider with everything that signing in needs."""
    _only(body, _PROVIDER | _PROVIDER_MAY, where="[identity_provider]")
    missing = sorted(_PROVIDER - set(body)) if body else []
    if missing:
        raise BadSetting(f"room.toml: [identity_provider] lacks {', '.join(missing)}")
    for key in ("issuer", "address") if body else ():
        if not str(body[key]).startswith(("https://", *_LOOPBACK)):
            raise BadSetting(f"room.toml: [identity_provider] {key} must begin with https://")
    if str(body.get("address", "")).endswith("/"):
        raise BadSetting("room.toml: [identity_provider] address is an origin, without a path or a slash at its end")
    return {key: str(value) for key, value in body.items()}


def _limits(body: Mapping[str, Any]) -> Limits:
    _only(body, {f.name for f in fields(Limits)}, where="[limits]")
    limits = Limits(**body)
    for name, low, high in BOUNDS:
        value = getattr(limits, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise BadSetting(f"room.toml: [limits] {name} must be between {low} and {high}")
    return limits
