"""What a full disk must not do: save a key from its destruction, or end an act with an error that nobody foresaw."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from readingroom.stores.durable import create_file, shred


@contextmanager
def nothing_can_be_written() -> Iterator[None]:
    """No byte of any file can be written by this process, as on a copy-on-write disk without room."""
    least, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (least, most))


def test_a_full_disk_saves_no_key(tmp_path: Path) -> None:
    key = tmp_path / "copy.key"
    create_file(key, b"k" * 64)
    with nothing_can_be_written():
        with pytest.raises(OSError, match="large"):
            (tmp_path / "more").write_bytes(b"x")
        shred(key)
    assert not key.exists()
