"""Tables that nobody listed, anonymized: record batches in, record batches of one schema out, constant memory.

Rule 1: every column is in the report with what was done to it and why; a column that is dropped is there as well.
Rule 2: the schema that comes out is settled before the first row: a text stays a text of its type, an identifier that
was a number becomes a text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.as_text import as_text, is_text
from readingroom.anonymize.choices import Cells, Choice, among, canonical, is_opaque, own_fields
from readingroom.anonymize.documents import Documents
from readingroom.anonymize.runs import PLACES, TEXT, Done, Run, places
from readingroom.core.errors import Fault, UsageError


@dataclass(frozen=True)
class Part:
    """A batch rewritten, and where what stands in for somebody stands (runs.PLACES)."""

    batch: pa.RecordBatch
    spans: pa.Table


class Frame:
    """Rewrites the batches of one table."""

    def __init__(self, run: Run, schema: pa.Schema) -> None:
        if len(set(schema.names)) < len(schema.names):
            raise UsageError("two columns have one name")
        if strange := sorted(run.asked - set(schema.names)):
            raise UsageError(f"no such column: {', '.join(strange)}")
        self._run, self._schema = run, schema
        self._documents: dict[str, Documents] = {}
        self._rows = 0
        self._siblings = dict(pair for field in schema for pair in _structs(field.name, field.type))
        for name, kind in zip(schema.names, schema.types, strict=True):
            choice = None if name in run.choices else among(name, kind, schema.names)
            if choice is not None:
                run.choices[name] = choice
        self._own = own_fields({name: run.choices[name].cells for name in schema.names if name in run.choices})
        if not {Cells.NAME, Cells.GIVEN, Cells.FAMILY, Cells.EMAIL} & set(self._own.values()):
            self._own = {}

    @property
    def people_columns(self) -> list[str]:
        """The columns that say who the people of this table are; none if it does not describe people."""
        return list(self._own)

    def learn(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Take in the people whom the table itself describes."""
        for batch in batches:
            self._run.learn((self._run.record(row), self._canonical(row)) for row in self._people_rows(batch))

    def transform(self, batch: pa.RecordBatch, *, spans: bool = True) -> Part:
        """The batch without anybody in it."""
        texts = {name: self._text(name, batch.column(name)) for name in batch.schema.names if self._is_leaf(name)}
        for name, cells in texts.items():
            self._run.decide(name, cells)
        ids = {name: texts[name] for name in texts if self._run.choices[name].cells is Cells.ID}
        linked = self._run.linked(ids, self._records(batch), batch.num_rows)
        arrays: dict[str, pa.Array] = {}
        found = [PLACES.empty_table()]
        for name in self.schema().names:
            done = self._column(name, texts.get(name, batch.column(name)), linked)
            arrays[name] = done.cells
            if spans:
                found.append(places(name, done))
        made = (
            pa.RecordBatch.from_arrays([self._typed(name, arrays[name]) for name in arrays], schema=self.schema())
            if arrays
            else batch.select([])
        )
        table = pa.concat_tables(found)
        rows = pc.add(table["row"], pa.scalar(self._rows, pa.int64()))
        self._rows += batch.num_rows
        return Part(made, table.set_column(1, "row", rows))

    def schema(self) -> pa.Schema:
        """The schema that comes out; call it when every column is decided."""
        fields = [self._field(field) for field in self._schema if self._cells(field.name) is not Cells.DROP]
        return pa.schema(fields)

    def settle(self, batch: pa.RecordBatch) -> None:
        """Decide what content must decide, by the rows of one batch."""
        for name in batch.schema.names:
            if self._is_leaf(name):
                self._run.decide(name, self._text(name, batch.column(name)))

    def _cells(self, name: str) -> Cells | None:
        choice = self._run.choices.get(name)
        return choice.cells if choice else None

    def _is_leaf(self, name: str) -> bool:
        """Whether the column is one of cells that are read as texts."""
        field = self._schema.field(name)
        return not (self._cells(name) in {Cells.KEEP, Cells.DROP} or pa.types.is_nested(field.type))

    def _text(self, name: str, column: pa.Array) -> pa.LargeStringArray:
        try:
            cells = as_text(column)
            cells.validate(full=True)  # Arrow itself does not look whether a text is UTF-8
        except (pa.ArrowException, UnicodeDecodeError):
            raise Fault(f'column "{name}": cells that cannot be read as text') from None
        return cells

    def _column(self, name: str, cells: pa.Array, linked: pa.ListArray | None) -> Done:
        if pa.types.is_nested(cells.type):
            return Done(self._nested(name, cells))
        cell = self._cells(name)
        if cell is Cells.JSON:
            return Done(self._json(name, cells))
        return Done(cells) if cell is Cells.KEEP else self._run.rewrite(name, cells, linked)

    def _json(self, name: str, cells: pa.LargeStringArray) -> pa.Array:
        """Cells of JSON, walked to every leaf; a cell that is none is one text."""
        documents = self._documents.setdefault(name, Documents(self._run, name))
        values: list[Any] = []
        plain = np.zeros(len(cells), bool)
        for row, text in enumerate(cells.to_pylist()):
            try:
                values.append(json.loads(text or "null"))
            except (ValueError, RecursionError):
                values.append(text)
                plain[row] = True
        done = documents.rewrite(values)
        shown = [v if p else json.dumps(v, ensure_ascii=False) for v, p in zip(done, plain.tolist(), strict=True)]
        return pc.if_else(pc.is_valid(cells), pa.array(shown, TEXT), pa.scalar(None, TEXT))

    def _nested(self, name: str, column: pa.Array) -> pa.Array:
        """Lists, maps and structures, leaf by leaf."""
        kind = column.type
        if pa.types.is_struct(kind):
            fields = [self._leaf(f"{name}.{f.name}", column.field(i)) for i, f in enumerate(kind)]
            return pa.StructArray.from_arrays(fields, names=[f.name for f in kind], mask=column.is_null())
        if pa.types.is_map(kind):
            column = column.cast(pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)])))
        lengths = pc.list_value_length(column)
        offsets = np.zeros(len(column) + 1, np.int64)
        np.cumsum(pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False), out=offsets[1:])
        inner = self._leaf(name, column.flatten())
        return pa.LargeListArray.from_arrays(pa.array(offsets), inner, mask=column.is_null())

    def _leaf(self, path: str, cells: pa.Array) -> pa.Array:
        if pa.types.is_nested(cells.type):
            return self._nested(path, cells)
        if is_opaque(cells.type):
            return pa.nulls(len(cells), TEXT)
        choice = self._of_leaf(path, cells.type) or self._run.decide(path, as_text(cells))
        if choice.cells is Cells.JSON:
            choice = replace(choice, cells=Cells.TEXT)
        self._run.choices[path] = choice
        if choice.cells is Cells.DROP:
            return pa.nulls(len(cells), TEXT)
        return cells if choice.cells is Cells.KEEP else self._run.rewrite(path, self._text(path, cells)).cells

    def _typed(self, name: str, cells: pa.Array) -> pa.Array:
        kind = self.schema().field(name).type
        try:
            return cells if cells.type == kind else cells.cast(kind)
        except pa.ArrowException:
            raise Fault(f'column "{name}": more text in one batch than its type can hold') from None

    def _field(self, field: pa.Field) -> pa.Field:
        kind = field.type
        if pa.types.is_nested(kind):
            kind = self._nested_type(field.name, kind)
        elif pa.types.is_dictionary(kind) and self._cells(field.name) is not Cells.KEEP:
            kind = kind.value_type if is_text(pa.nulls(0, kind.value_type)) else pa.string()
        elif self._moved(field.name) and pa.types.is_temporal(kind):
            pass  # a date that was moved is a date still
        elif self._cells(field.name) is not Cells.KEEP and not is_text(pa.nulls(0, kind)):
            kind = pa.string()
        return pa.field(field.name, kind)  # metadata of a field or schema may hold anything: it is not kept

    def _moved(self, name: str) -> bool:
        return self._cells(name) is Cells.BIRTH and self._run.options.style == "surrogate"

    def _nested_type(self, path: str, kind: pa.DataType) -> pa.DataType:
        """The type that `_leaf` gives."""
        if pa.types.is_struct(kind):
            return pa.struct([pa.field(f.name, self._nested_type(f"{path}.{f.name}", f.type)) for f in kind])
        if pa.types.is_map(kind):
            pair = (("key", kind.key_type), ("value", kind.item_type))
            return pa.large_list(pa.struct([(n, self._nested_type(f"{path}.{n}", t)) for n, t in pair]))
        if pa.types.is_nested(kind):
            return pa.large_list(self._nested_type(path, kind.value_type))
        choice = self._of_leaf(path, kind)
        return kind if choice and choice.cells is Cells.KEEP else TEXT

    def _of_leaf(self, path: str, kind: pa.DataType) -> Choice | None:
        """What is known of a leaf; a list has the path of its cells, and that it is nested says nothing about them."""
        choice = self._run.choices.get(path)
        if choice is not None and choice.why != "type":
            return choice
        return among(path, kind, self._siblings.get(path.rpartition(".")[0], ())) or choice

    def _people_rows(self, batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
        columns = {name: self._text(name, batch.column(name)).to_pylist() for name in self._own}
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(columns, values, strict=True))

    def _canonical(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row with the names of fields that contacts.people_of knows."""
        return {canonical(name, self._own[name]): value for name, value in row.items()}

    def _records(self, batch: pa.RecordBatch) -> pa.Array | None:
        if not self._own:
            return None
        return pa.array([self._run.record(row) for row in self._people_rows(batch)], TEXT)


def _structs(path: str, kind: pa.DataType) -> Iterator[tuple[str, list[str]]]:
    """Path and names of the fields of every structure inside a type."""
    if pa.types.is_struct(kind):
        yield path, [field.name for field in kind]
        for field in kind:
            yield from _structs(f"{path}.{field.name}", field.type)
    elif pa.types.is_map(kind):
        yield from _structs(f"{path}.value", kind.item_type)
    elif pa.types.is_nested(kind):
        yield from _structs(path, kind.value_type)
