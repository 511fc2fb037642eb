"""The shipped classification: what is known about tables and columns before any data is read.

Rule 1: what no rule names has no treatment; the plan then withholds it (empty means no).
Rule 2: the package data is checked whole at the first use; a broken rule stops the start.
"""

from __future__ import annotations

import gzip
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib import resources
from typing import Any

from readingroom.anonymize.treatments import Action, Treatment
from readingroom.core.errors import BadSetting

STORES = ("dataverse", "interactions", "activity-log", "schema")


@dataclass(frozen=True)
class TableRules:
    """What the classification says about one table; all names in lower case."""

    known: bool
    record: tuple[str, ...] = ()
    row: tuple[str, ...] = ()
    span: tuple[str, ...] = ()
    result: tuple[str, ...] = ()
    author: str = ""
    person: str = ""
    item: str = ""
    quasi: tuple[str, ...] = ()
    pairs: Mapping[str, str] = field(default_factory=dict)
    trigger: bool = False


@dataclass(frozen=True)
class Classification:
    """The rules of classification.toml together with the facts of cdm_columns.json.gz."""

    rules: Mapping[str, Any]
    cdm: Mapping[str, Mapping[str, Any]]
    patterns: tuple[tuple[re.Pattern[str], Treatment], ...]
    kinds: tuple[tuple[re.Pattern[str], str], ...]
    types: Mapping[str, Treatment]
    exact: Mapping[str, Mapping[str, Treatment]]

    def table(self, name: str, store: str) -> TableRules:
        """The rules for a table; `known` is false for one that nobody listed."""
        key = name.lower()
        if store in {"activity-log", "schema"}:
            return _table_rules(self.rules[store], known=True)
        if store == "interactions":
            rules = _table_rules(self.rules["interactions"], known=key in self.cdm["interactions"])
            return TableRules(known=True, trigger=True) if key in self.rules["triggers"] else rules
        facts = self.cdm["dataverse"].get(key)
        known = key in self.rules["tables"] or key in self.rules["admitted"] or bool(facts and facts["marketing"])
        default = {"record": (facts or {}).get("key") or f"{key}id"}
        return _table_rules({**default, **self.rules["tables"].get(key, {})}, known=known)

    def treatment(self, table: str, store: str, *, column: str) -> tuple[Treatment, str] | None:
        """The treatment of a column and where it comes from (shipped, platform, name, type), or None: withheld."""
        table, column = table.lower(), column.lower()
        section = {"dataverse": f"tables.{table}"}.get(store, store)
        exact = self.exact.get(section, {}).get(column)
        if exact is not None:
            return exact, "shipped"
        if store == "dataverse" and column in self.exact["platform"]:
            return self.exact["platform"][column], "platform"
        declared = self.column_type(table, store, column=column)
        if declared is None:
            return None
        # CDM calls the body of a mail an "email" and a duration one too, so a name wins over a type
        for pattern, treatment in self.patterns:
            if pattern.search(column) and _fits(treatment, declared):
                return treatment, "name"
        found = self.types.get(declared)
        return None if found is None else (found, "type")

    def any_treatment(self, column: str) -> Treatment | None:
        """The treatment of a column of this name in whichever table, if all tables that have it agree."""
        return self._by_column.get(column.lower())

    @cached_property
    def _by_column(self) -> Mapping[str, Treatment | None]:
        found: dict[str, Treatment | None] = {}
        for store in ("dataverse", "interactions"):
            for table, facts in self.cdm[store].items():
                for column in facts["columns"]:
                    hit = self.treatment(table, store, column=column)
                    treatment = hit[0] if hit else None
                    found[column] = treatment if found.get(column, treatment) == treatment else None
        return found

    @property
    def spelt(self) -> tuple[str, ...]:
        """Listed names as the Common Data Model spells them, with capitals."""
        return tuple(self.cdm["names"])

    @cached_property
    def names(self) -> frozenset[str]:
        """Every table and column that is listed, in lower case: names that are no secret."""
        tables = {*self.cdm["dataverse"], *self.cdm["interactions"], *self.rules["tables"], *self.rules["admitted"]}
        stores = (self.cdm["dataverse"], self.cdm["interactions"])
        listed = {column for store in stores for facts in store.values() for column in facts["columns"]}
        listed |= {name.lower() for name in self.spelt}
        exact = {column for section in self.exact.values() for column in section}
        return frozenset(tables | listed | exact)

    def column_type(self, table: str, store: str, *, column: str) -> str | None:
        """The CDM type of a column, None when CDM does not list it for this table."""
        facts = self.cdm[store].get(table.lower()) if store in {"dataverse", "interactions"} else None
        found = facts["columns"].get(column.lower()) if facts else None
        return None if found is None else str(found)

    def kind(self, column: str) -> str:
        """What the cells of a column of this name are (email, phone, name, place, text, ...); empty when unknown."""
        key = column.lower()
        return next((kind for pattern, kind in self.kinds if pattern.search(key)), "")

    @property
    def json_keys(self) -> frozenset[str]:
        """Keys of JSON objects that mean nothing personal."""
        return frozenset(self.rules["json"]["keys"])

    @property
    def json_codes(self) -> frozenset[str]:
        """Those of the keys whose short codes and numbers are shown."""
        return frozenset(self.rules["json"]["codes"])

    @property
    def json_natural(self) -> frozenset[str]:
        """Those of the keys that hold a question in natural language."""
        return frozenset(self.rules["json"]["natural"])


