"""The rules behind the doctor, the logs and the backup's seal: pure, or beside a temporary folder."""

from __future__ import annotations

import io
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from readingroom.core.errors import KeyFault, UsageError
from readingroom.keys.roles import Role, RoleKeys
from readingroom.operations.findings import Weight, check_beat, check_clock, check_disk, check_overdue
from readingroom.operations.heartbeat import beat, last_beat
from readingroom.operations.logs import KEYS, JsonLines
from readingroom.operations.vault import FORMAT, Sealer, read_manifest, write_manifest

NOW = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
GIB = 1 << 30
MARKER = "Ada Example"


@pytest.mark.parametrize(
    ("free", "total", "weight"),
    [
        (100 * GIB, 200 * GIB, None),
        (15 * GIB, 200 * GIB, Weight.WARNING),
        (1 * GIB, 4 * GIB, Weight.WARNING),
        (200 << 20, 1 * GIB, Weight.FAULT),
        (3 * GIB, 200 * GIB, Weight.FAULT),
        (0, 0, Weight.FAULT),
    ],
)
def test_disk(free: int, total: int, weight: Weight | None) -> None:
    assert [one.weight for one in check_disk(free, total, where="/")] == ([weight] if weight else [])


def test_clock_behind_the_register_is_a_fault() -> None:
    assert check_clock(NOW, None, where="") == []
    assert check_clock(NOW, NOW + timedelta(seconds=4), where="") == []
    assert check_clock(NOW, NOW + timedelta(hours=1), where="")[0].what == "the clock is 3600 s behind the newest event"


def test_a_silent_worker_is_a_fault_and_none_yet_a_warning() -> None:
    assert check_beat(NOW, None)[0].weight is Weight.WARNING
    assert check_beat(NOW, NOW - timedelta(minutes=2)) == []
    assert check_beat(NOW, NOW - timedelta(minutes=20))[0].weight is Weight.FAULT


def test_overdue_has_a_grace_and_the_oldest_comes_first() -> None:
    late = [(NOW - timedelta(hours=1), "b"), (NOW - timedelta(days=1), "a"), (NOW - timedelta(minutes=1), "c")]
    assert [one.where for one in check_overdue(NOW, [*late, (NOW + timedelta(days=1), "d")])] == ["a", "b"]


def test_a_beat_is_read_back_and_rubbish_is_none(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    assert last_beat(tmp_path) is None
    beat(tmp_path, NOW, ["recover"])
    found = last_beat(tmp_path)
    assert found is not None
    assert (found.at, found.failed) == (NOW, ("recover",))
    (tmp_path / "room" / "worker.beat").write_text("{", encoding="utf-8")
    assert last_beat(tmp_path) is None


def lines_of(act: object, *args: object, **extra: object) -> dict[str, object]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger(f"test.{MARKER}")
    logger.propagate = False
    logger.handlers[:] = [handler]
    logger.error(act, *args, extra=extra)
    return dict(json.loads(stream.getvalue()))


def test_a_known_event_shows_its_keys() -> None:
    line = lines_of("request", route="/work/{item}", method="GET", status=200, ms=1.5)
    assert {key: line[key] for key in ("event", "route", "method", "status", "ms")} == {
        "event": "request",
        "route": "/work/{item}",
        "method": "GET",
        "status": 200,
        "ms": 1.5,
    }


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_value_that_does_not_fit_its_key_is_left_out(key: str) -> None:
    assert key not in lines_of("request", **{key: MARKER})
    assert MARKER not in json.dumps(lines_of("request", **{key: MARKER}))


def test_no_message_argument_extra_or_exception_comes_out() -> None:
    assert MARKER not in json.dumps(lines_of(f"read {MARKER}"))
    assert MARKER not in json.dumps(lines_of("%s failed", MARKER))
    assert MARKER not in json.dumps(lines_of("request %s", MARKER))
    assert MARKER not in json.dumps(lines_of("request", somebody=MARKER))
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("test.exception")
    logger.propagate = False
    logger.handlers[:] = [handler]
    try:
        int(MARKER)
    except ValueError:
        logger.exception("request", stack_info=True)
    assert MARKER not in stream.getvalue()
    assert json.loads(stream.getvalue())["event"] == "request"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> RoleKeys:
    folder = tmp_path_factory.mktemp("roles") / "roles"
    RoleKeys.create_all(folder)
    return RoleKeys.load(folder, Role.WORKER)


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_a_seal_opens_with_the_workers_key(size: int, keys: RoleKeys, tmp_path: Path) -> None:
    plain, sealed, out = tmp_path / "plain", tmp_path / "sealed", tmp_path / "out"
    plain.write_bytes(b"x" * size)
    sealer = Sealer.fresh("backup-1")
    sealer.seal(plain, sealed, name="us.db")
    Sealer.opened("backup-1", sealer.box(keys), keys).unseal(sealed, out, name="us.db")
    assert out.read_bytes() == plain.read_bytes()
    assert size == 0 or b"xxxx" not in sealed.read_bytes()


def test_a_seal_is_bound_to_its_backup_file_order_and_end(keys: RoleKeys, tmp_path: Path) -> None:
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    plain.write_bytes(b"a" * (1 << 20) + b"b" * (1 << 20) + b"c")
    sealer = Sealer.fresh("backup-1")
    sealer.seal(plain, sealed, name="us.db")
    data, chunk = sealed.read_bytes(), (1 << 20) + 16
    wrong = {
        "cut": data[: 2 * chunk],
        "turned": data[chunk : 2 * chunk] + data[:chunk] + data[2 * chunk :],
        "flipped": data[:-1] + bytes([data[-1] ^ 1]),
        "longer": data + b"x",
        "empty": b"",
    }
    for kind, bytes_ in wrong.items():
        path = tmp_path / kind
        path.write_bytes(bytes_)
        with pytest.raises(KeyFault):
            sealer.unseal(path, tmp_path / f"{kind}.out", name="us.db")
        assert not (tmp_path / f"{kind}.out").exists()
    with pytest.raises(KeyFault):
        sealer.unseal(sealed, tmp_path / "other", name="eu.db")
    with pytest.raises(KeyFault):
        Sealer.opened("backup-2", sealer.box(keys), keys)


def test_a_list_is_believed_only_with_the_workers_signature(keys: RoleKeys, tmp_path: Path) -> None:
    write_manifest(tmp_path, {"format": FORMAT, "files": {}}, keys)
    assert read_manifest(tmp_path, keys.public(Role.WORKER))["files"] == {}
    with pytest.raises(KeyFault):
        read_manifest(tmp_path, keys.public(Role.WEB))
    with pytest.raises(UsageError):
        read_manifest(tmp_path / "nowhere", keys.public(Role.WORKER))
