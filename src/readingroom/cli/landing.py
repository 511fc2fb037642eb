"""Files that appear whole or not at all, and never take another's place.

Rule 1: what is written lies beside its goal under a name of its own until it is complete and on disk (fsync).
Rule 2: the goal is made by a link, which fails where something is: nothing is ever overwritten, also not in a race.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from readingroom.core.errors import UsageError


def check_free(name: str) -> None:
    """UsageError if there is something already, or no folder to put it in."""
    path = Path(name)
    if os.path.lexists(path):
        raise UsageError(f"{name}: there is something already; nothing is overwritten")
    if not path.parent.is_dir():
        raise UsageError(f"{name}: its folder does not exist")


@contextlib.contextmanager
def landing(name: str) -> Iterator[IO[bytes]]:
    """A file to write to that becomes `name` when the block ends well; `-` is standard output, .gz is compressed."""
    if name == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    check_free(name)
    goal = Path(name)
    draft = goal.with_name(f".{goal.name}.{secrets.token_hex(6)}.part")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            if goal.suffix == ".gz":
                with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                    yield cast("IO[bytes]", packed)
            else:
                yield file
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, goal)
    except FileExistsError:
        raise UsageError(f"{name}: there is something already; nothing is overwritten") from None
    except OSError as error:
        raise UsageError(f"{name}: cannot be written ({type(error).__name__})") from None
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(goal.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
