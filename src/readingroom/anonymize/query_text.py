"""OData, SQL and segment expressions: one tokenizer, structure kept, literals treated by the column beside them.

Rule 1: every character of the query is in one token; what is no known word, allowed name, literal or sign is masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from readingroom.anonymize.literals import GUID, VALUE, Literals, masked_value
from readingroom.anonymize.pieces import Piece
from readingroom.anonymize.wildcards import with_wildcards

_TOKEN = re.compile(
    r"""(?P<string>'(?:[^']|'')*'|"(?:[^"]|"")*")
      | (?P<comment>--[^\n]*|/\*.*?(?:\*/|$))
      | (?P<guid>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b)
      | (?P<date>\b\d{4}-\d\d-\d\d(?:T[0-9:.]+(?:Z|[+-]\d\d:?\d\d)?)?)
      | (?P<word>[$@]?[^\W\d][\w$.]*)
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<sign>\s+|[()\[\],;/?&=<>!+*:|%.-])
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_OPERATORS = {
    "eq",
    "ne",
    "gt",
    "ge",
    "lt",
    "le",
    "and",
    "or",
    "not",
    "in",
    "has",
    "true",
    "false",
    "null",
    "asc",
    "desc",
}
_OPTIONS = {"$select", "$filter", "$orderby", "$top", "$skip", "$count", "$apply", "$expand", "$search", "$format"}
_ODATA = {
    "contains",
    "startswith",
    "endswith",
    "tolower",
    "toupper",
    "trim",
    "length",
    "indexof",
    "concat",
    "substring",
}
_ODATA |= {"year", "month", "day", "hour", "minute", "second", "date", "time", "now", "round", "floor", "ceiling"}
_ODATA |= {"any", "all", "groupby", "aggregate", "as", "with", "sum", "min", "max", "average", "countdistinct", "$ref"}
_ODATA |= {"$levels", "$skiptoken", "$value", "propertyname", "propertyvalue", "propertyvalues"}
_SQL = {"select", "from", "where", "like", "between", "is", "distinct", "join", "on", "group", "by", "order", "having"}
_SQL |= {"limit", "offset", "inner", "left", "right", "outer", "full", "cross", "case", "when", "then", "else", "end"}
_SQL |= {
    "upper",
    "lower",
    "cast",
    "convert",
    "exists",
    "union",
    "intersect",
    "except",
    "top",
    "count",
    "avg",
    "coalesce",
}
_SQL |= {
    "isnull",
    "dateadd",
    "datediff",
    "getdate",
    "int",
    "varchar",
    "nvarchar",
    "datetime",
    "over",
    "partition",
    "set",
}
_SEGMENT = {"profile", "filter", "interaction", "iscontained", "isnotnull", "segment", "subtract", "isempty", "ago"}
_WORDS = frozenset(_OPERATORS | _OPTIONS | _ODATA | _SQL | _SEGMENT | {"related", "getrelated"})
_COMPARISONS = {"eq", "ne", "gt", "ge", "lt", "le", "like", "in", "between"}
_NAME_OPTIONS = {"$select", "$filter", "$orderby", "$apply", "$expand"}  # after these and = stand names
_KNOWN_VALUES = {"true", "false", "null"} | _ODATA | _SQL | _SEGMENT
# after these a number is a setting of the query, not a value of a column
_SETTINGS = frozenset({"$top", "$skip", "top", "limit", "offset", "$count", "$levels", "now", "ago", "dateadd"})
_MAX = 100_000


@dataclass(frozen=True)
class Token:
    """One token: what it is and how it is written."""

    kind: str
    text: str


def parse_query_text(text: str, literals: Literals) -> list[Piece] | None:
    """The pieces of an OData path, a SQL statement or a segment expression; None when it is too long."""
    if "%" in text and " like " not in text.lower():
        # decoding twice would be an attack surface: what is still encoded afterwards is masked as unknown signs
        text = unquote(text, errors="replace")
    if len(text) > _MAX:
        return None
    tokens = list(_tokens(text))
    columns = _columns(tokens)
    entity = _entity(tokens, literals)
    pieces: list[Piece] = []
    for token, column, is_value in zip(tokens, columns, _value_places(tokens), strict=True):
        if token.kind == "word" and is_value and token.text.lower() not in _KNOWN_VALUES:
            names = literals.classification.names
            pieces.append(token.text if token.text.lower() in names else VALUE)
            continue
        pieces += _piece(token, column, entity=entity, literals=literals)
    return pieces


