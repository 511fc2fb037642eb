"""The Merkle tree, tiles, checkpoints and proofs against a naive RFC 6962 written from the definition."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from readingroom.audit.checkpoint import (
    Checkpoint,
    open_checkpoint,
    parse_verifier_key,
    sign_checkpoint,
    verifier_key,
)
from readingroom.audit.merkle import (
    check_consistency,
    check_inclusion,
    consistency_path,
    inclusion_path,
    leaf_hash,
    root_of,
    tree_root,
)
from readingroom.audit.proofs import verify_proof, write_proof
from readingroom.audit.tiles import CHECKPOINT, Tiles, extend, pack, replace_file, shape, tile_path, unpack
from readingroom.audit.verify import verify_log
from readingroom.core.errors import KeyFault, LogFault

ORIGIN = "log.example/test"
KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"a test key").digest())
PUBLIC = KEY.public_key().public_bytes_raw()

# files are forced to disk, so time is the machine's affair
with_files = settings(max_examples=20, deadline=None)
pure = settings(max_examples=60, deadline=None)
flips = settings(max_examples=200, deadline=None)


def mth(entries: Sequence[bytes]) -> bytes:
    """RFC 6962 2.1, word for word."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def audit_path(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 2.1.1, word for word."""
    if len(entries) == 1:
        return []
    k = 1
    while k * 2 < len(entries):
        k *= 2
    if m < k:
        return [*audit_path(m, entries[:k]), mth(entries[k:])]
    return [*audit_path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m: int, entries: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """RFC 6962 2.1.2, word for word."""
    n = len(entries)
    if m == n:
        return [] if whole else [mth(entries)]
    k = 1
    while k * 2 < n:
        k *= 2
    if m <= k:
        return [*subproof(m, entries[:k], whole=whole), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], whole=False), mth(entries[:k])]


def made(size: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(size)]


def decoded(note: str) -> bytes:
    """The bytes of a note's only signature line, as a forgiving reader takes them."""
    return base64.b64decode(note.rsplit(" ", 1)[1])


class Memory:
    """merkle.Node over entries in memory."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.entries = entries

    def __call__(self, level: int, index: int) -> bytes:
        part = self.entries[index << level : (index + 1) << level]
        assert len(part) == 1 << level  # only perfect subtrees are asked for
        return mth(part)


def write_log(folder: Path, entries: Sequence[bytes], *, steps: Sequence[int] = ()) -> None:
    """A signed log of `entries`, written in as many batches as `steps` says, with a checkpoint after each."""
    size = 0
    for until in (*sorted(step for step in steps if step < len(entries)), len(entries)):
        size = extend(folder, size, entries[size:until])
        head = Checkpoint(ORIGIN, size, tree_root(size, Tiles(folder, size).node))
        replace_file(folder, CHECKPOINT, sign_checkpoint(head, public=PUBLIC, sign=KEY.sign).encode())


@pure
@given(st.lists(st.binary(max_size=8), max_size=70))
def test_roots_are_those_of_the_definition(entries: list[bytes]) -> None:
    assert root_of([leaf_hash(entry) for entry in entries]) == mth(entries)
    assert tree_root(len(entries), Memory(entries)) == mth(entries)


@pure
@given(st.data())
def test_inclusion_paths_are_those_of_the_definition_and_verify(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 130))
    index = data.draw(st.integers(0, size - 1))
    entries = made(size)
    path = inclusion_path(index, size, Memory(entries))
    assert path == audit_path(index, entries)
    root = mth(entries)
    check_inclusion(leaf_hash(entries[index]), index, size=size, path=path, root=root)
    other = data.draw(st.integers(0, size).filter(lambda n: n != index))
    wrong: list[tuple[bytes, int, list[bytes], bytes]] = [
        (leaf_hash(b"another entry"), index, path, root),
        (leaf_hash(entries[index]), other, path, root),
        (leaf_hash(entries[index]), index, [*path, root], root),
        (leaf_hash(entries[index]), index, path, leaf_hash(b"another root")),
        *([(leaf_hash(entries[index]), index, path[:-1], root)] if path else []),
    ]
    for leaf, place, steps, head in wrong:
        with pytest.raises(LogFault):
            check_inclusion(leaf, place, size=size, path=steps, root=head)


@pure
@given(st.data())
def test_consistency_paths_are_those_of_the_definition_and_verify(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 130))
    old = data.draw(st.integers(1, size))
    entries = made(size)
    path = consistency_path(old, size, Memory(entries))
    assert path == subproof(old, entries, whole=True)
    roots = {"old_root": mth(entries[:old]), "root": mth(entries)}
    check_consistency(old, size, path=path, **roots)
    for key in roots:
        with pytest.raises(LogFault):
            check_consistency(old, size, path=path, **(roots | {key: leaf_hash(b"x")}))
    for steps in ([*path, roots["root"]], *([path[:-1], path[1:]] if path else [])):
        with pytest.raises(LogFault):
            check_consistency(old, size, path=steps, **roots)


def test_a_log_never_shrinks_and_an_empty_one_begins_every_log() -> None:
    check_consistency(0, 5, old_root=mth([]), root=mth(made(5)), path=[])
    for old, size, old_root in ((6, 5, mth(made(6))), (0, 5, mth(made(1)))):
        with pytest.raises(LogFault):
            check_consistency(old, size, old_root=old_root, root=mth(made(5)), path=[])


@pure
@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_go_both_ways(entries: list[bytes]) -> None:
    bundle = pack(entries)
    assert unpack(bundle) == entries
    if bundle:
        with pytest.raises(LogFault):
            unpack(bundle[:-1])


def test_paths_are_those_of_the_specification() -> None:
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path("entries", 5, 17) == "tile/entries/005.p/17"
    assert tile_path(1, 1000) == "tile/1/x001/000"
    assert list(shape(70_000)) == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]
    assert list(shape(256)) == [(0, 1, 0), (1, 0, 1)]


@with_files
@given(st.integers(0, 1100), st.lists(st.integers(1, 1100), max_size=4))
def test_tiles_written_in_any_batches_have_the_root_of_the_definition(size: int, steps: list[int]) -> None:
    entries = made(size)
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_log(folder, entries, steps=steps)
        assert verify_log(folder, ORIGIN, PUBLIC).root == mth(entries)
        assert list(Tiles(folder, size).entries()) == entries
        for index in {0, size // 2, size - 1} if size else set():
            text = write_proof(folder, index, origin=ORIGIN, public=PUBLIC)
            proven = verify_proof(text, origin=ORIGIN, public=PUBLIC)
            assert (proven.entry, proven.index, proven.head.root) == (entries[index], index, mth(entries))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 600 entries, with partial tiles of earlier checkpoints."""
    folder = tmp_path_factory.mktemp("log")
    write_log(folder, made(600), steps=[3, 100, 258, 520])
    return folder


