"""Query cells: the structure of a question is kept, what it asks for is masked by kind (P14).

Rule 1: a query that no parser understands is withheld whole: `[QUERY]`.
"""

from __future__ import annotations

from readingroom.anonymize.fetchxml import parse_fetchxml
from readingroom.anonymize.literals import Literals
from readingroom.anonymize.pieces import Leaf, Literal, Piece
from readingroom.anonymize.query_text import parse_query_text

WITHHELD = "[QUERY]"
NAME = "[NAME]"
MAX_CHARACTERS = 200_000
_SIGNS = frozenset("<>=$(){}[]/&")  # what no question in words has


def query_pieces(text: str, form: str, literals: Literals) -> list[Piece]:
    """The pieces of a query cell in the form odata, fetchxml, sql, natural, name, or auto (looked up in the cell)."""
    if form == "natural":
        return [Leaf(text)]
    if form == "name":
        return [text if not text.strip() or literals.allowed(text.strip()) else NAME]
    if len(text) > MAX_CHARACTERS:
        return [WITHHELD]
    if form == "auto" and len(text.split()) > 2 and _SIGNS.isdisjoint(text):
        return [Leaf(text)]
    is_xml = form == "fetchxml" or (form == "auto" and text.lstrip().startswith("<"))
    parse = parse_fetchxml if is_xml else parse_query_text
    pieces = parse(text, literals)
    return [WITHHELD] if pieces is None else pieces


def literals_of(pieces: list[Piece]) -> tuple[Literal, ...]:
    """The literals of a query that must not stand in the question beside it either."""
    return tuple(piece for piece in pieces if isinstance(piece, Literal))
