"""A launcher of the command line that a test can stop at registered steps: `crash_cli.py`, one JSON order a line.

{"run": [arguments], "out": PATH, "kill": STEP, "pause": STEP} starts a command in a process of its own, its output in
PATH, and answers its pid. At the step `kill` the process kills itself by SIGKILL; at `pause` it writes PATH.at and
waits for PATH.go. {"wait": pid} answers how it ended (negative: the signal), as subprocess does.
What is slow to import is imported once; every command is a fork, made before any thread is.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import readingroom.cli.audit
import readingroom.cli.copies
import readingroom.cli.engagement
import readingroom.cli.purge
import readingroom.cli.serve
import readingroom.cli.subject
import readingroom.copies.second_look  # noqa: F401 - slow, and imported by the copy run only when it runs
from readingroom.cli.main import execute
from readingroom.core import steps

PATIENCE = 120.0


def watcher(order: dict[str, Any]) -> Any:
    def reached(step: str) -> None:
        if step == order.get("kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        if step == order.get("pause"):
            order["pause"] = None
            Path(order["out"] + ".at").touch()
            deadline = time.monotonic() + PATIENCE
            while not Path(order["out"] + ".go").exists() and time.monotonic() < deadline:
                time.sleep(0.01)

    return reached


def start(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        with open(order["out"], "wb", buffering=0) as out:  # noqa: PTH123 - a file descriptor is what is wanted
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
        steps.watch(watcher(order))
        code = execute(order["run"])
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            _, status = os.waitpid(order["wait"], 0)
            answer = os.waitstatus_to_exitcode(status)
        else:
            answer = start(order)
        print(answer, flush=True)


if __name__ == "__main__":
    main()
