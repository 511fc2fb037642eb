"""JSON documents without anybody in them: each leaf is a cell of the column that its path names; keys are looked at.

Rule 1: structure, booleans and nulls stay; a number stays unless its key says that it is an identifier.
Rule 2: what is nested deeper than MAX_DEPTH is refused, not passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.choices import Cells, Choice, among, by_name, canonical, own_fields
from readingroom.anonymize.runs import Run
from readingroom.core.errors import UsageError

MAX_DEPTH = 100
KEYS = "(keys)"
TEXT = pa.large_string()
_NAMED = ("person", "email", "phone", "card", "iban", "id", "address")
_TELLING = {Cells.EMAIL, Cells.PHONE}  # an object with a name alone may be a product
_NAMES = {Cells.GIVEN, Cells.FAMILY}
_NUMBERS = (Cells.ID, Cells.PHONE, Cells.NUMBER, Cells.ADDRESS, Cells.BIRTH)
Box = dict[str, Any] | list[Any]


@dataclass
class _Column:
    """The leaves of one path: where each is held, and in which document."""

    boxes: list[tuple[Box, Any]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)


class Documents:
    """Rewrites documents in place."""

    def __init__(self, run: Run, prefix: str = "") -> None:
        self._run, self._prefix = run, prefix
        self._keys: dict[str, str] = {}

    def rewrite(self, documents: Sequence[Any]) -> list[Any]:
        """The documents without anybody in them; those that came in are used up."""
        holder: list[Any] = list(documents)
        columns: dict[str, _Column] = {}
        for row in range(len(holder)):
            self._walk(holder, row, path=self._prefix, row=row, columns=columns)
        siblings: dict[str, list[str]] = {}
        for path in columns:
            owner, _, name = path.rpartition(".")
            siblings.setdefault(owner, []).append(name)
        for path, column in columns.items():
            self._decide(path, column, siblings[path.rpartition(".")[0]])
        linked = self._linked(columns, len(holder))
        for path, column in columns.items():
            near = None if linked is None else linked.take(pa.array(column.rows, pa.int64()))
            done = self._run.rewrite(path, pa.array(column.texts, TEXT), near)
            for (box, key), text in zip(column.boxes, done.cells.to_pylist(), strict=True):
                box[key] = text
        self._rename(holder)
        return holder

    def people(self, document: Any) -> Iterator[tuple[str | None, dict[str, Any]]]:
        """The objects inside a document that describe a person, each with its record id."""
        open_ = [document]
        while open_:
            value = open_.pop()
            if isinstance(value, list):
                open_ += value
            elif isinstance(value, dict):
                open_ += value.values()
                own = own_fields(value)
                kinds = {
                    cells: value[name] for name, cells in own.items() if isinstance(value[name], str) and value[name]
                }
                if kinds.keys() & _TELLING or kinds.keys() >= _NAMES:
                    yield self._run.identity(kinds), {canonical(name, own[name]): value[name] for name in own}

    def _walk(self, box: Box, key: Any, *, path: str, row: int, columns: dict[str, _Column]) -> None:
        """Collect the leaves below box[key]."""
        open_: list[tuple[Box, Any, str, int]] = [(box, key, path, 0)]
        while open_:
            inside, at, where, depth = open_.pop()
            value = inside[at]
            if depth > MAX_DEPTH:
                raise UsageError(f"nested more than {MAX_DEPTH} deep")
            if isinstance(value, dict):
                open_ += [(value, name, f"{where}.{name}" if where else name, depth + 1) for name in value]
            elif isinstance(value, list):
                open_ += [(value, number, where, depth + 1) for number in range(len(value))]
            elif isinstance(value, str) or self._identifies(where, value):
                column = columns.setdefault(self._known(where), _Column())
                column.boxes.append((inside, at))
                column.texts.append(str(value).encode("utf-8", "replace").decode())
                column.rows.append(row)

    def _known(self, path: str) -> str:
        """The column of a path: keys that are many are no names of columns."""
        if path in self._run.choices or len(self._run.choices) < 5_000:
            return path or "(value)"
        return "(others)"

    def _identifies(self, path: str, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        choice = self._run.choices.get(path) or by_name(path.rpartition(".")[2], pa.int64())
        return choice is not None and choice.cells in _NUMBERS

    def _decide(self, path: str, column: _Column, siblings: list[str]) -> None:
        if path in self._run.choices:
            return
        told = among(path, TEXT, siblings)
        if told is not None and told.cells not in {Cells.DROP, Cells.KEEP}:
            self._run.choices[path] = told
        else:
            self._run.decide(path, pa.array(column.texts, TEXT))
        if self._run.choices[path].cells is Cells.JSON:  # one level of JSON inside JSON: the engine reads it as text
            self._run.choices[path] = Choice(Cells.TEXT, "content")

    def _linked(self, columns: dict[str, _Column], rows: int) -> pa.ListArray | None:
        """Whom each document is about: by its own identity, and by ids that stand in it once."""
        records: list[str | None] = [None] * rows
        fields: list[dict[str, str]] = [{} for _ in range(rows)]
        ids: dict[str, pa.Array] = {}
        for path, column in columns.items():
            cells: list[str | None] = [None] * rows
            for row, text in zip(column.rows, column.texts, strict=True):
                cells[row] = text
                fields[row].setdefault(path, text)
            if self._run.choices[path].cells is Cells.ID:
                ids[path] = pa.array(cells, TEXT)
        for row in range(rows):
            records[row] = self._run.record(fields[row])
        people = pa.array(records, TEXT)
        return self._run.linked(ids, people if people.null_count < rows else None, rows)

    def _rename(self, holder: list[Any]) -> None:
        """Keys that name somebody are rewritten; each distinct key is looked at once."""
        objects: list[dict[str, Any]] = []
        open_: list[Any] = [holder]
        while open_:
            value = open_.pop()
            if isinstance(value, list):
                open_ += value
            elif isinstance(value, dict):
                objects.append(value)
                open_ += value.values()
        if fresh := sorted({key for one in objects for key in one} - self._keys.keys()):
            self._run.choices.setdefault(KEYS, Choice(Cells.TEXT, "default"))
            done = self._run.rewrite(KEYS, pa.array([k.encode("utf-8", "replace").decode() for k in fresh], TEXT))
            named: set[int] = set()
            if done.spans is not None:
                named |= set(done.spans.filter(pc.is_in(done.spans["kind"], pa.array(_NAMED)))["row"].to_pylist())
            shown = done.cells.to_pylist()
            if len(self._keys) > 100_000:
                self._keys.clear()
            self._keys |= {key: shown[row] if row in named else key for row, key in enumerate(fresh)}
        for one in objects:
            if any(self._keys[key] != key for key in one):
                items = [(self._keys[key], value) for key, value in one.items()]
                one.clear()
                one.update(items)
