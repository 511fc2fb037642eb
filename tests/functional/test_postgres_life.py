"""On PostgreSQL: a whole engagement from init to purge, and a room that goes to the oldest revision and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from ground import beside, server_url
from readingroom.bootstrap import DATABASE_VARIABLE
from readingroom.copies.tables import COPIES
from readingroom.core.errors import DatabaseFault
from readingroom.core.ids import PlaceName, TenantName
from readingroom.db.engines import EVERY_TENANT
from readingroom.db.schema import PLACE
from readingroom.keys.roles import Role

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


def test_a_room_with_data_goes_down_and_up_again(cli: Any) -> None:
    """Rows, policies and grants come back with the tables; what the oldest release did not know is lost."""
    cli.do("engagement", "opt-in", "alpha", "--by", "admin@alpha.example")
    cli.do("copy", "run", "alpha", "--category", "marketing")
    cli.grant("ada")
    cli.do("review", "next", "--as", "ada")
    kept = ("copies", "parts", "objects", "items", "views", "events", "labels")
    before = {name: rows(cli, name) for name in kept}
    assert all(before[name] for name in kept if name != "labels")
    cli.do("upgrade", "--yes", "--down", "room:0001", "--down", "place:0001")
    refused = cli("copy", "list")
    assert (refused.code, "readingroom upgrade" in refused.err) == (1, True)
    cli.do("upgrade", "--yes")
    after = {name: rows(cli, name) for name in kept}
    assert after == before
    with cli.house(Role.WEB) as house:
        with house.places["us"].db.read(TenantName("beta")) as connection:
            assert connection.scalars(select(COPIES.c.id)).all() == []  # the policies came back, too
        with pytest.raises(DatabaseFault), house.places["us"].db.read(EVERY_TENANT) as connection:
            connection.execute(select(PLACE.tables["erasure_triggers"])).all()  # and the grants
    cli.do("audit", "verify")
    cli.do("engagement", "opt-out", "alpha")
    assert [copy["state"] for copy in cli.copies()] == ["purged"]


def rows(cli: Any, table: str) -> int:
    with beside(cli.root, PlaceName("us")).connect() as connection:
        return int(connection.scalar(select(func.count()).select_from(PLACE.tables[table])) or 0)
