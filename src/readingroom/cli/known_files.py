"""Known people as files that processes share: written once, opened as memory maps.

Rule 1: the files hold what `Known` holds: keyed hashes, tags, digits; not the key, which whoever opens them must have.
Rule 2: pages are read when a text asks for them, and shared by all processes that opened the folder; the bitmap of
beginnings, which every word asks, is read whole.
Rule 3: a folder is whole or refused: what it is made of is written first, and the list of it last.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from readingroom.anonymize.beginnings import Beginnings
from readingroom.anonymize.kernels import Table, secret_of
from readingroom.anonymize.known import Entries, Known, People, Spellings
from readingroom.core.errors import Fault, UsageError

VERSION = 1
_LIST = "known.json"
_WHOLE = ("bits",)
_NAMES = ("keys", "values", "kinds", "first", "people", "tags", "suffixes", "bits")
Arrays = dict[str, npt.NDArray[Any]]


def _mark(tag_key: bytes) -> str:
    """Tells whether the key is the same; it says nothing of it."""
    return hashlib.blake2b(b"known files", key=tag_key[:64], digest_size=8, person=b"known files").hexdigest()


def _sizes(arrays: Arrays) -> dict[str, str]:
    return {name: f"{array.dtype.str} {array.shape}" for name, array in arrays.items()}


def save(known: Known, folder: Path, tag_key: bytes) -> None:
    """Write `known`, built under `tag_key`, into a new folder that its owner alone can read."""
    table, entries, begin = known.by_spelling
    parts: tuple[npt.NDArray[Any], ...] = (*table[:2], *entries, known.tags, known.suffixes, begin.bits)
    arrays = dict(zip(_NAMES, parts, strict=True))
    try:
        folder.mkdir(mode=0o700)
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
        listed = {"version": VERSION, "key": _mark(tag_key), "arrays": _sizes(arrays)}
        (folder / _LIST).write_text(json.dumps(listed))
    except FileExistsError:
        raise UsageError(f"{folder}: there is something already") from None
    except OSError as error:
        raise Fault(f"{folder}: known people cannot be written ({error.strerror})") from None


def load(folder: Path, tag_key: bytes) -> Known:
    """The people in a folder that `save` wrote under the same key; UsageError for any other folder or key."""
    try:
        listed = json.loads((folder / _LIST).read_text())
        if listed["version"] != VERSION or listed["key"] != _mark(tag_key):
            raise UsageError(f"{folder}: of another version, or under another key")
        arrays: Arrays = {
            # copy on write: nobody writes, and kernels take these as any other array
            name: np.asarray(np.load(folder / f"{name}.npy", mmap_mode=None if name in _WHOLE else "c"))
            for name in _NAMES
        }
        whole = _sizes(arrays) == listed["arrays"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(f"{folder}: no known people are in it") from None
    if not whole:
        raise UsageError(f"{folder}: it is damaged")
    secret = secret_of(tag_key, b"known")
    spellings = Spellings(
        Table(arrays["keys"], arrays["values"], secret),
        Entries(arrays["kinds"], arrays["first"], arrays["people"]),
        Beginnings(arrays["bits"], secret),
    )
    return Known(spellings, People(arrays["tags"], arrays["suffixes"]))
