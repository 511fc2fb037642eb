"""FetchXML, with its structure kept and its values treated.

Rule 1: an element, attribute or name that is not on the list below is not shown; what does not parse is withheld whole.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from readingroom.anonymize.literals import VALUE, Literals
from readingroom.anonymize.pieces import Literal, Piece
from readingroom.anonymize.wildcards import with_wildcards

_TOKEN = re.compile(
    r"""<!--.*?-->|<\?xml[^<>]*\?>|<(?P<close>/?)(?P<name>[A-Za-z][\w-]*)
        (?P<attributes>(?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(?P<empty>/?)>|(?P<text>[^<]+)""",
    re.VERBOSE | re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""\s+([\w:.-]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""")
_ELEMENTS = frozenset(
    {"fetch", "entity", "attribute", "all-attributes", "order", "link-entity", "filter", "condition", "value"}
    | {"savedquery", "grid", "row", "cell"}
)
_NAMES = frozenset({"name", "attribute", "alias", "from", "to", "entityname", "uitype", "valueof"})
_SETTINGS = frozenset(
    {"version", "mapping", "count", "page", "top", "distinct", "type", "link-type", "intersect", "visible"}
    | {"descending", "operator", "aggregate", "groupby", "dategrouping", "output-format", "no-lock", "aggregatelimit"}
    | {"returntotalrecordcount", "isquickfindfields", "useraworderby", "latematerialize"}
)
_SETTING = re.compile(r"[A-Za-z0-9_.-]{0,32}")


@dataclass
class _Where:
    """Which table and column a value belongs to."""

    entities: list[str] = field(default_factory=list)
    column: str = ""
    operator: str = ""


def parse_fetchxml(text: str, literals: Literals) -> list[Piece] | None:
    """The pieces of a FetchXML text or filter; None when it is none."""
    pieces: list[Piece] = []
    where, at = _Where(), 0
    for token in _TOKEN.finditer(text):
        if token.start() != at:
            return None
        at = token.end()
        if token["text"] is not None:
            pieces += _text(token["text"], where, literals)
        elif token["name"] is not None:
            pieces += _element(token, where, literals=literals)
    return pieces if at == len(text) and at else None


def _text(text: str, where: _Where, literals: Literals) -> list[Piece]:
    if not text.strip():
        return [text]
    entity = where.entities[-1] if where.entities else ""
    return with_wildcards(
        html.unescape(text), lambda value: literals.piece(value, column=where.column, entity=entity, quote="xml")
    )


def _element(token: re.Match[str], where: _Where, *, literals: Literals) -> list[Piece]:
    name = token["name"] if token["name"] in _ELEMENTS else "element"
    if token["close"]:
        if name in {"entity", "link-entity"} and where.entities:
            where.entities.pop()
        return [f"</{name}>"]
    attributes = [(found[1], html.unescape(found[2] or found[3] or "")) for found in _ATTRIBUTE.finditer(token[0])]
    values = dict(attributes)
    if name in {"entity", "link-entity"} and not token["empty"]:
        where.entities.append(values.get("name", ""))
    if name == "condition":
        where.column, where.operator = values.get("attribute", ""), values.get("operator", "")
    pieces: list[Piece] = [f"<{name}"]
    for key, value in attributes:
        pieces += _attribute(key, value, where=where, literals=literals)
    pieces.append("/>" if token["empty"] else ">")
    return pieces


def _attribute(key: str, value: str, *, where: _Where, literals: Literals) -> list[Piece]:
    entity = where.entities[-1] if where.entities else ""
    if key in _NAMES:
        return [f' {key}="{value if literals.allowed(value) else "[NAME]"}"']
    if key in _SETTINGS:
        return [f' {key}="{value if _SETTING.fullmatch(value) else VALUE}"']
    if key == "uiname":  # the label of a lookup: the name of a person, mostly
        return [' uiname="', Literal("name", value), '"']
    if key != "value":
        return [f' attribute="{VALUE}"']
    shown = with_wildcards(value, lambda inner: literals.piece(inner, column=where.column, entity=entity, quote="xml"))
    return [' value="', *shown, '"']
