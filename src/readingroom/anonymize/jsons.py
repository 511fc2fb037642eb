"""JSON cells: walked to every leaf; keys are shown if they are known, values are treated by the key beside them.

Rule 1: a key that is no listed name becomes `[KEY]`; a value under it is a text for the text engine, or `[VALUE]`.
Rule 2: what is no JSON is one text; what is nested too deep or too long is withheld whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from readingroom.anonymize.literals import VALUE, Literals
from readingroom.anonymize.pieces import Leaf, Literal, Piece

WITHHELD = "[JSON]"
MAX_DEPTH = 40
MAX_CHARACTERS = 2_000_000


@dataclass(frozen=True)
class JsonContext:
    """What is known beside the cell: the table whose columns the keys are, the key of the cell itself, and literals.

    `also` are the literals of the row's query, masked in questions in natural language as well.
    """

    entity: str = ""
    key: str = ""
    also: tuple[Literal, ...] = ()
    role: str = "span"


class JsonPieces:
    """Cuts JSON cells into pieces."""

    def __init__(self, literals: Literals) -> None:
        self._literals, self._allowed = literals, literals.allowed
        self._codes = literals.classification.json_codes
        self._natural = literals.classification.json_natural
        self._keys = literals.classification.json_keys

    def cell(self, text: str, context: JsonContext) -> list[Piece]:
        """The pieces of one cell."""
        if len(text) > MAX_CHARACTERS:
            return [WITHHELD]
        if context.key:  # a bare value whose key stands in another column
            return [self._string(text, context.key, context=context, quote="none")]
        try:
            value = json.loads(text)
        except ValueError:
            return [Leaf(text)]
        except RecursionError:
            return [WITHHELD]
        if not isinstance(value, dict | list):
            return [Leaf(text)]
        pieces: list[Piece] = []
        self._walk(value, "", context=context, into=pieces, depth=0)
        return [WITHHELD] if any(piece is _TOO_DEEP for piece in pieces) else pieces

    def _walk(self, value: Any, key: str, *, context: JsonContext, into: list[Piece], depth: int) -> None:
        if depth > MAX_DEPTH:
            into.append(_TOO_DEEP)
        elif isinstance(value, dict):
            into.append("{")
            for index, (name, inner) in enumerate(value.items()):
                into.append(f"{',' if index else ''}{json.dumps(self._key(name, index))}:")
                self._walk(inner, name, context=context, into=into, depth=depth + 1)
            into.append("}")
        elif isinstance(value, list):
            into.append("[")
            for index, inner in enumerate(value):
                if index:
                    into.append(",")
                self._walk(inner, key, context=context, into=into, depth=depth + 1)
            into.append("]")
        elif isinstance(value, str):
            into += ['"', self._string(value, key, context=context, quote="json"), '"']
        else:
            into.append(self._scalar(value, key, context=context))

    def _key(self, name: str, index: int) -> str:
        base = name.partition("@")[0].lower() if not name.startswith("@odata.") else "@odata"
        known = base in self._keys or base == "@odata" or self._allowed(base)
        suffix = "@annotation" if "@" in name[1:] else ""
        if not known:
            return f"[KEY_{index}]"
        return name if not suffix else f"{name.partition('@')[0]}{suffix}"

    def _string(self, value: str, key: str, *, context: JsonContext, quote: str) -> Piece:
        name = key.partition("@")[0].lower() if not key.startswith("@") else key.lower()
        if name in self._natural:
            return Leaf(value, quote=quote, also=context.also)
        if name.startswith("@odata."):
            return VALUE
        if name in self._codes and self._allowed(value):
            return value
        piece = self._literals.piece(value, column=name, entity=context.entity, quote=quote)
        if isinstance(piece, Literal):
            return replace(piece, role=context.role)
        return Leaf(value, quote=quote) if piece == VALUE else _quoted(piece, quote)

    def _scalar(self, value: Any, key: str, *, context: JsonContext) -> Piece:
        if value is None or isinstance(value, bool):
            return json.dumps(value)
        text = json.dumps(value)
        if key.lower() in self._codes:
            return text
        piece = self._literals.piece(text, column=key.lower(), entity=context.entity)
        if isinstance(piece, str) and piece == text:
            return text
        return f'"{VALUE}"'


_TOO_DEEP = Leaf("")


def _quoted(piece: Piece, quote: str) -> Piece:
    """Raw text inside a JSON string must be escaped like one."""
    return json.dumps(piece, ensure_ascii=False)[1:-1] if quote == "json" and isinstance(piece, str) else piece
