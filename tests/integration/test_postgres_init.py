"""`init --database`: what it makes, what it refuses, and that a password stands in one file alone."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import insert, text

from ground import behind, server_url
from readingroom.bootstrap import DATABASE_VARIABLE, init, open_house, remove_simulation
from readingroom.cli.main import execute
from readingroom.core.clock import SystemClock
from readingroom.core.errors import BadSetting, DatabaseFault, UsageError
from readingroom.core.ids import PlaceName
from readingroom.db import cluster
from readingroom.db.engines import EVERY_TENANT
from readingroom.db.schema import PLACE
from readingroom.house import House
from readingroom.keys.roles import Role

pytestmark = pytest.mark.postgres
US = PlaceName("us")


def stem() -> str:
    return f"i{secrets.token_hex(5)}"


def names(url: str) -> set[str]:
    """Every database and login of the server."""
    with psycopg.connect(server_url(url, "postgres")) as admin:
        rows = admin.execute("SELECT datname FROM pg_database UNION SELECT rolname FROM pg_roles").fetchall()
    return {name for (name,) in rows}


@contextmanager
def opened(root: Path, role: Role = Role.WORKER) -> Iterator[House]:
    house = open_house(root, role)
    try:
        yield house
    finally:
        for database in (house.db, *(place.db for place in house.places.values())):
            database.close()


def test_every_place_has_its_own_database_and_no_secret_is_in_a_setting(postgres_url: str, tmp_path: Path) -> None:
    name = stem()
    init(tmp_path / "room", simulation=True, database=server_url(postgres_url, name))
    assert {f"{name}_room", f"{name}_us", f"{name}_eu", f"{name}_schema_us"} <= names(postgres_url)
    written = (tmp_path / "room" / "room.toml").read_text(encoding="utf-8")
    assert f"/{name}_us" in written
    found = sorted((tmp_path / "room").rglob("*.pgpass"))
    assert len(found) == 20  # a room and three places, five roles each
    for passfile in found:
        assert passfile.stat().st_mode & 0o077 == 0
        for line in passfile.read_text(encoding="utf-8").splitlines():
            password = line.rsplit(":", 1)[1]
            holders = [path for path in (tmp_path / "room").rglob("*") if path.is_file()]
            assert all(path.suffix == ".pgpass" for path in holders if password.encode() in path.read_bytes())
    with opened(tmp_path / "room") as house:
        assert "passfile" in str(house.db.engine.url)


def test_a_deputy_who_is_no_superuser_can_make_a_room(postgres_url: str, tmp_path: Path) -> None:
    name, deputy = stem(), f"deputy_{secrets.token_hex(3)}"
    with psycopg.connect(server_url(postgres_url, "postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD 'x'").format(sql.Identifier(deputy)))
    passfile = tmp_path / "deputy.pgpass"
    passfile.write_text(f"*:*:*:{deputy}:x\n")
    passfile.chmod(0o600)
    url = server_url(postgres_url, name).replace("room@", f"{deputy}@") + f"?passfile={passfile}"
    init(tmp_path / "room", simulation=True, database=url)
    assert "deputy" not in (tmp_path / "room" / "room.toml").read_text(encoding="utf-8")
    with opened(tmp_path / "room") as house:
        house.place(US).db.checkpoint()


def test_what_is_there_is_never_touched(postgres_url: str, tmp_path: Path) -> None:
    name = stem()
    init(tmp_path / "one", simulation=True, database=server_url(postgres_url, name))
    before = names(postgres_url)
    with pytest.raises(DatabaseFault, match="never overwrites"):
        init(tmp_path / "two", simulation=True, database=server_url(postgres_url, name))
    assert not (tmp_path / "two").exists()
    assert names(postgres_url) == before
    with opened(tmp_path / "one"):
        pass


def test_a_failure_half_way_takes_everything_back(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = names(postgres_url)

    def fail(*_arguments: object) -> None:
        raise DatabaseFault("the disk is full")

    monkeypatch.setattr("readingroom.bootstrap.create_log", fail)
    with pytest.raises(DatabaseFault, match="disk"):
        init(tmp_path / "room", simulation=True, database=server_url(postgres_url, stem()))
    assert names(postgres_url) == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://room@127.0.0.1:1/x", "nobody listens"),
        ("postgresql://room@no-such-host.invalid/x", "no such host"),
        ("postgresql://room:Secret-Word@127.0.0.1/x", "passfile"),
        ("postgresql://room@127.0.0.1/x?password=Secret-Word", "passfile"),
        ("mysql://room@127.0.0.1/x", "only PostgreSQL"),
        ("Secret-Word", "not a database URL"),
        ("postgresql://room@127.0.0.1/Quoted-Name", "small letters"),
        ("postgresql://room@127.0.0.1/" + "x" * 41, "40 at most"),
    ],
)
def test_a_url_that_cannot_be_used_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str, words: str
) -> None:
    assert execute(["init", str(tmp_path / "room"), "--database", url]) in {1, 2}
    told = capsys.readouterr()
    assert words in told.err
    assert "Secret-Word" not in told.err + told.out
    assert list(tmp_path.iterdir()) == []


def test_a_login_without_rights_or_with_a_wrong_password_says_so(postgres_url: str, tmp_path: Path) -> None:
    poor = f"poor_{secrets.token_hex(3)}"
    with psycopg.connect(server_url(postgres_url, "postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'right'").format(sql.Identifier(poor)))
    for password, kind, words in (("right", UsageError, "CREATEDB"), ("wrong", DatabaseFault, "refuses the password")):
        passfile = tmp_path / f"{password}.pgpass"
        passfile.write_text(f"*:*:*:{poor}:{password}\n")
        passfile.chmod(0o600)
        url = server_url(postgres_url, stem()).replace("room@", f"{poor}@") + f"?passfile={passfile}"
        with pytest.raises(kind, match=words):
            init(tmp_path / "room", simulation=True, database=url)


def test_an_older_server_is_refused(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "OLDEST", 990_000)
    with pytest.raises(DatabaseFault, match="needs 99"):
        init(tmp_path / "room", simulation=True, database=server_url(postgres_url, stem()))


def test_a_password_in_room_toml_stops_the_start(postgres_url: str, tmp_path: Path) -> None:
    root, name = tmp_path / "room", stem()
    init(root, simulation=True, database=server_url(postgres_url, name))
    path = root / "room.toml"
    path.write_text(path.read_text("utf-8").replace(f"{name}_us@", f"{name}_us:secret@"), "utf-8")
    with pytest.raises(BadSetting, match="passfile"):
        open_house(root, Role.WEB)


def test_deleted_rows_leave_the_tables_files(postgres_url: str, tmp_path: Path) -> None:
    """A plain VACUUM keeps the bytes in the page; `checkpoint` does not."""
    init(tmp_path / "room", simulation=True, database=server_url(postgres_url, stem()))
    marker = secrets.token_hex(16)
    withheld = PLACE.tables["withheld"]
    row = {"tenant": "acme", "item": "item-1", "reason": "flagged", "since": SystemClock().now()}
    with opened(tmp_path / "room") as house:
        database = house.place(US).db
        with behind(database).connect().execution_options(isolation_level="AUTOCOMMIT") as admin:
            for number in range(20):  # the last row stands where nothing will be moved over it
                admin.execute(insert(withheld).values(**row, id=f"w-{number}", request=marker if number == 19 else ""))
            admin.execute(text(f"DELETE FROM withheld WHERE request = '{marker}'"))
            assert _on_disk(admin, marker)
            admin.execute(text("VACUUM withheld"))
            assert _on_disk(admin, marker)  # why VACUUM alone will not do
            database.checkpoint()
            assert not _on_disk(admin, marker)


def test_a_checkpoint_waits_for_a_reader_and_loses_nothing(postgres_url: str, tmp_path: Path) -> None:
    init(tmp_path / "room", simulation=True, database=server_url(postgres_url, stem()))
    with opened(tmp_path / "room") as house:
        database = house.place(US).db
        with database.read(EVERY_TENANT) as connection:
            connection.execute(text("SELECT count(*) FROM copies"))
            waiting = threading.Thread(target=database.checkpoint)
            waiting.start()
            waiting.join(0.5)
            assert waiting.is_alive()
        waiting.join(30)
        assert not waiting.is_alive()


def test_a_simulation_room_is_removed_with_its_databases_and_logins(postgres_url: str, tmp_path: Path) -> None:
    before, url = names(postgres_url), server_url(postgres_url, stem())
    for _ in range(2):  # the name is free again
        init(tmp_path / "room", simulation=True, database=url)
        remove_simulation(tmp_path / "room", url)
        assert not (tmp_path / "room").exists()
        assert names(postgres_url) == before


def test_a_room_is_removed_from_its_own_server_only(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server_url(postgres_url, stem())
    init(tmp_path / "real", simulation=False, database=url)
    with pytest.raises(UsageError, match="no simulation"):
        remove_simulation(tmp_path / "real", url)
    url = server_url(postgres_url, stem())
    init(tmp_path / "room", simulation=True, database=url)
    with pytest.raises(DatabaseFault, match="another server"):
        remove_simulation(tmp_path / "room", url.replace("127.0.0.1", "localhost"))
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    with pytest.raises(UsageError, match="--database"):
        remove_simulation(tmp_path / "room")
    for kept in ("real", "room"):
        with opened(tmp_path / kept):
            pass


def _on_disk(admin: object, marker: str) -> bool:
    """Whether the table's own file, as written to disk, holds the marker."""
    admin.execute(text("CHECKPOINT"))  # type: ignore[attr-defined]
    query = text("SELECT pg_read_binary_file(pg_relation_filepath('withheld'))")
    return marker.encode() in bytes(admin.execute(query).scalar())  # type: ignore[attr-defined]
