"""Files that appear whole or not at all, and never take another's place.

Rule 1: what is written lies beside its goal under a name of its own until it is complete and on disk (fsync).
Rule 2: the goal is made by a link, which fails where something is: nothing is ever overwritten, also not in a race,
unless the caller says that an earlier answer is replaced.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import secrets
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import IO, cast

from readingroom.core.errors import UsageError


def check_free(name: str) -> None:
    """UsageError if there is something already, or no folder to put it in."""
    path = Path(name)
    if os.path.lexists(path):
        raise UsageError(f"{name}: there is something already; nothing is overwritten")
    if not path.parent.is_dir():
        raise UsageError(f"{name}: its folder does not exist")


def check_apart(name: str, inputs: Iterable[str | None]) -> None:
    """UsageError if what is to be written is one of the other files."""
    if name != "-" and any(one and one != "-" and Path(one).resolve() == Path(name).resolve() for one in inputs):
        raise UsageError(f"{name}: two files of one command are the same")


@contextlib.contextmanager
def landing(name: str, *, replace: bool = False) -> Iterator[IO[bytes]]:
    """A file to write to that becomes `name` when the block ends well; `-` is standard output, .gz is compressed.

    `replace` takes the place of a file, and writes to a device or pipe as it stands.
    """
    if name == "-":
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except BrokenPipeError:  # whoever reads has had enough
            raise
        except OSError as error:
            raise UsageError(f"standard output: cannot be written ({type(error).__name__})") from None
        return
    if replace and Path(name).is_dir():
        raise UsageError(f"{name}: is a folder")
    if not replace or not os.path.lexists(name):
        check_free(name)
    try:
        with _device(name) if replace and _is_device(name) else _whole(Path(name), replace=replace) as file:
            yield file
    except FileExistsError:
        raise UsageError(f"{name}: there is something already; nothing is overwritten") from None
    except OSError as error:
        raise UsageError(f"{name}: cannot be written ({type(error).__name__})") from None


def _is_device(name: str) -> bool:
    return Path(name).exists() and not Path(name).is_file()


def _device(name: str) -> IO[bytes]:
    return Path(name).open("wb")


@contextlib.contextmanager
def _ending() -> Iterator[None]:
    """A request to end (SIGTERM) is an exception inside, so that the draft goes."""

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def _whole(goal: Path, *, replace: bool) -> Iterator[IO[bytes]]:
    """A draft beside the goal, which becomes it at the end; a link is followed where something is replaced."""
    goal = goal.resolve() if replace else goal
    draft = goal.with_name(f".{goal.name}.{secrets.token_hex(6)}.part")
    try:
        with (
            _ending(),
            os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if replace else 0o600), "wb") as file,
        ):
            if goal.suffix == ".gz":
                with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                    yield cast("IO[bytes]", packed)
            else:
                yield file
            file.flush()
            os.fsync(file.fileno())
        if replace:
            draft.replace(goal)
        else:
            os.link(draft, goal)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(goal.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
