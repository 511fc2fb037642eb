"""Who is known: the people whom a batch names, in the one form that the text engine takes in.

Rule 1: every table that ties an identifier to a record id is read, not the people's tables alone: an old address in
an interaction is as personal as the present one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.as_text import as_text, is_text
from readingroom.anonymize.classification import shipped
from readingroom.anonymize.plans import TablePlan

_TEXT = pa.large_string()
PEOPLE = pa.schema(
    [
        *((name, _TEXT) for name in ("record_id", "kind", "given", "middle", "family", "full", "nick")),
        ("emails", pa.list_(_TEXT)),
        ("phones", pa.list_(_TEXT)),
        *((name, _TEXT) for name in ("address", "postcode", "city", "birthdate")),
        ("ids", pa.list_(_TEXT)),
    ]
)
_SINGLE = {
    "given": ("firstname",),
    "middle": ("middlename",),
    "family": ("lastname",),
    "full": ("fullname",),
    "nick": ("nickname",),
    "address": ("address1_line1",),
    "postcode": ("address1_postalcode",),
    "city": ("address1_city",),
    "birthdate": ("birthdate",),
}
_PEOPLE_TABLES = {"contact": "contact", "lead": "lead", "systemuser": "user"}
_INTERACTION_EMAILS = ("emailaddressused", "recipient", "usercontactpoint")
_INTERACTION_PHONES = ("recipientphonenumber", "recipient", "usercontactpoint")


def people_in(plan: TablePlan, batch: pa.RecordBatch, *, unseen: Callable[[str], bool]) -> list[pa.RecordBatch]:
    """The people whom a batch names, as batches with the schema PEOPLE.

    `unseen` says once whether a pair of id and address is new: millions of interactions hold the same few.
    """
    columns = {name.lower(): column for name, column in zip(batch.schema.names, batch.columns, strict=True)}
    if plan.person:
        return [_people(plan, columns, batch.num_rows), *_third_persons(columns)]
    if plan.store == "interactions":
        return _contacted(columns, unseen) + _submitted(columns, cell="submittedvalues", contact="contactid")
    if plan.store == "activity-log":
        return _logged(columns)
    return _submitted(columns, cell="msdyncrm_submittedvalues", contact="msdyncrm_matchedcontactid")


def people_batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    """Rows with any of the fields of PEOPLE as one batch."""
    return pa.RecordBatch.from_pylist(rows, schema=PEOPLE)


def full_names(people: pa.RecordBatch) -> list[str]:
    """The full names in a batch of people, put together from first and last name where there is none."""
    columns = (people.column(name).to_pylist() for name in ("given", "family", "full"))
    joined = (full or " ".join(filter(None, (given, family))) for given, family, full in zip(*columns, strict=True))
    return [name for name in joined if name]


def _people(plan: TablePlan, columns: Mapping[str, pa.Array], rows: int) -> pa.RecordBatch:
    """A table of people; which columns are addresses, phones and ids is told by their names."""
    kinds = {name: shipped().kind(name) for name, column in columns.items() if is_text(column)}
    single = {field: _first(columns, names, rows) for field, names in _SINGLE.items()}
    if plan.person == "account":
        single["full"] = _first(columns, ("name",), rows)
    by_kind = {
        "emails": [n for n, kind in kinds.items() if kind == "email"],
        "phones": [n for n, kind in kinds.items() if kind == "phone"],
        "ids": [n for n, kind in kinds.items() if kind == "id"],
    }
    lists = {field: _lists([_text(columns[name]) for name in names], rows) for field, names in by_kind.items()}
    record = _text(columns[plan.record.lower()]) if plan.record else pa.nulls(rows, _TEXT)
    made = {"record_id": record, "kind": pa.array([plan.person] * rows, _TEXT), **single, **lists}
    return pa.RecordBatch.from_arrays([made[name] for name in PEOPLE.names], schema=PEOPLE)


def _third_persons(columns: Mapping[str, pa.Array]) -> list[pa.RecordBatch]:
    """Managers and assistants are people of their own, with nothing but a name."""
    names: set[str] = set()
    for column in ("managername", "assistantname"):
        if column in columns:
            names.update(name for name in _text(columns[column]).unique().to_pylist() if name and " " in name.strip())
    return [people_batch([{"kind": "contact", "full": name} for name in sorted(names)])] if names else []


def _contacted(columns: Mapping[str, pa.Array], unseen: Callable[[str], bool]) -> list[pa.RecordBatch]:
    ids = next((columns[name] for name in ("contactid", "entityid", "leadid") if name in columns), None)
    if ids is None:
        return []
    found: set[tuple[str, str, str]] = set()
    for field, names in (("emails", _INTERACTION_EMAILS), ("phones", _INTERACTION_PHONES)):
        for name in names:
            if name in columns:
                pairs = pa.table({"id": _text(ids), "value": _text(columns[name])}).group_by(["id", "value"])
                rows = pairs.aggregate([]).to_pylist()
                found.update((row["id"], field, row["value"]) for row in rows if row["value"])
    # an address without a contact is an identifier, too
    rows = [
        {"record_id": record, "kind": "contact", field: [value]}
        for record, field, value in sorted(found, key=str)
        if ("@" in value) == (field == "emails") and unseen(f"{record} {value}")
    ]
    return [people_batch(rows)] if rows else []


def _submitted(columns: Mapping[str, pa.Array], *, cell: str, contact: str) -> list[pa.RecordBatch]:
    """Who filled in a form: known or not, the names and addresses are in its fields."""
    if cell not in columns:
        return []
    ids = _text(columns[contact]).to_pylist() if contact in columns else [None] * len(columns[cell])
    rows = [
        person
        for text, record in zip(_text(columns[cell]).to_pylist(), ids, strict=True)
        for person in persons_in_json(text, record_id=record)
    ]
    return [people_batch(rows)] if rows else []


def _logged(columns: Mapping[str, pa.Array]) -> list[pa.RecordBatch]:
    """The users who asked, and the people whom the answers name."""
    rows: list[dict[str, Any]] = []
    users = {name: _text(columns[name]) for name in ("systemuserid", "userupn", "userid") if name in columns}
    if "systemuserid" in users:
        for upn in (name for name in ("userupn", "userid") if name in users):
            pairs = pa.table({"id": users["systemuserid"], "upn": users[upn]}).group_by(["id", "upn"]).aggregate([])
            rows += [
                {"record_id": row["id"], "kind": "user", "emails": [row["upn"]]}
                for row in pairs.to_pylist()
                if row["upn"] and "@" in row["upn"]
            ]
    names = ("entityname", "entityid", "primaryfieldvalue", "fields", "returnedrows")
    lists = [_text(columns[name]).to_pylist() if name in columns else [] for name in names]
    length = max(map(len, lists), default=0)
    entity, record, primary, fields, returned = (cells or [None] * length for cells in lists)
    for index in range(length):
        kind = _PEOPLE_TABLES.get((entity[index] or "").lower())
        if kind is not None and primary[index]:
            rows.append({"record_id": record[index], "kind": kind, "full": primary[index]})
        rows += persons_in_json(fields[index], record_id=record[index] if kind else None)
        rows += persons_in_json(returned[index], record_id=None)
    return [people_batch(rows)] if rows else []


def persons_in_json(text: str | None, *, record_id: str | None) -> list[dict[str, Any]]:
    """The people whom the objects of a JSON cell describe by keys such as fullname or emailaddress1."""
    if not text or text[0] not in "[{":
        return []
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return []
    objects = value if isinstance(value, list) else [value]
    found = (_person(item, record_id) for item in objects if isinstance(item, dict))
    return [person for person in found if len(person) > 2]


def _person(item: Mapping[str, Any], record_id: str | None) -> dict[str, Any]:
    low = {str(key).lower(): value for key, value in item.items() if isinstance(value, str) and value.strip()}
    record = low.get("contactid") or low.get("leadid") or low.get("systemuserid") or record_id
    person: dict[str, Any] = {"record_id": record, "kind": "lead" if "leadid" in low else "contact"}
    for field, names in _SINGLE.items():
        if value := next((low[name] for name in names if name in low), None):
            person[field] = value
    kinds = {key: shipped().kind(key) for key in low}
    for field, kind in (("emails", "email"), ("phones", "phone"), ("ids", "id")):
        if values := [low[key] for key in low if kinds[key] == kind]:
            person[field] = values
    return person


def _first(columns: Mapping[str, pa.Array], names: tuple[str, ...], rows: int) -> pa.Array:
    return next((_text(columns[name]) for name in names if name in columns), pa.nulls(rows, _TEXT))


def _lists(arrays: list[pa.Array], rows: int) -> pa.Array:
    """The non-empty values of each row as one list."""
    if not arrays:
        return pa.array([[]] * rows, pa.list_(_TEXT))
    values = [[value for value in row if value] for row in zip(*(a.to_pylist() for a in arrays), strict=True)]
    return pa.array(values, pa.list_(_TEXT))


def _text(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column, "%Y-%m-%d").cast(_TEXT)
    return as_text(column)