@lru_cache(maxsize=1)
def shipped() -> Classification:
    """The classification of this release, read once; BadSetting when the package data is broken."""
    data = resources.files("readingroom.anonymize") / "data"
    try:
        rules = tomllib.loads((data / "classification.toml").read_text(encoding="utf-8"))
        cdm = json.loads(gzip.decompress((data / "cdm_columns.json.gz").read_bytes()))
    except (OSError, ValueError):
        raise BadSetting("anonymize/data: the shipped classification cannot be read") from None
    return build(rules, cdm)


def build(rules: Mapping[str, Any], cdm: Mapping[str, Mapping[str, Any]]) -> Classification:
    """A classification from parsed data; every treatment and pattern is checked here."""
    sections = {f"tables.{name}": body for name, body in rules["tables"].items()}
    sections |= {name: rules[name] for name in ("interactions", "activity-log", "schema")}
    exact = {name: _treatments(body.get("columns", {})) for name, body in sections.items()}
    return Classification(
        rules=rules,
        cdm=cdm,
        patterns=tuple((re.compile(p["match"]), Treatment.parse(p["treatment"])) for p in rules["patterns"]),
        kinds=tuple((re.compile(p["match"]), str(p["kind"])) for p in rules["kinds"]),
        types=_treatments(rules["types"]),
        exact=exact | {"platform": _treatments(rules["platform"])},
    )


# CDM types whose cells are one of a few codes, and those whose cells are no texts
_CODES = frozenset({"boolean", "listLookup", "listLookupCorrelated"})
_NO_TEXT = frozenset({"entityId", "guid", "integer", "bigInteger", "decimal", "double", "dateTime", "timezone"})
_NO_TEXT |= {"currency", "baseCurrency"}


def _fits(treatment: Treatment, declared: str) -> bool:
    """Whether a rule by name may speak for a column of this type: `donotphone` is no phone, `textpart?` no text."""
    return declared not in _CODES and (treatment.action is Action.DROP or declared not in _NO_TEXT)


def _treatments(columns: Mapping[str, str]) -> dict[str, Treatment]:
    return {name: Treatment.parse(text) for name, text in columns.items()}


def _table_rules(body: Mapping[str, Any], *, known: bool) -> TableRules:
    record = body.get("record", ())
    return TableRules(
        known=known,
        record=(record,) if isinstance(record, str) else tuple(record),
        row=tuple(body.get("row", ())),
        span=tuple(body.get("span", ())),
        result=tuple(body.get("result", ())),
        author=str(body.get("author", "")),
        person=str(body.get("person", "")),
        item=str(body.get("item", "")),
        quasi=tuple(body.get("quasi", ())),
        pairs=dict(body.get("pairs", {})),
    )
