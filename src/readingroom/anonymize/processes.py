"""Blocks over processes, one for each core: results in the order of the blocks, whatever finishes first.

Rule 1: memory is constant: no more than two blocks for each process are under way.
Rule 2: each process is started afresh (spawn) and prepares its work once; it shares nothing with the others.
Rule 3: a process that dies, or an error that is not ours, ends the whole; no message holds what a block held.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any, TypeVar

import pyarrow as pa

from readingroom.core.errors import Fault, ReadingroomError, UsageError

Block = TypeVar("Block")
Result = TypeVar("Result")
_AHEAD = 2
_WORK: list[Callable[[Any], Any]] = []  # of this process, once `_prepare` has run in it


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def in_processes(
    prepare: Callable[[], Callable[[Block], Result]], blocks: Iterable[Block], *, processes: int
) -> Iterator[Result]:
    """What the function that `prepare` makes says of each block, in order; with one process, in this one.

    `prepare` is a function of a module or a `functools.partial` of one, for it is sent to the processes; blocks and
    results (Arrow arrays, tables, plain values) are sent, too.
    """
    if processes < 1:
        raise UsageError("processes: one or more")
    if processes == 1:
        work = prepare()
        for block in blocks:
            yield work(block)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_prepare, initargs=(prepare,))
    try:
        yield from _in_order(pool, iter(blocks), _AHEAD * processes)
    except BrokenProcessPool:
        raise Fault("a process of the engine died; nothing of its block was written") from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _in_order(pool: ProcessPoolExecutor, blocks: Iterator[Any], ahead: int) -> Iterator[Any]:
    waiting: deque[Future[Any]] = deque(pool.submit(_run, block) for block in islice(blocks, ahead))
    while waiting:
        result, error = waiting.popleft().result()
        if error is not None:
            raise error
        yield result
        waiting.extend(pool.submit(_run, block) for block in islice(blocks, 1))


def _prepare(prepare: Callable[[], Callable[[Any], Any]]) -> None:
    pa.set_cpu_count(1)
    _WORK[:] = [prepare()]


def _run(block: Any) -> tuple[Any, ReadingroomError | None]:
    """The result, or an error as a value: one of ours as it is, of another only its type."""
    try:
        return _WORK[0](block), None
    except ReadingroomError as error:
        return None, error
    except Exception as error:  # noqa: BLE001 - its text may hold a cell's content
        return None, Fault(f"a block failed in a process of the engine ({type(error).__name__})")
