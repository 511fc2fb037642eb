"""The contract of ObjectStore, on every implementation: a folder, and a bucket that speaks S3 (moto's server)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from readingroom.core.errors import BadSetting, ObjectExists, ObjectMissing, Refusal, StoreFault, UsageError
from readingroom.core.ids import new_id
from readingroom.stores.opening import create_store, open_store
from readingroom.stores.store import ObjectStore, WriteOnlyStore

_SERVER = """
import sys, boto3
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
host, port = server.get_host_and_port()
client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1")
client.create_bucket(Bucket="plain")
client.create_bucket(Bucket="versioned")
client.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
print(port, flush=True)
sys.stdin.read()
"""

_RACER = """
import sys
from readingroom.core.errors import ObjectExists
from readingroom.stores.opening import open_store
store = open_store(sys.argv[1])
for number in range(30):
    try:
        store.put(f"race/{number}", sys.argv[2].encode())
        print(number)
    except ObjectExists:
        pass
"""

_CLIMBING = (
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "../a",
    "a/../b",
    "a/./b",
    ".hidden",
    ".lock",
    ".staging/x",
    "a/.b",
)
_QUOTING = ("a b", "a%2Fb", "a#1", "a\\b", "a\n", "a\x00b", "ä", "a:b", "a*", "~")
_BAD_BUCKETS = (
    "s3://",
    "s3://key:secret@bucket/x",
    "s3://bucket/../x",
    "s3://bucket/x?endpoint=http://example.com",
    "s3://bucket/x?secret=y",
)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "example")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "example")
        command = [sys.executable, "-c", _SERVER]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as server:
            assert server.stdout
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
            server.kill()


@pytest.fixture(params=["local", "s3"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "local":
        return str(tmp_path / "objects")
    return f"s3://plain/{new_id('test')}?endpoint={request.getfixturevalue('s3')}"


@pytest.fixture
def store(where: str) -> ObjectStore:
    return create_store(where)


@pytest.mark.parametrize("data", [b"", b"sealed", bytes(7 * 1024 * 1024)], ids=["empty", "short", "7 MiB"])
def test_what_is_put_is_got(store: ObjectStore, data: bytes) -> None:
    store.put("fictional/marketing/2026-11-23/cp-1/p-00001.parquet", data)
    assert store.get("fictional/marketing/2026-11-23/cp-1/p-00001.parquet") == data
    assert store.size("fictional/marketing/2026-11-23/cp-1/p-00001.parquet") == len(data)


def test_an_object_is_written_once(store: ObjectStore) -> None:
    store.put("a/b", b"first")
    with pytest.raises(ObjectExists):
        store.put("a/b", b"second")
    with pytest.raises(ObjectExists):
        store.put("a/b", b"first")
    assert store.get("a/b") == b"first"
    assert list(store.list("")) == ["a/b"]


def test_what_is_not_there_is_missing(store: ObjectStore) -> None:
    store.put("a/b", b"x")
    for path in ("a/c", "a", "b/a", "a/b/c"):
        with pytest.raises((ObjectMissing, StoreFault)):
            store.get(path)
        with pytest.raises((ObjectMissing, StoreFault)):
            store.size(path)
    with pytest.raises(ObjectMissing):
        store.get("a/c")
    with pytest.raises(ObjectMissing):
        store.size("a/c")


def test_delete_is_idempotent_and_leaves_room(store: ObjectStore) -> None:
    store.put("a/b/c", b"first")
    store.delete("a/b/c")
    store.delete("a/b/c")
    store.delete("never/was")
    with pytest.raises(ObjectMissing):
        store.get("a/b/c")
    assert list(store.list("")) == []
    store.put("a/b/c", b"second")
    assert store.get("a/b/c") == b"second"


def test_list_is_complete_sorted_and_goes_by_folders(store: ObjectStore) -> None:
    paths = [f"t/{number % 7}/{number:04d}" for number in range(1005)]  # more than one page of S3
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda path: store.put(path, b"x"), paths))
    store.put("tt/0/x", b"x")
    assert list(store.list("t")) == sorted(paths)
    assert list(store.list("")) == sorted([*paths, "tt/0/x"])
    assert list(store.list("t/3")) == sorted(path for path in paths if path.startswith("t/3/"))
    assert list(store.list("nothing")) == []


@pytest.mark.parametrize(
    "path",
    [*_CLIMBING, *_QUOTING, "x" * 129, "/".join(["abcdefgh"] * 60)],
)
def test_no_path_climbs_hides_or_quotes(store: ObjectStore, path: str) -> None:
    for act in (store.get, store.size, store.delete, lambda p: store.put(p, b"x")):
        with pytest.raises(UsageError):
            act(path)
    if path:
        with pytest.raises(UsageError):
            store.list(path)
    assert list(store.list("")) == []


def test_of_many_threads_one_writes(store: ObjectStore) -> None:
    def attempt(number: int) -> bool:
        try:
            store.put("race/one", str(number).encode())
        except ObjectExists:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        winners = [number for number, won in enumerate(threads.map(attempt, range(32))) if won]
    assert len(winners) == 1
    assert store.get("race/one") == str(winners[0]).encode()


def test_of_many_processes_one_writes_each_path(store: ObjectStore, where: str) -> None:
    racers = [
        subprocess.Popen([sys.executable, "-c", _RACER, where, str(n)], stdout=subprocess.PIPE, text=True)
        for n in range(3)
    ]
    wins = [[int(line) for line in racer.communicate(timeout=60)[0].split()] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert sorted(number for won in wins for number in won) == list(range(30))
    for racer, won in enumerate(wins):
        assert all(store.get(f"race/{number}") == str(racer).encode() for number in won)


def test_create_never_overwrites_and_load_gives_the_same_objects(store: ObjectStore, where: str) -> None:
    store.put("a/b", b"x")
    with pytest.raises(StoreFault):
        create_store(where)
    assert open_store(where).get("a/b") == b"x"
    assert store.sweep() == 0


def test_a_write_only_store_gives_nothing_back(store: ObjectStore) -> None:
    # P25: a process of another geo may write schemas to the schema place and read none
    fenced = WriteOnlyStore(store)
    fenced.put("a/b", b"x")
    reads: list[Callable[[str], object]] = [fenced.get, fenced.list, fenced.size]
    for read in reads:
        with pytest.raises(Refusal):
            read("a/b")
    assert store.get("a/b") == b"x"
    fenced.delete("a/b")
    assert list(store.list("")) == []
    assert fenced.sweep() == 0


def test_load_never_creates(tmp_path: Path) -> None:
    with pytest.raises(StoreFault):
        open_store(tmp_path / "nothing")
    with pytest.raises(StoreFault):
        open_store(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_bucket_with_versions_is_refused(s3: str) -> None:
    with pytest.raises(StoreFault, match="versions"):
        open_store(f"s3://versioned/x?endpoint={s3}")


def test_a_bucket_that_is_not_there_is_a_fault(s3: str) -> None:
    with pytest.raises(StoreFault) as caught:
        open_store(f"s3://absent/x?endpoint={s3}")
    assert "absent" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "where",
    ["", "ftp://host/x", "az://container", *_BAD_BUCKETS],
)
def test_a_store_that_cannot_be_is_refused(where: str) -> None:
    with pytest.raises((BadSetting, UsageError)) as caught:
        open_store(where)
    assert "secret@" not in str(caught.value)
