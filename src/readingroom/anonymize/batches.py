"""The work on one batch: its identifiers and links first, then column by column.

Rule 1: identifiers are read from all columns that the plan names, shown or not, before anything is replaced.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.as_text import as_text, is_text, text_of
from readingroom.anonymize.cells import (
    codes,
    identifying,
    linked_lists,
    pseudonymize,
    record_tags,
    split_ids,
    tags_of,
)
from readingroom.anonymize.generalize import generalize
from readingroom.anonymize.jsons import JsonContext, JsonPieces
from readingroom.anonymize.literals import Literals
from readingroom.anonymize.nameless import nameless
from readingroom.anonymize.pieces import Assembler, Literal, Piece
from readingroom.anonymize.plans import ColumnPlan, TablePlan
from readingroom.anonymize.prepared import Prepared
from readingroom.anonymize.quasi import quasi_hashes
from readingroom.anonymize.queries import literals_of, query_pieces
from readingroom.anonymize.tagging import TAG, TagList, links
from readingroom.anonymize.texts import SPANS
from readingroom.anonymize.treatments import RECORD_KINDS, Action

_MARKUP = {Action.TEXT: "plain", Action.HTML: "html", Action.URL: "url"}
_LINKING = frozenset({"record", "email", "phone", "upn"})
_SEPARATOR = len(", ")
PEOPLE = frozenset({"contact", "lead", "user"})


def person_links(plan: TablePlan, batch: pa.RecordBatch, *, key: bytes) -> pa.Table | None:
    """The rows (person, kind, tag) of a batch of people: which tags are one person; None for other tables (P16)."""
    if plan.person not in PEOPLE or plan.record not in batch.schema.names:
        return None
    with nameless(plan, "linking its people"):
        record = record_tags(text_of(batch.column(plan.record)), key=key)
        rows = [c for c in plan.columns if c.role == "row" and c.kind and c.name in batch.schema.names]
        return links(record, [pair for c in rows for pair in tags_of(text_of(batch.column(c.name)), c.kind, key=key)])


class BatchWork:
    """Transforms the columns of one batch and collects tags and counts on the way."""

    def __init__(self, plan: TablePlan, batch: pa.RecordBatch, *, prepared: Prepared, literals: Literals) -> None:
        self.tags = TagList()
        self.counts: dict[str, int] = {}
        self._plan, self._batch, self._prepared, self._literals = plan, batch, prepared, literals
        self._jsons = JsonPieces(literals)
        self._assembler = Assembler(prepared.texts, prepared.pseudonyms, tag_key=prepared.tag_key)
        self._identifiers: dict[str, list[tuple[str, pa.Array]]] = {}
        self._linked: pa.ListArray | None = None
        self._record: pa.Array = pa.nulls(batch.num_rows, TAG)
        self._asked: list[tuple[Literal, ...]] = [()] * batch.num_rows
        self._keep: Mapping[str, pa.Array] = {}

    def identify(self) -> None:
        """Read every identifier of the batch: tags of rows, tags that link rows to people, what k-anonymity keeps."""
        plan, batch, key = self._plan, self._batch, self._prepared.tag_key
        if plan.record in batch.schema.names:
            self._record = record_tags(text_of(batch.column(plan.record)), key=key)
            self.tags.rows(self._record, kind="record", role="record")
        for column in plan.columns:
            if not column.kind or column.name not in batch.schema.names:
                continue
            cells = text_of(batch.column(column.name))
            self._identifiers[column.name] = tags_of(cells, column.kind, key=key)
            if column.role == "row":
                for kind, tags in self._identifiers[column.name]:
                    self.tags.rows(tags, kind=kind, role="row")
        linking = [tags for found in self._identifiers.values() for kind, tags in found if kind in _LINKING]
        self._linked = linked_lists(linking, batch.num_rows)
        self._suppress()

    def column(self, column: ColumnPlan) -> pa.Array:
        """The output of one shown column."""
        source = self._batch.column(column.name)
        action = column.treatment.action
        if action in _MARKUP:
            return self._text(column, source)
        if action in {Action.QUERY, Action.JSON}:
            return self._pieces(column, text_of(source))
        if action is Action.PSEUDONYM:
            return self._pseudonym(column, text_of(source))
        return self._suppressed(column, self._plain(column, source))

    def links(self) -> pa.Table | None:
        """Which tags are one person, for tables of people (None for the others)."""
        return person_links(self._plan, self._batch, key=self._prepared.tag_key)

    def _suppress(self) -> None:
        plan = self._plan
        if not plan.quasi:
            return
        suppression = self._prepared.suppressions.get(plan.table)
        if suppression is None:  # never counted: nothing is shown (empty means no)
            nothing = pa.array([False] * self._batch.num_rows)
            self._keep = dict.fromkeys(plan.quasi, nothing)
            return
        kept = suppression.keep(quasi_hashes(plan, self._batch, key=self._prepared.counting_key))
        self._keep = {name: pa.array(kept[:, index]) for index, name in enumerate(plan.quasi)}

    def _suppressed(self, column: ColumnPlan, output: pa.Array) -> pa.Array:
        """The cells that k-anonymity keeps; the others are null."""
        keep = self._keep.get(column.name)
        if keep is None:
            return output
        self._count("quasi-identifiers suppressed", pc.sum(pc.and_(pc.invert(keep), pc.is_valid(output))).as_py() or 0)
        return pc.if_else(keep, output, pa.scalar(None, output.type))

    def _plain(self, column: ColumnPlan, source: pa.Array) -> pa.Array:
        """Kept or generalized: codes and places only if enough people share them."""
        texts, shared = self._prepared.texts, self._prepared.shared
        name = f"{self._plan.table}.{column.name}"
        if column.treatment.action is Action.GENERALIZE:
            output = generalize(column.treatment.argument, source)
            if column.treatment.argument != "place":
                return output
        elif is_text(source):
            output = source
        elif column.origin == "confirmed":  # a number that a person confirmed may still be somebody's number
            shown = shared.mask(name, as_text(source))
            return pc.if_else(pa.array(shown), source, pa.scalar(None, source.type))
        else:
            return source
        k_anonymous = column.name in self._keep  # combinations were counted instead of cells
        return codes(
            output,
            shown=lambda unique: np.ones(len(unique), bool) if k_anonymous else shared.mask(name, unique),
            named=lambda unique: identifying(unique, texts, allowed=self._literals.allowed),
        )

    def _text(self, column: ColumnPlan, source: pa.Array) -> pa.Array:
        cells = as_text(source)
        done = self._prepared.texts.rewrite(cells, markup=_MARKUP[column.treatment.action], linked=self._linked)
        self.tags.spans(done.spans, column=column.name)
        for kind, count in done.counts.items():
            self._count(kind, count)
        return done.cells

    def _pseudonym(self, column: ColumnPlan, cells: pa.Array) -> pa.Array:
        kind = column.treatment.argument
        output = pseudonymize(cells, kind, pseudonyms=self._prepared.pseudonyms)
        self._count("pseudonyms", len(output) - output.null_count)
        if column.role in {"span", "result"}:
            if kind in RECORD_KINDS and pc.any(pc.match_substring(cells, ",")).as_py():
                self.tags.spans(self._list_spans(cells, output, role=column.role), column=column.name)
            else:
                for name, tags in self._identifiers[column.name]:
                    self.tags.cells(tags, output, column=column.name, kind=name, role=column.role)
        return output

    def _list_spans(self, cells: pa.Array, output: pa.Array, *, role: str) -> pa.Table:
        """A span for each token of cells that hold several ids."""
        ids, tokens = split_ids(cells), split_ids(output)
        tags = record_tags(ids.values, key=self._prepared.tag_key)
        lengths = pc.binary_length(tokens.values).to_pylist()
        rows, starts, ends = [], [], []
        offsets = tokens.offsets.to_pylist()
        for row in range(len(tokens)):
            at = 0
            for index in range(offsets[row], offsets[row + 1]):
                rows.append(row)
                starts.append(at)
                at += lengths[index]
                ends.append(at)
                at += _SEPARATOR
        kinds, roles = ["record"] * len(rows), [role] * len(rows)
        spans = [rows, starts, ends, kinds, tags, roles]
        table = pa.table([pa.array(c, t) for c, t in zip(spans, SPANS.types, strict=True)], schema=SPANS)
        return table.filter(pc.greater(pc.subtract(table["end"], table["start"]), 0))

    def _pieces(self, column: ColumnPlan, cells: pa.Array) -> pa.Array:
        """Queries and JSON, cut into pieces cell by cell and put together anew."""
        entities = self._sibling("entityname")
        keys = self._sibling(self._plan.pairs.get(column.name, ""))
        cut: list[list[Piece] | None] = []
        for row, text in enumerate(cells.to_pylist()):
            if text is None:
                cut.append(None)
            elif column.treatment.action is Action.QUERY:
                pieces = query_pieces(text, column.treatment.argument, self._literals)
                self._asked[row] += literals_of(pieces)
                cut.append(pieces)
            else:
                role = "result" if self._plan.item_kind == "query" else "span"
                context = JsonContext(entities[row] or "", keys[row] or "", self._asked[row], role)
                cut.append(self._jsons.cell(text, context))
        done = self._assembler.assemble(cut, linked=self._linked)
        self.tags.spans(done.spans, column=column.name)
        for kind, count in done.counts.items():
            self._count(kind, count)
        return done.cells

    def _sibling(self, name: str) -> list[str | None]:
        """The cells of another column of the batch, None where there is no such column."""
        found = next((n for n in self._batch.schema.names if n.lower() == name.lower()), None)
        if found is None:
            return [None] * self._batch.num_rows
        cells: list[str | None] = text_of(self._batch.column(found)).to_pylist()
        return cells

    def _count(self, what: str, number: int) -> None:
        self.counts[what] = self.counts.get(what, 0) + int(number)