@flips
@given(st.data())
def test_a_flip_of_any_bit_in_any_file_is_found(whole: Path, data: st.DataObject) -> None:
    files = sorted(path for path in whole.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files))
    before = path.read_bytes()
    at = data.draw(st.integers(0, len(before) - 1))
    bit = data.draw(st.integers(0, 7))
    changed = bytearray(before)
    changed[at] ^= 1 << bit
    path.write_bytes(changed)
    try:
        with pytest.raises(LogFault):
            verify_log(whole, ORIGIN, PUBLIC)
    finally:
        path.write_bytes(before)
    verify_log(whole, ORIGIN, PUBLIC)


@flips
@given(st.data())
def test_a_flip_of_any_bit_of_a_proof_is_found(whole: Path, data: st.DataObject) -> None:
    text = write_proof(whole, 300, origin=ORIGIN, public=PUBLIC)
    raw = bytearray(text.encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        changed = raw.decode()
    except UnicodeDecodeError:
        return
    with pytest.raises(LogFault):
        verify_proof(changed, origin=ORIGIN, public=PUBLIC)


def test_a_proof_is_of_its_own_event_and_key(whole: Path) -> None:
    text = write_proof(whole, 300, origin=ORIGIN, public=PUBLIC)
    verify_proof(text, origin=ORIGIN, public=PUBLIC, leaf=b"entry 300")
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    for origin, public, leaf in ((ORIGIN, PUBLIC, b"entry 301"), ("else", PUBLIC, None), (ORIGIN, other, None)):
        with pytest.raises(LogFault):
            verify_proof(text, origin=origin, public=public, leaf=leaf)


def test_a_missing_or_foreign_file_is_found(whole: Path) -> None:
    for path in sorted(path for path in whole.rglob("*") if path.is_file()):
        before = path.read_bytes()
        needed = path.name == CHECKPOINT or path.relative_to(whole).as_posix() in {
            *(tile_path(level, index) for level, full, _ in shape(600) for index in range(full)),
            *(tile_path(level, full, width) for level, full, width in shape(600) if width),
            *(tile_path("entries", index) for index in range(2)),
            tile_path("entries", 2, 600 % 256),
        }
        path.unlink()
        if needed:
            with pytest.raises(LogFault):
                verify_log(whole, ORIGIN, PUBLIC)
        path.write_bytes(before)
    stranger = whole / "tile" / "0" / "note.txt"
    stranger.write_text("hello")
    with pytest.raises(LogFault, match="no log has"):
        verify_log(whole, ORIGIN, PUBLIC)
    stranger.unlink()
    verify_log(whole, ORIGIN, PUBLIC)


def test_the_checkpoint_is_the_note_of_the_specification() -> None:
    head = Checkpoint(ORIGIN, 3, mth(made(3)))
    note = sign_checkpoint(head, public=PUBLIC, sign=KEY.sign)
    assert open_checkpoint(note, origin=ORIGIN, public=PUBLIC) == head
    twin = note[:-3] + chr(ord(note[-3]) + 1) + note[-2:]  # other letters for the same bytes
    assert decoded(twin) == decoded(note)
    with pytest.raises(LogFault, match="canonical"):
        open_checkpoint(twin, origin=ORIGIN, public=PUBLIC)
    witnessed = note + "\u2014 witness.example AAAAAAAA\n"
    assert open_checkpoint(witnessed, origin=ORIGIN, public=PUBLIC) == head
    assert parse_verifier_key(verifier_key(ORIGIN, PUBLIC)) == (ORIGIN, PUBLIC)
    with pytest.raises(KeyFault):
        sign_checkpoint(head, public=PUBLIC, sign=Ed25519PrivateKey.generate().sign)
    for wrong in (
        note[:-1],
        note.replace("\n3\n", "\n03\n"),
        note.partition("\n\n")[0],
        "",
        "\n\n",
        head.text + "\n\n",
    ):
        with pytest.raises(LogFault):
            open_checkpoint(wrong, origin=ORIGIN, public=PUBLIC)


@pytest.mark.parametrize("text", ["", "a+b", "log.example+00000000+AAAA", "log.example+zz+?"])
def test_a_wrong_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(LogFault):
        parse_verifier_key(text)
