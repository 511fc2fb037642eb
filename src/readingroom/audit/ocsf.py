"""One entry of the log as one OCSF event: pure, and nothing that the log does not hold.

Rule 1: an exported line can be verified: `raw_data` is the entry itself, `metadata.log_name` and `metadata.sequence`
        say where it stands, `unmapped.log` gives its leaf hash and how to ask for the proof.
Rule 2: nothing is added: the register holds no personal value (pseudonyms, counts and names of tables only), and so
        does the export.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from readingroom import __version__
from readingroom.audit.merkle import leaf_hash
from readingroom.audit.ocsf_table import CAPTIONS, SCHEMA_VERSION, TABLE, UNMAPPED, EventClass, Mapped
from readingroom.core.canonical import parse_object
from readingroom.core.clock import parse_instant
from readingroom.core.errors import LogFault, UsageError

PRODUCT: Final = "Readingroom"
_BUCKET_OTHER: Final = 99
_OWNER: Final = "person"
_SUCCESS, _FAILURE = 1, 2
_MILLISECOND: Final = 1000


def to_ocsf(entry: bytes, *, origin: str, index: int) -> dict[str, Any]:
    """The OCSF event for entry `index` of the log `origin`; LogFault if the entry is no event of ours."""
    leaf = _leaf(entry)
    mapped = TABLE.get(leaf["name"], UNMAPPED)
    kind = mapped.event_class
    event: dict[str, Any] = {
        "activity_id": mapped.activity,
        "category_uid": kind.category,
        "class_uid": kind.value,
        "class_name": CAPTIONS[kind],
        "type_uid": kind.value * 100 + mapped.activity,
        "severity_id": mapped.severity,
        "time": int(parse_instant(leaf["at"]).timestamp() * _MILLISECOND),
        "message": leaf["name"],
        "metadata": _metadata(leaf, origin, index),
        "raw_data": entry.decode("utf-8"),
        "unmapped": _unmapped(leaf, entry, origin=origin, index=index),
    }
    if kind.category != EventClass.DETECTION_FINDING.category:
        event["status_id"] = _FAILURE if mapped.failed else _SUCCESS
    return event | _SHAPES[kind](leaf, mapped)


def _leaf(entry: bytes) -> Mapping[str, Any]:
    try:
        leaf = parse_object(entry, what="the entry")
        known = {name: str(leaf[name]) for name in ("id", "at", "name", "actor", "tenant")}
        facts = leaf.get("facts", {})
        return {**known, "copy": str(leaf.get("copy", "")), "facts": facts if isinstance(facts, dict) else {}}
    except (UsageError, KeyError):
        raise LogFault("a log entry is not an event") from None


def _metadata(leaf: Mapping[str, Any], origin: str, index: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "version": SCHEMA_VERSION,
        "product": {"name": PRODUCT, "vendor_name": PRODUCT, "version": __version__},
        "uid": leaf["id"],
        "event_code": leaf["name"],
        "log_name": origin,
        "sequence": index,
        "original_time": leaf["at"],
    }
    if leaf["tenant"]:
        found["tenant_uid"] = leaf["tenant"]
    if leaf["copy"]:
        found["correlation_uid"] = leaf["copy"]
    return found


def _unmapped(leaf: Mapping[str, Any], entry: bytes, *, origin: str, index: int) -> dict[str, Any]:
    log = {"origin": origin, "index": index, "leaf_sha256": leaf_hash(entry).hex()}
    return {"log": log | {"proof": f"readingroom audit proof {leaf['id']}"}, "facts": dict(leaf["facts"])}


def _user(leaf: Mapping[str, Any]) -> dict[str, Any]:
    user: dict[str, Any] = {"uid": leaf["actor"]}
    if leaf["facts"].get("employer"):
        user["org"] = {"name": str(leaf["facts"]["employer"])}
    return user


def _about_user(leaf: Mapping[str, Any]) -> dict[str, Any]:
    return {"uid": str(leaf["facts"].get(_OWNER) or leaf["actor"])}


def _actor(leaf: Mapping[str, Any]) -> dict[str, Any]:
    return {"user": _user(leaf), "app_name": PRODUCT}


def _endpoint(leaf: Mapping[str, Any]) -> dict[str, Any]:
    station, country = leaf["facts"].get("workstation"), leaf["facts"].get("country")
    found: dict[str, Any] = {"uid": str(station)} if station else {"svc_name": f"readingroom {leaf['actor']}"}
    return found | ({"location": {"country": str(country)}} if country else {})


def _uid(leaf: Mapping[str, Any], mapped: Mapped) -> str:
    named = leaf["facts"].get(mapped.uid) if mapped.uid else None
    return str(named if named is not None else leaf["copy"] or leaf["tenant"] or leaf["id"])


def _base(leaf: Mapping[str, Any], mapped: Mapped) -> dict[str, Any]:
    return {"status_detail": f"{mapped.about}: {leaf['name']}"}


def _entity(leaf: Mapping[str, Any], mapped: Mapped) -> dict[str, Any]:
    return {"actor": _actor(leaf), "entity": {"uid": _uid(leaf, mapped), "type": mapped.about}}


def _account(leaf: Mapping[str, Any], mapped: Mapped) -> dict[str, Any]:
    return {"actor": _actor(leaf), "user": _about_user(leaf), "status_detail": mapped.about}


def _sign_in(leaf: Mapping[str, Any], mapped: Mapped) -> dict[str, Any]:
    return {"actor": _actor(leaf), "user": _about_user(leaf), "service": {"name": PRODUCT, "labels": [mapped.about]}}


def _grant(leaf: Mapping[str, Any], mapped: Mapped) -> dict[str, Any]:
    facts = leaf["facts"]
    privilege = ":".join(str(facts[name]) for name in ("category", "purpose") if facts.get(name)) or mapped.about
    resource = {"uid": _uid(leaf, mapped), "type": mapped.about}
    return {"actor": _actor(leaf), "user": _about_user(leaf), "privileges": [privilege], "resources": [resource]}


def _finding(leaf: Mapping[str, Any], mapped: Mapped) -> dict[str, Any]:
    uid = _uid(leaf, mapped)
    return {"finding_info": {"uid": uid, "title": mapped.about}, "resources": [{"uid": uid, "type": mapped.about}]}


def _api(leaf: Mapping[str, Any], mapped: Mapped) -> dict[str, Any]:
    resource = {"uid": _uid(leaf, mapped), "type": mapped.about}
    return {
        "actor": _actor(leaf),
        "api": {"operation": leaf["name"], "service": {"name": PRODUCT}},
        "src_endpoint": _endpoint(leaf),
        "resources": [resource],
    }


def _store(leaf: Mapping[str, Any], mapped: Mapped) -> dict[str, Any]:
    bucket = {"uid": _uid(leaf, mapped), "type_id": _BUCKET_OTHER, "type": mapped.about}
    return {"actor": _actor(leaf), "src_endpoint": _endpoint(leaf), "databucket": bucket}


_Shape = Callable[[Mapping[str, Any], Mapped], dict[str, Any]]
_SHAPES: Final[Mapping[EventClass, _Shape]] = MappingProxyType(
    {
        EventClass.BASE: _base,
        EventClass.DATA_SECURITY_FINDING: _finding,
        EventClass.DETECTION_FINDING: _finding,
        EventClass.ACCOUNT_CHANGE: _account,
        EventClass.AUTHENTICATION: _sign_in,
        EventClass.ENTITY_MANAGEMENT: _entity,
        EventClass.USER_ACCESS: _grant,
        EventClass.API_ACTIVITY: _api,
        EventClass.DATASTORE_ACTIVITY: _store,
    }
)
