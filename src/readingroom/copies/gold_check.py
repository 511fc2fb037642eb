"""`copy check`: which identifiers of a gold file can still be read in the anonymized cell where they stood (P14).

Rule 1: rows are opened by a function of `access` that the caller hands in: one decision and one event a part.
Rule 2: a raw row is found in the copy by the tag of its record id, so only a role that reads tags can check.
Rule 3: a report holds kinds, forms, certainties and numbers; never a value, never a row's id.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import numpy as np
import pyarrow as pa

from readingroom.anonymize.normalize import subject_tag
from readingroom.copies.gold_file import CANARY, GoldLine, read_gold
from readingroom.copies.part_names import ROW
from readingroom.copies.records import Copy, Part, list_parts
from readingroom.copies.states import CopyState
from readingroom.copies.tag_index import find_in
from readingroom.core.category import Category
from readingroom.core.errors import WrongState
from readingroom.core.ids import PartName
from readingroom.house import House

OpenParts = Callable[[House, Copy], Iterable[tuple[Part, pa.Table]]]  # access.datasets.open_for_check
_TAG: Final = re.compile(r"<!--.*?-->|<[/!?a-zA-Z][^<>]*>", re.DOTALL)
_SHORT: Final = 3  # so few characters stand in many words by chance: they must be a word of their own


class Fate(StrEnum):
    """What became of one place of a gold file."""

    READABLE = "readable"
    REMOVED = "removed"
    COLUMN = "column withheld"
    ROW = "row absent"
    TABLE = "table not in the copy"


@dataclass
class GoldReport:
    """What was checked and what could still be read, in numbers."""

    copy: str
    fates: Counter[Fate] = field(default_factory=Counter)
    checked: Counter[tuple[str, str, str, bool]] = field(default_factory=Counter)  # kind, form, certainty, primary
    readable: Counter[tuple[str, str, str, bool]] = field(default_factory=Counter)

    def add(self, line: GoldLine, fate: Fate) -> None:
        """Count one place."""
        self.fates[fate] += 1
        if fate in {Fate.READABLE, Fate.REMOVED}:
            key = (line.kind, line.form, line.certainty, line.primary)
            self.checked[key] += 1
            self.readable[key] += fate is Fate.READABLE

    def public(self) -> dict[str, Any]:
        """The report as `copy check --json` shows it: canary primaries apart from everything else."""
        rest = {key: count for key, count in self.checked.items() if not key[3]}
        certainties = sorted({key[2] for key in rest})
        return {
            "copy": self.copy,
            "checked": sum(rest.values()),
            "readable": {
                certainty: _sums(self.readable, 0, chosen=[key for key in rest if key[2] == certainty])
                for certainty in certainties
            },
            "by_kind": self._both(rest, 0),
            "by_form": self._both(rest, 1),
            "by_certainty": self._both(rest, 2),
            "canaries": self._canaries(),
            "not_in_copy": {fate.value: self.fates[fate] for fate in (Fate.TABLE, Fate.COLUMN, Fate.ROW)},
        }

    def _both(self, keys: Collection[tuple[str, str, str, bool]], part: int) -> dict[str, dict[str, int]]:
        checked, left = _sums(self.checked, part, chosen=keys), _sums(self.readable, part, chosen=keys)
        return {name: {"checked": count, "readable": left.get(name, 0)} for name, count in checked.items()}

    def _canaries(self) -> dict[str, Any]:
        primaries = [key for key in self.checked if key[3]]
        forms = {name: count for name, count in _sums(self.readable, 1, chosen=primaries).items() if count}
        checked = sum(self.checked[key] for key in primaries)
        return {"checked": checked, "readable": sum(forms.values()), "forms": forms}


def check_gold(  # noqa: PLR0913 - a file, its name and its canaries belong together
    house: House,
    copy: Copy,
    gold: bytes,
    *,
    open_parts: OpenParts,
    name: str = "the gold file",
    canaries: bytes | None = None,
    noted: Callable[[GoldLine], None] | None = None,
) -> GoldReport:
    """What of `gold` (planted.csv or canaries.csv) is still readable in `copy`.

    `canaries` (canaries.csv beside planted.csv) says which places are canary primaries; they are counted apart.
    `noted` is told of every line that is still readable, for whoever mends the engine. WrongState for a copy that is
    not sealed (nothing is there to check), and for a schema copy, which holds no cell.
    """
    lines = read_gold(gold, name=name)
    if canaries is not None:
        lines = _marked(lines, read_gold(canaries, name="the canaries beside it"))
    if copy.state is not CopyState.SEALED:
        raise WrongState(f"the copy is {copy.state.value}: nothing of it is there to check")
    if copy.category is Category.SCHEMA:
        raise WrongState("a schema copy holds names of tables and columns and no cell: there is nothing to check")
    report = GoldReport(copy.id)
    for line, fate in _fates(house, copy, lines, open_parts=open_parts):
        report.add(line, fate)
        if fate is Fate.READABLE and noted is not None:
            noted(line)
    return report


def readable(string: str, cell: str | None) -> bool:
    """Whether the identifier `string` can still be read in `cell`, with or without its markup."""
    if not cell:
        return False
    wanted = _normal(_TAG.sub("", html.unescape(string))) or _normal(string)
    plain = html.unescape(cell)
    return any(_holds(_normal(shown), wanted) for shown in (plain, _TAG.sub("", plain), html.unescape(_bare(cell))))


def _fates(
    house: House, copy: Copy, lines: Sequence[GoldLine], *, open_parts: OpenParts
) -> Iterator[tuple[GoldLine, Fate]]:
    tables = {part.table_name for part in list_parts(house, copy)}
    present = [line for line in lines if line.table in tables]
    yield from ((line, Fate.TABLE) for line in lines if line.table not in tables)
    homes = _homes(house, copy, present)
    seen: set[tuple[str, str]] = set()
    for part, table in open_parts(house, copy):
        places = homes.get(part.name, {})
        if not places:
            continue
        rows = {row: at for at, row in enumerate(table[ROW].to_pylist())}
        columns = {column.lower(): column for column in table.column_names}
        wanted = {column for found in places.values() for line in found if (column := columns.get(line.column.lower()))}
        at = np.array(sorted({rows[row] for row in places if row in rows}), np.int64)
        cells = {column: _cells(table[column], at) for column in wanted}
        for row, found in places.items():
            if row in rows:
                seen.update((line.table, line.row_id) for line in found)
                yield from ((line, _fate(line, columns, cells=cells, at=rows[row])) for line in found)
    yield from ((line, Fate.ROW) for line in present if (line.table, line.row_id) not in seen)


def _fate(
    line: GoldLine, columns: Mapping[str, str], *, cells: Mapping[str, Mapping[int, str | None]], at: int
) -> Fate:
    column = columns.get(line.column.lower())
    if column is None:
        return Fate.COLUMN
    return Fate.READABLE if readable(line.string, cells[column][at]) else Fate.REMOVED


def _homes(house: House, copy: Copy, lines: Sequence[GoldLine]) -> dict[PartName, dict[int, list[GoldLine]]]:
    """In which row of which part each line's row stands."""
    key = house.place(copy.place).keyring.tag_key(copy.tenant)
    tags = {row_id: subject_tag(key, "record", row_id) for row_id in {line.row_id for line in lines}}
    by_tag: dict[tuple[str, bytes], list[GoldLine]] = defaultdict(list)
    for line in lines:
        by_tag[line.table, tags[line.row_id]].append(line)
    homes: dict[PartName, dict[int, list[GoldLine]]] = defaultdict(dict)
    for part in find_in(house, copy, set(tags.values())):
        own = part.hits.filter(pa.compute.equal(part.hits["role"], "record"))
        for tag, row in zip(own["tag"].to_pylist(), own["row"].to_pylist(), strict=True):
            found = by_tag.get((part.part.table_name, tag))
            if found:
                homes[part.part.name][row] = found
    return homes


def _cells(column: pa.ChunkedArray, at: np.ndarray) -> dict[int, str | None]:
    values = column.take(pa.array(at)).to_pylist()
    shown = (None if value is None else str(value) for value in values)
    return dict(zip(at.tolist(), shown, strict=True))


def _marked(lines: Sequence[GoldLine], canaries: Sequence[GoldLine]) -> list[GoldLine]:
    primaries = {line.place for line in canaries if line.primary}
    return [_primary(line) if line.place in primaries else line for line in lines]


def _primary(line: GoldLine) -> GoldLine:
    return GoldLine(**{**vars(line), "primary": True, "certainty": CANARY})


def _bare(text: str) -> str:
    return _TAG.sub("", text)


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _holds(text: str, wanted: str) -> bool:
    if len(wanted) > _SHORT:
        return wanted in text
    return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", text) is not None


def _sums(
    counts: Mapping[tuple[str, str, str, bool], int], part: int, *, chosen: Collection[tuple[str, str, str, bool]]
) -> dict[str, int]:
    found: Counter[str] = Counter()
    for key in chosen:
        found[str(key[part])] += counts.get(key, 0)
    return dict(sorted(found.items()))
