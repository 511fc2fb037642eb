"""No words of the training in the artefact: every 8 bytes of the file are looked for in every training mail.

The file's numbers are read as they stand, with every second byte (UTF-16), and as what base64 or hex in them decodes
to; the mails as written and in lower case. 8 bytes of random floats are 8 bytes of some mail about once in a million
artefacts; a word that somebody hid there is, always. Reasons say where and how many, never which text.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

import numpy as np
import numpy.typing as npt

from readingroom.core.errors import Fault
from readingroom.models.artefact import body_start

SHORTEST: Final = 8
_TEXT: Final = re.compile(rb"[\x20-\x7e]{40,}")  # longer than chance makes: once in 10^13 places
_CODED: Final = re.compile(rb"[A-Za-z0-9+/=_-]{12,}")
_BLOCK: Final = 1 << 22


def verbatim(data: bytes, texts: Iterable[str]) -> list[str]:
    """Reasons to refuse the file; none if nothing of the texts is in it."""
    reasons = []
    try:
        body = data[body_start(data) :]
    except Fault:
        body = data
        reasons.append("the header holds something outside the public list")
    if _TEXT.search(body):
        reasons.append("a stretch of text longer than chance makes stands among the numbers")
    wanted = np.unique(np.concatenate([_windows(view) for view in _views(body)]))
    hits = sum(_hits(wanted, text) for text in _blocks(texts))
    if hits:
        reasons.append(f"stretches of {SHORTEST} bytes of training text stand in the artefact ({hits} matches)")
    return reasons


def _views(body: bytes) -> Iterator[bytes]:
    plain = (body, body[::2], body[1::2])
    for view in plain:
        yield view
        yield view.lower()
        yield from (part for coded in _CODED.findall(view) for part in _decoded(coded))


def _decoded(coded: bytes) -> Iterator[bytes]:
    for shift in range(4):  # where the code begins inside what looks like code
        whole = coded[shift:].translate(bytes.maketrans(b"-_", b"+/"))
        with suppress(binascii.Error):
            yield base64.b64decode(whole[: len(whole) // 4 * 4])
        with suppress(binascii.Error):
            yield binascii.unhexlify(whole[: len(whole) // 2 * 2])


def _blocks(texts: Iterable[str]) -> Iterator[bytes]:
    gathered: list[bytes] = []
    size = 0
    for text in texts:
        for form in (text, text.casefold()):
            gathered.append(form.encode("utf-8", "surrogatepass"))
            size += len(gathered[-1])
        if size >= _BLOCK:
            yield b"\x00".join(gathered)
            gathered, size = [], 0
    yield b"\x00".join(gathered)


def _hits(wanted: npt.NDArray[np.uint64], text: bytes) -> int:
    windows = np.unique(_windows(text))
    return int(np.isin(windows, wanted, assume_unique=True).sum())


def _windows(data: bytes) -> npt.NDArray[np.uint64]:
    """Every 8 bytes of `data` as one number, those of one repeated byte aside (zeros, lines of dashes)."""
    if len(data) < SHORTEST:
        return np.zeros(0, dtype=np.uint64)
    views = [np.frombuffer(data[at:], dtype="<u8", count=(len(data) - at) // 8) for at in range(SHORTEST)]
    found = np.concatenate(views)
    repeated = (found & np.uint64(0xFF)) * np.uint64(0x0101010101010101)
    varied: npt.NDArray[np.uint64] = found[found != repeated]
    return varied
