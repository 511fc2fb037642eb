"""How many items a second one core serves with the gate, the policies and the register on: prints JSON.

    python benchmarks/item_page.py [--seconds 10]

The room is fictional, everything in it is real: session, permission, queue, Cedar decision, view budget, event in the
database before the first byte, part opened, item unsealed. The server has one core to itself, the reviewer another,
and labels what it was handed before it asks for the next. Beside it, in the same run: the sign-in page, which reads
nothing, as the peer that shows what the frame of every request costs.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
from limits import RateLimitItemPerMinute

from readingroom.web.pace import Pace

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE / "scripts"))


def main() -> None:
    """Serve in a process of its own, ask from here, and print."""
    parser = argparse.ArgumentParser(description="items a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    seconds: float = parser.parse_args().seconds
    cores = sorted(os.sched_getaffinity(0))
    spawn = multiprocessing.get_context("spawn")
    mine, theirs = spawn.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        server = spawn.Process(target=_serve, args=(Path(folder) / "room", cores[0], theirs))
        server.start()
        base, link, grant = mine.recv()
        os.sched_setaffinity(0, {cores[-1]})
        found = {
            "cores": len(cores),
            "item": _items(base, link, grant=grant, seconds=seconds),
            "frame": _pages(base, seconds),
        }
        mine.send("stop")
        server.join()
    print(json.dumps(found, indent=1))


def _serve(root: Path, core: int, pipe: Connection) -> None:
    from fictional_room import served_room

    from readingroom.cli.demo_story import STAYS

    os.sched_setaffinity(0, {core})
    grants: list[str] = []
    much = RateLimitItemPerMinute(10**6)
    fast = Pace(session=much, stranger=much, door=much, everybody=much)

    def prepare(story: Any) -> None:
        grants.append(story.grant("ada", STAYS).id)

    with served_room(root, prepare, tell=lambda _line: None, pace=fast) as room:
        pipe.send((room.base, room.link("ada"), grants[0]))
        pipe.recv()


def _items(base: str, link: str, *, grant: str, seconds: float) -> dict[str, float]:
    with httpx.Client(base_url=base, headers={"accept": "text/html"}, timeout=30) as client:
        client.post(link)
        page = client.get(f"/work/mail/{grant}").text
        headers = {"x-csrf": page.partition('name="csrf" content="')[2].partition('"')[0], "accept": "application/json"}
        times: list[float] = []
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            begun = time.perf_counter()
            item = client.post(f"/work/next/{grant}", json={"held": []}, headers=headers).raise_for_status().json()
            if item["item"] is None:
                break
            client.get(item["frame"]).raise_for_status()
            times.append(time.perf_counter() - begun)
            label = {"item": item["item"], "answer": "spam"}
            client.post("/work/label", json=label, headers=headers).raise_for_status()
    times.sort()
    return {
        "items": len(times),
        "items_per_s": round(len(times) / sum(times), 1),
        "median_ms": round(1000 * times[len(times) // 2], 2),
        "p95_ms": round(1000 * times[int(len(times) * 0.95)], 2),
    }


def _pages(base: str, seconds: float) -> dict[str, float]:
    count = 0
    with httpx.Client(base_url=base, timeout=30) as client:
        ends = time.monotonic() + min(seconds, 3.0)
        begun = time.monotonic()
        while time.monotonic() < ends and client.get("/sign-in").status_code == 200:
            count += 1
        return {"requests_per_s": round(count / (time.monotonic() - begun), 1)}


if __name__ == "__main__":
    main()
