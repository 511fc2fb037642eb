"""A whole engagement on PostgreSQL: init, copy, a grant, an erasure, an opt-out by time, the purge, the log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ground import server_url
from readingroom.bootstrap import DATABASE_VARIABLE

pytestmark = pytest.mark.postgres


@pytest.fixture
def cli(postgres_url: str, tiny_made: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv(DATABASE_VARIABLE, server_url(postgres_url))
    return tiny_made()


def test_the_life_of_a_copy(cli: Any, tmp_path: Path) -> None:
    assert not list(cli.root.rglob("db.sqlite"))
    for tenant in ("alpha", "beta"):
        cli.do("engagement", "opt-in", tenant, "--by", f"admin@{tenant}.example")
        cli.do("copy", "run", tenant, "--category", "marketing")
    cli.grant("ada")
    email = cli.somebody("email")
    (tmp_path / "who.txt").write_text(f"email: {email}\n", encoding="utf-8")
    cli.do("subject", "erase", "--tenant", "alpha", "--identifiers", tmp_path / "who.txt", "--request", "r-1")
    assert {copy["place"] for copy in cli.copies(state="sealed")} == {"us", "eu"}
    assert cli("audit", "verify").code == 0
    cli.do("clock", "advance", "31d")
    assert {copy["state"] for copy in cli.copies()} == {"purged"}
    assert cli("audit", "verify").code == 0
    assert cli("assure", "--json").code == 0
    assert not list(cli.root.rglob("db.sqlite"))
