"""Several processes at once on PostgreSQL: every one ends as it should, and none waits for a lock that never comes.

A deadlock or a lock that is held for good would end a command as a fault (exit 1), which no test here accepts.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ground import server_url
from readingroom.access.tables import VIEWS
from readingroom.audit.tables import PLACE_EVENTS
from readingroom.bootstrap import DATABASE_VARIABLE
from readingroom.copies.tables import CERTIFICATES
from readingroom.db.engines import EVERY_TENANT
from readingroom.keys.roles import Role

pytestmark = pytest.mark.postgres
OPT_IN = ("engagement", "opt-in")


@pytest.fixture
def cli(postgres_url: str, tiny_made: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv(DATABASE_VARIABLE, server_url(postgres_url))
    return tiny_made()


def ends(launcher: Any, cli: Any, *commands: tuple[str, ...]) -> list[int]:
    """Start all of them, then wait for each; their exit codes."""
    return [running.wait()[0] for running in [launcher.start(cli, *words) for words in commands]]


def test_first_opt_ins_at_once(cli: Any, launcher: Any) -> None:
    alpha, beta = ((*OPT_IN, name, "--by", f"admin@{name}.example") for name in ("alpha", "beta"))
    codes = ends(launcher, cli, alpha, beta, alpha, beta, alpha)
    assert sorted(codes[0::2]) == [0, 3, 3]
    assert sorted(codes[1::2]) == [0, 3]
    for name in ("alpha", "beta"):
        assert cli.ask("engagement", "status", name)["state"] == "active"
    assert cli.ask("worker", "--once")["failed"] == []
    cli.do("audit", "verify")


def test_an_opt_out_while_people_look(cli: Any, launcher: Any) -> None:
    cli.do(*OPT_IN, "alpha", "--by", "admin@alpha.example")
    cli.do("copy", "run", "alpha", "--category", "marketing")
    for person in ("ada", "ben"):
        cli.grant(person)
    looks = [("review", "next", "--as", person) for person in ("ada", "ben")]
    codes = ends(
        launcher, cli, *looks, *looks, ("engagement", "opt-out", "alpha"), *looks, ("worker", "--once"), *looks
    )
    assert codes[4] == codes[7] == 0
    assert set(codes) <= {0, 3}, codes
    assert [copy["state"] for copy in cli.copies()] == ["purged"]
    assert cli("review", "next", "--as", "ada").code == 3
    with cli.house(Role.WORKER) as house, house.places["us"].db.read(EVERY_TENANT) as connection:
        seen = connection.scalars(select(VIEWS.c.at)).all()
        ended = select(PLACE_EVENTS.c.at).where(PLACE_EVENTS.c.name == "copy.purge_started")
        assert all(at <= connection.scalar(ended) for at in seen)
    cli.do("audit", "verify")


def test_workers_at_once(cli: Any, launcher: Any) -> None:
    for name in ("alpha", "beta"):
        cli.do(*OPT_IN, name, "--by", f"admin@{name}.example")
        cli.do("copy", "run", name, "--category", "marketing")
    cli.pass_time(days=29, hours=1)
    worker, purge = ("worker", "--once"), ("purge", "run")
    assert ends(launcher, cli, worker, purge, worker, purge) == [0, 0, 0, 0]
    assert {copy["state"] for copy in cli.copies()} == {"purged"}
    with cli.house(Role.WORKER) as house:
        for name in ("us", "eu"):
            with house.places[name].db.read(EVERY_TENANT) as connection:
                assert len(connection.scalars(select(CERTIFICATES.c.copy)).all()) == 1
                purged = select(PLACE_EVENTS.c.id).where(PLACE_EVENTS.c.name == "copy.purged")
                assert len(connection.scalars(purged).all()) == 1
    cli.do("audit", "verify")


def test_a_backup_is_refused_with_what_to_do_and_works_without_databases(cli: Any, tmp_path: Path) -> None:
    cli.do(*OPT_IN, "alpha", "--by", "admin@alpha.example")
    cli.do("copy", "run", "alpha", "--category", "marketing")
    done = cli("backup", tmp_path / "backup")
    assert done.code == 2
    assert "pg_dump" in done.err
    assert "--without-databases" in done.err
    assert not (tmp_path / "backup").exists()
    cli.do("backup", tmp_path / "backup", "--without-databases")
    assert not list((tmp_path / "backup").rglob("*.db"))
    cli.do("engagement", "opt-out", "alpha")
    told = cli.ask("restore", tmp_path / "backup")
    assert told["copies_lost"] == []
    assert [copy["state"] for copy in cli.copies()] == ["purged"]
    assert cli.holding(cli.raw()) == {}
    assert not list((cli.root / "places" / "us" / "objects").rglob("*.parquet"))
    cli.do("audit", "verify")
