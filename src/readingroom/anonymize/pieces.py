"""Cells that are put together anew: raw structure, masked literals, and texts that the text engine rewrites.

A parser (queries, jsons) cuts a cell into pieces; `assemble` rewrites all texts of a batch in one call and joins.
Rule 1: what a parser does not put into a piece is not in the output.
Rule 2: spans are byte offsets in the assembled cell, whatever escaping the format needs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from xml.sax.saxutils import escape

import pyarrow as pa

from readingroom.anonymize.normalize import normalize, tag_of_normal
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.texts import SPANS, Rewritten

LABELS = {
    "email": "EMAIL",
    "upn": "EMAIL",
    "phone": "PHONE",
    "name": "PERSON",
    "id": "ID",
    "address": "ADDRESS",
    "postcode": "POSTCODE",
    "visitor": "ID",
    "record": "ID",
}


class Rewriter(Protocol):
    """What is needed of the text engine."""

    def rewrite(self, cells: pa.LargeStringArray, *, markup: str, linked: pa.ListArray | None = None) -> Rewritten:
        """Rewrite `cells`."""
        ...


@dataclass(frozen=True)
class Literal:
    """An identifier that is shown as its placeholder; `kind` and `value` make placeholder and tag."""

    kind: str
    value: str
    role: str = "literal"


@dataclass(frozen=True)
class Leaf:
    """A text for the text engine; `also` are literals of the same row that are masked in what it gives back, too."""

    text: str
    markup: str = "plain"
    quote: str = "none"  # how the rewritten text is escaped: none, json, xml, single
    also: tuple[Literal, ...] = ()


Piece = str | Literal | Leaf
Cell = Sequence[Piece]
Span = tuple[int, int, str, bytes | None, str]

_PERSONAL = frozenset({"name", "email", "phone"})
_QUOTES: dict[str, Callable[[str], str]] = {
    "none": lambda text: text,
    "json": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "xml": lambda text: escape(text, {'"': "&quot;", "'": "&apos;"}),
    "single": lambda text: text.replace("'", "''"),
}


@dataclass
class Assembled:
    """The cells and spans of a column, in the order in which the rows came."""

    cells: pa.Array
    spans: pa.Table
    counts: dict[str, int] = field(default_factory=dict)


class Assembler:
    """Puts cells together with the keys of one copy window."""

    def __init__(self, texts: Rewriter, pseudonyms: Pseudonyms, *, tag_key: bytes) -> None:
        self._texts, self._pseudonyms, self._tag_key = texts, pseudonyms, tag_key
        self._known: dict[Literal, tuple[str, list[bytes]]] = {}

    def assemble(self, cells: Sequence[Cell | None], *, linked: pa.ListArray | None) -> Assembled:
        """The output cell of each row (None stays null) and its spans."""
        self._known = self._recognize(cells)
        done = self._rewrite(cells, linked)
        output: list[str | None] = []
        columns: tuple[list[object], ...] = ([], [], [], [], [], [])
        counts: dict[str, int] = {}
        for row, cell in enumerate(cells):
            if cell is None:
                output.append(None)
                continue
            text, spans = self._join(cell, done)
            output.append(text)
            for start, end, kind, tag, role in spans:
                counts[kind] = counts.get(kind, 0) + 1
                for column, value in zip(columns, (row, start, end, kind, tag, role), strict=True):
                    column.append(value)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, SPANS.types, strict=True)]
        return Assembled(pa.array(output, pa.large_string()), pa.table(arrays, schema=SPANS), counts)

    def _rewrite(self, cells: Sequence[Cell | None], linked: pa.ListArray | None) -> dict[int, tuple[str, list[Span]]]:
        """Every leaf of the batch rewritten, by the identity of the leaf; one call of the text engine per markup."""
        by_markup: dict[str, list[tuple[int, Leaf]]] = {}
        for row, cell in enumerate(cells):
            for piece in cell or ():
                if isinstance(piece, Leaf) and piece.text:
                    by_markup.setdefault(piece.markup, []).append((row, piece))
        done: dict[int, tuple[str, list[Span]]] = {}
        for markup, leaves in by_markup.items():
            texts = pa.array([leaf.text for _, leaf in leaves], pa.large_string())
            rows = pa.array([row for row, _ in leaves], pa.int64())
            result = self._texts.rewrite(texts, markup=markup, linked=None if linked is None else linked.take(rows))
            found = spans_by_row(result.spans, len(leaves))
            for (_, leaf), text, spans in zip(leaves, result.cells.to_pylist(), found, strict=True):
                done[id(leaf)] = self._finish(leaf, text, spans)
        return done

    def _recognize(self, cells: Sequence[Cell | None]) -> dict[Literal, tuple[str, list[bytes]]]:
        """Literals that are somebody whom the text engine knows: the placeholder and tags that it has for them."""
        pieces = [piece for cell in cells for piece in cell or ()]
        literals = {piece for piece in pieces if isinstance(piece, Literal)}
        literals |= {also for piece in pieces if isinstance(piece, Leaf) for also in piece.also}
        wanted = sorted((literal for literal in literals if literal.kind in _PERSONAL), key=repr)
        if not wanted:
            return {}
        texts = pa.array([literal.value for literal in wanted], pa.large_string())
        result = self._texts.rewrite(texts, markup="plain")
        known: dict[Literal, tuple[str, list[bytes]]] = {}
        found = spans_by_row(result.spans, len(wanted))
        for literal, text, spans in zip(wanted, result.cells.to_pylist(), found, strict=True):
            tags = [tag for start, end, _, tag, _ in spans if tag and (start, end) == (0, len(text.encode()))]
            if tags:
                known[literal] = (text, tags)
        return known

    def _finish(self, leaf: Leaf, text: str, spans: list[Span]) -> tuple[str, list[Span]]:
        for literal in leaf.also:
            text, spans = self._mask_also(text, spans, literal=literal)
        return text, spans

    def _mask_also(self, text: str, spans: list[Span], *, literal: Literal) -> tuple[str, list[Span]]:
        """Replace `literal` where it still stands in `text`, outside the placeholders."""
        if len(literal.value.strip()) < 3:
            return text, spans
        data, kept = text.encode(), sorted(spans)
        found = re.compile(r"(?<!\w)" + re.escape(literal.value.strip()) + r"(?!\w)", re.IGNORECASE)
        cuts: list[Span | tuple[int, int]] = []
        for match in found.finditer(text):
            start, end = len(text[: match.start()].encode()), len(text[: match.end()].encode())
            if all(end <= span[0] or start >= span[1] for span in kept):
                cuts.append((start, end))
        if not cuts:
            return text, spans
        return self._splice(data, kept, cuts=[(cut[0], cut[1]) for cut in cuts], literal=literal)

    def _splice(
        self, data: bytes, kept: list[Span], *, cuts: list[tuple[int, int]], literal: Literal
    ) -> tuple[str, list[Span]]:
        mark, tags = self._placeholder(literal)
        out, spans, at = b"", [], 0
        places = {(span[0], span[1]) for span in kept} | set(cuts)
        for start, end in sorted(places):
            out += data[at:start]
            begin = len(out)
            here = [span for span in kept if (span[0], span[1]) == (start, end)]
            out += data[start:end] if here else mark.encode()
            ends = len(out)
            spans += [(begin, ends, *span[2:]) for span in here] or _spans_of(literal, tags, (begin, ends))
            at = end
        return (out + data[at:]).decode(), spans

    def _join(self, cell: Cell, done: dict[int, tuple[str, list[Span]]]) -> tuple[str, list[Span]]:
        out: list[str] = []
        spans: list[Span] = []
        at = 0
        for piece in cell:
            text, inner = self._piece(piece, done)
            spans += [(at + start, at + end, kind, tag, role) for start, end, kind, tag, role in inner]
            out.append(text)
            at += len(text.encode())
        return "".join(out), spans

    def _piece(self, piece: Piece, done: dict[int, tuple[str, list[Span]]]) -> tuple[str, list[Span]]:
        if isinstance(piece, str):
            return piece, []
        if isinstance(piece, Literal):
            mark, tags = self._placeholder(piece)
            return mark, _spans_of(piece, tags, (0, len(mark.encode())))
        text, spans = done.get(id(piece), ("", []))
        quote = _QUOTES[piece.quote]
        if piece.quote == "none" or quote(text) == text:
            return text, spans
        data = text.encode()

        def moved(offset: int) -> int:
            return len(quote(data[:offset].decode()).encode())

        return quote(text), [(moved(s), moved(e), kind, tag, role) for s, e, kind, tag, role in spans]

    def _placeholder(self, literal: Literal) -> tuple[str, list[bytes]]:
        """The placeholder of a literal and its tags: its own, and those of the people whom it may name."""
        label = LABELS.get(literal.kind)
        normal = normalize(literal.kind, literal.value)
        if label is None or not normal:
            return f"[{(literal.kind or 'value').upper()}]", []
        own = tag_of_normal(self._tag_key, literal.kind, normal)
        mark, tags = self._known.get(literal, ("", []))
        if not mark:
            mark = self._pseudonyms.placeholder(label, literal.kind, normal)
        return mark, [own, *(tag for tag in tags if tag != own)]


def _spans_of(literal: Literal, tags: list[bytes], place: tuple[int, int]) -> list[Span]:
    """One span for each tag; one without a tag where nobody can be told."""
    if not tags:
        return [(*place, literal.kind, None, literal.role)]
    return [(*place, literal.kind, tag, literal.role) for tag in tags]


def spans_by_row(spans: pa.Table, rows: int) -> list[list[Span]]:
    """The spans of a rewritten column as one list for each row."""
    found: list[list[Span]] = [[] for _ in range(rows)]
    columns = [spans[name].to_pylist() for name in ("row", "start", "end", "kind", "tag", "role")]
    for row, start, end, kind, tag, role in zip(*columns, strict=True):
        found[row].append((start, end, kind, tag, role))
    return found
