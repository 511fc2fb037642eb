"""What a folder store keeps when the machine or the process goes away."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from readingroom.core.errors import StoreFault
from readingroom.stores.local import LocalStore

_ONE_PUT = """
import sys
from pathlib import Path
from readingroom.stores.local import LocalStore
LocalStore.load(Path(sys.argv[1])).put("new/folder/object", b"sealed")
"""

_ENDLESS = """
import itertools, sys
from pathlib import Path
from readingroom.stores.local import LocalStore
store = LocalStore.load(Path(sys.argv[1]))
for number in itertools.count():
    store.put(f"a/{number}", bytes(300_000))
    print(number, flush=True)
"""

_FORK = """
import os, sys
from pathlib import Path
from readingroom.core.errors import StoreFault
from readingroom.stores.local import LocalStore
store = LocalStore.load(Path(sys.argv[1]))
store.put("a/parent", b"x")
child = os.fork()
if child == 0:
    try:
        LocalStore.load(Path(sys.argv[1])).put("a/child", b"x")
    except StoreFault as fault:
        os._exit(7 if "spawn" in str(fault) else 1)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    LocalStore.create(tmp_path / "objects")
    return tmp_path / "objects"


@pytest.mark.skipif(not shutil.which("strace"), reason="strace shows the order of system calls")
def test_bytes_are_on_disk_before_the_name_and_the_name_before_put_returns(root: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    watched = "trace=fsync,link,linkat,mkdir,mkdirat,unlink,unlinkat"
    command = ["strace", "-f", "-y", "-e", watched, "-o", str(trace), sys.executable, "-c", _ONE_PUT, str(root)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("this machine does not allow tracing")
    lines = [line for line in trace.read_text().splitlines() if str(root) in line and " = 0" in line]

    def first(*words: str) -> int:
        return next(n for n, line in enumerate(lines) if all(word in line for word in words))

    staged = first("fsync(", ".staging/")
    named = first("link", "new/folder/object")
    assert staged < named
    assert named < first("fsync(", "new/folder>")
    for made, above in (("objects/new", "objects>"), ("objects/new/folder", "objects/new>")):
        assert first("mkdir", f'{made}"') < first("fsync(", above) < named


def test_a_writer_killed_at_any_moment_leaves_whole_objects_or_none(root: Path) -> None:
    for delay in (0.0, 0.003, 0.011):
        with subprocess.Popen([sys.executable, "-c", _ENDLESS, str(root)], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout
            writer.stdout.readline()
            time.sleep(delay)
            writer.send_signal(signal.SIGKILL)
            acknowledged = [0, *(int(line) for line in writer.stdout.read().split())]
        store = LocalStore.load(root)
        found = list(store.list(""))
        assert {f"a/{number}" for number in acknowledged} <= set(found)
        assert all(store.size(path) == 300_000 for path in found)
        store.sweep()
        assert {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()} == {".lock", *found}
        for path in found:
            store.delete(path)
        assert sorted(path.name for path in root.iterdir()) == [".lock", ".staging"]


def test_leftovers_are_never_listed_and_swept(root: Path) -> None:
    store = LocalStore.load(root)
    store.put("a/b/object", b"x")
    (root / ".staging" / "0123").write_bytes(b"half")
    (root / ".staging" / "0123#1").write_bytes(b"half")
    (root / "a" / "b" / "other#2").write_bytes(b"half")
    (root / "empty" / "folders").mkdir(parents=True)
    assert list(store.list("")) == ["a/b/object"]
    assert store.sweep() == 3
    assert store.sweep() == 0
    names = {str(path.relative_to(root)) for path in root.rglob("*")}
    assert names == {".lock", ".staging", "a", "a/b", "a/b/object"}


def test_a_file_that_no_put_made_stops_the_listing(root: Path) -> None:
    # P25: a store holds nothing else; a stray file is found, not skipped
    store = LocalStore.load(root)
    store.put("a/object", b"x")
    (root / "a" / "Ada Example.csv").write_bytes(b"raw")
    with pytest.raises(StoreFault) as caught:
        store.list("")
    assert "Ada" not in str(caught.value)


def test_only_the_owner_can_look_inside(root: Path) -> None:
    store = LocalStore.load(root)
    store.put("a/b/object", b"x")
    for folder in (root, root / ".staging", root / "a", root / "a" / "b"):
        assert folder.stat().st_mode & 0o077 == 0


def test_delete_leaves_no_folder_that_names_a_copy(root: Path) -> None:
    store = LocalStore.load(root)
    store.put("fictional/query/2026-11-23/cp-1/p-00001.parquet", b"x")
    store.put("fictional/query/2026-11-23/cp-2/p-00001.parquet", b"x")
    store.delete("fictional/query/2026-11-23/cp-1/p-00001.parquet")
    assert not (root / "fictional/query/2026-11-23/cp-1").exists()
    store.delete("fictional/query/2026-11-23/cp-2/p-00001.parquet")
    assert not (root / "fictional").exists()


def test_a_file_system_that_fails_is_a_store_fault(root: Path) -> None:
    store = LocalStore.load(root)
    (root / "blocked").write_bytes(b"a file where a folder should be")
    with pytest.raises(StoreFault):
        store.put("blocked/object", b"x")
    assert list((root / ".staging").iterdir()) == []


def test_a_forked_child_is_told_and_does_not_wait_for_ever(root: Path) -> None:
    command = [sys.executable, "-c", _FORK, str(root)]
    run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    assert run.stdout.strip() == "7"
