"""Evidence of anonymization: the reports sealed with each copy, against the log (P14, P26)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from readingroom.assure.finding import Finding, count, not_yet, weigh
from readingroom.assure.holdings import copies_of, manifests, sealed_sums, unlike_sealed
from readingroom.assure.lives import unlike_log
from readingroom.assure.register import views
from readingroom.assure.withholding import shown_again
from readingroom.copies.records import Copy
from readingroom.copies.states import CopyState
from readingroom.copies.tables import PartKind
from readingroom.core.category import Category
from readingroom.house import House

_KEPT = (CopyState.SEALED, CopyState.PURGED)


def anonymized(house: House) -> Finding:
    """P14: what can be read went through the second look without a hard finding, and is what was sealed then.

    That a name which no table, list or pattern knows may remain is measured by `copy check`, not by this row.
    """
    copies = copies_of(house, *Category, states=_KEPT)
    if not copies:
        return not_yet("there is no copy")
    found, wrong = manifests(house, copies)
    for manifest in found.values():
        wrong += _unchecked(manifest)
    wrong += [*unlike_log(house, *Category), *shown_again(house)]
    sums = sealed_sums(house)
    live = [copy for copy in copies if copy.state is CopyState.SEALED]
    for copy in live:
        wrong += unlike_sealed(house, copy, sums=sums, kinds=(PartKind.DATA,))
    known = {copy.id for copy in copies}
    wrong += ["something was read that is no sealed copy" for one in views(house) if one.copy not in known]
    withheld = sum(copy.withheld_items for copy in copies)
    shown = f"{count(len(found), 'copy')} with second look: 0 hard findings, {count(withheld, 'item')} withheld"
    return weigh(wrong, shown=f"{shown}; parts of {len(live)} live as sealed")


def _unchecked(manifest: Mapping[str, Any]) -> Iterator[str]:
    look = manifest.get("second_look")
    if not isinstance(look, dict) or look.get("hard") != 0:
        yield "a copy has no second look without hard findings"
    if not isinstance(manifest.get("risk"), list):
        yield "a copy has no risk report"
    elif any(one["classes"] > 1 and one["k_reached"] < one["k"] for one in manifest["risk"]):
        yield "people in a copy can be singled out by their quasi-identifiers"
    for table in manifest["tables"]:
        if any(not column.get("treatment") for column in table["columns"]):
            yield "a column was copied without a treatment"


def schema_names(house: House) -> Finding:
    """P26: schema copies were scanned for names of people; names that no list clears are counted, not shown."""
    copies = copies_of(house, Category.SCHEMA, states=_KEPT)
    if not copies:
        return not_yet("there is no schema copy")
    found, wrong = manifests(house, copies)
    for manifest in found.values():
        wrong += _unchecked(manifest)
        wrong += ["a schema copy lists something else than names" for t in manifest["tables"] if t["store"] != "schema"]
    wrong += list(_as_sealed(house, copies))
    left = sum(sum(manifest["left_out"]["not_listed"].values()) for manifest in found.values())
    hidden = sum(_hidden(manifest) for manifest in found.values())
    shown = (
        f"{count(len(found), 'schema scan')} in sealed manifests: {count(hidden, 'name')} withheld, {left} not listed"
    )
    return weigh(wrong, shown=shown)


def _hidden(manifest: Mapping[str, Any]) -> int:
    return sum(
        value
        for table in manifest["tables"]
        for name, value in table["counts"].items()
        if name.startswith("withheld: ")
    )


def _as_sealed(house: House, copies: tuple[Copy, ...]) -> Iterator[str]:
    sums = sealed_sums(house)
    for copy in copies:
        if copy.state is CopyState.SEALED:
            yield from unlike_sealed(house, copy, sums=sums, kinds=(PartKind.DATA,))
