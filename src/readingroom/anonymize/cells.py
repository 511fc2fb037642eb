"""One column at a time: codes, places and pseudonyms, as arrays.

Rule 1: a text cell that is kept is a code: at least k subjects have it, and the text engine finds nobody in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.as_text import TEXT, as_text, text_of
from readingroom.anonymize.normalize import subject_tag, subject_tags, tag_of_normal
from readingroom.anonymize.pieces import Rewriter
from readingroom.anonymize.pseudonyms import ID_DIGITS, Pseudonyms
from readingroom.anonymize.shared import RARE
from readingroom.anonymize.tagging import TAG
from readingroom.anonymize.treatments import RECORD_KINDS

_RARE_KINDS = pa.array(["RARE", "rare"])
_LIST = ", "
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]*").fullmatch
Mask = npt.NDArray[np.bool_]
_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}").fullmatch


def codes(cells: pa.Array, *, shown: Callable[[pa.Array], Mask], named: Callable[[pa.Array], Mask]) -> pa.Array:
    """Cells that `shown` says enough subjects share and in which `named` sees nobody; the others are `[RARE]`."""
    encoded = text_of(cells).dictionary_encode()
    unique = encoded.dictionary
    kept = pc.if_else(pa.array(shown(unique) & ~named(unique)), unique, pa.scalar(RARE, pa.large_string()))
    return kept.take(encoded.indices)


def identifying(unique: pa.Array, texts: Rewriter, *, allowed: Callable[[str], bool]) -> Mask:
    """Where the text engine finds more than a rare word; a code made of the product's words is none of its names."""
    bad = np.zeros(len(unique), bool)
    if len(unique):
        spans = texts.rewrite(unique, markup="plain").spans
        rows = spans.filter(pc.invert(pc.is_in(spans["kind"], _RARE_KINDS)))["row"].to_numpy()
        bad[rows] = True
        for index in np.flatnonzero(bad):
            bad[index] = not _CODE(unique[int(index)].as_py()) or not allowed(unique[int(index)].as_py())
    return bad


def pseudonymize(cells: pa.Array, kind: str, *, pseudonyms: Pseudonyms) -> pa.Array:
    """A token for each cell; a cell with several ids, separated by commas, has as many tokens."""
    if not pc.any(pc.match_substring(cells, ",")).as_py():
        return tokens_of(cells, kind, pseudonyms=pseudonyms)
    parts = split_ids(cells)
    tokens = tokens_of(parts.values, kind, pseudonyms=pseudonyms)
    joined = pc.binary_join(pa.ListArray.from_arrays(parts.offsets, tokens.cast(pa.string())), _LIST).cast(TEXT)
    return pc.if_else(pc.is_valid(cells), joined, pa.scalar(None, pa.large_string()))


def split_ids(cells: pa.Array) -> pa.ListArray:
    """The ids of each cell; a null cell has none."""
    parts = pc.split_pattern_regex(pc.fill_null(cells, ""), r"\s*,\s*")
    return pa.ListArray.from_arrays(parts.offsets, as_text(parts.values))


def tokens_of(cells: pa.Array, kind: str, *, pseudonyms: Pseudonyms) -> pa.Array:
    """A token for each cell; row ids in the usual form, which are most cells, need no folding."""
    if kind not in RECORD_KINDS:
        return pseudonyms.token(kind, cells)
    encoded = cells.dictionary_encode()
    tokens = [
        f"{kind}_{pseudonyms.digest('record', value.lower())[:ID_DIGITS]}"
        if _GUID(value)
        else pseudonyms.one(kind, value)
        for value in encoded.dictionary.to_pylist()
    ]
    return pa.array(tokens, TEXT).take(encoded.indices)


def record_tags(cells: pa.Array, *, key: bytes) -> pa.Array:
    """The subject tag of each row id, as subject_tags gives it, without folding what needs none."""
    encoded = cells.dictionary_encode()
    tags = [
        tag_of_normal(key, "record", value.lower()) if _GUID(value) else subject_tag(key, "record", value)
        for value in encoded.dictionary.to_pylist()
    ]
    return pa.array(tags, TAG).take(encoded.indices)


def tags_of(cells: pa.Array, kind: str, *, key: bytes) -> list[tuple[str, pa.Array]]:
    """(kind, tags) of a column of identifiers; a contact point is an address or a number, cell by cell."""
    if kind == "contactpoint":
        at = pc.match_substring(cells, "@")
        nothing = pa.scalar(None, pa.large_string())
        sides = (("email", pc.if_else(at, cells, nothing)), ("phone", pc.if_else(at, nothing, cells)))
        return [(name, subject_tags(key, name, side)) for name, side in sides]
    if kind == "record":
        return [(kind, record_tags(cells, key=key))]
    # a user's sign-in name is an address as well: somebody may ask with either word
    kinds = ("upn", "email") if kind == "upn" else (kind,)
    return [(name, subject_tags(key, name, cells)) for name in kinds]


def linked_lists(tags: list[pa.Array], rows: int) -> pa.ListArray | None:
    """For each row the tags that are not null, as one list; None when no column has any."""
    if not tags:
        return None
    valid = np.stack([tag.is_valid().to_numpy(zero_copy_only=False) for tag in tags], axis=1)
    order = (np.arange(len(tags)) * rows)[None, :] + np.arange(rows)[:, None]
    values = pa.concat_arrays([tag.cast(TAG) for tag in tags]).take(pa.array(order[valid]))
    offsets = np.concatenate([[0], np.cumsum(valid.sum(axis=1))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values)
