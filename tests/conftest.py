"""Fixtures that every kind of test may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import ground
from readingroom.bootstrap import DATABASE_VARIABLE
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


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL 15 on a free loopback port, for this session; skipped where it is not installed."""
    folder = ground.postgres_bin()
    if folder is None:
        pytest.skip("PostgreSQL 15 is not installed")
    with ground.server(folder) as url:
        yield url


@pytest.fixture(scope="session", autouse=True)
def rooms_ground(request: pytest.FixtureRequest) -> Iterator[None]:
    """Where rooms stand: in their folder, or on PostgreSQL with READINGROOM_TEST_DATABASE=postgresql."""
    if not ground.wanted():
        yield
        return
    if ground.postgres_bin() is None:
        pytest.fail("READINGROOM_TEST_DATABASE=postgresql, and PostgreSQL 15 is not installed")
    os.environ[DATABASE_VARIABLE] = ground.server_url(request.getfixturevalue("postgres_url"))
    yield
    del os.environ[DATABASE_VARIABLE]


@pytest.fixture(scope="session")
def cleaner(rooms_ground: None) -> Iterator[ground.Cleaner]:
    """Drops databases of rooms that nobody needs any more."""
    made = ground.Cleaner()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def rooms_go(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test's own rooms leave no databases behind on PostgreSQL."""
    if not ground.wanted() or "tmp_path" not in request.fixturenames:
        yield
        return
    folder, found = request.getfixturevalue("tmp_path"), request.getfixturevalue("cleaner")
    found.mark()
    yield
    found.clean(folder)
