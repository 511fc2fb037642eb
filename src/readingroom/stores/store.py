"""What an object store promises, and which paths it takes.

A store holds ciphertext only: whoever owns it can delete, truncate or swap objects, and all three are noticed when a
part is opened (the seal binds a part to its place); it can read nothing. So a store is trusted with availability,
not with secrets.

Rule 1: a path is checked before it reaches a store; no path climbs, hides or quotes.
Rule 2: an object is written once. To change it is to write another one and delete the first.
Rule 3: every foreign error leaves as StoreFault, without what the store answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from typing_extensions import override

from readingroom.core.errors import Refusal, UsageError

_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
PATH_LIMIT = 512


class ObjectStore(Protocol):
    """Objects by path; every implementation passes `tests/contract/test_stores_contract.py`.

    Durability: when `put` or `delete` returns, the effect survives a power cut.
    Atomicity: a reader sees the whole object or none; of two writers of one path one gets ObjectExists.
    Idempotence: `delete` of nothing is no error; `put` of the same bytes again is ObjectExists all the same.
    Errors: UsageError for a path outside the alphabet, ObjectMissing, ObjectExists, StoreFault for everything else.
    Several threads and processes may use one store at once.
    """

    def put(self, path: str, data: bytes) -> None:
        """Create the object if there is none; durable when this returns; ObjectExists otherwise."""
        ...

    def get(self, path: str) -> bytes:
        """The object's bytes; ObjectMissing if there is none."""
        ...

    def delete(self, path: str) -> None:
        """Remove the object and all its versions, durably; nothing to remove is no error (P15)."""
        ...

    def list(self, prefix: str) -> Iterator[str]:
        """Every path under the folder `prefix` ("" is the whole store): complete, sorted, finished writes only."""
        ...

    def size(self, path: str) -> int:
        """The object's length in bytes; ObjectMissing if there is none."""
        ...

    def sweep(self) -> int:
        """Remove what writers that died left unfinished; how many. Never touches an object or a live writer."""
        ...


class WriteOnlyStore:
    """A store that this process may write to and read nothing from: the schema place, seen from another geo (P25).

    `delete` stays, since a refused copy is destroyed by the process that wrote it, and says nothing about what was
    there. It keeps honest code from reading; what keeps a stolen process out is a credential without read rights.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def put(self, path: str, data: bytes) -> None:
        """As the store itself does."""
        self._store.put(path, data)

    def delete(self, path: str) -> None:
        """As the store itself does."""
        self._store.delete(path)

    def sweep(self) -> int:
        """As the store itself does."""
        return self._store.sweep()

    def get(self, path: str) -> bytes:
        """Refused."""
        raise _refusal(path)

    def list(self, prefix: str) -> Iterator[str]:
        """Refused."""
        raise _refusal(prefix)

    def size(self, path: str) -> int:
        """Refused."""
        raise _refusal(path)

    @override
    def __repr__(self) -> str:
        return f"WriteOnlyStore({self._store!r})"


def _refusal(path: str) -> Refusal:
    del path
    return Refusal("this process may write to this place and read nothing back (P25)")


def check_path(path: str) -> str:
    """Return `path` if it is `segment/segment/…` of letters, digits and inner `._-`, at most 512 characters."""
    if len(path) > PATH_LIMIT or not all(_SEGMENT.fullmatch(segment) for segment in path.split("/")):
        raise UsageError("an object's path has letters, digits, dots, hyphens and underscores only, parted by /")
    return path


def check_prefix(prefix: str) -> str:
    """Return `prefix` if it is "" or a folder's path without a trailing slash."""
    return check_path(prefix) if prefix else prefix