def _tokens(text: str) -> Iterator[Token]:
    quote_open = text.count("'") % 2 == 1
    for found in _TOKEN.finditer(text):
        kind = str(found.lastgroup)
        if kind == "other" and found[0] in "'\"" and quote_open:
            # a quote that is never closed: the rest could be anything
            yield Token("other", text[found.start() :])
            return
        yield Token(kind, found[0])


def _value_places(tokens: list[Token]) -> list[bool]:
    """For each token whether it stands where a value does: after a comparison, or in $search."""
    places, after, option, searching = [], False, "", False
    for token in tokens:
        low = token.text.lower()
        places.append(after or searching)
        if token.kind == "word":
            option = low if low.startswith("$") else option
            searching = searching or low == "$search"
            after = low in _COMPARISONS
        elif token.text == "&" or not token.text.isspace():
            searching = searching and token.text != "&"
            option = "" if token.text == "&" else option
            after = low in {"=", "<", ">"} and not (low == "=" and option in _NAME_OPTIONS)
    return places


def _is_name(token: Token) -> bool:
    if token.kind != "word" or token.text.lower() in _WORDS:
        return False
    return not token.text.lower().startswith("microsoft.dynamics.crm.")


def _columns(tokens: list[Token]) -> list[str]:
    """For each token the column that it is compared to: the last name before it, or else the next one."""
    last, columns, setting = "", [], False
    for token in tokens:
        if token.kind == "word":
            setting = token.text.lower() in _SETTINGS
        if _is_name(token):
            last = token.text.rpartition(".")[2]
        columns.append("$" if setting and token.kind == "number" else last)
    return columns


def _entity(tokens: list[Token], literals: Literals) -> str:
    """The table that the query is about: the first name that is one, or whose plural it is."""
    for token in tokens:
        if _is_name(token):
            name = singular(token.text.partition(".")[0].lower(), literals)
            if name:
                return name
    return ""


def singular(name: str, literals: Literals) -> str:
    """The table with this logical name or entity set name; empty when none is known."""
    tables = literals.classification.cdm["dataverse"]
    candidates = [name, name.removesuffix("s"), name.removesuffix("es")]
    candidates += [name.removesuffix("ies") + "y"] if name.endswith("ies") else []
    return next((one for one in candidates if one in tables), "")


def _piece(token: Token, column: str, *, entity: str, literals: Literals) -> list[Piece]:
    if token.kind == "sign":
        return [token.text]
    if token.kind == "word":
        return [_word(token.text, literals)]
    if token.kind == "string":
        quote = token.text[0]
        value = token.text[1:-1].replace(quote * 2, quote)
        shown = with_wildcards(value, lambda inner: literals.piece(inner, column=column, entity=entity, quote="single"))
        return [quote, *shown, quote]
    if token.kind == "guid" and GUID.fullmatch(token.text):
        return [literals.piece(token.text, column=column, entity=entity)]
    if token.kind in {"number", "date"}:
        if column == "$":
            return [token.text]
        return [literals.piece(token.text, column=column, entity=entity) if column else masked_value(token.text)]
    return ["[COMMENT]" if token.kind == "comment" else VALUE]


def _word(text: str, literals: Literals) -> str:
    parts = text.split(".")
    if parts[:3] == ["Microsoft", "Dynamics", "CRM"]:
        return text if all(part.lower() in _WORDS for part in parts[3:]) else "Microsoft.Dynamics.CRM.[NAME]"
    return ".".join(part if _is_shown(part, literals) else "[NAME]" for part in parts)


def _is_shown(name: str, literals: Literals) -> bool:
    return len(name) == 1 or name.lower() in _WORDS or bool(singular(name.lower(), literals)) or literals.allowed(name)
