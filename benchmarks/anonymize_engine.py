"""This engine in a process of its own, speaking as benchmarks/anonymize_peers.py does: one worker for one profile.

What is timed is the whole rewriting of the column (`TextEngine.rewrite`: find, resolve, replace), which is more than
the peers are timed for, of the mails `times` over, since it works in blocks of 1 MiB; the spans that are scored are
those of `readingroom detect`. Contacts come with the first line.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import pyarrow as pa

from readingroom import __version__
from readingroom.anonymize.contacts import add_rows
from readingroom.anonymize.detecting import Detector, in_code_points
from readingroom.anonymize.known import KnownBuilder
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.rare import public_only
from readingroom.anonymize.texts import TextEngine


def main() -> None:
    asked, *documents = (json.loads(line) for line in sys.stdin)
    profile = asked["engine"].split()[1].rstrip(",")
    contacts = [json.loads(line) for line in Path(asked["known"]).read_text().splitlines()] if asked["known"] else []
    builder = KnownBuilder(b"detect", b"")
    if contacts:
        add_rows(builder, ((str(number), row) for number, row in enumerate(contacts)))
    known, words = builder.build(), public_only()
    engine = TextEngine(known, words, Pseudonyms(b""), b"", profile)
    cells = pa.array([document["text"] for document in documents], pa.large_string())
    column = pa.concat_arrays([cells] * asked["times"])
    engine.rewrite(pa.array(["Dear Ada Example"] * 10, pa.large_string()), markup="plain")
    times = []
    for _ in range(asked["repeat"]):
        cpu, wall = time.process_time(), time.perf_counter()
        engine.rewrite(column, markup="plain")
        times.append((time.process_time() - cpu, time.perf_counter() - wall))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = in_code_points(cells, Detector(known, words, profile).spans(cells))
    spans: list[list[tuple[int, int, str]]] = [[] for _ in documents]
    for row, *span in zip(*(found[name].to_pylist() for name in found.column_names), strict=True):
        spans[row].append((span[0], span[1], span[2]))
    for document, own in zip(documents, spans, strict=True):
        print(json.dumps({"id": document["id"], "spans": own}))
    cpu, wall = (min(column) for column in zip(*times, strict=True))
    note = f"readingroom {__version__}, {len(contacts):,} contacts known"
    print(json.dumps({"figures": {"cpu_s": cpu, "wall_s": wall, "peak_mb": peak, "note": note}}))


if __name__ == "__main__":
    main()
