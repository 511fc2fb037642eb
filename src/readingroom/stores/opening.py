"""Which store a setting names: a folder's path or `file:` URL, or an `s3:` URL. For bootstrap alone."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from readingroom.core.errors import BadSetting
from readingroom.stores.local import LocalStore
from readingroom.stores.s3 import S3Store
from readingroom.stores.store import ObjectStore


def open_store(where: str | Path) -> ObjectStore:
    """The existing store at `where`; BadSetting for a kind of store that there is not."""
    folder = _folder(where)
    return LocalStore.load(folder) if folder else S3Store.load(str(where))


def create_store(where: str | Path) -> ObjectStore:
    """A new, empty store at `where`; StoreFault if something is there."""
    folder = _folder(where)
    return LocalStore.create(folder) if folder else S3Store.create(str(where))


def _folder(where: str | Path) -> Path | None:
    if isinstance(where, Path):
        return where
    parts = urlsplit(where)
    if parts.scheme == "s3":
        return None
    if parts.scheme == "file" and parts.netloc in {"", "localhost"} and parts.path:
        return Path(unquote(parts.path))
    if parts.scheme or not where:
        raise BadSetting("a store is a folder, a file: URL or an s3: URL")
    return Path(where)
