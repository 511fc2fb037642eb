"""Fixtures that every kind of test may ask for."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from readingroom.core.clock import FixedClock

SHARED = Path(__file__).parent.parent.parent / "shared"
START = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real input; a test that needs it is skipped, with a message, where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip("../shared/data is absent")
    return SHARED


def _postgres_bin() -> Path | None:
    for folder in (Path("/usr/lib/postgresql/15/bin"), *map(Path, os.environ.get("PATH", "").split(":"))):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


def _as_owner(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root; the machine's `postgres` user runs it then."""
    return (
        ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        if os.geteuid() == 0
        else command
    )


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL 15 on a free loopback port, for this session; skipped where it is not installed."""
    folder = _postgres_bin()
    if folder is None:
        pytest.skip("PostgreSQL 15 is not installed")
    home = Path("/tmp") / f"readingroom-pg-{os.getpid()}"  # noqa: S108 - the postgres user must reach it
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o755)
    if os.geteuid() == 0:
        shutil.chown(home, "postgres", "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = home / "data"
    subprocess.run(
        _as_owner([str(folder / "initdb"), "-D", str(data), "-U", "room", "-A", "trust", "-E", "UTF8", "--no-sync"]),
        check=True,
        capture_output=True,
        cwd=home,
    )
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={home}"
    control = [str(folder / "pg_ctl"), "-D", str(data), "-w", "-l", str(home / "log")]
    subprocess.run(_as_owner([*control, "-o", options, "start"]), check=True, capture_output=True, cwd=home)
    try:
        yield f"postgresql+psycopg://room@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run(_as_owner([*control, "-m", "immediate", "stop"]), check=False, capture_output=True, cwd=home)
        shutil.rmtree(home, ignore_errors=True)
