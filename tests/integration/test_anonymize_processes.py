"""Blocks over processes: in order, with constant memory, and an end without a word of the content."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from functools import partial
from types import ModuleType

import pyarrow as pa
import pytest

from readingroom.anonymize.processes import in_processes
from readingroom.core.errors import Fault, UsageError

# a module of its own, for the processes import what they are asked to do
WORK = """
import os, signal
from readingroom.anonymize.known import KnownBuilder
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.rare import public_only
from readingroom.anonymize.texts import TextEngine
from readingroom.core.errors import UsageError

def squares(offset):
    return lambda block: block * block + offset

def faults(kind):
    def work(block):
        if block == 3 and kind == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if block == 3:
            raise ValueError("Ada Example") if kind == "foreign" else UsageError("block 3 is wrong")
        return block
    return work

def engine():
    made = TextEngine(KnownBuilder(b"k", b"k").build(), public_only(), Pseudonyms(b"k"), b"k", "balanced")
    return lambda cells: made.rewrite(cells, markup="plain").cells
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    folder = tmp_path_factory.mktemp("work")
    (folder / "work_of_processes.py").write_text(WORK, encoding="utf-8")
    sys.path.insert(0, str(folder))
    yield importlib.import_module("work_of_processes")
    sys.path.remove(str(folder))


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_order_and_few_blocks_are_under_way(work: ModuleType, processes: int) -> None:
    taken: list[int] = []

    def blocks() -> Iterator[int]:
        for number in range(20):
            taken.append(number)
            yield number

    for done, result in enumerate(in_processes(partial(work.squares, 7), blocks(), processes=processes)):
        assert result == done * done + 7
        assert len(taken) <= done + 1 + 2 * processes


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [("dies", Fault, "died"), ("foreign", Fault, "ValueError"), ("ours", UsageError, "block 3 is wrong")],
)
def test_a_failure_ends_the_whole_and_tells_no_content(
    work: ModuleType, kind: str, error: type[Exception], words: str
) -> None:
    found = in_processes(partial(work.faults, kind), range(9), processes=2)
    with pytest.raises(error, match=words) as failure:
        list(found)
    assert "Ada" not in str(failure.value)


def test_no_processes_is_no_answer(work: ModuleType) -> None:
    with pytest.raises(UsageError):
        list(in_processes(partial(work.squares, 0), [1], processes=0))


def test_the_engine_says_the_same_in_processes(work: ModuleType) -> None:
    blocks = [pa.array([f"write to ada{n}@mail.example now", None]) for n in range(4)]
    alone = list(in_processes(work.engine, blocks, processes=1))
    assert list(in_processes(work.engine, blocks, processes=2)) == alone
    assert "mail.example" not in str(alone)
