"""The Merkle tree of RFC 6962 section 2, over SHA-256: hashes, roots, and the two kinds of proof. Pure.

A perfect subtree (2**level leaves, number `index` from the left) is given by a function `node(level, index)`, so that
roots and proofs of any size need a logarithmic number of hashes and never the leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from readingroom.core.errors import LogFault

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Node = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf; the prefix keeps leaves and inner nodes apart (RFC 6962 2.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The Merkle tree hash over leaf hashes, or over roots of equally large perfect subtrees."""
    if not hashes:
        return EMPTY_ROOT
    peaks: list[tuple[int, bytes]] = []  # perfect subtrees from left to right, ever smaller
    for one in hashes:
        size, root = 1, one
        while peaks and peaks[-1][0] == size:
            root = node_hash(peaks.pop()[1], root)
            size *= 2
        peaks.append((size, root))
    root = peaks.pop()[1]
    while peaks:
        root = node_hash(peaks.pop()[1], root)
    return root


def tree_root(size: int, node: Node) -> bytes:
    """The root of the first `size` leaves."""
    return range_root(0, size, node) if size else EMPTY_ROOT


def range_root(low: int, high: int, node: Node) -> bytes:
    """The Merkle tree hash of the leaves [low, high), a range that a proof can ask for; never empty."""
    width = high - low
    if width & (width - 1) == 0 and low % width == 0:
        return node(width.bit_length() - 1, low // width)
    left = _split(width)
    return node_hash(range_root(low, low + left, node), range_root(low + left, high, node))


def inclusion_path(index: int, size: int, node: Node) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root of `size` leaves (RFC 6962 2.1.1)."""
    if not 0 <= index < size:
        raise LogFault(f"entry {index} is not in a tree of size {size}")
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(range_root(middle, high, node))
            high = middle
        else:
            path.append(range_root(low, middle, node))
            low = middle
    return path[::-1]


def consistency_path(old: int, size: int, node: Node) -> list[bytes]:
    """The hashes that show that the tree of `old` leaves is the beginning of the tree of `size` (RFC 6962 2.1.2)."""
    if not 0 <= old <= size:
        raise LogFault(f"a tree of size {size} has no beginning of size {old}")
    if old in {0, size}:
        return []
    path: list[bytes] = []
    low, high = 0, size
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(range_root(middle, high, node))
            high = middle
        else:
            path.append(range_root(low, middle, node))
            low = middle
    if low:  # the old tree is not a perfect subtree from the left edge: its last part is needed
        path.append(range_root(low, high, node))
    return path[::-1]


def check_inclusion(leaf: bytes, index: int, *, size: int, path: Sequence[bytes], root: bytes) -> None:
    """LogFault unless the leaf hash `leaf` is number `index` of the tree of `size` with `root` (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        raise LogFault(f"entry {index} is not in a tree of size {size}")
    place, last, result = index, size - 1, leaf
    for step in path:
        if last == 0:
            raise LogFault("the inclusion proof is too long")
        if place & 1 or place == last:
            result = node_hash(step, result)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            result = node_hash(result, step)
        place, last = place >> 1, last >> 1
    if last or result != root:
        raise LogFault("the inclusion proof does not lead to the root")


def check_consistency(old: int, size: int, *, old_root: bytes, root: bytes, path: Sequence[bytes]) -> None:
    """LogFault unless the tree of `size` begins with the tree of `old` (RFC 9162 2.1.4.2)."""
    if not 0 <= old <= size:
        raise LogFault("a log never shrinks")
    if old in {0, size}:
        same = old_root == (EMPTY_ROOT if old == 0 else root)
        if path or not same:
            raise LogFault("the two checkpoints contradict each other")
        return
    # an old tree that is a perfect subtree stands for itself; otherwise the path begins with its last perfect subtree
    steps = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not steps:
        raise LogFault("the consistency proof is too short")
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first, second = _climb(steps, place, last)
    if first != old_root or second != root:
        raise LogFault("the log was rewritten: the newer tree does not begin with the older one")


def _climb(steps: Sequence[bytes], place: int, last: int) -> tuple[bytes, bytes]:
    """Both roots that a consistency path leads to: the old tree's and the new one's."""
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise LogFault("the consistency proof is too long")
        if place & 1 or place == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, step)
        place, last = place >> 1, last >> 1
    if last:
        raise LogFault("the consistency proof is too short")
    return first, second


def _split(width: int) -> int:
    """The largest power of two smaller than `width` (RFC 6962's k)."""
    return 1 << ((width - 1).bit_length() - 1)
