"""Every kind of event has an OCSF mapping, and what is written validates against the schema that OCSF publishes."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

import readingroom
from readingroom.audit.merkle import leaf_hash
from readingroom.audit.ocsf import to_ocsf
from readingroom.audit.ocsf_table import CAPTIONS, SCHEMA_VERSION, TABLE, EventClass
from readingroom.core.canonical import canonical
from readingroom.core.errors import LogFault

SOURCE = Path(readingroom.__file__).parent
KIND = re.compile(r"[a-z_]+\.[a-z_]*[a-z]")
FILE = re.compile(r"\.(?:key|toml|json|bin|cedar|csv|txt|html|id)$")
ORIGIN = "readingroom/room-1/us/alpha"
FACTS: dict[str, Any] = {"workstation": "ws-1", "country": "US", "employer": "Example Vendor", "person": "actor-2"}


@cache
def schema() -> OcsfJsonSchemaEmbedded:
    return OcsfJsonSchemaEmbedded(get_ocsf_schema(SCHEMA_VERSION))


def entry(name: str, **more: Any) -> bytes:
    leaf = {"v": 1, "id": "ev-1", "at": "2026-11-01T06:00:00.123456Z", "name": name, "actor": "actor-1"}
    return canonical({**leaf, "tenant": "alpha", "copy": "copy-1", "facts": FACTS, **more})


def literals(tree: ast.Module) -> set[str]:
    """Text that may be an event's name: first arguments of Event(...) and, by subject, every other constant."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def steps(tree: ast.Module) -> set[str]:
    """Steps where a test may stop a process are named alike and are no events."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "register" and isinstance(call.args[0], ast.Constant)
    }


def event_kinds() -> set[str]:
    """Every kind of event that the product can append, by reading its source."""
    direct: set[str] = set()
    candidates: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        if path.name == "ocsf_table.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        candidates |= {text for text in literals(tree) if KIND.fullmatch(text)} - steps(tree)
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id in {"Event", "_event"} and call.args:
                direct |= {
                    n.value for n in ast.walk(call.args[0]) if isinstance(n, ast.Constant) and n.value in candidates
                }
    subjects = {name.split(".")[0] for name in direct | set(TABLE)}
    found = {name for name in candidates if name.split(".")[0] in subjects and not FILE.search(name)}
    return direct | (found - {"contact.email"})


def test_every_kind_of_event_is_mapped() -> None:
    kinds = event_kinds()
    assert len(kinds) > 60
    assert not sorted(kinds - set(TABLE)), "add a line to audit/ocsf_table.py"


@pytest.mark.parametrize("name", sorted(TABLE))
@pytest.mark.parametrize("facts", [FACTS, {}], ids=["facts", "no facts"])
def test_every_kind_validates_against_the_published_schema(name: str, facts: dict[str, Any]) -> None:
    event = to_ocsf(entry(name, facts=facts), origin=ORIGIN, index=7)
    checked(event)
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert event["time"] == 1793512800123
    assert event["metadata"]["version"] == SCHEMA_VERSION
    assert event["metadata"]["uid"] == "ev-1"


def checked(event: dict[str, Any]) -> None:
    class_name = schema().lookup_class_name_from_uid(event["class_uid"])
    definition = schema().get_class_schema(class_name)
    jsonschema.Draft202012Validator(definition).validate(event)


def test_activities_and_captions_are_those_of_the_schema() -> None:
    classes = {c["uid"]: c for c in get_ocsf_schema(SCHEMA_VERSION)["classes"].values()}
    for name, mapped in TABLE.items():
        known = classes[mapped.event_class.value]
        assert str(mapped.activity) in known["attributes"]["activity_id"]["enum"], name
        assert known["caption"] == CAPTIONS[mapped.event_class]
        assert known["category_uid"] == mapped.event_class.category


def test_the_schema_would_refuse_a_line_that_lacks_something() -> None:
    event = to_ocsf(entry("item.viewed"), origin=ORIGIN, index=7)
    for missing in ("actor", "src_endpoint", "metadata", "severity_id", "databucket"):
        with pytest.raises(jsonschema.ValidationError):
            checked({key: value for key, value in event.items() if key != missing})


def test_an_exported_line_holds_what_verifies_it() -> None:
    body = entry("item.viewed", commitments={"item": "ab"})
    event = json.loads(json.dumps(to_ocsf(body, origin=ORIGIN, index=7)))
    assert event["raw_data"].encode() == body
    assert event["unmapped"]["log"]["leaf_sha256"] == leaf_hash(event["raw_data"].encode()).hex()
    assert event["metadata"]["sequence"] == 7
    assert event["metadata"]["log_name"] == ORIGIN


def test_a_kind_of_a_later_version_is_exported_as_a_base_event() -> None:
    event = to_ocsf(entry("comet.seen"), origin=ORIGIN, index=0)
    assert event["class_uid"] == EventClass.BASE
    checked(event)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id":1}', b"\xff"])
def test_what_is_no_event_is_a_fault(body: bytes) -> None:
    with pytest.raises(LogFault):
        to_ocsf(body, origin=ORIGIN, index=0)
