"""One run of the engine over data that nobody listed: it learns who is in it, decides per column, and rewrites.

Rule 1: the same key gives the same pseudonyms in every run; without one a fresh key is drawn and forgotten, so that
nothing can be linked between runs.
Rule 2: learn everything first, then rewrite: who is known decides what a text shows.
Rule 3: an error names the column, never a value.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.cells import linked_lists, record_tags
from readingroom.anonymize.choices import MARKUP, SAMPLE, WHOLE, Cells, Choice, asked, by_content
from readingroom.anonymize.contacts import add_rows
from readingroom.anonymize.detecting import Detector, in_code_points
from readingroom.anonymize.finders import Finder, Whole
from readingroom.anonymize.generalize import generalize
from readingroom.anonymize.known import Known, KnownBuilder
from readingroom.anonymize.normalize import normalize
from readingroom.anonymize.opened import Extras, OpenTextEngine
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.rare import public_only
from readingroom.anonymize.surrogates import Surrogates
from readingroom.anonymize.texts import PROFILES
from readingroom.core.errors import Fault, ReadingroomError, UsageError

STYLES = ("placeholder", "surrogate")
TEXT = pa.large_string()
KEY_BYTES = 16  # the least that a key may have
SHORT_ID = 6  # shorter ids are numbers of rows, which other tables have as well
PLACES = pa.schema(
    [("column", pa.string()), ("row", pa.int64()), ("start", pa.int32()), ("end", pa.int32()), ("kind", pa.string())]
)
_IDENTITY = ("email", "phone", "name")


@dataclass(frozen=True)
class Options:
    """How a run is done; `key` None draws a fresh one; `columns` overrides (choices.Cells), `finders` add."""

    profile: str = "balanced"
    style: str = "placeholder"
    columns: Mapping[str, str] = field(default_factory=dict)
    key: bytes | None = None
    finders: Sequence[Finder] = ()


@dataclass(frozen=True)
class Done:
    """Rewritten cells of one column, and where what stands in for somebody stands (row, start, end, kind)."""

    cells: pa.Array
    spans: pa.Table | None = None


class Run:
    """Learns, then rewrites columns."""

    def __init__(self, options: Options) -> None:
        if options.profile not in PROFILES:
            raise UsageError("a profile is strict or balanced")
        if options.style not in STYLES:
            raise UsageError("a style is placeholder or surrogate")
        key: object = options.key
        if key is not None and not (isinstance(key, bytes) and len(key) >= KEY_BYTES):
            raise UsageError(f"a key has at least {KEY_BYTES} bytes")
        self.options = options
        self.choices: dict[str, Choice] = dict(asked(options.columns))
        self.asked = frozenset(self.choices)
        self.counts: dict[str, Counter[str]] = {}
        drawn = secrets.token_bytes(32) if options.key is None else options.key
        self._tag_key, self._name_key, self._surrogate_key = (_derived(drawn, use) for use in (b"t", b"n", b"s"))
        self.pseudonyms = Pseudonyms(self._name_key)
        self._builder: KnownBuilder | None = KnownBuilder(self._tag_key, self._name_key)

    def learn(self, rows: Iterable[tuple[str | None, Mapping[str, Any]]]) -> bool:
        """Take in people (contacts.people_of): of a file of contacts, or the data's own; whether there were any."""
        if self._builder is None:
            raise UsageError("people are learned before anything is rewritten")
        return add_rows(self._builder, rows)

    def record(self, row: Mapping[str, Any]) -> str | None:
        """The record id of the person whom a row of the data describes: made of what tells people apart."""
        named = (
            (self.choices[name].cells, str(value)) for name, value in row.items() if value and name in self.choices
        )
        return self.identity(dict(named))

    def identity(self, kinds: Mapping[Cells, str]) -> str | None:
        """The record id of a person of whom this is known."""
        for kind, cells in zip(_IDENTITY, (Cells.EMAIL, Cells.PHONE, Cells.NAME), strict=True):
            if cells in kinds:
                return self._digest(kind, normalize(kind, kinds[cells]))
        full = " ".join(kinds[cells] for cells in (Cells.GIVEN, Cells.FAMILY) if cells in kinds)
        return self._digest("name", normalize("name", full)) if full else None

    @cached_property
    def known(self) -> Known:
        """Everybody who was learned; nobody is learned after this."""
        builder, self._builder = self._builder, None
        if builder is None:
            raise UsageError("people are learned before anything is rewritten")
        return builder.build()

    def decide(self, name: str, cells: pa.LargeStringArray) -> Choice:
        """What a column of texts is, by the first cells of it that are seen."""
        if name not in self.choices:
            sample = pc.fill_null(pc.drop_null(cells).slice(0, SAMPLE), "")
            self.choices[name] = by_content(sample, self._sampler.spans(sample))
        return self.choices[name]

    def linked(self, columns: Mapping[str, pa.Array], people: pa.Array | None, rows: int) -> pa.ListArray | None:
        """The tags of the people whom each row belongs to: by the row's own identity, and by its ids."""
        ids = [cells for name, cells in columns.items() if self.choices[name].cells is Cells.ID]
        tags = [record_tags(cells, key=self._tag_key) for cells in [*ids, *([] if people is None else [people])]]
        return linked_lists(tags, rows)

    def rewrite(self, name: str, cells: pa.LargeStringArray, linked: pa.ListArray | None = None) -> Done:
        """The cells of a column without anybody in them; Fault names the column."""
        choice = self.choices[name].cells
        if choice is Cells.KEEP:
            return Done(cells)
        try:
            if choice is Cells.ID:
                return self._ids(name, cells)
            if choice is Cells.BIRTH and self.options.style == "placeholder":
                return Done(generalize("birth", cells))
            done = self._engine(choice).rewrite(cells, markup=MARKUP.get(choice, "plain"), linked=linked)
        except ReadingroomError as error:
            raise type(error)(f'column "{name}": {error}') from None
        except pa.ArrowException:
            raise Fault(f'column "{name}": cells that cannot be read as {choice}') from None
        spans = done.spans.select(["row", "start", "end", "kind"]).group_by(["row", "start", "end", "kind"])
        found = spans.aggregate([]).sort_by([("row", "ascending"), ("start", "ascending")])
        count = self.counts.setdefault(name, Counter())
        for pair in pc.value_counts(found["kind"]).to_pylist():
            count[pair["values"]] += pair["counts"]
        return Done(done.cells, found)

    def report(self) -> dict[str, Any]:
        """What was done to each column, and why."""
        return {
            name: {
                "treated as": str(choice.cells),
                "decided by": choice.why,
                "found": dict(sorted(self.counts.get(name, {}).items())),
            }
            for name, choice in self.choices.items()
        }

    def _ids(self, name: str, cells: pa.LargeStringArray) -> Done:
        self.counts.setdefault(name, Counter())["id"] += len(cells) - cells.null_count
        if self.surrogates is None:
            return Done(self.pseudonyms.token("record", cells))
        encoded = cells.dictionary_encode()
        made = [self.surrogates.identifier(value) for value in encoded.dictionary.to_pylist()]
        return Done(pa.array(made, TEXT).take(encoded.indices))

    def _engine(self, choice: Cells) -> OpenTextEngine:
        if choice not in self._engines:
            whole = (Whole(WHOLE[choice]),) if choice in WHOLE else ()
            extras = Extras((*self.options.finders, *whole), self.surrogates)
            self._engines[choice] = OpenTextEngine(
                self.known, public_only(), self.pseudonyms, self._tag_key, self.options.profile, extras
            )
        return self._engines[choice]

    @cached_property
    def surrogates(self) -> Surrogates | None:
        """What stands in for findings where it is no placeholder."""
        return Surrogates(self._surrogate_key, self.known) if self.options.style == "surrogate" else None

    @cached_property
    def _engines(self) -> dict[Cells, OpenTextEngine]:
        return {}

    @cached_property
    def _sampler(self) -> Detector:
        return Detector(self.known, public_only(), "balanced")

    def _digest(self, kind: str, value: str) -> str:
        return hashlib.blake2b(f"{kind}\0{value}".encode("utf-8", "replace"), key=self._tag_key[:64]).hexdigest()[:32]


def places(name: str, done: Done) -> pa.Table:
    """The spans of a rewritten column in code points of the new cells (PLACES)."""
    if done.spans is None:
        return PLACES.empty_table()
    found = in_code_points(done.cells, done.spans)
    named = pa.repeat(pa.scalar(name, pa.string()), found.num_rows)
    return pa.table([named, *(found[column] for column in PLACES.names[1:])], names=PLACES.names).cast(PLACES)


def _derived(key: bytes, use: bytes) -> bytes:
    return hashlib.blake2b(use, key=hashlib.sha512(key).digest(), digest_size=32, person=b"readingroom.run").digest()
