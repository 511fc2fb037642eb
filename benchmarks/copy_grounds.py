"""Seconds and memory of copying both tenants on SQLite and on PostgreSQL, side by side, into docs/benchmarks/copies.md.

Usage: .venv/bin/python benchmarks/copy_grounds.py [--json] [--rounds 3]
(needs ../shared/data/tenants/enron and lingua, and the machine's PostgreSQL 15)

Each copy is a process of its own, pinned to one core, as in copy_run.py. The server is started for the run with its own
defaults, on disk: a commit waits for it, as SQLite's does. Its memory is counted apart: private pages and its share of
the shared ones (Pss) of all its processes, the most that was seen during a tenant's three copies. Rounds alternate
between the grounds and the fastest of each counts, so that what else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "support")]

import copy_run  # noqa: E402 - beside this file

import ground  # noqa: E402 - what the tests start servers with

TENANTS = {"enron": "US", "lingua": "EU"}
GROUNDS = ("SQLite", "PostgreSQL")
SHARED = HERE.parent.parent / "shared" / "data" / "tenants"
PAGE = HERE.parent / "docs" / "benchmarks" / "copies.md"
HEAD = """# Copies on SQLite and on PostgreSQL

Made by `benchmarks/copy_grounds.py`; not edited by hand. Both tenants' three copies in one run, each copy in a process
of its own on one core, the fastest of {rounds} round(s). Each cell is SQLite / PostgreSQL 15 with its own defaults
and the same disk; "server MB" is the most that its processes held together during the tenant's three copies. Python
{python}, {cores} cores, {load:.1f} processes wanted them at the end (if more than cores, wall seconds are no measure).
Ratios of one run count, absolute figures depend on the machine.
"""


@contextmanager
def watching(postmaster: int) -> Iterator[list[float]]:
    """The most memory in MB that the server's processes were seen to hold together, in a list of one."""
    most, ended = [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.2):
            most[0] = max(most[0], sum(_pss(pid) for pid in (postmaster, *_children(postmaster))) / 1024)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        ended.set()
        thread.join()


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def measured(folder: Path, url: str, rounds: int) -> list[dict[str, Any]]:
    """Every copy's figures: (tenant, category, ground), the fastest of the rounds."""
    postmaster = int((Path(_home(url)) / "postmaster.pid").read_text(encoding="ascii").split()[0])
    best: dict[tuple[str, str, str], dict[str, Any]] = {}
    for number in range(rounds):
        for tenant, geo in TENANTS.items():
            for where in GROUNDS if number % 2 == 0 else reversed(GROUNDS):
                label = f"{tenant}-{where.lower()}-{number}"
                database = ground.server_url(url, label.replace("-", "_")) if where == "PostgreSQL" else ""
                with watching(postmaster) as most:
                    runs = copy_run.measure(
                        folder, label, tenant=tenant, geo=geo, database=database, export=SHARED / tenant
                    )
                for one in runs:
                    found = one | {"tenant": tenant, "ground": where, "server_mb": most[0] if database else 0.0}
                    key = (tenant, str(one["category"]), where)
                    if key not in best or found["wall_s"] < best[key]["wall_s"]:
                        best[key] = found
    return [best[key] for key in sorted(best, key=lambda k: (k[0], ("marketing", "query", "schema").index(k[1]), k[2]))]


def _home(url: str) -> str:
    import psycopg

    with psycopg.connect(ground.server_url(url, "postgres")) as admin:
        return str((admin.execute("SHOW data_directory").fetchone() or ("",))[0])


def page(runs: list[dict[str, Any]], rounds: int) -> str:
    """The table, as the page has it."""
    head = HEAD.format(rounds=rounds, python=platform.python_version(), cores=os.cpu_count(), load=os.getloadavg()[0])
    columns = ("tenant", "copy", "rows", "MB read", "wall s", "cpu s", "peak MB", "server MB")
    lines = [head, "| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    pairs = {(run["tenant"], run["category"], run["ground"]): run for run in runs}
    for tenant, category in dict.fromkeys((run["tenant"], run["category"]) for run in runs):
        one, two = (pairs[tenant, category, where] for where in GROUNDS)
        both = [f"{one[k]:.1f} / {two[k]:.1f}" for k in ("wall_s", "cpu_s")]
        both += [f"{one['peak_mb']:.0f} / {two['peak_mb']:.0f}", f"- / {two['server_mb']:.0f}"]
        lines.append(
            f"| {tenant} | {category} | {one['totals']['rows']:,} | {one['read_mb']:.1f} | {' | '.join(both)} |"
        )
    for where in GROUNDS:
        mine = [run for run in runs if run["ground"] == where]
        total = sum(run["wall_s"] for run in mine)
        lines += [
            "",
            f"{where}: {total:.1f} s for all six copies, at most {max(run['peak_mb'] for run in mine):.0f} MB.",
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    programs = ground.postgres_bin()
    if programs is None or not all((SHARED / name).is_dir() for name in TENANTS):
        sys.exit("PostgreSQL 15 or ../shared/data/tenants is absent: nothing to measure")
    with tempfile.TemporaryDirectory() as name, ground.server(programs, durable=True) as url:
        runs = measured(Path(name), url, options.rounds)
    if options.json:
        print(json.dumps({"runs": runs, "rounds": options.rounds}))
        return
    PAGE.write_text(page(runs, options.rounds), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
