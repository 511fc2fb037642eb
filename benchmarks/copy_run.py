"""Seconds, MB/s and memory of copy runs on `enron`, and again with its rows repeated ten times for the same people.

Usage: .venv/bin/python benchmarks/copy_run.py [--json] [--times 10]     (needs ../shared/data/tenants/enron)

Each run is a process of its own, pinned to one core: its peak memory is the operating system's account of it. Mails,
interactions and query records are repeated under fresh ids; contacts, leads, users and accounts stay as they are, so a
run whose memory grows with rows is seen. Ratios of one run count; absolute figures depend on the machine.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
ENRON = ROOT.parent / "shared" / "data" / "tenants" / "enron"
MAILS = "msdyncrm_marketingemail"


def repeat(source: Path, target: Path, times: int) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("gold"))
    for path in (target / "dataverse-prod-enron" / MAILS).glob("*.csv"):
        data = path.read_bytes()
        path.write_bytes(b"".join(_fresh_rows(data, number) for number in range(times)))
    for path in (target / "interactions" / "csv").rglob("*.csv*"):
        _repeat_interactions(path, times)
    for path in (target / "activity-log").glob("*.json*"):
        packed = path.suffix == ".gz"
        data = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
        lines = data.splitlines(keepends=True)
        out = b"".join(_fresh_id(line, number) for number in range(times) for line in lines)
        path.write_bytes(gzip.compress(out, 1) if packed else out)


def _fresh_rows(data: bytes, number: int) -> bytes:
    """The same mails under other ids: the first eight hex digits of each row's own id change."""
    if number == 0:
        return data
    text = io.StringIO(data.decode(), newline="")
    out = io.StringIO(newline="")
    for row in csv.reader(text):
        old, fresh = row[0], f"{number:08x}" + row[0][8:]
        cells = [fresh if cell == old else cell for cell in row]
        out.write(",".join(_cell(c, i) for i, c in enumerate(cells)) + "\n")
    return out.getvalue().encode()


def _cell(cell: str, column: int) -> str:
    bare = column == 0 or not cell or re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|-?\d+|True|False", cell)
    return cell if bare else '"' + cell.replace('"', '""') + '"'


def _repeat_interactions(path: Path, times: int) -> None:
    packed = path.suffix == ".gz"
    data = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
    header, rows = data.split(b"\r\n", 1)
    out = header + b"\r\n" + rows * times
    path.write_bytes(gzip.compress(out, 1) if packed else out)


def _fresh_id(line: bytes, number: int) -> bytes:
    return re.sub(rb'("Id":")[0-9a-f]{8}', rb"\g<1>%08x" % number, line, count=1) if number else line


RUN = """
import json, resource, sys, time
from pathlib import Path
from readingroom import bootstrap
from readingroom.copies.manifest import read_manifest
from readingroom.copies.run import run_copy
from readingroom.core.category import Category
from readingroom.engagement.tenants import get_tenant
from readingroom.keys.roles import Role
from readingroom.sources import open_sources
house = bootstrap.open_house(Path(sys.argv[1]), Role.COPY)
tenant = get_tenant(house, sys.argv[3])
begun = time.perf_counter(), time.process_time()
copy = run_copy(house, tenant=tenant, category=Category(sys.argv[2]), actor="benchmark",
                open_sources=lambda now: open_sources(tenant.connection, now))
manifest = read_manifest(house, copy)
print(json.dumps({"wall_s": time.perf_counter() - begun[0], "cpu_s": time.process_time() - begun[1],
                  "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                  "seconds": manifest["seconds"], "totals": manifest["totals"], "state": manifest["state"],
                  "tables": [{k: t.get(k) for k in ("table", "rows_read")} for t in manifest["tables"]],
                  "read_mb": manifest["sources"]["plain_bytes"] / 1e6}))
"""


def measure(
    folder: Path, label: str, *, tenant: str = "enron", geo: str = "US", database: str = "", export: Path | None = None
) -> list[dict[str, object]]:
    """Copy a tenant's three categories in a new room, each in a process of its own; `database` is a server's URL."""
    room = folder / f"room-{label}"
    export = export or folder / label
    command = [str(Path(sys.executable).parent / "readingroom"), "-C", str(room)]
    run = lambda *words: subprocess.run([*command, *words], check=True, capture_output=True)  # noqa: E731
    run("init", str(room), "--simulation", *(["--database", database] if database else []))
    run("notice", "publish")
    run(
        *("tenant", "add", tenant, "--geo", geo, "--synapse", str(export / f"dataverse-prod-{tenant}")),
        *("--interactions", str(export / "interactions"), "--activity-log", str(export / "activity-log")),
        *("--entity-definitions", str(export / "schema" / "EntityDefinitions.json")),
    )
    run("engagement", "opt-in", tenant, "--by", "admin@customer.example")
    found = []
    for category in ("marketing", "query", "schema"):
        done = subprocess.run(
            [sys.executable, "-c", RUN, str(room), category, tenant],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            preexec_fn=lambda: os.sched_setaffinity(0, {0}),
        )
        found.append({"export": label, "category": category, **json.loads(done.stdout)})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args()
    if not ENRON.is_dir():
        sys.exit("../shared/data/tenants/enron is absent: nothing to measure on")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ENRON, folder / "once", ignore=shutil.ignore_patterns("gold"))
        repeat(ENRON, folder / "many", options.times)
        runs = measure(folder, "once") + measure(folder, "many")
    if options.json:
        print(json.dumps({"runs": runs, "times": options.times}))
        return
    for one in runs:
        stages = " ".join(f"{k} {v:.1f}" for k, v in one["seconds"].items())
        rate = one["read_mb"] / one["cpu_s"]
        print(
            f"{one['export']:<5} {one['category']:<9} {one['totals']['rows']:>9,} rows {one['read_mb']:7.1f} MB "
            f"{one['cpu_s']:6.1f} s cpu {rate:5.1f} MB/s a core {one['peak_mb']:6.0f} MB peak | {stages}"
        )
    known, words = runs[0]["state"]["known"], runs[0]["state"]["words"]
    print(f"known: {known['people']:,} people, {known['bytes'] / known['spellings']:.0f} bytes a spelling")
    print(f"words: {words['words']:,} counted, {words['bytes'] / max(words['words'], 1):.0f} bytes a word")
    for first, second in zip(runs[:3], runs[3:], strict=True):
        print(f"{first['category']:<9} memory, rows x{options.times}: {second['peak_mb'] / first['peak_mb'] - 1:+.1%}")


if __name__ == "__main__":
    main()
