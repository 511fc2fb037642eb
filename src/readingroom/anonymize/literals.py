"""What a literal becomes: a value that stands beside the name of a column, in a query, in JSON or in a form.

Rule 1: the column's name decides; a literal beside an unknown name is `[VALUE]`.
Rule 2: numbers, booleans and codes stay only beside a column whose treatment shows them (P14).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from readingroom.anonymize.classification import Classification
from readingroom.anonymize.pieces import LABELS, Leaf, Literal, Piece
from readingroom.anonymize.treatments import Action, Treatment

VALUE = "[VALUE]"
GUID = re.compile(r"\{?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\}?")
_NUMBER = re.compile(r"[+-]?\d{1,18}(?:\.\d{1,9})?")
_DATE = re.compile(r"(\d{4}-\d\d)-\d\d(?:([T ])\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,39}")
_WORDS = frozenset({"true", "false", "null"})


@dataclass(frozen=True)
class Literals:
    """Decides about literals: `shared_place` knows places of many people, `allowed` names that are no person's."""

    classification: Classification
    shared_place: Callable[[str], bool]
    allowed: Callable[[str], bool]

    def piece(self, value: str, *, column: str, entity: str = "", quote: str = "none") -> Piece:
        """What is shown for `value` beside `column` (of the table `entity`, if that is known)."""
        text = value.strip()
        if not text or text.lower() in _WORDS:
            return value
        if GUID.fullmatch(text):
            return Literal("record", text)
        kind = self.classification.kind(column) if column else ""
        if kind == "birth":
            return "[DATE]"
        if kind == "place":
            return value if self.shared_place(value) else "[PLACE]"
        if kind in {"text", "url"}:
            return Leaf(value, markup="url" if kind == "url" else "plain", quote=quote)
        if kind in LABELS:
            return Literal(kind, value)
        return self._plain(text, column=column, entity=entity, quote=quote)

    def _plain(self, text: str, *, column: str, entity: str, quote: str) -> Piece:
        """A literal beside a column that identifies nobody."""
        found = _DATE.fullmatch(text)
        if found and column.lower() in self.classification.names:
            return coarse_date(found)
        treatment = self._treatment(column, entity)
        if treatment is None or treatment.action not in {Action.KEEP, Action.GENERALIZE}:
            # a name in a CDM table with a rule for texts is a text; everything else stays unknown
            is_text = treatment is not None and treatment.action in {Action.TEXT, Action.HTML}
            return Leaf(text, quote=quote) if is_text else VALUE
        if _NUMBER.fullmatch(text):
            return text
        return text if _CODE.fullmatch(text) and self.allowed(text) else VALUE

    def _treatment(self, column: str, entity: str) -> Treatment | None:
        if not column:
            return None
        if entity:
            store = "activity-log" if entity == "activity-log" else "dataverse"
            found = self.classification.treatment(entity, store, column=column)
            return found[0] if found else None
        return self.classification.any_treatment(column)


def coarse_date(found: re.Match[str]) -> str:
    """The first instant of the month, written as the date was."""
    month, separator, zone = found[1], found[2], found[3]
    return f"{month}-01{separator}00:00:00{zone or ''}" if separator else f"{month}-01"


def masked_value(text: str) -> str:
    """A number, date or code without a column: a date keeps its month, all else is unknown."""
    found = _DATE.fullmatch(text.strip())
    return coarse_date(found) if found else VALUE
