"""What monitoring sees: health, metrics and log lines of a room that lives, with not one personal value in them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

PLANTED = "Ada-Example@planted.example"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """The pages and the admin port of one room, in a process of their own, and everything it wrote."""

    def __init__(self, cli: Any, log: Path) -> None:
        self.pages, self.admin, self.log = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}", log
        code = "from readingroom.cli.main import run; run()"
        command = [sys.executable, "-c", code, "-C", str(cli.root), "serve", "--log-json"]
        command += ["--port", self.pages.rpartition(":")[2], "--admin-port", self.admin.rpartition(":")[2]]
        self.out = log.open("wb")
        self.process = subprocess.Popen(command, stdout=self.out, stderr=self.out, env=dict(os.environ))
        for _ in range(600):
            try:
                httpx.get(f"{self.pages}/sign-in", timeout=5)
                httpx.get(f"{self.admin}/healthz", timeout=5)
            except httpx.HTTPError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError(log.read_text(encoding="utf-8"))

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self.out.close()


@pytest.fixture
def served(sealed: Any, tmp_path: Path) -> Iterator[tuple[Any, Served]]:
    sealed.do("worker", "--once")
    running = Served(sealed, tmp_path / "log")
    yield sealed, running
    running.close()


def metrics(running: Served) -> dict[tuple[str, str], float]:
    text = httpx.get(f"{running.admin}/metrics", timeout=30).text
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    return {(one.name, ",".join(f"{k}={v}" for k, v in sorted(one.labels.items()))): one.value for one in samples}


def test_metrics_count_the_room_and_name_nobody(served: tuple[Any, Served]) -> None:
    _cli, running = served
    for _ in range(3):
        httpx.get(f"{running.pages}/sign-in", timeout=30)
    httpx.get(f"{running.pages}/{PLANTED}", timeout=30)
    httpx.get(f"{running.pages}/sign-in/{PLANTED}", timeout=30)
    found = metrics(running)
    assert found["readingroom_copies", "place=us,state=sealed"] == 1
    assert found["readingroom_purges_overdue", "place=us"] == 0
    assert found["readingroom_overdue", ""] == 0
    assert found["readingroom_request_seconds_count", "method=GET,route=/sign-in,status=200"] >= 3
    assert found["readingroom_request_seconds_count", "method=GET,route=/sign-in/{token},status=200"] == 1
    assert found["readingroom_request_seconds_count", "method=GET,route=other,status=404"] == 1
    assert ("readingroom_views", "place=us") in found
    assert ("readingroom_log_pending", "database=room") in found
    text = httpx.get(f"{running.admin}/metrics", timeout=30).text
    assert PLANTED not in text
    assert "alpha" not in text  # not even a tenant


def test_ready_says_what_is_wrong(served: tuple[Any, Served]) -> None:
    cli, running = served
    assert httpx.get(f"{running.admin}/healthz", timeout=30).text == "ok\n"
    assert httpx.get(f"{running.admin}/readyz", timeout=30).json()["worker"] == "ok"
    (cli.root / "places/us/db.sqlite").write_bytes(b"not a database" * 1000)
    (cli.root / "places/us/db.sqlite-wal").unlink(missing_ok=True)
    answer = httpx.get(f"{running.admin}/readyz", timeout=30)
    assert answer.status_code == 503
    assert answer.json()["database us"] == "DatabaseFault"
    assert httpx.get(f"{running.admin}/metrics", timeout=30).status_code == 503
    assert httpx.get(f"{running.admin}/healthz", timeout=30).status_code == 200


def test_the_worker_beside_the_pages_ends_with_them(sealed: Any, tmp_path: Path) -> None:
    running = Served(sealed, tmp_path / "log")
    process = Path("/proc") / str(running.process.pid)
    workers = [int(child) for child in (process / "task" / process.name / "children").read_text().split()]
    assert workers
    running.close()
    assert [worker for worker in workers if (Path("/proc") / str(worker)).exists()] == []


def test_the_admin_port_and_the_pages_are_apart(served: tuple[Any, Served]) -> None:
    _cli, running = served
    for path in ("/metrics", "/readyz", "/healthz"):
        assert httpx.get(f"{running.pages}{path}", timeout=30).status_code == 404
    assert httpx.get(f"{running.admin}/sign-in", timeout=30).status_code == 404


def test_a_life_in_the_log_has_no_personal_value(served: tuple[Any, Served]) -> None:
    cli, running = served
    planted = [PLANTED, "Ada Example", "+1 555 0100", *(value.decode() for value in cli.raw())]
    for value in planted[:3]:
        httpx.get(f"{running.pages}/sign-in", params={"q": value}, headers={"User-Agent": PLANTED}, timeout=30)
        httpx.post(f"{running.pages}/sign-in/{PLANTED}", data={"name": value}, timeout=30)
        httpx.get(f"{running.pages}/work/{PLANTED}", cookies={"room": PLANTED}, timeout=30)
    (cli.root / "places/us/db.sqlite").write_bytes(b"Ada Example" * 1000)
    httpx.get(f"{running.pages}/api/health", timeout=30)
    code = "from readingroom.cli.main import run; run()"
    worker = [sys.executable, "-c", code, "-C", str(cli.root), "worker", "--once", "--log-json"]
    done = subprocess.run(worker, capture_output=True, text=True, check=False)
    lines = running.log.read_text(encoding="utf-8").splitlines()
    structured = [json.loads(line) for line in lines if line.startswith("{")]
    assert sum(line["event"] == "request" for line in structured) >= 9
    assert {key for line in structured for key in line} <= {
        "time", "level", "event", "ms", "status", "count", "failed", "method", "route", "duty", "role", "error",
        "logger", "line", "file",
    }  # fmt: skip
    for value in planted:
        assert not [line for line in structured if value in json.dumps(line)]
        assert value not in done.stdout + done.stderr


def test_each_round_of_the_worker_is_one_line(sealed: Any) -> None:
    code = "from readingroom.cli.main import run; run()"
    command = [sys.executable, "-c", code, "-C", str(sealed.root), "worker", "--once", "--log-json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    told = [(line["event"], line.get("role"), line.get("failed")) for line in lines]
    assert told == [("round", "worker", 0)], done.stderr[:3000]
    assert done.stdout == ""
