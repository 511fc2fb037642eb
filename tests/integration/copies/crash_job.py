"""One job in a process of its own, killed by SIGKILL at a registered step: `crash_job.py ROOT SOURCE JOB STEP`."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from readingroom.core import steps
from readingroom.core.clock import FixedClock
from readingroom.keys.roles import Role


def _conftest() -> Any:
    sys.path.insert(0, str(Path(__file__).parents[2] / "support"))
    spec = importlib.util.spec_from_file_location("copies_conftest", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["copies_conftest"] = module
    spec.loader.exec_module(module)
    return module


def main(root: str, job: str, step: str) -> None:
    made = _conftest()
    clock = FixedClock(datetime(2026, 11, 1, 6, 0, tzinfo=UTC))
    room = made.Room(Path(root), clock)

    def kill(reached: str) -> None:
        if reached == step:
            os.kill(os.getpid(), signal.SIGKILL)

    steps.watch(kill)
    if job == "copy":
        made.copy_now(room.open(Role.COPY))
    elif job == "refuse":
        made.copy_now(room.open(Role.COPY), make_look=made.Alarmed)
    elif job == "erase":
        made.erase_first(room.open(Role.SUBJECTS))
    elif job == "purge":
        from readingroom.copies.purge import purge_due

        clock.advance(timedelta(days=29))
        purge_due(room.open(Role.WORKER))


if __name__ == "__main__":
    main(*sys.argv[1:])
