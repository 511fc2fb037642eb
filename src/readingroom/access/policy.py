"""The rule itself: Cedar policies, parsed and validated once, evaluated for every request.

Rule 1: a policy that the schema does not cover stops the start (BadSetting); nothing is evaluated around it.
Rule 2: default deny; an evaluation error is a deny (rule 2 of the house: a missing fact denies).
Rule 3: every policy has a stable @id, which the register names, and @says, one sentence for people.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import cedarpy

from readingroom.access.entities import entities, request
from readingroom.access.standing import Ask
from readingroom.core.errors import BadSetting

FILES: Final = (  # in the order in which reasons are told
    "engagement.cedar",
    "copy.cedar",
    "person.cedar",
    "grant.cedar",
    "workstation.cedar",
    "limits.cedar",
    "permits.cedar",
)
DEFAULT_DENY: Final = "default-deny"
_DEFAULT_SAYS: Final = "no rule permits this"
_ERROR_SAYS: Final = "the rule could not be evaluated"


@dataclass(frozen=True)
class Decision:
    """The gate's answer: permit or not, why in sentences, and the ids of the deciding policies."""

    permit: bool
    reasons: tuple[str, ...]
    policies: tuple[str, ...]

    def public(self) -> dict[str, Any]:
        """The decision as `access decide --json` shows it."""
        return {
            "decision": "permit" if self.permit else "deny",
            "reasons": list(self.reasons),
            "policies": list(self.policies),
        }


@dataclass(frozen=True)
class Policies:
    """Parsed policies and their schema, ready to decide."""

    policies: cedarpy.PolicySet
    schema: cedarpy.Schema
    says: Mapping[str, str]
    order: Mapping[str, int]

    def decide(self, ask: Ask) -> Decision:
        """Evaluate every policy on `ask`; deny beats permit, and nothing permitted is denied."""
        try:
            known = cedarpy.Entities.from_json_str(json.dumps(entities(ask)), self.schema)
            answer = cedarpy.is_authorized(request(ask), self.policies, known, self.schema)
        except ValueError:
            return Decision(permit=False, reasons=(_ERROR_SAYS,), policies=(DEFAULT_DENY,))
        if answer.diagnostics.errors or answer.decision is cedarpy.Decision.NoDecision:
            return Decision(permit=False, reasons=(_ERROR_SAYS,), policies=(DEFAULT_DENY,))
        named = set(answer.diagnostics.id_annotations_by_reason.values())
        ids = tuple(sorted(named, key=lambda name: self.order[name]))
        if answer.decision is cedarpy.Decision.Allow:
            return Decision(permit=True, reasons=tuple(self.says[name] for name in ids), policies=ids)
        if not ids:
            return Decision(permit=False, reasons=(_DEFAULT_SAYS,), policies=(DEFAULT_DENY,))
        return Decision(permit=False, reasons=tuple(self.says[name] for name in ids), policies=ids)


@functools.cache
def load_policies() -> Policies:
    """The shipped policies, validated against their schema; BadSetting stops the start."""
    home = resources.files("readingroom.access").joinpath("policies")
    there = {file.name for file in home.iterdir() if file.name.endswith(".cedar")}
    if there != set(FILES):
        raise BadSetting("the access policies are not the files that this version ships")
    text = "\n".join(home.joinpath(name).read_text(encoding="utf-8") for name in FILES)
    return parse_policies(text, home.joinpath("schema.cedarschema").read_text(encoding="utf-8"))


def parse_policies(text: str, schema: str) -> Policies:
    """Parse and validate; BadSetting says what is wrong (policies hold no personal value)."""
    try:
        handle = cedarpy.Schema.from_str(schema)
        parsed = cedarpy.PolicySet.from_str(text)
        rows = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
        checked = cedarpy.validate_policies(text, handle)
    except ValueError as error:
        raise BadSetting(f"the access policies do not parse: {error}") from None
    if not checked.validation_passed:
        raise BadSetting(f"the access policies do not fit their schema: {checked.errors}")
    says: dict[str, str] = {}
    for row in rows.values():
        notes = row.get("annotations", {})
        name, sentence = notes.get("id"), notes.get("says")
        if not name or not sentence or name in says:
            raise BadSetting("every access policy needs an @id of its own and a sentence in @says")
        says[name] = sentence
    if not says:
        raise BadSetting("there are no access policies")
    return Policies(parsed, handle, says, {name: place for place, name in enumerate(says)})
