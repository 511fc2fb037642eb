"""A launcher of commands that meet an accident: one JSON order a line on standard input, one answer a line.

{"run": [arguments], "kill": N} starts a command in a process of its own, which kills itself by SIGKILL at the N-th
registered step that it reaches. "full": N lets the disk be full from that step on (RLIMIT_FSIZE: no file of this
process can be written any more), "fuller": BYTES for every file beyond that length, "pause": PATH, "at": N holds it
there until PATH.go exists. The answer is its pid; {"wait": pid} answers [code, what it said], {"poll": pid} too, or
null while it runs. What is slow to import is imported once; every command is a fork, made before any thread is.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

import readingroom.cli.access
import readingroom.cli.copies
import readingroom.cli.engagement
import readingroom.cli.purge
import readingroom.cli.review
import readingroom.cli.serve
import readingroom.cli.subject
import readingroom.copies.second_look  # noqa: F401 - slow, and imported by the copy run only when it runs
from readingroom.cli.main import execute
from readingroom.core import steps

PATIENCE = 60.0
PIPE = 1 << 20
_children: dict[int, int] = {}


def limit(size: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))


def watcher(order: dict[str, Any]) -> Any:
    seen = 0

    def reached(_step: str) -> None:
        nonlocal seen
        seen += 1
        if seen == order.get("kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        if seen == order.get("full"):
            limit(0)
        if seen == order.get("at"):
            Path(order["pause"] + ".at").touch()
            deadline = time.monotonic() + PATIENCE
            while not Path(order["pause"] + ".go").exists() and time.monotonic() < deadline:
                time.sleep(0.005)

    return reached


def start(order: dict[str, Any]) -> int:
    ours, its = os.pipe()
    fcntl.fcntl(its, fcntl.F_SETPIPE_SZ, PIPE)
    pid = os.fork()
    if pid:
        os.close(its)
        _children[pid] = ours
        return pid
    code = 70
    try:
        os.dup2(its, 1)
        os.dup2(its, 2)
        steps.watch(watcher(order))
        if order.get("full") == 0:
            limit(0)
        if order.get("fuller"):
            limit(order["fuller"])
        code = execute(order["run"])
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def end(pid: int, *, wait: bool) -> list[Any] | None:
    found, status = os.waitpid(pid, 0 if wait else os.WNOHANG)
    if not found:
        return None
    with os.fdopen(_children.pop(pid), "rb") as pipe:
        said = pipe.read().decode()
    return [os.waitstatus_to_exitcode(status), said]


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        if "run" in order:
            answer: Any = start(order)
        else:
            answer = end(order.get("wait") or order["poll"], wait="wait" in order)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
