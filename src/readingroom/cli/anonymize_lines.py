"""JSONL, document by document: nested values too; memory does not grow with the number of lines.

Rule 1: an error names file and line, never content.
"""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from readingroom.anonymize.documents import Documents
from readingroom.anonymize.runs import Run
from readingroom.core.errors import Position, SourceFault, UsageError

LINES = 2000


def rewrite_lines(run: Run, name: str, file: IO[bytes]) -> int:
    """Learn, rewrite and write the documents of a file; how many there are."""
    documents = Documents(run)
    if name != "-":
        for _, value in documents_of(name):
            run.learn(documents.people(value))
    source = documents_of(name)
    count = 0
    while some := list(islice(source, LINES)):
        try:
            made = documents.rewrite([value for _, value in some])
        except UsageError as error:
            raise UsageError(f"{name}, rows {some[0][0]} to {some[-1][0]}: {error}") from None
        lines = (json.dumps(value, ensure_ascii=False, separators=(",", ":")) for value in made)
        file.write("".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))
        count += len(some)
    return count


def documents_of(name: str) -> Iterator[tuple[int, Any]]:
    """Number and value of every line that is not empty."""
    number = 0
    try:
        with _opened(name) as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{name}: no such file") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise SourceFault("bad-file", Position(name, row=number + 1), "cut off or damaged") from None
    except OSError as error:
        raise UsageError(f"{name}: cannot be read ({type(error).__name__})") from None
    except UnicodeDecodeError:
        raise SourceFault("bad-text", Position(name, row=number), "not UTF-8") from None
    except (ValueError, RecursionError):
        raise SourceFault("bad-json", Position(name, row=number), "not one JSON value on one line") from None


def _opened(name: str) -> Any:
    if name == "-":
        return sys.stdin.buffer
    return gzip.open(name, "rb") if name.endswith(".gz") else Path(name).open("rb")
