# ruff: noqa: PLR1714 - kernels: numba takes arrays by position and compiles no sets
"""Opaque tokens: base64, hex and what nests in them, found by their look, decoded and read like any text.

Rule 1: every letter of a decoded text stands on the whole token, so whatever matches inside masks all of it.
Rule 2: a decoder's failure means nothing: the token stays opaque, and `strict` masks opaque tokens anyway.
"""

from __future__ import annotations

import base64
import binascii
import re

import numpy as np

from readingroom.anonymize.kernels import kernel
from readingroom.anonymize.tokens import Records
from readingroom.anonymize.views import BLOB, MODE_PLAIN, Letters, joined, plain_view

SHORTEST = 16
DEPTH = 3
RUN = np.dtype([("start", "i4"), ("end", "i4")], align=True)
_KIND = np.zeros(256, np.uint8)  # of a byte as written: 1 lower, 2 upper, 3 digit, 4 sign
_KIND[ord("a") : ord("z") + 1] = 1
_KIND[ord("A") : ord("Z") + 1] = 2
_KIND[ord("0") : ord("9") + 1] = 3
_KIND[list(b"+/_-")] = 4
KIND = _KIND
_CUTS = re.compile(rb"[/_\-+]")


@kernel
def _runs(v: Letters, out: Records) -> int:
    """Write the runs that look opaque; their number."""
    count = 0
    i = 0  # a run can begin here
    n = len(v.folded)
    while i + SHORTEST <= n:
        k = i + SHORTEST - 1
        while k >= i and KIND[v.plain[k]] != 0:
            k -= 1
        if k >= i:
            i = k + 1
            continue
        start = i
        i += SHORTEST
        while i < n and KIND[v.plain[i]] != 0:
            i += 1
        size = i - start
        changes = digits = others = 0
        kind = KIND[v.plain[start]]
        for k in range(start, i):
            before, kind = kind, KIND[v.plain[k]]
            changes += kind != before and kind != 4 and before != 4
            digits += kind == 3
            others += kind == 2 or kind == 1
        if others and (4 * changes >= size or (digits and 5 * changes >= size)):
            while i < n and v.plain[i] == 61:
                i += 1
            out[count].start = start
            out[count].end = i
            count += 1
    return count


def find_blobs(letters: Letters) -> Records:
    """The opaque tokens of a view."""
    out = np.empty(len(letters.folded) // SHORTEST + 1, RUN)
    return out[: _runs(letters, out)]


def decoded(token: bytes) -> list[bytes]:
    """The readable texts inside a token."""
    found = [text for text in (_hex(token), _base64(token)) if text]
    if not found:
        pieces = [piece for piece in _CUTS.split(token.rstrip(b"=")) if len(piece) >= 12]
        found = [text for piece in pieces for text in (_hex(piece), _base64(piece)) if text]
    return found


def _hex(token: bytes) -> bytes | None:
    try:
        return _readable(bytes.fromhex(token.decode("ascii")))
    except ValueError:
        return None


def _base64(token: bytes) -> bytes | None:
    bare = token.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return _readable(base64.b64decode(bare + b"=" * (-len(bare) % 4), validate=True))
    except (binascii.Error, ValueError):
        return None


def _readable(data: bytes) -> bytes | None:
    """The bytes if they are a text: UTF-8, nearly all printable."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    printable = sum(c.isprintable() or c.isspace() for c in text[:4096])
    return data if len(text) >= 4 and printable >= 0.9 * min(len(text), 4096) else None


def open_blobs(letters: Letters) -> tuple[Letters, Records]:
    """The view with the texts of its opaque tokens after it, and those tokens; nested ones too."""
    first = find_blobs(letters)
    views, runs, inside = [letters], first, letters
    for _ in range(DEPTH):
        inside = _open(inside, runs)
        if not len(inside.folded):
            break
        views.append(inside)
        runs = find_blobs(inside)
    return (joined(views) if len(views) > 1 else letters), first


def _open(letters: Letters, runs: Records) -> Letters:
    """The view of the texts inside the tokens, each letter on the whole token."""
    texts: list[bytes] = []
    places: list[int] = []
    plain = letters.plain
    for number, (start, end) in enumerate(zip(runs["start"].tolist(), runs["end"].tolist(), strict=True)):
        for text in decoded(plain[start:end].tobytes()):
            texts.append(text)
            places.append(number)
    if not texts:
        return letters.part(0, 0)
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=offsets[1:])
    inside = plain_view(np.frombuffer(b"".join(texts), np.uint8), offsets, MODE_PLAIN)
    # a wall stands at the end of its text, which is where the next one begins
    text_of = np.searchsorted(offsets, inside.start, side="right") - 1
    text_of = np.minimum(text_of - (inside.folded == 0), len(texts) - 1)
    run = np.array(places)[np.maximum(text_of, 0)]
    inside.start[:] = letters.start[runs["start"][run]]
    inside.end[:] = letters.end[runs["end"][run] - 1]
    inside.flags[:] |= BLOB
    return inside
