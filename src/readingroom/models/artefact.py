"""The file of a model: a fixed header and raw little-endian float32. No pickle, no archive, no metadata, no code.

Rule 1 (P31): every string of the header stands in WORDS, every number says a size; there is no field for anything else.
Rule 2: one model, one sequence of bytes: `decode` accepts only what `encode` would write.
Layout: MAGIC, the header's length (uint32), the header as canonical JSON, the arrays one after the other.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from readingroom.core.canonical import canonical, parse_object
from readingroom.core.errors import Fault, UsageError

MAGIC: Final = b"readingroom model 1\n"
WORDS: Final = frozenset(
    {"kind", "spam-checker", "hash", "grams-1", "type", "float32", "bits", "arrays"}
    | {"scale", "weights", "probes", "calibration"}
)
_SIZE: Final = struct.Struct("<I")
_LARGEST_BITS: Final = 20
_LARGEST_PROBES: Final = 1 << 16


@dataclass(frozen=True)
class Artefact:
    """What is released: numbers of a public shape."""

    bits: int
    scale: npt.NDArray[np.float32]  # 2^bits: how much a bucket counts
    weights: npt.NDArray[np.float32]  # 2^bits + 1: what a bucket says; the last is the bias
    probes: npt.NDArray[np.float32]  # planted coordinates: the model's own evidence of its noise (leaks.py)
    calibration: npt.NDArray[np.float32]  # slope, offset


def header(bits: int, probes: int) -> bytes:
    """The only header that a model of this shape can have."""
    sizes = {"scale": 1 << bits, "weights": (1 << bits) + 1, "probes": probes, "calibration": 2}
    return canonical({"kind": "spam-checker", "hash": "grams-1", "type": "float32", "bits": bits, "arrays": sizes})


def encode(artefact: Artefact) -> bytes:
    """The bytes of a model; the same model gives the same bytes."""
    head = header(artefact.bits, len(artefact.probes))
    arrays = (artefact.scale, artefact.weights, artefact.probes, artefact.calibration)
    return b"".join([MAGIC, _SIZE.pack(len(head)), head, *(array.astype("<f4").tobytes() for array in arrays)])


def decode(data: bytes) -> Artefact:
    """The model in `data`; Fault, saying what is wrong and nothing of the content, unless `encode` would write it."""
    bits, probes, at = _shape(data)
    counts = (1 << bits, (1 << bits) + 1, probes, 2)
    if len(data) != at + 4 * sum(counts):
        raise Fault("a model file is longer or shorter than its arrays")
    values = np.frombuffer(data, dtype="<f4", offset=at)
    if not np.isfinite(values).all():
        raise Fault("a model file holds something that is not a number")
    scale, weights, found, calibration = np.split(values, np.cumsum(counts)[:-1])
    return Artefact(bits, scale, weights, found, calibration)


def body_start(data: bytes) -> int:
    """Where the numbers begin; Fault if what stands before is not the one public header."""
    return _shape(data)[2]


def sha256(data: bytes) -> str:
    """The name of these bytes, on the card and in the register."""
    return hashlib.sha256(data).hexdigest()


def _shape(data: bytes) -> tuple[int, int, int]:
    """bits, probes, and where the arrays begin."""
    start = len(MAGIC) + _SIZE.size
    if not data.startswith(MAGIC) or len(data) < start:
        raise Fault("not a model file")
    size = _SIZE.unpack_from(data, len(MAGIC))[0]
    head = data[start : start + min(size, 1024)]
    try:
        body: Any = parse_object(head, what="a model's header")
        bits, probes = body["bits"], body["arrays"]["probes"]
    except (UsageError, KeyError, TypeError):
        raise Fault("a model file has an unreadable header") from None
    known = isinstance(bits, int) and isinstance(probes, int)
    if not known or not 1 <= bits <= _LARGEST_BITS or not 0 <= probes <= _LARGEST_PROBES:
        raise Fault("a model file has a shape that no training gives")
    if head != header(bits, probes):
        raise Fault("a model file has something in its header that no training writes")
    return bits, probes, start + size
