"""A store in a bucket that speaks S3, through obstore.

The bucket is made by whoever owns the account; `create` only checks that nothing is in it yet. Credentials come from
the environment (AWS_ACCESS_KEY_ID, …) and never from the settings; the URL says where:
`s3://BUCKET/PREFIX?endpoint=https://…&region=…`.

A bucket with versioning is refused: there a delete hides an object and keeps its bytes (P15), and obstore shows no
versions. An answer that names a version tells it: one probe when the store is opened, and every `put` looks again.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import obstore
from obstore.store import S3Store as _Bucket
from typing_extensions import override

from readingroom.core.errors import BadSetting, StoreFault
from readingroom.stores.foreign import foreign, own_paths
from readingroom.stores.store import check_path, check_prefix

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_UNVERSIONED = (None, "null")


class S3Store:
    """An ObjectStore under a prefix of a bucket; durability and atomicity are the provider's, by conditional put."""

    def __init__(self, url: str) -> None:
        self._bucket = _bucket(url)
        self._name = url.partition("?")[0]
        probe = f"probe-{secrets.token_hex(8)}"
        self.put(probe, b"")
        self.delete(probe)

    @classmethod
    def load(cls, url: str) -> S3Store:
        """The store at `url`; StoreFault if it cannot be written, or keeps versions."""
        return cls(url)

    @classmethod
    def create(cls, url: str) -> S3Store:
        """The store at `url`, which must be empty; StoreFault otherwise."""
        store = cls(url)
        if next(store.list(""), None) is not None:
            raise StoreFault("the bucket's prefix is not empty; a store is never made over something")
        return store

    def put(self, path: str, data: bytes) -> None:
        """Create the object if there is none (`If-None-Match: *`)."""
        check_path(path)
        with foreign("put"):
            answer = obstore.put(self._bucket, path, data, mode="create", use_multipart=False)
        if answer["version"] not in _UNVERSIONED:
            raise StoreFault("the bucket keeps versions, so a delete would destroy nothing (P15); turn that off")

    def get(self, path: str) -> bytes:
        """The object's bytes."""
        check_path(path)
        with foreign("get"):
            return bytes(obstore.get(self._bucket, path).bytes())

    def delete(self, path: str) -> None:
        """Delete the object; without versions that is all there is of it."""
        check_path(path)
        with foreign("delete"):
            obstore.delete(self._bucket, path)

    def list(self, prefix: str) -> Iterator[str]:
        """Every object's path under `prefix`, sorted."""
        check_prefix(prefix)
        with foreign("list"):
            found = [str(meta["path"]) for chunk in obstore.list(self._bucket, prefix or None) for meta in chunk]
        return own_paths(found)

    def size(self, path: str) -> int:
        """The object's length in bytes."""
        check_path(path)
        with foreign("size"):
            return int(obstore.head(self._bucket, path)["size"])

    def sweep(self) -> int:
        """Nothing: a put is one request, and the provider keeps no half of it."""
        return 0

    @override
    def __repr__(self) -> str:
        return f"S3Store({self._name!r})"


def _bucket(url: str) -> _Bucket:
    parts = urlsplit(url)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    endpoint, region = options.pop("endpoint", ""), options.pop("region", "us-east-1")
    if parts.scheme != "s3" or not parts.hostname or "@" in parts.netloc or options:
        raise BadSetting("an S3 store is written like s3://bucket/prefix?endpoint=https://host&region=name")
    prefix = check_prefix(parts.path.strip("/"))
    target = urlsplit(endpoint or f"https://s3.{region}.amazonaws.com")
    plain = target.scheme == "http" and target.hostname in _LOOPBACK
    if target.scheme != "https" and not plain:
        raise BadSetting("an S3 endpoint is https, or http on this machine")
    with foreign("open"):
        return _Bucket(
            parts.hostname,
            prefix=prefix or None,
            client_options={"allow_http": plain},
            endpoint=target.geturl(),
            region=region,
            virtual_hosted_style_request=False,
        )
