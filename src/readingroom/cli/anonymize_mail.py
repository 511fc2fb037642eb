""".eml and .mbox: messages read one by one, rewritten some at a time.

Rule 1: an error names file and message, never content.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from readingroom.anonymize.mails import Mails
from readingroom.anonymize.runs import Run
from readingroom.core.errors import Fault, Position, ReadingroomError, SourceFault, UsageError

LARGEST = 1 << 27  # bytes of one message
BATCH = 1 << 24  # bytes of messages rewritten at one go
_FROM = re.compile(rb"^(>*From )", re.MULTILINE)


def rewrite_mail(run: Run, name: str, form: str, file: IO[bytes]) -> tuple[int, dict[str, Any]]:
    """Learn, rewrite and write; (messages, what was taken out)."""
    mails = Mails(run)
    if name != "-":
        for number, message in enumerate(_messages(name, form), 1):
            try:
                run.learn(mails.people(message))
            except ReadingroomError:
                raise
            except Exception:  # noqa: BLE001 - the parser of the standard library fails in many ways on broken mail
                raise _broken(name, number) from None
    count = 0
    for first, batch in _batches(_messages(name, form)):
        try:
            made = mails.rewrite(batch)
        except ReadingroomError as error:
            raise type(error)(f"{name}, messages {first} to {first + len(batch) - 1}: {error}") from None
        except Exception:  # noqa: BLE001 - as above
            raise _broken(name, first) from None
        for message in made:
            file.write(message if form == "eml" else _entry(message))
        count += len(batch)
    return count, {"taken out": dict(sorted(mails.removed.items()))}


def _broken(name: str, number: int) -> Fault:
    return SourceFault("bad-mail", Position(name, row=number), "a message from here on cannot be read")


def _entry(message: bytes) -> bytes:
    """A message as an mbox holds it (mboxrd)."""
    return b"From nobody Thu Jan  1 00:00:00 1970\n" + _FROM.sub(rb">\1", message).rstrip(b"\n") + b"\n\n"


def _batches(messages: Iterator[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    batch: list[bytes] = []
    first, size = 1, 0
    for number, message in enumerate(messages, 1):
        batch.append(message)
        size += len(message)
        if size >= BATCH or len(batch) >= 1000:
            yield first, batch
            batch, size, first = [], 0, number + 1
    if batch:
        yield first, batch


def _messages(name: str, form: str) -> Iterator[bytes]:
    """The messages of a file."""
    try:
        if name == "-":
            yield from _split(name, form, sys.stdin.buffer)
        else:
            with Path(name).open("rb") as file:
                yield from _split(name, form, file)
    except FileNotFoundError:
        raise UsageError(f"{name}: no such file") from None
    except OSError as error:
        raise UsageError(f"{name}: cannot be read ({type(error).__name__})") from None


def _split(name: str, form: str, file: IO[bytes]) -> Iterator[bytes]:
    if form == "eml":
        data = file.read(LARGEST + 1)
        _check(name, 1, len(data))
        if b":" not in data.partition(b"\n")[0]:
            raise SourceFault("bad-mail", Position(name), "does not begin with a header")
        yield data
        return
    lines: list[bytes] = []
    number = size = 0
    for line in file:
        if line.startswith(b"From ") and (not lines or lines[-1].strip() == b""):
            if number:
                yield b"".join(lines)
            number, lines, size = number + 1, [], 0
        elif not number and line.strip():
            raise SourceFault("bad-mbox", Position(name, row=1), "does not begin with a From line")
        else:
            lines.append(line[1:] if re.match(rb">+From ", line) else line)
            size += len(line)
            _check(name, number, size)
    if number:
        yield b"".join(lines)


def _check(name: str, number: int, size: int) -> None:
    if size > LARGEST:
        raise UsageError(f"{name}, message {number}: more than {LARGEST} bytes")
